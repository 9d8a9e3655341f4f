"""/Recording/: what was recorded, and the sound itself."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from aiohttp import web

from simulator import audio
from simulator.api.calls import meta_block, page_of
from simulator.api.gate import CARRIER, Refused, answer
from simulator.recordings import Recording

CACHE_SECONDS = 3600


async def listing(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    query = request.query
    zone = ZoneInfo(carrier.settings.account_timezone)
    limit, offset = page_of(query)
    found = [
        recording
        for recording in reversed(carrier.recordings.by_id.values())
        if recording.ended_at is not None
        and (not query.get("call_uuid") or recording.call.uuid == query["call_uuid"])
        and (not query.get("to_number") or recording.call.to == query["to_number"].lstrip("+"))
        and (not query.get("from_number") or recording.call.from_ == query["from_number"].lstrip("+"))
    ]
    path = f"/v1/Account/{carrier.auth_id}/Recording/"
    return answer(
        {
            "meta": meta_block(request_path=path, query=query, total=len(found)),
            "objects": [item.as_json(carrier.auth_id, zone) for item in found[offset : offset + limit]],
        }
    )


async def detail(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    recording = _finished(request)
    return answer(recording.as_json(carrier.auth_id, ZoneInfo(carrier.settings.account_timezone)))


async def delete(request: web.Request) -> web.StreamResponse:
    recording = _finished(request)
    request.app[CARRIER].recordings.by_id.pop(recording.id)
    return web.Response(status=204)


async def sound(request: web.Request) -> web.StreamResponse:
    """The file. No credentials are asked for: its address can't be guessed, as with the carrier's."""
    recording = _finished(request)
    duration_ms = recording.duration_ms
    size = audio.size_of(duration_ms)
    start, stop = _range(request.headers.get("Range", ""), size)
    partial = (start, stop) != (0, size) or "Range" in request.headers
    headers = {
        "Content-Type": "audio/wav",
        "Accept-Ranges": "bytes",
        "Content-Length": str(stop - start),
        "Cache-Control": f"private, max-age={CACHE_SECONDS}",
    }
    if partial:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    response = web.StreamResponse(status=206 if partial else 200, headers=headers)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    call = recording.call
    for piece in audio.wav(duration_ms, call.callee.seed, call.turns, recording.offset_ms, start, stop):
        await response.write(piece)
    await response.write_eof()
    return response


def _range(text: str, size: int) -> tuple[int, int]:
    """First byte and the byte after the last; what can't be read asks for everything."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    start = int(first)
    if start >= size:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return start, max(start + 1, min(size, int(last) + 1 if last else size))


def _finished(request: web.Request) -> Recording:
    recording = request.app[CARRIER].recordings.by_id.get(request.match_info["recording_id"])
    if recording is None or recording.ended_at is None:
        raise Refused(404, "not found")
    return recording


async def public_sound(request: web.Request) -> web.StreamResponse:
    try:
        return await sound(request)
    except Refused as error:
        raise web.HTTPNotFound from error


def routes(prefix: str) -> list[web.RouteDef]:
    return [
        web.get(f"{prefix}/Recording/", listing, allow_head=False),
        web.get(f"{prefix}/Recording/{{recording_id}}/", detail, allow_head=False),
        web.delete(f"{prefix}/Recording/{{recording_id}}/", delete),
    ]


def public_routes(prefix: str) -> list[web.RouteDef]:
    return [web.get(f"{prefix}/Recording/{{recording_id}}.wav", public_sound)]
