"""When a contact may be called: schedules, quiet hours, and the world's clocks."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns.hours import (
    ALL_DAY,
    OpeningHours,
    closes_at,
    describe,
    describe_hours,
    hours_a_week,
    is_open,
    next_opening,
    zone_in_words,
    zone_named,
)

CHICAGO = ZoneInfo("America/Chicago")
DENVER = ZoneInfo("America/Denver")
NEW_YORK = ZoneInfo("America/New_York")
KOLKATA = ZoneInfo("Asia/Kolkata")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
APIA = ZoneInfo("Pacific/Apia")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def mask(*ranges: tuple[int, int]) -> int:
    return sum(1 << hour for first, last in ranges for hour in range(first, last))


BUSINESS = (mask((9, 17)),) * 5 + (0, 0)
ALWAYS = (ALL_DAY,) * 7


def business(**changes) -> OpeningHours:
    return OpeningHours(hours=changes.pop("hours", BUSINESS), **changes)


def always(**changes) -> OpeningHours:
    """Open around the clock, quiet hours included: only the zones' days matter."""
    return OpeningHours(hours=ALWAYS, quiet_end_hour=0, quiet_start_hour=24, **changes)


def at(zone: ZoneInfo, *parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=zone, fold=fold).astimezone(UTC)


# --- Weekly hours ----------------------------------------------------------------------------------


def test_business_hours_open_at_nine_and_close_at_five_in_the_channels_zone():
    monday = (2026, 3, 2)
    assert not is_open(business(), CHICAGO, (), at(CHICAGO, *monday, 8, 59, 59))
    assert is_open(business(), CHICAGO, (), at(CHICAGO, *monday, 9))
    assert is_open(business(), CHICAGO, (), at(CHICAGO, *monday, 16, 59, 59))
    assert not is_open(business(), CHICAGO, (), at(CHICAGO, *monday, 17))


def test_friday_evening_waits_for_monday_morning():
    friday = at(CHICAGO, 2026, 3, 6, 17, 30)
    assert next_opening(business(), CHICAGO, (), friday) == at(CHICAGO, 2026, 3, 9, 9)


def test_open_now_is_the_next_opening_to_the_microsecond():
    now = at(CHICAGO, 2026, 3, 3, 10, 12, 13) + timedelta(microseconds=7)
    assert next_opening(business(), CHICAGO, (), now) == now


def test_closed_days_are_passed_over():
    holiday = business(closed_days=frozenset({date(2026, 3, 9), date(2026, 3, 10)}))
    assert next_opening(holiday, CHICAGO, (), at(CHICAGO, 2026, 3, 6, 18)) == at(CHICAGO, 2026, 3, 11, 9)


def test_nothing_opens_before_the_first_day_however_far_it_is():
    later = business(start_date=date(2026, 12, 1))
    assert next_opening(later, CHICAGO, (), at(CHICAGO, 2026, 3, 6, 10)) == at(CHICAGO, 2026, 12, 1, 9)


def test_nothing_opens_after_the_last_day():
    ending = business(end_date=date(2026, 3, 6))
    assert is_open(ending, CHICAGO, (), at(CHICAGO, 2026, 3, 6, 16))
    assert next_opening(ending, CHICAGO, (), at(CHICAGO, 2026, 3, 6, 17)) is None
    assert next_opening(ending, CHICAGO, (), at(CHICAGO, 2027, 3, 6, 17)) is None


def test_the_last_day_ends_by_the_channels_clock_and_not_by_utc():
    ending = always(end_date=date(2026, 3, 6))
    assert is_open(ending, CHICAGO, (), datetime(2026, 3, 7, 5, 59, tzinfo=UTC))
    assert not is_open(ending, CHICAGO, (), datetime(2026, 3, 7, 6, 0, tzinfo=UTC))


def test_no_hours_never_open():
    assert next_opening(business(hours=(0,) * 7), CHICAGO, (), at(CHICAGO, 2026, 3, 6, 10)) is None
    assert next_opening(business(hours=(0,) * 7), CHICAGO, (KOLKATA,), at(CHICAGO, 2026, 3, 6, 10)) is None


def test_hours_that_are_all_quiet_never_open():
    at_night = business(hours=(mask((0, 8), (21, 24)),) * 7)
    assert next_opening(at_night, CHICAGO, (), at(CHICAGO, 2026, 3, 6, 10)) is None
    assert next_opening(at_night, None, (DENVER,), at(CHICAGO, 2026, 3, 6, 10)) is None


def test_the_horizon_is_where_the_search_ends():
    later = business(start_date=date(2026, 3, 20))
    now = at(CHICAGO, 2026, 3, 6, 10)
    assert next_opening(later, CHICAGO, (), now, horizon_days=10) is None
    assert next_opening(later, CHICAGO, (), now, horizon_days=20) == at(CHICAGO, 2026, 3, 20, 9)


def test_a_time_without_a_zone_is_refused():
    for ask in (is_open, next_opening, closes_at):
        with pytest.raises(ValueError, match="without a zone"):
            ask(business(), CHICAGO, (), datetime(2026, 3, 6, 10))


def test_hours_are_seven_masks_of_a_day_and_quiet_hours_make_sense():
    for wrong in ((0,) * 6, (0,) * 8, (1 << 24, 0, 0, 0, 0, 0, 0), (-1, 0, 0, 0, 0, 0, 0)):
        with pytest.raises(ValueError, match="seven masks"):
            OpeningHours(hours=wrong)
    for end, start in ((21, 8), (8, 8), (-1, 21), (8, 25)):
        with pytest.raises(ValueError, match="Quiet hours"):
            OpeningHours(hours=BUSINESS, quiet_end_hour=end, quiet_start_hour=start)


def test_a_schedule_row_becomes_opening_hours():
    row = SimpleNamespace(
        hours=list(BUSINESS),
        start_date=date(2026, 3, 1),
        end_date=None,
        closed_days=[date(2026, 3, 9)],
    )
    assert OpeningHours.of(row, quiet_end_hour=9, quiet_start_hour=20) == OpeningHours(
        hours=BUSINESS,
        start_date=date(2026, 3, 1),
        closed_days=frozenset({date(2026, 3, 9)}),
        quiet_end_hour=9,
        quiet_start_hour=20,
    )
    assert zone_named("") is None
    assert zone_named("America/Chicago") is CHICAGO


# --- Whose clock -----------------------------------------------------------------------------------


def test_quiet_hours_of_the_contact_hold_on_top_of_the_channels_hours():
    # 9:00 in New York is 6:00 in Los Angeles.
    west = ZoneInfo("America/Los_Angeles")
    nine = at(NEW_YORK, 2026, 3, 3, 9)
    assert not is_open(business(), NEW_YORK, (west,), nine)
    assert next_opening(business(), NEW_YORK, (west,), nine) == at(west, 2026, 3, 3, 8)
    assert closes_at(business(), NEW_YORK, (west,), at(west, 2026, 3, 3, 8)) == at(NEW_YORK, 2026, 3, 3, 17)


def test_with_no_zone_of_its_own_the_channel_reads_the_contacts_clock():
    nine_in_denver = at(DENVER, 2026, 3, 3, 9)
    assert is_open(business(), None, (DENVER,), nine_in_denver)
    assert not is_open(business(), None, (DENVER,), nine_in_denver - timedelta(seconds=1))


def test_all_zones_a_number_may_be_in_must_be_open():
    # Nine in New York comes first, nine in Denver opens both; five in New York closes both.
    zones = (NEW_YORK, DENVER)
    assert next_opening(business(), None, zones, at(NEW_YORK, 2026, 3, 3, 9)) == at(DENVER, 2026, 3, 3, 9)
    assert closes_at(business(), None, zones, at(DENVER, 2026, 3, 3, 9)) == at(NEW_YORK, 2026, 3, 3, 17)


def test_zones_too_far_apart_never_meet():
    assert next_opening(business(), None, (NEW_YORK, KOLKATA), at(NEW_YORK, 2026, 3, 3, 9)) is None


def test_a_contact_of_unknown_zone_has_the_channels_and_without_one_utc():
    late = business(hours=ALWAYS)
    assert not is_open(late, CHICAGO, (), at(CHICAGO, 2026, 3, 3, 21))
    assert is_open(late, CHICAGO, (), at(CHICAGO, 2026, 3, 3, 20, 59))
    assert not is_open(late, None, (), datetime(2026, 3, 3, 21, tzinfo=UTC))
    assert is_open(late, None, (), datetime(2026, 3, 3, 8, tzinfo=UTC))


@pytest.mark.parametrize(("zone", "minutes"), [(KOLKATA, 30), (KATHMANDU, 15)])
def test_zones_off_by_half_and_quarter_hours_open_on_their_own_hour(zone, minutes):
    opening = next_opening(business(), zone, (), datetime(2026, 3, 2, 0, 0, tzinfo=UTC))
    assert opening == at(zone, 2026, 3, 2, 9)
    assert opening.minute == minutes


# --- Clocks that are changed -----------------------------------------------------------------------


def test_an_hour_that_the_clock_skips_is_never_open():
    # Chicago, 8 March 2026: 2:00 becomes 3:00.
    only_two = OpeningHours((mask((2, 3)),) * 7, quiet_end_hour=0, quiet_start_hour=24)
    before = at(CHICAGO, 2026, 3, 8, 1, 30)
    assert not is_open(only_two, CHICAGO, (), before + timedelta(minutes=30))
    assert next_opening(only_two, CHICAGO, (), before) == at(CHICAGO, 2026, 3, 9, 2)


def test_an_hour_around_the_skipped_one_opens_the_moment_the_clock_is_set():
    two_to_four = OpeningHours((mask((2, 4)),) * 7, quiet_end_hour=0, quiet_start_hour=24)
    opening = next_opening(two_to_four, CHICAGO, (), at(CHICAGO, 2026, 3, 8, 0, 30))
    assert opening == at(CHICAGO, 2026, 3, 8, 3)
    assert closes_at(two_to_four, CHICAGO, (), opening) == opening + timedelta(hours=1)


def test_an_hour_that_comes_twice_is_open_twice():
    # Chicago, 1 November 2026: 2:00 becomes 1:00 once more.
    only_one = OpeningHours((mask((1, 2)),) * 7, quiet_end_hour=0, quiet_start_hour=24)
    first = at(CHICAGO, 2026, 11, 1, 1)
    again = at(CHICAGO, 2026, 11, 1, 1, fold=1)
    assert again - first == timedelta(hours=1)
    assert is_open(only_one, CHICAGO, (), first)
    assert is_open(only_one, CHICAGO, (), again)
    assert closes_at(only_one, CHICAGO, (), first) == again + timedelta(hours=1)


def test_the_hour_before_a_clock_set_back_opens_again():
    # Open 0:00-1:00 in Havana, where on 1 November 2026 1:00 becomes 0:00.
    havana = ZoneInfo("America/Havana")
    only_midnight = OpeningHours((mask((0, 1)),) * 7, quiet_end_hour=0, quiet_start_hour=24)
    first = at(havana, 2026, 11, 1, 0)
    assert closes_at(only_midnight, havana, (), first) == first + timedelta(hours=2)


def test_lord_howe_sets_its_clock_by_half_an_hour():
    # 4 October 2026: 2:00 becomes 2:30.
    only_two = OpeningHours((mask((2, 3)),) * 7, quiet_end_hour=0, quiet_start_hour=24)
    opening = next_opening(only_two, LORD_HOWE, (), at(LORD_HOWE, 2026, 10, 4, 1))
    assert opening == at(LORD_HOWE, 2026, 10, 4, 2, 30)
    assert closes_at(only_two, LORD_HOWE, (), opening) == opening + timedelta(minutes=30)


def test_a_day_that_samoa_skipped_is_not_waited_for():
    only_the_thirtieth = always(start_date=date(2011, 12, 30), end_date=date(2011, 12, 30))
    before = at(APIA, 2011, 12, 29, 12)
    assert next_opening(only_the_thirtieth, APIA, (), before) is None
    friday = OpeningHours((0, 0, 0, 0, mask((9, 17)), 0, 0))
    assert next_opening(friday, APIA, (), before) == at(APIA, 2012, 1, 6, 9)
    saturday = OpeningHours((0, 0, 0, 0, 0, mask((9, 17)), 0))
    assert next_opening(saturday, APIA, (), before) == at(APIA, 2011, 12, 31, 9)


def test_a_day_that_the_clock_goes_back_to_is_still_the_last_day():
    # St. John's, 7 November 2010: a minute past midnight becomes a minute past eleven, the day before.
    st_johns = ZoneInfo("America/St_Johns")
    last = always(end_date=date(2010, 11, 6))
    past_midnight = at(st_johns, 2010, 11, 7, 0, 0)
    assert not is_open(last, st_johns, (), past_midnight)
    assert next_opening(last, st_johns, (), past_midnight) == past_midnight + timedelta(minutes=1)


# --- Closing ---------------------------------------------------------------------------------------


def test_what_is_closed_closes_at_once():
    now = at(CHICAGO, 2026, 3, 7, 10)
    assert closes_at(business(), CHICAGO, (), now) == now


def test_what_never_closes_has_no_end():
    assert closes_at(always(), CHICAGO, (), at(CHICAGO, 2026, 3, 7, 10)) is None


def test_around_the_clock_closes_after_the_last_day():
    last = always(end_date=date(2026, 3, 20))
    assert closes_at(last, CHICAGO, (), at(CHICAGO, 2026, 3, 7, 10)) == at(CHICAGO, 2026, 3, 21)


# --- Properties, against brute force ---------------------------------------------------------------

# Where clocks are set by an hour, half an hour, at midnight, in the south, never, and across the date line.
ZONES = [
    "America/Chicago",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Asuncion",
    "America/Sao_Paulo",
    "America/Santiago",
    "Europe/London",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "America/Adak",
    "Antarctica/Troll",
    "UTC",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
masks = st.one_of(
    st.just(0),
    st.just(ALL_DAY),
    st.integers(0, ALL_DAY),
    st.tuples(st.integers(0, 23), st.integers(1, 24)).map(lambda pair: mask((min(pair), max(pair)))),
)
# Around the days on which the zones above set their clocks, and anywhere else.
CHANGES = [
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 4, 5, tzinfo=UTC),
    datetime(2026, 9, 6, tzinfo=UTC),
    datetime(2026, 10, 4, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC),
    datetime(2011, 12, 30, tzinfo=UTC),
    datetime(2010, 11, 7, tzinfo=UTC),
    datetime(2018, 11, 4, tzinfo=UTC),
]
near_a_change = st.builds(
    lambda change, seconds: change + timedelta(seconds=seconds),
    st.sampled_from(CHANGES),
    st.integers(-4 * 86400, 2 * 86400),
)
moments = st.one_of(
    near_a_change,
    st.datetimes(datetime(2009, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),
)


@st.composite
def opening_hours(draw, around: datetime) -> OpeningHours:
    quiet_end, quiet_start = draw(st.sampled_from([(8, 21), (0, 24), (9, 20), (0, 12)]))
    days = st.integers(-3, 12).map(lambda offset: (around + timedelta(days=offset)).date())
    start, end = sorted([draw(days), draw(days)])
    return OpeningHours(
        hours=tuple(draw(st.lists(masks, min_size=7, max_size=7))),
        start_date=draw(st.sampled_from([None, start])),
        end_date=draw(st.sampled_from([None, end])),
        closed_days=frozenset(draw(st.lists(days, max_size=3))),
        quiet_end_hour=quiet_end,
        quiet_start_hour=quiet_start,
    )


@st.composite
def situations(draw):
    after = draw(moments)
    return (
        draw(opening_hours(after)),
        draw(st.one_of(st.none(), zones)),
        tuple(draw(st.lists(zones, max_size=3, unique=True))),
        after,
    )


def reference(hours: OpeningHours, channel_zone, contact_zones, now: datetime) -> bool:
    """The rules once more, as plainly as they can be said."""
    own = contact_zones or (channel_zone or ZoneInfo("UTC"),)
    for zone in (channel_zone,) if channel_zone else own:
        local = now.astimezone(zone)
        if hours.start_date and local.date() < hours.start_date:
            return False
        if hours.end_date and local.date() > hours.end_date:
            return False
        if local.date() in hours.closed_days:
            return False
        if not hours.hours[local.weekday()] & (1 << local.hour):
            return False
    return all(hours.quiet_end_hour <= now.astimezone(zone).hour < hours.quiet_start_hour for zone in own)


def quarters(start: datetime, end: datetime):
    """Every quarter of an hour from ``start`` up to ``end``, and both ends."""
    yield start
    quarter = start.replace(minute=start.minute - start.minute % 15, second=0, microsecond=0)
    for step in itertools.count(1):
        moment = quarter + step * timedelta(minutes=15)
        if moment >= end:
            return
        yield moment


@given(situations())
def test_open_is_what_the_rules_say(situation):
    assert is_open(*situation) == reference(*situation)


HORIZON_DAYS = 9


@settings(deadline=None)
@given(situations())
def test_the_next_opening_is_open_and_nothing_before_it_is(situation):
    hours, channel_zone, contact_zones, after = situation
    found = next_opening(hours, channel_zone, contact_zones, after, horizon_days=HORIZON_DAYS)
    end = found or after + timedelta(days=HORIZON_DAYS)
    assert end >= after
    if found is not None:
        assert is_open(hours, channel_zone, contact_zones, found)
        if found > after:
            assert not is_open(hours, channel_zone, contact_zones, found - timedelta(seconds=1))
    if found != after:
        assert not any(reference(hours, channel_zone, contact_zones, t) for t in quarters(after, end))


@settings(deadline=None)
@given(situations())
def test_it_stays_open_until_it_closes(situation):
    hours, channel_zone, contact_zones, after = situation
    found = closes_at(hours, channel_zone, contact_zones, after, horizon_days=HORIZON_DAYS)
    end = found or after + timedelta(days=HORIZON_DAYS)
    assert end >= after
    if found is not None:
        assert not is_open(hours, channel_zone, contact_zones, found)
    if found != after:
        assert all(reference(hours, channel_zone, contact_zones, t) for t in quarters(after, end))


@given(situations())
@example((always(), None, (), datetime(2026, 1, 1, tzinfo=UTC)))
def test_the_next_opening_after_an_opening_is_itself(situation):
    hours, channel_zone, contact_zones, after = situation
    found = next_opening(hours, channel_zone, contact_zones, after)
    if found is not None:
        assert found >= after
        assert next_opening(hours, channel_zone, contact_zones, found) == found


@given(situations(), st.integers(0, 5 * 86400))
def test_who_asks_later_is_never_told_an_earlier_time(situation, seconds):
    hours, channel_zone, contact_zones, after = situation
    sooner = next_opening(hours, channel_zone, contact_zones, after)
    later = next_opening(hours, channel_zone, contact_zones, after + timedelta(seconds=seconds))
    if later is not None and sooner is not None:
        assert later >= sooner


@given(situations())
def test_the_order_of_a_contacts_zones_changes_nothing(situation):
    hours, channel_zone, contact_zones, after = situation
    assert next_opening(*situation) == next_opening(hours, channel_zone, contact_zones[::-1], after)


# --- In words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (BUSINESS, "Mon–Fri 9:00–17:00"),
        (
            (*(mask((9, 17)),) * 5, mask((10, 14)), 0),
            "Mon–Fri 9:00–17:00, Sat 10:00–14:00",
        ),
        ((mask((9, 12), (13, 17)),) * 7, "Every day 9:00–12:00 and 13:00–17:00"),
        ((mask((9, 12)), 0, mask((9, 12)), 0, mask((9, 12)), 0, 0), "Mon, Wed and Fri 9:00–12:00"),
        (
            (mask((9, 12)), mask((9, 12)), 0, mask((9, 12)), mask((9, 12)), 0, 0),
            "Mon–Tue and Thu–Fri 9:00–12:00",
        ),
        ((0, 0, 0, 0, 0, ALL_DAY, mask((18, 24))), "Sat all day, Sun 18:00–24:00"),
        ((0,) * 7, "Never"),
        ((mask((0, 1)), 0, 0, 0, 0, 0, 0), "Mon 0:00–1:00"),
    ],
)
def test_weekly_hours_in_words(hours, words):
    assert describe_hours(list(hours)) == words


def test_hours_with_their_zone_and_their_sum_in_words():
    assert (
        describe([*BUSINESS[:5], mask((10, 14)), 0], "America/Chicago")
        == "Mon–Fri 9:00–17:00, Sat 10:00–14:00, Chicago time; 44 hours a week"
    )
    assert describe(BUSINESS, "") == "Mon–Fri 9:00–17:00, each contact’s own time; 40 hours a week"
    assert describe([1, 0, 0, 0, 0, 0, 0], "UTC") == "Mon 0:00–1:00, UTC; 1 hour a week"
    assert describe(ALWAYS, "Asia/Kolkata") == "Every day, all day, Kolkata time"
    assert describe([0] * 7, "UTC") == "Never open"
    assert describe_hours(BUSINESS, "UTC") == describe(BUSINESS, "UTC")


def test_zones_in_words():
    assert zone_in_words("America/Argentina/Buenos_Aires") == "Buenos Aires time"
    assert zone_in_words("Etc/UTC") == "UTC"


@given(st.lists(masks, min_size=7, max_size=7))
def test_hours_a_week_are_counted(hours):
    assert hours_a_week(hours) == sum(bin(day).count("1") for day in hours)
    assert describe(hours, "UTC")
