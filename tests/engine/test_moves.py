"""What people do with a channel while it works: start, pause, resume, stop, run again, delete."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from campaigns.lifecycles import IN_PROGRESS
from campaigns.models import Campaign, Channel, Disposition, Enrollment, Schedule
from campaigns.services import (
    Refused,
    delete_campaign,
    pause_channel,
    rerun_channel,
    resume_channel,
    start_channel,
    stop_channel,
)
from contacts.models import DoNotContact
from dialer.models import Call
from dialer.services import set_disposition
from tests.engine.conftest import Engine, campaign_of, check_invariants, started
from tests.factories import ReattemptRuleFactory

# Whoever is claimed when a pause commits is placed within so long, or not at all.
AT_ONCE = timedelta(seconds=0.3)


@pytest.fixture(autouse=True)
def long_calls(engine: Engine) -> None:
    """Everybody answers soon, and talks for a second or two."""
    engine.carrier.set(
        answer_rate=1,
        machine_share=0,
        ring_seconds=4,
        talk_seconds=25,
        talk_sigma=0.3,
        stream_patience_seconds=30,
    )


def fresh(channel: Channel) -> Channel:
    channel.refresh_from_db()
    return channel


def live() -> Any:
    return Call.objects.exclude(state="ended")


def placed_after(moment: Any) -> Any:
    return Call.objects.filter(placed_at__gt=moment)


def statuses(channel: Channel) -> set[str]:
    return set(Enrollment.objects.filter(channel=channel, run=channel.run).values_list("status", flat=True))


def disposition(slug: str) -> Disposition:
    return Disposition.objects.get(slug=slug)


def test_a_paused_channel_starts_no_new_calls_and_finishes_those_that_are_live(engine):
    channel = started(campaign_of(30, voice__concurrent_calls=4))
    engine.start(drivers=2)
    engine.wait_for(lambda: Call.objects.filter(state="ended").count() >= 4)
    engine.wait_for(lambda: live().count() >= 3)
    pause_channel(channel=channel, actor=None)
    paused_at = timezone.now()
    engine.wait_for(lambda: not live().exists())
    assert not placed_after(paused_at + AT_ONCE).exists()
    assert not Enrollment.objects.filter(status__in=IN_PROGRESS).exists()
    assert Enrollment.objects.filter(status="pending").exists()
    check_invariants(engine.carrier)
    dialed = set(engine.carrier.summary()["by_number"])

    resume_channel(channel=fresh(channel), actor=None)
    engine.wait_completed(channel)
    check_invariants(engine.carrier)
    assert not engine.carrier.summary()["duplicate_numbers"], "somebody was reached twice"
    assert dialed < set(engine.carrier.summary()["by_number"])
    assert statuses(channel) == {"completed"}


def test_pausing_and_resuming_over_and_over_calls_everybody_once(engine):
    channel = started(campaign_of(40, voice__concurrent_calls=10))
    engine.carrier.set(talk_seconds=10)
    engine.start(drivers=2)
    for calls in range(5, 40, 5):
        engine.wait_for(lambda n=calls: Call.objects.count() >= n)
        pause_channel(channel=fresh(channel), actor=None)
        resume_channel(channel=fresh(channel), actor=None)
    engine.wait_completed(channel)
    check_invariants(engine.carrier)
    assert len(engine.carrier.summary()["by_number"]) == 40
    assert not engine.carrier.summary()["duplicate_numbers"]


def test_stopping_ends_a_channel_for_good(engine):
    channel = started(campaign_of(30, voice__concurrent_calls=4))
    engine.start()
    engine.wait_for(lambda: live().count() >= 3)
    stop_channel(channel=channel, actor=None)
    stopped_at = timezone.now()
    engine.wait_for(lambda: not live().exists())
    assert not placed_after(stopped_at + AT_ONCE).exists()
    assert fresh(channel).status == "stopped"
    for move in (start_channel, resume_channel, rerun_channel, pause_channel):
        with pytest.raises(Refused):
            move(channel=channel, actor=None)
    assert {"completed", "pending"} <= statuses(channel)
    check_invariants(engine.carrier)


def test_a_scheduled_channel_starts_at_its_time(engine):
    channel = campaign_of(3)
    start_at = timezone.now() + timedelta(seconds=1.5)
    Channel.objects.filter(pk=channel.pk).update(start_at=start_at)
    start_channel(channel=fresh(channel), actor=None)
    assert fresh(channel).status == "scheduled"
    engine.start()
    engine.wait_completed(channel)
    assert channel.started_at >= start_at
    assert Call.objects.order_by("created_at").first().created_at >= start_at
    check_invariants(engine.carrier)


def test_what_can_not_start_when_its_time_comes_is_paused_with_the_reason(engine):
    channel = campaign_of(3)
    Channel.objects.filter(pk=channel.pk).update(start_at=timezone.now() + timedelta(seconds=1))
    start_channel(channel=fresh(channel), actor=None)
    channel.voice.caller_id.is_active = False
    channel.voice.caller_id.save()
    engine.start()
    engine.wait_for(lambda: fresh(channel).status == "paused")
    assert channel.pause_reason == "settings"
    assert "not active" in channel.pause_note
    assert statuses(channel) == {"pending"}
    assert not Call.objects.exists()


def test_after_its_last_day_a_channel_is_paused_with_the_reason_and_nobody_is_lost(engine):
    channel = started(campaign_of(20, voice__concurrent_calls=2, schedule__time_zone="UTC"))
    engine.start()
    engine.wait_for(lambda: Call.objects.filter(state="ended").exists())
    Schedule.objects.filter(channel=channel).update(end_date=date.today() - timedelta(days=2))
    Channel.objects.filter(pk=channel.pk).update(revision=F("revision") + 1)
    engine.wait_for(lambda: fresh(channel).status == "paused")
    assert channel.pause_reason == "end_date"
    assert channel.campaign.activities.filter(verb="pause", actor=None).exists()
    engine.wait_for(lambda: not live().exists())
    assert statuses(channel) == {"completed", "pending"}
    with pytest.raises(Refused):
        resume_channel(channel=channel, actor=None)
    # Given more days, it goes on.
    Schedule.objects.filter(channel=channel).update(end_date=None)
    Channel.objects.filter(pk=channel.pk).update(revision=F("revision") + 1)
    resume_channel(channel=fresh(channel), actor=None)
    engine.wait_completed(channel)
    check_invariants(engine.carrier)
    assert not engine.carrier.summary()["duplicate_numbers"]


def test_a_run_is_completed_only_when_nobody_waits(engine):
    number = "+14155550002"
    channel = campaign_of(number, 3, voice__attempts_per_contact=2)
    ReattemptRuleFactory(channel=channel, outcome="busy", delay_minutes=60)
    started(channel)
    engine.start()
    engine.wait_for(lambda: statuses(channel) == {"completed", "retry"})
    # A few of the driver's looks later it is still waiting for the retry.
    engine.wait_for(lambda: fresh(channel).drive.waiting_until is not None)
    assert channel.status == "running"
    retry = Enrollment.objects.get(status="retry")
    assert channel.drive.waiting_until == retry.due_at
    Enrollment.objects.filter(pk=retry.pk).update(due_at=timezone.now())
    engine.wait_completed(channel)
    assert statuses(channel) == {"completed", "busy"}
    check_invariants(engine.carrier)


def test_a_callback_asked_for_after_completion_is_made_at_its_time(engine, supervisor):
    channel = started(campaign_of(2))
    engine.start()
    engine.wait_completed(channel)
    call = Call.objects.order_by("id").first()
    asked = timezone.now() + timedelta(seconds=1.5)
    set_disposition(call=call, disposition=disposition("callback"), actor=supervisor, callback_at=asked)
    assert fresh(channel).status == "running"
    engine.wait_completed(channel)
    _, second = Call.objects.filter(to_number=call.to_number).order_by("id")
    assert second.created_at >= asked
    assert (second.attempt, second.claimed_from) == (2, "callback")
    assert Call.objects.count() == 3
    check_invariants(engine.carrier)


def test_who_asked_not_to_be_called_is_never_called_again(engine, supervisor):
    channel = started(campaign_of(3))
    engine.start()
    engine.wait_completed(channel)
    call = Call.objects.order_by("id").first()
    set_disposition(call=call, disposition=disposition("do_not_call"), actor=supervisor)
    assert DoNotContact.objects.filter(phone_number=call.to_number).exists()
    rerun_channel(channel=fresh(channel), actor=supervisor)
    engine.wait_completed(channel)
    other = started(channel_with_the_same_list(channel))
    engine.wait_completed(other)
    assert Call.objects.filter(to_number=call.to_number).exclude(outcome="withdrawn").count() == 1
    assert engine.carrier.summary()["by_number"][call.to_number.lstrip("+")] == 1
    assert "do_not_call" in statuses(channel)
    assert "do_not_call" in statuses(other)


def channel_with_the_same_list(channel: Channel) -> Channel:
    other = campaign_of(1)
    other.channel_lists.update(list=channel.lists.get())
    return other


def test_a_disposition_says_what_a_reached_contact_is(engine, supervisor):
    channel = started(campaign_of(2))
    engine.start()
    engine.wait_completed(channel)
    won, lost = Call.objects.order_by("id")
    set_disposition(call=won, disposition=disposition("interested"), actor=supervisor)
    set_disposition(call=lost, disposition=disposition("no_decision"), actor=supervisor)
    assert Enrollment.objects.get(pk=won.enrollment_id).status == "completed"
    assert Enrollment.objects.get(pk=lost.enrollment_id).status == "unsuccessful"
    check_invariants(engine.carrier)


def test_running_again_is_a_new_run_and_the_old_results_stay(engine, supervisor):
    channel = started(campaign_of(5))
    engine.start()
    engine.wait_completed(channel)
    before = list(Call.objects.order_by("id").values())
    rerun_channel(channel=fresh(channel), actor=supervisor)
    assert fresh(channel).run == 2
    engine.wait_completed(channel)
    assert list(Call.objects.filter(run=1).order_by("id").values()) == before
    assert Call.objects.filter(run=2, attempt=1).count() == 5
    assert Enrollment.objects.filter(channel=channel, attempts=1).count() == 10
    check_invariants(engine.carrier)


def test_a_deleted_campaigns_calls_stay_and_those_that_are_live_end(engine, supervisor):
    channel = started(campaign_of(20, voice__concurrent_calls=5))
    name = channel.campaign.name
    engine.start()
    engine.wait_for(lambda: Call.objects.filter(state="ended").count() >= 3 and live().count() >= 3)
    pause_channel(channel=channel, actor=supervisor)
    delete_campaign(campaign=channel.campaign, actor=supervisor, name=name)
    assert not Campaign.objects.exists()
    calls = Call.objects.exclude(outcome="withdrawn").count()
    engine.wait_for(lambda: not live().exists())
    engine.carrier.wait_idle()
    assert Call.objects.exclude(outcome="withdrawn").count() == calls == engine.carrier.summary()["calls"]
    assert set(Call.objects.values_list("campaign_name", "campaign")) == {(name, None)}
    assert not engine.carrier.summary()["duplicate_answer_urls"]


@pytest.mark.parametrize(("drivers", "most"), [(1, 1.5), (2, 4)])
def test_channels_share_the_accounts_pace(engine, settings, drivers, most):
    """By turns where one driver has them; with several, none is left out."""
    settings.ACCOUNT_CALLS_PER_SECOND = 12
    channels = [started(campaign_of(60)) for _ in range(3)]
    engine.start(drivers=drivers)
    engine.wait_for(lambda: Call.objects.count() >= 36)
    counts = [Call.objects.filter(channel=channel).count() for channel in channels]
    times = list(Call.objects.order_by("created_at").values_list("created_at", flat=True)[:36])
    # 36 calls at 12 a second, less a batch at the start.
    assert (times[-1] - times[0]).total_seconds() > 2.5
    assert max(counts) <= most * min(counts), counts
    for channel in channels:
        stop_channel(channel=channel, actor=None)
