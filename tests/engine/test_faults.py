"""The carrier misbehaves, webhooks get lost: nobody is lost, nobody is called twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.lifecycles import DONE
from campaigns.models import Channel, ChannelDrive, Enrollment
from campaigns.services import resume_channel
from dialer import deadlines
from dialer.carrier import CallOrder
from dialer.driving import placing
from dialer.driving.claim import claim
from dialer.driving.lease import Leases
from dialer.models import Call
from dialer.plivo.client import client
from tests.engine.conftest import Engine, campaign_of, check_invariants, started

SECOND = timedelta(seconds=1)
RING_TIMEOUT = 60


@pytest.fixture(autouse=True)
def impatient(engine: Engine, monkeypatch: Any) -> None:
    """Life is twenty times as fast at the carrier, and so are our deadlines; its books lag a little."""
    monkeypatch.setattr(deadlines, "FIRST_LOOK", 0.4 * SECOND)
    monkeypatch.setattr(deadlines, "PLACING_MARGIN", 1 * SECOND)
    monkeypatch.setattr(deadlines, "RINGING_MARGIN", (3 - RING_TIMEOUT) * SECOND)
    monkeypatch.setattr(deadlines, "LONGEST_RING_SECONDS", RING_TIMEOUT)
    monkeypatch.setattr(deadlines, "CONNECTED", 2 * SECOND)
    monkeypatch.setattr(deadlines, "NEVER_PLACED_MARGIN", (6 - RING_TIMEOUT) * SECOND)
    monkeypatch.setattr(deadlines, "NO_TRACE", 8 * SECOND)
    monkeypatch.setattr(deadlines, "next_look", lambda checks: 0.5 * SECOND)
    monkeypatch.setattr(placing, "SLOW_DOWN", 0.2 * SECOND)
    monkeypatch.setattr("dialer.reconciling.ASK_EVERY", 0.3 * SECOND)
    engine.carrier.set(
        ring_seconds=4, no_answer_seconds=15, talk_seconds=15, talk_sigma=0.3, machine_share=0.0
    )


def fresh(channel: Channel) -> Channel:
    channel.refresh_from_db()
    return channel


def struck(engine: Engine) -> int:
    return sum(fault["struck"] for fault in engine.carrier.faults())


def worked_through(engine: Engine, channel: Channel, contacts: int, seconds: float = 60) -> None:
    """To the end: everybody has a final status, was dialed once, and we know of all of it."""
    engine.wait_completed(channel, seconds)
    engine.carrier.wait_idle(60)
    check_invariants(engine.carrier)
    summary = engine.carrier.summary()
    assert not summary["duplicate_numbers"], "somebody was called twice"
    assert Enrollment.objects.filter(channel=channel, status__in=DONE).count() == contacts


# --- The answer to the POST ------------------------------------------------------------------------

ANSWERS: dict[str, dict[str, Any]] = {
    "500 after accepting": {"kind": "error_after"},
    "503 after accepting": {"kind": "error_after", "status": 503},
    "silence after accepting": {"kind": "timeout_after"},
    "reset after accepting": {"kind": "reset_after"},
    "500 before accepting": {"kind": "error_before"},
    "429": {"kind": "rate_limited"},
    "nonsense after accepting": {"kind": "bad_json"},
    "slow": {"kind": "slow", "seconds": 1.5},
    "a webhook first": {"kind": "webhook_before_response"},
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_whatever_answers_the_post_everybody_is_called_once(engine, answer):
    fault = {"times": 6, "path": "/Call/", "method": "POST", **ANSWERS[answer]}
    engine.carrier.add_fault(**fault)
    channel = started(campaign_of(12, voice__dial_timeout_seconds=RING_TIMEOUT))
    engine.start(drivers=2)
    worked_through(engine, channel, 12)
    assert struck(engine) == 6


def test_a_call_in_doubt_keeps_its_place_and_is_not_dialed_again_before_the_carrier_was_asked(engine):
    engine.carrier.add_fault("error_before", path="/Call/", method="POST", times=3)
    # It can't be asked either.
    engine.carrier.add_fault("error_before", path="/Call/", method="GET")
    channel = started(campaign_of(8, voice__dial_timeout_seconds=RING_TIMEOUT, voice__concurrent_calls=3))
    engine.start()
    engine.wait_for(lambda: Call.objects.filter(state="unknown").count() == 3)
    doubtful = set(Call.objects.values_list("pk", flat=True))
    engine.wait_for(lambda: struck(engine) >= 3 + 5)
    assert set(Call.objects.values_list("pk", flat=True)) == doubtful
    assert engine.carrier.summary()["calls"] == 0
    engine.carrier.clear_faults()
    worked_through(engine, channel, 8)


def test_a_storm_of_429_slows_down_and_costs_no_attempt(engine):
    engine.carrier.add_fault("rate_limited", path="/Call/", method="POST", probability=0.5)
    channel = started(campaign_of(20, voice__calls_per_second=20))
    engine.start(drivers=2)
    worked_through(engine, channel, 20)
    assert Call.objects.filter(outcome="withdrawn").count() == struck(engine) > 0
    assert set(Enrollment.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize(
    ("kind", "reason"), [("payment_required", "credit"), ("unauthorized", "credentials")]
)
def test_an_account_that_is_refused_midway_pauses_the_channel_and_nobody_is_lost(engine, kind, reason):
    channel = started(campaign_of(25, voice__concurrent_calls=4))
    engine.start(drivers=2)
    engine.wait_for(lambda: Call.objects.filter(state="ended").count() >= 6)
    engine.carrier.add_fault(kind, path="/Call/", method="POST")
    engine.wait_for(lambda: fresh(channel).status == "paused")
    assert channel.pause_reason == reason
    assert "(40" in channel.pause_note
    engine.wait_for(lambda: not Call.objects.exclude(state="ended").exists())
    assert Enrollment.objects.exclude(status__in=DONE).exclude(status="pending").count() == 0
    engine.carrier.clear_faults()
    resume_channel(channel=fresh(channel), actor=None)
    worked_through(engine, channel, 25)


def test_a_refused_call_fails_for_good_and_the_others_go_on(engine):
    channel = started(campaign_of("+14155550009", 5))
    engine.start()
    engine.wait_completed(channel)
    refused = Enrollment.objects.get(contact__phone_number="+14155550009")
    assert refused.status == "failed"
    assert engine.carrier.summary()["calls"] == 5


def test_while_the_carrier_is_not_there_everybody_waits(engine, settings, monkeypatch):
    monkeypatch.setattr(placing, "NO_CONNECTION", 0.3 * SECOND)
    there, settings.PLIVO_API_URL = settings.PLIVO_API_URL, "http://127.0.0.1:9"
    channel = started(campaign_of(10))
    engine.start()
    engine.wait_for(lambda: Call.objects.filter(outcome="withdrawn").count() >= 3)
    assert fresh(channel).status == "running"
    settings.PLIVO_API_URL = there
    worked_through(engine, channel, 10)
    assert set(Enrollment.objects.values_list("attempts", flat=True)) == {1}


# --- Webhooks --------------------------------------------------------------------------------------

EVENTS = ("Ring", "StartApp", "Hangup")


@pytest.mark.parametrize("event", [*EVENTS, ""])
def test_webhooks_that_are_lost_are_made_up_for(engine, event):
    engine.carrier.set(answer_rate=1)
    engine.carrier.add_fault("webhook_lost", event=event)
    channel = started(campaign_of(10, voice__dial_timeout_seconds=RING_TIMEOUT))
    engine.start(drivers=2)
    worked_through(engine, channel, 10)
    assert struck(engine) >= 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "webhook_doubled", "copies": 5},
        {"kind": "webhook_reordered", "seconds": 25},
        {"kind": "webhook_late", "seconds": 40},
        {"kind": "webhook_late", "seconds": 60, "event": "Ring"},
    ],
    ids=["told five times", "in any order", "all late", "the ring at last"],
)
def test_webhooks_may_come_again_late_and_in_any_order(engine, fault):
    engine.carrier.add_fault(**fault)
    channel = started(campaign_of(15, voice__dial_timeout_seconds=RING_TIMEOUT))
    engine.start(drivers=2)
    worked_through(engine, channel, 15)
    assert Call.objects.filter(events__kind="hangup").distinct().count() == 15 - (
        Call.objects.filter(events__kind="reconciled").distinct().count()
    )


# --- All at once -----------------------------------------------------------------------------------

POSTS = ("error_after", "error_before", "timeout_after", "reset_after", "rate_limited", "bad_json")
WEBHOOKS: tuple[dict[str, Any], ...] = (
    {"kind": "webhook_lost"},
    {"kind": "webhook_doubled", "copies": 3},
    {"kind": "webhook_reordered", "seconds": 20},
    {"kind": "webhook_late", "seconds": 30},
)


@pytest.mark.parametrize("share", [0.05, 0.5], ids=["5 %", "50 %"])
def test_two_hundred_contacts_are_worked_through_whatever_goes_wrong(engine, share):
    # Each kind has its part, so that all of them together make the share.
    for kind in POSTS:
        engine.carrier.add_fault(kind, path="/Call/", method="POST", probability=share / len(POSTS))
    for fault in WEBHOOKS:
        engine.carrier.add_fault(**fault, probability=share / len(WEBHOOKS))
    channel = started(campaign_of(200, voice__dial_timeout_seconds=RING_TIMEOUT))
    engine.start(drivers=2)
    worked_through(engine, channel, 200, 120)
    assert struck(engine) > 200 * share / 2


STEPS = ("claimed", "about to place", "placed, and not written down")


@pytest.mark.parametrize("step", STEPS)
def test_a_driver_killed_at_any_step_loses_nobody_and_calls_nobody_twice(engine, step):
    channel = started(campaign_of(12, voice__dial_timeout_seconds=RING_TIMEOUT, voice__calls_per_second=1000))
    dead = Leases()
    dead.keep()
    orders: list[CallOrder] = []
    while len(orders) < 4:
        orders += claim(channel_id=channel.pk, driver=dead.driver, free_placers=4, share=1).orders
    if step != "claimed":
        assert placing.begin(orders, driver=dead.driver) == orders
    if step == STEPS[-1]:
        for order in orders:
            client().place(order)
    # Here it was killed. Its lease has run out, and what it left is past its deadline.
    ChannelDrive.objects.update(leased_until=timezone.now() - SECOND)
    Call.objects.exclude(state="ended").update(deadline_at=timezone.now() - SECOND)
    engine.start(drivers=2)
    worked_through(engine, channel, 12)
    assert set(Enrollment.objects.values_list("attempts", flat=True)) == {1}
    withdrawn = Call.objects.filter(outcome="withdrawn").count()
    assert withdrawn == (0 if step == STEPS[-1] else len(orders))
