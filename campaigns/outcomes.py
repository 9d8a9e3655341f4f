"""What a finished call means for the contact's place in the channel: done, or again, and when.

Pure functions: no database, no clock of their own.

The rules, first to last:

1. Who asked not to be contacted again is never called again, however the call ended.
2. Who asked for a callback is called at that time or at the next opening after it, also when no
   attempts are left: they asked. A callback without a time is taken as "tomorrow at this time".
3. A call that was completed reached the contact: completed, or unsuccessful if the disposition says so.
4. A call that we cancelled after it was answered reached them too. One cancelled before (somebody
   hung it up, the channel was stopped) ends as no answer and is not tried again by rule: whoever
   cancelled it decided against calling.
5. No answer, busy, voicemail and failed are tried again where a rule for that outcome is on, attempts
   are left, that rule's own times are not used up, the number can work at all, and the channel opens
   once more. Otherwise the contact is done, with that outcome as its status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from campaigns.hours import OpeningHours, next_opening
from campaigns.lifecycles import EnrollmentStatus

# How a call that the carrier accepted can have ended.
OUTCOMES = frozenset({"completed", "no_answer", "busy", "voicemail", "failed", "cancelled"})
# What a disposition does to the contact's place (campaigns.models.Disposition.Effect).
EFFECTS = frozenset({"", "unsuccessful", "callback", "do_not_call"})
CALLBACK_WITHOUT_A_TIME = timedelta(days=1)

_FINAL_STATUS = {
    "no_answer": EnrollmentStatus.NO_ANSWER,
    "busy": EnrollmentStatus.BUSY,
    "voicemail": EnrollmentStatus.VOICEMAIL,
    "failed": EnrollmentStatus.FAILED,
}


@dataclass(frozen=True)
class Ending:
    """What a finished call was.

    ``permanent``: this number can never work (invalid, or no calls may be made to it).
    """

    outcome: str
    connected: bool = False
    disposition_effect: str = ""
    callback_at: datetime | None = None
    permanent: bool = False

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"{self.outcome!r} is not how a call ends.")
        if self.disposition_effect not in EFFECTS:
            raise ValueError(f"{self.disposition_effect!r} is not what a disposition does.")


@dataclass(frozen=True)
class Reattempt:
    """Try again after so long, up to so many times."""

    delay_minutes: int
    max_times: int


class ReattemptRow(Protocol):
    """What ``Rules.of`` reads of a channel's reattempt rule."""

    outcome: str
    delay_minutes: int
    max_times: int


@dataclass(frozen=True)
class Rules:
    """How often a contact may be called in a run, and after which outcomes again."""

    attempts_per_contact: int = 1
    by_outcome: Mapping[str, Reattempt] = field(default_factory=dict)

    @classmethod
    def of(cls, attempts_per_contact: int, rows: Iterable[ReattemptRow]) -> Rules:
        """From a channel's voice settings and its ``ReattemptRule`` rows."""
        return cls(
            attempts_per_contact, {row.outcome: Reattempt(row.delay_minutes, row.max_times) for row in rows}
        )


@dataclass(frozen=True)
class Decision:
    """Where the contact stands now.

    ``due_at`` is set exactly where it waits (retry, callback), and is an open moment. ``reason`` is a
    short sentence for people, empty where the status says it all.
    """

    status: EnrollmentStatus
    due_at: datetime | None = None
    reason: str = ""


def decide(
    ending: Ending,
    *,
    attempts: int,
    retries_of_this_outcome: int,
    rules: Rules,
    hours: OpeningHours,
    channel_zone: ZoneInfo | None,
    contact_zones: Sequence[ZoneInfo],
    now: datetime,
) -> Decision:
    """What becomes of a contact whose call has ended.

    ``attempts`` counts those that the carrier accepted in this run, this one included;
    ``retries_of_this_outcome`` how many times this contact was already tried again because of the same
    outcome. The result's status is one a finished call may leave a contact in
    (``lifecycles.MOVE_AFTER_A_CALL``).
    """
    if ending.disposition_effect == "do_not_call":
        return Decision(EnrollmentStatus.DO_NOT_CALL, reason="Asked not to be contacted again.")
    if ending.disposition_effect == "callback" and not ending.permanent:
        return _call_back(ending, hours, channel_zone, contact_zones, now)
    if ending.outcome == "completed" or (ending.outcome == "cancelled" and ending.connected):
        return _reached(ending)
    if ending.outcome == "cancelled":
        return Decision(EnrollmentStatus.NO_ANSWER, reason="The call was cancelled before an answer.")
    final = _FINAL_STATUS[ending.outcome]
    if ending.permanent:
        return Decision(final, reason="This number can’t be called.")
    rule = rules.by_outcome.get(ending.outcome)
    if rule is None:
        return Decision(final)
    if attempts >= rules.attempts_per_contact:
        return Decision(final, reason=f"All attempts are used ({attempts} of {rules.attempts_per_contact}).")
    if retries_of_this_outcome >= rule.max_times:
        times = "once" if rule.max_times == 1 else f"{rule.max_times} times"
        return Decision(final, reason=f"Was tried again {times} after {final.label.lower()}.")
    due_at = next_opening(
        hours, channel_zone, contact_zones, now + timedelta(minutes=max(rule.delay_minutes, 0))
    )
    if due_at is None:
        return Decision(final, reason="The channel does not open again for another attempt.")
    return Decision(
        EnrollmentStatus.RETRY,
        due_at,
        f"{final.label}, attempt {attempts} of {rules.attempts_per_contact}.",
    )


def _reached(ending: Ending, reason: str = "") -> Decision:
    if ending.disposition_effect == "unsuccessful":
        return Decision(EnrollmentStatus.UNSUCCESSFUL, reason=reason)
    return Decision(EnrollmentStatus.COMPLETED, reason=reason)


def _call_back(
    ending: Ending,
    hours: OpeningHours,
    channel_zone: ZoneInfo | None,
    contact_zones: Sequence[ZoneInfo],
    now: datetime,
) -> Decision:
    asked = ending.callback_at or now + CALLBACK_WITHOUT_A_TIME
    due_at = next_opening(hours, channel_zone, contact_zones, max(asked, now))
    if due_at is not None:
        return Decision(EnrollmentStatus.CALLBACK, due_at, "Asked to be called back.")
    reason = "Asked to be called back, but the channel does not open again."
    final = _FINAL_STATUS.get(ending.outcome)
    return Decision(final, reason=reason) if final else _reached(ending, reason)
