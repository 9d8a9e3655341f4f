"""The carrier as a whole: its parts, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp

from simulator.clock import Clock
from simulator.conferences import Conferences
from simulator.exchange import Exchange
from simulator.faults import Faults
from simulator.ledger import Ledger
from simulator.limits import RequestRate
from simulator.messages import Messages
from simulator.recordings import Recordings
from simulator.settings import Settings
from simulator.signature import Signer
from simulator.webhooks import Webhooks


class Carrier:
    """Made inside a running event loop."""

    def __init__(self, *, auth_id: str, auth_token: str, public_url: str, settings: Settings) -> None:
        self.auth_id = auth_id
        self.auth_token = auth_token
        self.public_url = public_url.rstrip("/")
        self.settings = settings
        self._first_settings = settings
        self.clock = Clock(settings.speed)
        self.signer = Signer(auth_token)
        self.faults = Faults()
        self.ledger = Ledger()
        self.request_rate = RequestRate()
        self.webhooks = Webhooks(
            clock=self.clock, signer=self.signer, faults=self.faults, settings=lambda: self.settings
        )
        self.recordings = Recordings(self)
        self.conferences = Conferences(self)
        self.messages = Messages(self)
        self.exchange = Exchange(self)
        self.bill_rate = f"{settings.price_per_minute:.5f}"
        self._http: aiohttp.ClientSession | None = None

    @property
    def http(self) -> aiohttp.ClientSession:
        """For WebSockets; webhooks have a client of their own."""
        if self._http is None:
            self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._http

    def set(self, changes: Mapping[str, object]) -> Settings:
        """Change settings while running; raises InvalidSetting and then changes nothing."""
        self._apply(self.settings.updated(changes))
        return self.settings

    def summary(self) -> dict[str, Any]:
        return self.ledger.summary(
            queued=len(self.exchange.queued), webhooks_under_way=self.webhooks.under_way
        )

    def reset(self) -> None:
        """Forget calls, records and faults, without a word to anybody, and start with the first settings."""
        for call in self.ledger.live.values():
            call.muted = True
        self.exchange.clear()
        self.webhooks.forget_all()
        self.clock.clear()
        self.faults.clear()
        self.ledger = Ledger()
        self.recordings.clear()
        self.conferences.clear()
        self.messages.clear()
        self.request_rate.clear()
        self._apply(self._first_settings)

    async def close(self) -> None:
        await self.exchange.close()
        await self.webhooks.close()
        if self._http is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._http.close()

    def _apply(self, settings: Settings) -> None:
        self.settings = settings
        self.clock.speed = settings.speed
        self.bill_rate = f"{settings.price_per_minute:.5f}"
        self.exchange.look_at_queue()
