"""What all kinds of files have in common: rows of cleaned cells, and the word for what can't be read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from contacts.exporting import FORMULA

MAX_COLUMNS = 500
# Of a row, however it is written.
MAX_LINE_CHARACTERS = 1_000_000

# What nobody sees and what breaks comparisons: controls, zero-width and direction marks.
_INVISIBLE = {
    **{code: None for code in (*range(32), 0x7F, *range(0x80, 0xA0)) if code not in (9, 10, 13)},
    **dict.fromkeys((0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    # Halves of characters, which no database can keep.
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    9: " ",
    10: " ",
    13: " ",
    0xA0: " ",
    0x202F: " ",
}


# What exports and people write where there is nothing, in small letters.
NOTHING = frozenset({"", "n/a", "#n/a", "na", "none", "null", "nil", "-", "--", "nan", "undefined"})
_FORMULA = re.compile(FORMULA)


class UnreadableFile(Exception):
    """The file can't be read as contacts; the message tells a person why, and what to do."""


# Made a million times in a row: frozen ones take several times as long to make.
@dataclass(slots=True)
class Row:
    """One row: the line it begins on (the file's first is 1), and its cells, cleaned."""

    line: int
    cells: list[str]


def clean(cell: str) -> str:
    """A cell without what nobody sees, in one line, without spaces at its ends.

    An apostrophe in front of a formula is how our own downloads keep spreadsheets from running it.
    """
    # Most cells are plain text, which is quick to tell; what isprintable() passes in ASCII is visible.
    text = cell if cell.isascii() and cell.isprintable() else cell.translate(_INVISIBLE)
    text = text.strip()
    # People put one in front of a number with a plus, too, which is no formula.
    if text[:1] == "'" and (text[1:2] in {"+", "-"} or _FORMULA.match(text[1:])):
        return text[1:].strip()
    return text


def is_nothing(cell: str) -> bool:
    """Whether a cell says that there is nothing, in whatever way.

    >>> is_nothing("N/A"), is_nothing("0")
    (True, False)
    """
    return not cell or cell.strip().lower() in NOTHING


def cleaned(cells: list[str]) -> list[str]:
    """``clean`` for a row; most rows have nothing to clean but their spaces, which is quick to tell."""
    together = "".join(cells)
    if together.isprintable() and "'" not in together and "\xa0" not in together:
        return [cell.strip() for cell in cells]
    return [clean(cell) for cell in cells]
