"""What can be set, at the start (flags, environment, a JSON file) and while running (control API)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self
from zoneinfo import ZoneInfo


class InvalidSetting(ValueError):
    """A setting is unknown or its value makes no sense; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Durations are simulated seconds unless the name says `_ms` or the comment says real."""

    seed: int = 1
    speed: float = 1.0

    # Account limits, in real time, since the customer's requests come in real time. 0 is no limit.
    calls_per_second: float = 2.0
    api_limit: int = 300
    api_window_seconds: float = 5.0
    concurrency_limit: int = 0

    # Who answers. What is left of 1 after these shares rings and is not answered.
    forced_digits: bool = True
    answer_rate: float = 0.55
    busy_rate: float = 0.08
    reject_rate: float = 0.05
    invalid_rate: float = 0.02
    carrier_error_rate: float = 0.01
    machine_share: float = 0.25  # of those answered
    setup_seconds: float = 0.5
    ring_seconds: float = 8.0  # median
    ring_sigma: float = 0.5  # of the logarithm; 0 makes every call ring equally long
    no_answer_seconds: float = 45.0
    talk_seconds: float = 40.0  # median
    talk_sigma: float = 0.7
    stream_patience_seconds: float = 900.0  # a person talking with an assistant leaves after this
    machine_detection_seconds: float = 3.0
    machine_greeting_seconds: float = 6.0
    machine_record_seconds: float = 60.0  # then the voicemail hangs up
    machine_false_rate: float = 0.0  # people taken for machines
    machine_missed_rate: float = 0.0  # machines taken for people
    keypresses: Mapping[str, float] = field(default_factory=lambda: {"1": 0.1, "9": 0.03})
    steady_numbers: tuple[str, ...] = ()  # answer after a second and stay: phones of agents

    # What people say to an assistant. What is left of 1 is not interested.
    interested_rate: float = 0.3
    callback_rate: float = 0.12
    do_not_call_rate: float = 0.05
    hangs_up_early_rate: float = 0.12
    silent_rate: float = 0.05

    # Calls made by the Dial element: the agents' side.
    dial_answer_rate: float = 1.0
    dial_ring_seconds: float = 2.0

    # The carrier's records.
    record_lag_seconds: float = 2.0
    account_timezone: str = "UTC"
    price_per_minute: float = 0.01
    cash_credits: float = 100.0
    numbers: tuple[str, ...] = ("14155550100", "14155550101", "12125550100", "442079460000")
    ledger_limit: int = 0  # calls remembered; 0 is all

    # Messages.
    message_delivery_rate: float = 0.95
    message_seconds: float = 1.0
    message_price: float = 0.005

    # Webhooks; these are real seconds, since they are about the network.
    webhook_connect_timeout_seconds: float = 10.0
    webhook_read_timeout_seconds: float = 15.0

    # Audio streams. 20 is one message for each 20 ms, as the carrier does; 0 sends no audio.
    media_every_ms: int = 200
    transfer_waits_for_stream: bool = True
    # What the upgrade's signature covers. On live calls it was seen to verify only with http in place
    # of wss; "ws" signs the URL as it is.
    stream_signature: str = "http"

    def __post_init__(self) -> None:
        if self.speed <= 0:
            raise InvalidSetting("speed must be above 0")
        for name in _RATES:
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidSetting(f"{name} must be between 0 and 1")
        for name in _NEVER_NEGATIVE:
            if getattr(self, name) < 0:
                raise InvalidSetting(f"{name} must not be negative")
        if self.stream_signature not in ("http", "ws"):
            raise InvalidSetting("stream_signature must be http or ws")
        try:
            ZoneInfo(self.account_timezone)
        except (KeyError, ValueError, OSError) as error:
            raise InvalidSetting(f"account_timezone: no such zone: {self.account_timezone}") from error

    def updated(self, changes: Mapping[str, object]) -> Self:
        """A copy with `changes` applied; raises InvalidSetting."""
        converted: dict[str, Any] = {name: _converted(name, value) for name, value in changes.items()}
        return replace(self, **converted)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


_TYPES: dict[str, str] = {setting.name: str(setting.type) for setting in fields(Settings)}
_RATES = tuple(name for name in _TYPES if name.endswith(("_rate", "_share")))
_NEVER_NEGATIVE = tuple(
    name for name, kind in _TYPES.items() if kind in ("int", "float") and name not in (*_RATES, "seed")
)


def _converted(name: str, value: object) -> object:
    kind = _TYPES.get(name)
    if kind is None:
        raise InvalidSetting(f"there is no setting {name}")
    match kind, value:
        case "bool", bool():
            return value
        case "int", int() if not isinstance(value, bool):
            return value
        case "float", int() | float() if not isinstance(value, bool):
            return float(value)
        case "str", str():
            return value
        case "tuple[str, ...]", list() | tuple() if all(isinstance(item, str) for item in value):
            return tuple(value)
        case "Mapping[str, float]", dict() if all(
            isinstance(key, str) and isinstance(share, int | float) for key, share in value.items()
        ):
            return dict(value)
    raise InvalidSetting(f"{name} must be {_KIND_IN_WORDS[kind]}")


_KIND_IN_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "tuple[str, ...]": "a list of texts",
    "Mapping[str, float]": "an object of keys and shares",
}
