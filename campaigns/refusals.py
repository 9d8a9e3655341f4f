"""What is refused, in words a supervisor can act on."""

from __future__ import annotations

from dataclasses import dataclass

from contacts import refusals


@dataclass(frozen=True)
class Refusal:
    """Why something can't be done, and where to mend it."""

    message: str
    remedy_url: str = ""
    remedy_label: str = ""


class Refused(refusals.Refused):
    """Raised by services; the message is good enough to show. Whoever catches what contacts refuse
    catches this, too."""

    def __init__(self, message: str, remedy_url: str = "", remedy_label: str = "") -> None:
        super().__init__(message)
        self.refusal = Refusal(message, remedy_url, remedy_label)

    @classmethod
    def because(cls, refusal: Refusal) -> Refused:
        return cls(refusal.message, refusal.remedy_url, refusal.remedy_label)
