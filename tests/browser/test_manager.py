"""The campaign manager in a real browser: views, a row's menu, starts for later."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from accounts.models import SavedView
from campaigns.models import Channel
from tests.factories import ChannelFactory, ListFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(open_browser, supervisor):
    return open_browser(supervisor)


def open_menu(page, name):
    """By keyboard, which puts the focus on its first entry once it has come."""
    page.get_by_role("button", name=f"More for {name}").press("Enter")
    expect(page.locator(".menu:popover-open").get_by_role("link", name="Results")).to_be_visible()
    return page.locator(".menu:popover-open")


def refresh(page):
    with page.expect_response(lambda response: response.request.headers.get("hx-request") == "true"):
        page.evaluate("htmx.trigger(document.body, 'refresh')")
    expect(page.locator(".htmx-request")).to_have_count(0)


def test_a_view_is_saved_comes_first_is_left_and_renamed(page):
    ChannelFactory(paused=True, campaign__name="Autumn")
    ChannelFactory(running=True, campaign__name="Winter")
    page.goto("/campaigns/")
    expect(page.get_by_role("navigation", name="Views")).to_have_count(0)

    page.get_by_role("link", name=re.compile("^Paused")).click()
    page.get_by_role("button", name="Save this view…").press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("On hold")
    page.get_by_label("Show it first").check()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="On hold (shown first)")).to_have_attribute("aria-current", "true")

    page.goto("/campaigns/")
    page.wait_for_url("**/campaigns/?status=paused")
    expect(page.get_by_role("link", name="Winter")).to_have_count(0)
    page.get_by_role("link", name=re.compile("^All")).click()
    expect(page.get_by_role("link", name="Winter")).to_be_visible()

    page.get_by_role("link", name="On hold").click()
    page.get_by_role("button", name="Change the view On hold").click()
    page.get_by_label("Name").fill("")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Name").fill("Waiting for me")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Waiting for me")).to_be_visible()

    page.get_by_role("button", name="Change the view Waiting for me").click()
    page.get_by_role("button", name="Delete view").click()
    expect(page.get_by_role("button", name="Save this view…")).to_be_visible()
    assert not SavedView.objects.exists()


def test_searching_offers_to_save_what_is_found(page):
    ChannelFactory(campaign__name="Autumn")
    page.goto("/campaigns/")

    page.get_by_label("Search campaigns").press_sequentially("aut")

    save = page.get_by_role("button", name="Save this view…")
    expect(save).to_have_attribute("href", re.compile("query=q%3Daut"))


def test_a_row_menu_starts_a_named_channel_and_says_in_the_row_why_another_can_not(page):
    voice = ChannelFactory(campaign__name="Autumn", lists=[ListFactory(members=1)])
    ChannelFactory(campaign=voice.campaign, name="Evenings")
    page.goto("/campaigns/")

    open_menu(page, "Autumn").get_by_role("button", name="Start Evenings").press("Enter")
    row = page.locator("tr", has_text="Autumn")
    expect(row.get_by_role("alert")).to_contain_text("No list is assigned.")
    refresh(page)
    expect(row.get_by_role("alert")).to_be_visible()

    open_menu(page, "Autumn").get_by_role("button", name="Start Voice").press("Enter")
    expect(row.get_by_role("button", name="Active. Pause Autumn").first).to_be_visible()
    expect(row.get_by_role("alert")).to_have_count(0)
    # The chips have counted it.
    expect(page.get_by_role("link", name="Active 1")).to_be_visible()


def test_a_start_for_later_is_given_changed_and_cancelled(page):
    channel = ChannelFactory(
        campaign__name="Autumn", lists=[ListFactory(members=1)], schedule__time_zone="America/Chicago"
    )
    page.goto("/campaigns/")
    row = page.locator("tr", has_text="Autumn")

    open_menu(page, "Autumn").get_by_role("link", name="Start later…").click()
    page.get_by_label("Start at").fill("2020-01-01T09:00")
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.get_by_text("This time has passed.")).to_be_visible()
    page.get_by_label("Start at").fill("2098-12-01T09:00")
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(row).to_contain_text("starts Dec 1, 2098, 09:00 Chicago")

    open_menu(page, "Autumn").get_by_role("button", name="Cancel schedule").click()
    expect(row.get_by_role("button", name="Draft").first).to_be_visible()
    assert Channel.objects.get(pk=channel.pk).status == "ready"


def test_stopping_from_the_list_asks_and_the_list_shows_it(page):
    ChannelFactory(running=True, campaign__name="Autumn")
    page.goto("/campaigns/")

    open_menu(page, "Autumn").get_by_role("link", name="Stop for good…").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Stop for good").click()

    expect(page.locator("tr", has_text="Autumn").get_by_text("Ended")).to_be_visible()


def test_what_is_shown_is_downloaded(page):
    ChannelFactory(running=True, campaign__name="Autumn")
    ChannelFactory(campaign__name="Winter")
    page.goto("/campaigns/?status=active")

    with page.expect_download() as download:
        page.get_by_role("link", name="Export it as CSV").click()

    text = download.value.path().read_text("utf-8-sig")
    assert "Autumn" in text
    assert "Winter" not in text
