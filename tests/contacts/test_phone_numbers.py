"""Phone numbers as people write them."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contacts.phone_numbers import (
    Reason,
    Rejection,
    countries,
    country_of,
    dialable,
    normalise,
    possible_zones,
)
from contacts.zones import find_zone, zone_names


@pytest.mark.parametrize(
    "written",
    [
        "+14155550142",
        "(415) 555-0142",
        "415-555-0142",
        "415.555.0142",
        "1 415 555 0142",
        "tel:+1-415-555-0142",
        "+1 (415) 555 0142 ext. 7",
        "415-555-0142x7",
        "４１５－５５５－０１４２",
        "\u202a+1\u00a0415\u2011555\u20110142\u202c",
        "14155550142.0",
        "1.4155550142E+10",
        "1,4155550142E+10",
        '="4155550142"',
        "+1 415-555-0142 ::: +1 303-555-0148",
        "011 1 415 555 0142",
    ],
)
def test_one_number_in_many_notations_is_one_number(written):
    assert normalise(written, "US") == "+14155550142"


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 (0)20 7946 0958", "US", "+442079460958"),
        ("030/901820", "DE", "+4930901820"),
        ("0033 6 12 34 56 78", "DE", "+33612345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("٤١٥٥٥٥٠١٤٢", "US", "+14155550142"),
        ("02 3661 8300", "IT", "+390236618300"),
    ],
)
def test_national_notation_is_read_by_the_default_country(written, country, expected):
    assert normalise(written, country) == expected


@pytest.mark.parametrize(
    ("written", "country", "reason"),
    [
        ("", "US", Reason.EMPTY),
        ("   ", "US", Reason.EMPTY),
        ("n/a", "US", Reason.NOT_A_NUMBER),
        ("call me", "US", Reason.NOT_A_NUMBER),
        ("anna@example.com", "US", Reason.NOT_A_NUMBER),
        ("7e3", "US", Reason.NOT_A_NUMBER),
        ("911", "US", Reason.TOO_SHORT),
        ("555-0142", "US", Reason.TOO_SHORT),
        ("41555501421234567", "US", Reason.TOO_LONG),
        ("123456789012345678901234567890", "US", Reason.TOO_LONG),
        ("+1 415 055 0142", "US", Reason.NOT_IN_USE),
        ("+999 1234567", "US", Reason.UNKNOWN_COUNTRY),
        ("415 555 0142", "", Reason.NO_COUNTRY),
        ("1.4155E+10", "US", Reason.ROUNDED),
        ("1,4155E+10", "DE", Reason.ROUNDED),
        ("4.915E+11", "DE", Reason.ROUNDED),
    ],
)
def test_a_number_that_cannot_be_called_is_told_why(written, country, reason):
    rejection = normalise(written, country)
    assert isinstance(rejection, Rejection)
    assert rejection.reason is reason
    assert reason.value in str(rejection)


@given(st.text(alphabet="0123456789+-(). x", max_size=24), st.sampled_from(["US", "DE", "GB", "IT"]))
@example("+18003569377", "US")
def test_valid_is_what_the_library_calls_valid(written, country):
    result = normalise(written, country)
    if written.strip().rstrip("0").endswith("."):
        # A spreadsheet's decimal: 14155550142.0.
        return
    try:
        number = phonenumbers.parse(written.strip(), country)
    except phonenumbers.NumberParseException:
        assert isinstance(result, Rejection)
        return
    if phonenumbers.is_valid_number(number):
        assert result == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    else:
        assert isinstance(result, Rejection)


@given(st.text(max_size=60))
def test_whatever_is_written_gets_an_answer(written):
    result = normalise(written, "US")
    if isinstance(result, str):
        assert phonenumbers.is_valid_number(phonenumbers.parse(result))
    else:
        assert str(result)


def test_a_number_knows_the_zones_it_may_be_in():
    assert possible_zones("+14155550142") == ("America/Los_Angeles",)
    assert len(possible_zones("+18005550142")) > 1
    assert possible_zones("+882161234567") == ()


def test_a_number_knows_its_country():
    assert country_of("+442079460958") == "GB"
    assert country_of("+80012345678") == ""


def test_every_country_with_numbers_can_be_chosen():
    names = dict(countries())
    assert len(names) == len(phonenumbers.SUPPORTED_REGIONS)
    assert names["US"] == "United States (+1)"
    assert all(name[0].isupper() or not name[0].isascii() for name in names.values())


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("America/Denver", "America/Denver"),
        ("america/denver", "America/Denver"),
        ("America/New York", "America/New_York"),
        ("america_slash_new_york", "America/New_York"),
        ("Pacific Time", "America/Los_Angeles"),
        ("Eastern Standard Time", "America/New_York"),
        ("CST", "America/Chicago"),
        ("utc", "UTC"),
        ("Mars/Base", None),
        ("../../etc/passwd", None),
        ("", None),
    ],
)
def test_time_zones_are_understood_as_people_write_them(written, zone):
    assert find_zone(written) == zone


def test_all_zones_that_can_be_chosen_are_understood():
    assert all(find_zone(zone) == zone for zone in zone_names())


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("4915112345611", "DE", "+4915112345611"),
        ("49 151 12345615", "DE", "+4915112345615"),
        ("491701234567", "DE", "+491701234567"),
        ("4915112345611.0", "DE", "+4915112345611"),
        ("49 30 12345678", "DE", "+493012345678"),
        ("6281123456789", "ID", "+6281123456789"),
        ("436641234567", "AT", "+436641234567"),
        # Numbers in Leer, 0491, as people there write them, and one that can't be anything else.
        ("0491 5112345", "DE", "+494915112345"),
        ("491 5112345", "DE", "+494915112345"),
        ("+49 491 51123456", "DE", "+4949151123456"),
        ("0049 491 51123456", "DE", "+4949151123456"),
    ],
)
def test_a_number_whose_plus_a_spreadsheet_took_goes_to_nobody_else(written, country, expected):
    assert dialable(written, country) == expected


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS - {"XK"}))
def test_mobile_numbers_without_their_plus_are_themselves_in_each_country(region):
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if example is None or len(str(example.national_number)) < 7:
        pytest.skip("no such numbers, or too short ones")
    number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert dialable(number[1:], region) == number


# --- 00 for the plus -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("0091-98200-20022", "US", "+919820020022"),
        ("00919820020022", "US", "+919820020022"),
        ("'0091 98200 20022", "US", "+919820020022"),
        ("00919820020022.0", "US", "+919820020022"),
        ("0044 20 7946 0958", "AU", "+442079460958"),
        ("001 415 555 0142", "US", "+14155550142"),
        # No country is needed for it.
        ("0091 98200 20022", "", "+919820020022"),
        # As the library has it.
        ("0033 6 12 34 56 78", "DE", "+33612345678"),
    ],
)
def test_two_zeros_stand_for_the_plus_where_it_is_no_number_otherwise(written, country, expected):
    assert dialable(written, country) == expected


@pytest.mark.parametrize(
    ("written", "country"),
    [
        ("0091 98200 2002", "US"),
        ("000 91 98200 20022", "US"),
        ("091 98200 20022", "US"),
        ("00", "US"),
        ("00999 123456789", "US"),
        ("00 91 98200 20022 or home", "US"),
        ("0091+98200 20022", "US"),
        # In Brazil 0041 chooses a carrier for a call abroad, here to 44.
        ("0041 44 668 18 00", "BR"),
    ],
)
def test_two_zeros_before_no_number_are_refused_as_before(written, country):
    assert isinstance(dialable(written, country), Rejection)
    assert str(dialable(written, country)) == str(normalise(written, country))


@given(
    st.text(alphabet="0123456789-+ ()./", max_size=24), st.sampled_from(["US", "DE", "BR", "JP", "AU", ""])
)
@example("00919820020022", "US")
def test_two_zeros_only_ever_help_what_was_refused(written, country):
    read, by_the_library = dialable(written, country), normalise(written, country)
    if isinstance(by_the_library, Rejection) and isinstance(read, str):
        digits = "".join(character for character in written if character.isdigit())
        assert digits.startswith("00")
        assert read == normalise(f"+{digits[2:]}", country)
