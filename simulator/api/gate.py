"""What every API request passes: credentials, the request limit, and faults on purpose."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

from aiohttp import web

from simulator.carrier import Carrier
from simulator.faults import Fault

CARRIER: web.AppKey[Carrier] = web.AppKey("carrier", Carrier)

# A request that is never answered is given up after this (real seconds), or when the client leaves.
SILENCE_SECONDS = 600.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """The API says no; becomes the carrier's error document."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


def answer(document: Mapping[str, Any], status: int = 200) -> web.Response:
    """A JSON response with the api_id every response of the carrier has."""
    body = {"api_id": str(uuid4()), **document}
    return web.Response(body=json.dumps(body).encode(), status=status, content_type="application/json")


def refusal(status: int, error: str) -> web.Response:
    return answer({"error": error}, status)


def basic_credentials(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def gate(carrier: Carrier) -> Callable[[Handler], Handler]:
    """Wraps handlers of the API."""
    expected = basic_credentials(carrier.auth_id, carrier.auth_token)
    prefix = f"/v1/Account/{carrier.auth_id}/"

    def guarded(handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            ledger = carrier.ledger
            path = request.path
            ledger.requests[
                f"{request.method} {path.removeprefix(prefix).split('/', 1)[0] or 'Account'}"
            ] += 1
            response = await attempt(request, path)
            ledger.responses[response.status] += 1
            return response

        async def attempt(request: web.Request, path: str) -> web.StreamResponse:
            if request.headers.get("Authorization") != expected or not path.startswith(prefix):
                return refusal(
                    401,
                    "Could not verify your access level for that URL. "
                    "You have to login with proper credentials",
                )
            settings = carrier.settings
            now = asyncio.get_running_loop().time()
            if not carrier.request_rate.allows(settings.api_limit, settings.api_window_seconds, now):
                return refusal(429, "Request was throttled. Expected available in a few seconds.")
            fault = carrier.faults.of_request(request.method, path) if carrier.faults.rules else None
            if fault is not None:
                refused = await _before(fault)
                if refused is not None:
                    return refused
                if fault.kind == "webhook_before_response":
                    request["response_waits"] = True
            try:
                response = await handler(request)
            except Refused as error:
                return refusal(error.status, error.error)
            if fault is not None:
                return await _after(fault, request, response)
            return response

        return handle

    return guarded


async def _before(fault: Fault) -> web.Response | None:
    match fault.kind:
        case "error_before":
            return refusal(fault.status, "An internal error occurred")
        case "rate_limited":
            return refusal(429, "Request was throttled. Expected available in a few seconds.")
        case "unauthorized":
            return refusal(401, "Could not verify your access level for that URL.")
        case "payment_required":
            return refusal(402, "Your account does not have enough credits.")
        case "slow":
            await asyncio.sleep(fault.seconds)
    return None


async def _after(fault: Fault, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    match fault.kind:
        case "error_after":
            return refusal(fault.status, "An internal error occurred")
        case "timeout_after":
            return await say_nothing(request)
        case "reset_after":
            return reset_connection(request)
        case "bad_json":
            return web.Response(text='{"api_id": "', status=response.status, content_type="application/json")
    return response


async def say_nothing(request: web.Request) -> web.Response:
    """Keep the client waiting until it gives up."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + SILENCE_SECONDS
    while loop.time() < give_up and request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.25)
    return reset_connection(request)


def reset_connection(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # goes nowhere


async def parameters(request: web.Request) -> dict[str, Any]:
    """The body's parameters, from JSON or a form."""
    if request.content_type == "application/json" or not request.content_type.startswith(
        ("application/x-www-form", "multipart/")
    ):
        raw = await request.read()
        if not raw:
            return {}
        try:
            data = json.loads(raw)
        except ValueError as error:
            raise Refused(400, "the request body is not valid JSON") from error
        if not isinstance(data, dict):
            raise Refused(400, "the request body must be a JSON object")
        return data
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
