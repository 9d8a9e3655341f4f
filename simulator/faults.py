"""Rules that make the carrier misbehave on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import count
from random import Random
from typing import Any

REQUEST_KINDS = frozenset(
    {
        "error_before",
        "error_after",
        "timeout_after",
        "reset_after",
        "slow",
        "rate_limited",
        "unauthorized",
        "payment_required",
        "bad_json",
        "webhook_before_response",
    }
)
WEBHOOK_KINDS = frozenset({"webhook_lost", "webhook_doubled", "webhook_late", "webhook_reordered"})
_NUMBERS = {"probability", "status", "seconds", "copies", "times"}
_TEXTS = {"kind", "path", "method", "event", "number"}


class InvalidFault(ValueError):
    """A fault rule makes no sense; the message says why."""


@dataclass(slots=True)
class Fault:
    kind: str
    probability: float = 1.0
    path: str = ""  # part of the request's path, for request kinds
    method: str = ""
    event: str = ""  # Ring, StartApp, Hangup, …, for webhook kinds
    number: str = ""  # end of the number called
    status: int = 500
    seconds: float = 5.0
    copies: int = 2
    times: int = 0  # how often it strikes; 0 is without end
    id: int = 0
    struck: int = 0
    dice: Random = field(default_factory=Random, repr=False)

    def strikes(self) -> bool:
        if self.times and self.struck >= self.times:
            return False
        if self.probability < 1 and self.dice.random() >= self.probability:
            return False
        self.struck += 1
        return True

    def as_json(self) -> dict[str, Any]:
        shown = asdict(self)
        del shown["dice"]
        return shown


class Faults:
    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self._ids = count(1)
        self._for_requests: list[Fault] = []
        self._for_webhooks: list[Fault] = []

    def add(self, rule: Mapping[str, object], *, seed: int) -> Fault:
        """Raises InvalidFault."""
        unknown = set(rule) - _NUMBERS - _TEXTS
        if unknown:
            raise InvalidFault(f"a fault has no {', '.join(sorted(unknown))}")
        kind = rule.get("kind")
        if kind not in REQUEST_KINDS | WEBHOOK_KINDS:
            raise InvalidFault(f"kind must be one of {', '.join(sorted(REQUEST_KINDS | WEBHOOK_KINDS))}")
        for name, value in rule.items():
            wanted = int | float if name in _NUMBERS else str
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise InvalidFault(f"{name} must be {'a number' if name in _NUMBERS else 'text'}")
        number = next(self._ids)
        fault = Fault(**rule, id=number, dice=Random(f"{seed}/fault/{number}"))  # type: ignore[arg-type]
        self.rules.append(fault)
        (self._for_requests if kind in REQUEST_KINDS else self._for_webhooks).append(fault)
        return fault

    def clear(self) -> None:
        self.rules.clear()
        self._for_requests.clear()
        self._for_webhooks.clear()
        self._ids = count(1)

    def of_request(self, method: str, path: str) -> Fault | None:
        """The first rule that strikes this API request."""
        for fault in self._for_requests:
            if (
                (not fault.path or fault.path in path)
                and (not fault.method or fault.method.upper() == method)
                and fault.strikes()
            ):
                return fault
        return None

    def of_webhook(self, event: str, number: str) -> list[Fault]:
        """Every rule that strikes this webhook, in the order given."""
        return [
            fault
            for fault in self._for_webhooks
            if (not fault.event or fault.event == event)
            and (not fault.number or number.endswith(fault.number))
            and fault.strikes()
        ]
