"""What a person narrows results and history down to: read from a page's address, and written back."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

from django.http import QueryDict

from campaigns.lifecycles import EnrollmentStatus
from dialer.models import Outcome

# What can be filtered by; a call that was never placed is no result.
OUTCOMES = [outcome for outcome in Outcome if outcome != Outcome.WITHDRAWN]
NO_DISPOSITION = "none"
MOST_WORDS = 100


@dataclass(frozen=True)
class Filters:
    """Empty texts filter nothing. ``disposition`` is a slug, or "none" for calls without one;
    ``status`` is what the contact's place in the channel is now; ``run`` names a channel, or one of its runs:
    "12", "12.2"."""

    outcome: str = ""
    disposition: str = ""
    status: str = ""
    q: str = ""
    run: str = ""

    @classmethod
    def of(cls, parameters: QueryDict) -> Filters:
        """From an address; what makes no sense there filters nothing."""
        outcome = parameters.get("outcome", "")
        status = parameters.get("status", "")
        return cls(
            outcome=outcome if outcome in {str(one) for one in OUTCOMES} else "",
            disposition=parameters.get("disposition", "").replace("\0", "")[:40],
            status=status if status in EnrollmentStatus.values else "",
            run=_run(parameters.get("run", "")),
            q=" ".join(parameters.get("q", "").replace("\0", "").split())[:MOST_WORDS],
        )

    @property
    def is_empty(self) -> bool:
        return self == Filters()

    @property
    def is_counted(self) -> bool:
        """Whether the database keeps the count of what is left (by outcome and disposition)."""
        return not self.status and not self.q and not self.run

    def address(self, **changes: str) -> str:
        """The query string of these filters, with some changed: "?outcome=busy", or "" for none."""
        changed = replace(self, **changes)
        given = {field.name: getattr(changed, field.name) for field in fields(changed)}
        query = urlencode({name: value for name, value in given.items() if value})
        return f"?{query}" if query else ""

    @property
    def channel_and_run(self) -> dict[str, int]:
        """What ``run`` says of a call, by the names of its columns."""
        names = ("channel_id", "run")
        return {name: int(key) for name, key in zip(names, self.run.split("."), strict=False) if key}


def _run(text: str) -> str:
    return text if re.fullmatch(r"[1-9][0-9]{0,17}(\.[1-9][0-9]{0,3})?", text, re.ASCII) else ""
