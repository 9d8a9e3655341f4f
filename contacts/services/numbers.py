"""Numbers typed or pasted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from accounts.models import User
from contacts.importing import mapping as columns
from contacts.importing.reading import Row, clean
from contacts.importing.rows import RowReader
from contacts.importing.saving import Busy, StagedContact, StagedRejection, Staging
from contacts.models import List
from contacts.phone_numbers import normalise
from contacts.refusals import Refused

MAX_TYPED_LINES = 10_000
# Services take a parameter called list, which is what it is.
list_ = list


@dataclass(frozen=True)
class InvalidLine:
    """``line`` counts from 1, as the box that was typed into does."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class NumbersAdded:
    """What became of typed lines; ``added`` of the contacts were new to the list."""

    added: int
    created: int
    updated: int
    unchanged: int
    duplicates: int
    invalid: tuple[InvalidLine, ...]


@transaction.atomic
def add_numbers(*, list: List, lines: str, country: str, actor: User | None) -> NumbersAdded:
    """Add typed or pasted numbers to a list: one a line, with a name before or after it if wanted,
    or several numbers with commas between them.

    Raises ``Refused`` for more than 10,000 lines, while an import of the same is being saved, and when the
    list was deleted. Invalid lines are told, the others are added.
    """
    # Not splitlines(), for which there are line ends that nobody sees in a box.
    split = _LINE_END.split(lines.rstrip())
    if len(split) > MAX_TYPED_LINES:
        raise Refused(f"That is more than {MAX_TYPED_LINES:,} lines. Upload them as a CSV file instead.")
    contacts: list_[StagedContact] = []
    invalid: list_[InvalidLine] = []
    reader = RowReader({0: columns.PHONE, 1: columns.NAME}, columns=2, country=country)
    for number, text in enumerate(map(clean, split), start=1):
        for cells in _typed(text, country):
            read = reader.read(Row(number, cells))
            if isinstance(read, StagedRejection):
                invalid.append(InvalidLine(number, text, read.reason))
            else:
                contacts.append(read)
    # Each its own line, so that two of one line are told apart.
    contacts = [replace(contact, line=line) for line, contact in enumerate(contacts, start=1)]
    try:
        with Staging() as staging:
            staging.add(contacts)
            merged = staging.merge(
                list_id=list.pk, list_name=list.name, note="Typed in", actor=actor, is_awaited=True
            )
    except Busy:
        raise Refused(
            "An import is being saved right now that changes the same contacts or this list. Try again in "
            "a moment."
        ) from None
    # One that was deleted before it was held has been made again: all of this is undone.
    if not List.objects.filter(pk=list.pk).exists():
        raise Refused(f"“{list.name}” was deleted meanwhile.")
    list.refresh_from_db(fields=["version", "size"])
    return NumbersAdded(
        added=merged.added,
        created=merged.created,
        updated=merged.updated,
        unchanged=merged.unchanged,
        duplicates=merged.duplicates,
        invalid=tuple(invalid),
    )


_LINE_END = re.compile(r"\r\n?|\n")
_SEPARATORS = re.compile(r"[,;\t|]+")
_NUMBER_INSIDE = re.compile(r"[+(]?\d[\d\s().\-/]{5,}\d")
# Words around a number that are no name.
_NO_NAME = re.compile(r"\b(?:tel|phone|mobile|cell)\b[.:]?|(?:\bext\.?|\bx|#)\s*\d+", re.IGNORECASE)


def _typed(text: str, country: str) -> Sequence[list_[str]]:
    """The [number, name] pairs of one typed line."""
    if not text:
        return []
    parts = [part.strip() for part in _SEPARATORS.split(text) if part.strip()]
    read = [_number_and_name(part, country) for part in parts]
    numbers = [pair for pair in read if pair is not None]
    if len(numbers) == 1:
        # The other parts are the name, or the rest of it.
        number, name = numbers[0]
        others = [part for part, pair in zip(parts, read, strict=True) if pair is None]
        return [[number, ", ".join(filter(None, [name, *others]))]]
    if numbers and len(numbers) == len(parts):
        return numbers
    return [[text, ""]]


def _number_and_name(text: str, country: str) -> list_[str] | None:
    """The number in "Anna Svensson 415 555 0102", and the name around it; None without a number."""
    if (match := _NUMBER_INSIDE.search(text)) and isinstance(normalise(match[0], country), str):
        around = _NO_NAME.sub(" ", f"{text[: match.start()]} {text[match.end() :]}")
        return [match[0], " ".join(around.split()).strip(" :-<>()\"'=")]
    return [text, ""] if isinstance(normalise(text, country), str) else None
