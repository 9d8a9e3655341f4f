"""Doing what the XML says, element by element, on one call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simulator import causes
from simulator.calls import Call
from simulator.documents import Element, InvalidDocument, read
from simulator.verbs import VERBS, Next

if TYPE_CHECKING:
    from simulator.carrier import Carrier

# Purpose of a fetch -> causes when its URL can't be reached and when its XML is wrong.
FAILURES = {
    "answer": (7011, 8011),
    "action": (7012, 8012),
    "transfer": (7013, 8013),
    "redirect": (7014, 8014),
}
ANSWER_TRIES = 3


class Execution:
    def __init__(self, carrier: Carrier, call: Call) -> None:
        self.carrier = carrier
        self.call = call

    async def answer(self, params: Iterable[tuple[str, str]] = ()) -> None:
        asked = self.call.params
        first = Next(asked.get("answer_url", ""), asked.get("answer_method", "POST"), "answer", tuple(params))
        elements = await self._fetch(first, tries=ANSWER_TRIES, fallback=asked.get("fallback_url", ""))
        if elements is not None:
            await self._follow(elements)

    async def transfer(self, url: str, method: str) -> None:
        elements = await self._fetch(Next(url, method, "transfer"))
        if elements is not None:
            await self._follow(elements)

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            await self.carrier.clock.sleep(seconds)

    def end(self, code: int, source: str) -> None:
        self.carrier.exchange.end(self.call, code, source)

    async def do(self, elements: tuple[Element, ...]) -> Next | None:
        """Execute elements in order; stops where one of them leads elsewhere or the call is over."""
        for element in elements:
            follow = await VERBS[element.tag](self, element)
            if follow is not None or self.call.cause is not None:
                return follow
        return None

    async def _follow(self, elements: tuple[Element, ...]) -> None:
        call = self.call
        while True:
            follow = await self.do(elements)
            if call.cause is not None:
                return
            if follow is None:
                self.end(4010, causes.PLATFORM)
                return
            fetched = await self._fetch(follow)
            if fetched is None:
                return
            elements = fetched

    async def _fetch(self, what: Next, *, tries: int = 2, fallback: str = "") -> tuple[Element, ...] | None:
        """The elements at a URL; ends the call where there are none to be had."""
        call = self.call
        unreachable, invalid = FAILURES[what.purpose]
        event = "StartApp" if what.purpose in ("answer", "transfer") else "Redirect"
        response = await self.carrier.webhooks.fetch(call, event, what.url, what.method, what.params, tries)
        if (response is None or not 200 <= response.status < 300) and fallback:
            method = call.params.get("fallback_method", "POST")
            response = await self.carrier.webhooks.fetch(call, event, fallback, method, what.params)
        if call.cause is not None:
            return None
        if response is None or not 200 <= response.status < 300:
            self.end(unreachable, causes.ERROR)
            return None
        try:
            return read(response.body)
        except InvalidDocument as error:
            call.notes.append(f"invalid XML: {error}")
            self.end(invalid, causes.ERROR)
            return None
