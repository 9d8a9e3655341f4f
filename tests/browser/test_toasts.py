"""How long what was done is told, by the browser's own clock."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOW = """async (toast) => {
  const { show } = await import(document.querySelector("script[src*='toasts']").src);
  show(toast);
}"""


@pytest.fixture
def page(open_browser, supervisor):
    page = open_browser(supervisor)
    page.clock.install()
    page.goto("/campaigns/")
    return page


def test_what_can_be_undone_stays_for_twenty_seconds_and_what_can_not_for_six(page):
    page.evaluate(SHOW, {"text": "Saved."})
    page.evaluate(SHOW, {"text": "1 contact skipped.", "undo": "/nowhere/"})
    page.clock.run_for(5_000)
    expect(page.locator(".toast")).to_have_count(2)
    page.clock.run_for(2_000)
    expect(page.locator(".toast")).to_have_text(["1 contact skipped. Undo"])
    page.clock.run_for(12_000)
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.clock.run_for(2_000)
    expect(page.locator(".toast")).to_have_count(0)


def test_a_toast_stays_while_it_is_pointed_at_or_focused(page):
    page.evaluate(SHOW, {"text": "1 contact skipped.", "undo": "/nowhere/"})
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    page.clock.run_for(60_000)
    page.locator(".toast").hover()
    page.evaluate("document.activeElement.blur()")
    page.clock.run_for(60_000)
    expect(undo).to_be_visible()
    page.mouse.move(5, 5)
    page.clock.run_for(21_000)
    expect(undo).to_have_count(0)


def test_a_toast_leads_to_where_it_can_be_taken_back(page):
    page.evaluate(SHOW, {"text": "3 contacts put on do-not-contact.", "see": "/contacts/do-not-contact/"})
    page.get_by_role("link", name="See them").click()
    expect(page).to_have_url(re.compile(r"/contacts/do-not-contact/$"))
