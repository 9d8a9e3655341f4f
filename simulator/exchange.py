"""The exchange: takes calls, fires them at the account's rate, lets them ring, connects, ends them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator import callee as callees
from simulator import causes
from simulator.calls import Call, State, session_time, webhook_time
from simulator.causes import CAUSES, UNKNOWN
from simulator.execution import Execution
from simulator.limits import CallRate

if TYPE_CHECKING:
    from simulator.callee import Callee
    from simulator.carrier import Carrier


logger = logging.getLogger(__name__)


class Exchange:
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._queue: deque[Call] = deque()
        self._rate = CallRate()
        self._queue_alarm: asyncio.TimerHandle | None = None
        self.executions: set[asyncio.Task[None]] = set()

    @property
    def queued(self) -> list[Call]:
        return [call for call in self._queue if call.state is State.QUEUED]

    # Placing

    def place(self, *, from_: str, to: str, params: Mapping[str, Any], person: Callee | None = None) -> Call:
        """Accept a call: fired at once where the account's rate allows, queued where not."""
        carrier = self._carrier
        ledger = carrier.ledger
        if person is None:
            person = self.whoever_answers(to)
        ledger.times_called[to] += 1
        ledger.sequence += 1
        call = Call(
            sequence=ledger.sequence,
            from_=from_,
            to=to,
            params=params,
            callee=person,
            times_called=ledger.times_called[to],
            posted_epoch=time.time(),
            created_at=carrier.clock.now(),
        )
        self._share_parameters(call)
        ledger.add(call)
        now = asyncio.get_running_loop().time()
        if self._queue or self._rate.wait_seconds(carrier.settings.calls_per_second, now) > 0:
            self._queue.append(call)
            self.look_at_queue()
        else:
            self._fire(call, now)
        return call

    def receive(self, *, from_: str, to: str, params: Mapping[str, Any]) -> Call:
        """A call to one of our numbers: somebody rings, and the customer's XML answers at once."""
        carrier = self._carrier
        ledger = carrier.ledger
        ledger.times_called[from_] += 1
        ledger.sequence += 1
        person = callees.meet(carrier.settings, from_, ledger.times_called[from_])
        call = Call(
            sequence=ledger.sequence,
            from_=from_,
            to=to,
            params=params,
            callee=replace(person, machine=False, detected_as_machine=False, quirk=None),
            times_called=ledger.times_called[from_],
            posted_epoch=time.time(),
            created_at=carrier.clock.now(),
            direction="inbound",
        )
        call.fired_epoch = call.posted_epoch
        self._share_parameters(call)
        ledger.add(call)
        self.begin(call)
        self._in(call, 0.0, self.answer, call)
        return call

    def whoever_answers(self, to: str) -> Callee:
        """The person at this number, the next time it is called."""
        return callees.meet(self._carrier.settings, to, self._carrier.ledger.times_called[to] + 1)

    def look_at_queue(self) -> None:
        """Fire what the account's rate now allows, and come back for the rest."""
        if self._queue_alarm is not None:
            self._queue_alarm.cancel()
            self._queue_alarm = None
        loop = asyncio.get_running_loop()
        while self._queue:
            if self._queue[0].state is not State.QUEUED:  # canceled meanwhile
                self._queue.popleft()
                continue
            now = loop.time()
            wait = self._rate.wait_seconds(self._carrier.settings.calls_per_second, now)
            if wait > 0:
                self._queue_alarm = loop.call_later(wait, self.look_at_queue)
                return
            self._fire(self._queue.popleft(), now)

    def clear(self) -> None:
        """Drop everything without telling anybody."""
        if self._queue_alarm is not None:
            self._queue_alarm.cancel()
            self._queue_alarm = None
        self._queue.clear()
        self._rate.clear()
        for task in list(self.executions):
            task.cancel()

    async def close(self) -> None:
        self.clear()
        await asyncio.gather(*self.executions, return_exceptions=True)

    # The life of a call

    def _fire(self, call: Call, now: float) -> None:
        carrier = self._carrier
        settings = carrier.settings
        self._rate.fired(now)
        call.fired_epoch = time.time()
        limit = settings.concurrency_limit
        breached = bool(limit) and len(carrier.ledger.live) >= limit
        self.begin(call)
        if breached:
            self._in(call, settings.setup_seconds, self.end, call, 5030, causes.PLATFORM)
            return
        reaction = call.callee.reaction
        if reaction in callees.ENDINGS:
            code, source, rings = callees.ENDINGS[reaction]
            if not rings:
                self._in(call, settings.setup_seconds, self.end, call, code, source)
                return
        self._in(call, settings.setup_seconds, self._ring, call)

    def begin(self, call: Call) -> None:
        call.state = State.DIALING
        self._carrier.ledger.went_live(call)

    def _ring(self, call: Call) -> None:
        params = call.params
        call.state = State.RINGING
        self._carrier.webhooks.notify(
            call, "Ring", params.get("ring_url", ""), params.get("ring_method", "POST")
        )
        if params.get("hangup_on_ring"):
            self.end(call, 1000, causes.API)
            return
        person = call.callee
        timeout = float(params.get("ring_timeout", 120))
        if person.ring_seconds >= timeout:
            self._in(call, timeout, self.end, call, 6010, causes.PLATFORM)
        elif person.reaction is callees.Reaction.ANSWERS:
            self._in(call, person.ring_seconds, self.answer, call)
        else:
            code, source, _ = callees.ENDINGS[person.reaction]
            self._in(call, person.ring_seconds, self.end, call, code, source)

    def answer(self, call: Call) -> None:
        carrier = self._carrier
        params = call.params
        person = call.callee
        call.drop_timers()
        call.state = State.IN_PROGRESS
        call.answered_at = carrier.clock.now()
        call.answered_epoch = time.time()
        time_limit = float(params.get("time_limit", 14400))
        self._in(call, time_limit, self.end, call, 6000, causes.PLATFORM)
        if not person.stays:
            self.callee_leaves_in(call, person.talk_seconds)
        detection = params.get("machine_detection")
        machine_url = params.get("machine_detection_url", "")
        answer: tuple[tuple[str, str], ...] = ()
        if detection and person.detected_as_machine:
            longest = float(params.get("machine_detection_time", 5000)) / 1000
            seconds = min(carrier.settings.machine_detection_seconds, longest)
            self._in(call, seconds, self._machine_detected, call, detection == "hangup", machine_url)
            if not machine_url and detection != "hangup":
                # With nowhere to report to, the carrier finishes detecting before it asks what to do.
                answer = (("Machine", "true"),)
                self._in(call, seconds, self._execute_answer, call, answer)
                return
        self._execute_answer(call, answer)

    def _machine_detected(self, call: Call, hangs_up: bool, url: str) -> None:
        if url:
            self._carrier.webhooks.notify(
                call,
                "MachineDetection",
                url,
                call.params.get("machine_detection_method", "POST"),
                (("Machine", "true"),),
            )
        if hangs_up:
            self.end(call, 9100, causes.PLATFORM)

    def _execute_answer(self, call: Call, extra: tuple[tuple[str, str], ...]) -> None:
        execution = Execution(self._carrier, call)
        self.run(call, execution.answer(extra))

    def run(self, call: Call, work: Any) -> None:
        """Let `work` (a coroutine) decide what happens on the call from now on."""
        running = call.execution
        task = asyncio.get_running_loop().create_task(work)
        call.execution = task
        self.executions.add(task)
        task.add_done_callback(self.executions.discard)
        task.add_done_callback(lambda done: self._broke(call, done))
        if running is not None and running is not asyncio.current_task():
            running.cancel()

    def _broke(self, call: Call, task: asyncio.Task[None]) -> None:
        """A fault of our own must not leave a call live for ever."""
        if not task.cancelled() and task.exception() is not None:
            logger.error("call %s went wrong", call.uuid, exc_info=task.exception())
            self.end(call, 5010, causes.PLATFORM)

    def callee_leaves_in(self, call: Call, seconds: float) -> None:
        """The person called hangs up after `seconds`, unless something ends the call before."""
        for timer in call.timers:
            if timer.callback == self._callee_leaves:
                timer.cancel()
        call.timers = [timer for timer in call.timers if timer.callback is not None]
        if not call.callee.stays:
            self._in(call, seconds, self._callee_leaves, call)

    def end_later(self, call: Call, seconds: float, code: int, source: str) -> None:
        self._in(call, seconds, self.end, call, code, source)

    def _callee_leaves(self, call: Call) -> None:
        self.end(call, 4000, causes.CALLEE)

    def end(self, call: Call, code: int, source: str) -> None:
        """End a call, whatever state it is in; once ended, nothing changes it."""
        if call.state is State.ENDED:
            return
        carrier = self._carrier
        settings = carrier.settings
        was_queued = call.state is State.QUEUED
        call.drop_timers()
        call.cause = CAUSES[code]
        call.source = source
        call.ended_at = carrier.clock.now()
        call.ended_epoch = time.time()
        call.state = State.ENDED
        for forgotten in carrier.ledger.has_ended(call, keep=settings.ledger_limit):
            carrier.recordings.forget(forgotten)
        execution, call.execution = call.execution, None
        if execution is not None and execution is not asyncio.current_task():
            execution.cancel()
        if call.stream is not None:
            call.stream.stop()
        for recording in call.recordings:
            recording.finish(call.ended_at)
        self._tell_hangup(call)
        for recording in call.recordings:
            carrier.recordings.report(call, recording)
        for tell in call.on_end:
            tell()
        if was_queued and self._queue and self._queue[0] is call:
            self.look_at_queue()

    def _tell_hangup(self, call: Call) -> None:
        params = call.params
        url = params.get("hangup_url") or params.get("answer_url", "")
        if not url or call.parent is not None:
            return
        method = params.get("hangup_method") if params.get("hangup_url") else params.get("answer_method")
        price = self._carrier.settings.price_per_minute
        cause = call.cause or UNKNOWN
        duration = str(call.duration_seconds)
        self._carrier.webhooks.notify(
            call,
            "Hangup",
            url,
            method or "POST",
            (
                ("HangupCause", cause.switch_name),
                ("HangupCauseName", cause.name),
                ("HangupCauseCode", str(cause.code)),
                ("HangupSource", call.source),
                ("Duration", duration),
                ("BillDuration", duration),
                ("TotalCost", f"{call.cost(price):.5f}"),
                ("StartTime", webhook_time(call.fired_epoch or call.posted_epoch)),
                ("AnswerTime", webhook_time(call.answered_epoch)),
                ("EndTime", webhook_time(call.ended_epoch)),
            ),
        )

    # What the API asks for

    def hang_up(self, call: Call) -> None:
        self.end(call, 4000 if call.answered else 1000, causes.API)

    def press(self, call: Call, digits: str) -> None:
        """The person on the call presses keys, for whoever listens: the XML or an audio stream."""
        call.digits_heard += digits
        if call.awaited_keys is not None and not call.awaited_keys.done():
            call.awaited_keys.set_result(digits)
        elif call.stream is not None:
            call.stream.press(digits)
        else:
            call.keys_ahead += digits

    def transfer(self, call: Call, url: str, method: str) -> None:
        """Let the call go on with the XML at `url`."""
        call.transfers += 1
        stream = call.stream
        if (
            stream is not None
            and stream.keeps_call_alive
            and self._carrier.settings.transfer_waits_for_stream
        ):
            stream.then = (url, method)
            return
        self.run(call, Execution(self._carrier, call).transfer(url, method))

    # Details

    def _in(self, call: Call, seconds: float, callback: Callable[..., object], *args: Any) -> None:
        call.timers.append(self._carrier.clock.call_later(seconds, callback, *args))

    def _share_parameters(self, call: Call) -> None:
        carrier = self._carrier
        call.session_start = session_time(call.posted_epoch)
        call.share(
            [
                ("ALegUUID", call.uuid),
                ("ALegRequestUUID", call.request_uuid),
                ("BillRate", carrier.bill_rate),
                ("CallUUID", call.uuid),
                ("CallerName", str(call.params.get("caller_name") or call.from_)),
                ("Direction", call.direction),
                ("From", call.from_),
                ("ParentAuthID", carrier.auth_id),
                ("RequestUUID", call.request_uuid),
                ("STIRVerification", "Not Applicable"),
                ("SessionStart", call.session_start),
                ("To", call.to),
                *sip_header_parameters(str(call.params.get("sip_headers") or "")),
            ]
        )


def sip_header_parameters(headers: str) -> list[tuple[str, str]]:
    """`key=value,key2=value2` as the X-PH- parameters it becomes."""
    pairs = (pair.partition("=") for pair in headers.split(",") if "=" in pair)
    return [(f"X-PH-{key.strip().removeprefix('X-PH-')}", value.strip()) for key, _, value in pairs]
