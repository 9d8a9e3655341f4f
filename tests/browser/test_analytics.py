"""Analytics in a real browser: figures that follow filters and refresh by themselves, and two campaigns."""

from __future__ import annotations

import random
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from analytics import snapshots
from campaigns.models import Disposition
from tests.browser.test_accessibility import WIDE, Looks
from tests.factories import CampaignFactory, ChannelFactory, ContactFactory, EnrollmentFactory, ListFactory
from tests.factories.dialer import CallFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CAUSES = {
    "completed": "Normal Hangup",
    "no_answer": "No Answer",
    "busy": "Busy Line",
    "voicemail": "Machine Detected",
    "failed": "Number Not In Service",
}


def calls_of(channel, number: int, *, days: int, seed: int = 1) -> None:
    """Calls of all kinds over the last days, by two assistants from three numbers."""
    chance = random.Random(seed)
    dispositions = [None, *Disposition.objects.all()]
    contacts = [membership.contact for one in channel.lists.all() for membership in one.memberships.all()]
    for place in range(number):
        outcome = chance.choices(list(CAUSES), [38, 30, 9, 15, 8])[0]
        contact = contacts[place] if place < len(contacts) else ContactFactory()
        made = timezone.now() - timedelta(days=chance.random() * days)
        made = made.replace(hour=chance.randrange(9, 18), minute=chance.randrange(60)) - timedelta(days=1)
        CallFactory(
            enrollment=EnrollmentFactory(channel=channel, contact=contact, status=outcome),
            outcome=outcome,
            attempt=chance.choice([1, 1, 1, 2, 2, 3]),
            created_at=made,
            ended_at=made + timedelta(minutes=3),
            duration_seconds=chance.randrange(8, 300) if outcome in {"completed", "voicemail"} else 0,
            cost="0.01400" if outcome == "completed" else "0.00200",
            disposition=chance.choice(dispositions) if outcome == "completed" else None,
            assistant_name=chance.choice(["Ava", "Renewals assistant"]),
            from_number=chance.choice(["+14155550100", "+12125550111", "+442071838750"]),
            hangup_cause=CAUSES[outcome],
        )


@pytest.fixture
def channel(db):
    channel = ChannelFactory(
        running=True,
        campaign__name="November renewals",
        lists=[ListFactory(name="Northline customers", members=40)],
    )
    calls_of(channel, 120, days=24)
    return channel


def test_figures_follow_the_filters_and_refresh_by_themselves(open_browser, supervisor, channel, photograph):
    page = open_browser(supervisor, timezone_id="America/Chicago")
    page.goto(f"/campaigns/{channel.campaign_id}/")
    page.get_by_role("link", name="Analytics").click()
    cards = page.locator(".figures .cards")
    expect(cards).to_contain_text("120")
    expect(page.get_by_role("img", name="Calls by day, and how many reached somebody").first).to_be_visible()
    photograph(page, "analytics")

    # What is open stays so when the page refreshes; charts and figures change.
    days = page.get_by_role("region", name="Day by day")
    days.locator("summary").click()
    expect(days.get_by_role("table")).to_be_visible()
    CallFactory(enrollment=EnrollmentFactory(channel=channel, status="busy"), outcome="busy")
    page.locator("#figures").dispatch_event("live")
    expect(cards).to_contain_text("121")
    expect(days.get_by_role("table")).to_be_visible()

    tomorrow = timezone.localdate() + timedelta(days=2)
    page.get_by_label("First day").fill(tomorrow.isoformat())
    expect(page.get_by_role("heading", name="No call was made then")).to_be_visible()
    assert f"from={tomorrow}" in page.url
    page.get_by_role("link", name="Show all calls").click()
    expect(cards).to_contain_text("121")

    page.set_viewport_size({"width": 390, "height": 844})
    photograph(page, "analytics-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_table_is_downloaded(open_browser, supervisor, channel):
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/analytics/")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV of By assistant").click()
    assert download.value.suggested_filename.startswith("november-renewals-assistants-")


def test_of_many_calls_figures_come_by_themselves(
    open_browser, supervisor, channel, worker, monkeypatch, photograph
):
    monkeypatch.setattr(snapshots, "AT_ONCE", 10)
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/analytics/")
    expect(page.get_by_text("The figures are being worked out")).to_be_visible()
    photograph(page, "analytics-coming")
    expect(page.get_by_text("As of")).to_be_visible()
    expect(page.locator(".figures .cards")).to_contain_text("120")


def test_two_campaigns_are_chosen_and_compared(open_browser, supervisor, channel, photograph):
    earlier = ChannelFactory(
        completed=True, campaign__name="October renewals", campaign__archived_at=timezone.now()
    )
    calls_of(earlier, 60, days=11, seed=2)
    CampaignFactory(name="Another")
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("link", name="Compare with…").click()
    expect(page.get_by_text("Choose two campaigns")).to_be_visible()
    page.locator("#b_search").fill("octo")
    page.get_by_role("option", name="October renewals (archived)").click()
    page.get_by_role("button", name="Compare", exact=True).click()
    row = page.get_by_role("row", name=re.compile("^Calls.* 120 60 −60"))
    expect(row).to_be_visible()
    photograph(page, "analytics-compare")
    looks = Looks(page)
    page.set_viewport_size(WIDE)
    looks.through("two campaigns")
    assert not looks.found


def test_analytics_without_scripts(open_browser, supervisor, channel):
    page = open_browser(supervisor, java_script_enabled=False)
    page.goto(f"/campaigns/{channel.campaign_id}/analytics/")
    page.get_by_label("First day").fill("2020-01-01")
    page.get_by_label("Last day").fill("2020-01-02")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="No call was made then")).to_be_visible()
    other = CampaignFactory(name="Another")
    page.goto(f"/campaigns/compare/?a={channel.campaign_id}")
    page.get_by_label("Compared with").select_option(str(other.pk))
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("row", name=re.compile("^Calls.* 120 0 −120"))).to_be_visible()


def test_the_tab_is_accessible(open_browser, supervisor, channel):
    looks = Looks(open_browser(supervisor, **WIDE))
    looks.at(f"/campaigns/{channel.campaign_id}/analytics/")
    for summary in looks.page.locator(".panels summary").all():
        summary.click()
    looks.through("analytics, tables open")
    assert not looks.found
