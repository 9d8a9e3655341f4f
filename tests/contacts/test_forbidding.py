"""Files of numbers and addresses onto the do-not-contact list."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.importing.forbidding import Forbidden, OntoDoNotContact, moment_of, scope_of
from contacts.importing.reading import Dialect
from contacts.importing.running import run_import
from contacts.models import DoNotContact, Import
from contacts.services import add_to_do_not_contact, map_import, upload_import
from tests.contacts.conftest import sums
from tests.factories import DoNotContactFactory

pytestmark = pytest.mark.django_db

DIALECT = Dialect("utf-8", ",", True, ("Phone",), 1).as_json()
HEADER = "Phone,Email,Scope,Reason,Until\n"


def imported(text: str | bytes, *, country: str = "US", scope: str = "all", **given) -> Import:
    data = text.encode() if isinstance(text, str) else text
    dnc_import = upload_import(
        file=io.BytesIO(data),
        file_name="never.csv",
        purpose=Import.Purpose.DO_NOT_CONTACT,
        country=country,
        scope=scope,
        actor=None,
        **given,
    )
    map_import(
        contact_import=dnc_import,
        mapping={int(position): target for position, target in dnc_import.mapping.items()},
        has_header=dnc_import.dialect["has_header"],
    )
    run_import(dnc_import.pk)
    dnc_import.refresh_from_db()
    assert dnc_import.status == "completed", dnc_import.error
    return dnc_import


def entries() -> set[tuple[str, str, str]]:
    return {
        (entry.phone_number or entry.email, entry.scope, entry.reason) for entry in DoNotContact.objects.all()
    }


@pytest.mark.parametrize("heading", ["Never by", "Scope", "scope"])
@pytest.mark.parametrize("written", ["Calls", "voice"])
def test_never_by_is_understood_as_pages_and_as_older_exports_write_it(heading, written):
    imported(f"Number,{heading}\n4155550101,{written}\n")
    assert DoNotContact.objects.get().scope == "voice"


def test_a_row_is_a_number_an_address_or_both():
    done = imported(HEADER + "(415) 555-0101,,,,\n,Anna@Example.com,,,\n415 555 0102,bo@example.com,,,\n")
    assert sums(done) == {"rows": 3, "created": 3}
    assert entries() == {
        ("+14155550101", "all", ""),
        ("anna@example.com", "all", ""),
        ("+14155550102", "all", ""),
        ("bo@example.com", "all", ""),
    }
    assert set(DoNotContact.objects.values_list("source", "expires_at")) == {("import", None)}


def test_what_a_row_says_comes_before_what_was_said_for_all(supervisor):
    until = timezone.now().replace(microsecond=0) + timedelta(days=9)
    done = imported(
        HEADER
        + "4155550101,,,,\n4155550102,,sms,moved away,2099-01-31\n4155550103,,Calls,,never\n"
        + "4155550104,,-,n,9999-12-31\n",
        scope="voice",
        reason="list of May",
        expires_at=until,
    )
    assert sums(done) == {"rows": 4, "created": 4}
    found = {e.phone_number[-3:]: (e.scope, e.reason, e.expires_at) for e in DoNotContact.objects.all()}
    assert found["101"] == ("voice", "list of May", until)
    assert found["102"][:2] == ("text", "moved away")
    assert found["102"][2].isoformat() == "2099-02-01T12:00:00+00:00"
    assert found["103"] == ("voice", "list of May", None)
    assert found["104"] == ("voice", "n", None)


WRONG = {
    "nothing at all": (",,,x,", "neither a number nor an email address"),
    "no number": ("12,,,,", "too short"),
    "a number that is none beside an address": ("12,a@b.example,,,", "too short"),
    "no address": (",anna,,,", "not an email address"),
    "a scope nobody knows": ("4155550101,,pigeon,,", "write all, voice, text or email"),
    "no date": ("4155550101,,,,soon", "no date"),
    "a day that never was": ("4155550101,,,,2099-02-30", "no date"),
    "a day that is over": ("4155550101,,,,2020-01-01", "that is over"),
    "too long a reason": (f"4155550101,,,{'x' * 201},", "longer than 200"),
    "too many values": ("4155550101,,,,,,x", "missing its quotation marks"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_row_that_is_wrong_says_why_and_forbids_nobody(case):
    row, told = WRONG[case]
    done = imported(HEADER + f"4155550199,,,,\n{row}\n")
    assert sums(done) == {"rows": 2, "created": 1, "invalid": 1}
    assert told in done.rejected_rows.get().reason
    assert entries() == {("+14155550199", "all", "")}


def test_the_same_file_again_changes_nothing():
    text = HEADER + "4155550101,a@b.example,,asked,\n4155550102,,text,,2099-01-01\n4155550101,,,later,\n"
    first = imported(text)
    assert sums(first) == {"rows": 3, "created": 2, "duplicates": 1}
    before = list(DoNotContact.objects.order_by("pk").values())
    assert sums(imported(text)) == {"rows": 3, "unchanged": 2, "duplicates": 1}
    assert list(DoNotContact.objects.order_by("pk").values()) == before


def test_of_rows_with_one_address_the_one_that_holds_longest_counts():
    done = imported(
        HEADER
        + "4155550101,,,short,2098-01-01\n4155550101,,,long,2099-01-01\n4155550101,,,good,\n"
        + "4155550101,,,late,\n4155550101,,text,other,\n"
    )
    assert sums(done) == {"rows": 5, "created": 2, "duplicates": 3}
    assert entries() == {("+14155550101", "all", "good"), ("+14155550101", "text", "other")}


def test_a_row_counts_by_the_most_that_came_of_it():
    DoNotContactFactory(phone_number="+14155550101")
    DoNotContactFactory(phone_number="+14155550102", expires_at=timezone.now() + timedelta(days=1))
    DoNotContactFactory(phone_number=None, email="known@b.example")
    done = imported(
        HEADER
        + "4155550101,new@b.example,,,\n4155550102,known@b.example,,,\n4155550101,known@b.example,,,\n"
        + "4155550101,other@b.example,,,\n"
    )
    assert sums(done) == {"rows": 4, "created": 2, "updated": 1, "duplicates": 1}


def test_an_end_that_comes_later_is_taken_over_and_an_earlier_one_is_not():
    DoNotContactFactory(
        phone_number="+14155550101", expires_at=timezone.now() + timedelta(days=1), reason="old"
    )
    DoNotContactFactory(phone_number="+14155550102", reason="old")
    done = imported(HEADER + "4155550101,,,new,2099-01-01\n4155550102,,,new,2099-01-01\n")
    assert sums(done) == {"rows": 2, "updated": 1, "unchanged": 1}
    assert entries() == {("+14155550101", "all", "new"), ("+14155550102", "all", "old")}


def test_a_file_of_bare_numbers_or_addresses_needs_no_header():
    assert sums(imported("4155550101\n4155550102\n")) == {"rows": 2, "created": 2}
    assert sums(imported("a@b.example\nc@d.example\n")) == {"rows": 2, "created": 2}


def test_what_is_exported_is_imported_again_and_changes_nothing(as_supervisor, supervisor):
    add_to_do_not_contact(phone_number="+14155550101", scope="voice", reason='=cmd|"x"', actor=supervisor)
    add_to_do_not_contact(email="a@b.example", reason="Zoë, “asked”\nnicely", source="unsubscribe")
    until = timezone.now() + timedelta(days=3, microseconds=17)
    add_to_do_not_contact(phone_number="+442079460101", scope="text", expires_at=until)
    before = list(DoNotContact.objects.order_by("pk").values())
    file = b"".join(as_supervisor.get(reverse("contacts:do_not_contact_export")).streaming_content)
    rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
    assert [row["Number"] or row["Email"] for row in rows] == ["+442079460101", "a@b.example", "+14155550101"]
    assert rows[2]["Reason"].startswith("'=")
    assert rows[2]["Added by"] == supervisor.username
    assert sums(imported(file)) == {"rows": 3, "unchanged": 3}
    assert list(DoNotContact.objects.order_by("pk").values()) == before
    DoNotContact.objects.all().delete()
    assert sums(imported(file)) == {"rows": 3, "created": 3}
    again = DoNotContact.objects.order_by("pk").values_list("phone_number", "email", "scope")
    assert set(again) == {(e["phone_number"], e["email"], e["scope"]) for e in before}


def test_an_export_holds_exactly_what_is_filtered(as_supervisor):
    DoNotContactFactory(phone_number="+14155550101", scope="voice")
    DoNotContactFactory(phone_number="+14155550102", scope="text")
    url = reverse("contacts:do_not_contact_export")
    file = b"".join(as_supervisor.get(url, {"scope": "text"}).streaming_content).decode()
    assert "+14155550102" in file
    assert "+14155550101" not in file


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("all", "all"),
        ("Everything", "all"),
        ("VOICE", "voice"),
        ("Calls", "voice"),
        ("SMS", "text"),
        ("E-Mail", "email"),
        ("fax", None),
    ],
)
def test_scopes_as_people_write_them(text, scope):
    assert scope_of(text) == scope


@pytest.mark.parametrize(
    ("text", "country", "last_day"),
    [
        ("2027-12-31", "US", "2027-12-31"),
        ("12/31/2027", "US", "2027-12-31"),
        ("31/12/2027", "US", "2027-12-31"),
        ("3/4/2027", "US", "2027-03-04"),
        ("3/4/2027", "DE", "2027-04-03"),
        ("3.4.2027", "US", "2027-04-03"),
        ("12/31/2027", "GB", "2027-12-31"),
        ("2027-12-31 00:00:00", "US", "2027-12-31"),
        ("2027-12-31T23:00:00", "US", "2027-12-31"),
        ("9999-12-31", "US", None),
        ("31/31/2027", "US", None),
        ("tomorrow", "US", None),
        ("20271231", "US", "2027-12-31"),
    ],
)
def test_days_as_people_write_them(text, country, last_day):
    moment = moment_of(text, country)
    assert (moment and DoNotContact(expires_at=moment).last_day.isoformat()) == last_day


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "UTC", "America/Los_Angeles"])
def test_a_day_ends_at_the_same_moment_in_a_file_and_on_the_page_wherever_it_is_typed(
    as_supervisor, run_tasks, zone
):
    as_supervisor.cookies["time_zone"] = zone
    values = {"lines": "4155550101", "scope": "all", "country": "US", "until": "2099-12-31"}
    as_supervisor.post(reverse("contacts:do_not_contact"), values)
    with timezone.override(zone):
        imported(HEADER + "4155550102,,,,2099-12-31\n4155550103,,,,2099-12-31T23:59:59\n")
    typed, from_file, with_time = DoNotContact.objects.order_by("phone_number")
    # Over in the last zone on earth.
    assert typed.expires_at.isoformat() == from_file.expires_at.isoformat() == "2100-01-01T12:00:00+00:00"
    assert with_time.expires_at == typed.expires_at - timedelta(seconds=1)
    # Shown is the day that was typed, and what is exported is the same moment.
    page = as_supervisor.get(reverse("contacts:do_not_contact")).text
    assert page.count("until Dec 31, 2099") == 3
    file = b"".join(as_supervisor.get(reverse("contacts:do_not_contact_export")).streaming_content)
    assert sums(imported(file)) == {"rows": 3, "unchanged": 3}


NUMBERS = [f"+141555501{n:02}" for n in range(4)]
EMAILS = ["a@b.example", "c@d.example"]
ends = st.sampled_from([None, 1, 2, 3])
rows_of_files = st.lists(
    st.tuples(
        st.sampled_from([None, *NUMBERS]),
        st.sampled_from([None, *EMAILS]),
        st.sampled_from(["all", "voice"]),
        ends,
    ).filter(lambda row: row[0] or row[1]),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(there=rows_of_files, file=rows_of_files)
def test_whatever_is_in_a_file_the_longest_holds_and_the_sums_add_up(db, there, file):
    """Against a list kept by hand: two files, one after the other, and the second once more."""
    DoNotContact.objects.all().delete()
    base = timezone.now()
    model: dict[tuple[str, str], int | None] = {}

    def put(rows):
        destination = OntoDoNotContact(Import(mapping={}, dialect=DIALECT, scope="all", country="US"))
        expected = {"created": 0, "updated": 0, "unchanged": 0, "duplicates": 0}
        first: dict[tuple[str, str], int] = {}
        longest: dict[tuple[str, str], int | None] = {}
        for line, (number, email, scope, end) in enumerate(rows):
            for address in filter(None, (number, email)):
                key = (address, scope)
                first.setdefault(key, line)
                known = longest.get(key, 0)
                longest[key] = None if None in (known, end) else max(known, end)
        results: dict[int, set[str]] = {line: set() for line in range(len(rows))}
        for key, end in longest.items():
            if key not in model:
                result, model[key] = "created", end
            elif model[key] is None or (end is not None and end <= model[key]):
                result = "unchanged"
            else:
                result, model[key] = "updated", end
            results[first[key]].add(result)
        for found in results.values():
            best = next((r for r in ("created", "updated", "unchanged") if r in found), "duplicates")
            expected[best] += 1
        with destination:
            staged = [
                Forbidden(line, number, email, scope, "", end and base + timedelta(days=end))
                for line, (number, email, scope, end) in enumerate(rows)
            ]
            for start in range(0, len(staged), 5):
                destination.add(staged[start : start + 5])
            merged = destination.merge()
        assert {name: getattr(merged, name) for name in expected} == expected
        found = {
            (entry.phone_number or entry.email, entry.scope): entry.expires_at
            for entry in DoNotContact.objects.all()
        }
        assert found == {key: end and base + timedelta(days=end) for key, end in model.items()}

    put(there)
    put(file)
    put(file)


def test_nothing_is_left_behind_by_a_run_that_breaks():
    destination = OntoDoNotContact(
        Import(mapping={"0": "phone_number"}, dialect=DIALECT, scope="all", country="US")
    )

    def broken() -> None:
        with destination:
            destination.add([Forbidden(1, NUMBERS[0], None, "all", "", None)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.staged_forbidden')")
        assert cursor.fetchone() == (None,)
    assert not DoNotContact.objects.exists()


# --- From a shell ----------------------------------------------------------------------------------


def test_the_command_imports_and_prints_the_sums(tmp_path, capsys):
    file = tmp_path / "never.csv"
    file.write_text("Phone,Email\n0171 2345678,a@b.example\n12,\n")
    call_command("import_do_not_contact", file, "--scope=text", "--reason=letter", "--country=de", "--json")
    assert json.loads(capsys.readouterr().out) == {
        "rows": 2,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "duplicates": 0,
        "invalid": 1,
    }
    assert entries() == {("+491712345678", "text", "letter"), ("a@b.example", "text", "letter")}
    call_command("import_do_not_contact", file, "--scope=text", "--country=de")
    out = capsys.readouterr().out
    assert re.search(r"unchanged +1", out)
    assert "line 3: “12”: too short" in out


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        (None, [], "No such file"),
        ("", [], "empty"),
        ("Name\nAnna\n", [], "Choose the column"),
        ("4155550101\n", ["--country", "Atlantis"], "no country"),
        ("4155550101\n", ["--reason", "x" * 201], "at most 200"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, text, options, told):
    file = tmp_path / "never.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(CommandError, match=told):
        call_command("import_do_not_contact", file, *options)
    assert not DoNotContact.objects.exists()
    assert not Import.objects.exists()


def test_all_numbers_and_addresses_of_a_row_are_forbidden():
    done = imported(
        "Phone,Mobile,Email,Other email,Fax\n"
        "+14155550105 ::: +14155550106,415 555 0107,a@a.com ::: B@a.com,c@a.com,415 555 0199\n"
        '4155550108;4155550109;ext=5,,"d@a.com; e@a.com",,\n'
        ",4155550110,,f@a.com,\n"
        ",4155550105,,,\n"
    )
    assert sums(done) == {"rows": 4, "created": 3, "duplicates": 1}
    assert {address for address, _, _ in entries()} == {
        *(f"+1415555{number}" for number in ("0105", "0106", "0107", "0108", "0109", "0110")),
        *(f"{letter}@a.com" for letter in "abcdef"),
    }
    assert DoNotContact.objects.count() == 12


@pytest.mark.parametrize(
    "row",
    [
        "+14155550105 ::: 12,",
        "+14155550105;+1415555,",
        "+14155550105,a@a.com ::: b",
        "+14155550105,a@a.com b",
    ],
)
def test_a_row_with_one_wrong_address_is_rejected_whole(row):
    done = imported(f"Phone,Email\n{row}\n+14155550199,\n")
    assert sums(done) == {"rows": 2, "created": 1, "invalid": 1}
    assert {address for address, _, _ in entries()} == {"+14155550199"}


def test_a_column_that_only_is_called_number_is_not_a_further_number():
    done = imported("Number,Phone\n17,4155550101\n18,4155550102\n")
    assert sums(done) == {"rows": 2, "created": 2}
