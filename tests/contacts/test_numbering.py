"""The short way from digits to a number: it must say exactly what the library says.

``NUMBERS_SEED=7 NUMBERS_EACH=500 script/test tests/contacts/test_numbering.py`` compares at full length.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneMetadata, ValidationResult
from phonenumbers import timezone as number_zones

from contacts.models import Contact
from contacts.phone_numbers import Reason, Rejection, dialable, normalise, possible_zones
from tests.factories import zone_set

SEED = int(os.environ.get("NUMBERS_SEED", "1"))
# Numbers made for each region; each is written in several ways.
EACH = int(os.environ.get("NUMBERS_EACH", "140"))

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
WITHOUT_REGION = sorted(
    code for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items() if regions == ("001",)
)
TYPES = [
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
]
PARSE_REASONS = {
    NumberParseException.INVALID_COUNTRY_CODE: Reason.UNKNOWN_COUNTRY,
    NumberParseException.NOT_A_NUMBER: Reason.NOT_A_NUMBER,
    NumberParseException.TOO_SHORT_AFTER_IDD: Reason.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: Reason.TOO_SHORT,
    NumberParseException.TOO_LONG: Reason.TOO_LONG,
}
LENGTH_REASONS = {
    ValidationResult.TOO_SHORT: Reason.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: Reason.TOO_SHORT,
    ValidationResult.TOO_LONG: Reason.TOO_LONG,
}


def by_the_library(text: str, country: str) -> str | Reason:
    """What the library says of a text, in our words."""
    try:
        number = phonenumbers.parse(text, country or None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and not text.startswith("+"):
            return Reason.NOT_A_NUMBER if country else Reason.NO_COUNTRY
        return PARSE_REASONS[error.error_type]
    if phonenumbers.is_valid_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    reason = phonenumbers.is_possible_number_with_reason(number)
    return LENGTH_REASONS.get(reason, Reason.NOT_IN_USE)


def zones_by_the_library(phone_number: str) -> tuple[str, ...]:
    found = number_zones.time_zones_for_number(phonenumbers.parse(phone_number))
    return tuple(sorted(set(found) - {number_zones.UNKNOWN_TIMEZONE}))


def plan_of(place: str | int) -> PhoneMetadata:
    if isinstance(place, int):
        found = PhoneMetadata.metadata_for_nongeo_region(place)
    else:
        found = PhoneMetadata.metadata_for_region(place)
    assert found
    return found


def numbers_like_those_of(plan: PhoneMetadata, chance: random.Random) -> Iterator[str]:
    """National numbers near the valid ones: examples of every type, with digits changed, added and lost."""
    examples = [
        kind.example_number for name in TYPES if (kind := getattr(plan, name)) and kind.example_number
    ]
    yield from examples
    for _ in range(EACH):
        digits = list(chance.choice(examples))
        # The first digits say most about a number, and are changed least.
        for place in range(chance.choice([0, 1, 2, 3, 5]), len(digits)):
            if chance.random() < 0.7:
                digits[place] = chance.choice("0123456789")
        if chance.random() < 0.25:
            digits[chance.randrange(len(digits))] = chance.choice("0123456789")
        if chance.random() < 0.25:
            change = chance.choice([-3, -2, -1, 1, 2, 4])
            digits = digits[:change] if change < 0 else digits + chance.choices("0123456789", k=change)
        yield "".join(digits)


def as_written(number: str, plan: PhoneMetadata, chance: random.Random) -> Iterator[tuple[str, str]]:
    """The same digits as people write them, with the country they may be dialed in."""
    home = plan.id if plan.id in phonenumbers.SUPPORTED_REGIONS else ""
    elsewhere = chance.choice(REGIONS)
    code = str(plan.country_code)
    prefix = plan.national_prefix or chance.choice(["0", "1", "8"])
    abroad = chance.choice(["00", "011", "001", "810", "0011", "009"])
    yield "+" + code + number, chance.choice(["", home, elsewhere])
    yield number, home
    yield prefix + number, home
    yield code + number, home
    yield chance.choice(
        [
            (f"+{code}{prefix}{number}", home),
            (f"+{code} (0){number}", elsewhere),
            (abroad + code + number, home),
            (abroad + code + number, elsewhere),
            (number, elsewhere),
            (code + number, elsewhere),
            (code + prefix + number, home),
            (prefix + code + number, home),
            (prefix + prefix + number, home),
            # Codes of carriers, in front or in between.
            (prefix + "".join(chance.choices("0123456789", k=chance.randint(1, 5))) + number, home),
            ("".join(chance.choices("0123456789", k=chance.randint(1, 6))) + number, home),
            ("".join(chance.choices("0011458", k=chance.randint(2, 5))) + code + number, home),
            (prefix + number[:3] + "15" + number[3:], home),
            ("+" + number, home),
            ("+0" + number, home),
        ]
    )


def with_separators(text: str, chance: random.Random) -> str:
    if chance.random() < 0.7:
        return text
    if chance.random() < 0.1:
        before, after = chance.choice(
            [
                ("tel:", ""),
                ("'", ""),
                ('="', '"'),
                ("Mobile: ", "."),
                ("\uff0b", ""),
                ("\u0664", ""),
                (";phone-context=", ""),
                ("tel:", ";phone-context=+1"),
                ("tel:", ";ext=5"),
                ("", ";"),
                ("#", "#"),
                ("\u00a0", "\u201d"),
            ]
        )
        return before + text + after
    separators = [" ", "-", "(", ")", ".", "/", "[", "]", " - ", "\u00a0", "\u2011", "\u2013", "\u2212", "\t"]
    if chance.random() < 0.03:
        separators += ["x", "~", "#", "*", ",", ";", "+", "ext", "\u0664", "\u200b", "e", "", "_"]
    characters = list(text)
    for _ in range(chance.randint(1, 4)):
        characters.insert(chance.randint(0, len(characters)), chance.choice(separators))
    return "".join(characters)


def is_repaired(text: str) -> bool:
    """Whether it is what spreadsheets make of numbers: 14155550142.0; the library knows nothing of that."""
    return text.rstrip("0 \t\u00a0").endswith((".", ",")) or bool(re.search(r"\de\+?\d", text.lower()))


@pytest.mark.parametrize("part", range(4))
def test_the_short_way_says_what_the_library_says_everywhere(part, record_property):
    chance = random.Random(f"{SEED} {part}")
    compared = 0
    for place in (REGIONS + WITHOUT_REGION)[part::4]:
        plan = plan_of(place)
        for number in numbers_like_those_of(plan, chance):
            for text, country in as_written(number, plan, chance):
                written = with_separators(text, chance)
                if is_repaired(written):
                    continue
                found = normalise(written, country)
                said = found.reason if isinstance(found, Rejection) else found
                expected = by_the_library(written.strip(), country)
                assert said == expected, (written, country)
                if isinstance(found, str):
                    assert possible_zones(found) == zones_by_the_library(found), found
                # Also where a national prefix stands after the calling code.
                if text.startswith("+") and text[1:2] != "0" and isinstance(by_the_library(text, ""), str):
                    assert possible_zones(text) == zones_by_the_library(text), text
                compared += 1
    assert compared > EACH * 200
    record_property("compared", compared)


@given(st.text(max_size=45), st.sampled_from(["", *REGIONS]))
@example("+1 (415) 555-0142", "")
@example("\u0664\u0661\u06655550142", "US")
@example("²²²²²²²", "US")
@example("\ud800415 555 0142", "US")
@example("415 555 0142\n", "US")
@example("4" * 251, "US")
@example("x" * 250 + "4155550142", "US")
@example(";phone-context=x 4155550142", "US")
@example("tel:4155550142;phone-context=+1", "")
@example("tel:4155550142;phone-context=example.com", "US")
@example("_4155550142_", "US")
@example("4155550142\"'", "US")
@example("\uff0b14155550142", "")
@example("\u0664'4155550142", "US")
@example("+" + "4" * 41, "US")
def test_any_text_gets_the_library_s_answer(text, country):
    found = normalise(text, country)
    said = found.reason if isinstance(found, Rejection) else found
    written = text.strip()
    if not written or ":::" in text or is_repaired(written):
        return
    assert said == by_the_library(written, country)


@given(
    st.text(alphabet="+0123456789 ()-./[]\u00a0\u2011", max_size=30), st.sampled_from(["", "US", "DE", "GB"])
)
def test_digits_and_separators_in_any_order_get_the_library_s_answer(text, country):
    if not text.strip() or is_repaired(text.strip()):
        return
    found = normalise(text, country)
    said = found.reason if isinstance(found, Rejection) else found
    assert said == by_the_library(text.strip(), country)


@given(st.from_regex(r"\+[1-9][0-9]{5,14}", fullmatch=True))
def test_any_e164_number_gets_the_library_s_zones(phone_number):
    try:
        expected = zones_by_the_library(phone_number)
    except NumberParseException:
        return
    assert possible_zones(phone_number) == expected


@pytest.mark.parametrize(
    ("written", "country"),
    [
        ("(415) 555-0142", "US"),
        ("1 415 555 0142", "CA"),
        ("0171 1234567", "DE"),
        ("020 7946 0958", "GB"),
        ("8 (916) 123-45-67", "RU"),
        ("+49 (0)171 1234567", "US"),
        ("0044 20 7946 0958", "DE"),
        ("876 555 0142", "JM"),
        ("tel:+1-415-555-0142", "US"),
        ("'0171\u00a01234567", "DE"),
        ('="4155550142"', "US"),
        ("14155550142.0", "US"),
    ],
)
def test_usual_notations_do_not_go_through_the_library(written, country, monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("the library was asked")

    monkeypatch.setattr(phonenumbers, "parse", refuse)
    phone_number = normalise(written, country)
    assert isinstance(phone_number, str)
    assert possible_zones(phone_number)


def test_numbers_longer_than_e164_allows_are_valid_but_not_dialable():
    written = "+49 30 0000 0000 0000"
    assert normalise(written) == "+4930000000000000"
    rejection = dialable(written)
    assert isinstance(rejection, Rejection)
    assert rejection.reason is Reason.TOO_LONG
    assert dialable("+49 30 0000 0000 000") == "+493000000000000"
    assert dialable("030", "DE") == normalise("030", "DE")


@pytest.mark.django_db
def test_every_example_of_the_library_can_be_stored():
    numbers = set()
    for place in REGIONS + WITHOUT_REGION:
        plan = plan_of(place)
        kinds = [kind for name in TYPES if (kind := getattr(plan, name)) and kind.example_number]
        numbers |= {normalise(f"+{plan.country_code}{kind.example_number}") for kind in kinds}
    assert len(numbers) > 1000
    assert "+989601" in numbers
    unknown = zone_set()
    Contact.objects.bulk_create(Contact(phone_number=number, zone_set=unknown) for number in numbers)


def test_the_data_is_as_the_short_way_takes_it_to_be():
    for place in REGIONS + WITHOUT_REGION:
        plan = plan_of(place)
        assert plan.general_desc
        assert plan.general_desc.possible_length
        for name in ["general_desc", *TYPES]:
            kind = getattr(plan, name)
            pattern = kind and kind.national_number_pattern
            # No groups, and nothing that looks at a number's end.
            assert not pattern or not set(pattern) & set("$^ZAbB"), (place, pattern)
            assert not pattern or re.compile(pattern).groups == 0
        if plan.national_prefix_transform_rule:
            assert re.compile(plan.national_prefix_for_parsing or "").groups
