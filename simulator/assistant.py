"""A small demo assistant at the other end of the audio stream, so that a laptop has somebody to talk to.

It is no part of the carrier: it speaks the stream's protocol and the product's assistant webhook, both
as docs/simulator.md describes them. Only for what the contact replies does it look at who was called.
"""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from urllib.parse import unquote

import aiohttp
from aiohttp import web

from simulator import audio, scripts
from simulator.api.gate import CARRIER
from simulator.callee import Callee, Mood, meet
from simulator.calls import Call, Turn
from simulator.carrier import Carrier

logger = logging.getLogger(__name__)

START_SECONDS = 10.0
CONTEXT_SECONDS = 3.0
REPORT_SECONDS = 10.0
REPORT_PAUSES_SECONDS = (0.5, 1.0, 2.0)
TONE_BYTES = 1920  # 240 ms

# What the contact wanted -> the disposition reported, where the conversation came that far.
DISPOSITIONS = {
    Mood.INTERESTED: "interested",
    Mood.NOT_INTERESTED: "not_interested",
    Mood.CALLBACK: "callback",
    Mood.DO_NOT_CALL: "do_not_call",
    Mood.HANGS_UP_EARLY: "not_interested",
    Mood.SILENT: "no_decision",
}
UNSUCCESSFUL = frozenset({"no_decision", "voicemail"})


async def converse(request: web.Request) -> web.WebSocketResponse:
    """The WebSocket at /assistant/{name}/."""
    carrier = request.app[CARRIER]
    socket = web.WebSocketResponse(max_msg_size=0, compress=False)
    await socket.prepare(request)
    try:
        start = await _start_of(socket)
        if start is not None:
            await Conversation(carrier, socket, request.match_info["name"], start).hold()
    finally:
        with suppress(ConnectionError):
            await socket.close()
    return socket


async def _start_of(socket: web.WebSocketResponse) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(START_SECONDS):
            message = json.loads(await socket.receive_str())
    except (TimeoutError, TypeError, ValueError, aiohttp.WSMessageTypeError):
        return None
    return message if isinstance(message, dict) and message.get("event") == "start" else None


def headers_of(start: Mapping[str, Any]) -> dict[str, str]:
    """The extra headers of a start message, decoded; keys in lower case."""
    raw = start.get("extra_headers") or ""
    if isinstance(raw, dict):
        return {str(key).lower(): unquote(str(value)) for key, value in raw.items()}
    pairs = (part.partition("=") for part in str(raw).strip("{}").replace(",", ";").split(";"))
    return {key.strip().lower(): unquote(value.strip()) for key, _, value in pairs if key.strip()}


class Conversation:
    def __init__(
        self, carrier: Carrier, socket: web.WebSocketResponse, name: str, start: Mapping[str, Any]
    ) -> None:
        self._carrier = carrier
        self._socket = socket
        self._name = name.replace("-", " ").title()
        about = start.get("start") or {}
        self._stream_id = str(about.get("streamId") or "")
        headers = headers_of(start)
        self._callback = headers.get("callback", "")
        self._authorization = f"Bearer {headers.get('token', '')}"
        call_id = str(about.get("callId") or "")
        self._call: Call | None = carrier.ledger.by_uuid.get(call_id)
        self._person: Callee = self._call.callee if self._call else meet(carrier.settings, call_id, 1)
        answered = self._call.answered_at if self._call else None
        self._answered_at = carrier.clock.now() if answered is None else answered
        self._dice = Random(self._person.seed)
        self._turns: list[Turn] = self._call.turns if self._call else []
        self._left = False
        self._woken = asyncio.Event()
        self._decided = False

    async def hold(self) -> None:
        """Talk until done or left alone, then report."""
        listening = asyncio.create_task(self._listen())
        context_task = asyncio.create_task(self._context())
        context: dict[str, Any] = {}
        try:
            # People take a moment before they say hello, and meanwhile the context arrives.
            await self._pause(0.4)
            with suppress(TimeoutError):
                context = await asyncio.wait_for(context_task, CONTEXT_SECONDS)
            await self._talk(context)
            await self._report(context)
        finally:
            listening.cancel()
            context_task.cancel()

    async def _talk(self, context: Mapping[str, Any]) -> None:
        lines = scripts.conversation(
            assistant=self._name,
            first_name=_first_name(context),
            campaign=str(context.get("campaign") or ""),
            mood=self._person.mood,
            machine=self._person.machine,
            talk_seconds=self._person.talk_seconds,
            seed=self._person.seed,
        )
        for number, line in enumerate(lines):
            if self._left:
                return
            start_ms = self._now_ms()
            turn = Turn(line.speaker, line.text, start_ms, start_ms + line.duration_ms)
            self._turns.append(turn)
            if line.speaker == scripts.ASSISTANT:
                await self._say(f"turn-{number}")
            heard_all = await self._pause(line.duration_ms / 1000)
            # Timers are never early but may be late; what was said takes as long as it took.
            turn.end_ms = max(turn.start_ms + 1, min(self._now_ms(), turn.end_ms))
            if not heard_all:
                return
            self._decided = self._decided or line.decides
            silent = self._person.mood is Mood.SILENT and not self._person.machine
            await self._pause(4.0 if silent else self._dice.uniform(0.3, 0.9))

    async def _pause(self, seconds: float) -> bool:
        """Wait in simulated time; False where the call ended meanwhile."""
        if self._left:
            return False
        # One event for both: it is set when the time is up, and when the other side leaves.
        self._woken.clear()
        timer = self._carrier.clock.call_later(seconds, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            timer.cancel()
        return not self._left

    async def _say(self, name: str) -> None:
        media = {"contentType": "audio/x-mulaw", "sampleRate": 8000, "payload": _tone()}
        with suppress(ConnectionError):
            await self._socket.send_json({"event": "playAudio", "media": media})
            await self._socket.send_json({"event": "checkpoint", "streamId": self._stream_id, "name": name})

    async def _listen(self) -> None:
        """Until the other side closes. What it hears, it knows already."""
        async for _ in self._socket:
            pass
        self._left = True
        self._woken.set()

    def _now_ms(self) -> int:
        return round((self._carrier.clock.now() - self._answered_at) * 1000)

    async def _context(self) -> dict[str, Any]:
        """What the product says about this call; empty where it says nothing useful."""
        if not self._callback:
            return {}
        try:
            async with self._carrier.http.get(
                self._callback, headers={"Authorization": self._authorization}
            ) as response:
                context = await response.json(content_type=None) if response.status == 200 else {}
        except (aiohttp.ClientError, OSError, ValueError) as error:
            logger.debug("no context from %s: %s", self._callback, error)
            return {}
        return context if isinstance(context, dict) else {}

    async def _report(self, context: Mapping[str, Any]) -> None:
        if not self._callback:
            return
        report = self._result(context)
        for pause in (*REPORT_PAUSES_SECONDS, None):
            try:
                async with self._carrier.http.post(
                    self._callback,
                    json=report,
                    headers={"Authorization": self._authorization},
                    timeout=aiohttp.ClientTimeout(total=REPORT_SECONDS),
                ) as response:
                    if response.status < 500 and response.status != 429:
                        return
            except (aiohttp.ClientError, OSError) as error:
                logger.debug("report to %s failed: %s", self._callback, error)
            if pause is not None:
                await asyncio.sleep(pause)
        if self._call is not None:
            self._call.notes.append("the assistant could not report")

    def _result(self, context: Mapping[str, Any]) -> dict[str, Any]:
        if self._person.machine:
            disposition = "voicemail"
        elif self._decided:
            disposition = DISPOSITIONS[self._person.mood]
        else:
            disposition = "no_decision"
        callback_at = None
        if disposition == "callback":
            tomorrow = datetime.now(UTC) + timedelta(days=1)
            callback_at = tomorrow.replace(second=0, microsecond=0).isoformat()
        name = _first_name(context) or "The contact"
        return {
            "transcript": [turn.as_json() for turn in self._turns],
            "disposition": disposition,
            "outcome": "unsuccessful" if disposition in UNSUCCESSFUL else "completed",
            "summary": scripts.SUMMARIES[disposition].format(name=name),
            "callback_at": callback_at,
        }


def _first_name(context: Mapping[str, Any]) -> str:
    contact = context.get("contact")
    if not isinstance(contact, Mapping):
        return ""
    name = contact.get("first_name") or str(contact.get("name") or "").partition(" ")[0]
    return str(name)


@cache
def _tone() -> str:
    return b64encode(audio.voice("assistant", mulaw=True)[:TONE_BYTES]).decode()


def routes() -> list[web.RouteDef]:
    return [web.get("/assistant/{name}/", converse)]
