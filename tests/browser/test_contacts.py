"""Contacts in a real browser: from a file to its sums."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from contacts.lifecycles import IMPORT
from contacts.models import Contact, Import, ImportStatus, List
from tests.factories import ContactFactory, DoNotContactFactory, ListFactory
from tests.factories.contact_files import contact_file, workbook

pytestmark = pytest.mark.browser


def cards(page) -> dict[str, int]:
    found = page.locator("[data-sum]")
    return {
        card.get_attribute("data-sum"): int(card.evaluate("node => node.firstChild.data").replace(",", ""))
        for card in found.all()
    }


def test_a_file_is_uploaded_mapped_watched_and_counted(
    open_browser, supervisor, worker, photograph, tmp_path
):
    file = contact_file(1000, seed=2)
    path = tmp_path / "Spring leads.csv"
    path.write_text(file.text, encoding="utf-8")
    page = open_browser(supervisor)

    page.goto("/contacts/")
    page.get_by_role("link", name="Import contacts").first.click()
    page.set_input_files("input[type=file]", path)
    page.get_by_text("Spring leads.csv").wait_for()
    assert page.get_by_label("List").get_attribute("placeholder") == "Spring leads"
    photograph(page, "contacts-upload")
    page.get_by_role("button", name="Continue").click()

    # What was guessed is right; one column is left out by hand.
    page.get_by_text("First rows").wait_for()
    assert page.get_by_label("Mobile phone").input_value() == "phone_number"
    assert page.get_by_label("First name").input_value() == "first_name"
    page.get_by_label("Plan ends on").select_option("Leave out")
    photograph(page, "contacts-columns")
    page.get_by_role("button", name="Import about 1,000 rows").click()

    # Progress turns into sums by itself.
    page.locator("[data-sum=rows]").wait_for()
    shown = cards(page)
    assert shown == {
        "rows": 1000,
        "created": file.valid,
        "updated": 0,
        "unchanged": 0,
        "duplicates": file.duplicates,
        "invalid": file.invalid,
    }
    assert shown["rows"] == sum(shown.values()) - shown["rows"]
    photograph(page, "contacts-import")
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download {file.invalid} rows").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == file.invalid + 1

    page.get_by_role("link", name="Open the list").click()
    page.get_by_role("heading", name="Spring leads").wait_for()
    photograph(page, "contacts-list")
    assert List.objects.get().size == file.valid
    assert "plan_ends_on" not in Contact.objects.first().fields


def test_a_workbook_is_dropped_its_sheet_chosen_and_a_column_corrected(
    open_browser, supervisor, worker, photograph
):
    book = workbook(
        {
            "Old": [["Name", "Phone"], ["Anna", 4155550101]],
            "New": [
                ["Name", "Phone", "City"],
                ["Anna Ek", 4155550102, "Reno"],
                ["Bo Ek", 4155550103, "Elko"],
            ],
        }
    )
    page = open_browser(supervisor)
    page.goto("/contacts/import/")
    data = page.evaluate_handle(
        """text => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "Leads.xlsx"));
            return transfer;
        }""",
        base64.b64encode(book).decode(),
    )
    page.dispatch_event("[data-drop]", "dragover", {"dataTransfer": data})
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": data})
    page.get_by_text("Leads.xlsx").wait_for()
    page.get_by_role("button", name="Continue").click()

    page.get_by_text("Excel workbook, sheet “Old”").wait_for()
    page.get_by_label("Sheet").select_option("New")
    page.get_by_text("Excel workbook, sheet “New”").wait_for()
    assert page.get_by_label("Phone", exact=True).input_value() == "phone_number"
    page.get_by_label("City").select_option("Company")
    photograph(page, "contacts-columns-workbook")
    page.get_by_role("button", name="Import 2 rows").click()

    page.get_by_text("2 rows: 2 created.").wait_for()
    assert set(Contact.objects.values_list("first_name", "company")) == {("Anna", "Reno"), ("Bo", "Elko")}


def test_a_file_of_whom_not_to_contact_is_imported_by_the_same_pages(
    open_browser, supervisor, worker, photograph
):
    page = open_browser(supervisor)
    page.goto("/contacts/import/?purpose=do_not_contact")
    file = {"name": "never.csv", "mimeType": "text/csv", "buffer": b"Phone,Reason\n4155550101,asked\n"}
    page.set_input_files("input[type=file]", file)
    page.get_by_text("never.csv").wait_for()
    page.get_by_label("Never by").select_option("Calls")
    photograph(page, "do-not-contact-upload")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Import 1 row", exact=True).click()
    page.get_by_text("1 row: 1 added.").wait_for()
    page.get_by_role("link", name="Open do-not-contact").click()
    page.get_by_text("(415) 555-0101").wait_for()


def test_a_running_import_is_cancelled_after_a_question(open_browser, supervisor, photograph):
    page = open_browser(supervisor)
    page.goto("/contacts/import/")
    file = {"name": "two.csv", "mimeType": "text/csv", "buffer": b"Name,Phone\nAnna,4155550101\n"}
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Import 1 row", exact=True).click()
    page.get_by_text("Waiting for its turn").wait_for()
    IMPORT.apply(Import.objects.all(), "run", rows=1)
    page.get_by_text("1 of about 1 row read").wait_for()
    page.get_by_role("button", name="Cancel").click()
    # The question stays open while the page refreshes itself.
    page.wait_for_timeout(1500)
    page.get_by_role("dialog").get_by_role("button", name="Go on importing").click()
    assert Import.objects.get().status == ImportStatus.RUNNING
    page.get_by_role("button", name="Cancel").click()
    photograph(page, "contacts-import-cancel")
    page.get_by_role("dialog").get_by_role("button", name="Cancel the import").click()
    page.get_by_text("Nothing was imported.").wait_for()
    assert Import.objects.get().status == ImportStatus.CANCELLED
    assert not Contact.objects.exists()


def test_a_file_is_dropped_and_the_header_taken_back(open_browser, supervisor):
    page = open_browser(supervisor)
    page.goto("/contacts/import/")
    data = page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["4155550101,Anna\\n"], "two.csv", {type: "text/csv"}));
            return transfer;
        }"""
    )
    page.dispatch_event("[data-drop]", "dragover", {"dataTransfer": data})
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": data})
    page.get_by_text("two.csv").wait_for()
    page.get_by_role("button", name="Continue").click()
    assert page.get_by_role("combobox", name="First row").input_value() == "0"
    page.get_by_role("button", name="Import 1 row", exact=True).wait_for()
    assert page.get_by_label("Column 1").input_value() == "phone_number"
    assert Import.objects.get().status == ImportStatus.UPLOADED


def test_a_search_answers_while_one_types(open_browser, viewer, photograph):
    ContactFactory.create_batch(30)
    wanted = ContactFactory(first_name="Siobhán", last_name="O’Brien", phone_number="+442079460958")
    DoNotContactFactory(phone_number=wanted.phone_number)
    page = open_browser(viewer)
    page.goto("/contacts/")
    photograph(page, "contacts")
    page.keyboard.press("/")
    page.keyboard.type("020 7946 0958")
    page.get_by_text("1 contact", exact=True).wait_for()
    assert "q=020" in page.url
    assert page.get_by_role("searchbox").evaluate("node => node === document.activeElement")
    page.get_by_text("Do not call").wait_for()
    page.get_by_role("link", name="Siobhán O’Brien").click()
    page.get_by_role("heading", name="Siobhán O’Brien").wait_for()
    page.get_by_text("Added to Carillon").wait_for()
    photograph(page, "contact")


def test_who_was_searched_for_is_chosen_and_put_on_a_list(open_browser, supervisor, photograph):
    wanted = ContactFactory(first_name="Siobhán")
    ContactFactory(first_name="Bo")
    page = open_browser(supervisor)
    page.goto("/contacts/")
    page.keyboard.press("/")
    page.keyboard.type("siobhan")
    page.get_by_text("1 contact", exact=True).wait_for()
    # Leaving the search box must not load the table anew, and take the choice away.
    page.get_by_role("checkbox", name="Choose Siobhán").check()
    page.get_by_text("1 chosen").wait_for()
    page.get_by_role("button", name="Add to a list").click()
    dialog = page.get_by_role("dialog")
    photograph(page, "contacts-chosen")
    dialog.get_by_label("Name of the new list").fill("Callbacks")
    dialog.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("“Callbacks” has 1 contact now.").wait_for()
    assert [one.contact for one in List.objects.get().memberships.all()] == [wanted]


def test_a_person_is_erased_after_typing_who_it_is(open_browser, supervisor, photograph):
    contact = ContactFactory(first_name="Anna", last_name="Svensson")
    page = open_browser(supervisor)
    page.goto(contact.get_absolute_url())
    page.get_by_role("button", name="More for this contact").click()
    page.get_by_role("link", name="Erase this person").click()
    photograph(page, "contact-erase")
    page.get_by_label("Type the name or the number").fill("Anna Svensson")
    page.get_by_role("button", name="Erase for good").click()
    page.get_by_text("The person was erased.").wait_for()
    contact.refresh_from_db()
    assert contact.erased_at


def test_an_address_is_taken_off_the_do_not_contact_list_after_a_question(
    open_browser, supervisor, photograph
):
    DoNotContactFactory(phone_number="+14155550101")
    page = open_browser(supervisor)
    page.goto("/contacts/do-not-contact/")
    photograph(page, "do-not-contact")
    page.get_by_role("button", name="Remove +14155550101").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Cancel").click()
    assert page.get_by_role("cell", name="(415) 555-0101").is_visible()
    page.get_by_role("button", name="Remove +14155550101").click()
    dialog.get_by_label("Why?").fill("agreed in writing")
    dialog.get_by_role("button", name="Remove").click()
    page.get_by_text("Nobody is on the list").wait_for()


def test_every_page_fits_a_phone(open_browser, supervisor, photograph):
    listed = ListFactory(name="Autumn renewals, West", members=12)
    contact = Contact.objects.first()
    page = open_browser(supervisor, width=390, height=800)
    for name, url in {
        "contacts": "/contacts/",
        "lists": "/contacts/lists/",
        "list": listed.get_absolute_url(),
        "contact": contact.get_absolute_url(),
        "contact-edit": f"{contact.get_absolute_url()}edit/",
        "import": "/contacts/import/",
        "do-not-contact": "/contacts/do-not-contact/",
    }.items():
        page.goto(url)
        photograph(page, f"narrow-{name}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
