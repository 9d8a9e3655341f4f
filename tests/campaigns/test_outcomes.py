"""What a finished call means for the contact's place in the channel."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.hours import OpeningHours, is_open, next_opening
from campaigns.lifecycles import DONE, ENROLLMENT, MOVE_AFTER_A_CALL, WAITING, EnrollmentStatus
from campaigns.models import Disposition, ReattemptRule
from campaigns.outcomes import EFFECTS, OUTCOMES, Ending, Reattempt, Rules, decide

CHICAGO = ZoneInfo("America/Chicago")
BUSINESS = OpeningHours((sum(1 << hour for hour in range(9, 17)),) * 5 + (0, 0))
TUESDAY_NOON = datetime(2026, 3, 3, 12, tzinfo=CHICAGO)
EVERY_RULE = Rules(
    attempts_per_contact=3,
    by_outcome={outcome: Reattempt(30, 2) for outcome in ("no_answer", "busy", "voicemail", "failed")},
)


def decided(outcome="no_answer", *, attempts=1, retries=0, rules=EVERY_RULE, **options):
    situation = {
        "hours": options.pop("hours", BUSINESS),
        "channel_zone": options.pop("channel_zone", CHICAGO),
        "contact_zones": options.pop("contact_zones", ()),
        "now": options.pop("now", TUESDAY_NOON),
    }
    return decide(
        Ending(outcome, **options),
        attempts=attempts,
        retries_of_this_outcome=retries,
        rules=rules,
        **situation,
    )


# --- Reached ---------------------------------------------------------------------------------------


def test_a_completed_call_completes_the_contact():
    decision = decided("completed", connected=True)
    assert (decision.status, decision.due_at, decision.reason) == (EnrollmentStatus.COMPLETED, None, "")


def test_a_completed_call_without_its_goal_is_unsuccessful():
    decision = decided("completed", connected=True, disposition_effect="unsuccessful")
    assert decision.status == EnrollmentStatus.UNSUCCESSFUL


@pytest.mark.parametrize("outcome", sorted(OUTCOMES))
def test_who_asks_not_to_be_called_is_not_however_the_call_ended(outcome):
    decision = decided(outcome, disposition_effect="do_not_call", permanent=True)
    assert decision.status == EnrollmentStatus.DO_NOT_CALL
    assert decision.due_at is None


# --- Callbacks -------------------------------------------------------------------------------------


def test_a_callback_is_due_when_asked_for():
    asked = datetime(2026, 3, 5, 10, tzinfo=CHICAGO)
    decision = decided("completed", disposition_effect="callback", callback_at=asked)
    assert (decision.status, decision.due_at) == (EnrollmentStatus.CALLBACK, asked)


def test_a_callback_asked_for_outside_hours_waits_for_the_next_opening():
    asked = datetime(2026, 3, 6, 19, tzinfo=CHICAGO)
    decision = decided("completed", disposition_effect="callback", callback_at=asked)
    assert decision.due_at == datetime(2026, 3, 9, 9, tzinfo=CHICAGO)


def test_a_callback_in_the_past_is_due_now():
    decision = decided(
        "completed", disposition_effect="callback", callback_at=TUESDAY_NOON - timedelta(days=1)
    )
    assert decision.due_at == TUESDAY_NOON


def test_a_callback_without_a_time_is_due_a_day_later():
    decision = decided("completed", disposition_effect="callback")
    assert decision.due_at == TUESDAY_NOON + timedelta(days=1)


def test_a_callback_is_kept_also_when_no_attempts_are_left():
    decision = decided("completed", attempts=3, disposition_effect="callback")
    assert decision.status == EnrollmentStatus.CALLBACK


def test_a_callback_after_the_last_day_is_told_and_the_contact_is_done():
    ending = OpeningHours(BUSINESS.hours, end_date=date(2026, 3, 4))
    asked = datetime(2026, 3, 5, 10, tzinfo=CHICAGO)
    decision = decided("completed", disposition_effect="callback", callback_at=asked, hours=ending)
    assert decision.status == EnrollmentStatus.COMPLETED
    assert decision.reason == "Asked to be called back, but the channel does not open again."
    machine = decided("voicemail", disposition_effect="callback", callback_at=asked, hours=ending)
    assert machine.status == EnrollmentStatus.VOICEMAIL


# --- Tried again -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "final"),
    [
        ("no_answer", EnrollmentStatus.NO_ANSWER),
        ("busy", EnrollmentStatus.BUSY),
        ("voicemail", EnrollmentStatus.VOICEMAIL),
        ("failed", EnrollmentStatus.FAILED),
    ],
)
def test_an_outcome_with_a_rule_is_tried_again_and_without_one_it_is_final(outcome, final):
    again = decided(outcome)
    assert (again.status, again.due_at) == (EnrollmentStatus.RETRY, TUESDAY_NOON + timedelta(minutes=30))
    other = Rules(3, {rule: Reattempt(30, 2) for rule in EVERY_RULE.by_outcome if rule != outcome})
    done = decided(outcome, rules=other)
    assert (done.status, done.due_at, done.reason) == (final, None, "")


def test_a_retry_says_which_attempt_it_follows():
    assert decided(attempts=2, retries=1).reason == "No answer, attempt 2 of 3."


def test_a_retry_due_after_closing_waits_for_the_next_opening():
    late = datetime(2026, 3, 6, 16, 45, tzinfo=CHICAGO)
    assert decided(now=late).due_at == datetime(2026, 3, 9, 9, tzinfo=CHICAGO)


def test_a_retry_keeps_the_contacts_quiet_hours():
    # 16:00 in Chicago is 22:00 in London.
    decision = decided(
        now=datetime(2026, 3, 3, 16, tzinfo=CHICAGO), contact_zones=(ZoneInfo("Europe/London"),)
    )
    assert decision.due_at == datetime(2026, 3, 4, 9, tzinfo=CHICAGO)


def test_attempts_that_are_used_up_end_it():
    decision = decided("busy", attempts=3, retries=1)
    assert decision.status == EnrollmentStatus.BUSY
    assert decision.reason == "All attempts are used (3 of 3)."


def test_a_rules_own_times_end_it_before_the_attempts_do():
    rules = Rules(5, {"busy": Reattempt(5, 1), "no_answer": Reattempt(60, 4)})
    decision = decided("busy", attempts=2, retries=1, rules=rules)
    assert decision.status == EnrollmentStatus.BUSY
    assert decision.reason == "Was tried again once after busy."
    assert decided("no_answer", attempts=2, retries=0, rules=rules).status == EnrollmentStatus.RETRY


def test_a_number_that_can_never_work_is_not_tried_again():
    decision = decided("failed", permanent=True)
    assert decision.status == EnrollmentStatus.FAILED
    assert decision.reason == "This number can’t be called."
    assert decided("failed", permanent=True, disposition_effect="callback").status == EnrollmentStatus.FAILED


def test_no_opening_left_ends_it_with_the_reason():
    last_hour = OpeningHours(BUSINESS.hours, end_date=date(2026, 3, 3))
    decision = decided(now=datetime(2026, 3, 3, 16, 45, tzinfo=CHICAGO), hours=last_hour)
    assert decision.status == EnrollmentStatus.NO_ANSWER
    assert decision.reason == "The channel does not open again for another attempt."


# --- Cancelled -------------------------------------------------------------------------------------


def test_a_call_cancelled_before_an_answer_is_no_answer_and_not_tried_again():
    decision = decided("cancelled")
    assert decision.status == EnrollmentStatus.NO_ANSWER
    assert decision.reason == "The call was cancelled before an answer."


def test_a_call_hung_up_by_us_after_an_answer_reached_the_contact():
    assert decided("cancelled", connected=True).status == EnrollmentStatus.COMPLETED
    assert (
        decided("cancelled", connected=True, disposition_effect="unsuccessful").status
        == EnrollmentStatus.UNSUCCESSFUL
    )


# --- The words of others ---------------------------------------------------------------------------


def test_only_what_calls_and_dispositions_can_be_is_taken():
    with pytest.raises(ValueError, match="not how a call ends"):
        Ending("withdrawn")
    with pytest.raises(ValueError, match="not what a disposition does"):
        Ending("completed", disposition_effect="celebrate")


def test_effects_and_rules_are_those_of_the_models():
    assert set(Disposition.Effect.values) == EFFECTS
    assert set(ReattemptRule.Outcome.values) == set(EVERY_RULE.by_outcome)
    row = SimpleNamespace(outcome="busy", delay_minutes=5, max_times=2)
    assert Rules.of(4, [row]) == Rules(4, {"busy": Reattempt(5, 2)})


# --- Properties ------------------------------------------------------------------------------------

zones = st.sampled_from(["America/Chicago", "America/New_York", "Europe/London", "Asia/Kolkata"]).map(
    ZoneInfo
)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


@st.composite
def situations(draw):
    now = draw(moments)
    return {
        "ending": Ending(
            outcome=draw(st.sampled_from(sorted(OUTCOMES))),
            connected=draw(st.booleans()),
            disposition_effect=draw(st.sampled_from(sorted(EFFECTS))),
            callback_at=draw(st.none() | moments),
            permanent=draw(st.booleans()),
        ),
        "attempts": draw(st.integers(1, 7)),
        "retries_of_this_outcome": draw(st.integers(0, 5)),
        "rules": Rules(
            draw(st.integers(1, 5)),
            draw(
                st.dictionaries(
                    st.sampled_from(sorted(EVERY_RULE.by_outcome)),
                    st.builds(Reattempt, st.integers(1, 60 * 24 * 30), st.integers(1, 4)),
                )
            ),
        ),
        "hours": OpeningHours(
            tuple(draw(st.lists(st.sampled_from([0, (1 << 24) - 1, 0x1FE00]), min_size=7, max_size=7))),
            end_date=draw(
                st.none() | st.integers(-5, 60).map(lambda days: (now + timedelta(days=days)).date())
            ),
        ),
        "channel_zone": draw(st.none() | zones),
        "contact_zones": tuple(draw(st.lists(zones, max_size=2, unique=True))),
        "now": now,
    }


def decision_in(situation):
    situation = dict(situation)
    return decide(situation.pop("ending"), **situation)


@given(situations())
def test_every_ending_has_a_decision_that_the_lifecycle_allows(situation):
    decision = decision_in(situation)
    move = ENROLLMENT[MOVE_AFTER_A_CALL[decision.status]]
    assert {"calling", "connected"} <= move.sources
    assert move.target == decision.status
    assert len(decision.reason) <= 120


@given(situations())
def test_who_waits_has_a_due_time_and_who_is_done_has_none(situation):
    decision = decision_in(situation)
    assert (decision.status in WAITING) == (decision.due_at is not None)
    assert (decision.status in DONE) == (decision.due_at is None)


@given(situations())
def test_a_due_time_is_never_past_nor_closed_nor_before_what_was_asked(situation):
    decision = decision_in(situation)
    if decision.due_at is None:
        return
    assert decision.due_at >= situation["now"]
    place = (situation["hours"], situation["channel_zone"], situation["contact_zones"])
    assert is_open(*place, decision.due_at)
    if decision.status == EnrollmentStatus.RETRY:
        rule = situation["rules"].by_outcome[situation["ending"].outcome]
        earliest = situation["now"] + timedelta(minutes=rule.delay_minutes)
    else:
        earliest = max(situation["ending"].callback_at or situation["now"], situation["now"])
    assert decision.due_at >= earliest
    if situation["ending"].callback_at or decision.status == EnrollmentStatus.RETRY:
        assert decision.due_at == next_opening(*place, earliest)


@given(situations())
def test_a_retry_needs_a_rule_an_attempt_left_and_a_number_that_works(situation):
    if decision_in(situation).status == EnrollmentStatus.RETRY:
        rule = situation["rules"].by_outcome[situation["ending"].outcome]
        assert situation["attempts"] < situation["rules"].attempts_per_contact
        assert situation["retries_of_this_outcome"] < rule.max_times
        assert not situation["ending"].permanent


@given(situations())
def test_do_not_call_wins_over_everything(situation):
    decision = decision_in(situation)
    asked = situation["ending"].disposition_effect == "do_not_call"
    assert (decision.status == EnrollmentStatus.DO_NOT_CALL) == asked


@given(situations(), st.lists(st.sampled_from(sorted(EVERY_RULE.by_outcome)), min_size=20, max_size=20))
def test_attempts_never_exceed_the_limit_whatever_the_calls_end_as(situation, outcomes):
    situation = {**situation, "retries_of_this_outcome": 0}
    retries = dict.fromkeys(EVERY_RULE.by_outcome, 0)
    attempts = 0
    for outcome in outcomes:
        attempts += 1
        decision = decision_in(
            {
                **situation,
                "ending": Ending(outcome),
                "attempts": attempts,
                "retries_of_this_outcome": retries[outcome],
            }
        )
        if decision.status != EnrollmentStatus.RETRY:
            break
        retries[outcome] += 1
        situation["now"] = decision.due_at
    assert attempts <= situation["rules"].attempts_per_contact
    for outcome, rule in situation["rules"].by_outcome.items():
        assert retries[outcome] <= rule.max_times
