"""/Message/: sending texts, and what became of them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from aiohttp import web

from simulator.api.calls import destinations, digits_of, meta_block, page_of
from simulator.api.gate import CARRIER, Refused, answer, parameters

KINDS = frozenset({"sms", "mms", "whatsapp"})


async def send(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    data = await parameters(request)
    source = data.get("src") or data.get("powerpack_uuid")
    if not source:
        raise Refused(400, "src parameter not present")
    if not data.get("dst"):
        raise Refused(400, "dst parameter not present")
    kind = str(data.get("type") or "sms")
    if kind not in KINDS:
        raise Refused(400, "type must be sms, mms or whatsapp")
    text = data.get("text") or ""
    if not text and kind == "sms":
        raise Refused(400, "text parameter not present")
    numbers = destinations(data["dst"])
    sender = digits_of(str(source)) if data.get("src") else carrier.settings.numbers[0]
    if sender in numbers:
        raise Refused(400, "src and dst numbers cannot be the same")
    messages = carrier.messages.send(
        src=sender,
        destinations=numbers,
        text=str(text),
        kind=kind,
        url=str(data.get("url") or ""),
        method=str(data.get("method") or "POST").upper(),
    )
    return answer(
        {"message": "message(s) queued", "message_uuid": [message.uuid for message in messages]}, 202
    )


async def listing(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    query = request.query
    limit, offset = page_of(query)
    zone = ZoneInfo(carrier.settings.account_timezone)
    found = [
        message
        for message in reversed(carrier.messages.sent)
        if not query.get("message_state") or message.status == query["message_state"]
    ]
    path = f"/v1/Account/{carrier.auth_id}/Message/"
    return answer(
        {
            "meta": meta_block(request_path=path, query=query, total=len(found)),
            "objects": [
                message.as_json(carrier.auth_id, zone, carrier.settings.message_price)
                for message in found[offset : offset + limit]
            ],
        }
    )


async def detail(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    message = carrier.messages.by_uuid.get(request.match_info["message_uuid"])
    if message is None:
        raise Refused(404, "not found")
    zone = ZoneInfo(carrier.settings.account_timezone)
    return answer(message.as_json(carrier.auth_id, zone, carrier.settings.message_price))


def routes(prefix: str) -> list[web.RouteDef]:
    return [
        web.post(f"{prefix}/Message/", send),
        web.get(f"{prefix}/Message/", listing, allow_head=False),
        web.get(f"{prefix}/Message/{{message_uuid}}/", detail, allow_head=False),
    ]
