"""Figures of a campaign: equal to what the calls say one by one, whatever is done to them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median as true_median
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from analytics.figures import Asked, Figures, Tally, figures_of, median
from analytics.queries import results_of, summary_of
from analytics.snapshots import standing_of
from campaigns.models import Disposition
from contacts.models import Membership
from dialer.erasing import erase_contact
from dialer.models import Call
from tests.factories import CampaignFactory, ChannelFactory, ContactFactory, EnrollmentFactory, ListFactory
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db

UTC_ZONE = Asked("UTC")


def wins() -> list[int]:
    return list(Disposition.objects.filter(is_win=True).values_list("pk", flat=True))


def figures(campaign, asked=UTC_ZONE) -> Figures:
    return figures_of(campaign.pk, asked, wins())


def at(*moment) -> dict:
    """When a call was made, and over."""
    made = datetime(*moment, tzinfo=UTC)
    return {"created_at": made, "ended_at": made + timedelta(minutes=2)}


def tally_of(calls: list[Call]) -> Tally:
    """Counted one by one."""
    reached = [call for call in calls if call.outcome == "completed"]
    return Tally(
        calls=len(calls),
        reached=len(reached),
        wins=sum(call.disposition is not None and call.disposition.is_win for call in calls),
        answered=sum(call.answered_at is not None for call in calls),
        seconds=sum(call.duration_seconds or 0 for call in reached),
        cost=sum((call.cost or Decimal(0) for call in calls), Decimal(0)),
    )


def by(calls: list[Call], key) -> dict:
    return {value: tally_of([c for c in calls if key(c) == value]) for value in {key(c) for c in calls}}


def recount(campaign, zone: str) -> dict:
    calls = list(results_of(campaign).select_related("disposition"))
    local = {call.pk: call.created_at.astimezone(ZoneInfo(zone)) for call in calls}
    lengths = [call.duration_seconds or 0 for call in calls if call.outcome == "completed"]
    return {
        "outcomes": by(calls, lambda call: call.outcome),
        "dispositions": by(calls, lambda call: str(call.disposition_id or "")),
        "days": by(calls, lambda call: local[call.pk].date()),
        "hours": by(calls, lambda call: (local[call.pk].weekday(), local[call.pk].hour)),
        "attempts": by(calls, lambda call: (call.attempt, call.outcome)),
        "causes": by(calls, lambda call: call.hangup_cause),
        "assistants": by(calls, lambda call: call.assistant_name),
        "caller_ids": by(calls, lambda call: call.from_number),
        "runs": by(calls, lambda call: (str(call.channel_id or ""), call.run)),
        "median_seconds": true_median(lengths) if lengths else None,
    }


def told(campaign, zone: str) -> dict:
    found = figures(campaign, Asked(zone))
    days = {day: tally for day, tally in found.days.items() if tally.calls}
    return {name: days if name == "days" else getattr(found, name) for name in recount(campaign, zone)}


OUTCOMES = ["completed", "no_answer", "busy", "voicemail", "failed", "cancelled", "withdrawn"]
ZONES = ["UTC", "America/Chicago", "Asia/Kathmandu", "Pacific/Chatham", "Pacific/Kiritimati"]


class TestFiguresEqualARecount(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(data=st.data(), zone=st.sampled_from(ZONES))
    def test_whatever_becomes_of_the_calls(self, data, zone):
        channel = ChannelFactory(paused=True)
        other = ChannelFactory(paused=True, campaign=channel.campaign, name="Second")
        dispositions = [None, *Disposition.objects.all()[:3]]
        hours = st.integers(0, 24 * 90)
        for _ in range(data.draw(st.integers(0, 12))):
            # Over the days on which clocks are put back, too.
            made = datetime(2026, 9, 20, tzinfo=UTC) + timedelta(hours=data.draw(hours), minutes=50)
            ended = data.draw(st.booleans()) or data.draw(st.booleans())
            CallFactory(
                channel=data.draw(st.sampled_from([channel, other])),
                run=data.draw(st.integers(1, 2)),
                attempt=data.draw(st.integers(1, 3)),
                from_number=data.draw(st.sampled_from(["+12125550100", "+12125550101"])),
                assistant_name=data.draw(st.sampled_from(["", "Ava", "Bo"])),
                hangup_cause=data.draw(st.sampled_from(["", "Busy Line", "Normal Hangup"])),
                disposition=data.draw(st.sampled_from(dispositions)) if ended else None,
                cost=data.draw(st.sampled_from([None, "0.01", "1.00001"])),
                created_at=made,
                **(
                    {
                        "ended_at": made + timedelta(minutes=1),
                        "outcome": data.draw(st.sampled_from(OUTCOMES)),
                        "duration_seconds": data.draw(st.sampled_from([None, 0, 1, 59, 60, 3601])),
                    }
                    if ended
                    else {"state": "ringing"}
                ),
            )
        assert told(channel.campaign, zone) == recount(channel.campaign, zone)
        calls = Call.objects.filter(state="ended")
        keys = list(calls.values_list("pk", flat=True))
        some = calls.filter(pk__in=keys[::2])
        deed = data.draw(st.integers(0, 5))
        if deed == 0:
            some.update(disposition=data.draw(st.sampled_from(dispositions)))
        elif deed == 1:
            # A machine that was found out late.
            some.filter(outcome="completed").update(outcome="voicemail", is_machine=True)
        elif deed == 2:
            some.update(cost="0.5", hangup_cause="Told later")
        elif deed == 3:
            some.delete()
        elif deed == 4:
            other.calls.update(channel=None)
        else:
            Disposition.objects.update(is_win=True)
        assert told(channel.campaign, zone) == recount(channel.campaign, zone)
        found = figures(channel.campaign, Asked(zone))
        summary = summary_of(channel.campaign, Disposition.objects.all())
        assert (found.total.calls, found.total.reached, found.total.wins, found.total.cost) == (
            summary.calls,
            summary.reached,
            summary.wins,
            summary.cost,
        )
        # What is stored is what was told.
        assert Figures.from_plain(found.plain) == found


@given(st.lists(st.integers(0, 50), max_size=40))
def test_the_median_of_lengths_and_how_often_each_is_there(lengths):
    assert median(Counter(lengths)) == (true_median(lengths) if lengths else None)


def test_a_campaign_without_calls_has_no_figures():
    found = figures(CampaignFactory())
    assert (found.total, found.days, found.median_seconds) == (Tally(), {}, None)
    assert found.total.average_seconds is None
    assert found.total.cost_per_win is None


def test_a_day_is_one_of_the_zone_also_when_clocks_are_put_back():
    campaign = CampaignFactory()
    # 1 November 2026 has 25 hours in Chicago: from 5:00 to 6:00 the next day, UTC.
    for hour in (4, 5, 29, 30):
        moment = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hour)
        CallFactory(campaign=campaign, created_at=moment, ended_at=moment + timedelta(minutes=1))
    days = figures(campaign, Asked("America/Chicago")).days
    assert {day: tally.calls for day, tally in days.items()} == {
        date(2026, 10, 31): 1,
        date(2026, 11, 1): 2,
        date(2026, 11, 2): 1,
    }


def test_days_without_a_call_are_told_between_the_others():
    campaign = CampaignFactory()
    CallFactory(campaign=campaign, **at(2026, 11, 1, 12))
    CallFactory(campaign=campaign, **at(2026, 11, 4, 12))
    assert [tally.calls for tally in figures(campaign).days.values()] == [1, 0, 0, 1]


def test_figures_of_some_days_are_of_the_calls_that_results_list_for_them():
    campaign = CampaignFactory()
    for hour in range(0, 96, 7):
        moment = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hour)
        CallFactory(campaign=campaign, created_at=moment, ended_at=moment + timedelta(minutes=1))
    asked = Asked("Asia/Kathmandu", since=date(2026, 11, 2), until=date(2026, 11, 3))
    found = figures(campaign, asked)
    assert list(found.days) == [date(2026, 11, 2), date(2026, 11, 3)]
    zone = ZoneInfo(asked.zone)
    within = [
        call
        for call in results_of(campaign)
        if date(2026, 11, 2) <= call.created_at.astimezone(zone).date() <= date(2026, 11, 3)
    ]
    assert found.total.calls == len(within) > 0


def test_figures_of_one_run_are_of_its_calls_and_contacts():
    channel = ChannelFactory(paused=True)
    channel.run = 2
    channel.save()
    first = EnrollmentFactory(channel=channel, run=1, status="completed")
    second = EnrollmentFactory(channel=channel, run=2, status="no_answer")
    CallFactory(enrollment=first, run=1)
    CallFactory(enrollment=second, run=2, outcome="no_answer")
    everything = figures(channel.campaign)
    assert everything.total.calls == 2
    assert everything.contacts.by_status == {"no_answer": 1}
    earlier = figures(channel.campaign, Asked("UTC", f"{channel.pk}.1"))
    assert list(earlier.outcomes) == ["completed"]
    assert (earlier.contacts.by_status, earlier.contacts.dialed, earlier.contacts.reached) == (
        {"completed": 1},
        1,
        1,
    )


def test_calls_are_counted_for_each_list_as_the_channel_works_through_it():
    one, two = ListFactory(members=2), ListFactory(members=0)
    both, only_one = [membership.contact for membership in one.memberships.order_by("pk")]
    Membership.objects.create(list=two, contact=both, added_in=1)
    # Joined after the version that the channel works through.
    Membership.objects.create(list=two, contact=only_one, added_in=2)
    two.version = 1
    two.save()
    channel = ChannelFactory(paused=True, lists=[one, two])
    for contact in (both, only_one, ContactFactory()):
        CallFactory(enrollment=EnrollmentFactory(channel=channel, contact=contact, status="completed"))
    lists = {key: tally.calls for key, tally in figures(channel.campaign).lists.items()}
    assert lists == {str(one.pk): 2, str(two.pk): 1, "": 1}


def test_of_somebody_who_is_erased_the_calls_still_count(supervisor):
    channel = ChannelFactory(completed=True)
    contact = ContactFactory()
    CallFactory(enrollment=EnrollmentFactory(channel=channel, contact=contact, status="completed"))
    before = figures(channel.campaign)
    erase_contact(contact=contact, actor=supervisor, keep_do_not_contact=True, rejected=set())
    after = figures(channel.campaign)
    assert (after.total, after.days, after.median_seconds) == (
        before.total,
        before.days,
        before.median_seconds,
    )


def test_another_campaigns_calls_are_not_counted():
    CallFactory(campaign=CampaignFactory())
    mine = CallFactory(campaign=CampaignFactory())
    assert figures(mine.campaign).total.calls == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda call: Call.objects.update(outcome="voicemail"),
        lambda call: Call.objects.update(cost="2"),
        lambda call: Call.objects.update(disposition=Disposition.objects.first()),
        lambda call: call.delete(),
        lambda call: CallFactory(campaign=call.campaign),
        lambda call: Disposition.objects.filter(slug="callback").update(is_win=True),
        lambda call: EnrollmentFactory(channel=call.channel),
    ],
)
def test_what_changes_figures_changes_what_the_database_counts(change):
    call = CallFactory(enrollment=EnrollmentFactory(status="completed"))

    def version():
        return standing_of(call.campaign, list(Disposition.objects.all())).version

    before = version()
    assert version() == before
    change(call)
    assert version() != before


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", Asked("UTC")),
        (
            "run=12.2&from=2026-11-01&to=2026-11-02",
            Asked("UTC", "12.2", date(2026, 11, 1), date(2026, 11, 2)),
        ),
        ("run=x&from=soon&to=2026-13-01", Asked("UTC")),
        ("run=1.&from=0001-01-01&to=9999-12-31", Asked("UTC")),
        ("run=99999999999999999999", Asked("UTC")),
        ("run=%00&from=%00", Asked("UTC")),
        ("run=١٢", Asked("UTC")),
    ],
)
def test_what_makes_no_sense_in_an_address_narrows_nothing(query, found):
    asked = Asked.of(QueryDict(query), "UTC")
    assert asked == found
    assert Asked.from_key(asked.key) == asked
