"""What of an erased person is in files: uploads that wait are named, rows with the name alone are chosen."""

from __future__ import annotations

import pytest
from django.urls import reverse

from contacts.importing import waiting
from contacts.importing.running import run_import
from contacts.models import Contact, Import, RejectedRow
from contacts.services import cancel_import, rejected_by_name, waiting_uploads
from dialer.erasing import erase_contact
from tests.contacts.conftest import mapped, uploaded
from tests.contacts.test_import_pages import said
from tests.factories import ContactFactory
from tests.factories.contact_files import workbook

pytestmark = pytest.mark.django_db
NUMBER = "+14155550142"


@pytest.fixture
def anna():
    return ContactFactory(
        phone_number=NUMBER, email="anna@example.com", first_name="Anna", last_name="Svensson"
    )


def page_of(contact) -> str:
    return reverse("analytics:erase_contact", args=[contact.pk])


# --- Uploads that wait -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file",
    [
        "Name,Phone\nA,+1 (415) 555-0142\n",
        "Name;Phone\nA;415.555.0142\n",
        'Name,Phone\nA,"415/555 0142"\n',
        "Name\tPhone\nA\t001 415 5550142\n",
        "Name,Phone\nA,٤١٥٥٥٥٠١٤٢\n",
        "Name,Email\nA,Anna@Example.COM\n",
        "Name,Note\nA,call 4155550142 or write\n",
        ("Name\tPhone\nÅsa\t415-555-0142\n").encode("utf-16"),
        "Name,Phone\nÅsa,415-555-0142\n".encode("cp1252"),
        workbook({"People": [["Name", "Phone"], ["A", 4155550142]]}),
        workbook({"People": [["Name", "Phone"], ["A", "(415) 555-0142"]]}),
        workbook({"People": [["Name", "Mail"], ["A", "Anna@example.com"]]}),
        "Name,Phone\n" + "B,+1 202 555 0100\n" * 3000 + "A,415-555-0142\n",
    ],
)
def test_a_file_that_waits_and_holds_the_person_is_found(anna, file, monkeypatch):
    monkeypatch.setattr(waiting, "_BLOCK", 700)
    held = uploaded(file)

    assert waiting_uploads(anna) == [held]


@pytest.mark.parametrize(
    "file",
    [
        "Name,Phone\nAnna Svensson,+1 415 555 0143\n",
        "Name,Phone\nA,415555\nB,0142\n",
        "Name,Zip,Ext\nA,415555,0142\n",
        "Name,Email\nA,anne@example.com\n",
        workbook({"People": [["Name", "Zip", "Ext"], ["A", 415555, 142], ["A", "415555", "0142"]]}),
    ],
)
def test_a_file_without_the_person_is_not(anna, file):
    uploaded(file)

    assert waiting_uploads(anna) == []


def test_of_imports_that_ended_nothing_is_left_to_look_through(anna):
    text = f"Name,Phone\nA,{NUMBER}\n"
    done, cancelled = mapped(uploaded(text)), uploaded(text)
    run_import(done.pk)
    cancel_import(contact_import=cancelled, actor=None)

    assert waiting_uploads(anna) == []


def test_a_file_that_is_gone_holds_nobody_and_one_that_is_broken_may(anna):
    gone, broken = uploaded(f"Phone\n{NUMBER}\n"), uploaded(workbook({"A": [["Phone"], ["1"]]}))
    gone.file.storage.delete(gone.file.name)
    with broken.file.open("rb") as stored:
        start = stored.read(200)
    broken.file.storage.delete(broken.file.name)
    with broken.file.storage.open(broken.file.name, "wb") as stored:
        stored.write(start)

    assert waiting_uploads(anna) == [broken]


def test_a_number_that_lies_across_two_blocks_is_found(anna, monkeypatch):
    one = uploaded("Name,Phone\n" + "x" * 40 + ",+1 (415) 555-0142\n")
    for size in range(11, 70):
        monkeypatch.setattr(waiting, "_BLOCK", size)
        assert waiting_uploads(anna) == [one]


def test_they_are_named_before_and_after(as_supervisor, anna):
    held = uploaded(f"Name,Phone\nA,{NUMBER}\n")
    page = as_supervisor.get(page_of(anna))
    assert "not imported yet and holds this number or address: people.csv" in said(page)
    assert held.get_absolute_url() in page.text

    done = as_supervisor.post(page_of(anna), {"typed": "Anna Svensson", "keep": "on"}, follow=True)

    assert "Not imported yet, and still with this person in it: “people.csv”" in said(done)


def test_where_there_is_none_nothing_is_said(as_supervisor, anna):
    uploaded("Name,Phone\nA,+1 202 555 0100\n")
    assert "holds this number" not in said(as_supervisor.get(page_of(anna)))

    done = as_supervisor.post(page_of(anna), {"typed": "Anna Svensson"}, follow=True)

    assert "The person was erased." in said(done)
    assert "Not imported yet" not in said(done)


def test_imported_later_the_person_is_a_new_contact_that_nobody_calls(anna, supervisor):
    """As the page and the guide say."""
    held = mapped(uploaded(f"Name,Phone\nAnna Svensson,{NUMBER}\n"))
    erase_contact(contact=anna, actor=supervisor, keep_do_not_contact=True)

    run_import(held.pk)

    again = Contact.objects.get(phone_number=NUMBER)
    assert again != anna
    anna.refresh_from_db()
    assert anna.erased_at
    assert list(anna.memberships.current()) == []


# --- Rejected rows with the name alone ---------------------------------------------------------------------


@pytest.fixture
def rows(import_text):
    """Rejected: three with the name, in one cell, in two, turned; and others."""
    import_text(
        'Name,Phone\nanna  svensson,911\n"Svensson, Anna",\nAnna,\nAnna Svensson-Berg,\n'
        "Anna Svensson,+1 415 555 0142 99999\nBo Ek,\n"
    )
    import_text("First,Last,Phone\nAnna,Svensson,12\nSvensson,Bo,12\n", "Other")
    return {row.pk: row.values for row in RejectedRow.objects.all()}


def test_rows_with_exactly_the_name_are_found(anna, rows):
    found = {tuple(row.values) for row in rejected_by_name(anna)}

    assert found == {("anna  svensson", "911"), ("Svensson, Anna", ""), ("Anna", "Svensson", "12")}


def test_nobody_is_looked_for_by_half_a_name(rows):
    assert rejected_by_name(ContactFactory(first_name="Anna", last_name="")) == []


def test_the_chosen_rows_go_and_no_others(as_supervisor, anna, rows):
    page = as_supervisor.get(page_of(anna))
    assert "people.csv, line 2" in said(page)
    chosen = next(row.pk for row in rejected_by_name(anna) if row.values[1] == "911")
    somebody_elses = next(pk for pk, values in rows.items() if "Bo Ek" in values)

    as_supervisor.post(
        page_of(anna), {"typed": "Anna Svensson", "rejected": [chosen, somebody_elses, "x", "9" * 30]}
    )

    blank = set(RejectedRow.objects.filter(values=[]).values_list("pk", flat=True))
    by_number = next(pk for pk, values in rows.items() if "+1 415 555 0142 99999" in values)
    assert blank == {chosen, by_number}


def test_what_was_chosen_stays_chosen_when_the_name_was_mistyped(as_supervisor, anna, rows):
    chosen = rejected_by_name(anna)[0].pk

    page = as_supervisor.post(page_of(anna), {"typed": "nobody", "rejected": [chosen]})

    assert page.status_code == 422
    assert f'value="{chosen}" checked' in page.text
    assert Import.objects.count() == 2
