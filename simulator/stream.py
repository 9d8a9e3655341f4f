"""Audio streams: the WebSocket from the carrier to whoever talks on the call, usually an assistant."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiohttp

from simulator import audio
from simulator.callee import Mood
from simulator.calls import Call

if TYPE_CHECKING:
    from simulator.carrier import Carrier
    from simulator.clock import Timer

CONNECT_SECONDS = 10.0
FRAME_MS = 20


class Stream:
    def __init__(
        self,
        carrier: Carrier,
        call: Call,
        *,
        url: str,
        bidirectional: bool = False,
        keeps_call_alive: bool = False,
        content_type: str = "audio/x-l16;rate=8000",
        extra_headers: str = "",
        status_url: str = "",
        status_method: str = "POST",
        longest_seconds: float = 86400.0,
        track: str = "inbound",
    ) -> None:
        self.id = str(uuid4())
        self.url = url
        self.keeps_call_alive = keeps_call_alive
        self.then: tuple[str, str] | None = None
        """Where the call goes once the stream is over: a transfer that had to wait for it."""
        self.bidirectional = bidirectional
        self._carrier = carrier
        self._call = call
        self._extra_headers = ";".join(part.strip() for part in extra_headers.split(",") if part.strip())
        self._status_url = status_url
        self._status_method = status_method
        self._longest_seconds = longest_seconds
        self._tracks = ["inbound", "outbound"] if track == "both" else [track]
        self._encoding, _, rate = content_type.partition(";")
        digits = "".join(character for character in rate if character.isdigit())
        self._rate = int(digits or 8000)
        self._bytes_per_ms = self._rate * (1 if "mulaw" in self._encoding else 2) // 1000
        self._sequence = 0
        self._played_until = 0.0
        self._checkpoints: list[Timer] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._task: asyncio.Task[None] | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    def start(self) -> None:
        self._call.stream = self
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._carrier.exchange.executions.add(self._task)
        self._task.add_done_callback(self._carrier.exchange.executions.discard)

    async def closed(self) -> None:
        if self._task is not None:
            await asyncio.wait((self._task,))

    def stop(self) -> None:
        """Hang up the socket: the call is over, or somebody asked for the stream to stop."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        call = self._call
        event, problem = "StopStream", ""
        try:
            async with asyncio.timeout(self._carrier.clock.real_seconds(self._longest_seconds)):
                problem = await self._converse()
        except TimeoutError:
            pass
        finally:
            if call.stream is self:
                call.stream = None
            for timer in self._checkpoints:
                timer.cancel()
            for task in self._tasks:
                task.cancel()
            if problem:
                event = "DroppedStream"
                call.notes.append(f"stream: {problem}")
            self._tell(event, problem)

    async def _converse(self) -> str:
        """Until either side closes the socket; says what went wrong, if anything did."""
        carrier = self._carrier
        signed = self.url
        if carrier.settings.stream_signature == "http":
            signed = f"http://{self.url.partition('://')[2]}"
        signature, nonce = carrier.signer.get(signed)
        headers = {
            "X-Plivo-Signature-V3": signature,
            "X-Plivo-Signature-Ma-V3": signature,
            "X-Plivo-Signature-V3-Nonce": nonce,
        }
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                socket = await carrier.http.ws_connect(self.url, headers=headers, max_msg_size=0, compress=0)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return f"cannot connect: {error or 'timed out'}"
        self._socket = socket
        try:
            self._set_patience()
            self._tell("StartStream")
            await socket.send_str(json.dumps(self._start_message()))
            if carrier.settings.media_every_ms > 0:
                self._spawn(self._pump(socket))
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    await self._hear(socket, frame.data)
            return "the socket broke" if socket.close_code == 1006 else ""
        finally:
            self._socket = None
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await socket.close()

    def _set_patience(self) -> None:
        """How long the person stays is now up to the conversation."""
        call = self._call
        person = call.callee
        if person.machine:
            return
        patience = self._carrier.settings.stream_patience_seconds
        if person.mood is Mood.HANGS_UP_EARLY:
            left = person.talk_seconds - call.talked_seconds(self._carrier.clock.now())
            patience = min(left, Random(person.seed).uniform(3.0, 12.0))
        self._carrier.exchange.callee_leaves_in(call, patience)

    def _start_message(self) -> dict[str, Any]:
        self._sequence += 1
        return {
            "event": "start",
            "sequenceNumber": self._sequence,
            "start": {
                "callId": self._call.uuid,
                "streamId": self.id,
                "accountId": self._carrier.auth_id,
                "tracks": self._tracks,
                "mediaFormat": {"encoding": self._encoding, "sampleRate": self._rate},
            },
            "extra_headers": self._extra_headers,
        }

    async def _pump(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Send what the person called is heard saying.

        One message each `media_every_ms` of real time, with at most that much audio: in accelerated
        time most of the audio is left out, so that a stream costs the same however fast time runs.
        """
        clock = self._carrier.clock
        extra = json.dumps(self._extra_headers)
        chunk = 0
        heard_until = clock.now()
        while not socket.closed:
            every_ms = max(FRAME_MS, self._carrier.settings.media_every_ms)
            await asyncio.sleep(every_ms / 1000)
            now = clock.now()
            frames = max(1, min(every_ms, int((now - heard_until) * 1000)) // FRAME_MS)
            heard_until = now
            payload = _payload(self._encoding, self._bytes_per_ms, frames, self._speaks(now))
            chunk += 1
            self._sequence += 1
            await socket.send_str(
                f'{{"event":"media","sequenceNumber":{self._sequence},"streamId":"{self.id}",'
                f'"media":{{"track":"{self._tracks[0]}","timestamp":"{int(time.time() * 1000)}",'
                f'"chunk":{chunk},"payload":"{payload}"}},"extra_headers":{extra}}}'
            )

    def _speaks(self, now: float) -> bool:
        """Whether the person called is speaking at this moment."""
        call = self._call
        if not call.turns or call.answered_at is None:
            return False
        at_ms = (now - call.answered_at) * 1000
        return any(
            turn.speaker == "contact" and turn.start_ms <= at_ms < turn.end_ms for turn in call.turns[-2:]
        )

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
        try:
            message = json.loads(text)
            event = message["event"]
        except (ValueError, KeyError, TypeError):
            return
        clock = self._carrier.clock
        now = clock.now()
        match event:
            case "playAudio" if self.bidirectional:
                payload = str(message.get("media", {}).get("payload", ""))
                seconds = len(payload) * 3 // 4 / (self._bytes_per_ms * 1000)
                self._played_until = max(now, self._played_until) + seconds
            case "checkpoint":
                played = {"event": "playedStream", "streamId": self.id, "name": message.get("name")}
                wait = max(0.0, self._played_until - now)
                self._checkpoints = [timer for timer in self._checkpoints if timer.callback is not None]
                self._checkpoints.append(clock.call_later(wait, self._say, socket, played))
            case "clearAudio":
                self._played_until = now
                for timer in self._checkpoints:
                    timer.cancel()
                self._checkpoints.clear()
                await self._send(socket, {"event": "clearedAudio", "streamId": self.id})
            case "sendDTMF":
                self._call.notes.append(f"dtmf sent: {message.get('dtmf')}")

    def press(self, digits: str) -> None:
        """The person called presses keys, which the assistant hears as dtmf events."""
        if self._socket is None:
            return
        for digit in digits:
            pressed = {"track": "inbound", "digit": digit}
            self._say(self._socket, {"event": "dtmf", "streamId": self.id, "dtmf": pressed})

    def _say(self, socket: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> None:
        self._spawn(self._send(socket, message))

    @staticmethod
    async def _send(socket: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> None:
        if not socket.closed:
            with suppress(ConnectionError, aiohttp.ClientError):  # closed meanwhile: the reader sees it too
                await socket.send_str(json.dumps(message))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell(self, event: str, problem: str = "") -> None:
        params = [
            ("StreamID", self.id),
            ("ServiceURL", self.url),
            ("Timestamp", str(int(time.time() * 1000))),
        ]
        if problem:
            params.append(("ErrorMessage", problem))
        self._carrier.webhooks.notify(self._call, event, self._status_url, self._status_method, params)


_payloads: dict[tuple[str, int, int, bool], str] = {}


def _payload(encoding: str, bytes_per_ms: int, frames: int, speaking: bool) -> str:
    """Base64 of so many 20 ms frames of speech-like sound or of silence."""
    key = (encoding, bytes_per_ms, frames, speaking)
    payload = _payloads.get(key)
    if payload is None:
        length = frames * FRAME_MS * bytes_per_ms
        mulaw = "mulaw" in encoding
        silence = b"\xff" if mulaw else b"\x00"
        sound = audio.voice("contact", mulaw=mulaw) if speaking else silence
        payload = b64encode((sound * (length // len(sound) + 1))[:length]).decode()
        _payloads[key] = payload
    return payload
