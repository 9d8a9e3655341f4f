"""The Dial element: ringing agents, and connecting the first who answers with the call."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from simulator import causes
from simulator.callee import ENDINGS, FORCED, Callee, Reaction, meet
from simulator.calls import Call, State
from simulator.documents import Element

if TYPE_CHECKING:
    from simulator.execution import Execution

Params = tuple[tuple[str, str], ...]

# How a leg that nobody took reads in DialStatus, by reaction.
UNANSWERED = {Reaction.BUSY: "busy", Reaction.REJECTS: "busy", Reaction.NO_ANSWER: "no-answer"}


async def dial_out(run: Execution, element: Element) -> Params | None:
    """Dial, talk, and say how it went, as parameters of the action URL; None where the call is over."""
    call = run.call
    exchange = run.carrier.exchange
    timeout = element.number("timeout", 120.0)
    legs = [_leg(run, child, element) for child in element.children]
    first = min(legs, key=_seconds_to_answer)
    patience = min(_seconds_to_answer(first), timeout)
    if patience == float("inf"):
        patience = min(max(leg.callee.ring_seconds for leg in legs), timeout)
    try:
        await run.sleep(patience)
    except asyncio.CancelledError:
        for leg in legs:
            exchange.end(leg, 1000, causes.CALLEE)
        raise
    if _seconds_to_answer(first) > timeout:
        for leg in legs:
            code, source, _ = ENDINGS.get(leg.callee.reaction, (6010, causes.PLATFORM, True))
            exchange.end(leg, code, source)
        answers_late = first.callee.reaction is Reaction.ANSWERS
        status = "timeout" if answers_late else UNANSWERED.get(first.callee.reaction, "failed")
        return _result(call, first, status)
    for leg in legs:
        if leg is not first:
            exchange.end(leg, 9000, causes.PLATFORM)
    await _talk(run, element, first)
    return _result(call, first, "completed")


async def _talk(run: Execution, element: Element, leg: Call) -> None:
    """Until either side hangs up."""
    call = run.call
    carrier = run.carrier
    exchange = carrier.exchange
    leg.state = State.IN_PROGRESS
    leg.answered_at = carrier.clock.now()
    leg.answered_epoch = time.time()
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hung_up() -> None:
        if not over.done():
            over.set_result(None)

    leg.on_end.append(hung_up)
    exchange.end_later(leg, element.number("timeLimit", 14400.0), 6000, causes.PLATFORM)
    exchange.callee_leaves_in(leg, leg.callee.talk_seconds)
    exchange.callee_leaves_in(call, call.callee.talk_seconds)
    _tell(run, element, leg, "answer")
    _tell(run, element, leg, "connected")
    try:
        await over
    except asyncio.CancelledError:  # the call itself ended, or was transferred away
        exchange.end(leg, 4000, causes.CALLEE)
        _tell(run, element, leg, "hangup")
        if call.cause is not None and element.get("action"):
            method = element.get("method", "POST")
            params = _result(call, leg, "completed")
            carrier.webhooks.notify(call, "DialAction", element.get("action"), method, params)
        raise
    _tell(run, element, leg, "hangup")


def _leg(run: Execution, target: Element, element: Element) -> Call:
    carrier = run.carrier
    call = run.call
    number = target.text if target.tag == "User" else "".join(c for c in target.text if c.isdigit())
    leg = Call(
        sequence=0,
        from_=element.get("callerId") or call.to,
        to=number,
        params={},
        callee=_agent(run, number),
        times_called=1,
        posted_epoch=time.time(),
        created_at=carrier.clock.now(),
        parent=call,
    )
    leg.fired_epoch = leg.posted_epoch
    carrier.ledger.add(leg)
    carrier.exchange.begin(leg)
    leg.state = State.RINGING
    return leg


def _agent(run: Execution, number: str) -> Callee:
    """Who is dialed answers as agents do, unless their number says otherwise."""
    settings = run.carrier.settings
    person = meet(settings, number, run.call.times_called)
    if person.forced_by:
        stays = person.talk_seconds if "talk_seconds" in FORCED[person.forced_by] else 1e9
        return replace(person, talk_seconds=stays, machine=False)
    answers = Random(f"{person.seed}/{run.call.uuid}").random() < settings.dial_answer_rate
    return replace(
        person,
        reaction=Reaction.ANSWERS if answers else Reaction.NO_ANSWER,
        ring_seconds=settings.dial_ring_seconds if answers else settings.no_answer_seconds,
        talk_seconds=1e9,
        machine=False,
    )


def _seconds_to_answer(leg: Call) -> float:
    return leg.callee.ring_seconds if leg.callee.reaction is Reaction.ANSWERS else float("inf")


def _result(call: Call, leg: Call, status: str) -> Params:
    cause = leg.cause
    return (
        ("DialStatus", status),
        ("DialRingStatus", "true"),
        ("DialHangupCause", cause.switch_name if cause else ""),
        ("DialALegUUID", call.uuid),
        ("DialBLegUUID", leg.uuid),
    )


def _tell(run: Execution, element: Element, leg: Call, action: str) -> None:
    url = element.get("callbackUrl")
    cause = leg.cause
    params = [
        ("DialAction", action),
        ("DialALegUUID", run.call.uuid),
        ("DialBLegUUID", leg.uuid),
        ("DialBLegFrom", leg.from_),
        ("DialBLegTo", leg.to),
        ("DialBLegStatus", action if action != "connected" else "answer"),
    ]
    if cause is not None:
        params += [
            ("DialBLegDuration", str(leg.duration_seconds)),
            ("DialBLegBillDuration", str(leg.duration_seconds)),
            ("DialBLegHangupCause", cause.switch_name),
            ("DialBLegHangupCauseName", cause.name),
            ("DialBLegHangupCauseCode", str(cause.code)),
            ("DialBLegHangupSource", leg.source),
            ("DialBLegTotalCost", f"{leg.cost(run.carrier.settings.price_per_minute):.5f}"),
        ]
    event = {"answer": "DialAnswer", "connected": "DialConnected", "hangup": "DialHangup"}[action]
    run.carrier.webhooks.notify(run.call, event, url, element.get("callbackMethod", "POST"), params)
