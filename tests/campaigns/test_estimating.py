"""When everybody will have been called once: the estimate, by example and by property."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.estimating import Estimate, Group, estimate
from campaigns.hours import OpeningHours, is_open

NEW_YORK, DENVER, TOKYO = (ZoneInfo(name) for name in ("America/New_York", "America/Denver", "Asia/Tokyo"))
OFFICE = OpeningHours((sum(1 << hour for hour in range(9, 17)),) * 5 + (0, 0))
ALWAYS = OpeningHours(((1 << 24) - 1,) * 7, quiet_end_hour=0, quiet_start_hour=24)
# A Friday, 10:00 in New York.
FRIDAY = datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_while_open_it_takes_contacts_over_rate():
    assert estimate([Group((NEW_YORK,), 60)], OFFICE, None, 1 / 60, FRIDAY) == Estimate(
        FRIDAY + timedelta(hours=1)
    )


def test_what_is_left_in_the_evening_goes_on_after_the_weekend():
    # Seven hours are left on Friday; the eighth is Monday's first.
    assert estimate([Group((NEW_YORK,), 8)], OFFICE, None, 1 / 3600, FRIDAY).done_at == datetime(
        2026, 11, 23, 15, tzinfo=UTC
    )


def test_who_is_open_shares_the_pace():
    groups = [Group((NEW_YORK,), 3600), Group((DENVER,), 3600)]
    # Denver opens at 11:00 New York time; the first hour is New York's alone.
    assert estimate(groups, OFFICE, None, 1, FRIDAY).done_at == FRIDAY + timedelta(hours=2)


def test_a_far_first_day_is_waited_for():
    hours = replace(OFFICE, start_date=date(2027, 6, 1))
    found = estimate([Group((TOKYO,), 10)], hours, None, 1, FRIDAY)
    assert found.done_at == datetime(2027, 6, 1, 0, 0, 10, tzinfo=UTC)


def test_who_is_left_when_the_last_day_is_over_is_told():
    hours = replace(OFFICE, end_date=date(2026, 11, 20))
    assert estimate([Group((NEW_YORK,), 10)], hours, None, 1 / 3600, FRIDAY) == Estimate(None, 3)


@pytest.mark.parametrize(
    "hours", [replace(OFFICE, hours=(0,) * 7), replace(OFFICE, end_date=date(2026, 1, 1))]
)
def test_nobody_is_called_where_it_never_opens(hours):
    assert estimate([Group((NEW_YORK,), 10)], hours, None, 1, FRIDAY) == Estimate(None, 10)


def test_a_year_and_more_is_not_guessed():
    assert estimate([Group((NEW_YORK,), 1_000_000)], OFFICE, None, 1 / 60, FRIDAY) == Estimate(None)


def test_months_are_worked_out_from_the_last_week():
    # 40 hours a week at a call a minute: 2,400 a week.
    found = estimate([Group((NEW_YORK,), 24_000)], OFFICE, None, 1 / 60, FRIDAY).done_at
    assert abs((found - FRIDAY).days - 70) <= 3


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 5000), min_size=1, max_size=4),
    rate=st.sampled_from([0.2, 1, 5]),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
)
def test_it_is_never_done_before_the_work_is_nor_outside_the_hours(counts, rate, start):
    zones = (NEW_YORK, DENVER, TOKYO, ZoneInfo("Europe/Berlin"))
    groups = [Group((zone,), count) for zone, count in zip(zones, counts, strict=False)]
    found = estimate(groups, OFFICE, None, rate, start)
    total = sum(counts)
    assert found.done_at is not None
    assert (found.done_at - start).total_seconds() >= total / rate - 1
    if total and (found.done_at - start).days < 13:
        just_before = found.done_at - timedelta(milliseconds=10)
        assert any(is_open(OFFICE, None, group.zones, just_before) for group in groups)
    always = estimate(groups, ALWAYS, None, rate, start)
    assert abs((always.done_at - start).total_seconds() - total / rate) < 1


def test_it_is_not_done_before_the_last_callback_is_due():
    # Called in a minute all of them, but for one who asked for Monday, 11:00.
    monday = datetime(2026, 11, 23, 16, tzinfo=UTC)
    groups = [Group((NEW_YORK,), 60), Group((NEW_YORK,), 1, monday)]
    assert estimate(groups, OFFICE, None, 1, FRIDAY) == Estimate(monday, waits_for_last=True)


def test_a_due_time_outside_the_hours_is_moved_into_them():
    sunday = datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert estimate([Group((NEW_YORK,), 1, sunday)], OFFICE, None, 1, FRIDAY).done_at == datetime(
        2026, 11, 23, 14, tzinfo=UTC
    )


def test_where_there_is_more_to_do_the_last_due_time_says_nothing():
    soon = FRIDAY + timedelta(minutes=10)
    assert estimate([Group((NEW_YORK,), 60, soon)], OFFICE, None, 1 / 60, FRIDAY) == Estimate(
        FRIDAY + timedelta(hours=1)
    )


def test_who_is_due_after_the_last_day_is_not_waited_for():
    hours = replace(OFFICE, end_date=date(2026, 11, 20))
    next_week = FRIDAY + timedelta(days=5)
    assert estimate([Group((NEW_YORK,), 60, next_week)], hours, None, 1, FRIDAY).done_at == (
        FRIDAY + timedelta(minutes=1)
    )


@settings(max_examples=60, deadline=None)
@given(
    due=st.lists(
        st.datetimes(datetime(2026, 11, 20), datetime(2026, 12, 31), timezones=st.just(UTC)), max_size=4
    )
)
def test_it_is_never_done_before_anybody_is_due(due):
    zones = (NEW_YORK, DENVER, TOKYO, ZoneInfo("Europe/Berlin"))
    groups = [Group((zone,), 10, at) for zone, at in zip(zones, due, strict=False)]
    found = estimate([*groups, Group((DENVER,), 5)], OFFICE, None, 1, FRIDAY)
    assert found.done_at is not None
    assert all(found.done_at >= at for at in due)
