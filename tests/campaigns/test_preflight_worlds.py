"""Preflight is right to the contact: what it says of small worlds is what the start and the claim then do."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as django_settings
from django.db.models import QuerySet
from django.utils import timezone

from campaigns import planning
from campaigns.models import CampaignExclusion, Channel, ChannelDrive, Enrollment, Schedule, VoiceSettings
from campaigns.models.enrollment import LAST_DAY_PASSED, OUTSIDE_HOURS
from campaigns.models.rules import ALL_DAY
from campaigns.preflight import Preflight, preflight
from campaigns.services import pause_channel, resume_channel, start_channel
from contacts.models import Contact, DoNotContact, Import, List, Membership
from dialer.driving.claim import claim
from dialer.models import CarrierAccount
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
    zone_set,
)
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db

FATES = {
    ("do_not_call", "On do-not-contact"): "do_not_contact",
    ("skipped", "Has no phone number"): "without_number",
    ("skipped", "The schedule never meets the contact’s own hours"): "never_open",
    ("skipped", "Over the cap of attempts until the schedule ends"): "capped_for_good",
    ("pending", LAST_DAY_PASSED): "never_open",
    ("pending", "Over the cap of attempts"): "later",
    ("calling", ""): "called",
}


def fixed_zone(local_hour: int, now: datetime) -> str:
    """A zone in which it is this hour now. (Etc/GMT+5 is five hours behind.)"""
    behind = (now.hour - local_hour) % 24
    behind = behind - 24 if behind > 12 else behind
    return f"Etc/GMT{'+' if behind >= 0 else '-'}{abs(behind)}"


class World:
    """Everything that decides, at random: lists, do-not-contact, exclusions, calls of the last days, hours.

    By day it is early afternoon, by night it is two: who may be called by one's own clock, and who may not.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = timezone.now()
        day, night = fixed_zone(13, self.now), fixed_zone(2, self.now)
        self.day = ZoneInfo(day)
        self.zone_sets = [zone_set(day), zone_set(day), zone_set(night), zone_set(day, night), zone_set()]
        self.contacts = [self.contact(n) for n in range(self.random.randint(10, 36))]
        self.lists = [ListFactory(members=self.some(0.6)) for _ in range(self.random.randint(1, 3))]
        self.channel: Channel = ChannelFactory(lists=self.lists)
        self.refuse()
        self.exclude()
        self.call()
        self.set_hours()

    def some(self, share: float) -> list[Contact]:
        return [contact for contact in self.contacts if self.random.random() < share]

    def contact(self, n: int) -> Contact:
        chance = self.random.random()
        if chance < 0.1:
            return ContactFactory(phone_number=None, email=f"person{n}@example.com")
        if chance < 0.15:
            blank = {"first_name": "", "last_name": "", "phone_number": None}
            return ContactFactory(**blank, erased_at=self.now, zone_set=self.zone_sets[0])
        return ContactFactory(zone_set=self.random.choice(self.zone_sets))

    def refuse(self) -> None:
        for contact in self.some(0.25):
            if contact.phone_number:
                for scope in self.random.sample(["all", "voice", "text", "email"], self.random.randint(1, 2)):
                    expires = self.random.choice([None, None, timedelta(hours=1), -timedelta(hours=1)])
                    DoNotContactFactory(
                        phone_number=contact.phone_number,
                        scope=scope,
                        expires_at=expires and self.now + expires,
                    )
        DoNotContactFactory(phone_number=None, email="somebody@example.com")

    def exclude(self) -> None:
        for _ in range(self.random.randint(0, 2)):
            one = ListFactory(members=self.some(0.2))
            # Who left the list is not excluded by it.
            for member in Membership.objects.filter(list=one):
                if self.random.random() < 0.3:
                    Membership.objects.filter(pk=member.pk).update(removed_in=2)
            List.objects.filter(pk=one.pk).update(version=2)
            CampaignExclusion.objects.create(campaign=self.channel.campaign, list=one)

    def call(self) -> None:
        for contact in self.some(0.4):
            for _ in range(self.random.randint(1, 4) if contact.phone_number else 0):
                ended = self.now - timedelta(hours=self.random.choice([2, 5, 20, 30, 100, 200]))
                call = CallFactory(contact=contact, ended_at=ended, outcome="busy")
                if self.random.random() < 0.2:
                    type(call).objects.filter(pk=call.pk).update(accepted_at=None)
        VoiceSettings.objects.filter(channel=self.channel).update(
            max_attempts_per_day=self.random.choice([None, 1, 2, 3]),
            max_attempts_per_week=self.random.choice([None, None, 2, 4]),
            concurrent_calls=5000,
            calls_per_second=2000,
        )

    def set_hours(self) -> None:
        local = self.now.astimezone(self.day)
        this_hour = sum(1 << hour for hour in (local.hour, local.hour + 1))
        other_days = self.random.choice([this_hour, ALL_DAY])
        hours = [other_days] * 7
        hours[local.weekday()] = this_hour
        last: date | None = self.random.choice([None, None, local.date(), local.date() + timedelta(days=3)])
        Schedule.objects.filter(channel=self.channel).update(
            time_zone=self.day.key, hours=hours, end_date=last
        )


def what_happens(channel: Channel) -> dict[str, int]:
    """Start it, claim until nobody is due, and count what became of everybody."""
    channel = start_channel(channel=channel, actor=None)
    return what_is_claimed(channel, Enrollment.objects.filter(channel=channel))


def what_is_claimed(channel: Channel, among: QuerySet[Enrollment]) -> dict[str, int]:
    """Claim until nobody is due, and count what became of these."""
    counted = list(among.values_list("pk", flat=True))
    past = timezone.now() - timedelta(hours=1)
    CarrierAccount.objects.update_or_create(
        auth_id=django_settings.PLIVO_AUTH_ID, defaults={"next_start_at": past, "held_until": None}
    )
    for _ in range(60):
        ChannelDrive.objects.filter(channel=channel).update(
            owner="driver", leased_until=timezone.now() + timedelta(minutes=1), next_start_at=past
        )
        CarrierAccount.objects.update(next_start_at=past)
        assert not claim(channel_id=channel.pk, driver="driver", free_placers=100, share=1).is_lost
        if not Enrollment.objects.filter(
            channel=channel, status="pending", due_at__lte=timezone.now()
        ).exists():
            break
    found: Counter[str] = Counter()
    for row in Enrollment.objects.filter(pk__in=counted).select_related("contact"):
        if row.contact.erased_at:
            assert (row.status, row.reason) == ("skipped", "Has no phone number")
            found["erased"] += 1
        elif row.status == "skipped" and row.reason.startswith("On the exclusion list"):
            found["excluded"] += 1
        elif row.reason == OUTSIDE_HOURS:
            # By night; on other days they are open.
            found["called in the morning"] += 1
        else:
            found[FATES[row.status, row.reason]] += 1
    return found


TOLD = (
    "erased",
    "without_number",
    "do_not_contact",
    "excluded",
    "never_open",
    "capped_for_good",
    "later",
    "will_be_called",
)


def told(found: Preflight) -> dict[str, int]:
    return {name: getattr(found, name) for name in TOLD}


def check(before: Preflight, happened: dict[str, int]) -> None:
    """What was told is what happened, reason by reason."""
    happened = dict(happened)
    in_the_morning = happened.pop("called in the morning", 0)
    called_at_once = happened.pop("called", 0)
    expected = told(before)
    # Who opens only in the morning is judged anew then: is over the cap still, or for good, or called.
    later, for_good = expected.pop("later"), expected.pop("capped_for_good")
    not_yet_later = later - happened.pop("later", 0)
    not_yet_for_good = for_good - happened.pop("capped_for_good", 0)
    assert not_yet_later >= 0
    assert not_yet_for_good >= 0
    assert not_yet_later + not_yet_for_good <= in_the_morning
    called_later = in_the_morning - not_yet_for_good + later - not_yet_later
    assert expected.pop("will_be_called") == called_at_once + called_later
    assert {reason: count for reason, count in expected.items() if count} == happened


@pytest.fixture(autouse=True)
def fast_account(settings: Any) -> None:
    settings.ACCOUNT_CALLS_PER_SECOND = 2000
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 8, 21


@pytest.mark.parametrize("seed", range(40))
def test_who_is_told_to_be_called_is_called_and_who_is_not_ends_for_that_reason(seed, monkeypatch):
    if seed % 2:
        monkeypatch.setattr(planning, "MANY", 0)
    world = World(seed)
    before = preflight(world.channel, timezone.now())
    entries = Membership.objects.filter(list__in=world.lists).count()
    assert before.in_lists == entries == before.will_be_called + before.wont_be_called
    assert sum(count for _, count, _ in before.segments) == entries
    happened = what_happens(world.channel)
    assert before.contacts == sum(happened.values())
    check(before, happened)


@pytest.mark.parametrize("seed", range(100, 112))
def test_of_a_paused_run_it_tells_what_the_claim_will_do_with_those_who_wait(seed):
    world = World(seed)
    channel = start_channel(channel=world.channel, actor=None)
    waiting = Enrollment.objects.filter(channel=channel, status="pending")
    # Some were called already; of the others some are put on do-not-contact only now.
    gone = world.random.sample(list(waiting.values_list("pk", flat=True)), waiting.count() // 4)
    waiting.filter(pk__in=gone).update(status="calling")
    for row in waiting.select_related("contact")[:3]:
        DoNotContact.objects.update_or_create(
            phone_number=row.contact.phone_number, scope="all", defaults={"expires_at": None}
        )
    pause_channel(channel=channel, actor=None)
    channel.refresh_from_db()
    left = preflight(channel, timezone.now())
    assert (left.is_started, left.in_lists, left.duplicates) == (True, waiting.count(), 0)
    resume_channel(channel=channel, actor=None)
    happened = what_is_claimed(channel, waiting)
    assert left.in_lists == sum(happened.values())
    check(left, happened)


def test_entries_of_do_not_contact_that_end_before_a_later_start_stand_in_nobodys_way():
    now = timezone.now()
    contact = ContactFactory()
    DoNotContactFactory(phone_number=contact.phone_number, expires_at=now + timedelta(hours=1))
    channel = ChannelFactory(lists=[ListFactory(members=[contact])])
    assert preflight(channel, now).do_not_contact == 1
    channel.start_at = now + timedelta(hours=2)
    assert preflight(channel, now).do_not_contact == 0


def test_the_estimate_is_of_those_who_will_be_called():
    now = datetime(2026, 11, 18, 17, tzinfo=UTC)
    people = ContactFactory.create_batch(6, zone_set=zone_set("America/New_York"))
    for contact in people[:3]:
        DoNotContactFactory(phone_number=contact.phone_number)
    channel = ChannelFactory(lists=[ListFactory(members=people)], voice__concurrent_calls=1)
    found = preflight(channel, now)
    assert found.estimate
    assert found.estimate.done_at == now + timedelta(seconds=3 * found.call_seconds)


def test_rows_that_never_became_contacts_are_told_beside_it():
    one = ListFactory(members=2)
    sums = {"rows": 12, "created": 2, "invalid": 7, "duplicates": 3, "list": one, "list_name": one.name}
    Import.objects.create(file_name="a.csv", country="US", status="completed", **sums)
    Import.objects.create(file_name="b.csv", country="US", status="failed", **sums)
    found = preflight(ChannelFactory(lists=[one]), timezone.now())
    assert (found.left_out.invalid, found.left_out.duplicates) == (7, 3)
    assert found.in_lists == 2


def test_a_count_is_kept_while_settings_change_but_not_over_other_lists_or_exclusions():
    now = timezone.now()
    people = ContactFactory.create_batch(3)
    channel = ChannelFactory(lists=[ListFactory(members=people)])
    assert preflight(channel, now, counted_within_seconds=60).will_be_called == 3
    DoNotContactFactory(phone_number=people[0].phone_number)
    assert preflight(channel, now, counted_within_seconds=60).will_be_called == 3
    assert preflight(channel, now).will_be_called == 2
    CampaignExclusion.objects.create(campaign=channel.campaign, list=ListFactory(members=people[1:]))
    assert preflight(channel, now, counted_within_seconds=60).will_be_called == 0


def test_a_run_with_a_callback_is_not_done_before_it_is_due():
    now = timezone.now()
    friday = now + timedelta(days=3)
    channel = ChannelFactory(running=True, schedule__time_zone="UTC")
    EnrollmentFactory.create_batch(3, channel=channel, due_at=now)
    before = preflight(channel, now).estimate
    EnrollmentFactory(channel=channel, status="callback", due_at=friday)
    after = preflight(channel, now).estimate
    assert before
    assert not before.waits_for_last
    assert after
    assert after.waits_for_last
    assert after.done_at
    assert after.done_at >= friday


def test_who_is_over_the_cap_is_waited_for():
    now = timezone.now()
    contact = ContactFactory(zone_set=zone_set("UTC"))
    CallFactory(contact=contact, ended_at=now - timedelta(hours=1))
    channel = ChannelFactory(lists=[ListFactory(members=[contact])], voice__max_attempts_per_day=1)
    found = preflight(channel, now)
    assert found.later == 1
    assert found.estimate
    assert found.estimate.done_at
    assert found.estimate.done_at > now + timedelta(hours=22)


def test_who_is_on_do_not_contact_is_not_waited_for():
    now = timezone.now()
    channel = ChannelFactory(running=True, schedule__time_zone="UTC")
    EnrollmentFactory(channel=channel, due_at=now)
    last = EnrollmentFactory(channel=channel, status="callback", due_at=now + timedelta(days=30))
    DoNotContactFactory(phone_number=last.contact.phone_number)
    found = preflight(channel, now).estimate
    assert found
    assert not found.waits_for_last
