"""The account itself: credits, rented numbers, applications, endpoints, browser tokens."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from uuid import uuid4

from aiohttp import web

from simulator.api.calls import digits_of, meta_block, page_of
from simulator.api.gate import CARRIER, Refused, answer, parameters
from simulator.carrier import Carrier

TOKEN_SECONDS = 3600


async def account(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    settings = carrier.settings
    return answer(
        {
            "account_type": "standard",
            "address": "",
            "auth_id": carrier.auth_id,
            "auto_recharge": False,
            "billing_mode": "prepaid",
            "cash_credits": f"{settings.cash_credits:.5f}",
            "city": "",
            "name": "Simulated account",
            "resource_uri": f"/v1/Account/{carrier.auth_id}/",
            "state": None,
            "timezone": settings.account_timezone,
        }
    )


async def numbers(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    wanted = request.query.get("number_startswith", "")
    rented = [number for number in carrier.settings.numbers if number.startswith(wanted)]
    return _page(request, "Number", [_number(carrier, number) for number in rented])


async def number(request: web.Request) -> web.StreamResponse:
    carrier = request.app[CARRIER]
    asked = digits_of(request.match_info["number"])
    if asked not in carrier.settings.numbers:
        raise Refused(404, "not found")
    return answer(_number(carrier, asked))


def _number(carrier: Carrier, number: str) -> dict[str, Any]:
    american = number.startswith("1") and len(number) == 11
    return {
        "active": True,
        "added_on": "2026-01-01",
        "alias": None,
        "application": None,
        "carrier": "Plivo",
        "city": None,
        "country": "United States" if american else None,
        "mms_enabled": american,
        "mms_rate": "0.01600",
        "monthly_rental_rate": "0.80000",
        "number": number,
        "number_type": "local",
        "region": "",
        "renewal_date": "2027-01-01",
        "resource_uri": f"/v1/Account/{carrier.auth_id}/Number/{number}/",
        "sms_enabled": True,
        "sms_rate": f"{carrier.settings.message_price:.5f}",
        "sub_account": None,
        "voice_enabled": True,
        "voice_rate": f"{carrier.settings.price_per_minute:.5f}",
    }


class Things:
    """Applications or endpoints: made, listed, changed, deleted, and otherwise without effect."""

    def __init__(self, resource: str, id_name: str, required: Sequence[str]) -> None:
        self.resource = resource
        self.id_name = id_name
        self.required = required
        self._by_id: dict[str, dict[str, Any]] = {}

    async def listing(self, request: web.Request) -> web.StreamResponse:
        return _page(request, self.resource, list(self._by_id.values()))

    async def create(self, request: web.Request) -> web.StreamResponse:
        carrier = request.app[CARRIER]
        data = await parameters(request)
        for name in self.required:
            if not data.get(name):
                raise Refused(400, f"{name} parameter not present")
        thing_id = str(Random(f"{self.resource}/{len(self._by_id)}").randrange(10**16, 10**17))
        thing = {
            **data,
            self.id_name: thing_id,
            "resource_uri": f"/v1/Account/{carrier.auth_id}/{self.resource}/{thing_id}/",
        }
        thing.pop("password", None)
        if self.resource == "Endpoint":
            # The carrier makes user names unique by itself.
            thing["username"] = f"{data['username']}{thing_id[:12]}"
            thing["sip_uri"] = f"sip:{thing['username']}@phone.plivo.com"
            thing["sip_registered"] = "false"
        self._by_id[thing_id] = thing
        return answer({"message": "created", **thing}, 201)

    async def detail(self, request: web.Request) -> web.StreamResponse:
        return answer(self._one(request))

    async def update(self, request: web.Request) -> web.StreamResponse:
        thing = self._one(request)
        changes = await parameters(request)
        thing.update({name: value for name, value in changes.items() if name != "password"})
        return answer({"message": "changed"}, 202)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        self._by_id.pop(self._one(request)[self.id_name])
        return web.Response(status=204)

    def _one(self, request: web.Request) -> dict[str, Any]:
        thing = self._by_id.get(request.match_info["thing_id"])
        if thing is None:
            raise Refused(404, "not found")
        return thing

    def routes(self, prefix: str) -> list[web.RouteDef]:
        many, one = f"{prefix}/{self.resource}/", f"{prefix}/{self.resource}/{{thing_id}}/"
        return [
            web.get(many, self.listing, allow_head=False),
            web.post(many, self.create),
            web.get(one, self.detail, allow_head=False),
            web.post(one, self.update),
            web.delete(one, self.delete),
        ]


async def browser_token(request: web.Request) -> web.StreamResponse:
    """A token shaped like the carrier's; nothing here takes browser calls, so nothing checks it."""
    carrier = request.app[CARRIER]
    data = await parameters(request)
    if not data.get("iss"):
        raise Refused(400, "iss parameter not present")
    now = int(time.time())
    claims = {"nbf": now, "exp": now + TOKEN_SECONDS, **data, "jti": str(uuid4())}
    signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT', 'cty': 'plivo;v=1'})}.{_encoded(claims)}"
    digest = hmac.digest(carrier.auth_token.encode(), signed.encode(), "sha256")
    return answer({"token": f"{signed}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"})


def _encoded(claims: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


def _page(request: web.Request, resource: str, found: list[dict[str, Any]]) -> web.Response:
    carrier = request.app[CARRIER]
    limit, offset = page_of(request.query)
    path = f"/v1/Account/{carrier.auth_id}/{resource}/"
    return answer(
        {
            "meta": meta_block(request_path=path, query=request.query, total=len(found)),
            "objects": found[offset : offset + limit],
        }
    )


def routes(prefix: str) -> list[web.RouteDef]:
    applications = Things("Application", "app_id", ("app_name",))
    endpoints = Things("Endpoint", "endpoint_id", ("username", "password", "alias"))
    return [
        web.get(f"{prefix}/", account, allow_head=False),
        web.get(f"{prefix}/Number/", numbers, allow_head=False),
        web.get(f"{prefix}/Number/{{number}}/", number, allow_head=False),
        web.post(f"{prefix}/JWT/Token/", browser_token),
        *applications.routes(prefix),
        *endpoints.routes(prefix),
    ]
