"""The web application: the carrier's API, its recordings, the control API and the demo assistant."""

from __future__ import annotations

from aiohttp import web

from simulator import assistant, control
from simulator.api import account, calls, messages, recordings
from simulator.api.gate import CARRIER, gate, refusal
from simulator.carrier import Carrier

ACCOUNT = "/v1/Account/{auth_id}"


def create(carrier: Carrier) -> web.Application:
    app = web.Application(client_max_size=8 * 1024**2)
    app[CARRIER] = carrier
    guarded = gate(carrier)
    # Recordings need no credentials, and their addresses must be looked at before the API's.
    app.router.add_routes(recordings.public_routes(ACCOUNT))
    for resource in (calls, recordings, messages, account):
        for route in resource.routes(ACCOUNT):
            app.router.add_route(route.method, route.path, guarded(route.handler))
    app.router.add_routes(control.routes())
    app.router.add_routes(assistant.routes())
    app.router.add_route("*", "/v1/{rest:.*}", guarded(_unknown))
    return app


async def _unknown(request: web.Request) -> web.StreamResponse:
    return refusal(404, "not found")
