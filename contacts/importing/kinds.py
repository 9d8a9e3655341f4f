"""What the values of a custom field are: numbers, dates, yes or no, or text. Pure.

A field is of a kind if all its values are, written in one way: 31/12/2026 and 12/31/2026 in one column are
text, and so are 1,5 and 1.5, since nobody could tell what 1,234 means between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from contacts.models import CustomField

# More digits are a key or the number of a card: nobody calculates with them, and decimals can't hold them.
_MOST_DIGITS = 15
# Longer texts are nothing but text.
_LONGEST = 40
# Columns repeat themselves: so many values are remembered, and not looked at again.
_REMEMBERED = 1000

# 1234, -1.5, 12 %, and thousands set apart. Numbers that begin with a zero are codes (ZIP, account), and
# those with a plus are phone numbers. Amounts with a currency are text: the currency is a part of them.
_NUMBER = (
    r"[-\u2212]?"
    r"(?:(?:0|[1-9]\d*|[1-9]\d{{0,2}}(?P<by>[{thousands}' \u2019])\d{{3}}(?:(?P=by)\d{{3}})*)"
    r"(?:{point}\d+)?|{point}\d+) ?%?"
)
_WITH_POINT = re.compile(_NUMBER.format(thousands=",", point=r"\."), re.ASCII)
_WITH_COMMA = re.compile(_NUMBER.format(thousands=".", point=","), re.ASCII)

_TIME = r"(?:[T ]\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)? ?(?:[AaPp][Mm]|Z|UTC|[+-]\d\d:?(?:\d\d)?)?)?"
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})" + _TIME, re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d\d),?" + _TIME, re.ASCII)

# English, German, French, Spanish, Italian, Portuguese, Dutch; and 1 and 0, which alone are numbers.
_YES_NO = frozenset(
    [
        *("yes", "no", "y", "n", "true", "false", "1", "0"),
        *("ja", "nein", "j", "wahr", "falsch", "nee"),
        *("oui", "non", "vrai", "faux"),
        *("sí", "si", "sì", "verdadero", "falso", "vero"),
        *("sim", "não", "nao", "verdadeiro"),
    ]
)


def is_number(text: str, *, decimal: str = ".") -> bool:
    """Whether a text is a number in the notation with that decimal sign, "." or ","."""
    form = _WITH_POINT if decimal == "." else _WITH_COMMA
    if not form.fullmatch(text):
        return False
    return len(text) <= _MOST_DIGITS or sum(map(str.isdigit, text)) <= _MOST_DIGITS


def is_date(text: str, *, order: str) -> bool:
    """Whether a text is a day that exists, maybe with a time, in that order: "ymd", "dmy" or "mdy"."""
    if order == "ymd":
        found = _YEAR_FIRST.fullmatch(text)
        parts = found and (found[1], found[3], found[4])
    else:
        found = _YEAR_LAST.fullmatch(text)
        parts = found and (
            (found[4], found[3], found[1]) if order == "dmy" else (found[4], found[1], found[3])
        )
    if not parts:
        return False
    year, month, day = map(int, parts)
    try:
        # The century of two digits does not matter here; 2000 has a 29th of February as 1996 has.
        date(year if len(parts[0]) == 4 else 2000 + year, month, day)
    except ValueError:
        return False
    return True


def is_yes_or_no(text: str) -> bool:
    return text.lower() in _YES_NO


_Way = tuple[CustomField.Kind, Callable[[str], bool]]
# In the order of preference: a column of nothing but 0 and 1 is one of numbers.
_WAYS: tuple[_Way, ...] = (
    (CustomField.Kind.NUMBER, is_number),
    (CustomField.Kind.NUMBER, lambda text: is_number(text, decimal=",")),
    (CustomField.Kind.DATE, lambda text: is_date(text, order="ymd")),
    (CustomField.Kind.DATE, lambda text: is_date(text, order="dmy")),
    (CustomField.Kind.DATE, lambda text: is_date(text, order="mdy")),
    (CustomField.Kind.YES_NO, is_yes_or_no),
)


class KindOfField:
    """Finds out the kind of one field while its values pass by; empty ones say nothing."""

    __slots__ = ("_fitting", "_seen", "_ways", "is_open")

    def __init__(self) -> None:
        # Whether the field may still be anything but text.
        self.is_open = True
        self._ways = _WAYS
        self._seen = False
        # Some of the values that left open what is open still.
        self._fitting: set[str] = set()

    def see(self, value: str) -> None:
        if value in self._fitting or not value or not self.is_open:
            return
        self._seen = True
        self._ways = tuple(way for way in self._ways if way[1](value)) if len(value) <= _LONGEST else ()
        self.is_open = bool(self._ways)
        if self.is_open and len(self._fitting) < _REMEMBERED:
            self._fitting.add(value)

    @property
    def kind(self) -> CustomField.Kind | None:
        """The kind of all values seen; None before the first."""
        if not self._seen:
            return None
        return self._ways[0][0] if self._ways else CustomField.Kind.TEXT
