"""One whole thread: contacts in a list become finished calls."""

from __future__ import annotations

from campaigns.models import Channel, ChannelList, Enrollment
from dialer.models import Call
from tests.engine.conftest import campaign_of, check_invariants, started
from tests.factories import ReattemptRuleFactory


def status_of(number: str) -> str:
    return Enrollment.objects.get(contact__phone_number=number).status


def outcomes_of(number: str) -> list[str]:
    return list(Call.objects.filter(to_number=number).order_by("id").values_list("outcome", flat=True))


def test_every_contact_of_a_campaign_ends_in_a_final_status(engine):
    channel = started(campaign_of(60))
    engine.start()
    engine.wait_completed(channel)
    check_invariants(engine.carrier)
    assert Call.objects.filter(state="ended").count() == 60


# Last digits of a number → what the simulated carrier makes of it: the contact's status, the outcome.
ENDS = {
    "0001": ("completed", "completed"),
    "0002": ("busy", "busy"),
    "0003": ("no_answer", "no_answer"),
    "0004": ("busy", "busy"),
    "0005": ("failed", "failed"),
    "0007": ("completed", "completed"),
    "0008": ("failed", "failed"),
    "0009": ("failed", "failed"),
    "0015": ("completed", "completed"),
    "0016": ("completed", "completed"),
    "0017": ("completed", "completed"),
}


def test_an_outcome_becomes_the_contacts_status(engine):
    channel = started(campaign_of(*(f"+1415555{digits}" for digits in ENDS)))
    engine.start()
    engine.wait_completed(channel)
    found = {digits: status_of(f"+1415555{digits}") for digits in ENDS}
    assert found == {digits: status for digits, (status, _) in ENDS.items()}
    assert {digits: outcomes_of(f"+1415555{digits}") for digits in ENDS} == {
        digits: [outcome] for digits, (_, outcome) in ENDS.items()
    }


def test_a_call_knows_when_it_rang_was_answered_and_ended_and_what_it_cost(engine):
    channel = started(campaign_of("+14155550001"))
    engine.start()
    engine.wait_completed(channel)
    call = Call.objects.get()
    assert call.created_at <= call.placed_at <= call.accepted_at
    assert call.ringing_at <= call.answered_at <= call.ended_at
    assert call.carrier_id
    assert call.request_id
    assert call.cost is not None
    assert call.hangup_code == 4010 or call.hangup_code == 4000
    assert list(call.events.order_by("id").values_list("kind", flat=True)) == ["ring", "answer", "hangup"]


def test_a_reattempt_rule_tries_again_and_then_gives_up(engine):
    number = "+14155550002"
    channel = campaign_of(number, voice__attempts_per_contact=3)
    ReattemptRuleFactory(channel=channel, outcome="busy", delay_minutes=1, max_times=2)
    started(channel)
    engine.start()
    for attempt in (1, 2):
        engine.wait_for(lambda n=attempt: len(outcomes_of(number)) == n and status_of(number) == "retry")
        assert not Call.objects.filter(state="ringing").exists()
        Enrollment.objects.update(due_at="2020-01-01T00:00Z")
    engine.wait_completed(channel)
    assert outcomes_of(number) == ["busy"] * 3
    assert status_of(number) == "busy"
    assert Enrollment.objects.get().attempts == 3
    check_invariants(engine.carrier)


def test_an_invalid_number_is_not_tried_again_whatever_the_rules(engine):
    number = "+14155550005"
    channel = campaign_of(number, voice__attempts_per_contact=3)
    ReattemptRuleFactory(channel=channel, outcome="failed", delay_minutes=1, max_times=2)
    started(channel)
    engine.start()
    engine.wait_completed(channel)
    assert outcomes_of(number) == ["failed"]


def test_two_campaigns_never_ring_one_number_at_the_same_time(engine):
    numbers = [f"+1415555{n:04}" for n in range(1100, 1120)]
    first = started(campaign_of(*numbers))
    second = campaign_of(1)
    ChannelList.objects.filter(channel=second).update(list=first.lists.get())
    started(second)
    engine.start(drivers=2)

    def are_completed() -> bool:
        # Who was in another call is looked at again after a minute: turn the clock.
        Enrollment.objects.filter(status="pending").update(due_at="2020-01-01T00:00Z")
        return not Channel.objects.exclude(status="completed").exists()

    engine.wait_for(are_completed, 60)
    check_invariants(engine.carrier)
    assert Call.objects.exclude(outcome="withdrawn").count() == 40
