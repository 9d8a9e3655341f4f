"""What a person narrows results and history down to: read from a page's address, and written back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from urllib.parse import urlencode

from django.http import QueryDict

from campaigns.lifecycles import EnrollmentStatus
from dialer.models import Deed, Outcome

# What can be filtered by; a call that was never placed is no result.
OUTCOMES = [outcome for outcome in Outcome if outcome != Outcome.WITHDRAWN]
NO_DISPOSITION = "none"
# Keys that whoever listened to an announcement pressed, by what they were said to do; "other": nothing.
OTHER_KEY = "other"
KEYS = {deed.value or OTHER_KEY: deed.label if deed else "Another key" for deed in Deed}
# Instead of a campaign's key: calls whose campaign is gone.
NO_CAMPAIGN = "none"
MOST_WORDS = 100
# More of one kind at once than anybody has dispositions.
MOST_AT_ONCE = 60
_KEY = r"[1-9][0-9]{0,17}"


@dataclass(frozen=True)
class Filters:
    """What is empty filters nothing; of several outcomes, dispositions or statuses, any will do.

    ``disposition`` holds slugs, and "none" for calls without one; ``status`` is what the contact's place in
    the channel is now; ``run`` names a channel, or one of its runs: "12", "12.2"; ``campaign`` is a key, or
    "none" for those that are gone; the days are the first and the last, in the zone of whoever asks;
    ``pressed`` is what the keys were for that were pressed (``KEYS``).
    """

    outcome: tuple[str, ...] = ()
    disposition: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    q: str = ""
    run: str = ""
    campaign: str = ""
    since: date | None = None
    until: date | None = None
    pressed: tuple[str, ...] = ()

    @classmethod
    def of(cls, parameters: QueryDict) -> Filters:
        """From an address; what makes no sense there filters nothing."""
        slugs = (slug.replace("\0", "")[:40] for slug in parameters.getlist("disposition"))
        return cls(
            outcome=_several(parameters.getlist("outcome"), OUTCOMES),
            disposition=_several(slugs),
            status=_several(parameters.getlist("status"), EnrollmentStatus.values),
            pressed=_several(parameters.getlist("pressed"), list(KEYS)),
            run=_matching(parameters.get("run", ""), rf"{_KEY}(\.[1-9][0-9]{{0,3}})?"),
            q=" ".join(parameters.get("q", "").replace("\0", "").split())[:MOST_WORDS],
            campaign=_matching(parameters.get("campaign", ""), rf"{_KEY}|{NO_CAMPAIGN}"),
            since=_day(parameters.get("from", "")),
            until=_day(parameters.get("to", "")),
        )

    @property
    def is_empty(self) -> bool:
        return self == Filters()

    @property
    def is_counted(self) -> bool:
        """Whether the database keeps the count of what is left (by campaign, outcome and disposition)."""
        counted = Filters(outcome=self.outcome, disposition=self.disposition, campaign=self.campaign)
        return self == counted and self.campaign != NO_CAMPAIGN

    @property
    def has_days(self) -> bool:
        return self.since is not None or self.until is not None

    @property
    def given(self) -> list[tuple[str, str]]:
        """Names and values as an address has them."""
        names = {"since": "from", "until": "to"}
        return [
            (names.get(field.name, field.name), str(value))
            for field in fields(self)
            for value in _each(getattr(self, field.name))
        ]

    def address(self, **changes: object) -> str:
        """The query string of these filters, with some changed: "?outcome=busy", or "" for none."""
        query = urlencode(replace(self, **changes).given)  # type: ignore[arg-type]
        return f"?{query}" if query else ""

    def toggled(self, outcome: str) -> str:
        """The address with one more outcome, or one less."""
        others = tuple(one for one in self.outcome if one != outcome)
        return self.address(outcome=others if outcome in self.outcome else (*self.outcome, outcome))

    @property
    def channel_and_run(self) -> dict[str, int]:
        """What ``run`` says of a call, by the names of its columns."""
        names = ("channel_id", "run")
        return {name: int(key) for name, key in zip(names, self.run.split("."), strict=False) if key}


def _several(values: Iterable[str], known: Sequence[str] | None = None) -> tuple[str, ...]:
    """Each once; of those that are known, in their order: the same choice is always said alike."""
    given = dict.fromkeys(value for value in values if value)
    return tuple(given)[:MOST_AT_ONCE] if known is None else tuple(str(one) for one in known if one in given)


def _each(value: object) -> Iterable[object]:
    if isinstance(value, tuple):
        return value
    return (value,) if value else ()


def _matching(text: str, pattern: str) -> str:
    return text if re.fullmatch(pattern, text, re.ASCII) else ""


def _day(text: str) -> date | None:
    """As a date field sends it, of the years that calls can be of."""
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    return day if day is not None and 2000 <= day.year <= 2999 else None
