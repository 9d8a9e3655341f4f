"""Numbering plans compiled from the data of ``phonenumbers``: what the library says of digits, fast.

The library reads any text, one careful step after another, and looks up and matches its patterns anew for
each. Here a number is digits already, with or without a plus in front of them. ``_Plan.read`` and
``_Plan.finish`` go the steps of ``phonenumberutil.parse``, ``is_valid_number`` and
``is_possible_number_with_reason`` in their order, with patterns compiled once. In front of them stand short
cuts for numbers as nearly everybody writes them, each with the reason why the steps end there too.
``tests/contacts/test_numbering.py`` compares all of it with the library, country by country.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeAlias

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc, ValidationResult
from phonenumbers.phonemetadata import REGION_CODE_FOR_NON_GEO_ENTITY
from phonenumbers.timezone import UNKNOWN_TIMEZONE
from phonenumbers.tzdata import TIMEZONE_DATA

# More than any number has; more than that is read by the library.
MOST_DIGITS = 40
# Rules may add some digits to a number.
_LENGTHS = MOST_DIGITS + 20
# The library takes national numbers of so many digits.
_SHORTEST, _LONGEST = 2, 17
# Mobile numbers that tell the place as landlines do: Mexico, Argentina, Brazil, Indonesia, China.
_PLACED_MOBILES = frozenset({"52", "54", "55", "62", "86"})
# The order in which the library tries the types of numbers; these are of no place.
_PLACELESS = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)

# ``match`` of a pattern, from a position on.
_Match: TypeAlias = Callable[[str, int], "re.Match[str] | None"]


class Reason(enum.Enum):
    EMPTY = "no phone number"
    NOT_A_NUMBER = "not a phone number"
    ROUNDED = "rounded by a spreadsheet, its last digits are lost: format the column as text"
    NO_COUNTRY = "has no country code, and no default country was given"
    UNKNOWN_COUNTRY = "its country code does not exist"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    NOT_IN_USE = "no such number exists in its country"


def read(digits: str, country: str) -> str | Reason:
    """What digits without a plus are, dialed in a country: their E.164 form, or why they have none.

    Between 3 and ``MOST_DIGITS`` ASCII digits; ``country`` is one that ``phonenumbers`` knows.
    """
    return _plan_of(country).read(digits)


def read_international(digits: str) -> str | Reason | None:
    """The same of digits after a plus; None where no calling code begins so."""
    plan = _PLANS[digits[:1]] or _PLANS[digits[:2]] or _PLANS[digits[:3]]
    return plan.read_international(digits) if plan else None


def has_way_abroad(digits: str, country: str) -> bool:
    """Whether digits begin as calls from that country to another one do: 011 in the US, 00 in Germany."""
    way = _plan_of(country)._abroad
    return way is not None and way(digits) is not None


def zones(digits: str) -> tuple[str, ...] | None:
    """The sorted time zones of an E.164 number without its plus; None: ask the library."""
    plan = _PLANS[digits[:1]] or _PLANS[digits[:2]] or _PLANS[digits[:3]]
    return plan.zones(digits) if plan else None


class _Plan:
    """What the library knows about the numbers of one region, or of one calling code without regions."""

    def __init__(self, data: PhoneMetadata) -> None:
        general = data.general_desc or PhoneNumberDesc()
        self._code = str(data.country_code)
        self._national = len(self._code)
        # A calling code of several regions has valid numbers that are not of this one.
        self._shared = len(COUNTRY_CODE_TO_REGION_CODE[int(self._code)]) > 1
        self._valid = _valid_numbers(self._code)
        self._is_general = re.compile(general.national_number_pattern or "(?!)").fullmatch
        self._fits = [_fit(general, length) for length in range(_LENGTHS)]
        prefix, self._rule = data.national_prefix_for_parsing, data.national_prefix_transform_rule
        self._prefix = re.compile(prefix).match if prefix else None
        abroad = data.international_prefix
        self._abroad = re.compile(abroad).match if abroad else None
        self._begin_national = re.compile(_cut(prefix, self._rule)).match if prefix else None
        self._begin = self._beginning(data)
        self._zone_digits = sorted(
            {len(begin) for begin in _ZONES if begin.startswith(self._code) or self._code.startswith(begin)},
            reverse=True,
        )
        self._zones = _ZONES.get(self._code, _ZONES.get(self._code[:2], ()))

    def read(self, digits: str) -> str | Reason:
        """What digits are, dialed at home."""
        too_long = self._fits[len(digits)] == ValidationResult.TOO_LONG
        begin = self._begin(digits)
        if begin and (match := self._valid[len(digits) - (start := begin.end())]) and match(digits, start):
            # A calling code in front is one for sure where the digits are too many for a number without.
            is_so = too_long if begin.lastindex else start == 0 or self._is_cut(digits, start)
            if is_so:
                return f"+{self._code}{digits[start:]}"
        if self._abroad and (prefix := self._abroad(digits)):
            rest = digits[prefix.end() :]
            # Calling codes don't begin with 0.
            if not rest.startswith("0"):
                if len(rest) <= _SHORTEST:
                    return Reason.TOO_SHORT
                found = read_international(rest)
                return Reason.NOT_A_NUMBER if found is None else found
        if digits.startswith(self._code):
            rest = self._without_prefix(digits[self._national :])
            if too_long or (not self._is_general(digits) and self._is_general(rest)):
                return _main_plan(self._code).finish(rest)
        return self.finish(digits)

    def read_international(self, digits: str) -> str | Reason:
        """What digits are that begin with the calling code; the plan is the main one of that code."""
        start = self._national
        if self._begin_national:
            begin = self._begin_national(digits, start)
            start = begin.end() if begin else len(digits)
        if (match := self._valid[len(digits) - start]) and match(digits, start):
            if start == self._national:
                return f"+{digits}"
            if self._is_cut(digits[self._national :], start - self._national):
                return f"+{self._code}{digits[start:]}"
        return self.finish(digits[self._national :])

    def finish(self, number: str) -> str | Reason:
        """The number itself: without what is dialed in front of it, if it is valid."""
        if len(number) < _SHORTEST:
            return Reason.TOO_SHORT
        stripped = self._without_prefix(number)
        if self._fits[len(stripped)] in _FITTING:
            number = stripped
        if len(number) < _SHORTEST:
            return Reason.TOO_SHORT
        if len(number) > _LONGEST:
            return Reason.TOO_LONG
        if (match := self._valid[len(number)]) and match(number, 0):
            return f"+{self._code}{number}"
        return _REASONS.get(_main_plan(self._code)._fits[len(number)], Reason.NOT_IN_USE)

    def zones(self, digits: str) -> tuple[str, ...] | None:
        """The sorted zones of digits that begin with the calling code; None: not a plain valid number."""
        start = self._national
        if self._begin_national:
            begin = self._begin_national(digits, start)
            if begin is None or begin.end() != start:
                return None
        match = self._valid[len(digits) - start]
        found = match and match(digits, start)
        if not found:
            return None
        if found.lastgroup and found.lastgroup.startswith(_PLACED):
            for length in self._zone_digits:
                if (zones := _ZONES.get(digits[:length])) is not None:
                    return zones
        return self._zones

    def _without_prefix(self, number: str) -> str:
        """As the library's ``_maybe_strip_national_prefix_carrier_code``."""
        if not number or not self._prefix or not (match := self._prefix(number)):
            return number
        rest = number[match.end() :]
        if self._rule and match[match.re.groups] is not None:
            rest = match.expand(self._rule) + rest
        return number if self._is_general(number) and not self._is_general(rest) else rest

    def _is_cut(self, number: str, length: int) -> bool:
        """Whether a national prefix of that length is cut off, if a valid number is left.

        The library leaves them where the number was a possible one before and is none after. Valid numbers
        are possible ones in the region's plan, unless they are another region's.
        """
        return not self._shared or (
            self._fits[len(number) - length] in _FITTING and not self._is_general(number)
        )

    def _beginning(self, data: PhoneMetadata) -> Callable[[str], re.Match[str] | None]:
        """Matches what stands in front of a national number; not: where it is a longer story.

        Its group matches where that is the calling code.
        """
        prefix, abroad = data.national_prefix_for_parsing or "", data.international_prefix
        main = _regions(self._code)[0].national_prefix_for_parsing
        after_code = "".join(f"(?!{_plain(cut)})" for cut in {prefix, main} if cut)
        neither = "|".join(filter(None, [self._code, _plain(prefix)]))
        ways = [f"{self._code}{after_code}()", f"(?!{neither})"]
        if prefix and not self._rule:
            ways.insert(0, f"(?!{self._code})(?:{_plain(prefix)})")
        return re.compile((f"(?!{_plain(abroad)})" if abroad else "") + f"(?:{'|'.join(ways)})").match


class _Plans(dict[str, _Plan | None]):
    """The main plan of each calling code; None for digits that are none."""

    def __missing__(self, code: str) -> _Plan | None:
        known = code.isdigit() and code[0] != "0" and int(code) in COUNTRY_CODE_TO_REGION_CODE
        self[code] = plan = _main_plan(code) if known else None
        return plan


class _ByLength(dict[int, "_Match | None"]):
    """How to match the valid numbers of a calling code by their length; None: there are none so long.

    The match's last group tells whether such a number has a place: its name begins with ``_PLACED``.
    """

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def __missing__(self, length: int) -> _Match | None:
        pattern = self._pattern(length)
        self[length] = match = re.compile(pattern).match if pattern else None
        return match

    def _pattern(self, length: int) -> str:
        """The first region that claims a number decides about it, by leading digits or by its types."""
        plans = _regions(self._code)
        pattern = ""
        for place, plan in reversed(list(enumerate(plans))):
            own = _types(plan, length, place)
            claim = plan.leading_digits if len(plans) > 1 else None
            if claim:
                ways = [own and f"(?=(?:{claim}))(?:{own})", pattern and f"(?!(?:{claim}))(?:{pattern})"]
            else:
                ways = [own, pattern]
            pattern = "|".join(filter(None, ways))
        return pattern


_PLACED, _PLACELESS_GROUP = "placed", "placeless"


def _types(plan: PhoneMetadata, length: int, place: int) -> str:
    """The numbers of a region of that length: a pattern with groups for those of a place and of none."""

    def of(name: str) -> str:
        kind: PhoneNumberDesc | None = getattr(plan, name)
        if not kind or not kind.national_number_pattern:
            return ""
        lengths = kind.possible_length
        return f"(?:{kind.national_number_pattern})" if not lengths or length in lengths else ""

    general = of("general_desc")
    mobile = "" if plan.same_mobile_and_fixed_line_pattern else of("mobile")
    groups = [
        (_PLACELESS_GROUP, [of(name) for name in _PLACELESS]),
        (_PLACED, [of("fixed_line")]),
        (_PLACED if str(plan.country_code) in _PLACED_MOBILES else _PLACELESS_GROUP, [mobile]),
    ]
    kinds = [
        f"(?P<{name}_{place}_{number}>(?:{'|'.join(filter(None, patterns))})\\Z)"
        for number, (name, patterns) in enumerate(groups)
        if any(patterns)
    ]
    return f"(?={general}\\Z)(?:{'|'.join(kinds)})" if general and kinds else ""


def _plain(pattern: str) -> str:
    """A pattern that captures nothing; the library's have no other brackets than groups."""
    return "(?:" + re.sub(r"\((?!\?)", "(?:", pattern) + ")"


def _cut(prefix: str, rule: str | None) -> str:
    """Matches the national prefix or nothing; not at all where a rule would change the number."""
    return f"(?!{_plain(prefix)})" if rule else f"{_plain(prefix)}?"


def _fit(general: PhoneNumberDesc, length: int) -> int:
    """As the library's ``_test_number_length``."""
    lengths: Sequence[int] = general.possible_length
    if length in general.possible_length_local_only:
        return ValidationResult.IS_POSSIBLE_LOCAL_ONLY
    if length < lengths[0]:
        return ValidationResult.TOO_SHORT
    if length > lengths[-1]:
        return ValidationResult.TOO_LONG
    return ValidationResult.IS_POSSIBLE if length in lengths else ValidationResult.INVALID_LENGTH


# Of these lengths, a number is taken without its national prefix.
_FITTING = frozenset({ValidationResult.IS_POSSIBLE, ValidationResult.TOO_LONG})
_REASONS = {
    ValidationResult.TOO_SHORT: Reason.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: Reason.TOO_SHORT,
    ValidationResult.TOO_LONG: Reason.TOO_LONG,
}


@cache
def _plan_of(region: str) -> _Plan:
    return _Plan(_data(0, region))


@cache
def _main_plan(code: str) -> _Plan:
    region = COUNTRY_CODE_TO_REGION_CODE[int(code)][0]
    return _Plan(_regions(code)[0]) if region == REGION_CODE_FOR_NON_GEO_ENTITY else _plan_of(region)


@cache
def _regions(code: str) -> tuple[PhoneMetadata, ...]:
    """The data of a calling code's regions, the main one first."""
    return tuple(_data(int(code), region) for region in COUNTRY_CODE_TO_REGION_CODE[int(code)])


def _data(code: int, region: str) -> PhoneMetadata:
    data = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if data is None:
        raise LookupError(f"no numbering plan for {region} or +{code}")
    return data


@cache
def _valid_numbers(code: str) -> _ByLength:
    return _ByLength(code)


_PLANS = _Plans()
# By the first digits of numbers.
_ZONES = {
    begin: tuple(sorted(zone for zone in found if zone != UNKNOWN_TIMEZONE))
    for begin, found in TIMEZONE_DATA.items()
}
