"""Webhooks to the customer: signed, in order, retried as the carrier does, and wrong when told to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlsplit

from simulator.callee import Quirk
from simulator.calls import Call, SentWebhook, form
from simulator.connections import Connections, ReadTimeout, Response, Target, Unreachable, target_of

if TYPE_CHECKING:
    from simulator.clock import Clock
    from simulator.faults import Faults
    from simulator.settings import Settings
    from simulator.signature import Signer

logger = logging.getLogger(__name__)

Params = Iterable[tuple[str, str]]

# A webhook does not wait longer than this (real seconds) for the one before it.
ORDER_PATIENCE_SECONDS = 1.0
RETRY_PAUSE_SECONDS = 0.5
DOUBLE = 2


@lru_cache(maxsize=4096)
def _prepared(url: str, method: str) -> tuple[Target, bytes, dict[str, str]]:
    """Target, the constant part of the head of a request to `url`, and its fragment's tuning."""
    target = target_of(url)
    kind = "\r\nContent-Type: application/x-www-form-urlencoded" if method == "POST" else ""
    head = f"Host: {target.host_header}\r\nUser-Agent: Plivo\r\nAccept: */*{kind}\r\n"
    tuning = {name: values[-1] for name, values in parse_qs(urlsplit(url).fragment).items()}
    return target, head.encode(), tuning


def _number(text: str | None, default: float) -> float:
    try:
        return default if text is None else max(0.0, float(text))
    except ValueError:
        return default


class _Policy:
    """How long to wait and when to try again; a URL's fragment may change the account's habits.

    `ct` and `rt` are the timeouts in ms, `rc` the number of repeats, `rp` what is repeated on:
    ct, rt, 4xx, 5xx or all.
    """

    def __init__(self, settings: Settings, tuning: dict[str, str], tries: int) -> None:
        self.connect_timeout = settings.webhook_connect_timeout_seconds
        self.read_timeout = settings.webhook_read_timeout_seconds
        self.tries = tries
        self.repeats_on = "ct,rt"
        self.pauses: tuple[float, ...] = ()
        if tuning:
            self.connect_timeout = _number(tuning.get("ct"), self.connect_timeout * 1000) / 1000
            self.read_timeout = _number(tuning.get("rt"), self.read_timeout * 1000) / 1000
            self.tries = 1 + int(_number(tuning.get("rc"), tries - 1))
            self.repeats_on = tuning.get("rp", self.repeats_on)
            if self.repeats_on == "all":
                self.repeats_on = "ct,rt,3xx,4xx,5xx"


class _MessagePolicy:
    connect_timeout = 8.0
    read_timeout = 8.0
    tries = 4
    repeats_on = "ct,rt,3xx,4xx,5xx"
    pauses = (60.0, 120.0, 240.0)  # simulated


MESSAGE_POLICY = _MessagePolicy()


class Subject(Protocol):
    """What webhooks are about: a call or a message."""

    to: str
    quirk: Quirk | None
    muted: bool
    notes: list[str]
    webhooks: list[SentWebhook]
    tail: asyncio.Task[Any] | None
    first_webhook: asyncio.Event | None
    ended_at: float | None


class Webhooks:
    def __init__(
        self, *, clock: Clock, signer: Signer, faults: Faults, settings: Callable[[], Settings]
    ) -> None:
        self._clock = clock
        self._signer = signer
        self._faults = faults
        self._settings = settings
        self._connections = Connections()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.sent = 0

    def notify(
        self, call: Call, event: str, url: str, method: str, params: Params = (), *, bare: bool = False
    ) -> None:
        """Tell the customer something whose answer does not matter.

        A `bare` webhook carries `params` alone, without the call's own.
        """
        if url:
            self._start(call, event, url, method, params, tries=2, bare=bare)

    async def fetch(
        self, call: Call, event: str, url: str, method: str, params: Params = (), tries: int = 2
    ) -> Response | None:
        """Ask the customer for XML; None where nobody could be reached.

        Cancelling the caller does not take back a request that is on its way.
        """
        return await asyncio.shield(self._start(call, event, url, method, params, tries=tries))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._connections.close()

    @property
    def under_way(self) -> int:
        """Webhooks not yet answered, those held back on purpose among them."""
        return len(self._tasks)

    def forget_all(self) -> None:
        for task in list(self._tasks):
            task.cancel()

    def _start(
        self,
        call: Call,
        event: str,
        url: str,
        method: str,
        params: Params,
        *,
        tries: int,
        bare: bool = False,
    ) -> asyncio.Task[Response | None]:
        if bare:
            everything, body = [*params], form([*params])
        else:
            # CallStatus and Event are fixed now, not when the request leaves: they describe this moment.
            more = [*params, ("CallStatus", call.webhook_status), ("Event", event)]
            everything, body = call.shared + more, f"{call.body_start}&{form(more)}"
        return self._post(call, event, url, method, everything, body, tries)

    def notify_message(
        self, message: Subject, event: str, url: str, method: str, params: list[tuple[str, str]]
    ) -> None:
        """Tell the customer about a text message; repeated for any answer but a 2xx."""
        if url:
            self._post(message, event, url, method, params, form(params), 0)

    def _post(
        self,
        call: Subject,
        event: str,
        url: str,
        method: str,
        params: list[tuple[str, str]],
        body: str,
        tries: int,
    ) -> asyncio.Task[Response | None]:
        faults = self._faults.of_webhook(event, call.to) if self._faults.rules else []
        quirk = call.quirk
        work = self._deliver(call, event, url, method.upper(), params, body, faults, tries, call.tail)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        held = any(fault.kind in ("webhook_late", "webhook_reordered") for fault in faults)
        if not held and not (quirk is Quirk.REORDERED and event == "Ring"):
            call.tail = task  # what is held back does not hold back the others
        return task

    async def _deliver(
        self,
        call: Subject,
        event: str,
        url: str,
        method: str,
        params: list[tuple[str, str]],
        body: str,
        faults: list[Any],
        tries: int,
        previous: asyncio.Task[Any] | None,
    ) -> Response | None:
        if call.muted:
            return None
        copies = 1
        quirk = call.quirk
        if quirk is not None:
            if quirk is Quirk.HANGUP_LOST and event == "Hangup":
                call.notes.append("webhook lost: Hangup")
                return None
            if quirk is Quirk.DOUBLED:
                copies = DOUBLE
            elif quirk is Quirk.REORDERED and event == "Ring":
                await self._until_ended(call)
        for fault in faults:
            match fault.kind:
                case "webhook_lost":
                    call.notes.append(f"webhook lost: {event}")
                    return None
                case "webhook_doubled":
                    copies = int(fault.copies)
                case "webhook_late":
                    await self._clock.sleep(fault.seconds)
                case "webhook_reordered":
                    dice: Random = fault.dice
                    await self._clock.sleep(dice.uniform(0, fault.seconds))
        if previous is not None and not previous.done():
            await asyncio.wait((previous,), timeout=ORDER_PATIENCE_SECONDS)
        response = await self._send(call, event, url, method, params, body, tries)
        for _ in range(copies - 1):
            await self._send(call, event, url, method, params, body, tries)
        return response

    async def _until_ended(self, call: Subject) -> None:
        while call.ended_at is None:
            await self._clock.sleep(0.1)
        if call.tail is not None:
            await asyncio.wait((call.tail,))

    async def _send(
        self,
        call: Subject,
        event: str,
        url: str,
        method: str,
        params: list[tuple[str, str]],
        body: str,
        tries: int,
    ) -> Response | None:
        settings = self._settings()
        sent = SentWebhook(event, method, url, body)
        sent.at = time.time()
        call.webhooks.append(sent)
        try:
            target, head, tuning = _prepared(url, method)
        except ValueError as error:
            sent.error = str(error)
            return None
        signer = self._signer
        path = target.path
        if method == "GET":
            path += ("&" if "?" in path else "?") + body
            signature, nonce = signer.get(
                f"{'https' if target.secure else 'http'}://{target.host_header}{path}"
            )
            payload = b""
        else:
            signature, nonce = signer.post(url, params)
            payload = body.encode()
        length = f"Content-Length: {len(payload)}\r\n" if method == "POST" else ""
        request = b"".join(
            (
                f"{method} {path} HTTP/1.1\r\n".encode(),
                head,
                f"{length}X-Plivo-Signature-V3: {signature}\r\nX-Plivo-Signature-Ma-V3: {signature}\r\n"
                f"X-Plivo-Signature-V3-Nonce: {nonce}\r\n\r\n".encode(),
                payload,
            )
        )
        if tries:
            policy: _Policy | _MessagePolicy = _Policy(settings, tuning, tries)
        else:
            policy = MESSAGE_POLICY
        response = None
        for attempt in range(1, policy.tries + 1):
            sent.attempts = attempt
            try:
                response = await self._connections.request(
                    target,
                    request,
                    connect_timeout=policy.connect_timeout,
                    read_timeout=policy.read_timeout,
                )
            except Unreachable as error:
                sent.error = str(error)
                again = "ct" in policy.repeats_on
            except ReadTimeout as error:
                sent.error = str(error)
                again = "rt" in policy.repeats_on
            else:
                sent.status = response.status
                sent.error = ""
                again = response.status >= 300 and f"{response.status // 100}xx" in policy.repeats_on
            if not again or attempt == policy.tries:
                break
            if policy.pauses:
                await self._clock.sleep(policy.pauses[attempt - 1])
            else:
                await asyncio.sleep(RETRY_PAUSE_SECONDS)
        sent.took_ms = (time.time() - sent.at) * 1000
        self.sent += 1
        if call.first_webhook is not None:
            call.first_webhook.set()
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s %s -> %s %s", event, url, sent.status, sent.error)
        return response
