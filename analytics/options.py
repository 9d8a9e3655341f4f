"""What is offered to narrow results down by: a value, its words, and how much it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from analytics.filters import KEYS, NO_DISPOSITION, Filters
from analytics.queries import Summary, filterable
from campaigns.lifecycles import EnrollmentStatus
from campaigns.models import Disposition


@dataclass(frozen=True)
class Option:
    """``count``: how many calls, or contacts, it stands for, where that is known."""

    value: str
    label: str
    is_chosen: bool
    count: int | None = None


def disposition_options(
    filters: Filters, summary: Summary | None, dispositions: Iterable[Disposition]
) -> list[Option]:
    """One a disposition that is worth offering, with how many calls have it where that is known."""
    counts = summary.by_disposition() if summary else {}

    def option(value: str, label: str, key: int | None) -> Option:
        return Option(value, label, value in filters.disposition, counts.get(key, 0) if summary else None)

    return [
        *(option(one.slug, one.name, one.pk) for one in filterable(dispositions, counts)),
        option(NO_DISPOSITION, "No disposition", None),
    ]


def key_options(chosen: Iterable[str]) -> list[Option]:
    """What keys may have been pressed for."""
    chosen = set(chosen)
    return [Option(value, label, value in chosen) for value, label in KEYS.items()]


def status_options(chosen: Iterable[str], counts: Mapping[str, int] | None = None) -> list[Option]:
    """Where contacts may stand now; with ``counts``, how many do."""
    chosen = set(chosen)
    return [
        Option(status.value, status.label, status in chosen, counts.get(status, 0) if counts else None)
        for status in EnrollmentStatus
    ]
