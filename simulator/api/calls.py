"""/Call/ and /Request/: placing calls, looking at them, and acting on those under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from aiohttp import web

from simulator.api.gate import CARRIER, Refused, answer, parameters, refusal, reset_connection, say_nothing
from simulator.callee import Callee, Quirk
from simulator.calls import Call, State
from simulator.carrier import Carrier
from simulator.stream import Stream

MOST_DESTINATIONS = 1000
MOST_TRANSFERS = 70
PAGE = 20
# How long a response waits for the webhook that is to come before it (real seconds).
WEBHOOK_FIRST_SECONDS = 10.0

NOT_FOUND = "not found"


# Placing


@dataclass(frozen=True, slots=True)
class Range:
    low: int
    high: int


# Whole-number parameters and what the carrier takes.
RANGES = {
    "time_limit": Range(1, 86400),
    "ring_timeout": Range(0, 86400),
    "machine_detection_time": Range(2000, 10000),
    "machine_detection_maximum_speech_length": Range(1000, 6000),
    "machine_detection_initial_silence": Range(2000, 10000),
    "machine_detection_maximum_words": Range(2, 10),
    "machine_detection_initial_greeting": Range(1000, 5000),
    "machine_detection_silence": Range(500, 5000),
}
URLS = ("answer_url", "ring_url", "hangup_url", "fallback_url", "machine_detection_url", "callback_url")
METHODS = (
    "answer_method",
    "ring_method",
    "hangup_method",
    "fallback_method",
    "machine_detection_method",
    "callback_method",
)


def call_parameters(data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` checked and with its numbers as numbers; raises Refused."""
    for name in ("from", "to", "answer_url"):
        if not data.get(name):
            raise Refused(400, f"{name} parameter not present")
    params = {name: value for name, value in data.items() if value is not None}
    for name in URLS:
        if name in params and not _is_url(params[name]):
            raise Refused(400, f"{name} is not a valid URL")
    for name in METHODS:
        if name in params:
            params[name] = str(params[name]).upper()
            if params[name] not in ("GET", "POST"):
                raise Refused(400, f"{name} must be GET or POST")
    for name, allowed in RANGES.items():
        if name in params:
            params[name] = _whole(name, params[name])
            if not allowed.low <= params[name] <= allowed.high:
                raise Refused(400, f"{name} must be between {allowed.low} and {allowed.high}")
    if len(str(params.get("caller_name", ""))) > 50:
        raise Refused(400, "caller_name must be at most 50 characters")
    detection = params.get("machine_detection")
    if isinstance(detection, bool) or str(detection).lower() in ("true", "false"):
        params["machine_detection"] = "true" if str(detection).lower() == "true" else ""
    elif detection not in (None, "", "hangup"):
        raise Refused(400, "machine_detection must be true or hangup")
    if "hangup_on_ring" in params:
        params["hangup_on_ring"] = str(params["hangup_on_ring"]).lower() in ("true", "1")
    return params


def destinations(to: object) -> list[str]:
    """The numbers and SIP addresses in a `<`-separated list; raises Refused."""
    raw = [part.strip() for part in str(to).split("<")]
    if len(raw) > MOST_DESTINATIONS:
        raise Refused(400, f"to must have at most {MOST_DESTINATIONS} destinations")
    numbers = []
    for part in raw:
        number = part if part.lower().startswith("sip:") else digits_of(part)
        if not number:
            raise Refused(400, f"{part} is not a valid phone number")
        numbers.append(number)
    return numbers


async def place(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    params = call_parameters(await parameters(request))
    numbers = destinations(params["to"])
    from_ = str(params["from"])
    from_ = digits_of(from_) or from_
    if from_ in numbers:
        raise Refused(400, "from and to numbers cannot be the same")
    people = [carrier.exchange.whoever_answers(number) for number in numbers]
    quirk = people[0].quirk
    if quirk is not None:
        refused = _refused_by(quirk)
        if refused is not None:
            return refused
    calls = [
        carrier.exchange.place(
            from_=from_, to=number, params=params, person=_unless_repeated(person, number, numbers)
        )
        for number, person in zip(numbers, people, strict=True)
    ]
    if quirk is Quirk.BEFORE_RESPONSE or request.get("response_waits"):
        await _first_webhook(calls[0])
    match quirk:
        case Quirk.ERROR_AFTER:
            return refusal(500, "An internal error occurred")
        case Quirk.TIMEOUT_AFTER:
            return await say_nothing(request)
        case Quirk.RESET_AFTER:
            return reset_connection(request)
    queued = any(call.state is State.QUEUED for call in calls)
    one = len(calls) == 1
    return answer(
        {
            "message": f"{'call' if one else 'calls'} {'queued' if queued else 'fired'}",
            "request_uuid": calls[0].request_uuid if one else [call.request_uuid for call in calls],
        },
        201,
    )


def _unless_repeated(person: Callee, number: str, numbers: list[str]) -> Callee | None:
    """None, which draws anew, where one request names a number twice."""
    return person if len(numbers) == 1 or numbers.count(number) == 1 else None


def _refused_by(quirk: Quirk) -> web.Response | None:
    match quirk:
        case Quirk.REFUSED:
            return refusal(400, "to is not a valid phone number")
        case Quirk.ERROR_BEFORE:
            return refusal(500, "An internal error occurred")
        case Quirk.RATE_LIMITED:
            return refusal(429, "Request was throttled. Expected available in a few seconds.")
        case Quirk.PAYMENT_REQUIRED:
            return refusal(402, "Your account does not have enough credits.")
    return None


async def _first_webhook(call: Call) -> None:
    """Until the first webhook of the call has been answered."""
    call.first_webhook = asyncio.Event()
    try:
        async with asyncio.timeout(WEBHOOK_FIRST_SECONDS):
            await call.first_webhook.wait()
    except TimeoutError:
        call.notes.append("no webhook came before the response")


# Looking


async def listing(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    query = request.query
    match query.get("status"):
        case "live":
            return answer({"calls": _page_of_ids(query, carrier.ledger.live.values())})
        case "queued":
            return answer({"calls": _page_of_ids(query, carrier.exchange.queued)})
        case None | "":
            return answer(call_records(carrier, query))
        case other:
            raise Refused(400, f"status {other} is not known")


def call_records(carrier: Carrier, query: Mapping[str, str]) -> dict[str, Any]:
    """One page of call records, newest first."""
    settings = carrier.settings
    zone = ZoneInfo(settings.account_timezone)
    limit, offset = page_of(query)
    visible_until = carrier.clock.now() - settings.record_lag_seconds
    number = query.get("to_number")
    if number:
        calls = [c for n in number.split("<") for c in carrier.ledger.by_number.get(digits_of(n) or n, ())]
        calls = [call for call in calls if call.ended_epoch is not None]
        calls.sort(key=lambda call: call.ended_epoch or 0.0)
    else:
        calls = carrier.ledger.ended
    wanted: list[Callable[[Call], bool]] = [lambda call: (call.ended_at or 0.0) <= visible_until]
    if query.get("from_number"):
        from_ = digits_of(query["from_number"]) or query["from_number"]
        wanted.append(lambda call: call.from_ == from_)
    if query.get("call_direction"):
        wanted.append(lambda call: call.direction == query["call_direction"])
    if query.get("parent_call_uuid"):
        wanted.append(lambda call: call.parent is not None and call.parent.uuid == query["parent_call_uuid"])
    if query.get("hangup_cause_code"):
        wanted.append(
            lambda call: call.cause is not None and str(call.cause.code) == query["hangup_cause_code"]
        )
    if query.get("hangup_source"):
        wanted.append(lambda call: call.source == query["hangup_source"])
    for name, compares in _END_TIMES.items():
        if query.get(name):
            wanted.append(_ended(_moment(query[name], zone), compares))
    found = [call for call in reversed(calls) if all(test(call) for test in wanted)]
    return {
        "meta": meta_block(
            request_path=f"/v1/Account/{carrier.auth_id}/Call/", query=query, total=len(found)
        ),
        "objects": [
            call.record(settings.account_timezone, settings.price_per_minute, carrier.auth_id)
            for call in found[offset : offset + limit]
        ],
    }


# Records carry whole seconds, so that is what is compared.
_END_TIMES: dict[str, Callable[[int, float], bool]] = {
    "end_time": lambda ended, asked: ended == int(asked),
    "end_time__gte": lambda ended, asked: ended >= int(asked),
    "end_time__gt": lambda ended, asked: ended > int(asked),
    "end_time__lte": lambda ended, asked: ended <= asked,
    "end_time__lt": lambda ended, asked: ended < asked,
}


def _ended(asked: float, compares: Callable[[int, float], bool]) -> Callable[[Call], bool]:
    return lambda call: compares(int(call.ended_epoch or 0), asked)


def page_of(query: Mapping[str, str]) -> tuple[int, int]:
    """Limit and offset; raises Refused."""
    limit = _whole("limit", query.get("limit") or PAGE)
    offset = _whole("offset", query.get("offset") or 0)
    if not 1 <= limit <= PAGE:
        raise Refused(400, f"limit must be between 1 and {PAGE}")
    if offset < 0:
        raise Refused(400, "offset must not be negative")
    return limit, offset


def meta_block(*, request_path: str, query: Mapping[str, str], total: int) -> dict[str, Any]:
    limit, offset = page_of(query)

    def page(start: int) -> str:
        return f"{request_path}?{urlencode({**query, 'limit': limit, 'offset': start})}"

    return {
        "limit": limit,
        "next": page(offset + limit) if offset + limit < total else None,
        "offset": offset,
        "previous": page(max(0, offset - limit)) if offset else None,
        "total_count": total,
    }


def _page_of_ids(query: Mapping[str, str], calls: Any) -> list[str]:
    found = [
        call.uuid
        for call in calls
        if (not query.get("to_number") or call.to == digits_of(query["to_number"]))
        and (not query.get("from_number") or call.from_ == digits_of(query["from_number"]))
    ]
    if not query.get("limit") and not query.get("offset"):
        return found
    limit, offset = page_of(query)
    return found[offset : offset + limit]


async def detail(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    call = carrier.ledger.by_uuid.get(request.match_info["call_uuid"])
    if call is None:
        raise Refused(404, NOT_FOUND)
    match request.query.get("status"):
        case "live":
            if not call.live:
                raise Refused(404, NOT_FOUND)
            return answer(_snapshot(call, call.state.value))
        case "queued":
            if call.state is not State.QUEUED:
                raise Refused(404, NOT_FOUND)
            return answer(_snapshot(call, "queued"))
    settings = carrier.settings
    if call.ended_at is None or call.ended_at > carrier.clock.now() - settings.record_lag_seconds:
        raise Refused(404, NOT_FOUND)
    return answer(call.record(settings.account_timezone, settings.price_per_minute, carrier.auth_id))


def _snapshot(call: Call, status: str) -> dict[str, Any]:
    return {
        "call_status": "ringing" if status == "dialing" else status,
        "call_uuid": call.uuid,
        "caller_name": str(call.params.get("caller_name") or ""),
        "direction": call.direction,
        "from": call.from_,
        "request_uuid": call.request_uuid,
        "session_start": call.session_start,
        "stir_verification": "Not Applicable",
        "to": call.to,
    }


# Acting


async def hang_up(request: web.Request) -> web.StreamResponse:
    carrier, call = _live(request)
    carrier.exchange.hang_up(call)
    return web.Response(status=204)


async def hang_up_all(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    for call in list(carrier.ledger.live.values()):
        carrier.exchange.end(call, 0, "Unknown")
    return web.Response(status=204)


async def cancel_request(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    call = carrier.ledger.by_uuid.get(request.match_info["request_uuid"])
    if call is None or call.state is State.ENDED:
        raise Refused(404, NOT_FOUND)
    carrier.exchange.hang_up(call)
    return web.Response(status=204)


async def transfer(request: web.Request) -> web.StreamResponse:
    carrier, call = _live(request)
    data = await parameters(request)
    legs = data.get("legs") or "aleg"
    if legs not in ("aleg", "bleg", "both"):
        raise Refused(400, "legs must be aleg, bleg or both")
    moves = []
    other = next((leg for leg in carrier.ledger.live.values() if leg.parent is call), None)
    for leg_name, leg in (("aleg", call), ("bleg", other)):
        if legs not in (leg_name, "both"):
            continue
        url = data.get(f"{leg_name}_url")
        if not _is_url(url):
            raise Refused(400, f"{leg_name}_url parameter not present")
        if leg is not None:
            moves.append((leg, str(url), str(data.get(f"{leg_name}_method") or "POST").upper()))
    if not call.answered:
        raise Refused(400, "the call has not been answered")
    if call.transfers >= MOST_TRANSFERS:
        raise Refused(400, f"a call can be transferred at most {MOST_TRANSFERS} times")
    for leg, url, method in moves:
        carrier.exchange.transfer(leg, url, method)
    return answer({"message": "call transferred", "call_uuids": [leg.uuid for leg, _, _ in moves]}, 202)


async def start_recording(request: web.Request) -> web.StreamResponse:
    carrier, call = _live(request)
    data = await parameters(request)
    recording = carrier.recordings.start(
        call,
        kind="api",
        callback_url=str(data.get("callback_url") or ""),
        callback_method=str(data.get("callback_method") or "POST").upper(),
        longest_seconds=float(_whole("time_limit", data.get("time_limit") or 60)),
    )
    carrier.clock.call_later(recording.longest_seconds, carrier.recordings.stop, call, recording)
    return answer(
        {"message": "call recording started", "recording_id": recording.id, "url": recording.url}, 202
    )


async def stop_recording(request: web.Request) -> web.StreamResponse:
    carrier, call = _live(request)
    for recording in call.recordings:
        if recording.kind == "api" and recording.ended_at is None:
            carrier.recordings.stop(call, recording)
    return web.Response(status=204)


async def start_playing(request: web.Request) -> web.StreamResponse:
    _, call = _live(request)
    data = await parameters(request)
    if not data.get("urls"):
        raise Refused(400, "urls parameter not present")
    call.notes.append(f"played: {data['urls']}")
    return answer({"message": "play started"}, 202)


async def start_speaking(request: web.Request) -> web.StreamResponse:
    _, call = _live(request)
    data = await parameters(request)
    if not data.get("text"):
        raise Refused(400, "text parameter not present")
    call.notes.append(f"spoken: {data['text']}")
    return answer({"message": "speak started"}, 202)


async def stop_sound(request: web.Request) -> web.StreamResponse:
    _live(request)
    return web.Response(status=204)


async def send_digits(request: web.Request) -> web.StreamResponse:
    _, call = _live(request)
    data = await parameters(request)
    digits = str(data.get("digits") or "")
    if not digits:
        raise Refused(400, "digits parameter not present")
    call.notes.append(f"digits sent: {digits}")
    return answer({"message": "digits sent"}, 202)


async def start_stream(request: web.Request) -> web.StreamResponse:
    carrier, call = _live(request)
    data = await parameters(request)
    url = str(data.get("service_url") or "")
    if urlsplit(url).scheme not in ("ws", "wss"):
        raise Refused(400, "service_url is not a valid WebSocket URL")
    if call.stream is not None:
        raise Refused(409, "the call has a stream already")
    headers = data.get("extra_headers") or ""
    if isinstance(headers, dict):
        headers = ",".join(f"{key}={value}" for key, value in headers.items())
    stream = Stream(
        carrier,
        call,
        url=url,
        bidirectional=str(data.get("bidirectional")).lower() == "true",
        content_type=str(data.get("content_type") or "audio/x-l16;rate=8000"),
        extra_headers=str(headers),
        status_url=str(data.get("status_callback_url") or ""),
        status_method=str(data.get("status_callback_method") or "POST").upper(),
        longest_seconds=float(_whole("stream_timeout", data.get("stream_timeout") or 86400)),
        track=str(data.get("audio_track") or "inbound"),
    )
    stream.start()
    return answer({"message": "audio streaming started", "stream_id": stream.id}, 201)


async def list_streams(request: web.Request) -> web.StreamResponse:
    _, call = _live(request)
    streams = [_stream_document(call.stream)] if call.stream else []
    return answer({"meta": {"limit": PAGE, "offset": 0, "total_count": len(streams)}, "objects": streams})


async def get_stream(request: web.Request) -> web.StreamResponse:
    _, call = _live(request)
    if call.stream is None or call.stream.id != request.match_info["stream_id"]:
        raise Refused(404, NOT_FOUND)
    return answer(_stream_document(call.stream))


async def stop_stream(request: web.Request) -> web.StreamResponse:
    _, call = _live(request)
    wanted = request.match_info.get("stream_id")
    if call.stream is not None and wanted in (None, call.stream.id):
        call.stream.stop()
    return web.Response(status=204)


def _stream_document(stream: Stream) -> dict[str, Any]:
    return {
        "stream_id": stream.id,
        "service_url": stream.url,
        "bidirectional": stream.bidirectional,
        "status": "in-progress",
    }


# Details


def _live(request: web.Request) -> tuple[Carrier, Call]:
    carrier = request.app[CARRIER]
    call = carrier.ledger.live.get(request.match_info["call_uuid"])
    if call is None:
        raise Refused(404, NOT_FOUND)
    return carrier, call


def _is_url(value: object) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in ("http", "https")


def _whole(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise Refused(400, f"{name} must be a whole number") from error


def digits_of(number: str) -> str:
    return "".join([character for character in number if character in "0123456789"])


def _moment(text: str, zone: ZoneInfo) -> float:
    try:
        moment = datetime.fromisoformat(text.strip().replace(" 00:00Z", "Z"))
    except ValueError as error:
        raise Refused(400, f"{text} is not a time") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def routes(prefix: str) -> list[web.RouteDef]:
    one = f"{prefix}/Call/{{call_uuid}}"
    return [
        web.post(f"{prefix}/Call/", place),
        web.get(f"{prefix}/Call/", listing, allow_head=False),
        web.delete(f"{prefix}/Call/", hang_up_all),
        web.get(f"{one}/", detail, allow_head=False),
        web.post(f"{one}/", transfer),
        web.delete(f"{one}/", hang_up),
        web.post(f"{one}/Record/", start_recording),
        web.delete(f"{one}/Record/", stop_recording),
        web.post(f"{one}/Play/", start_playing),
        web.delete(f"{one}/Play/", stop_sound),
        web.post(f"{one}/Speak/", start_speaking),
        web.delete(f"{one}/Speak/", stop_sound),
        web.post(f"{one}/DTMF/", send_digits),
        web.post(f"{one}/Stream/", start_stream),
        web.get(f"{one}/Stream/", list_streams, allow_head=False),
        web.delete(f"{one}/Stream/", stop_stream),
        web.get(f"{one}/Stream/{{stream_id}}/", get_stream, allow_head=False),
        web.delete(f"{one}/Stream/{{stream_id}}/", stop_stream),
        web.delete(f"{prefix}/Request/{{request_uuid}}/", cancel_request),
    ]
