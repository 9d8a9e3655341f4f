"""Remarketing in a real browser: from results to a new channel's Start."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns.models import Channel, Disposition
from dialer.models import Call
from tests.factories import (
    CampaignFactory,
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
)
from tests.factories.dialer import CallFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def channel():
    """A completed channel: 3 machines, 4 nobody answered (one reached since, one forbidden), 2 reached."""
    channel = ChannelFactory(
        completed=True, name="Voice", campaign=CampaignFactory(name="Autumn leads", status="completed")
    )

    def called(*outcomes, status):
        place = EnrollmentFactory(channel=channel, status=status, attempts=len(outcomes))
        for number, outcome in enumerate(outcomes, 1):
            CallFactory(enrollment=place, outcome=outcome, attempt=number, cost="0.004")
        return place.contact

    for _ in range(3):
        called("voicemail", status="voicemail")
    called("no_answer", "no_answer", status="no_answer")
    called("no_answer", status="no_answer")
    called("no_answer", "completed", status="completed")
    DoNotContactFactory(phone_number=called("no_answer", status="no_answer").phone_number)
    called("completed", status="completed")
    liked = Disposition.objects.get(slug="interested")
    Call.objects.filter(outcome="completed").update(disposition=liked)
    return channel


def shows(page, calls):
    expect(page.locator(".pages [role=status]")).to_have_text(calls)


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_supervisor_calls_those_again_whom_nobody_reached(open_browser, supervisor, channel, photograph):
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/results/")
    outcomes = page.get_by_role("navigation", name="Outcome")
    outcomes.get_by_role("link", name="Voicemail").click()
    shows(page, "3 calls")
    outcomes.get_by_role("link", name="No answer").click()
    shows(page, "8 calls")
    expect(page).to_have_url(re.compile(r"\?outcome=voicemail&outcome=no_answer$"))
    photograph(page, "results-two-outcomes")

    page.get_by_role("link", name="New channel from these contacts").click()
    counted = page.locator("#counted")
    expect(counted).to_contain_text("5 contacts")
    expect(counted).to_contain_text("1 on do-not-contact is left out")
    photograph(page, "new-channel")

    # The numbers follow what is ticked.
    page.get_by_label("Nobody on do-not-contact").uncheck()
    expect(counted).to_contain_text("6 contacts")
    page.get_by_label("Only whose last call was so").uncheck()
    expect(counted).to_contain_text("7 contacts")
    page.get_by_label("Nobody on do-not-contact").check()
    page.get_by_label("Only whose last call was so").check()
    expect(counted).to_contain_text("5 contacts")

    # A refusal keeps what was typed and ticked.
    page.get_by_label("Name of the channel").fill("voice")
    page.get_by_role("button", name="Make the channel").click()
    expect(page.get_by_role("alert")).to_contain_text("has a channel called voice already")
    expect(page.get_by_label("No answer").first).to_be_checked()
    page.get_by_label("Name of the channel").fill("Second try")
    page.get_by_role("button", name="Make the channel").click()

    page.wait_for_url(re.compile(r"/channels/\d+/edit/$"))
    new = Channel.objects.get(name="Second try")
    expect(page.get_by_text("Second try was made for 5 contacts")).to_be_visible()
    page.goto(f"/campaigns/{channel.campaign_id}/channels/{new.pk}/launch/")
    assigned = page.get_by_text("Autumn leads: no answer or voicemail").locator("visible=true")
    expect(assigned.first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Start now")).click()
    page.wait_for_url(re.compile(rf"/campaigns/{channel.campaign_id}/"))
    new.refresh_from_db()
    assert (new.status, new.enrollments.count()) == ("running", 5)


def test_it_goes_to_another_campaign_found_by_its_name(open_browser, supervisor, channel):
    other = ChannelFactory(campaign__name="Winter renewals").campaign
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/results/new-channel/?outcome=voicemail")
    expect(page.get_by_label("Name of the new campaign")).to_be_hidden()
    page.get_by_label("Another campaign").check()
    page.get_by_role("combobox", name="Campaign").fill("winter")
    page.get_by_role("option", name="Winter renewals").click()
    page.get_by_role("button", name="Make the channel").click()
    page.wait_for_url(re.compile(rf"/campaigns/{other.pk}/channels/\d+/edit/$"))
    assert other.channels.latest("pk").channel_lists.get().list.size == 3


def test_on_a_narrow_screen_and_in_the_dark_everything_is_there(
    open_browser, supervisor, channel, photograph
):
    page = open_browser(supervisor, width=390, height=844)
    page.goto(f"/campaigns/{channel.campaign_id}/results/?outcome=voicemail")
    assert fits(page)
    page.locator("[data-key=picker-status] summary").click()
    expect(page.get_by_label("Retry scheduled")).to_be_visible()
    assert fits(page)
    photograph(page, "results-picker-narrow")
    page.goto(f"/campaigns/{channel.campaign_id}/results/new-channel/?outcome=voicemail")
    expect(page.locator("#counted")).to_contain_text("3 contacts")
    assert fits(page)
    photograph(page, "new-channel-narrow")
    page.goto("/history/")
    assert fits(page)
    photograph(page, "history-narrow")


def test_results_are_narrowed_down_by_several_of_a_kind_and_cleared(
    open_browser, supervisor, channel, photograph
):
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/results/")
    picker = page.locator("[data-key=picker-disposition]")
    picker.locator("summary").click()
    picker.get_by_label("Interested", exact=False).first.check()
    shows(page, "2 calls")
    # It stays open for the next one.
    picker.get_by_label("No disposition").check()
    shows(page, "10 calls")
    expect(picker.locator("summary")).to_contain_text("Interested + 1")
    photograph(page, "results-picker")
    page.keyboard.press("Escape")
    expect(picker.get_by_label("No disposition")).to_be_hidden()
    page.get_by_role("link", name="Clear").click()
    expect(picker.locator("summary")).not_to_contain_text("Interested")
    picker.locator("summary").click()
    expect(picker.get_by_label("No disposition")).not_to_be_checked()


def test_history_is_narrowed_down_by_campaign_and_days(open_browser, supervisor, channel, photograph):
    other = ChannelFactory(completed=True, campaign__name="Winter renewals")
    place = EnrollmentFactory(channel=other, status="busy", contact=ContactFactory(first_name="Olu"))
    last_week = timezone.now() - timedelta(days=7)
    CallFactory(enrollment=place, outcome="busy", ended_at=last_week)
    CallFactory(enrollment=place, outcome="busy")
    page = open_browser(supervisor)
    page.goto("/history/")
    page.get_by_role("combobox", name="Campaign").fill("winter")
    page.get_by_role("option", name="Winter renewals").click()
    shows(page, "2 calls")
    day = (last_week - timedelta(days=1)).date().isoformat(), last_week.date().isoformat()
    page.get_by_label("First day").fill(day[0])
    expect(page).to_have_url(re.compile("from="))
    page.get_by_label("Last day").fill(day[1])
    shows(page, "1 call")
    photograph(page, "history-of-days")
    page.get_by_role("link", name="Clear").click()
    shows(page, "12 calls")
    expect(page.get_by_role("combobox", name="Campaign")).to_have_value("Any campaign")
    expect(page.get_by_label("First day")).to_have_value("")


def test_contacts_of_a_channel_lead_there(open_browser, supervisor, channel):
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/contacts/?status=voicemail")
    page.get_by_role("link", name="New channel from these").click()
    expect(page.locator("#counted")).to_contain_text("3 contacts")
    expect(page.get_by_label("Voicemail")).to_be_checked()
