"""A call: what was asked for, what happens to it, and everything sent about it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote_plus
from uuid import uuid4
from zoneinfo import ZoneInfo

from simulator.causes import UNKNOWN, Cause

if TYPE_CHECKING:
    from simulator.callee import Callee
    from simulator.clock import Timer
    from simulator.recordings import Recording
    from simulator.stream import Stream


_plain = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch


class State(StrEnum):
    """queued -> dialing -> ringing -> in-progress -> ended; any of them may go straight to ended."""

    QUEUED = "queued"
    DIALING = "dialing"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    ENDED = "ended"


class SentWebhook:
    """One webhook as it was sent; kept for the ledger."""

    __slots__ = ("at", "attempts", "body", "error", "event", "method", "status", "took_ms", "url")

    def __init__(self, event: str, method: str, url: str, body: str) -> None:
        self.at = 0.0
        self.event = event
        self.method = method
        self.url = url
        self.body = body  # encoded: decoding waits until somebody reads the ledger
        self.status: int | None = None
        self.error = ""
        self.attempts = 0
        self.took_ms = 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "event": self.event,
            "method": self.method,
            "url": self.url,
            "status": self.status,
            "error": self.error,
            "attempts": self.attempts,
            "took_ms": round(self.took_ms, 1),
            "params": dict(parse_qsl(self.body, keep_blank_values=True)),
        }


class Turn:
    """Somebody spoke: simulated milliseconds from the answer."""

    __slots__ = ("end_ms", "speaker", "start_ms", "text")

    def __init__(self, speaker: str, text: str, start_ms: int, end_ms: int) -> None:
        self.speaker = speaker
        self.text = text
        self.start_ms = start_ms
        self.end_ms = end_ms

    def as_json(self) -> dict[str, Any]:
        return {"speaker": self.speaker, "text": self.text, "start_ms": self.start_ms, "end_ms": self.end_ms}


class Call:
    __slots__ = (
        "answered_at",
        "answered_epoch",
        "awaited_keys",
        "body_start",
        "callee",
        "cause",
        "created_at",
        "digits_heard",
        "direction",
        "ended_at",
        "ended_epoch",
        "execution",
        "fired_epoch",
        "first_webhook",
        "from_",
        "keys_ahead",
        "muted",
        "notes",
        "on_end",
        "params",
        "parent",
        "posted_epoch",
        "quirk",
        "recordings",
        "request_uuid",
        "sequence",
        "session_start",
        "shared",
        "source",
        "state",
        "stream",
        "tail",
        "timers",
        "times_called",
        "to",
        "transfers",
        "turns",
        "uuid",
        "webhooks",
    )

    def __init__(
        self,
        *,
        sequence: int,
        from_: str,
        to: str,
        params: Mapping[str, Any],
        callee: Callee,
        times_called: int,
        posted_epoch: float,
        created_at: float,
        parent: Call | None = None,
        direction: str = "outbound",
    ) -> None:
        self.sequence = sequence
        self.uuid = self.request_uuid = str(uuid4())
        self.from_ = from_
        self.to = to
        self.params = params
        self.callee = callee
        self.quirk = callee.quirk
        self.times_called = times_called
        self.parent = parent
        self.direction = direction
        self.muted = False
        """Nothing more is told about this call: it was forgotten by a reset."""
        self.awaited_keys: asyncio.Future[str] | None = None
        """Where the XML listens for keys, what is waiting for them."""
        self.keys_ahead = ""
        """Keys pressed before anything listened."""
        self.state = State.QUEUED
        # Moments: `…_epoch` in real time, the others on the simulated clock.
        self.posted_epoch = posted_epoch
        self.fired_epoch: float | None = None
        self.answered_epoch: float | None = None
        self.ended_epoch: float | None = None
        self.created_at = created_at
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.session_start = ""
        self.cause: Cause | None = None
        self.source = ""
        self.timers: list[Timer] = []
        self.execution: asyncio.Task[None] | None = None
        self.stream: Stream | None = None
        self.recordings: list[Recording] = []
        self.transfers = 0
        self.digits_heard = ""
        self.turns: list[Turn] = []
        self.notes: list[str] = []
        self.on_end: list[Callable[[], object]] = []
        self.webhooks: list[SentWebhook] = []
        # The last webhook on its way: the next one waits for it, so that order is kept.
        self.tail: asyncio.Task[Any] | None = None
        self.first_webhook: asyncio.Event | None = None
        # Parameters that every webhook of this call carries, and the same already encoded.
        self.shared: list[tuple[str, str]] = []
        self.body_start = ""

    @property
    def live(self) -> bool:
        return self.state not in (State.QUEUED, State.ENDED)

    @property
    def answered(self) -> bool:
        return self.answered_at is not None

    def talked_seconds(self, now: float) -> float:
        """Simulated seconds since the answer, or of the whole conversation once it ended."""
        if self.answered_at is None:
            return 0.0
        return (now if self.ended_at is None else self.ended_at) - self.answered_at

    @property
    def duration_seconds(self) -> int:
        """As it is billed: whole seconds from answer to end, rounded to the nearest."""
        return round(self.talked_seconds(self.ended_at or 0.0)) if self.ended_at is not None else 0

    @property
    def webhook_status(self) -> str:
        """CallStatus as the webhooks say it."""
        if self.state is State.ENDED:
            if self.answered or self.cause is None:
                return "completed"
            return self.cause.status
        if self.state is State.IN_PROGRESS:
            return "in-progress"
        return "ringing"

    def share(self, params: list[tuple[str, str]]) -> None:
        self.shared = params
        self.body_start = form(params)

    def drop_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()

    def cost(self, price_per_minute: float) -> float:
        return -(-self.duration_seconds // 60) * price_per_minute

    def ledger_entry(self) -> dict[str, Any]:
        """Everything about the call, for tests."""
        callee = self.callee
        return {
            "n": self.sequence,
            "call_uuid": self.uuid,
            "request_uuid": self.request_uuid,
            "parent_call_uuid": self.parent.uuid if self.parent else None,
            "direction": self.direction,
            "from": self.from_,
            "to": self.to,
            "times_called": self.times_called,
            "posted_at": self.posted_epoch,
            "fired_at": self.fired_epoch,
            "answered_at": self.answered_epoch,
            "ended_at": self.ended_epoch,
            "state": self.state.value,
            "params": dict(self.params),
            "answer_url": self.params.get("answer_url"),
            "decided": {
                "reaction": callee.reaction.value,
                "machine": callee.machine,
                "ring_seconds": round(callee.ring_seconds, 3),
                "talk_seconds": round(callee.talk_seconds, 3),
                "mood": callee.mood.value,
                "keypress": callee.keypress,
                "quirk": callee.quirk.value if callee.quirk else None,
                "forced_by": callee.forced_by,
            },
            "duration_seconds": self.duration_seconds,
            "hangup_cause_code": self.cause.code if self.cause else None,
            "hangup_cause_name": self.cause.name if self.cause else None,
            "hangup_source": self.source,
            "transfers": self.transfers,
            "digits_heard": self.digits_heard,
            "recordings": [recording.id for recording in self.recordings],
            "turns": [turn.as_json() for turn in self.turns],
            "notes": list(self.notes),
            "webhooks": [webhook.as_json() for webhook in self.webhooks],
        }

    def record(self, settings_zone: str, price_per_minute: float, account: str) -> dict[str, Any]:
        """The call record of an ended call, in the carrier's shape."""
        cause = self.cause or UNKNOWN
        zone = ZoneInfo(settings_zone)
        rate = f"{price_per_minute:.5f}"
        duration = self.duration_seconds
        return {
            "answer_time": local_time(self.answered_epoch, zone),
            "bill_duration": duration,
            "billed_duration": -(-duration // 60) * 60,
            "call_direction": self.direction,
            "call_duration": duration,
            "call_state": "ANSWER" if self.answered else cause.switch_name,
            "call_uuid": self.uuid,
            "conference_uuid": None,
            "end_time": local_time(self.ended_epoch, zone),
            "from_number": self.from_,
            "hangup_cause_code": cause.code,
            "hangup_cause_name": cause.name,
            "hangup_source": self.source,
            "initiation_time": local_time(self.fired_epoch or self.posted_epoch, zone),
            "parent_call_uuid": self.parent.uuid if self.parent else None,
            "resource_uri": f"/v1/Account/{account}/Call/{self.uuid}/",
            "stir_verification": "Not Applicable",
            "to_number": self.to,
            "total_amount": f"{self.cost(price_per_minute):.5f}",
            "total_rate": rate,
            "voice_network_group": "",
        }


def form(pairs: Iterable[tuple[str, str]]) -> str:
    """URL-encoded, as urlencode does, but quick where nothing needs quoting, which is nearly always."""
    return "&".join(
        [
            f"{key if _plain(key) else quote_plus(key)}={value if _plain(value) else quote_plus(value)}"
            for key, value in pairs
        ]
    )


def local_time(epoch: float | None, zone: ZoneInfo) -> str | None:
    """2026-03-25 10:00:01+05:30, as the carrier's records write it."""
    if epoch is None:
        return None
    return datetime.fromtimestamp(int(epoch), zone).isoformat(sep=" ")


def webhook_time(epoch: float | None) -> str:
    """2026-03-25 10:00:01, in UTC, as the carrier's webhooks write it."""
    return "" if epoch is None else datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%d %H:%M:%S")


def session_time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
