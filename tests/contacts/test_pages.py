"""The pages of contacts: who may see and do what, and what they say."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from contacts.exporting import neutral
from contacts.lifecycles import IMPORT
from contacts.models import Contact, DoNotContact, Import, ImportStatus, List, RejectedRow, RememberedMapping
from contacts.services import add_numbers
from dialer.erasing import erase_contact
from tests.contacts.conftest import mapped
from tests.factories import ChannelFactory, ContactFactory, DoNotContactFactory, ListFactory, zone_set

pytestmark = pytest.mark.django_db
SAMPLE = "Name,Phone,Plan\nAnna Svensson,(415) 555-0101,Basic\nBo Ek,911,Family\n"

# Whole for longer than an upload looks at.
BROKEN = "Phone,Name\n" + "4155550101,Anna\n" * 200 + '4155550102,"Bo\n'


def send(client, text=SAMPLE, name="people.csv", **values):
    data = text.encode() if isinstance(text, str) else text
    return client.post(
        reverse("contacts:import_new"),
        {"file": SimpleUploadedFile(name, data), "country": "US", "list_name": "Autumn", **values},
    )


def said(response) -> str:
    """The words of a page."""
    text = re.sub(r"<(script|style|head).*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


@pytest.fixture
def everything(import_text):
    """One of each, and the addresses of their pages."""
    done = import_text(SAMPLE)
    contact = Contact.objects.get()
    entry = DoNotContactFactory()
    return {
        "read": [
            reverse("contacts:contacts"),
            contact.get_absolute_url(),
            reverse("contacts:lists"),
            done.list.get_absolute_url(),
            reverse("contacts:imports"),
            done.get_absolute_url(),
            reverse("contacts:import_rejected", args=[done.pk]),
            reverse("contacts:do_not_contact"),
            reverse("contacts:do_not_contact_removed"),
            reverse("contacts:do_not_contact_export"),
        ],
        "edit": [
            f"{reverse('contacts:do_not_contact_remove')}?id={entry.pk}",
            reverse("contacts:import_new"),
            reverse("contacts:edit", args=[contact.pk]),
            reverse("contacts:list_edit", args=[done.list.pk]),
            reverse("contacts:list_numbers", args=[done.list.pk]),
        ],
        "post": [
            reverse("contacts:forbid", args=[contact.pk]),
            reverse("contacts:import_retry", args=[done.pk]),
            reverse("contacts:list_delete", args=[done.list.pk]),
        ],
    }


def test_supervisors_open_every_page(as_supervisor, everything):
    for url in everything["read"] + everything["edit"]:
        assert as_supervisor.get(url).status_code == 200, url
    for url in everything["post"]:
        assert as_supervisor.get(url).status_code == 405, url


@pytest.mark.parametrize("who", ["as_viewer", "as_support"])
def test_those_who_read_along_see_everything_and_change_nothing(request, who, everything):
    client = request.getfixturevalue(who)
    for url in everything["read"]:
        response = client.get(url)
        assert response.status_code == 200, url
        if not response.streaming:
            main = response.content.decode().partition("<main")[2].partition("</main>")[0]
            assert 'method="post"' not in main, url
            assert reverse("contacts:import_new") not in main, url
    for url in everything["edit"]:
        assert client.get(url).status_code == client.post(url).status_code == 403, url
    for url in everything["post"]:
        assert client.post(url).status_code == 403, url
    client.post(reverse("contacts:do_not_contact"), {"lines": "4155550109", "scope": "all", "country": "US"})
    client.post(reverse("contacts:lists"), {"name": "Mine"})
    assert DoNotContact.objects.count() == 1
    assert List.objects.count() == 1


def test_agents_and_strangers_see_nothing(as_agent, client, everything):
    for url in everything["read"] + everything["edit"]:
        assert as_agent.get(url).status_code == 403, url
        assert client.get(url).status_code == 302, url


def test_what_does_not_exist_is_not_found(as_supervisor, db):
    for name in ("contact", "edit", "list", "list_edit", "list_numbers", "import", "import_rejected"):
        assert as_supervisor.get(reverse(f"contacts:{name}", args=[999_999])).status_code == 404, name


def test_empty_pages_say_what_to_do(as_supervisor):
    assert "No contacts yet" in said(as_supervisor.get(reverse("contacts:contacts")))
    assert "No lists yet" in said(as_supervisor.get(reverse("contacts:lists")))
    assert "Nobody is on the list" in said(as_supervisor.get(reverse("contacts:do_not_contact")))
    assert "Nothing was imported yet" in said(as_supervisor.get(reverse("contacts:imports")))
    page = as_supervisor.get(ListFactory().get_absolute_url())
    assert "This list is empty" in said(page)


# --- Everybody -------------------------------------------------------------------------------------


def test_contacts_are_shown_nationally_with_their_local_time(as_viewer):
    ContactFactory(phone_number="+14155550142", zone_set=zone_set("America/Los_Angeles"))
    ContactFactory(phone_number="+18005550142", zone_set=zone_set("America/New_York", "America/Denver"))
    ContactFactory(phone_number="+14155550143", zone_set=zone_set())
    page = said(as_viewer.get(reverse("contacts:contacts")))
    assert "(415) 555-0142" in page
    assert "Los Angeles" in page
    assert re.search(r"\d\d:\d\d to \d\d:\d\d Denver or 1 more", page)
    assert "unknown" in page
    assert "3 contacts" in page


def test_a_search_is_answered_with_the_table_alone(as_viewer):
    ContactFactory(first_name="Anna")
    ContactFactory(first_name="Bilal")
    part = as_viewer.get(reverse("contacts:contacts"), {"q": "bil"}, headers={"HX-Request": "true"})
    assert "Bilal" in part.content.decode()
    assert "Anna" not in part.content.decode()
    assert "<html" not in part.content.decode()
    nobody = as_viewer.get(reverse("contacts:contacts"), {"q": "<b>zzz"})
    assert "Nobody matches “&lt;b&gt;zzz”" in nobody.content.decode()


def test_many_contacts_come_in_pages(as_viewer):
    ContactFactory.create_batch(120)
    seen = []
    url = reverse("contacts:contacts")
    while url:
        page = as_viewer.get(url)
        seen += [contact.pk for contact in page.context["page"]]
        cursor = page.context["page"].next
        url = f"{reverse('contacts:contacts')}?cursor={cursor}" if cursor else ""
    assert seen == sorted(Contact.objects.values_list("pk", flat=True), reverse=True)


@pytest.mark.parametrize("path", ["contacts:contacts", "contacts:lists", "contacts:do_not_contact"])
@pytest.mark.parametrize("query", ["q=%00", "q=%FF", "cursor=zzz", "cursor=%00", "q=" + "9" * 500, "q=((("])
def test_odd_addresses_break_nothing(as_viewer, path, query):
    ContactFactory()
    assert as_viewer.get(f"{reverse(path)}?{query}").status_code == 200


def test_a_page_of_contacts_costs_the_same_however_many(as_viewer, django_assert_max_num_queries):
    ContactFactory.create_batch(50)
    with django_assert_max_num_queries(12):
        as_viewer.get(reverse("contacts:contacts"))


# --- One contact -----------------------------------------------------------------------------------


def test_a_contact_is_edited(as_supervisor):
    contact = ContactFactory(phone_number="+14155550101", fields={"plan": "Basic", "since": "2020"})
    response = as_supervisor.post(
        reverse("contacts:edit", args=[contact.pk]),
        {
            "first_name": "Ann",
            "last_name": "S",
            "email": "ANN@example.com",
            "company": "Acme",
            "time_zone": "America/Denver",
            "field_plan": "Family",
            "field_since": "",
            "new_name": "Favourite colour!",
            "new_value": "blue",
        },
    )
    assert response.url == contact.get_absolute_url()
    contact.refresh_from_db()
    assert (contact.name, contact.email, contact.company) == ("Ann S", "ann@example.com", "Acme")
    assert contact.fields == {"plan": "Family", "favourite_colour": "blue"}
    assert contact.zone_set.zones == ["America/Denver"]
    assert "Given by a file or a person" in said(as_supervisor.get(contact.get_absolute_url()))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("email", "not an address", "valid email"),
        ("first_name", "x" * 101, "at most 100 characters"),
        ("time_zone", "Mars/Base", "not one of the available choices"),
        ("new_value", "blue", "Give the new field a name"),
        ("first_name", "a\0b", "Null characters"),
    ],
)
def test_wrong_details_are_told_beside_their_field_and_nothing_is_saved(as_supervisor, field, value, told):
    contact = ContactFactory(first_name="Anna")
    response = as_supervisor.post(
        reverse("contacts:edit", args=[contact.pk]), {"first_name": "Changed", field: value}
    )
    assert response.status_code == 422
    assert told in said(response)
    contact.refresh_from_db()
    assert contact.first_name == "Anna"


def test_a_name_with_markup_is_shown_as_text(as_viewer):
    contact = ContactFactory(first_name="<script>alert(1)</script>", fields={"<i>x": "<b>y"})
    page = as_viewer.get(contact.get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    assert "&lt;b&gt;y" in page


def test_a_contact_is_put_on_the_do_not_contact_list_from_its_page(as_supervisor, supervisor):
    contact = ContactFactory(phone_number="+14155550101")
    as_supervisor.post(reverse("contacts:forbid", args=[contact.pk]), {"reason": "asked at the fair"})
    entry = DoNotContact.objects.get()
    assert (entry.phone_number, entry.scope, entry.created_by) == ("+14155550101", "all", supervisor)
    page = said(as_supervisor.get(contact.get_absolute_url()))
    assert "Do not contact" in page
    assert "asked at the fair" in page
    assert "Do not call" in said(as_supervisor.get(reverse("contacts:contacts")))


# --- Import ----------------------------------------------------------------------------------------


def test_a_file_goes_from_upload_to_sums(as_supervisor, run_tasks, django_capture_on_commit_callbacks):
    response = send(as_supervisor)
    waiting = Import.objects.get()
    assert response.url == waiting.get_absolute_url()
    page = as_supervisor.get(response.url)
    assert "Import 2 rows" in said(page)
    assert page.content.decode().count("selected") >= 3
    with django_capture_on_commit_callbacks(execute=True):
        response = as_supervisor.post(
            response.url,
            {"header": "1", "column_0": "name", "column_1": "phone_number", "column_2": "field:plan"},
        )
    progress = as_supervisor.get(response.url)
    assert "Waiting for its turn" in said(progress)
    assert 'hx-trigger="live"' in progress.content.decode()
    run_tasks()
    page = as_supervisor.get(response.url)
    assert 'hx-trigger="live"' not in page.content.decode()
    assert "1 new contacts" in said(page)
    assert "“911”: too short" in said(page)
    assert "Use in a campaign" in said(page)
    assert Contact.objects.get().fields == {"plan": "Basic"}


def test_the_list_is_named_after_the_file_unless_told(as_supervisor):
    send(as_supervisor, list_name="", name="Spring leads.csv")
    assert Import.objects.get().list_name == "Spring leads"


def test_a_list_may_be_proposed_by_the_address(as_supervisor):
    known = ListFactory(name="Winter")
    page = as_supervisor.get(reverse("contacts:import_new"), {"list": known.pk})
    assert 'value="Winter"' in page.content.decode()
    assert as_supervisor.get(reverse("contacts:import_new"), {"list": "x' OR 1"}).status_code == 200


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "empty"),
        ("Name,Phone\n", "no contacts below them"),
        (b"PK\x03\x04 not really", "ZIP archive"),
        ('Name,Phone\n"Anna,4155550101\n', "never closed"),
        (b"\0\1\2\3" * 1000, "not a text file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_place(as_supervisor, text, told):
    response = send(as_supervisor, text)
    assert response.status_code == 422
    assert told in said(response)
    assert not Import.objects.exists()


def test_a_file_that_is_too_large_is_refused(as_supervisor, settings):
    settings.CONTACTS_UPLOAD_MAX_BYTES = 10
    assert "larger than" in said(send(as_supervisor))


def test_a_missing_file_and_an_unknown_country_are_told(as_supervisor):
    response = as_supervisor.post(reverse("contacts:import_new"), {"country": "XX"})
    assert response.status_code == 422
    assert "Choose a CSV file or an Excel workbook." in said(response)
    assert "not one of the available choices" in said(response)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"column_0": "name", "column_1": "", "column_2": ""}, "Choose the column that holds the phone"),
        ({"column_0": "phone_number", "column_1": "phone_number"}, "Two columns are the phone number"),
    ],
)
def test_columns_that_make_no_sense_are_told(as_supervisor, columns, told):
    response = as_supervisor.post(send(as_supervisor).url, {"header": "1", **columns})
    assert response.status_code == 422
    assert told in said(response)
    assert Import.objects.get().status == ImportStatus.UPLOADED


def test_a_column_becomes_only_what_was_offered(as_supervisor):
    response = as_supervisor.post(send(as_supervisor).url, {"header": "1", "column_1": "is_superuser"})
    assert response.status_code == 422
    assert "Choose what each column is" in said(response)
    assert Import.objects.get().status == ImportStatus.UPLOADED


def test_the_first_row_can_be_said_to_be_a_contact(as_supervisor):
    url = send(as_supervisor).url
    part = as_supervisor.get(url, {"header": "0"}, headers={"HX-Request": "true"})
    assert "Import 3 rows" in said(part)
    assert "Column 1" in said(part)
    assert "<html" not in part.content.decode()


def test_going_back_to_where_one_came_from_stays_on_this_site(as_supervisor):
    good = send(as_supervisor, next="/campaigns/1/edit/")
    assert good.url.endswith("?next=%2Fcampaigns%2F1%2Fedit%2F")
    assert 'value="/campaigns/1/edit/"' in as_supervisor.get(good.url).content.decode()
    for evil in ("https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"):
        assert "?" not in send(as_supervisor, next=evil).url
        page = as_supervisor.get(reverse("contacts:import_new"), {"next": evil})
        assert "evil" not in page.content.decode()
        assert "alert(1)" not in page.content.decode()


def test_sent_twice_an_import_runs_once(as_supervisor):
    url = send(as_supervisor).url
    columns = {"header": "1", "column_0": "name", "column_1": "phone_number"}
    assert as_supervisor.post(url, columns).status_code == 302
    assert as_supervisor.post(url, columns).status_code == 302
    assert Import.objects.get().status == ImportStatus.MAPPED


def test_a_failed_import_can_be_run_again_or_mapped_again(as_supervisor, import_text):
    failed = import_text(BROKEN)
    failed.refresh_from_db()
    assert failed.status == ImportStatus.FAILED
    page = as_supervisor.get(failed.get_absolute_url())
    assert "Nothing was imported" in said(page)
    assert "never closed" in said(page)
    assert as_supervisor.get(f"{failed.get_absolute_url()}?columns").status_code == 200
    as_supervisor.post(reverse("contacts:import_retry", args=[failed.pk]))
    failed.refresh_from_db()
    assert failed.status == ImportStatus.MAPPED


def test_an_import_whose_process_died_can_be_continued(as_supervisor, upload):
    waiting = mapped(upload(SAMPLE))
    IMPORT.apply_to(waiting, "run")
    assert "Nobody works on it any more" in said(as_supervisor.get(waiting.get_absolute_url()))
    as_supervisor.post(reverse("contacts:import_retry", args=[waiting.pk]))
    waiting.refresh_from_db()
    assert waiting.status == ImportStatus.MAPPED


def test_a_finished_import_is_not_run_again(as_supervisor, import_text):
    done = import_text(SAMPLE)
    as_supervisor.post(reverse("contacts:import_retry", args=[done.pk]))
    done.refresh_from_db()
    assert done.status == ImportStatus.COMPLETED


def test_rejected_rows_are_downloaded_corrected_and_uploaded_again(as_supervisor, import_text):
    done = import_text('Name,Phone,Note\nAnna,415 055,=cmd|"/c calc"\nBo,(415) 555-0102,\n')
    response = as_supervisor.get(reverse("contacts:import_rejected", args=[done.pk]))
    text = b"".join(response.streaming_content).decode()
    assert "attachment" in response["Content-Disposition"]
    header, row = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert header == ["Name", "Phone", "Note", "Line in the file", "Why it was rejected"]
    assert row == ["Anna", "415 055", '\'=cmd|"/c calc"', "2", "“415 055”: too short"]
    again = import_text(text.replace("415 055", "415 555 0101"))
    assert (again.created, again.invalid) == (1, 0)
    assert Contact.objects.get(phone_number="+14155550101").fields["note"].startswith("=cmd")
    assert set(Contact.objects.get(phone_number="+14155550101").fields) == {"note"}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("+cmd", "'+cmd"),
        ("\tx", "'\tx"),
        ("+14155550101", "+14155550101"),
        ("-2.5", "-2.5"),
        ("=5", "'=5"),
        ("  =1", "'  =1"),
        ("\xa0=1", "'\xa0=1"),
        ("＝1+1", "'＝1+1"),
        ("+1\n", "'+1\n"),
        ("a = b, -c", "a = b, -c"),
        ("Anna", "Anna"),
        (None, ""),
        (7, "7"),
    ],
)
def test_what_leaves_as_csv_is_harmless_to_spreadsheets(value, written):
    assert neutral(value) == written


# --- Lists -----------------------------------------------------------------------------------------


def test_a_list_says_its_versions_and_where_it_is_used(as_viewer):
    autumn = ListFactory(name="Autumn", members=2)
    add_numbers(list=autumn, lines="4155550101", country="US", actor=None)
    channel = ChannelFactory(lists=[autumn], campaign__name="Renewals")
    page = said(as_viewer.get(autumn.get_absolute_url()))
    assert "3 contacts, version 2" in page
    assert "+1 = 3 Typed in" in page
    assert "Renewals" in page
    assert channel.campaign.get_absolute_url() in as_viewer.get(autumn.get_absolute_url()).content.decode()


def test_an_empty_list_is_made_and_filled_by_typing(as_supervisor):
    response = as_supervisor.post(reverse("contacts:lists"), {"name": "Typed", "description": ""})
    made = List.objects.get()
    assert response.url == made.get_absolute_url()
    url = reverse("contacts:list_numbers", args=[made.pk])
    response = as_supervisor.post(url, {"lines": "415 555 0101 Anna\nnonsense", "country": "US"})
    assert "1 added. 1 line could not be" in said(response)
    assert "Line 2: “nonsense”" in said(response)
    assert ">\n415 555 0101 Anna\nnonsense</textarea>" in response.content.decode()
    corrected = {"lines": "415 555 0101 Anna\n415 555 0102", "country": "US"}
    response = as_supervisor.post(url, corrected, follow=True)
    assert "1 contact was added, 1 of them new." in said(response)
    made.refresh_from_db()
    assert made.size == 2


def test_a_list_is_renamed_and_a_taken_name_refused(as_supervisor):
    autumn, _winter = ListFactory(name="Autumn"), ListFactory(name="Winter")
    url = reverse("contacts:list_edit", args=[autumn.pk])
    refused = as_supervisor.post(url, {"name": "Winter", "description": ""})
    assert "There is a list “Winter” already." in said(refused)
    as_supervisor.post(url, {"name": "Fall", "description": "leaves"})
    autumn.refresh_from_db()
    assert (autumn.name, autumn.description) == ("Fall", "leaves")


def test_deleting_a_list_in_use_is_refused_with_the_reason(as_supervisor):
    used = ListFactory(members=1)
    ChannelFactory(lists=[used])
    response = as_supervisor.post(reverse("contacts:list_delete", args=[used.pk]), follow=True)
    assert "used by “" in said(response)
    assert List.objects.filter(pk=used.pk).exists()


# --- Do not contact --------------------------------------------------------------------------------


def test_numbers_are_added_and_removed(as_supervisor, supervisor):
    url = reverse("contacts:do_not_contact")
    values = {"lines": "415 555 0101\nanna@example.com", "scope": "voice", "reason": "asked", "country": "US"}
    page = as_supervisor.post(url, values, follow=True)
    assert "2 entries added." in said(page)
    entry = DoNotContact.objects.get(phone_number="+14155550101")
    assert (entry.scope, entry.reason, entry.created_by) == ("voice", "asked", supervisor)
    assert "(415) 555-0101" in said(as_supervisor.get(url, {"q": "415-555-0101"}))
    remove = f"{reverse('contacts:do_not_contact_remove')}?id={entry.pk}"
    as_supervisor.post(remove, {"reason": "agreed", "expected": "1"})
    assert not DoNotContact.objects.filter(pk=entry.pk).exists()


def test_on_the_tab_of_do_not_contact_its_own_files_are_imported(as_supervisor):
    page = as_supervisor.get(reverse("contacts:do_not_contact"))
    assert "Import do-not-contact" in said(page)
    assert "Import contacts" not in said(page)
    link = f'href="{reverse("contacts:import_new")}?purpose=do_not_contact"'
    assert link in page.content.decode()
    assert re.findall(r'class="button primary[^>]*>([^<]+)<', page.content.decode()) == ["Never contact"]
    assert "Import contacts" in said(as_supervisor.get(reverse("contacts:lists")))


def test_a_viewer_is_offered_no_import_of_do_not_contact(as_viewer):
    assert "Import" not in said(as_viewer.get(reverse("contacts:do_not_contact"))).replace("Imports", "")


@pytest.mark.parametrize("query", ["?id={key}", "?found=1"])
def test_a_removal_leads_back_to_what_was_looked_for(as_supervisor, query):
    page, remove = reverse("contacts:do_not_contact"), reverse("contacts:do_not_contact_remove")
    entry = DoNotContactFactory(phone_number="+14155550101", scope="voice")
    kept = "q=415&scope=voice"
    html_of_page = html.unescape(as_supervisor.get(f"{page}?{kept}").content.decode())
    assert f"{remove}?id={entry.pk}&{kept}" in html_of_page
    assert '<input type="hidden" name="q" value="415">' in html_of_page
    asked = remove + query.format(key=entry.pk) + f"&{kept}"
    assert f'href="{page}?{kept}">Cancel' in html.unescape(as_supervisor.get(asked).content.decode())
    assert as_supervisor.post(asked, {"reason": "agreed", "expected": "1"}).url == f"{page}?{kept}"
    assert not DoNotContact.objects.exists()


def test_entries_lead_to_the_people_whose_numbers_they_are(as_viewer, django_assert_max_num_queries):
    page = reverse("contacts:do_not_contact")
    anna = ContactFactory(first_name="Anna", last_name="Ek", phone_number="+14155550101")
    erased = ContactFactory(phone_number="+14155550102")
    erase_contact(contact=erased, keep_do_not_contact=True, actor=None)
    for number in ("+14155550101", "+14155550103"):
        DoNotContactFactory(phone_number=number)
    DoNotContactFactory(phone_number=None, email="bo@example.com")
    answer = as_viewer.get(page)
    links = re.findall(r'<td class="who"><a href="([^"]+)">', answer.content.decode())
    assert links == [anna.get_absolute_url()]
    assert "(415) 555-0101 Anna Ek" in said(answer)
    for at in range(30):
        DoNotContactFactory(phone_number=ContactFactory(phone_number=f"+141555502{at:02}").phone_number)
    with django_assert_max_num_queries(10):
        as_viewer.get(page)


def test_never_by_is_said_alike_wherever_it_is_asked(as_supervisor):
    DoNotContactFactory(phone_number="+14155550101", scope="voice")
    page = as_supervisor.get(reverse("contacts:do_not_contact"))
    upload = as_supervisor.get(f"{reverse('contacts:import_new')}?purpose=do_not_contact")
    for words in (said(page), said(upload)):
        assert "Never by" in words
        assert "Never reach by" not in words
    export = as_supervisor.get(reverse("contacts:do_not_contact_export"))
    header = b"".join(export).decode().splitlines()[0]
    assert "Never by" in header
    assert "Scope" not in header


def test_wrong_lines_stay_in_the_box(as_supervisor):
    response = as_supervisor.post(
        reverse("contacts:do_not_contact"), {"lines": "\n415 555 0101\nwho?", "scope": "all", "country": "US"}
    )
    assert "1 line could not be" in said(response)
    assert "Line 3: " in said(response)
    # The others, too, so that it is the third.
    assert ">\n\n415 555 0101\nwho?</textarea>" in response.content.decode()
    assert DoNotContact.objects.count() == 1


# --- From a shell, and in the admin ----------------------------------------------------------------


def test_the_command_imports_and_prints_the_sums(tmp_path, capsys):
    file = tmp_path / "people.csv"
    file.write_text(SAMPLE)
    call_command("import_contacts", file, "--list", "Autumn", "--json")
    assert json.loads(capsys.readouterr().out) == {
        "rows": 2,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "duplicates": 0,
        "invalid": 1,
    }
    call_command("import_contacts", file, "--list", "Autumn")
    out = capsys.readouterr().out
    assert re.search(r"unchanged +1", out)
    assert "line 3: “911”: too short" in out


def test_the_command_guesses_columns_whatever_somebody_said_of_such_ones(tmp_path, capsys):
    file = tmp_path / "people.csv"
    file.write_text("Phone,Email\n4155550101,anna@example.com\n")
    said = {"phone": "phone_number", "email": ""}
    remembered = RememberedMapping.objects.create(
        purpose=Import.Purpose.CONTACTS, headers=["email", "phone"], targets=said
    )
    call_command("import_contacts", file, "--list", "Autumn")
    assert Contact.objects.get().email == "anna@example.com"
    assert "Phone -> Phone number\nEmail -> Email\n" in capsys.readouterr().out
    # Nor does anybody find his own word changed.
    remembered.refresh_from_db()
    assert remembered.targets == said


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        (None, [], "No such file"),
        ("", [], "empty"),
        ("Name\nAnna\n", [], "phone number"),
        (SAMPLE, ["--country", "Atlantis"], "no country"),
        ('Phone,Name\n4155550101,Anna\n4155550102,"Bo\n', [], "never closed"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, text, options, told):
    file = tmp_path / "people.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(CommandError, match=told):
        call_command("import_contacts", file, "--list", "Autumn", *options)
    assert not Contact.objects.exists()


def test_every_record_is_found_in_the_admin(as_admin, everything):
    for model in ("contact", "list", "listversion", "membership", "import", "rejectedrow", "donotcontact"):
        url = reverse(f"admin:contacts_{model}_changelist")
        assert as_admin.get(url, {"q": "a"}).status_code == 200, model
    for record in (Contact, List, Import, RejectedRow, DoNotContact):
        first = record.objects.first()
        url = reverse(f"admin:contacts_{record._meta.model_name}_change", args=[first.pk])
        assert as_admin.get(url).status_code == 200, record


def test_the_admin_never_sets_a_status(as_admin, import_text):
    done = import_text(SAMPLE)
    page = as_admin.get(reverse("admin:contacts_import_change", args=[done.pk]))
    assert 'name="status"' not in page.content.decode()


def test_the_admin_runs_failed_imports_again(as_admin, import_text):
    failed = import_text(BROKEN)
    done = import_text(SAMPLE)
    as_admin.post(
        reverse("admin:contacts_import_changelist"),
        {"action": "run_again", "_selected_action": [failed.pk, done.pk]},
    )
    failed.refresh_from_db()
    done.refresh_from_db()
    assert (failed.status, done.status) == (ImportStatus.MAPPED, ImportStatus.COMPLETED)


def test_the_admin_takes_numbers_in_any_notation(as_admin, admin):
    add = reverse("admin:contacts_donotcontact_add")
    as_admin.post(add, {"phone_number": "(415) 555-0101", "scope": "all", "source": "person"})
    entry = DoNotContact.objects.get()
    assert (entry.phone_number, entry.created_by) == ("+14155550101", admin)
    wrong = as_admin.post(add, {"phone_number": "911", "scope": "all", "source": "person"})
    assert "too short" in wrong.content.decode()
