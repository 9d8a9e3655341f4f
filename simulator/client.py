"""Talking to a running simulator from outside: for tests and benchmarks. Standard library only."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen


class SimulatorError(Exception):
    """The simulator refused; the message is its own."""


class SimulatorClient:
    def __init__(self, base_url: str, timeout: float = 30.0) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout

    def ledger(
        self,
        after: int = 0,
        *,
        limit: int | None = None,
        number: str | None = None,
        answer_url: str | None = None,
    ) -> list[dict[str, Any]]:
        """Calls placed after call number `after`, oldest first, each with its webhooks."""
        asked = {"after": after, "limit": limit, "number": number, "answer_url": answer_url}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        calls: list[dict[str, Any]] = self._ask("GET", f"ledger?{query}")["calls"]
        return calls

    def messages(self) -> list[dict[str, Any]]:
        """Every text message accepted, each with its webhooks."""
        messages: list[dict[str, Any]] = self._ask("GET", "ledger?limit=0")["messages"]
        return messages

    def summary(self) -> dict[str, Any]:
        """Counts of calls by number, answer URL and cause; what was dialed twice or overlapped."""
        summary: dict[str, Any] = self._ask("GET", "ledger/summary")
        return summary

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self._ask("GET", "")
        return status

    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = self._ask("GET", "settings")
        return settings

    def set(self, **settings: object) -> dict[str, Any]:
        """Change settings; returns all of them."""
        changed: dict[str, Any] = self._ask("PATCH", "settings", settings)
        return changed

    def add_fault(self, kind: str, **rule: object) -> dict[str, Any]:
        added: list[dict[str, Any]] = self._ask("POST", "faults", {"kind": kind, **rule})["faults"]
        return added[0]

    def faults(self) -> list[dict[str, Any]]:
        """The rules in force; `struck` says how often each did."""
        faults: list[dict[str, Any]] = self._ask("GET", "faults")["faults"]
        return faults

    def clear_faults(self) -> None:
        self._ask("DELETE", "faults")

    def reset(self) -> None:
        """Forget calls and faults, and go back to the settings of the start."""
        self._ask("POST", "reset")

    def press(self, call_uuid: str, digits: str) -> None:
        """The person on the call presses keys."""
        self._ask("POST", f"calls/{call_uuid}/press", {"digits": digits})

    def hang_up(self, call_uuid: str) -> None:
        """The person on the call hangs up (or rejects it, while it rings)."""
        self._ask("POST", f"calls/{call_uuid}/hangup")

    def call_in(self, *, from_: str, to: str, answer_url: str, hangup_url: str = "") -> str:
        """Somebody calls one of the account's numbers; returns the call's id."""
        asked = {"from": from_, "to": to, "answer_url": answer_url, "hangup_url": hangup_url}
        return str(self._ask("POST", "inbound-calls", asked)["call_uuid"])

    def text_in(self, *, from_: str, to: str, text: str, url: str) -> str:
        """Somebody texts one of the account's numbers; returns the message's id."""
        asked = {"from": from_, "to": to, "text": text, "url": url}
        return str(self._ask("POST", "inbound-messages", asked)["message_uuid"])

    def wait_healthy(self, seconds: float = 10.0) -> None:
        """Until the simulator answers; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._ask("GET", "health")
            except (URLError, OSError) as error:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no simulator at {self.base_url}") from error
                time.sleep(0.05)
            else:
                return

    def wait_idle(self, seconds: float = 30.0) -> dict[str, Any]:
        """Until no call is queued or live and every webhook was answered (or given up).

        Returns the summary; raises TimeoutError.
        """
        deadline = time.monotonic() + seconds
        while True:
            summary = self.summary()
            under_way = {name: summary[name] for name in ("queued", "live", "webhooks_under_way")}
            if not any(under_way.values()):
                return summary
            if time.monotonic() > deadline:
                raise TimeoutError(f"still under way: {under_way}")
            time.sleep(0.05)

    def _ask(self, method: str, path: str, document: object = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        request = Request(
            f"{self.base_url}/_simulator/{path}",
            data=body,
            method=method,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        try:
            with urlopen(request, timeout=self.timeout) as response:
                raw = response.read()
        except HTTPError as error:
            text = error.read().decode(errors="replace")
            try:
                message = str(json.loads(text)["error"])
            except (ValueError, KeyError, TypeError):
                message = text
            raise SimulatorError(message) from error
        return json.loads(raw) if raw else None
