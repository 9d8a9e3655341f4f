"""The pages of imports: upload, columns, progress, result; for those who edit and those who read along."""

from __future__ import annotations

import csv
import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from contacts.importing.running import run_import
from contacts.lifecycles import IMPORT
from contacts.models import Contact, DoNotContact, Import, ImportStatus, RejectedRow, RememberedMapping
from dialer.erasing import erase_contact
from tests.contacts.conftest import mapped, sums, uploaded
from tests.factories import ListFactory
from tests.factories.contact_files import workbook

pytestmark = pytest.mark.django_db
SAMPLE = "Name,Phone,Plan\nAnna Svensson,(415) 555-0101,Basic\nBo Ek,911,Family\n"
NEW = "/contacts/import/"


def send(client, data=SAMPLE, name="people.csv", **values):
    content = data.encode() if isinstance(data, str) else data
    given = {"file": SimpleUploadedFile(name, content), "country": "US", "list_name": "Autumn", **values}
    return client.post(reverse("contacts:import_new"), given)


def said(response) -> str:
    """The words of a page."""
    text = re.sub(r"<(script|style|head).*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def columns_of(contact_import, **others):
    return {f"column_{position}": target for position, target in contact_import.mapping.items()} | others


# --- How the file is read ----------------------------------------------------------------------------------


def test_another_sheet_can_be_chosen_and_is_imported(as_supervisor):
    book = workbook(
        {
            "Leads": [["Name", "Phone"], ["Anna", 4155550101]],
            "More": [["Telefon", "Vorname"], ["4155550102", "Bo"], ["4155550103", "Cy"]],
        }
    )
    url = send(as_supervisor, book, "book.xlsx").url
    assert "Excel workbook, sheet “Leads”" in said(as_supervisor.get(url))
    other = as_supervisor.get(url, {"sheet": "More"}, headers={"HX-Request": "true"})
    assert "Import 2 rows" in said(other)
    assert "<html" not in other.content.decode()
    chosen = {"sheet": "More", "header": "1", "column_0": "phone_number", "column_1": "first_name"}
    assert as_supervisor.post(url, chosen).status_code == 302
    made = Import.objects.get()
    run_import(made.pk)
    made.refresh_from_db()
    assert sums(made) == {"rows": 2, "created": 2}
    assert set(Contact.objects.values_list("first_name", flat=True)) == {"Bo", "Cy"}


def test_an_encoding_can_be_corrected(as_supervisor):
    data = "Name,Phone\nŽižić,+385 1 4567 890\n".encode("cp1250")
    url = send(as_supervisor, data).url
    assert "Žižić" not in said(as_supervisor.get(url))
    assert "Žižić" in said(as_supervisor.get(url, {"encoding": "cp1250"}))
    made = Import.objects.get()
    as_supervisor.post(url, columns_of(made, encoding="cp1250", delimiter=",", header="1"))
    run_import(made.pk)
    assert Contact.objects.get().name == "Žižić"


def test_a_separator_can_be_corrected(as_supervisor):
    url = send(as_supervisor, "Name;Phone, mobile\nAnna;4155550101\n").url
    page = said(as_supervisor.get(url, {"delimiter": "|"}))
    assert "separated by vertical bars" in page
    assert "separated by semicolons" in said(as_supervisor.get(url, {"delimiter": ";"}))


def test_what_cannot_be_read_as_was_said_is_told_and_can_be_said_otherwise(as_supervisor):
    url = send(as_supervisor).url
    page = as_supervisor.get(url, {"encoding": "utf-16"})
    assert page.status_code == 200
    assert "can’t be read like this" in said(page)
    assert 'name="encoding"' in page.content.decode()
    posted = as_supervisor.post(url, columns_of(Import.objects.get(), encoding="utf-16"))
    assert "can’t be read" in said(posted)
    assert Import.objects.get().status == ImportStatus.UPLOADED


@pytest.mark.parametrize(
    "query",
    [{"encoding": "rot13"}, {"delimiter": "x"}, {"sheet": "../etc"}, {"header": "7"}, {"guess": "\0"}],
)
def test_what_makes_no_sense_changes_nothing(as_supervisor, query):
    url = send(as_supervisor).url
    page = as_supervisor.get(url, query)
    assert page.status_code == 200
    assert "Import 2 rows" in said(page)


def test_a_file_that_is_gone_is_told(as_supervisor):
    url = send(as_supervisor).url
    Import.objects.get().file.delete()
    assert "gone" in said(as_supervisor.get(url))


def test_one_duplicate_is_one(as_supervisor):
    url = send(as_supervisor, "Name,Phone\nAnna,4155550101\nAnna,4155550101\n").url
    made = Import.objects.get()
    as_supervisor.post(url, columns_of(made))
    run_import(made.pk)
    page = as_supervisor.get(url)
    assert "2 rows: 1 created, 1 duplicate." in said(page)
    assert "1 duplicates" not in page.content.decode()


# --- Remembered mappings -----------------------------------------------------------------------------------


def test_the_next_file_with_the_same_headers_is_mapped_as_the_last(as_supervisor):
    url = send(as_supervisor, "Name,Phone,Plan\nAnna,4155550101,Basic\n").url
    as_supervisor.post(url, {"column_0": "company", "column_1": "phone_number", "column_2": ""})
    url = send(as_supervisor, "PLAN,phone,Name\nBasic,4155550102,Bo Ek\n").url
    again = Import.objects.latest("pk")
    assert again.mapping == {"0": "", "1": "phone_number", "2": "company"}
    assert "As last time" in said(as_supervisor.get(url))
    guessed = as_supervisor.get(url, {"guess": "1"})
    assert "As last time" not in said(guessed)
    assert 'value="name" selected' in guessed.content.decode()


def test_a_mapping_without_a_header_is_never_remembered(as_supervisor):
    url = send(as_supervisor, "Anna,4155550101\nBo,4155550102\n").url
    as_supervisor.post(url, columns_of(Import.objects.get(), header="0"))
    assert Import.objects.get().status == ImportStatus.MAPPED
    assert not RememberedMapping.objects.exists()


def test_two_columns_of_one_name_are_remembered_apart(as_supervisor):
    text = "Phone,Phone,Name\n4155550101,4155550111,Anna\n"
    url = send(as_supervisor, text).url
    as_supervisor.post(url, {"column_0": "", "column_1": "phone_number", "column_2": "name"})
    send(as_supervisor, text)
    assert Import.objects.latest("pk").mapping == {"0": "", "1": "phone_number", "2": "name"}


@pytest.mark.django_db(transaction=True)
def test_two_who_map_files_of_one_header_at_once_both_succeed():
    made = [uploaded(SAMPLE, list_name=f"List {n}") for n in range(4)]
    together = threading.Barrier(len(made))

    def map_it(contact_import: Import) -> None:
        try:
            together.wait(10)
            mapped(contact_import)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(made)) as pool:
        list(pool.map(map_it, made))
    assert RememberedMapping.objects.count() == 1
    assert set(Import.objects.values_list("status", flat=True)) == {ImportStatus.MAPPED}


def test_what_is_remembered_of_contacts_is_not_proposed_for_do_not_contact(as_supervisor):
    url = send(as_supervisor, "Phone,Note\n4155550101,x\n").url
    as_supervisor.post(url, {"column_0": "phone_number", "column_1": "field:note"})
    send(as_supervisor, "Phone,Note\n4155550101,x\n", purpose="do_not_contact", scope="all")
    assert Import.objects.latest("pk").mapping == {"0": "phone_number", "1": "reason"}


# --- Corrected rows ----------------------------------------------------------------------------------------


def rejected_file(client, contact_import) -> str:
    response = client.get(reverse("contacts:import_rejected", args=[contact_import.pk]))
    return b"".join(response.streaming_content).decode()


def test_corrected_rows_go_where_the_others_went(as_supervisor):
    text = "A;B\n+44 20 7946 0958;Olu\n020 7946;Anna\n"
    url = send(as_supervisor, text, list_name="London", country="GB").url
    as_supervisor.post(url, {"column_0": "phone_number", "column_1": "company"})
    first = Import.objects.get()
    run_import(first.pk)
    first.refresh_from_db()
    assert sums(first) == {"rows": 2, "created": 1, "invalid": 1}
    page = as_supervisor.get(first.get_absolute_url())
    assert f"{NEW}?corrects={first.pk}" in page.content.decode()
    form = as_supervisor.get(NEW, {"corrects": first.pk})
    assert 'value="London"' in form.content.decode()
    assert 'value="GB" selected' in form.content.decode()
    RememberedMapping.objects.all().delete()
    corrected = rejected_file(as_supervisor, first).replace("020 7946", "020 7946 0959")
    url = send(as_supervisor, corrected, "x.csv", list_name="London", country="GB", corrects=first.pk).url
    second = Import.objects.latest("pk")
    assert second.mapping == {"0": "phone_number", "1": "company", "2": "", "3": ""}
    as_supervisor.post(url, columns_of(second))
    run_import(second.pk)
    second.refresh_from_db()
    assert sums(second) == {"rows": 1, "created": 1}
    assert second.list == first.list
    assert Contact.objects.get(phone_number="+442079460959").company == "Anna"


def test_rejected_rows_of_a_file_without_a_header_can_be_corrected_too(as_supervisor, import_text):
    first = import_text("415 555 0101,Anna,Ek\n415 055,Bo,Ek\n415 555 0103,Cy,Ott\n")
    corrected = rejected_file(as_supervisor, first).replace("415 055", "415 555 0102")
    send(as_supervisor, corrected, "rejected.csv", corrects=first.pk)
    second = mapped(Import.objects.latest("pk"))
    run_import(second.pk)
    second.refresh_from_db()
    assert sums(second) == {"rows": 1, "created": 1}
    assert Contact.objects.get(phone_number="+14155550102").name == "Bo Ek"


def correct(client, contact_import, *, text=None) -> Import:
    """What becomes of an import's rejected rows, uploaded again as they are, or as given."""
    text = rejected_file(client, contact_import) if text is None else text
    send(client, text, "rejected.csv", corrects=contact_import.pk)
    again = mapped(Import.objects.latest("pk"))
    run_import(again.pk)
    again.refresh_from_db()
    return again


def test_a_row_with_too_many_values_comes_back_whole_and_is_rejected_until_it_is_corrected(
    as_supervisor, import_text
):
    head = "Phone,Name,Company\n"
    text = head + "911,Ann,Blue\n4155550104,Smith,John,ACME,,x\n4155550105,Bo,Red\n"
    first = import_text(text)
    assert sums(first) == {"rows": 3, "created": 1, "invalid": 2}
    lines = list(csv.reader(io.StringIO(rejected_file(as_supervisor, first).removeprefix("\ufeff"))))
    beyond = [f"Value without a column {number}" for number in (1, 2, 3)]
    assert lines == [
        ["Phone", "Name", "Company", *beyond, "Line in the file", "Why it was rejected"],
        ["911", "Ann", "Blue", "", "", "", "2", "“911”: too short"],
        ["4155550104", "Smith", "John", "ACME", "", "x", "3", lines[2][-1]],
    ]
    second = correct(as_supervisor, first)
    assert sums(second) == {"rows": 2, "invalid": 2}
    assert second.mapping == {**first.mapping, **{str(position): "" for position in range(3, 8)}}
    # And so on: no column is added twice.
    again = list(csv.reader(io.StringIO(rejected_file(as_supervisor, second).removeprefix("\ufeff"))))
    assert again[0] == lines[0]
    assert again[2][:6] == lines[2][:6]
    corrected = rejected_file(as_supervisor, second).replace("Smith,John,ACME,,x", '"Smith, John",ACME,,,')
    third = correct(as_supervisor, second, text=corrected)
    assert sums(third) == {"rows": 2, "created": 1, "invalid": 1}
    found = Contact.objects.get(phone_number="+14155550104")
    assert (found.first_name, found.last_name, found.company, found.fields) == ("John", "Smith", "ACME", {})


def test_no_value_of_a_row_with_far_too_many_is_lost(as_supervisor, import_text):
    names = ",".join(f"n{number}" for number in range(498))
    text = f"Phone,{names}\n4155550104" + "".join(f",v{number}" for number in range(600)) + "\n911\n"
    first = import_text(text)
    file = rejected_file(as_supervisor, first)
    assert all(f"v{number}" in file for number in range(600))
    assert sums(correct(as_supervisor, first)) == {"rows": 2, "invalid": 2}


@pytest.mark.parametrize("corrects", ["0", "x", "99999999999999999999", "-1"])
def test_corrections_of_nothing_are_an_upload_like_any(as_supervisor, corrects):
    assert as_supervisor.get(NEW, {"corrects": corrects}).status_code == 200
    assert send(as_supervisor, corrects=corrects).status_code == 302


# --- An email address is enough ----------------------------------------------------------------------------


def test_an_email_address_can_be_enough(as_supervisor):
    text = "Name,Email\nAnna,anna@example.com\n"
    url = send(as_supervisor, text, email_is_enough="on").url
    made = Import.objects.get()
    assert made.email_is_enough
    assert "An email address is enough" in said(as_supervisor.get(url))
    assert as_supervisor.post(url, columns_of(made, email_is_enough="on")).status_code == 302
    url = send(as_supervisor, text).url
    refused = as_supervisor.post(url, columns_of(made))
    assert refused.status_code == 422
    assert "Choose the column that holds the phone number." in said(refused)
    assert "tick “An email address is enough”" in said(refused)
    other = Import.objects.latest("pk")

    assert as_supervisor.post(url, columns_of(other, email_is_enough="on")).status_code == 302
    run_import(other.pk)
    assert Contact.objects.get().email == "anna@example.com"


def test_what_a_row_needs_can_be_said_above_the_first_rows(as_supervisor):
    text = "Name,Phone,Email\nAnna,4155550101,\nBo,,bo@example.com\nCy,n/a,cy@example.com\n"
    url = send(as_supervisor, text).url
    made = Import.objects.get()
    page = as_supervisor.get(url)
    assert "2 of the first 3 rows have an email address and no number" in said(page)
    assert 'name="email_is_enough" form="mapping">' in page.text

    as_supervisor.post(url, columns_of(made, email_is_enough="on"))
    run_import(made.pk)

    made.refresh_from_db()
    assert made.email_is_enough
    assert sums(made) == {"rows": 3, "created": 3}


def test_an_email_address_that_was_enough_can_be_too_little_again(as_supervisor):
    text = "Name,Phone,Email\nAnna,4155550101,\nBo,,bo@example.com\n"
    url = send(as_supervisor, text, email_is_enough="on").url
    made = Import.objects.get()
    assert 'form="mapping" checked>' in as_supervisor.get(url).text

    as_supervisor.post(url, columns_of(made))
    run_import(made.pk)

    made.refresh_from_db()
    assert sums(made) == {"rows": 2, "created": 1, "invalid": 1}


def test_what_was_ticked_stays_ticked_beside_a_problem(as_supervisor):
    text = "Name,Phone,Email\nAnna,4155550101,a@example.com\n"
    url = send(as_supervisor, text).url
    twice = {"column_0": "phone_number", "column_1": "phone_number", "column_2": "email"}

    refused = as_supervisor.post(url, {**twice, "email_is_enough": "on"})

    assert refused.status_code == 422
    assert 'form="mapping" checked>' in refused.text


# --- Do not contact ----------------------------------------------------------------------------------------


def test_do_not_contact_is_imported_by_the_same_pages(as_supervisor, supervisor):
    form = as_supervisor.get(NEW, {"purpose": "do_not_contact"})
    assert 'name="scope"' in form.content.decode()
    assert 'name="list_name"' not in form.content.decode()
    text = "Phone,Email,Note,City\n4155550101,,asked at the fair,Reno\n,bo@example.com,,\n911,,,\n"
    url = send(as_supervisor, text, purpose="do_not_contact", scope="voice", reason="fair").url
    made = Import.objects.get()
    assert (made.purpose, made.scope, made.reason) == ("do_not_contact", "voice", "fair")
    page = as_supervisor.get(url)
    assert "Adds to do-not-contact: calls" in said(page)
    assert "Full name" not in said(page)
    assert "Field “city”" not in said(page)
    as_supervisor.post(url, columns_of(made))
    run_import(made.pk)
    made.refresh_from_db()
    assert sums(made) == {"rows": 3, "created": 2, "invalid": 1}
    done = said(as_supervisor.get(url))
    assert "3 rows: 2 added, 1 invalid." in done
    assert "do-not-contact list" in done
    assert DoNotContact.objects.count() == 2
    assert "Do not contact" in said(as_supervisor.get(reverse("contacts:imports")))


def test_an_unknown_purpose_is_contacts(as_supervisor):
    assert 'name="list_name"' in as_supervisor.get(NEW, {"purpose": "x' OR 1"}).content.decode()


# --- Progress, result, cancelling --------------------------------------------------------------------------


def test_progress_is_told_by_rows_and_then_by_saving(as_supervisor, upload):
    made = mapped(upload("Phone\n" + "4155550101\n" * 300))
    IMPORT.apply_to(made, "run")
    Import.objects.update(rows=150, invalid=3)
    page = as_supervisor.get(made.get_absolute_url())
    assert "150 of about 300 rows read" in said(page)
    assert 'value="50"' in page.content.decode()
    Import.objects.update(rows=300, saving_since=timezone.now())
    page = as_supervisor.get(made.get_absolute_url())
    assert "Saving…" in said(page)
    assert 'hx-trigger="live"' in page.content.decode()


def test_a_running_import_is_cancelled_after_a_question(as_supervisor, upload):
    made = mapped(upload(SAMPLE))
    IMPORT.apply_to(made, "run")
    assert "Cancel this import?" in said(as_supervisor.get(made.get_absolute_url()))
    response = as_supervisor.post(reverse("contacts:import_cancel", args=[made.pk]), follow=True)
    assert "Nothing was imported." in said(response)
    assert 'hx-trigger="live"' not in response.content.decode()
    made.refresh_from_db()
    assert made.status == ImportStatus.CANCELLED
    run_import(made.pk)
    assert not Contact.objects.exists()


def test_an_upload_that_is_not_wanted_is_discarded(as_supervisor):
    url = send(as_supervisor).url
    assert "Discard" in said(as_supervisor.get(url))
    made = Import.objects.get()
    as_supervisor.post(reverse("contacts:import_cancel", args=[made.pk]))
    assert "Cancelled" in said(as_supervisor.get(url))
    assert as_supervisor.post(url, columns_of(made)).status_code == 302
    assert Import.objects.get().status == ImportStatus.CANCELLED


def test_a_finished_import_is_not_cancelled(as_supervisor, import_text):
    done = import_text(SAMPLE)
    assert "Cancel" not in said(as_supervisor.get(done.get_absolute_url()))
    response = as_supervisor.post(reverse("contacts:import_cancel", args=[done.pk]), follow=True)
    assert "not possible" in said(response)
    done.refresh_from_db()
    assert done.status == ImportStatus.COMPLETED


def test_the_result_says_the_sums_in_a_sentence(as_viewer, import_text):
    done = import_text(SAMPLE)
    page = said(as_viewer.get(done.get_absolute_url()))
    assert "2 rows: 1 created, 1 invalid." in page
    assert "Download 1 row" in page


def test_those_who_read_along_are_offered_nothing_to_change(as_viewer, import_text, upload):
    done = import_text(SAMPLE)
    waiting = upload(SAMPLE)
    running = mapped(upload(SAMPLE))
    IMPORT.apply_to(running, "run")
    for one in (done, waiting, running):
        page = as_viewer.get(one.get_absolute_url()).content.decode()
        assert "corrects=" not in page
        assert "import_cancel" not in page
        assert "/cancel/" not in page
        assert "/retry/" not in page
    assert "Not imported yet" in said(as_viewer.get(waiting.get_absolute_url()))


def test_the_list_of_imports_shows_all_sums(as_viewer, import_text):
    import_text(SAMPLE)
    page = said(as_viewer.get(reverse("contacts:imports")))
    assert "Rows Created Updated Unchanged Duplicates Invalid" in page


def test_a_list_is_proposed_by_its_id(as_supervisor):
    winter = ListFactory(name="Winter")
    assert 'value="Winter"' in as_supervisor.get(NEW, {"list": winter.pk}).content.decode()


def test_rows_of_whoever_was_erased_are_not_offered(as_supervisor, supervisor, import_text):
    done = import_text("Name,Phone\nAnna,+14155550101\nBo,911\nAnna,415 555 0101 x\n")
    rows = done.rejected_rows
    RejectedRow.objects.create(contact_import=done, line=9, reason="no", values=["Anna", "+14155550101"])
    url = done.get_absolute_url()
    assert f"Download {rows.count()} rows" in said(as_supervisor.get(url))
    anna = Contact.objects.get(phone_number="+14155550101")
    erase_contact(contact=anna, actor=supervisor, keep_do_not_contact=False)
    kept = rows.exclude(values=[]).count()
    assert kept == 1
    assert "Download 1 row" in said(as_supervisor.get(url)).replace("Download 1 rows", "")
    assert len(list(csv.reader(io.StringIO(rejected_file(as_supervisor, done))))) == 2
    rows.update(values=[])
    assert "are not kept any more" in said(as_supervisor.get(url))


def test_rejected_rows_come_with_line_and_reason_from_a_workbook_too(as_supervisor, import_text):
    done = import_text(workbook({"A": [[], ["Phone", "Name"], [911, "Anna"], [4155550101, "Bo"]]}))
    lines = list(csv.reader(io.StringIO(rejected_file(as_supervisor, done).removeprefix("\ufeff"))))
    assert lines[1] == ["911", "Anna", "3", "“911”: too short"]


def test_the_log_tells_who_did_what_to_imports_and_lists(
    as_supervisor, supervisor, import_text, upload, caplog
):
    caplog.set_level("INFO")
    waiting = upload("Phone\n4155550101\n")
    done = import_text("Phone\n4155550102\n12\n", "Autumn")
    failed = mapped(upload("Phone\n4155550103\n"))
    Import.objects.filter(pk=failed.pk).update(status="running")
    caplog.clear()
    as_supervisor.get(reverse("contacts:import_rejected", args=[done.pk]))
    as_supervisor.post(reverse("contacts:import_retry", args=[failed.pk]))
    as_supervisor.post(reverse("contacts:import_cancel", args=[waiting.pk]))
    as_supervisor.post(reverse("contacts:list_edit", args=[done.list.pk]), {"name": "Winter"})
    as_supervisor.post(reverse("contacts:list_delete", args=[done.list.pk]))
    who = supervisor.username
    assert [record.getMessage() for record in caplog.records if record.name.startswith("contacts.")] == [
        f"{who} exported /contacts/imports/{done.pk}/rejected.csv",
        f"{who} ran import {failed.pk} again",
        f"{who} cancelled import {waiting.pk}",
        f"{who} renamed list {done.list.pk} “Winter”",
        f"{who} deleted list {done.list.pk} “Winter”",
    ]
