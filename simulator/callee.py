"""Who is called: whether and how they answer, how long they talk, and what they want.

Everything is drawn from (seed, number, how many times this number was called), so a campaign ends
the same however its calls are ordered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from simulator import causes
from simulator.settings import Settings


class Reaction(StrEnum):
    ANSWERS = "answers"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTS = "rejects"
    INVALID = "invalid"
    CARRIER_ERROR = "carrier_error"


class Mood(StrEnum):
    """What a person does in a conversation with an assistant."""

    INTERESTED = "interested"
    NOT_INTERESTED = "not_interested"
    CALLBACK = "callback"
    DO_NOT_CALL = "do_not_call"
    HANGS_UP_EARLY = "hangs_up_early"
    SILENT = "silent"


class Quirk(StrEnum):
    """What the carrier does wrong with this number's calls."""

    REFUSED = "refused"  # POST gets 400
    ERROR_AFTER = "error_after"  # POST gets 500 after accepting
    ERROR_BEFORE = "error_before"  # POST gets 500, nothing accepted
    TIMEOUT_AFTER = "timeout_after"  # accepts, never responds
    RESET_AFTER = "reset_after"  # accepts, resets the connection
    HANGUP_LOST = "hangup_lost"
    DOUBLED = "doubled"  # every webhook twice
    REORDERED = "reordered"  # the ring webhook comes after the hang-up
    BEFORE_RESPONSE = "before_response"  # the first webhook comes before the POST's response
    RATE_LIMITED = "rate_limited"  # POST gets 429
    PAYMENT_REQUIRED = "payment_required"  # POST gets 402


# How each reaction other than answering ends the call: cause, who, and whether it rang before.
ENDINGS: dict[Reaction, tuple[int, str, bool]] = {
    Reaction.BUSY: (3010, causes.CARRIER, False),
    Reaction.REJECTS: (3020, causes.CALLEE, True),
    Reaction.INVALID: (3050, causes.CARRIER, False),
    Reaction.CARRIER_ERROR: (3080, causes.CARRIER, False),
    Reaction.NO_ANSWER: (3000, causes.CARRIER, True),
}


@dataclass(frozen=True, slots=True)
class Callee:
    reaction: Reaction
    ring_seconds: float
    talk_seconds: float
    machine: bool = False
    detected_as_machine: bool = False
    mood: Mood = Mood.NOT_INTERESTED
    keypress: str = ""
    quirk: Quirk | None = None
    stays: bool = False
    """Never hangs up on their own account."""
    forced_by: str = ""
    """The last digits that decided this; empty where chance did."""
    seed: int = 0
    """For whatever else about this call is left to chance."""


def _answering(**what: object) -> dict[str, object]:
    return {"reaction": Reaction.ANSWERS, "machine": False, "detected_as_machine": False, **what}


# The last four digits of a number decide, so that tests and demonstrations can choose what happens.
FORCED: dict[str, dict[str, object]] = {
    "0001": _answering(ring_seconds=1.0),
    "0002": {"reaction": Reaction.BUSY},
    "0003": {"reaction": Reaction.NO_ANSWER},
    "0004": {"reaction": Reaction.REJECTS},
    "0005": {"reaction": Reaction.INVALID},
    "0006": _answering(ring_seconds=2.0, machine=True, detected_as_machine=True),
    "0007": _answering(ring_seconds=1.0, talk_seconds=2.0, mood=Mood.HANGS_UP_EARLY),
    "0008": {"reaction": Reaction.CARRIER_ERROR},
    "0009": _answering(quirk=Quirk.REFUSED),
    "0010": _answering(ring_seconds=1.0, quirk=Quirk.ERROR_AFTER),
    "0011": _answering(quirk=Quirk.ERROR_BEFORE),
    "0012": _answering(ring_seconds=1.0, quirk=Quirk.TIMEOUT_AFTER),
    "0013": _answering(ring_seconds=1.0, quirk=Quirk.RESET_AFTER),
    "0014": _answering(ring_seconds=1.0, quirk=Quirk.HANGUP_LOST),
    "0015": _answering(ring_seconds=1.0, quirk=Quirk.DOUBLED),
    "0016": _answering(ring_seconds=1.0, quirk=Quirk.REORDERED),
    "0017": _answering(ring_seconds=1.0, quirk=Quirk.BEFORE_RESPONSE),
    "0018": _answering(ring_seconds=1.0, talk_seconds=600.0, mood=Mood.INTERESTED),
    "0019": _answering(ring_seconds=1.0, mood=Mood.DO_NOT_CALL, keypress="9"),
    "0020": _answering(ring_seconds=1.0, mood=Mood.CALLBACK, keypress="2"),
    "0021": _answering(ring_seconds=1.0, mood=Mood.INTERESTED, keypress="1"),
    "0022": _answering(ring_seconds=1.0, mood=Mood.NOT_INTERESTED, keypress=""),
    "0023": _answering(ring_seconds=1.0, mood=Mood.SILENT, keypress=""),
    "0024": _answering(quirk=Quirk.RATE_LIMITED),
    "0025": _answering(quirk=Quirk.PAYMENT_REQUIRED),
    "0026": _answering(ring_seconds=1.0, talk_seconds=1e9, stays=True),
    "0027": _answering(ring_seconds=1.0, machine=True, detected_as_machine=False),
    "0028": _answering(ring_seconds=1.0, machine=False, detected_as_machine=True),
    "0029": _answering(ring_seconds=30.0),
}


def meet(settings: Settings, number: str, times_called: int) -> Callee:
    """The person at `number`, called for the `times_called`-th time (from 1)."""
    dice = Random(f"{settings.seed}/{number}/{times_called}")
    chance = dice.random
    reaction = _reaction(settings, chance())
    answers = reaction is Reaction.ANSWERS
    machine = chance() < settings.machine_share and answers
    taken_wrongly = chance() < (settings.machine_missed_rate if machine else settings.machine_false_rate)
    ring = settings.ring_seconds * dice.lognormvariate(0, settings.ring_sigma or 1e-12)
    talk = settings.talk_seconds * dice.lognormvariate(0, settings.talk_sigma or 1e-12)
    callee = Callee(
        reaction=reaction,
        ring_seconds=settings.no_answer_seconds if reaction is Reaction.NO_ANSWER else ring,
        talk_seconds=settings.machine_record_seconds if machine else talk,
        machine=machine,
        detected_as_machine=machine != taken_wrongly,
        mood=_mood(settings, chance()),
        keypress=_keypress(settings, chance()),
        seed=dice.getrandbits(32),
    )
    if number.startswith("sip:") or number in settings.steady_numbers:
        return replace(
            callee,
            reaction=Reaction.ANSWERS,
            ring_seconds=1.0,
            talk_seconds=1e9,
            machine=False,
            detected_as_machine=False,
            stays=True,
        )
    forced = FORCED.get(number[-4:]) if settings.forced_digits else None
    if forced is None:
        return callee
    callee = replace(callee, forced_by=number[-4:], **forced)  # type: ignore[arg-type]
    if callee.reaction is Reaction.NO_ANSWER:
        return replace(callee, ring_seconds=settings.no_answer_seconds)
    if callee.machine:
        return replace(callee, talk_seconds=settings.machine_record_seconds)
    if "talk_seconds" not in forced:
        return replace(callee, talk_seconds=talk)
    return callee


def _reaction(settings: Settings, point: float) -> Reaction:
    for reaction, share in (
        (Reaction.ANSWERS, settings.answer_rate),
        (Reaction.BUSY, settings.busy_rate),
        (Reaction.REJECTS, settings.reject_rate),
        (Reaction.INVALID, settings.invalid_rate),
        (Reaction.CARRIER_ERROR, settings.carrier_error_rate),
    ):
        if point < share:
            return reaction
        point -= share
    return Reaction.NO_ANSWER


def _mood(settings: Settings, point: float) -> Mood:
    for mood, share in (
        (Mood.INTERESTED, settings.interested_rate),
        (Mood.CALLBACK, settings.callback_rate),
        (Mood.DO_NOT_CALL, settings.do_not_call_rate),
        (Mood.HANGS_UP_EARLY, settings.hangs_up_early_rate),
        (Mood.SILENT, settings.silent_rate),
    ):
        if point < share:
            return mood
        point -= share
    return Mood.NOT_INTERESTED


def _keypress(settings: Settings, point: float) -> str:
    for key, share in settings.keypresses.items():
        if point < share:
            return key
        point -= share
    return ""
