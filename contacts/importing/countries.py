"""Countries as files write them: their calling code, their two letters, or their name in any language."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache

import phonenumbers

from contacts.country_names import names_by_language

# What people write besides what the library knows.
_OTHERS = {
    "usa": "US",
    "us of a": "US",
    "united states of america": "US",
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "gbr": "GB",
    "deu": "DE",
    "ger": "DE",
    "fra": "FR",
    "can": "CA",
    "esp": "ES",
    "ita": "IT",
    "aut": "AT",
    "che": "CH",
    "czech republic": "CZ",
    "holland": "NL",
    "uae": "AE",
}


@lru_cache(maxsize=1000)
def country_called(text: str) -> str:
    """The two letters of the country that "+49", "0049", "DE", "Germany" or "Allemagne" stands for, or ""."""
    text = text.strip()
    digits = text.removeprefix("+").removeprefix("00").strip()
    if digits.isdecimal() and len(digits) <= 3:
        region = phonenumbers.region_code_for_country_code(int(digits))
        return region if region in phonenumbers.SUPPORTED_REGIONS else ""
    if len(text) == 2 and text.upper() in phonenumbers.SUPPORTED_REGIONS:
        return text.upper()
    return _names().get(_plain(text), "") if len(text) <= 60 else ""


@cache
def _names() -> dict[str, str]:
    found: dict[str, str] = {}
    for region, names in names_by_language().items():
        if region in phonenumbers.SUPPORTED_REGIONS:
            for name in names.values():
                # "*aa" means: as in the language "aa".
                if not name.startswith("*"):
                    found.setdefault(_plain(name), region)
    return found | _OTHERS


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.strip()).casefold()
    return " ".join("".join(char for char in decomposed if not unicodedata.combining(char)).split())
