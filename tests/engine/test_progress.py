"""What is heard of a call, in any order and any number of times, ends the same."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.lifecycles import ENROLLMENT
from campaigns.models import Campaign, Channel, ChannelDrive, Disposition, Enrollment
from campaigns.services import archive_campaign, complete_channel
from dialer import assistants, progress
from dialer.carrier import Ended, Ending
from dialer.driving.claim import Claim, claim
from dialer.models import Call, CallCount, CarrierAccount
from dialer.services import set_disposition
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory, ReattemptRuleFactory, zone_set
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
CARRIER_ID = "carrier-call"
COMPLETED = Ending(
    ended=Ended.ANSWERED,
    code=4000,
    cause="Normal Hangup",
    by="contact",
    duration_seconds=20,
    billed_seconds=60,
    carrier_id=CARRIER_ID,
)
BUSY = Ending(ended=Ended.BUSY, code=3010, cause="Busy", by="carrier", carrier_id=CARRIER_ID)
NO_ANSWER = Ending(ended=Ended.NO_ANSWER, code=3000, cause="No answer", by="carrier", carrier_id=CARRIER_ID)
FAILED = Ending(ended=Ended.FAILED, code=3080, cause="Carrier error", by="carrier", carrier_id=CARRIER_ID)
CANCELLED = Ending(ended=Ended.CANCELLED, code=1000, cause="Cancelled", by="us", carrier_id=CARRIER_ID)
IN_TWO_HOURS = timezone.now().replace(microsecond=0) + timedelta(hours=2)


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def placing(channel: Channel | None = None, state: str = "placing", **options: Any) -> Call:
    """A call of a contact being called, at the moment of the POST."""
    enrollment = options.pop("enrollment", None) or EnrollmentFactory(
        channel=channel or ChannelFactory(running=True, schedule__time_zone="UTC"),
        contact=ContactFactory(zone_set=zone_set()),
        status="calling",
        attempts=options.get("attempt", 1) - 1,
    )
    return CallFactory(
        enrollment=enrollment,
        state=state,
        accepted_at=None,
        deadline_at=timezone.now() + timedelta(seconds=30),
        **options,
    )


def accept(call: Call) -> Any:
    return progress.accept(call_id=call.pk, request_id="request", ring_timeout_seconds=60)


def ring(call: Call) -> Any:
    return progress.ring(call_id=call.pk, carrier_id=CARRIER_ID, data={"Event": "Ring"})


def answer(call: Call) -> Any:
    return progress.answer(call_id=call.pk, carrier_id=CARRIER_ID, data={"Event": "StartApp"})


def machine(call: Call) -> Any:
    return progress.find_machine(call_id=call.pk, carrier_id=CARRIER_ID, data={"Machine": "true"})


def end_of(ending: Ending) -> Callable[[Call], Any]:
    def end(call: Call) -> Any:
        return progress.end(call_id=call.pk, ending=ending, data={"Event": "Hangup"})

    return end


def report_of(disposition: str) -> Callable[[Call], Any]:
    said = assistants.Report(
        turns=[{"speaker": "contact", "text": "Hello?", "start_ms": 0, "end_ms": 400}],
        disposition=disposition,
        summary="They talked.",
        callback_at=IN_TWO_HOURS if disposition == "callback" else None,
    )

    def report(call: Call) -> Any:
        return assistants.report(call_id=call.pk, report=said)

    return report


def final(call: Call) -> dict[str, Any]:
    """What must not depend on the order."""
    call.refresh_from_db()
    enrollment = Enrollment.objects.get(pk=call.enrollment_id)
    return {
        "state": call.state,
        "outcome": call.outcome,
        "request": call.request_id,
        "carrier": call.carrier_id,
        "is_machine": call.is_machine,
        "was accepted": call.accepted_at is not None,
        "was answered": call.answered_at is not None,
        "deadline": call.deadline_at,
        "code": call.hangup_code,
        "seconds": call.duration_seconds,
        "disposition": call.disposition and call.disposition.slug,
        "callback": call.callback_at,
        "summary": call.summary,
        "status": enrollment.status,
        "attempts": enrollment.attempts,
        "is reached": enrollment.is_reached,
        "reason": enrollment.reason,
        "due": enrollment.due_at if enrollment.status == "callback" else None,
        "endings": call.events.filter(kind="hangup").count(),
    }


STORIES: dict[str, tuple[list[Callable[[Call], Any]], str]] = {
    "completed": ([accept, ring, answer, end_of(COMPLETED)], "completed"),
    "busy": ([accept, end_of(BUSY)], "busy"),
    "no answer": ([accept, ring, end_of(NO_ANSWER)], "no_answer"),
    "failed": ([accept, ring, end_of(FAILED)], "failed"),
    "cancelled": ([accept, ring, end_of(CANCELLED)], "no_answer"),
    "interested": ([accept, ring, answer, end_of(COMPLETED), report_of("interested")], "completed"),
    "no decision": ([accept, ring, answer, end_of(COMPLETED), report_of("no_decision")], "unsuccessful"),
    "callback": ([accept, ring, answer, end_of(COMPLETED), report_of("callback")], "callback"),
    "do not call": ([accept, ring, answer, end_of(COMPLETED), report_of("do_not_call")], "do_not_call"),
}


def told(call: Call, events: list[Callable[[Call], Any]]) -> dict[str, Any]:
    for event in events:
        event(call)
    return final(call)


@pytest.mark.parametrize("story", STORIES)
def test_every_order_of_the_same_events_ends_the_same(story):
    events, status = STORIES[story]
    channel = ChannelFactory(running=True, schedule__time_zone="UTC")
    expected = told(placing(channel), events)
    assert expected["status"] == status
    assert expected["attempts"] == 1
    assert expected["endings"] == 1
    for order in itertools.permutations(events):
        assert told(placing(channel), list(order)) == expected, [event.__name__ for event in order]


# A machine is hung up on within seconds.
MACHINE = replace(COMPLETED, duration_seconds=4)


@pytest.mark.parametrize("rule", [False, True], ids=["no rule", "a rule for voicemail"])
@pytest.mark.parametrize("on_machine", ["hang_up", "message", "connect"])
def test_every_order_in_which_a_machine_is_found_ends_the_same(on_machine, rule):
    channel = ChannelFactory(
        running=True,
        schedule__time_zone="UTC",
        voice__on_machine=on_machine,
        voice__attempts_per_contact=3,
    )
    if rule:
        ReattemptRuleFactory(channel=channel, outcome="voicemail", delay_minutes=30)
    events = [accept, ring, answer, machine, end_of(MACHINE)]
    expected = told(placing(channel), events)
    outcome, status = (
        ("completed", "completed")
        if on_machine == "connect"
        else ("voicemail", "retry" if rule else "voicemail")
    )
    assert (expected["outcome"], expected["status"], expected["is_machine"]) == (outcome, status, True)
    for order in itertools.permutations(events):
        call = placing(channel)
        assert told(call, list(order)) == expected, [event.__name__ for event in order]
        due = Enrollment.objects.get(pk=call.enrollment_id).due_at - timezone.now()
        assert (timedelta(minutes=29) < due <= timedelta(minutes=30)) == (status == "retry")


def test_a_callback_reported_for_a_voicemail_is_made_whatever_was_first():
    channel = ChannelFactory(running=True, schedule__time_zone="UTC", voice__attempts_per_contact=3)
    ReattemptRuleFactory(channel=channel, outcome="voicemail", delay_minutes=30)
    events = [machine, end_of(MACHINE), report_of("callback")]
    expected = told(placing(channel), [answer, *events])
    assert (expected["outcome"], expected["status"]) == ("voicemail", "callback")
    for order in itertools.permutations(events):
        if order.index(machine) < order.index(events[2]):
            assert told(placing(channel), [answer, *order]) == expected, [event.__name__ for event in order]


@pytest.mark.parametrize("said", ["callback", "do_not_call"])
@pytest.mark.parametrize("ending", [BUSY, NO_ANSWER, FAILED, replace(FAILED, permanent=True)])
def test_what_a_person_says_of_a_call_that_nobody_answered_counts_whenever_they_say_it(
    ending, said, supervisor
):
    def say(call: Call) -> None:
        call.refresh_from_db()
        wish = Disposition.objects.get(slug=said)
        set_disposition(call=call, disposition=wish, actor=supervisor, callback_at=IN_TWO_HOURS)

    before, after = (
        told(placing(), events) for events in ([accept, say, end_of(ending)], [accept, end_of(ending), say])
    )
    assert after["status"] == before["status"]
    assert after["due"] == before["due"]
    assert after["status"] == (said if said == "do_not_call" or not ending.permanent else "failed")


def test_a_callback_of_an_unanswered_call_that_is_taken_back_leaves_the_contact_unanswered(supervisor):
    call = placing()
    told(call, [accept, end_of(BUSY)])
    for slug in ("callback", "interested"):
        call.refresh_from_db()
        set_disposition(call=call, disposition=Disposition.objects.get(slug=slug), actor=supervisor)
    assert final(call)["status"] == "busy"


@given(data=st.data(), story=st.sampled_from(sorted(STORIES)))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_with_any_repetitions_ends_the_same(data, story):
    events, _ = STORIES[story]
    with transaction.atomic():
        channel = ChannelFactory(running=True, schedule__time_zone="UTC")
        expected = told(placing(channel), events)
        times = [data.draw(st.integers(1, 4)) for _ in events]
        order = data.draw(
            st.permutations([event for event, n in zip(events, times, strict=True) for _ in range(n)])
        )
        assert told(placing(channel), order) == expected
        transaction.set_rollback(True)


@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_not_heard_the_end_alone_says_how_it_was(data):
    lost = data.draw(st.sets(st.sampled_from([accept, ring, answer])))
    order = data.draw(st.permutations([e for e in (accept, ring, answer) if e not in lost]))
    with transaction.atomic():
        found = told(placing(), [*order, end_of(COMPLETED)])
        assert (found["outcome"], found["status"], found["attempts"]) == ("completed", "completed", 1)
        assert found["was accepted"]
        assert found["was answered"]
        transaction.set_rollback(True)


@pytest.mark.parametrize("story", STORIES)
def test_whoever_has_a_completed_call_was_reached_and_whoever_has_one_at_all_was_dialed(story):
    events, _ = STORIES[story]
    call = placing()
    told(call, events)

    enrollment = Enrollment.objects.get(pk=call.enrollment_id)
    assert enrollment.attempts == 1
    assert enrollment.is_reached == (call.outcome == "completed")


def test_a_call_that_was_hung_up_on_after_its_answer_reached_somebody():
    call = placing()
    told(call, [accept, ring, answer, end_of(CANCELLED)])

    enrollment = Enrollment.objects.get(pk=call.enrollment_id)
    assert (call.outcome, enrollment.status, enrollment.is_reached) == ("completed", "completed", True)


def test_who_turns_out_to_have_been_a_machine_was_not_reached():
    call = machine_of_the_last_call()
    Enrollment.objects.filter(pk=call.enrollment_id).update(is_reached=True)
    progress.find_machine(call_id=call.pk, carrier_id=CARRIER_ID, data={})

    call.refresh_from_db()
    assert call.outcome == "voicemail"
    assert not Enrollment.objects.get(pk=call.enrollment_id).is_reached


def long_answered(call: Call) -> None:
    Call.objects.filter(pk=call.pk).update(answered_at=F("answered_at") - timedelta(seconds=20))


def long_over(call: Call) -> None:
    ago = timedelta(seconds=61)
    Call.objects.filter(pk=call.pk).update(answered_at=F("answered_at") - ago, ended_at=F("ended_at") - ago)


def called_again(call: Call) -> None:
    placing(enrollment=call.enrollment, attempt=2, state="ringing", to_number="+14155559876")


@pytest.mark.parametrize(
    "meanwhile", [long_answered, long_over, called_again, report_of("interested"), report_of("no_decision")]
)
def test_that_it_was_a_machine_changes_nothing_when_it_comes_too_late(meanwhile):
    call = placing()
    told(call, [accept, ring, answer, end_of(COMPLETED), meanwhile])
    before = Call.objects.filter(pk=call.pk).values().get()
    contact = Enrollment.objects.filter(pk=call.enrollment_id).values().get()
    machine(call)
    assert Call.objects.filter(pk=call.pk).values().get() == before
    assert Enrollment.objects.filter(pk=call.enrollment_id).values().get() == contact


def machine_of_the_last_call(**options: Any) -> Call:
    """The channel was done with it, and then we hear that it was a machine."""
    channel = ChannelFactory(
        running=True, schedule__time_zone="UTC", voice__attempts_per_contact=2, **options
    )
    ReattemptRuleFactory(channel=channel, outcome="voicemail", delay_minutes=30)
    call = placing(channel)
    told(call, [accept, answer, end_of(MACHINE)])
    complete_channel(channel=channel)
    return call


def after_the_verdict(call: Call) -> tuple[str, str, str]:
    machine(call)
    call.refresh_from_db()
    enrollment = Enrollment.objects.select_related("channel").get(pk=call.enrollment_id)
    counts = CallCount.objects.filter(campaign=call.campaign_id).values("outcome")
    sums = {row["outcome"]: row["n"] for row in counts.annotate(n=Sum("calls")) if row["n"]}
    assert sums == {call.outcome: 1}
    return call.outcome, enrollment.status, enrollment.channel.status


def test_a_channel_that_was_done_goes_on_when_its_last_call_turns_out_to_be_a_machine():
    assert after_the_verdict(machine_of_the_last_call()) == ("voicemail", "retry", "running")


def test_a_channel_that_was_put_away_does_not_go_on():
    call = machine_of_the_last_call()
    archive_campaign(campaign=call.campaign, actor=None)
    assert after_the_verdict(call) == ("voicemail", "voicemail", "completed")


def test_a_contact_of_an_earlier_run_is_not_tried_again():
    call = machine_of_the_last_call()
    Channel.objects.filter(pk=call.channel_id).update(run=2)
    assert after_the_verdict(call) == ("voicemail", "voicemail", "completed")


def test_a_callback_does_not_reopen_what_was_put_away(supervisor):
    call = machine_of_the_last_call()
    archive_campaign(campaign=call.campaign, actor=None)
    set_disposition(call=call, disposition=Disposition.objects.get(slug="callback"), actor=supervisor)
    call.channel.refresh_from_db()
    assert call.channel.status == "completed"
    assert Enrollment.objects.get(pk=call.enrollment_id).status == "completed"


@pytest.mark.parametrize("late", [accept, ring, answer, end_of(BUSY), end_of(NO_ANSWER)])
def test_what_comes_after_the_end_changes_nothing(late):
    call = placing()
    told(call, [accept, ring, answer, end_of(COMPLETED)])
    before = Call.objects.filter(pk=call.pk).values().get()
    contact = Enrollment.objects.filter(pk=call.enrollment_id).values().get()
    for _ in range(3):
        late(call)
    assert Call.objects.filter(pk=call.pk).values().get() == before
    assert Enrollment.objects.filter(pk=call.enrollment_id).values().get() == contact


def test_the_events_of_a_call_are_kept_in_order_and_what_is_told_again_is_not_kept_twice():
    call = placing()
    told(call, [accept, ring, answer, answer, machine, machine, end_of(COMPLETED), end_of(COMPLETED), answer])
    kinds = list(call.events.order_by("id").values_list("kind", flat=True))
    assert kinds == ["ring", "answer", "machine", "hangup"]
    assert call.events.get(kind="hangup").data == {"Event": "Hangup"}


def test_an_answer_told_again_gets_the_same_rules_and_after_the_end_none():
    call = placing()
    first = answer(call)
    assert first is not None
    assert answer(call) == first
    end_of(COMPLETED)(call)
    assert answer(call) is None


def test_the_first_event_may_come_before_the_answer_to_the_post():
    call = placing()
    ring(call)
    answer(call)
    call.refresh_from_db()
    assert (call.state, call.request_id) == ("connected", "")
    accept(call)
    call.refresh_from_db()
    assert (call.state, call.request_id) == ("connected", "request")


def test_a_whole_call_may_pass_before_the_answer_to_the_post():
    call = placing()
    found = told(call, [ring, answer, end_of(COMPLETED), accept])
    assert (found["state"], found["request"], found["attempts"]) == ("ended", "request", 1)


def test_an_event_without_the_carriers_name_does_not_wipe_it_out():
    call = placing()
    ring(call)
    progress.ring(call_id=call.pk, carrier_id="", data={})
    progress.answer(call_id=call.pk, carrier_id="", data={})
    progress.end(call_id=call.pk, ending=replace(COMPLETED, carrier_id=""), data={})
    call.refresh_from_db()
    assert call.carrier_id == CARRIER_ID


@pytest.mark.parametrize("event", [accept, ring, answer, machine, end_of(COMPLETED)])
def test_nothing_is_believed_of_a_call_that_was_not_placed(event):
    call = placing(state="intent")
    before = Call.objects.filter(pk=call.pk).values().get()
    event(call)
    assert Call.objects.filter(pk=call.pk).values().get() == before
    assert Enrollment.objects.get(pk=call.enrollment_id).status == "calling"
    assert not call.events.exists()


@pytest.mark.parametrize("event", [accept, ring, answer, machine, end_of(COMPLETED), report_of("interested")])
def test_an_event_of_an_unknown_call_is_not_an_error(event):
    assert not event(Call(pk=10**12))


# --- In doubt, and given up ------------------------------------------------------------------------


def test_a_call_in_doubt_is_resolved_by_whatever_is_heard_of_it():
    for event, state in (
        (accept, "ringing"),
        (ring, "ringing"),
        (answer, "connected"),
        (end_of(BUSY), "ended"),
    ):
        call = placing()
        assert progress.doubt(call_id=call.pk, why="No answer")
        event(call)
        call.refresh_from_db()
        assert call.state == state


@pytest.mark.parametrize("event", [accept, ring, answer, end_of(BUSY)])
def test_what_is_known_is_not_doubted(event):
    call = placing()
    event(call)
    call.refresh_from_db()
    before = call.state
    assert not progress.doubt(call_id=call.pk, why="No answer")
    call.refresh_from_db()
    assert call.state == before


@pytest.mark.parametrize("waited_as", ["pending", "retry", "callback"])
def test_a_withdrawn_call_leaves_its_contact_waiting_as_before(waited_as):
    call = placing(claimed_from=waited_as, attempt=2)
    assert progress.withdraw(call_ids=[call.pk], cause="Slow down", from_states=["placing"]) == 1
    enrollment = Enrollment.objects.get(pk=call.enrollment_id)
    assert (enrollment.status, enrollment.attempts) == (waited_as, 1)
    call.refresh_from_db()
    assert (call.state, call.outcome, call.accepted_at) == ("ended", "withdrawn", None)


def test_a_withdrawn_contact_waits_as_long_as_asked():
    call = placing()
    progress.withdraw(
        call_ids=[call.pk], cause="Slow down", from_states=["placing"], delay=timedelta(seconds=5)
    )
    due_at = Enrollment.objects.get(pk=call.enrollment_id).due_at
    assert timedelta(seconds=3) < due_at - timezone.now() <= timedelta(seconds=5)


@pytest.mark.parametrize("event", [accept, ring, answer, end_of(BUSY)])
def test_a_call_that_was_heard_of_is_not_withdrawn(event):
    call = placing()
    event(call)
    states = ["intent", "placing", "unknown", "ringing"]
    assert progress.withdraw(call_ids=[call.pk], cause="Never placed", from_states=states) == 0
    assert Enrollment.objects.get(pk=call.enrollment_id).status != "pending"


def test_a_call_that_was_given_up_and_took_place_is_noted_once_and_its_contact_is_left_alone():
    call = placing()
    progress.withdraw(call_ids=[call.pk], cause="Never placed", from_states=["placing"])
    for _ in range(3):
        assert not end_of(COMPLETED)(call)
        assert answer(call) is None
    assert list(call.events.values_list("kind", flat=True)) == ["hangup_late"]
    assert Enrollment.objects.get(pk=call.enrollment_id).status == "pending"


def test_late_events_of_an_earlier_call_do_not_touch_the_call_under_way():
    first = placing()
    progress.withdraw(call_ids=[first.pk], cause="Never placed", from_states=["placing"])
    Enrollment.objects.filter(pk=first.enrollment_id).update(status="calling")
    second = placing(enrollment=first.enrollment)
    for event in (ring, answer, machine, end_of(COMPLETED)):
        event(first)
    second.refresh_from_db()
    enrollment = Enrollment.objects.get(pk=first.enrollment_id)
    assert (second.state, enrollment.status, enrollment.attempts) == ("placing", "calling", 0)


def test_a_disposition_of_an_earlier_call_does_not_move_a_contact_that_was_called_again():
    first = placing()
    end_of(BUSY)(first)
    Enrollment.objects.filter(pk=first.enrollment_id).update(status="busy")
    second = placing(enrollment=first.enrollment, attempt=2, state="ringing")
    report_of("callback")(first)
    assert Enrollment.objects.get(pk=first.enrollment_id).status == "busy"
    assert second.pk > first.pk


# --- What an end means -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "ending"), [("busy", BUSY), ("no_answer", NO_ANSWER), ("failed", FAILED)]
)
def test_a_reattempt_rule_is_applied_once_however_often_the_end_is_told(outcome, ending):
    channel = ChannelFactory(running=True, schedule__time_zone="UTC", voice__attempts_per_contact=3)
    ReattemptRuleFactory(channel=channel, outcome=outcome, delay_minutes=30, max_times=1)
    call = placing(channel)
    for _ in range(3):
        end_of(ending)(call)
    enrollment = Enrollment.objects.get(pk=call.enrollment_id)
    assert (enrollment.status, enrollment.attempts) == ("retry", 1)
    assert timedelta(minutes=29) < enrollment.due_at - timezone.now() <= timedelta(minutes=30)
    # Its one repetition is used up after the next.
    Enrollment.objects.filter(pk=enrollment.pk).update(status="calling")
    end_of(ending)(placing(enrollment=enrollment, attempt=2))
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.attempts) == (outcome, 2)


def test_a_call_that_the_carrier_refuses_is_no_attempt_and_is_not_tried_again_for_ever():
    channel = ChannelFactory(running=True, schedule__time_zone="UTC", voice__attempts_per_contact=3)
    ReattemptRuleFactory(channel=channel, outcome="failed", delay_minutes=30, max_times=1)
    call = placing(channel)
    enrollment = call.enrollment
    refused = Ending(ended=Ended.FAILED, code=None, cause="to is wrong", by="carrier")
    progress.end(call_id=call.pk, ending=refused, kind="refused", data={}, was_accepted=False)
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.attempts) == ("retry", 0)
    Enrollment.objects.filter(pk=enrollment.pk).update(status="calling")
    again = placing(enrollment=enrollment)
    progress.end(call_id=again.pk, ending=refused, kind="refused", data={}, was_accepted=False)
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.attempts) == ("failed", 0)
    assert not Call.objects.filter(accepted_at__isnull=False).exists()


def test_a_number_that_can_never_work_is_not_tried_again():
    channel = ChannelFactory(running=True, schedule__time_zone="UTC", voice__attempts_per_contact=3)
    ReattemptRuleFactory(channel=channel, outcome="failed", delay_minutes=30, max_times=2)
    call = placing(channel)
    end_of(replace(FAILED, code=3050, permanent=True))(call)
    assert Enrollment.objects.get(pk=call.enrollment_id).status == "failed"


def test_who_was_answered_and_then_cut_off_by_us_was_reached():
    call = placing()
    told(call, [accept, ring, answer, end_of(replace(CANCELLED, duration_seconds=4))])
    assert Enrollment.objects.get(pk=call.enrollment_id).status == "completed"


def test_connecting_although_a_machine_answered_counts_as_completed():
    channel = ChannelFactory(running=True, schedule__time_zone="UTC", voice__on_machine="connect")
    found = told(placing(channel), [accept, ring, answer, machine, end_of(COMPLETED)])
    assert (found["is_machine"], found["outcome"], found["status"]) == (True, "completed", "completed")


def test_a_call_goes_on_when_its_campaign_is_deleted_and_keeps_its_name():
    call = placing()
    name = call.campaign_name
    told(call, [accept, ring, answer])
    Channel.objects.filter(pk=call.channel_id).update(status="paused")
    Campaign.objects.get(pk=call.campaign_id).delete()
    assert answer(call) is None
    assert end_of(COMPLETED)(call)
    call.refresh_from_db()
    assert (call.state, call.outcome, call.campaign_name) == ("ended", "completed", name)
    assert call.enrollment_id is None


def test_an_end_keeps_what_the_carrier_said_of_time_and_cost():
    call = placing()
    told(call, [accept, ring, answer, end_of(COMPLETED)])
    call.refresh_from_db()
    assert (call.duration_seconds, call.billed_seconds, call.hangup_by) == (20, 60, "contact")
    assert call.hangup_cause == "Normal Hangup"
    assert call.accepted_at <= call.ringing_at <= call.answered_at <= call.ended_at


def test_the_database_itself_refuses_a_state_that_goes_back():
    call = placing()
    told(call, [accept, ring, answer])
    for state in ("intent", "placing", "unknown", "ringing"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Call.objects.filter(pk=call.pk).update(state=state)


# --- At the same moment ----------------------------------------------------------------------------


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(len(deeds))
    results: list[Any] = [None] * len(deeds)
    failures: list[BaseException] = []

    def work(place: int) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(10)
            results[place] = deeds[place]()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not failures, failures
    return results


@pytest.mark.django_db(transaction=True)
def test_the_same_end_told_twice_at_the_same_moment_counts_once():
    channel = ChannelFactory(running=True, schedule__time_zone="UTC")
    for _ in range(8):
        call = placing(channel)
        assert sorted(at_once(*[partial(end_of(COMPLETED), call)] * 3)) == [False, False, True]
        found = final(call)
        assert (found["attempts"], found["endings"], found["status"]) == (1, 1, "completed")


@pytest.mark.django_db(transaction=True)
def test_all_events_at_the_same_moment_end_as_if_one_after_the_other():
    channel = ChannelFactory(running=True, schedule__time_zone="UTC")
    events, _ = STORIES["callback"]
    expected = told(placing(channel), events)
    for _ in range(8):
        call = placing(channel)
        at_once(*(partial(event, call) for event in events))
        assert final(call) == expected


@pytest.mark.django_db(transaction=True)
def test_a_person_and_the_end_at_the_same_moment_agree(supervisor):
    channel = ChannelFactory(running=True, schedule__time_zone="UTC")
    disposition = Disposition.objects.get(slug="do_not_call")
    for _ in range(8):
        call = placing(channel)
        answer(call)
        at_once(
            partial(end_of(COMPLETED), call),
            partial(set_disposition, call=call, disposition=disposition, actor=supervisor),
        )
        found = final(call)
        assert (found["outcome"], found["disposition"], found["status"]) == (
            "completed",
            "do_not_call",
            "do_not_call",
        )


# --- Asked for by a person ---------------------------------------------------------------------------


@pytest.mark.parametrize("ended", ["no_answer", "busy", "voicemail", "failed"])
@pytest.mark.parametrize(
    ("ending", "left"), [(NO_ANSWER, "no_answer"), (BUSY, "busy"), (COMPLETED, "completed")]
)
def test_who_is_tried_again_by_a_person_gets_one_attempt_more_and_ends_by_its_outcome(ended, ending, left):
    channel = ChannelFactory(
        running=True,
        schedule__time_zone="UTC",
        voice__attempts_per_contact=2,
        voice__max_attempts_per_day=None,
    )
    for outcome in ("no_answer", "busy"):
        ReattemptRuleFactory(channel=channel, outcome=outcome, max_times=4)
    row = EnrollmentFactory(
        channel=channel, contact=ContactFactory(zone_set=zone_set()), status=ended, attempts=2
    )
    now = timezone.now()
    ENROLLMENT.apply_to(row, "try_again", due_at=now, updated_at=now)
    (order,) = claim_of(channel).orders
    call = Call.objects.get(pk=order.call_id)
    assert (call.attempt, call.claimed_from) == (3, "retry")
    Call.objects.filter(pk=call.pk).update(state="placing")
    accept(call)
    end_of(ending)(call)
    row.refresh_from_db()
    assert (row.status, row.attempts) == (left, 3)
    assert claim_of(channel).is_exhausted


def test_an_attempt_that_a_person_asked_for_is_still_owed_when_no_call_was_placed():
    channel = ChannelFactory(running=True, schedule__time_zone="UTC", voice__attempts_per_contact=1)
    row = EnrollmentFactory(
        channel=channel, contact=ContactFactory(zone_set=zone_set()), status="busy", attempts=1
    )
    ENROLLMENT.apply_to(row, "try_again", due_at=timezone.now(), updated_at=timezone.now())
    (order,) = claim_of(channel).orders
    progress.withdraw(call_ids=[order.call_id], cause="Rate limit", from_states=["intent"])
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("retry", 1)


def claim_of(channel: Channel) -> Claim:
    past = timezone.now() - timedelta(hours=1)
    leased = {"owner": "driver", "leased_until": timezone.now() + timedelta(minutes=1), "next_start_at": past}
    ChannelDrive.objects.filter(channel=channel).update(**leased)
    CarrierAccount.objects.update_or_create(
        auth_id=django_settings.PLIVO_AUTH_ID, defaults={"next_start_at": past, "held_until": None}
    )
    return claim(channel_id=channel.pk, driver="driver", free_placers=10, share=1)
