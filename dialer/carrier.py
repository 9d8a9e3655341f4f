"""What the engine asks of a carrier, and what a carrier can answer: in our words.

``dialer/plivo`` is the carrier there is. Nothing past that folder knows the vendor's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class CarrierError(Exception):
    """The carrier did not do what was asked; the message is for people."""


class CallRefused(CarrierError):
    """Wrong with this call: this number, these parameters. It was not placed."""


class SlowDown(CarrierError):
    """Not now: too many requests. The call was not placed and may be tried again."""


class AccountRefused(CarrierError):
    """The account can't: credentials, credit or permission. The call was not placed."""

    def __init__(self, message: str, *, out_of_credit: bool = False) -> None:
        super().__init__(message)
        self.out_of_credit = out_of_credit


class NotSent(CarrierError):
    """The request never left: no connection could be made. The call was not placed."""


class Ambiguous(CarrierError):
    """Nobody knows whether the carrier acted: a server error, no answer, a lost connection."""


class NotFound(CarrierError):
    """The carrier knows of no such thing (now)."""


@dataclass(frozen=True)
class CallOrder:
    """One call to be placed. ``call_id`` is ours, and comes back in every webhook's address."""

    call_id: int
    to_number: str
    from_number: str
    ring_timeout_seconds: int
    # Machine detection; None: off. The four durations are in ms, within the carrier's bounds.
    detect_machine: bool = False
    detection_timeout_ms: int = 5000
    speech_threshold_ms: int = 5000
    end_of_speech_ms: int = 800
    initial_silence_ms: int = 4500


@dataclass(frozen=True)
class Accepted:
    """The carrier took the call; ``request_id`` is its name for it until it rings."""

    request_id: str
    is_queued: bool = False


class Ended(StrEnum):
    """How a call ended, as far as the carrier can tell."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    MACHINE = "machine"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class Ending:
    """The end of a call, from its webhook or from the carrier's records.

    Durations in seconds; ``cost`` in the account's currency; ``by`` who hung up, in a word.
    """

    ended: Ended
    code: int | None
    cause: str
    by: str = ""
    permanent: bool = False
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: int | None = None
    billed_seconds: int | None = None
    cost: Decimal | None = None
    carrier_id: str = ""


class Progress(StrEnum):
    """Where a call that has not ended is."""

    QUEUED = "queued"
    RINGING = "ringing"
    CONNECTED = "connected"


@dataclass(frozen=True)
class LiveCall:
    carrier_id: str
    progress: Progress
    to_number: str
    from_number: str


@dataclass(frozen=True)
class CallRecord:
    """A finished call as the carrier's own records have it. ``started_at`` is when it was initiated.

    ``is_local``: the record's times said no offset, and may be hours off (the account's own zone).
    """

    carrier_id: str
    to_number: str
    from_number: str
    started_at: datetime
    ending: Ending
    is_local: bool = False
