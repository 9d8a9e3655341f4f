"""Who is called next, and who is not: the claim, against a real database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from campaigns.models import Channel, ChannelDrive, Enrollment, Schedule
from campaigns.models.rules import ALL_DAY
from campaigns.rulebook import load_rulebook
from campaigns.services import pause_channel, unassign_list
from contacts.models import Contact
from contacts.services import NumberStays, edit_contact
from dialer.driving import claim as claiming
from dialer.driving import placing
from dialer.driving.claim import BUSY_ELSEWHERE, SPARE_CANDIDATES, Claim, claim
from dialer.models import Call, CarrierAccount
from dialer.statements import rows
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
    zone_set,
)
from tests.factories.dialer import CallFactory

DRIVER = "driver-of-the-test"
NEW_NUMBER = "+14155550199"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    """An account without a limit worth mentioning, and people who may be called at any hour."""
    settings.ACCOUNT_CALLS_PER_SECOND = 1000
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def leased(driver: str = DRIVER, seconds: float = 60, **options: Any) -> Channel:
    """A running channel, leased, whose pace has been idle for long."""
    defaults = {
        "running": True,
        "voice__concurrent_calls": 50,
        "voice__calls_per_second": 1000,
        "voice__max_attempts_per_day": None,
    }
    channel = ChannelFactory(**{**defaults, **options})
    ChannelDrive.objects.filter(channel=channel).update(
        owner=driver,
        leased_until=timezone.now() + timedelta(seconds=seconds),
        next_start_at=timezone.now() - timedelta(hours=1),
    )
    CarrierAccount.objects.update_or_create(
        auth_id=django_settings.PLIVO_AUTH_ID,
        defaults={"next_start_at": timezone.now() - timedelta(hours=1), "held_until": None},
    )
    return channel


def claimed(channel: Channel, driver: str = DRIVER, free_placers: int = 100, share: int = 1) -> Claim:
    return claim(channel_id=channel.pk, driver=driver, free_placers=free_placers, share=share)


def numbers(result: Claim) -> list[str]:
    return [order.to_number for order in result.orders]


def waiting(channel: Channel, *, due_seconds: float = -60, zones: Any = (), **options: Any) -> Enrollment:
    contact = options.pop("contact", None) or ContactFactory(zone_set=zone_set(*zones))
    return EnrollmentFactory(
        channel=channel, contact=contact, due_at=timezone.now() + timedelta(seconds=due_seconds), **options
    )


def hours_of(*open_hours: int) -> list[int]:
    return [sum(1 << hour for hour in open_hours)] * 7


# --- The order -------------------------------------------------------------------------------------


def test_callbacks_go_first_then_retries_then_fresh_contacts_each_by_due_time():
    channel = leased()
    fresh_late = waiting(channel, due_seconds=-10)
    fresh_early = waiting(channel, due_seconds=-900)
    retry_late = waiting(channel, due_seconds=-5, status="retry", attempts=1)
    retry_early = waiting(channel, due_seconds=-50, status="retry", attempts=1)
    callback_late = waiting(channel, due_seconds=-1, status="callback", attempts=1)
    callback_early = waiting(channel, due_seconds=-2, status="callback", attempts=1)
    order = [callback_early, callback_late, retry_early, retry_late, fresh_early, fresh_late]
    assert numbers(claimed(channel)) == [enrollment.contact.phone_number for enrollment in order]


def test_a_claimed_contact_is_being_called_and_its_call_is_an_intent():
    channel = leased()
    enrollment = waiting(channel, status="retry", attempts=2, reason="Busy, attempt 2 of 3.")
    (order,) = claimed(channel).orders
    enrollment.refresh_from_db()
    call = Call.objects.get()
    assert (enrollment.status, enrollment.attempts, enrollment.reason) == ("calling", 2, "")
    assert (call.pk, call.state, call.attempt, call.claimed_from) == (order.call_id, "intent", 3, "retry")
    assert call.owner == DRIVER
    assert call.deadline_at > timezone.now()
    assert call.accepted_at is None


def test_who_is_not_due_yet_is_left_alone_and_looked_at_when_due():
    channel = leased()
    enrollment = waiting(channel, due_seconds=0.5)
    result = claimed(channel)
    assert not result.orders
    assert not result.is_exhausted
    assert result.next_look_at == enrollment.due_at


def test_a_run_is_exhausted_only_when_nobody_waits_and_no_call_is_live():
    channel = leased()
    call = CallFactory(enrollment=waiting(channel, status="calling"), state="ringing")
    assert not claimed(channel).is_exhausted
    waiting(channel, due_seconds=3600)
    Call.objects.filter(pk=call.pk).update(
        state="ended", outcome="busy", ended_at=timezone.now(), deadline_at=None
    )
    assert not claimed(channel).is_exhausted
    Enrollment.objects.filter(status="pending").delete()
    assert claimed(channel).is_exhausted


def test_contacts_of_an_earlier_run_are_not_called():
    channel = leased(run=2)
    waiting(channel, run=1)
    result = claimed(channel)
    assert not result.orders
    assert result.is_exhausted


# --- Hours -----------------------------------------------------------------------------------------


def test_a_closed_zone_is_put_off_to_its_opening_all_of_it_at_once(settings):
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 8, 21
    channel = leased(voice__concurrent_calls=1)
    now = timezone.now()
    closed = next(
        zone
        for zone in ("Asia/Tokyo", "Europe/Berlin", "America/Los_Angeles")
        if not 7 <= now.astimezone(ZoneInfo(zone)).hour <= 21
    )
    for _ in range(40):
        waiting(channel, zones=(closed,))
    result = claimed(channel)
    assert not result.orders
    local = now.astimezone(ZoneInfo(closed))
    opening = local.replace(hour=8, minute=0, second=0, microsecond=0)
    opening += timedelta(days=opening < local)
    found = Enrollment.objects.filter(channel=channel)
    assert set(found.values_list("status", "due_at", "reason")) == {
        ("pending", opening, "Outside the contact’s hours")
    }


def test_a_contact_with_several_possible_zones_is_called_only_when_all_are_open(settings):
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 8, 21
    now = timezone.now()
    # Eleven hours apart: never both closed, never both open for the whole day.
    one, other = "Europe/London", "Pacific/Auckland"
    are_open = [8 <= now.astimezone(ZoneInfo(zone)).hour < 21 for zone in (one, other)]
    channel = leased()
    waiting(channel, zones=(one, other))
    assert len(claimed(channel).orders) == all(are_open)


def zone_where_it_is(hour: int, now: datetime) -> str:
    """A zone in which it is this hour of the day right now (offsets from -11 to +12)."""
    offset = (hour - now.hour + 11) % 24 - 11
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def test_each_contacts_own_zone_counts_where_the_channel_has_none(settings):
    # Wherever on earth it is the afternoon: the channel's hours are read there, not in UTC.
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 8, 21
    now = timezone.now()
    channel = leased(schedule__hours=hours_of(9, 10, 11, 12, 13, 14, 15, 16))
    afternoon = waiting(channel, zones=(zone_where_it_is(13, now),))
    night = waiting(channel, zones=(zone_where_it_is(1, now),))
    assert numbers(claimed(channel)) == [afternoon.contact.phone_number]
    night.refresh_from_db()
    assert night.due_at > now


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_a_channel_without_a_zone_is_not_closed_by_the_hour_in_utc(settings, hour):
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 8, 21
    channel = leased(schedule__hours=hours_of(9, 10, 11, 12, 13, 14, 15, 16))
    rules = load_rulebook(channel.pk)
    now = datetime(2026, 3, 4, hour, 30, tzinfo=UTC)
    assert rules.opens_at(now) == now
    assert rules.is_open((ZoneInfo(zone_where_it_is(13, now)),), now)


def test_quiet_hours_are_the_contacts_not_the_channels(settings):
    # A channel kept in a zone where it is night calls people where it is day.
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 8, 21
    now = timezone.now()
    channel = leased(schedule__time_zone=zone_where_it_is(23, now))
    day = waiting(channel, zones=(zone_where_it_is(14, now),))
    waiting(channel, zones=(zone_where_it_is(23, now),))
    assert numbers(claimed(channel)) == [day.contact.phone_number]


def test_outside_its_own_hours_a_channel_waits_for_its_opening():
    now = timezone.now()
    later = (now + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
    channel = leased(schedule__time_zone="UTC", schedule__hours=hours_of(later.hour))
    waiting(channel)
    result = claimed(channel)
    drive = ChannelDrive.objects.get(channel=channel)
    assert not result.orders
    assert (drive.waiting_for, drive.waiting_until) == ("outside its hours", later)
    assert result.next_look_at <= result.now + timedelta(seconds=1)


def test_a_contact_whose_hours_never_meet_the_channels_is_skipped_with_the_reason(settings):
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 8, 21
    now = timezone.now()
    here = zone_where_it_is(14, now)
    # Twelve hours away, the channel's hour is in the night for good.
    there = zone_where_it_is(2, now)
    channel = leased(schedule__time_zone=here, schedule__hours=hours_of(14))
    enrollment = waiting(channel, zones=(there,))
    assert not claimed(channel).orders
    enrollment.refresh_from_db()
    assert enrollment.status == "skipped"
    assert enrollment.reason == "The schedule never meets the contact’s own hours"


def test_after_its_last_day_a_channel_is_past_its_end_and_its_contacts_still_wait():
    channel = leased(schedule__time_zone="UTC", schedule__end_date=date(2026, 1, 1))
    enrollment = waiting(channel)
    result = claimed(channel)
    assert result.is_past_its_end
    enrollment.refresh_from_db()
    assert enrollment.status == "pending"


def test_the_last_day_is_over_for_a_channel_without_a_zone_when_it_is_over_everywhere():
    today = timezone.now().date()
    assert claimed(leased(schedule__end_date=today - timedelta(days=3))).is_past_its_end
    assert not claimed(leased(schedule__end_date=today + timedelta(days=1))).is_past_its_end


def test_who_can_only_be_called_after_the_last_day_is_not_given_up(settings):
    """It is night where they are, and the last day: the channel will pause, and may get more days."""
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 8, 21
    now = timezone.now()
    here = ZoneInfo(zone_where_it_is(12, now))
    last = now.astimezone(here).date()
    channel = leased(schedule__time_zone=here.key, schedule__end_date=last)
    enrollment = waiting(channel, zones=(zone_where_it_is(22, now),))
    assert not claimed(channel).orders
    enrollment.refresh_from_db()
    over = datetime.combine(last + timedelta(days=1), time(), here)
    opens_again_today = enrollment.reason == "Outside the contact’s hours"
    assert enrollment.status == "pending"
    assert opens_again_today or (enrollment.due_at, enrollment.reason) == (over, "The last day has passed")


def test_closed_days_and_days_before_the_first_are_waited_out():
    today = timezone.now().astimezone(UTC).date()
    for options in (
        {"schedule__closed_days": [today]},
        {"schedule__start_date": today + timedelta(days=1)},
    ):
        channel = leased(schedule__time_zone="UTC", **options)
        waiting(channel)
        result = claimed(channel)
        assert not result.orders
        tomorrow = datetime.combine(today + timedelta(days=1), time(), UTC)
        assert ChannelDrive.objects.get(channel=channel).waiting_until == tomorrow


# --- Who must not be called ------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "is_called"), [("all", False), ("voice", False), ("text", True)])
def test_who_is_on_do_not_contact_is_refused_unless_only_texts_are_meant(scope, is_called):
    channel = leased()
    enrollment = waiting(channel)
    DoNotContactFactory(phone_number=enrollment.contact.phone_number, scope=scope)
    assert len(claimed(channel).orders) == is_called
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.reason) == (
        ("calling", "") if is_called else ("do_not_call", "On do-not-contact")
    )


@pytest.mark.parametrize(
    ("cap", "past_hours", "is_called"),
    [
        ({"voice__max_attempts_per_day": 2}, [1], True),
        ({"voice__max_attempts_per_day": 2}, [1, 23], False),
        ({"voice__max_attempts_per_day": 2}, [1, 25], True),
        ({"voice__max_attempts_per_day": 1}, [23.9], False),
        ({"voice__max_attempts_per_week": 3}, [1, 30, 160], False),
        ({"voice__max_attempts_per_week": 3}, [1, 30, 170], True),
        ({"voice__max_attempts_per_day": 5, "voice__max_attempts_per_week": 2}, [100, 120], False),
        ({}, [1] * 40, True),
    ],
)
def test_frequency_caps_count_calls_of_all_campaigns(cap, past_hours, is_called):
    channel = leased(**cap)
    enrollment = waiting(channel)
    for hours in past_hours:
        CallFactory(
            to_number=enrollment.contact.phone_number,
            created_at=timezone.now() - timedelta(hours=hours),
            outcome="no_answer",
        )
    assert len(claimed(channel).orders) == is_called


def test_who_is_over_the_cap_waits_until_it_leaves_room():
    channel = leased(voice__max_attempts_per_day=2)
    enrollment = waiting(channel)
    accepted = [timezone.now() - timedelta(hours=hours) for hours in (20, 5, 3)]
    for moment in accepted:
        CallFactory(to_number=enrollment.contact.phone_number, created_at=moment, outcome="busy")
    assert not claimed(channel).orders
    enrollment.refresh_from_db()
    # Two of the last day are too many until the second newest is a day old.
    assert enrollment.due_at == accepted[1] + timedelta(days=1)
    assert (enrollment.status, enrollment.reason) == ("pending", "Over the cap of attempts")
    channel.drive.refresh_from_db()
    assert channel.drive.waiting_for == "room under the cap of attempts"
    assert channel.drive.waiting_until == enrollment.due_at


def test_calls_that_were_never_placed_do_not_count_towards_a_cap():
    channel = leased(voice__max_attempts_per_day=1)
    enrollment = waiting(channel)
    CallFactory(to_number=enrollment.contact.phone_number, accepted_at=None, outcome="withdrawn")
    assert len(claimed(channel).orders) == 1


@pytest.mark.parametrize("state", ["intent", "placing", "unknown", "ringing", "connected"])
def test_who_is_in_another_call_is_looked_at_again_later(state):
    channel = leased()
    enrollment = waiting(channel)
    CallFactory(to_number=enrollment.contact.phone_number, state=state)
    result = claimed(channel)
    assert not result.orders
    enrollment.refresh_from_db()
    assert enrollment.due_at == result.now + BUSY_ELSEWHERE
    assert enrollment.reason == "In another call"


def test_a_contact_that_lost_its_number_is_skipped():
    channel = leased()
    enrollment = waiting(channel)
    enrollment.contact.email = "a@example.com"
    enrollment.contact.phone_number = None
    enrollment.contact.save()
    assert not claimed(channel).orders
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.reason) == ("skipped", "Has no phone number")


def test_excluded_contacts_do_not_cost_the_others_their_turn():
    channel = leased(voice__concurrent_calls=5)
    due = -10_000
    for turn in range(60):
        enrollment = waiting(channel, due_seconds=due + turn)
        # Two to be called at the front, three behind; on do-not-contact in between.
        if 2 <= turn < 57:
            DoNotContactFactory(phone_number=enrollment.contact.phone_number)
    assert SPARE_CANDIDATES < 55
    assert len(claimed(channel).orders) == 5
    assert Enrollment.objects.filter(status="do_not_call").count() == 55


def test_of_an_unassigned_list_nobody_is_called(supervisor):
    one, other = ListFactory(members=3), ListFactory(members=2)
    channel = ChannelFactory(lists=[one, other], paused=True)
    for contact in (*one.memberships.all(), *other.memberships.all()):
        waiting(channel, contact=contact.contact)
    unassign_list(channel=channel, list=one, actor=supervisor)
    Channel.objects.filter(pk=channel.pk).update(status="running", pause_reason="")
    ChannelDrive.objects.filter(channel=channel).update(
        owner=DRIVER, leased_until=timezone.now() + timedelta(minutes=1)
    )
    called = set()
    while orders := claimed(channel).orders:
        called |= {order.to_number for order in orders}
        ChannelDrive.objects.update(next_start_at=None)
        CarrierAccount.objects.update(next_start_at=None)
    assert called == {member.contact.phone_number for member in other.memberships.all()}


# --- How many --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["intent", "placing", "unknown", "ringing", "connected"])
def test_live_calls_of_any_state_take_their_places(state):
    channel = leased(voice__concurrent_calls=3)
    for _ in range(5):
        waiting(channel)
    for _ in range(2):
        CallFactory(channel=channel, state=state)
    assert len(claimed(channel).orders) == 1
    result = claimed(channel)
    assert not result.orders
    assert result.next_look_at > result.now


def test_live_calls_of_other_channels_take_no_places():
    channel, other = leased(voice__concurrent_calls=2), ChannelFactory(running=True)
    CallFactory.create_batch(5, channel=other, state="ringing")
    for _ in range(3):
        waiting(channel)
    assert len(claimed(channel).orders) == 2


def test_no_more_is_claimed_than_hands_are_free_to_place():
    channel = leased()
    for _ in range(5):
        waiting(channel)
    assert len(claimed(channel, free_placers=2).orders) == 2
    assert not claimed(channel, free_placers=0).orders


def test_calls_per_second_are_spaced_and_the_next_look_is_when_the_next_one_may_start():
    channel = leased(voice__calls_per_second=5)
    for _ in range(5):
        waiting(channel)
    first = claimed(channel)
    assert len(first.orders) == 1
    again = claimed(channel)
    assert not again.orders
    drive = ChannelDrive.objects.get(channel=channel)
    assert again.next_look_at == drive.next_start_at
    assert timedelta(milliseconds=180) <= drive.next_start_at - first.now <= timedelta(milliseconds=200)


def test_calls_per_minute_hold_as_well():
    channel = leased(voice__calls_per_minute=10)
    for _ in range(5):
        waiting(channel)
    result = claimed(channel)
    assert len(result.orders) == 1
    again = claimed(channel)
    assert not again.orders
    assert timedelta(seconds=5.5) < again.next_look_at - result.now <= timedelta(seconds=6)


def test_two_channels_share_the_accounts_pace(settings):
    settings.ACCOUNT_CALLS_PER_SECOND = 2
    one, other = leased(), leased()
    for channel in (one, other):
        for _ in range(3):
            waiting(channel)
    assert len(claimed(one, share=2).orders) == 1
    result = claimed(other, share=2)
    assert not result.orders
    assert timedelta(seconds=0.3) < result.next_look_at - result.now <= timedelta(seconds=0.5)


def test_what_the_account_allows_at_once_is_divided_among_those_that_share_it(settings):
    settings.ACCOUNT_CALLS_PER_SECOND = 100
    one, other = leased(), leased()
    for channel in (one, other):
        for _ in range(20):
            waiting(channel)
    first = len(claimed(one, share=2).orders)
    last = len(claimed(other, share=1).orders)
    assert 4 <= first <= 6
    assert abs(first - last) <= 1


def test_nothing_starts_while_the_carrier_asked_to_slow_down():
    channel = leased()
    waiting(channel)
    until = timezone.now() + timedelta(seconds=2)
    CarrierAccount.objects.update(held_until=until)
    result = claimed(channel)
    assert not result.orders
    assert result.next_look_at == until


# --- Whose it is -----------------------------------------------------------------------------------


def test_another_drivers_channel_is_not_claimed_from():
    channel = leased()
    waiting(channel)
    result = claimed(channel, driver="somebody-else")
    assert result.is_lost
    assert not Call.objects.exists()


def test_an_expired_lease_is_no_lease():
    channel = leased(seconds=-0.1)
    waiting(channel)
    assert claimed(channel).is_lost
    assert not Call.objects.exists()


@pytest.mark.parametrize("status", ["paused", "stopped", "completed"])
def test_a_channel_that_does_not_run_is_not_claimed_from(status):
    channel = leased()
    waiting(channel)
    Channel.objects.filter(pk=channel.pk).update(status=status)
    assert claimed(channel).is_lost
    assert not Call.objects.exists()


def test_a_pause_after_the_claim_leaves_nothing_to_place():
    channel = leased()
    enrollments = [waiting(channel, status=status) for status in ("pending", "retry", "callback")]
    result = claimed(channel)
    assert len(result.orders) == 3
    pause_channel(channel=channel, actor=None)
    assert placing.begin(result.orders, driver=DRIVER) == []
    assert [Enrollment.objects.get(pk=e.pk).status for e in enrollments] == ["pending", "retry", "callback"]
    assert set(Call.objects.values_list("state", "outcome", "accepted_at")) == {("ended", "withdrawn", None)}
    assert set(Enrollment.objects.values_list("attempts", flat=True)) == {0}


def test_do_not_contact_added_after_the_claim_is_still_kept():
    channel = leased()
    kept, called = waiting(channel), waiting(channel)
    result = claimed(channel)
    DoNotContactFactory(phone_number=kept.contact.phone_number)
    placed = placing.begin(result.orders, driver=DRIVER)
    assert [order.to_number for order in placed] == [called.contact.phone_number]


@pytest.mark.parametrize(("hours", "is_called"), [(None, False), (1, False), (-1, True)])
def test_do_not_contact_holds_until_its_time_is_over(hours, is_called):
    channel = leased()
    early, late = waiting(channel), waiting(channel)
    until = timezone.now() + timedelta(hours=hours) if hours else None
    DoNotContactFactory(phone_number=early.contact.phone_number, expires_at=until)
    result = claimed(channel)
    assert (early.contact.phone_number in {order.to_number for order in result.orders}) == is_called
    DoNotContactFactory(phone_number=late.contact.phone_number, expires_at=until)
    placed = placing.begin(result.orders, driver=DRIVER)
    assert (late.contact.phone_number in {order.to_number for order in placed}) == is_called


def test_who_is_on_a_list_that_the_campaign_leaves_alone_is_passed_over():
    channel = leased()
    member, other = waiting(channel), waiting(channel)
    channel.campaign.exclusions.add(ListFactory(name="Customers", members=[member.contact]), ListFactory())
    assert [order.to_number for order in claimed(channel).orders] == [other.contact.phone_number]
    member.refresh_from_db()
    assert (member.status, member.reason) == ("skipped", "On the exclusion list “Customers”")


def test_only_who_is_on_an_exclusion_list_at_that_moment_is_passed_over():
    channel = leased()
    gone = waiting(channel)
    excluded = ListFactory(members=[gone.contact])
    excluded.memberships.update(removed_in=2)
    channel.campaign.exclusions.add(excluded)
    elsewhere = waiting(channel)
    ChannelFactory().campaign.exclusions.add(ListFactory(members=[elsewhere.contact]))
    assert len(claimed(channel).orders) == 2


def test_a_list_excluded_after_the_claim_is_still_kept():
    channel = leased()
    kept, called = waiting(channel), waiting(channel)
    result = claimed(channel)
    channel.campaign.exclusions.add(ListFactory(members=[kept.contact]))
    placed = placing.begin(result.orders, driver=DRIVER)
    assert [order.to_number for order in placed] == [called.contact.phone_number]
    kept.refresh_from_db()
    assert kept.status == "pending"


def test_a_name_of_any_length_fits_into_the_reason():
    channel = leased()
    member = waiting(channel)
    channel.campaign.exclusions.add(ListFactory(name="N" * 120, members=[member.contact]))
    assert claimed(channel).orders == []
    member.refresh_from_db()
    assert member.reason.endswith("…”")


def test_a_driver_that_lost_its_lease_after_the_claim_places_nothing():
    channel = leased()
    waiting(channel)
    result = claimed(channel)
    ChannelDrive.objects.update(owner="the-next-one")
    assert placing.begin(result.orders, driver=DRIVER) == []


def test_an_order_is_begun_once():
    channel = leased()
    waiting(channel)
    result = claimed(channel)
    assert placing.begin(result.orders, driver=DRIVER) == result.orders
    assert placing.begin(result.orders, driver=DRIVER) == []
    assert Call.objects.get().state == "placing"


# --- With real locks: second connections -----------------------------------------------------------


class Elsewhere(threading.Thread):
    """Something done at the same time, in a database connection of its own."""

    def __init__(self, deed: Callable[[], Any]) -> None:
        super().__init__()
        self.deed = deed
        self.result: Any = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self.deed()
        except BaseException as failure:
            self.failure = failure
        finally:
            connection.close()

    def outcome(self) -> Any:
        self.join(20)
        assert not self.is_alive(), "it waits for ever"
        if self.failure:
            raise self.failure
        return self.result


def wait_until_somebody_waits_for_a_lock() -> None:
    for _ in range(400):
        # Within a transaction the server would show the same activity again and again.
        rows("SELECT pg_stat_clear_snapshot()", {})
        ((waiting_now,),) = rows(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'",
            {},
        )
        if waiting_now:
            return
        threading.Event().wait(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.django_db(transaction=True)
def test_a_channel_paused_while_the_claim_waits_starts_nothing():
    channel = leased()
    waiting(channel)
    with transaction.atomic():
        pause_channel(channel=channel, actor=None)
        elsewhere = Elsewhere(lambda: claimed(channel))
        elsewhere.start()
        wait_until_somebody_waits_for_a_lock()
    assert elsewhere.outcome().is_lost
    assert not Call.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_pause_waits_for_a_claim_that_came_first():
    channel = leased()
    waiting(channel)
    with transaction.atomic():
        assert len(claimed(channel).orders) == 1
        elsewhere = Elsewhere(lambda: pause_channel(channel=channel, actor=None))
        elsewhere.start()
        wait_until_somebody_waits_for_a_lock()
    elsewhere.outcome()
    assert Channel.objects.get().status == "paused"
    assert Call.objects.get().state == "intent"


@pytest.mark.django_db(transaction=True)
def test_time_spent_waiting_for_a_lock_is_no_reason_for_a_burst():
    channel = leased(voice__calls_per_second=5)
    for _ in range(3):
        waiting(channel)
    with transaction.atomic():
        ChannelDrive.objects.select_for_update().get()
        elsewhere = Elsewhere(lambda: claimed(channel))
        elsewhere.start()
        wait_until_somebody_waits_for_a_lock()
        threading.Event().wait(0.3)
        ((freed_at,),) = rows("SELECT clock_timestamp()", {})
    assert len(elsewhere.outcome().orders) == 1
    assert not claimed(channel).orders
    assert ChannelDrive.objects.get().next_start_at >= freed_at + timedelta(milliseconds=180)


@pytest.mark.django_db(transaction=True)
def test_two_drivers_that_both_believe_they_own_a_channel_never_call_anybody_twice():
    channel = leased()
    for _ in range(60):
        waiting(channel)
    barrier = threading.Barrier(2)

    def drive(name: str) -> list[str]:
        called: list[str] = []
        barrier.wait()
        for _ in range(15):
            with transaction.atomic():
                # Stolen from one another all the time.
                ChannelDrive.objects.filter(channel=channel).update(owner=name)
            called += numbers(claimed(channel, driver=name, free_placers=3))
        return called

    drivers = [Elsewhere(lambda n=name: drive(n)) for name in ("one", "other")]
    for driver in drivers:
        driver.start()
    called = [number for driver in drivers for number in driver.outcome()]
    assert len(called) == len(set(called))
    assert Call.objects.count() == len(called) <= 50


@pytest.mark.django_db(transaction=True)
def test_two_channels_claiming_the_same_people_at_once_call_each_of_them_once():
    one, other = leased("one"), leased("other")
    for _ in range(30):
        contact = ContactFactory(zone_set=zone_set())
        waiting(one, contact=contact)
        waiting(other, contact=contact)
    barrier = threading.Barrier(2)

    def drive(channel: Channel, name: str) -> list[str]:
        called: list[str] = []
        barrier.wait()
        for _ in range(12):
            called += numbers(claimed(channel, driver=name, free_placers=4))
        return called

    drivers = [Elsewhere(lambda: drive(one, "one")), Elsewhere(lambda: drive(other, "other"))]
    for driver in drivers:
        driver.start()
    called = [number for driver in drivers for number in driver.outcome()]
    assert len(called) == len(set(called))
    assert called
    # Who was left out is put off, not lost.
    assert not Enrollment.objects.exclude(status__in=["calling", "pending"]).exists()
    assert Enrollment.objects.filter(status="calling").count() == len(called)


@pytest.mark.django_db(transaction=True)
def test_a_contact_locked_elsewhere_does_not_hold_up_the_others():
    channel = leased()
    held, free = waiting(channel), waiting(channel)
    with transaction.atomic():
        Enrollment.objects.select_for_update().get(pk=held.pk)
        elsewhere = Elsewhere(lambda: numbers(claimed(channel)))
        elsewhere.start()
        assert elsewhere.outcome() == [free.contact.phone_number]


@pytest.mark.django_db(transaction=True)
def test_a_number_is_not_changed_when_a_claim_came_first():
    channel = leased()
    contact = waiting(channel).contact
    with transaction.atomic():
        assert numbers(claimed(channel)) == [contact.phone_number]
        elsewhere = Elsewhere(lambda: edit_contact(contact=contact, phone_number=NEW_NUMBER))
        elsewhere.start()
        wait_until_somebody_waits_for_a_lock()
    with pytest.raises(NumberStays, match="was called at this number"):
        elsewhere.outcome()
    assert Call.objects.get().to_number == Contact.objects.get().phone_number


@pytest.mark.django_db(transaction=True)
def test_whose_number_is_being_changed_is_called_right_after_and_by_the_new_one():
    channel = leased()
    changing, other = waiting(channel).contact, waiting(channel).contact
    with transaction.atomic():
        edit_contact(contact=changing, phone_number=NEW_NUMBER)
        elsewhere = Elsewhere(lambda: numbers(claimed(channel)))
        elsewhere.start()
        # Not waited for: whoever changes it may wait for the claim.
        assert elsewhere.outcome() == [other.phone_number]
        assert Enrollment.objects.get(contact=changing).reason == ""
    assert numbers(claimed(channel)) == [NEW_NUMBER]


@pytest.mark.django_db(transaction=True)
def test_a_number_that_changes_between_look_and_intent_is_not_called(monkeypatch):
    channel = leased()
    # With the zone of the new number: a change of it would wait for the claim.
    contact = waiting(channel, zones=["America/Los_Angeles"]).contact
    look = claiming._candidates

    def slow_look(*arguments: Any) -> Any:
        found = look(*arguments)
        change = Elsewhere(lambda: edit_contact(contact=contact, phone_number=NEW_NUMBER))
        change.start()
        change.outcome()
        return found

    monkeypatch.setattr(claiming, "_candidates", slow_look)
    assert not claimed(channel).orders
    monkeypatch.setattr(claiming, "_candidates", look)
    assert numbers(claimed(channel)) == [NEW_NUMBER]
    assert Call.objects.get().to_number == NEW_NUMBER


def test_hours_are_read_anew_when_the_settings_changed():
    channel = leased(schedule__time_zone="UTC", schedule__hours=hours_of())
    waiting(channel)
    assert claimed(channel).is_past_its_end
    Schedule.objects.filter(channel=channel).update(hours=[ALL_DAY] * 7)
    Channel.objects.filter(pk=channel.pk).update(revision=F("revision") + 1)
    assert len(claimed(channel).orders) == 1
