"""Lists in a real browser: choosing contacts, operations in dialogs with their previews."""

from __future__ import annotations

import pytest

from contacts.membership import contacts_of
from contacts.models import List
from tests.factories import ContactFactory, ListFactory

pytestmark = pytest.mark.browser


def test_a_list_is_split_with_a_preview_and_its_parts_are_exported(open_browser, supervisor, photograph):
    ListFactory(name="Autumn", members=10)
    page = open_browser(supervisor)

    page.goto("/contacts/lists/")
    page.get_by_role("link", name="Autumn", exact=True).click()
    page.get_by_role("button", name="More for this list").click()
    page.get_by_role("link", name="Split at random…").click()
    dialog = page.get_by_role("dialog", name="Split at random")
    dialog.get_by_text("Autumn B: 5 contacts").wait_for()
    # Typed as a person does: what is there in one stroke can come before the dialog listens.
    dialog.get_by_label("Shares").press("Control+a")
    dialog.get_by_label("Shares").press_sequentially("10/90", delay=60)
    dialog.get_by_text("Autumn B: 9 contacts").wait_for()
    photograph(page, "list-split")
    dialog.get_by_role("button", name="Split").click()

    page.get_by_text("New lists: “Autumn A” (1), “Autumn B” (9).").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export Autumn B").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 1 + 9
    assert download.value.suggested_filename.startswith("Autumn B-")


def test_contacts_are_found_chosen_and_removed(open_browser, supervisor, photograph):
    people = [ContactFactory(first_name=name, last_name="Ek") for name in ("Anna", "Bo", "Cem", "Annika")]
    autumn = ListFactory(name="Autumn", members=people)
    page = open_browser(supervisor)

    page.goto(autumn.get_absolute_url())
    # Nothing is offered for nobody.
    assert not page.get_by_role("button", name="Remove…").is_visible()
    page.get_by_label("Name, number or email").fill("ann")
    page.get_by_text("2 contacts", exact=True).wait_for()
    page.get_by_label("Choose all on this page").check()
    page.get_by_text("2 chosen").wait_for()
    page.get_by_label("Choose Anna Ek").uncheck()
    page.get_by_text("1 chosen").wait_for()
    photograph(page, "list-chosen")
    page.get_by_role("button", name="Remove…").click()
    dialog = page.get_by_role("dialog", name="Remove from the list")
    dialog.get_by_text("1 contact of 4 will be taken off").wait_for()
    dialog.get_by_role("button", name="Remove").click()

    page.get_by_text("1 contact was taken off “Autumn”.").wait_for()
    assert {contact.first_name for contact in contacts_of(autumn)} == {"Anna", "Bo", "Cem"}


def test_merging_says_what_will_come_of_it(open_browser, supervisor, photograph):
    shared = ContactFactory.create_batch(2)
    first = ListFactory(name="First", members=[*shared, ContactFactory()])
    ListFactory(name="Second", members=[*shared, *ContactFactory.create_batch(3)])
    page = open_browser(supervisor, width=390)

    page.goto(first.get_absolute_url())
    page.get_by_role("button", name="More for this list").click()
    page.get_by_role("link", name="Merge with…").click()
    dialog = page.get_by_role("dialog", name="Merge with other lists")
    dialog.get_by_label("Second (5)").check()
    dialog.get_by_text("The result has 6 contacts.").wait_for()
    dialog.get_by_label("The next version of “First”").check()
    photograph(page, "list-merge")
    dialog.get_by_role("button", name="Merge").click()

    page.get_by_text("Merged. “First” has 6 contacts.").wait_for()
    assert List.objects.get(name="First").version == 2
