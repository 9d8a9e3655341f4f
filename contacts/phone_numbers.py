"""Phone numbers as people write them, to E.164; the zones and the countries of numbers.

Valid is what the ``phonenumbers`` library calls valid. All that is added here: repairs of what
spreadsheets do to numbers, where they lose nothing, and reasons in words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult
from phonenumbers import timezone as number_zones

from contacts import numbering
from contacts.country_names import names_by_language
from contacts.numbering import Reason


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


# What may stand between digits without any meaning, to the library too; bytes are quicker to delete from.
_SEPARATORS = b" ()-./[]"
_RARE_SEPARATORS = str.maketrans(dict.fromkeys("\u00a0\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
_BEFORE = re.compile(r"[^+0-9;]{0,20}")
# By ITU-T E.164.
_MOST_DIGITS = 15
# Within their country, no numbers in use are so long, and nearly none are one digit shorter; the library
# takes some in Germany and Indonesia.
_TOO_LONG_WITHIN = 12


def normalise(text: str, country: str = "") -> str | Rejection:
    """The E.164 form of a number written in any notation, or why it has none.

    ``country`` (ISO 3166, two letters) is where a number without ``+`` is at home. Extensions are
    dropped: the carrier dials the number itself. Letters on keys (1-800-FLOWERS) become digits.
    """
    # Nearly all texts are digits and separators, and are answered here.
    found = _by_digits(text, country)
    if found is None:
        return _in_any_notation(text, country)
    return found if isinstance(found, str) else Rejection(found, text.strip())


def dialable(text: str, country: str = "") -> str | Rejection:
    """As ``normalise``, for numbers to keep, which differ from the library's in three ways.

    Those of more than 15 digits are too long: nobody can dial them from another country, and E.164 has no
    room for them. And 4915112345678 in Germany is +49 151 12345678, as spreadsheets write it that take the
    plus for a sign; to the library it is a number of 13 digits in Leer, whose area code is 491. And what is
    no number as it stands but one behind 00, which most of the world dials for the plus, is that one, also
    where calls abroad begin otherwise: 0091 98200 20022 in the US.
    """
    found = normalise(text, country)
    if isinstance(found, Rejection):
        found = _behind_two_zeros(text, country) or found
    if isinstance(found, str) and len(found) > _TOO_LONG_WITHIN:
        found = _without_its_plus(found, text, country) or found
        if len(found) > _MOST_DIGITS + 1:
            return Rejection(Reason.TOO_LONG, text.strip())
    return found


_TWO_ZEROS = re.compile(r"\D*0\D*0\D*[1-9]")
_DIGITS_ONLY = re.compile(r"[0-9\s().\-/\[\]]+")


def _behind_two_zeros(text: str, country: str) -> str | None:
    """An international number with 00 in front, unless that begins a call abroad the country's own way."""
    text = text.strip()
    if not text.isascii() or len(text) > numbering.MOST_DIGITS:
        return None
    bare = _DECIMAL.sub(r"\1", _bare(text))
    if not _DIGITS_ONLY.fullmatch(bare) or not _TWO_ZEROS.match(bare):
        return None
    digits = re.sub(r"\D", "", bare)
    if country in phonenumbers.SUPPORTED_REGIONS and numbering.has_way_abroad(digits, country):
        return None
    read = numbering.read_international(digits[2:])
    return read if isinstance(read, str) else None


def _without_its_plus(found: str, text: str, country: str) -> str | None:
    """A long national number that begins with the country's own code, read as an international one."""
    code = str(phonenumbers.country_code_for_region(country)) if country else ""
    if not code or not found.startswith(f"+{code}{code}"):
        return None
    national = found[1 + len(code) :]
    if len(national) < _TOO_LONG_WITHIN - 1 or re.sub(r"\D", "", _DECIMAL.sub(r"\1", text)) != national:
        return None
    read = numbering.read_international(national)
    if not isinstance(read, str):
        return None
    is_certain = len(national) >= _TOO_LONG_WITHIN
    kind = phonenumbers.number_type(phonenumbers.parse(read))
    return read if is_certain or kind == phonenumbers.PhoneNumberType.MOBILE else None


def _in_any_notation(text: str, country: str) -> str | Rejection:
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
    found = _by_digits(_bare(text), country) or _by_the_library(text, country)
    return found if isinstance(found, str) else Rejection(found, written)


def _bare(text: str) -> str:
    """A text without what the library leaves out before a number ("tel:", apostrophes) and after it.

    A semicolon is left: what follows may say where the number is to be dialed.
    """
    before = _BEFORE.match(text)
    begin = before.end() if before else 0
    return text[begin:].rstrip("\"'").translate(_RARE_SEPARATORS) if text[:begin].isascii() else text


def _by_digits(text: str, country: str) -> str | Reason | None:
    """As ``_by_the_library``, for texts of digits and separators, with one plus in front or none.

    None: it is not one of those. The library cuts off separators around a number, leaves out those within,
    and finds neither letters nor an extension in it; with three digits, it is a number to it.
    """
    if not text.isascii() or len(text) > numbering.MOST_DIGITS:
        return None
    digits = text.encode().translate(None, _SEPARATORS).decode()
    national = digits.isdigit()
    number = digits if national else digits.removeprefix("+")
    if len(number) < 3 or not number.isdigit() or ("." in text and _DECIMAL.fullmatch(text.strip())):
        return None
    if not national:
        return numbering.read_international(number)
    if country in phonenumbers.SUPPORTED_REGIONS:
        return numbering.read(number, country)
    return None if country else Reason.NO_COUNTRY


def _by_the_library(text: str, country: str) -> str | Reason:
    try:
        number = phonenumbers.parse(text, country or None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and not text.startswith("+"):
            return Reason.NO_COUNTRY if not country else Reason.NOT_A_NUMBER
        return _PARSE_REASONS.get(error.error_type, Reason.NOT_A_NUMBER)
    if not phonenumbers.is_valid_number(number):
        length = phonenumbers.is_possible_number_with_reason(number)
        return _LENGTH_REASONS.get(length, Reason.NOT_IN_USE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def possible_zones(phone_number: str) -> tuple[str, ...]:
    """The sorted IANA zones in which an E.164 number may be at home; empty when unknown."""
    digits = phone_number[1:]
    if (
        phone_number.startswith("+")
        and len(digits) <= numbering.MOST_DIGITS
        and digits.isdigit()
        and digits.isascii()
    ):
        zones = numbering.zones(digits)
        if zones is not None:
            return zones
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
        names = names_by_language().get(region, {})
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
