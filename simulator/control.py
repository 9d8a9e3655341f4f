"""The control API under /_simulator/: not the carrier's, but ours, for tests and demonstrations."""

from __future__ import annotations

import html
import json
from typing import Any

from aiohttp import web

from simulator import causes
from simulator.api.calls import digits_of
from simulator.api.gate import CARRIER
from simulator.callee import FORCED
from simulator.faults import InvalidFault
from simulator.settings import InvalidSetting


async def status(request: web.Request) -> web.Response:
    carrier = request.app[CARRIER]
    summary = carrier.summary()
    counts = {
        name: value
        for name, value in summary.items()
        if not name.endswith(("_number", "_url", "_numbers", "_urls"))
    }
    document = {
        "simulator": "carillon",
        "auth_id": carrier.auth_id,
        "counts": counts,
        "webhooks_sent": carrier.webhooks.sent,
        "messages": len(carrier.messages.sent),
        "faults": [fault.as_json() for fault in carrier.faults.rules],
        "settings": carrier.settings.as_json(),
    }
    if "text/html" not in request.headers.get("Accept", ""):
        return web.json_response(document)
    rows = "".join(
        f"<tr><th>{html.escape(name)}<td>{html.escape(json.dumps(value, ensure_ascii=False))}"
        for name, value in (*counts.items(), ("webhooks sent", carrier.webhooks.sent))
    )
    settings = html.escape(json.dumps(document["settings"], indent=2))
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Simulated carrier</title>"
        "<style>body{font:16px system-ui;max-width:50rem;margin:2rem auto}"
        "th{text-align:left;padding-right:2rem}</style><h1>Simulated carrier</h1>"
        f"<table>{rows}</table><h2>Settings</h2><pre>{settings}</pre>"
        f"<p>Numbers ending in {', '.join(FORCED)} do something particular; see docs/simulator.md.</p>"
    )
    return web.Response(text=page, content_type="text/html")


async def health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def ledger(request: web.Request) -> web.Response:
    """Calls placed after number `after`, oldest first; `number`, `answer_url` and `limit` narrow it."""
    carrier = request.app[CARRIER]
    query = request.query
    try:
        after = int(query.get("after", 0))
        limit = int(query["limit"]) if "limit" in query else None
    except ValueError:
        return _refused("after and limit are whole numbers")
    calls = carrier.ledger.after(after, limit)
    number = query.get("number", "").lstrip("+")
    url = query.get("answer_url")
    return web.json_response(
        {
            "last": carrier.ledger.sequence,
            "calls": [
                call.ledger_entry()
                for call in calls
                if (not number or call.to == number) and (not url or call.params.get("answer_url") == url)
            ],
            "messages": [message.ledger_entry() for message in carrier.messages.sent] if not after else [],
        }
    )


async def summary(request: web.Request) -> web.Response:
    carrier = request.app[CARRIER]
    return web.json_response(carrier.summary())


async def get_settings(request: web.Request) -> web.Response:
    return web.json_response(request.app[CARRIER].settings.as_json())


async def change_settings(request: web.Request) -> web.Response:
    changes = await _document(request)
    if not isinstance(changes, dict):
        return _refused("send an object of settings")
    try:
        settings = request.app[CARRIER].set(changes)
    except InvalidSetting as error:
        return _refused(str(error))
    return web.json_response(settings.as_json())


async def list_faults(request: web.Request) -> web.Response:
    return web.json_response({"faults": [fault.as_json() for fault in request.app[CARRIER].faults.rules]})


async def add_faults(request: web.Request) -> web.Response:
    """One rule or a list of them; all are taken or none."""
    carrier = request.app[CARRIER]
    rules = await _document(request)
    if isinstance(rules, dict):
        rules = rules.get("faults", [rules])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        return _refused("send a fault rule or a list of them")
    trial = type(carrier.faults)()
    try:
        for rule in rules:
            trial.add(rule, seed=0)
        added = [carrier.faults.add(rule, seed=carrier.settings.seed) for rule in rules]
    except InvalidFault as error:
        return _refused(str(error))
    return web.json_response({"faults": [fault.as_json() for fault in added]}, status=201)


async def clear_faults(request: web.Request) -> web.Response:
    request.app[CARRIER].faults.clear()
    return web.Response(status=204)


async def reset(request: web.Request) -> web.Response:
    request.app[CARRIER].reset()
    return web.Response(status=204)


async def press(request: web.Request) -> web.Response:
    """The person on a live call presses keys: {"digits": "1"}."""
    carrier = request.app[CARRIER]
    call = carrier.ledger.live.get(request.match_info["call_uuid"])
    asked = await _document(request)
    digits = str(asked.get("digits", "")) if isinstance(asked, dict) else ""
    if call is None:
        return _refused("no such live call", 404)
    if not digits or set(digits) - set("0123456789*#"):
        return _refused("digits are 0 to 9, * and #")
    carrier.exchange.press(call, digits)
    return web.Response(status=204)


async def hang_up(request: web.Request) -> web.Response:
    """The person on a live call hangs up."""
    carrier = request.app[CARRIER]
    call = carrier.ledger.live.get(request.match_info["call_uuid"])
    if call is None:
        return _refused("no such live call", 404)
    if call.answered:
        carrier.exchange.end(call, 4000, causes.CALLEE)
    else:
        carrier.exchange.end(call, 3020, causes.CALLEE)
    return web.Response(status=204)


async def inbound_call(request: web.Request) -> web.Response:
    """Somebody calls one of the account's numbers: from, to, answer_url and, optionally, hangup_url."""
    carrier = request.app[CARRIER]
    asked = await _document(request)
    if not isinstance(asked, dict) or not all(asked.get(name) for name in ("from", "to", "answer_url")):
        return _refused("send from, to and answer_url")
    call = carrier.exchange.receive(
        from_=digits_of(str(asked["from"])), to=digits_of(str(asked["to"])), params=asked
    )
    return web.json_response({"call_uuid": call.uuid}, status=201)


async def inbound_message(request: web.Request) -> web.Response:
    """Somebody texts one of the account's numbers: from, to, text and url."""
    carrier = request.app[CARRIER]
    asked = await _document(request)
    if not isinstance(asked, dict) or not all(asked.get(name) for name in ("from", "to", "text", "url")):
        return _refused("send from, to, text and url")
    message = carrier.messages.receive(
        src=digits_of(str(asked["from"])),
        dst=digits_of(str(asked["to"])),
        text=str(asked["text"]),
        url=str(asked["url"]),
    )
    return web.json_response({"message_uuid": message.uuid}, status=201)


async def _document(request: web.Request) -> Any:
    try:
        return json.loads(await request.read() or b"null")
    except ValueError:
        return None


def _refused(why: str, status: int = 400) -> web.Response:
    return web.json_response({"error": why}, status=status)


def routes() -> list[web.RouteDef]:
    return [
        web.get("/_simulator/", status),
        web.get("/_simulator/health", health),
        web.get("/_simulator/ledger", ledger),
        web.get("/_simulator/ledger/summary", summary),
        web.get("/_simulator/settings", get_settings),
        web.patch("/_simulator/settings", change_settings),
        web.post("/_simulator/settings", change_settings),
        web.get("/_simulator/faults", list_faults),
        web.post("/_simulator/faults", add_faults),
        web.delete("/_simulator/faults", clear_faults),
        web.post("/_simulator/reset", reset),
        web.post("/_simulator/calls/{call_uuid}/press", press),
        web.post("/_simulator/calls/{call_uuid}/hangup", hang_up),
        web.post("/_simulator/inbound-calls", inbound_call),
        web.post("/_simulator/inbound-messages", inbound_message),
    ]
