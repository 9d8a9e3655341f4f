"""What is heard of a call changes it: accepted, ringing, answered, a machine, ended.

Each event is one guarded statement in the database, from the states it may come from; states only ever
move forward, so events may come twice, late, in any order, or before the answer to the POST that made
the call: the same events end the same. Who tells (webhook or reconciler) makes no difference. Of a call
whose contact was erased, and which has no number any more, nothing is kept.

An enrollment's attempts are set to the call's number, never counted up, so that hearing twice of one
call counts once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from campaigns.lifecycles import ENROLLMENT, MOVE_AFTER_A_CALL, EnrollmentStatus
from campaigns.models import Channel, Enrollment, MachineAction
from campaigns.outcomes import Decision
from campaigns.outcomes import Ending as EndingForContact
from campaigns.rulebook import Rulebook, rulebook
from contacts.models import DoNotContact
from contacts.queries import is_do_not_contact
from dialer import deadlines
from dialer.carrier import Ended, Ending
from dialer.deciding import decide_for_contact
from dialer.lifecycles import CALL, CallState
from dialer.models import Call, CallEvent, Outcome
from dialer.services import go_on, goes_on, lock_channel_of, lock_latest
from dialer.statements import rows

logger = logging.getLogger(__name__)

OUTCOMES = {
    Ended.ANSWERED: Outcome.COMPLETED,
    Ended.NO_ANSWER: Outcome.NO_ANSWER,
    Ended.BUSY: Outcome.BUSY,
    Ended.MACHINE: Outcome.VOICEMAIL,
    Ended.CANCELLED: Outcome.CANCELLED,
    Ended.FAILED: Outcome.FAILED,
}

# What the lifecycles' tables say, as parameters of the statements below.
BEFORE_RINGING = sorted(CALL["ring"].sources)
BEFORE_CONNECTED = sorted(CALL["answer"].sources)
BEFORE_ENDED = sorted(CALL["end"].sources)
CALLING = sorted(ENROLLMENT["connect"].sources)
ON_DO_NOT_CONTACT = "On do-not-contact"
# Two events of one call at the same moment: the loser looks again. More than a handful can't be.
TRIES = 10


ACCEPTED = """
UPDATE dialer_call SET
    state = CASE WHEN state = ANY(%(before)s) THEN 'ringing' ELSE state END,
    deadline_at = CASE WHEN state = ANY(%(before)s) THEN now() + %(deadline)s ELSE deadline_at END,
    checks = CASE WHEN state = ANY(%(before)s) THEN 0 ELSE checks END,
    request_id = %(request)s,
    is_queued = %(is_queued)s AND ringing_at IS NULL,
    accepted_at = COALESCE(accepted_at, now())
WHERE id = %(call)s AND state <> 'intent'
RETURNING outcome
"""


def accept(*, call_id: int, request_id: str, ring_timeout_seconds: int, is_queued: bool = False) -> bool:
    """The carrier took the call: the answer to the POST.

    False when it had been given up as never placed meanwhile: it must be taken back.
    """
    found = rows(
        ACCEPTED,
        {
            "call": call_id,
            "request": request_id[:64],
            "is_queued": is_queued,
            "before": BEFORE_RINGING,
            "deadline": deadlines.ringing(ring_timeout_seconds),
        },
    )
    return bool(found) and found[0][0] != Outcome.WITHDRAWN


RINGING = """
WITH ring AS (
    UPDATE dialer_call SET
        state = CASE WHEN state = ANY(%(before)s) THEN 'ringing' ELSE state END,
        deadline_at = CASE WHEN state = ANY(%(before)s) THEN now() + %(deadline)s ELSE deadline_at END,
        checks = CASE WHEN state = ANY(%(before)s) THEN 0 ELSE checks END,
        ringing_at = COALESCE(ringing_at, LEAST(now(), answered_at, ended_at)),
        accepted_at = COALESCE(accepted_at, now()),
        carrier_id = COALESCE(NULLIF(%(carrier)s, ''), carrier_id)
    WHERE id = %(call)s AND state <> 'intent' AND to_number <> ''
    RETURNING id
)
INSERT INTO dialer_callevent (call_id, kind, at, data)
SELECT id, 'ring', now(), %(data)s FROM ring RETURNING id
"""


def ring(*, call_id: int, carrier_id: str, data: Mapping[str, Any]) -> bool:
    """The phone rings."""
    return bool(
        rows(
            RINGING,
            {
                "call": call_id,
                "carrier": carrier_id,
                "before": BEFORE_RINGING,
                # What it rings at the longest is the carrier's bound; the answer to the POST is exact.
                "deadline": deadlines.ringing(deadlines.LONGEST_RING_SECONDS),
                "data": Jsonb(dict(data)),
            },
        )
    )


ANSWERED = """
WITH answer AS (
    UPDATE dialer_call SET
        state = 'connected',
        answered_at = now(),
        accepted_at = COALESCE(accepted_at, now()),
        carrier_id = COALESCE(NULLIF(%(carrier)s, ''), carrier_id),
        deadline_at = now() + %(deadline)s,
        checks = 0
    WHERE id = %(call)s AND state = ANY(%(before)s)
    RETURNING id, enrollment_id, attempt
), connect AS (
    UPDATE campaigns_enrollment AS enrollment SET
        status = 'connected', attempts = GREATEST(attempts, answer.attempt), updated_at = now()
    FROM answer
    WHERE enrollment.id = answer.enrollment_id AND enrollment.status = ANY(%(calling)s)
), event AS (
    INSERT INTO dialer_callevent (call_id, kind, at, data) SELECT id, 'answer', now(), %(data)s FROM answer
)
SELECT call.state, call.channel_id, channel.revision
FROM dialer_call AS call LEFT JOIN campaigns_channel AS channel ON channel.id = call.channel_id
WHERE call.id = %(call)s
"""


def answer(*, call_id: int, carrier_id: str, data: Mapping[str, Any]) -> Rulebook | None:
    """Somebody, or something, answered. Returns how the call is to be connected.

    None: it is not to be connected: the call is unknown, has ended, or its campaign was deleted. Told
    again (the carrier repeats what it got no answer to), it says the same.
    """
    found = rows(
        ANSWERED,
        {
            "call": call_id,
            "carrier": carrier_id,
            "deadline": deadlines.CONNECTED,
            "before": BEFORE_CONNECTED,
            "calling": CALLING,
            "data": Jsonb(dict(data)),
        },
    )
    if not found:
        return None
    # The state before this statement: a CTE's changes are not seen by the statement itself.
    state, channel_id, revision = found[0]
    if channel_id is None or state in {CallState.ENDED, CallState.INTENT}:
        return None
    return rulebook(channel_id, revision)


@dataclass(frozen=True)
class MachineFound:
    """A machine answered, and what to do: ``carrier_id`` is the call's name at the carrier."""

    carrier_id: str
    rules: Rulebook


def find_machine(*, call_id: int, carrier_id: str, data: Mapping[str, Any]) -> MachineFound | None:
    """The carrier's verdict that a machine answered; None when it is too late or was heard before.

    Too late means: a conversation is under way. A verdict that comes long after the answer must not
    cut off somebody who talks. A call that has just ended is corrected, and nothing is left to be done.
    """
    with transaction.atomic():
        call = (
            Call.objects.select_for_update(of=("self",), no_key=True)
            .filter(pk=call_id, is_machine=False)
            .exclude(state__in=[CallState.ENDED, CallState.INTENT])
            .first()
        )
        if call is not None and call.channel_id is not None:
            rules = _rules(call.channel_id)
            too_late = _since_answer(call) > _latest_verdict(rules)
            call.events.create(kind="machine_late" if too_late else "machine", data=dict(data))
            if too_late:
                return None
            carrier_id = call.carrier_id or carrier_id
            Call.objects.filter(pk=call_id).update(is_machine=True, carrier_id=carrier_id)
            return MachineFound(carrier_id=carrier_id, rules=rules)
    # It may have ended this moment.
    _correct_to_machine(call_id, data)
    return None


def _rules(channel_id: int) -> Rulebook:
    return rulebook(channel_id, Channel.objects.values_list("revision", flat=True).get(pk=channel_id))


def _latest_verdict(rules: Rulebook) -> timedelta:
    """How long after the answer a verdict is believed."""
    return timedelta(milliseconds=rules.detection_timeout_ms) + deadlines.LATE_VERDICT


@transaction.atomic
def _correct_to_machine(call_id: int, data: Mapping[str, Any]) -> None:
    """A call ended as completed, and a moment later we hear that it was a machine: as if heard before.

    Unless somebody said what came of it, or the contact was called again since.
    """
    just_ended = Call.objects.exclude(to_number="").filter(
        pk=call_id,
        state=CallState.ENDED,
        outcome=Outcome.COMPLETED,
        is_machine=False,
        disposition=None,
        answered_at__isnull=False,
        ended_at__gt=Now() - deadlines.VERDICT_AFTER_THE_END,
    )
    if not just_ended.exists():
        return
    channel = lock_channel_of(call_id)
    call = just_ended.select_for_update(no_key=True).first()
    if channel is None or call is None or call.enrollment_id is None:
        return
    rules = _rules(channel.pk)
    # It was made, at the latest, when the call ended.
    if _answered_for(call) > _latest_verdict(rules):
        return
    enrollment = lock_latest(call, call.enrollment_id)
    if enrollment is None:
        return
    call.events.create(kind="machine", data=dict(data))
    if rules.on_machine == MachineAction.CONNECT:
        Call.objects.filter(pk=call_id).update(is_machine=True)
        return
    ((now,),) = rows("SELECT now()", {})
    decision = decide_for_contact(
        EndingForContact(outcome=Outcome.VOICEMAIL, connected=True),
        rules,
        call_id=call_id,
        enrollment_id=enrollment.pk,
        attempts=max(call.attempt, enrollment.attempts),
        zone_set_id=enrollment.zone_set_id,
        now=now,
    )
    Call.objects.filter(pk=call_id).update(is_machine=True, outcome=Outcome.VOICEMAIL)
    contact = Enrollment.objects.filter(pk=enrollment.pk)
    earlier = Call.objects.filter(enrollment=enrollment.pk, run=enrollment.run, outcome=Outcome.COMPLETED)
    contact.update(is_reached=earlier.exists())
    again = decision.status == EnrollmentStatus.RETRY and channel.run == call.run and goes_on(channel)
    if not again:
        reason = decision.reason if decision.status == EnrollmentStatus.VOICEMAIL else ""
        ENROLLMENT.apply(contact, "correct_to_machine", reason=reason[:120], updated_at=now)
    elif ENROLLMENT.apply(
        contact, "correct_to_retry", due_at=decision.due_at, reason=decision.reason[:120], updated_at=now
    ):
        go_on(channel, why="the last call had reached a machine")


def _answered_for(call: Call) -> timedelta:
    """How long a call that has ended was answered."""
    if call.answered_at is None or call.ended_at is None:
        return timedelta(0)
    return call.ended_at - call.answered_at


def _since_answer(call: Call) -> timedelta:
    """How long ago the call was answered, on the database's clock; nothing if it was not."""
    if call.answered_at is None:
        return timedelta(0)
    found = rows("SELECT clock_timestamp() - %(answered)s", {"answered": call.answered_at})
    delay: timedelta = found[0][0]
    return delay


LOOK = """
SELECT call.state, call.attempt, call.to_number, call.is_taken_back,
       call.take_back_asked_at IS NOT NULL, call.is_queued AND call.ringing_at IS NULL,
       call.claimed_from, call.is_machine, call.disposition_id, disposition.effect, call.callback_at,
       call.answered_at, call.enrollment_id, enrollment.attempts, enrollment.zone_set_id,
       call.channel_id, channel.revision, now()
FROM dialer_call AS call
LEFT JOIN campaigns_enrollment AS enrollment ON enrollment.id = call.enrollment_id
LEFT JOIN campaigns_channel AS channel ON channel.id = call.channel_id
LEFT JOIN campaigns_disposition AS disposition ON disposition.id = call.disposition_id
WHERE call.id = %(call)s
"""

ENDED = """
WITH ending AS (
    UPDATE dialer_call SET
        state = 'ended',
        outcome = %(outcome)s,
        deadline_at = NULL,
        accepted_at = CASE WHEN %(was_accepted)s THEN COALESCE(accepted_at, now()) ELSE accepted_at END,
        answered_at = COALESCE(answered_at, CASE WHEN %(was_answered)s
            THEN now() - make_interval(secs => COALESCE(%(duration)s, 0)) END),
        ended_at = now(),
        duration_seconds = COALESCE(%(duration)s, EXTRACT(epoch FROM now() - answered_at)::integer),
        billed_seconds = %(billed)s,
        cost = %(cost)s,
        hangup_code = %(code)s,
        -- That its assistant could not be reached tells more than how the carrier then ended it.
        hangup_cause = CASE WHEN is_error THEN hangup_cause ELSE %(cause)s END,
        hangup_by = %(by)s,
        is_error = is_error OR %(is_error)s,
        carrier_id = CASE WHEN %(carrier)s = '' THEN carrier_id ELSE %(carrier)s END
    WHERE id = %(call)s AND state = %(state)s AND state = ANY(%(before)s)
        AND disposition_id IS NOT DISTINCT FROM %(disposition)s AND is_machine = %(is_machine)s
    RETURNING id, enrollment_id, attempt
), contact AS (
    UPDATE campaigns_enrollment AS enrollment SET
        status = %(status)s,
        attempts = CASE WHEN %(is_attempt)s THEN GREATEST(attempts, ending.attempt) ELSE attempts END,
        is_reached = is_reached OR %(outcome)s = 'completed',
        due_at = COALESCE(%(due)s, due_at),
        reason = %(reason)s,
        updated_at = now()
    FROM ending
    WHERE enrollment.id = ending.enrollment_id AND enrollment.status = ANY(%(from)s)
), event AS (
    INSERT INTO dialer_callevent (call_id, kind, at, data) SELECT id, %(kind)s, now(), %(data)s FROM ending
)
SELECT id FROM ending
"""


def end(
    *,
    call_id: int,
    ending: Ending,
    kind: str = "hangup",
    data: Mapping[str, Any],
    was_accepted: bool = True,
) -> bool:
    """The call is over: its outcome, and what that means for the contact, in one statement.

    ``kind`` names the event: "hangup" when the carrier told, "reconciled" when its records did.
    ``was_accepted``: false for a call that the carrier refused to take; it is no attempt.
    Returns whether this ended it; False when it had ended, or was never placed as far as we know.
    """
    for _ in range(TRIES):
        found = rows(LOOK, {"call": call_id})
        if not found:
            return False
        (
            state,
            attempt,
            to_number,
            is_taken_back,
            is_hung_up_on,
            never_rang,
            claimed_from,
            is_machine,
            disposition_id,
            effect,
            callback_at,
            answered_at,
            enrollment_id,
            attempts,
            zone_set_id,
            channel_id,
            revision,
            now,
        ) = found[0]
        if state not in BEFORE_ENDED:
            _hear_late(call_id, state, kind, data)
            return False
        outcome = OUTCOMES[ending.ended]
        was_answered = (
            answered_at is not None or ending.answered_at is not None or bool(ending.duration_seconds)
        )
        rules = rulebook(channel_id, revision) if channel_id is not None else None
        if outcome == Outcome.CANCELLED and was_answered:
            # Hung up on, but not before somebody was reached.
            outcome = Outcome.COMPLETED
        if is_machine and outcome == Outcome.COMPLETED and not (rules and rules.on_machine == "connect"):
            outcome = Outcome.VOICEMAIL
        decision = None
        is_attempt = was_accepted
        sources: frozenset[str] = frozenset()
        is_back = is_taken_back and outcome == Outcome.CANCELLED and not was_answered
        if enrollment_id is not None and is_back and is_do_not_contact(to_number, DoNotContact.Scope.VOICE):
            decision = Decision(EnrollmentStatus.DO_NOT_CALL, reason=ON_DO_NOT_CONTACT)
            is_attempt = not never_rang
            sources = ENROLLMENT[MOVE_AFTER_A_CALL[decision.status]].sources
        elif enrollment_id is not None and is_back and (never_rang or not is_hung_up_on):
            # Taken out of the carrier's queue: the contact heard nothing of it, and waits as before.
            decision, is_attempt = Decision(EnrollmentStatus(claimed_from)), False
            sources = ENROLLMENT["withdraw"].sources
        elif enrollment_id is not None and rules is not None:
            contact_ending = EndingForContact(
                outcome=outcome,
                connected=was_answered,
                disposition_effect=effect or "",
                callback_at=callback_at,
                permanent=ending.permanent,
            )
            made = max(attempt, attempts) if was_accepted else attempts
            decision = decide_for_contact(
                contact_ending,
                rules,
                call_id=call_id,
                enrollment_id=enrollment_id,
                attempts=made,
                zone_set_id=zone_set_id,
                now=now,
            )
            sources = ENROLLMENT[MOVE_AFTER_A_CALL[decision.status]].sources
        ended = rows(
            ENDED,
            {
                "call": call_id,
                "state": state,
                "before": BEFORE_ENDED,
                "outcome": outcome,
                "was_answered": was_answered,
                "duration": ending.duration_seconds,
                "billed": ending.billed_seconds,
                "cost": ending.cost,
                "code": ending.code,
                "cause": ending.cause,
                "by": ending.by,
                "carrier": ending.carrier_id,
                "disposition": disposition_id,
                "is_machine": is_machine,
                "status": decision.status if decision else None,
                "from": sorted(sources),
                "was_accepted": was_accepted,
                "is_attempt": is_attempt,
                "is_error": ending.ended is Ended.FAILED and not ending.permanent,
                "due": decision.due_at if decision else None,
                "reason": decision.reason[:120] if decision else "",
                "kind": kind,
                "data": Jsonb(dict(data)),
            },
        )
        if ended:
            return True
    logger.error("Call %s: its end could not be written in %s tries.", call_id, TRIES)
    return False


def _hear_late(call_id: int, state: str, kind: str, data: Mapping[str, Any]) -> None:
    """An ending after the end: noted once a kind. After a withdrawal it is news: it was placed after all."""
    call = Call.objects.filter(pk=call_id).only("outcome", "to_number").first()
    if call is None or call.is_erased or call.outcome != Outcome.WITHDRAWN:
        return
    logger.error("Call %s was given up as never placed, and the carrier now tells of its end.", call_id)
    call.events.get_or_create(kind=f"{kind}_late"[:24], defaults={"data": dict(data)})


# Once a call; also after its end, since the carrier tells of both in any order.
MISSED_ASSISTANT = """
WITH missed AS (
    UPDATE dialer_call SET is_error = true, hangup_cause = %(cause)s
    WHERE id = %(call)s AND state <> 'intent' AND to_number <> '' AND NOT is_error
    RETURNING id, assistant_id
), rest AS (
    -- The others of its pools take its calls for a while.
    UPDATE campaigns_assistant AS assistant SET resting_until = now() + %(rest)s
    FROM missed WHERE assistant.id = missed.assistant_id
)
INSERT INTO dialer_callevent (call_id, kind, at, data)
SELECT id, 'assistant_missed', now(), %(data)s FROM missed RETURNING id
"""


# How long an assistant rests that could not be reached.
REST = timedelta(seconds=60)


def miss_assistant(*, call_id: int, why: str, data: Mapping[str, Any]) -> bool:
    """Somebody answered, and the assistant could not be reached: an error of ours, which counts towards
    the channel's automatic pause (dialer/driving/errors.py). The contact was reached all the same."""
    cause = f"The assistant can’t be reached: {why}"[:120]
    parameters = {"call": call_id, "cause": cause, "rest": REST, "data": Jsonb(dict(data))}
    return bool(rows(MISSED_ASSISTANT, parameters))


def miss_assistant_without_stream(*, call_id: int, data: Mapping[str, Any]) -> bool:
    """The audio stream was dropped: the assistant was not reached, unless the stream had begun."""
    events = CallEvent.objects.filter(call=call_id, kind="stream")
    if events.filter(data__Event="StartStream").exists():
        return False
    return miss_assistant(call_id=call_id, why="no connection", data=data)


WITHDRAWN = """
WITH withdrawal AS (
    UPDATE dialer_call SET
        state = 'ended', outcome = 'withdrawn', deadline_at = NULL, ended_at = now(), hangup_cause = %(cause)s
    WHERE id = ANY(%(calls)s) AND state = ANY(%(before)s) AND accepted_at IS NULL
    RETURNING id, enrollment_id, claimed_from
), contact AS (
    UPDATE campaigns_enrollment AS enrollment SET
        status = withdrawal.claimed_from,
        due_at = GREATEST(due_at, now() + %(delay)s),
        reason = '',
        updated_at = now()
    FROM withdrawal
    WHERE enrollment.id = withdrawal.enrollment_id AND enrollment.status = ANY(%(calling)s)
)
SELECT id FROM withdrawal
"""


def withdraw(
    *, call_ids: list[int], cause: str, from_states: list[str], delay: timedelta = timedelta(0)
) -> int:
    """Calls that were surely not placed: their contacts wait again, as they did; no attempt is used."""
    return len(
        rows(
            WITHDRAWN,
            {
                "calls": call_ids,
                "before": from_states,
                "cause": cause[:120],
                "delay": delay,
                "calling": CALLING,
            },
        )
    )


DOUBTED = """
WITH doubt AS (
    UPDATE dialer_call SET state = 'unknown', deadline_at = now() + %(deadline)s, checks = 0
    WHERE id = %(call)s AND state = 'placing'
    RETURNING id
)
INSERT INTO dialer_callevent (call_id, kind, at, data)
SELECT id, 'doubt', now(), %(data)s FROM doubt RETURNING id
"""


def doubt(*, call_id: int, why: str) -> bool:
    """Nobody knows whether the carrier acted; from here only reconciliation goes on, never a redial."""
    return bool(
        rows(DOUBTED, {"call": call_id, "deadline": deadlines.FIRST_LOOK, "data": Jsonb({"why": why[:300]})})
    )


NOTED = """
INSERT INTO dialer_callevent (call_id, kind, at, data)
SELECT id, %(kind)s, now(), %(data)s FROM dialer_call WHERE id = %(call)s AND to_number <> ''
RETURNING id
"""


def note(*, call_id: int, kind: str, data: Mapping[str, Any]) -> bool:
    """Something heard of a call that changes nothing, kept among its events; not of an erased person's."""
    return bool(rows(NOTED, {"call": call_id, "kind": kind[:24], "data": Jsonb(dict(data))}))
