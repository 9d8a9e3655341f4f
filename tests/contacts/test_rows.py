"""One row of a file: the contact it is, or why it is none."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.importing.reading import Row, clean
from contacts.importing.rows import RowReader
from contacts.importing.saving import StagedContact, StagedRejection
from contacts.models import ZoneSet

pytestmark = pytest.mark.django_db

TARGETS = {
    0: "phone_number",
    1: "first_name",
    2: "last_name",
    3: "email",
    4: "company",
    5: "time_zone",
    6: "field:plan",
    7: "field:visits",
}
FULL = ["(415) 555-0142", "Anna", "Svensson", "Anna@Example.com", "Acme", "America/Denver", "Gold", "12"]


def reader(targets=None, *, columns=None, country="US", email_is_enough=False) -> RowReader:
    targets = TARGETS if targets is None else targets
    columns = len(targets) if columns is None else columns
    return RowReader(targets, columns=columns, country=country, email_is_enough=email_is_enough)


def contact(cells, **options) -> StagedContact:
    read = reader(**options).read(Row(2, list(cells)))
    assert isinstance(read, StagedContact), read.reason
    return read


def rejected(cells, **options) -> str:
    read = reader(**options).read(Row(2, list(cells)))
    assert isinstance(read, StagedRejection)
    assert (read.line, read.values) == (2, list(cells))
    return read.reason


def zones(read: StagedContact) -> list[str]:
    return ZoneSet.objects.get(pk=read.zone_set_id).zones


def changed(**values: str) -> list[str]:
    positions = {target.removeprefix("field:"): position for position, target in TARGETS.items()}
    cells = list(FULL)
    for name, value in values.items():
        cells[positions[name]] = value
    return cells


def test_a_full_row_is_a_full_contact():
    read = contact(FULL)
    assert zones(read) == ["America/Denver"]
    assert read == StagedContact(
        line=2,
        phone_number="+14155550142",
        zone_set_id=read.zone_set_id,
        email="anna@example.com",
        first_name="Anna",
        last_name="Svensson",
        company="Acme",
        time_zone="America/Denver",
        fields={"plan": "Gold", "visits": "12"},
    )


def test_a_short_row_lacks_what_it_does_not_give():
    read = contact(["415 555 0142", "Anna"])
    assert (read.first_name, read.last_name, read.email, read.fields) == ("Anna", "", "", {})
    assert zones(read) == ["America/Los_Angeles"]


def test_a_row_with_too_many_values_is_rejected_as_it_is_written():
    assert "9 values for 8 columns" in rejected([*FULL, "more"])
    assert contact([*FULL, "", ""]).phone_number == "+14155550142"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (changed(phone_number=""), "no phone number"),
        (changed(phone_number="n/a"), "“n/a”: not a phone number"),
        (changed(phone_number="911"), "“911”: too short"),
        (changed(email="anna at home"), "“anna at home”: not an email address"),
        (changed(email=f"{'a' * 250}@example.com"), "email address is longer than 254 characters"),
        (
            changed(time_zone="Mars/Base"),
            "“Mars/Base”: no such time zone (write it like America/Denver)",
        ),
        (changed(first_name="A" * 101), "first name is longer than 100 characters"),
        (changed(last_name="A" * 101), "last name is longer than 100 characters"),
        (changed(company="A" * 201), "company is longer than 200 characters"),
        (changed(plan="A" * 2001), "plan is longer than 2,000 characters"),
    ],
)
def test_a_row_that_is_no_contact_is_told_why(cells, reason):
    assert rejected(cells) == reason


def test_what_means_nothing_is_nothing():
    read = contact(changed(email="N/A", time_zone="-"))
    assert (read.email, read.time_zone) == ("", "")


def test_a_whole_name_fills_the_halves_that_are_missing():
    targets = {0: "phone_number", 1: "name", 2: "first_name"}
    read = contact(["415 555 0142", "Svensson, Anna Maria", ""], targets=targets)
    assert (read.first_name, read.last_name) == ("Anna Maria", "Svensson")
    read = contact(["415 555 0142", "Svensson, Anna Maria", "Annie"], targets=targets)
    assert (read.first_name, read.last_name) == ("Annie", "Svensson")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("415 555 0142", "415 555 0143", "+14155550142"),
        ("", "415 555 0143", "+14155550143"),
        ("n/a", "415 555 0143", "+14155550143"),
    ],
)
def test_a_second_number_stands_in_for_an_empty_one(first, second, expected):
    targets = {0: "phone_number", 1: "second_phone_number"}
    assert contact([first, second], targets=targets).phone_number == expected
    assert "too short" in rejected(["911", second], targets=targets)


def test_a_row_s_own_country_goes_before_the_default():
    targets = {0: "phone_number", 1: "country"}
    assert contact(["0171 1234567", "Germany"], targets=targets).phone_number == "+491711234567"
    assert contact(["415 555 0142", ""], targets=targets).phone_number == "+14155550142"
    assert contact(["415 555 0142", "n/a"], targets=targets).phone_number == "+14155550142"


def test_a_number_in_a_country_that_nobody_knows_is_no_stranger_s_elsewhere():
    targets = {0: "phone_number", 1: "country"}
    assert rejected(["201 555 0123", "Marokko (Sud)"], targets=targets) == (
        "“Marokko (Sud)”: no such country (write it like DE or Germany), and the number has no country code"
    )
    assert contact(["+1 201 555 0123", "Marokko (Sud)"], targets=targets).phone_number == "+12015550123"
    assert rejected(["911", "Marokko (Sud)"], targets=targets).startswith("“Marokko (Sud)”: no such country")
    assert rejected(["call me", "Marokko (Sud)"], targets=targets) == "“call me”: not a phone number"
    assert rejected(["", "Marokko (Sud)"], targets=targets) == "no phone number"


@pytest.mark.parametrize("nothing", ["", "n/a", "-", "NULL", " ::: "])
def test_an_address_is_enough_where_the_import_says_so(nothing):
    read = contact(changed(phone_number=nothing, time_zone=""), email_is_enough=True)
    assert (read.phone_number, read.email, read.time_zone) == ("", "anna@example.com", "")
    assert zones(read) == []
    read = contact(changed(phone_number=nothing), email_is_enough=True)
    assert zones(read) == ["America/Denver"]
    rejected(changed(phone_number=nothing))


def test_an_address_is_enough_in_a_file_without_numbers():
    targets = {0: "email"}
    assert contact(["a@example.com"], targets=targets, email_is_enough=True).email == "a@example.com"
    assert rejected(["a@example.com"], targets=targets) == "no phone number"


@pytest.mark.parametrize(
    ("phone_number", "email", "reason"),
    [
        ("911", "a@example.com", "“911”: too short"),
        ("call me", "a@example.com", "“call me”: not a phone number"),
        ("", "a at home", "“a at home”: not an email address"),
        ("", "", "neither a phone number nor an email address"),
        ("n/a", "n/a", "neither a phone number nor an email address"),
    ],
)
def test_an_address_does_not_make_up_for_what_is_wrong(phone_number, email, reason):
    assert rejected(changed(phone_number=phone_number, email=email), email_is_enough=True) == reason


def test_the_kinds_of_fields_are_those_of_contacts():
    reading = reader()
    assert reading.kinds() == {}
    reading.read(Row(2, changed(plan="", visits="12")))
    assert reading.kinds() == {"visits": "number"}
    reading.read(Row(3, changed(plan="Gold", visits="1,234")))
    # A row that is no contact says nothing.
    reading.read(Row(4, changed(phone_number="911", visits="many")))
    reading.read(Row(5, changed(plan="A" * 3000, visits="many")))
    assert reading.kinds() == {"visits": "number", "plan": "text"}
    reading.read(Row(6, changed(visits="many")))
    assert reading.kinds() == {"visits": "text", "plan": "text"}


def test_zone_sets_are_looked_up_once(django_assert_max_num_queries):
    reading = reader()
    reading.read(Row(1, FULL))
    with django_assert_max_num_queries(0):
        for line in range(50):
            reading.read(Row(line, changed(first_name=f"Anna {line}")))


cells = st.lists(
    st.one_of(
        st.sampled_from(["", *FULL, "n/a", "911", "+49 171 1234567", "a@b.de", ":::", "mailto:"]),
        st.text(max_size=30),
        st.text(min_size=1, max_size=3).map(lambda text: text * 800),
    ).map(clean),
    max_size=11,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells, st.booleans(), st.sampled_from(["US", "DE", ""]))
def test_any_row_is_a_contact_that_can_be_saved_or_has_a_reason(cells, email_is_enough, country):
    read = reader(email_is_enough=email_is_enough, country=country).read(Row(1, cells))
    if isinstance(read, StagedRejection):
        assert read.reason
        return
    assert read.phone_number or (email_is_enough and read.email)
    assert len(read.phone_number) <= 16
    assert len(read.email) <= 254
    assert len(read.first_name) <= 100
    assert len(read.last_name) <= 100
    assert len(read.company) <= 200
    assert all(0 < len(value) <= 2000 for value in read.fields.values())
    assert read.zone_set_id
