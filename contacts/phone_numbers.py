"""Phone numbers as people write them, to E.164; the zones and the countries of numbers.

Valid is what the ``phonenumbers`` library calls valid. All that is added here: repairs of what
spreadsheets do to numbers, where they lose nothing, and reasons in words.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult
from phonenumbers import timezone as number_zones
from phonenumbers.geodata.locale import LOCALE_DATA


class Reason(enum.Enum):
    EMPTY = "no phone number"
    NOT_A_NUMBER = "not a phone number"
    ROUNDED = "rounded by a spreadsheet, its last digits are lost: format the column as text"
    NO_COUNTRY = "has no country code, and no default country was given"
    UNKNOWN_COUNTRY = "its country code does not exist"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    NOT_IN_USE = "no such number exists in its country"


@dataclass(frozen=True)
class Rejection:
    """Why a text is not a phone number that can be called; ``str()`` is a sentence for people."""

    reason: Reason
    text: str

    def __str__(self) -> str:
        if self.reason is Reason.EMPTY:
            return str(self.reason.value)
        shown = self.text if len(self.text) <= 40 else f"{self.text[:39]}…"
        return f"“{shown}”: {self.reason.value}"


# 1.4155E+10, also with a decimal comma.
_SCIENTIFIC = re.compile(r"\+?(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
# 14155550102.0: a column of numbers with gaps, saved by a program that made it decimal.
_DECIMAL = re.compile(r"(\+?\d{7,})[.,]0+")
# Google Contacts writes several numbers into one cell.
_SEVERAL = ":::"

_PARSE_REASONS = {
    NumberParseException.INVALID_COUNTRY_CODE: Reason.UNKNOWN_COUNTRY,
    NumberParseException.NOT_A_NUMBER: Reason.NOT_A_NUMBER,
    NumberParseException.TOO_SHORT_AFTER_IDD: Reason.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: Reason.TOO_SHORT,
    NumberParseException.TOO_LONG: Reason.TOO_LONG,
}
_LENGTH_REASONS = {
    ValidationResult.TOO_SHORT: Reason.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: Reason.TOO_SHORT,
    ValidationResult.TOO_LONG: Reason.TOO_LONG,
}


def normalise(text: str, country: str = "") -> str | Rejection:
    """The E.164 form of a number written in any notation, or why it has none.

    ``country`` (ISO 3166, two letters) is where a number without ``+`` is at home. Extensions are
    dropped: the carrier dials the number itself. Letters on keys (1-800-FLOWERS) become digits.
    """
    text = text.partition(_SEVERAL)[0].strip()
    if not text:
        return Rejection(Reason.EMPTY, text)
    written = text
    if match := _SCIENTIFIC.fullmatch(text):
        first, rest, exponent = match[1], match[2] or "", int(match[3])
        if not 6 <= exponent <= 15 or len(rest.rstrip("0")) > exponent:
            return Rejection(Reason.NOT_A_NUMBER, written)
        if len(rest) < exponent:
            return Rejection(Reason.ROUNDED, written)
        text = first + rest[:exponent]
    elif match := _DECIMAL.fullmatch(text):
        text = match[1]
    try:
        number = phonenumbers.parse(text, country or None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and not text.startswith("+"):
            reason = Reason.NO_COUNTRY if not country else Reason.NOT_A_NUMBER
        else:
            reason = _PARSE_REASONS.get(error.error_type, Reason.NOT_A_NUMBER)
        return Rejection(reason, written)
    if not phonenumbers.is_valid_number(number):
        length = phonenumbers.is_possible_number_with_reason(number)
        return Rejection(_LENGTH_REASONS.get(length, Reason.NOT_IN_USE), written)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def possible_zones(phone_number: str) -> tuple[str, ...]:
    """The sorted IANA zones in which an E.164 number may be at home; empty when unknown."""
    found = number_zones.time_zones_for_number(phonenumbers.parse(phone_number))
    return tuple(sorted(zone for zone in found if zone != number_zones.UNKNOWN_TIMEZONE))


def country_of(phone_number: str) -> str:
    """The ISO code of an E.164 number's country, or "" for numbers of none (satellites, freephone)."""
    region = phonenumbers.region_code_for_number(phonenumbers.parse(phone_number))
    return region if region in phonenumbers.SUPPORTED_REGIONS else ""


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """(ISO code, English name with calling code) of all countries that have numbers, by name."""

    def name(region: str) -> str:
        names = LOCALE_DATA.get(region, {})
        found = names.get("en", _UNNAMED.get(region, region))
        # "*aa" means: as in the language "aa".
        return names[found[1:]] if found.startswith("*") else found

    named = {region: name(region) for region in phonenumbers.SUPPORTED_REGIONS}
    return tuple(
        (region, f"{named[region]} (+{phonenumbers.country_code_for_region(region)})")
        for region in sorted(named, key=lambda region: named[region])
    )


# The library's names lack these.
_UNNAMED = {"AC": "Ascension Island", "TA": "Tristan da Cunha", "XK": "Kosovo"}
