"""Recordings of calls: when they started and stopped, and telling the customer about them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

from simulator.calls import Call, local_time

if TYPE_CHECKING:
    from simulator.carrier import Carrier


class Recording:
    """Moments are on the simulated clock."""

    def __init__(
        self,
        call: Call,
        *,
        url_base: str,
        started_at: float,
        kind: str,
        callback_url: str,
        callback_method: str,
        longest_seconds: float,
    ) -> None:
        self.id = str(uuid4())
        self.call = call
        self.url = f"{url_base}{self.id}.wav"
        self.kind = kind
        """api, session or element: what the callback looks like depends on it."""
        self.callback_url = callback_url
        self.callback_method = callback_method
        self.longest_seconds = longest_seconds
        self.started_at = started_at
        self.started_epoch = time.time()
        self.ended_at: float | None = None
        self.reported = False

    def finish(self, now: float) -> None:
        if self.ended_at is None:
            self.ended_at = min(now, self.started_at + self.longest_seconds)

    @property
    def duration_ms(self) -> int:
        return 0 if self.ended_at is None else round((self.ended_at - self.started_at) * 1000)

    @property
    def start_ms(self) -> int:
        return round(self.started_epoch * 1000)

    @property
    def offset_ms(self) -> int:
        """From the call's answer to the recording's start, simulated."""
        answered = self.call.answered_at
        return 0 if answered is None else max(0, round((self.started_at - answered) * 1000))

    def xml_parameters(self) -> list[tuple[str, str]]:
        """As callbacks of the Record element carry it; a recording under way has durations of -1."""
        done = self.ended_at is not None
        return [
            ("RecordUrl", self.url),
            ("RecordFile", self.url),
            ("RecordingID", self.id),
            ("RecordingDuration", str(round(self.duration_ms / 1000)) if done else "-1"),
            ("RecordingDurationMs", str(self.duration_ms) if done else "-1"),
            ("RecordingStartMs", str(self.start_ms) if done else "-1"),
            ("RecordingEndMs", str(self.start_ms + self.duration_ms) if done else "-1"),
        ]

    def api_parameters(self) -> list[tuple[str, str]]:
        return [
            ("api_id", str(uuid4())),
            ("call_uuid", self.call.uuid),
            ("record_url", self.url),
            ("recording_id", self.id),
            ("recording_duration", str(round(self.duration_ms / 1000))),
            ("recording_duration_ms", str(self.duration_ms)),
            ("recording_start_ms", str(self.start_ms)),
            ("recording_end_ms", str(self.start_ms + self.duration_ms)),
        ]

    def as_json(self, account: str, zone: ZoneInfo) -> dict[str, Any]:
        return {
            "add_time": local_time(self.started_epoch, zone),
            "call_uuid": self.call.uuid,
            "conference_name": None,
            "conference_uuid": None,
            "from_number": self.call.from_,
            "monthly_recording_storage_amount": 0,
            "recording_end_ms": f"{self.start_ms + self.duration_ms}.00000",
            "recording_duration_ms": f"{self.duration_ms}.00000",
            "recording_format": "wav",
            "recording_id": self.id,
            "recording_start_ms": f"{self.start_ms}.00000",
            "recording_storage_duration": 0,
            "recording_storage_rate": 0,
            "recording_type": "call",
            "recording_url": self.url,
            "resource_uri": f"/v1/Account/{account}/Recording/{self.id}/",
            "rounded_recording_duration": -(-self.duration_ms // 60000) * 60,
            "to_number": self.call.to,
        }


class Recordings:
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self.by_id: dict[str, Recording] = {}

    def start(
        self,
        call: Call,
        *,
        kind: str,
        callback_url: str = "",
        callback_method: str = "POST",
        longest_seconds: float = 1e9,
    ) -> Recording:
        carrier = self._carrier
        recording = Recording(
            call,
            url_base=f"{carrier.public_url}/v1/Account/{carrier.auth_id}/Recording/",
            started_at=carrier.clock.now(),
            kind=kind,
            callback_url=callback_url if urlsplit(callback_url).scheme in ("http", "https") else "",
            callback_method=callback_method or "POST",
            longest_seconds=longest_seconds,
        )
        call.recordings.append(recording)
        self.by_id[recording.id] = recording
        return recording

    def stop(self, call: Call, recording: Recording) -> None:
        recording.finish(self._carrier.clock.now())
        self.report(call, recording)

    def report(self, call: Call, recording: Recording) -> None:
        """Tell the customer that a recording is ready, once."""
        if recording.reported or recording.ended_at is None:
            return
        recording.reported = True
        if recording.callback_url:
            self._carrier.webhooks.notify(
                call,
                "RecordStop",
                recording.callback_url,
                recording.callback_method,
                recording.api_parameters() if recording.kind == "api" else recording.xml_parameters(),
                bare=recording.kind == "api",
            )

    def forget(self, call: Call) -> None:
        for recording in call.recordings:
            self.by_id.pop(recording.id, None)

    def clear(self) -> None:
        self.by_id.clear()
