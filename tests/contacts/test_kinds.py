"""What the values of custom fields are."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.importing.kinds import KindOfField, is_date, is_number, is_yes_or_no
from contacts.models import CustomField

NUMBER, DATE, YES_NO, TEXT = (
    CustomField.Kind.NUMBER,
    CustomField.Kind.DATE,
    CustomField.Kind.YES_NO,
    CustomField.Kind.TEXT,
)


def kind_of(*values: str) -> CustomField.Kind | None:
    field = KindOfField()
    for value in values:
        field.see(value)
    return field.kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        # Numbers in one notation, point or comma.
        (["1234", "-1.5", "0", "0.25", ".5"], NUMBER),
        (["1,234.50", "12", "1,234,567"], NUMBER),
        (["1.234,50", "12", "1.234.567"], NUMBER),
        (["1 234,50", "99,00"], NUMBER),
        (["1'234.50"], NUMBER),
        (["12 %", "12.5%", "7"], NUMBER),
        (["\u221212"], NUMBER),
        (["123456789012345"], NUMBER),
        (["1", "0", "1"], NUMBER),
        (["1.5", "1,5"], TEXT),
        (["1,234.50", "1.234,50"], TEXT),
        (["12,34,56"], TEXT),
        # Codes, keys and phone numbers are nothing to calculate with.
        (["02139", "94103"], TEXT),
        (["007"], TEXT),
        (["1234567890123456"], TEXT),
        (["+4915112345678"], TEXT),
        (["1.41555E+10"], TEXT),
        (["$5", "$1,234.50"], TEXT),
        (["12 €"], TEXT),
        (["12 apples"], TEXT),
        (["-"], TEXT),
        (["\u0661\u0662"], TEXT),
        # Days, all in one order.
        (["2026-12-31", "2026-1-5"], DATE),
        (["2026-12-31T23:59:59Z", "2026-12-31 08:00"], DATE),
        (["2026/12/31"], DATE),
        (["31.12.2026", "1.2.26"], DATE),
        (["31/12/2026", "01/02/2026"], DATE),
        (["12/31/2026", "01/02/2026"], DATE),
        (["12/31/2026 11:30 PM"], DATE),
        (["12/31/2026, 11:30 PM"], DATE),
        (["31/12/2026", "12/31/2026"], TEXT),
        (["2026-12-31", "31.12.2026"], TEXT),
        (["2026-02-30"], TEXT),
        (["0000-00-00"], TEXT),
        (["31.12/2026"], TEXT),
        (["2026"], NUMBER),
        # Yes and no, in words.
        (["yes", "No", "YES"], YES_NO),
        (["true", "false"], YES_NO),
        (["y", "n", "1", "0"], YES_NO),
        (["ja", "nein"], YES_NO),
        (["oui", "non"], YES_NO),
        (["Sí", "no"], YES_NO),
        (["yes", "maybe"], TEXT),
        (["1", "2", "yes"], TEXT),
        # One other value makes it text; empty ones say nothing.
        (["1", "2", "many"], TEXT),
        (["", "1", "", "2"], NUMBER),
        (["", ""], None),
        ([], None),
        (["Gold", "Silver"], TEXT),
        (["1" * 100_000], TEXT),
    ],
)
def test_a_field_is_of_the_kind_that_all_its_values_are(values, kind):
    assert kind_of(*values) is kind
    assert kind_of(*reversed(values)) is kind


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1))
def test_every_whole_number_of_up_to_15_digits_is_a_number(number):
    for written in (str(number), f"{number:,}"):
        assert kind_of(written) is NUMBER
        assert is_number(written)


@given(st.datetimes())
def test_every_day_is_a_date(at):
    assert is_date(at.isoformat(), order="ymd")
    assert is_date(at.isoformat(" ", "minutes"), order="ymd")
    assert is_date(at.strftime("%d.%m.") + f"{at.year:04}", order="dmy")
    assert is_date(at.strftime("%m/%d/") + f"{at.year:04}", order="mdy")


@given(st.lists(st.text(max_size=50)))
def test_any_values_have_a_kind(values):
    assert (kind_of(*values) is None) == (not any(values))


@given(st.text(alphabet="0123456789.,' -%:/TZ", max_size=45))
def test_text_made_of_the_same_signs_is_told_quickly(text):
    begin = time.perf_counter()
    is_number(text)
    is_number(text, decimal=",")
    for order in ("ymd", "dmy", "mdy"):
        is_date(text, order=order)
    is_yes_or_no(text)
    assert time.perf_counter() - begin < 0.05


def test_text_is_not_looked_at_again():
    field = KindOfField()
    assert field.is_open
    field.see("Gold")
    assert not field.is_open
