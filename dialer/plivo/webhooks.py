"""Plivo's webhooks and records, parsed into our own words. Unknown values are taken, never raised on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from dialer.carrier import Ending
from dialer.plivo.causes import classify

Values = Mapping[str, Any]


@dataclass(frozen=True)
class RecordingReady:
    url: str
    carrier_id: str
    duration_ms: int | None


def carrier_call_id(values: Values) -> str:
    return str(values.get("CallUUID") or "")[:64]


def hangup(values: Values) -> Ending:
    """The end of a call, from its hang-up webhook."""
    answered_at = _time(values.get("AnswerTime"))
    duration = _count(values.get("Duration"))
    code = _count(values.get("HangupCauseCode"))
    status = str(values.get("CallStatus") or "")
    # The carrier gives no answer time in some endings, but then a duration.
    was_answered = answered_at is not None or bool(duration)
    cause = classify(code, status, was_answered=was_answered)
    return Ending(
        ended=cause.ended,
        permanent=cause.permanent,
        code=code,
        cause=str(values.get("HangupCauseName") or values.get("HangupCause") or status)[:120],
        by=_who(values.get("HangupSource")),
        answered_at=answered_at,
        ended_at=_time(values.get("EndTime")),
        duration_seconds=duration,
        billed_seconds=_count(values.get("BillDuration")),
        cost=_money(values.get("TotalCost")),
        carrier_id=carrier_call_id(values),
    )


def record_ending(values: Values) -> tuple[Ending, datetime]:
    """The end of a call and when it was initiated, from the carrier's records."""
    answered_at = _time(values.get("answer_time"))
    duration = _count(values.get("call_duration"))
    code = _count(values.get("hangup_cause_code"))
    status = str(values.get("call_state") or "")
    cause = classify(code, status, was_answered=answered_at is not None or bool(duration))
    ended_at = _time(values.get("end_time"))
    ending = Ending(
        ended=cause.ended,
        permanent=cause.permanent,
        code=code,
        cause=str(values.get("hangup_cause_name") or status)[:120],
        by=_who(values.get("hangup_source")),
        answered_at=answered_at,
        ended_at=ended_at,
        duration_seconds=duration,
        billed_seconds=_count(values.get("bill_duration")),
        cost=_money(values.get("total_amount")),
        carrier_id=str(values.get("call_uuid") or "")[:64],
    )
    return ending, _time(values.get("initiation_time")) or ended_at or datetime.now(UTC)


def recording(values: Values) -> RecordingReady | None:
    """A finished recording; in the words of XML's Record or, in snake case, of the API's."""
    url = values.get("RecordUrl") or values.get("record_url") or values.get("RecordFile")
    if not url:
        return None
    return RecordingReady(
        url=str(url)[:500],
        carrier_id=str(values.get("RecordingID") or values.get("recording_id") or "")[:64],
        duration_ms=_count(values.get("RecordingDurationMs") or values.get("recording_duration_ms")),
    )


def is_machine(values: Values) -> bool:
    return str(values.get("Machine") or "").lower() == "true"


@dataclass(frozen=True)
class KeyPressed:
    """``turn``: the how-manieth time a key was waited for; ``meant``: what the keys were said to do."""

    digit: str
    turn: int
    meant: dict[str, str]


def key_pressed(values: Values) -> KeyPressed:
    """A key, at the address that was given for it (``dialer.announcements.keys`` and the turn)."""
    meant = {deed: str(values.get(deed) or "") for deed in ("opt_out", "talk", "repeat")}
    return KeyPressed(str(values.get("Digits") or "")[:8], _count(values.get("turn")) or 1, meant)


def was_connected(values: Values) -> bool:
    """Whether whom the call was to be connected to answered."""
    return str(values.get("DialStatus") or "").lower() == "completed"


# How a leg that was dialed can have failed, in words for people. "cancel": who called hung up meanwhile.
UNREACHED = {
    "busy": "busy",
    "no-answer": "no answer",
    "timeout": "no answer in time",
    "failed": "the call to it failed",
}


def why_not_connected(values: Values) -> str:
    """Why whom the call was to be connected to could not be reached; empty when they were."""
    return UNREACHED.get(str(values.get("DialStatus") or "").lower(), "")


def was_dropped(values: Values) -> bool:
    """Whether an audio stream ended otherwise than by one side closing it."""
    return str(values.get("Event") or "") == "DroppedStream"


def _who(value: Any) -> str:
    """Who hung up: the carrier says Callee, Caller, API, Plivo, Carrier, Error …"""
    words = {"callee": "contact", "caller": "us", "api": "us", "answer xml": "us", "carrier": "carrier"}
    text = str(value or "").strip().lower()
    return words.get(text, text)[:40]


def _count(value: Any) -> int | None:
    """A whole number that is not negative (the carrier says -1 for "not known"); else None."""
    try:
        number = int(float(str(value)))
    except (ValueError, OverflowError):
        return None
    return min(number, 2_000_000_000) if number >= 0 else None


def _money(value: Any) -> Decimal | None:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 100_000 else None


def is_local_time(value: Any) -> bool:
    """Whether a time of the carrier's says no offset: it is in the account's own zone, unknown to us."""
    try:
        return datetime.fromisoformat(str(value or "").strip()).tzinfo is None
    except ValueError:
        return False


def _time(value: Any) -> datetime | None:
    """A time of the carrier's; without an offset it is taken as UTC."""
    text = str(value or "").strip()
    if not text or text.lower() == "none":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
