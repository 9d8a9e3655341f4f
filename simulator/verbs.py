"""What each XML element does to a call, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from simulator import causes
from simulator.callee import Mood
from simulator.dialing import dial_out
from simulator.documents import Element
from simulator.stream import Stream

if TYPE_CHECKING:
    from simulator.execution import Execution

SPOKEN_CHARACTERS_PER_SECOND = 15.0
PLAY_SECONDS = 8.0
MOST_KEYPRESSES = 3

# What a person says where the XML listens for speech.
SAYINGS = {
    Mood.INTERESTED: "yes please",
    Mood.NOT_INTERESTED: "no thank you",
    Mood.CALLBACK: "call me back later",
    Mood.DO_NOT_CALL: "please take me off your list",
}


@dataclass(frozen=True, slots=True)
class Next:
    """Go on with other XML."""

    url: str
    method: str
    purpose: str
    params: tuple[tuple[str, str], ...] = ()


Verb = Callable[["Execution", Element], Awaitable[Next | None]]


async def speak(run: Execution, element: Element) -> Next | None:
    await run.sleep(_prompt_seconds(element))
    return None


async def wait(run: Execution, element: Element) -> Next | None:
    longest = element.number("length", 1.0)
    call = run.call
    seconds = longest
    if element.flag("beep"):
        # Only a voicemail beeps, once, at the end of its greeting.
        if call.callee.machine:
            seconds = _until_beep(run)
    elif element.flag("silence"):
        quiet = element.number("minSilence", 2000) / 1000
        seconds = quiet + (_until_beep(run) if call.callee.machine else 0.0)
    await run.sleep(min(seconds, longest))
    return None


async def dial(run: Execution, element: Element) -> Next | None:
    status = await dial_out(run, element)
    if status is None:
        return None
    action = element.get("action")
    if not action:
        return None
    method = element.get("method", "POST")
    if element.flag("redirect", True):
        return Next(action, method, "action", status)
    run.carrier.webhooks.notify(run.call, "DialAction", action, method, status)
    return None


async def record(run: Execution, element: Element) -> Next | None:
    call = run.call
    recordings = run.carrier.recordings
    session = element.flag("recordSession")
    longest = element.number("maxLength", 60.0)
    recording = recordings.start(
        call,
        kind="session" if session else "element",
        callback_url=element.get("callbackUrl"),
        callback_method=element.get("callbackMethod", "POST"),
        longest_seconds=1e9 if session and "maxLength" not in element.attributes else longest,
    )
    action = element.get("action")
    method = element.get("method", "POST")
    if session:
        if action:
            run.carrier.webhooks.notify(call, "RecordStart", action, method, recording.xml_parameters())
        return None
    # The person leaves a message, then falls silent.
    message = Random(call.callee.seed).uniform(3.0, 12.0)
    await run.sleep(min(longest, message + element.number("timeout", 15.0)))
    recordings.stop(call, recording)
    if not action:
        return None
    params = (*recording.xml_parameters(), ("Digits", ""))
    if element.flag("redirect", True):
        return Next(action, method, "action", params)
    run.carrier.webhooks.notify(call, "Record", action, method, params)
    return None


async def stream(run: Execution, element: Element) -> Next | None:
    socket = Stream(
        run.carrier,
        run.call,
        url=element.text,
        bidirectional=element.flag("bidirectional"),
        keeps_call_alive=element.flag("keepCallAlive"),
        content_type=element.get("contentType", "audio/x-l16;rate=8000"),
        extra_headers=element.get("extraHeaders"),
        status_url=element.get("statusCallbackUrl"),
        status_method=element.get("statusCallbackMethod", "POST"),
        longest_seconds=element.number("streamTimeout", 86400.0),
        track=element.get("audioTrack", "inbound"),
    )
    socket.start()
    if socket.keeps_call_alive:
        await socket.closed()
        if socket.then is not None:
            url, method = socket.then
            return Next(url, method, "transfer")
    return None


async def get_input(run: Execution, element: Element) -> Next | None:
    call = run.call
    person = call.callee
    prompts = sum(_prompt_seconds(child) for child in element.children)
    full = element.tag == "GetInput"
    accepts = element.get("inputType", "dtmf").lower().split() if full else ["dtmf"]
    patience = element.number("executionTimeout", 15.0) if full else element.number("timeout", 5.0)
    key = "" if person.machine or len(call.digits_heard) >= MOST_KEYPRESSES else person.keypress
    heard: tuple[tuple[str, str], ...]
    if key and "dtmf" in accepts:
        pressed = await _keys_within(run, prompts * 0.8 + 1.0)
        if not pressed:
            call.digits_heard += key
        heard = (("Digits", pressed or key), ("InputType", "dtmf"), ("Speech", ""))
    elif "speech" in accepts and not person.machine and person.mood in SAYINGS:
        await run.sleep(prompts + 2.0)
        saying = SAYINGS[person.mood]
        heard = (
            ("Digits", ""),
            ("InputType", "speech"),
            ("Speech", saying),
            ("SpeechConfidenceScore", "0.93"),
        )
    else:
        pressed = await _keys_within(run, prompts + patience)
        if not pressed:
            return None
        heard = (("Digits", pressed), ("InputType", "dtmf"), ("Speech", ""))
    action = element.get("action")
    if not action:
        return None
    method = element.get("method", "POST")
    if element.flag("redirect", True):
        return Next(action, method, "action", heard)
    run.carrier.webhooks.notify(call, element.tag, action, method, heard)
    return None


async def hang_up(run: Execution, element: Element) -> Next | None:
    delay = element.number("schedule", 0.0)
    code = {"rejected": 3020, "busy": 3010}.get(element.get("reason"), 4000)
    if delay > 0:
        run.carrier.exchange.end_later(run.call, delay, code, causes.ANSWER_XML)
    else:
        run.end(code, causes.ANSWER_XML)
    return None


async def redirect(run: Execution, element: Element) -> Next | None:
    return Next(element.text, element.get("method", "POST"), "redirect")


async def conference(run: Execution, element: Element) -> Next | None:
    params = await run.carrier.conferences.take_part(run.call, element)
    action = element.get("action") or element.get("onExitActionUrl")
    if not action or run.call.cause is not None:
        return None
    method = element.get("method") or element.get("onExitActionMethod") or "POST"
    if element.flag("redirect", True):
        return Next(action, method, "action", params)
    run.carrier.webhooks.notify(run.call, "Conference", action, method, params)
    return None


async def dtmf(run: Execution, element: Element) -> Next | None:
    await run.sleep(0.3 * len(element.text))
    return None


async def pre_answer(run: Execution, element: Element) -> Next | None:
    return await run.do(element.children)


async def message(run: Execution, element: Element) -> Next | None:
    run.carrier.messages.send(
        src=element.get("src"),
        destinations=[number for number in element.get("dst").split("<") if number],
        text=element.text,
        kind=element.get("type", "sms"),
        url=element.get("callbackUrl"),
        method=element.get("callbackMethod", "POST"),
    )
    return None


VERBS: dict[str, Verb] = {
    "Speak": speak,
    "Play": speak,
    "Dial": dial,
    "Record": record,
    "Stream": stream,
    "Wait": wait,
    "GetInput": get_input,
    "GetDigits": get_input,
    "Hangup": hang_up,
    "Redirect": redirect,
    "Conference": conference,
    "MultiPartyCall": conference,
    "DTMF": dtmf,
    "PreAnswer": pre_answer,
    "Message": message,
}


def _prompt_seconds(element: Element) -> float:
    """How long a prompt takes; a loop of 0 is for ever, which here means until somebody hangs up."""
    loops = element.number("loop", 1.0) or 1e6
    if element.tag == "Speak":
        return loops * len(element.text) / SPOKEN_CHARACTERS_PER_SECOND
    if element.tag == "Play":
        return loops * PLAY_SECONDS
    return element.number("length", 1.0)


async def _keys_within(run: Execution, seconds: float) -> str:
    """Keys pressed by hand (through the control API) within so many seconds; empty where none were."""
    call = run.call
    if call.keys_ahead:
        pressed, call.keys_ahead = call.keys_ahead, ""
        return pressed
    keys: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def give_up() -> None:
        if not keys.done():
            keys.set_result("")

    call.awaited_keys = keys
    timer = run.carrier.clock.call_later(seconds, give_up)
    try:
        return await keys
    finally:
        timer.cancel()
        call.awaited_keys = None


def _until_beep(run: Execution) -> float:
    greeting = run.carrier.settings.machine_greeting_seconds
    return max(0.0, greeting - run.call.talked_seconds(run.carrier.clock.now()))
