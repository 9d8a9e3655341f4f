"""What a supervisor does with a campaign from its first day to its last, in a real browser, while the engine
dials the simulated carrier."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns.models import Assistant, Campaign, Channel, Enrollment
from config.demo import PASSWORD, load_demo
from dialer.models import Call
from tests.engine.conftest import campaign_of, check_invariants, started
from tests.factories import AssistantFactory, CallerIdFactory, ChannelFactory, ContactFactory, ListFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Each rings for half a minute before they answer: long enough to do something meanwhile.
SLOW = [f"+1415{exchange}0029" for exchange in range(200, 206)]
WRITTEN = "\n".join(f"(415) {exchange}-0029" for exchange in range(200, 204))


@pytest.fixture
def page(open_browser, supervisor):
    return open_browser(supervisor)


@pytest.fixture
def destinations(transactional_db):
    return AssistantFactory(name="Renewals assistant"), CallerIdFactory(phone_number="+14155550100")


def slow_campaign(**options):
    """Six contacts, called one by one, each for a second or two."""
    return campaign_of(*SLOW, voice__concurrent_calls=1, **options)


def badge(page):
    """The campaign's, above its tabs."""
    return page.locator(".title .badge")


def card(page, name):
    return page.locator(".cards > div", has=page.get_by_text(name, exact=True)).locator("dd")


def refresh(page):
    page.get_by_role("button", name="Refresh", exact=True).click()
    expect(page.locator(".htmx-request")).to_have_count(0)


def opened(page, channel, tab=""):
    page.goto(f"/campaigns/{channel.campaign_id}/{tab}")
    return page


def is_quiet():
    return not Call.objects.exclude(state="ended").exists()


def made_and_started(page, *, press="click"):
    """From the list of campaigns to one that runs: four people, whom it calls one by one."""
    page.goto("/campaigns/")
    getattr(page.get_by_role("link", name="New campaign").first, press)()
    page.get_by_label("Name", exact=True).fill("Autumn renewals")
    getattr(page.locator("#basic label", has_text="Hang up"), press)()
    getattr(page.get_by_role("tab", name="Schedule"), press)()
    getattr(page.get_by_role("button", name="Always"), press)()
    getattr(page.get_by_role("button", name=re.compile("^Continue")), press)()
    getattr(page.get_by_text("Type or paste numbers"), press)()
    page.locator("textarea[name=numbers]").fill(WRITTEN)
    getattr(page.get_by_role("button", name="Add these numbers"), press)()
    expect(page.locator("#preflight")).to_contain_text("4 of 4 will be called")
    getattr(page.get_by_role("button", name="Start now"), press)()
    expect(badge(page)).to_have_text("Active")
    expect(card(page, "Total")).to_contain_text("4")
    return Channel.objects.get()


def test_a_campaign_from_its_first_day_to_its_last(engine, page, destinations):
    engine.start()
    channel = made_and_started(page)
    engine.wait_for(Call.objects.exists, what="the first call")

    badge(page).click()
    expect(badge(page)).to_have_text("Paused")
    expect(page.locator(".channel .badge")).to_have_text("Paused")
    engine.wait_for(is_quiet, what="the call in progress to finish")
    called = Call.objects.count()
    assert called < 4
    refresh(page)
    expect(card(page, "Pending")).to_contain_text(str(4 - called))
    expect(card(page, "Completed")).to_contain_text(f"{called}{100 * called // 4} % reached")

    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_role("tab", name="Advanced").click()
    page.get_by_label("Concurrent calls").fill("4")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator("#toasts")).to_contain_text("The changes count from the next call on.")
    opened(page, channel)
    expect(page.locator(".channel .facts")).to_contain_text("0 of 4")

    page.get_by_role("button", name="Resume Voice", exact=True).click()
    expect(badge(page)).to_have_text("Active")
    engine.wait_completed(channel)
    refresh(page)
    expect(badge(page)).to_have_text("Completed")
    expect(card(page, "Completed")).to_contain_text("4100 % reached")
    expect(card(page, "Progress")).to_contain_text("100 %")

    page.get_by_role("button", name="Re-run", exact=True).click()
    dialog = page.get_by_role("dialog", name="Run Voice again?")
    expect(dialog).to_contain_text("All contacts of its original lists, 4 the last time")
    dialog.get_by_role("button", name="Re-run").click()
    expect(badge(page)).to_have_text("Active")
    engine.wait_completed(channel)
    refresh(page)
    expect(page.locator(".runs")).to_contain_text("Run 2 of 2 · run 1: 4 completed, 0 failed")
    assert Call.objects.count() == 8

    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("button", name="Archive").click()
    expect(page.locator("#toasts")).to_contain_text("Autumn renewals was archived.")
    page.goto("/campaigns/")
    expect(page.get_by_role("link", name="Autumn renewals")).to_have_count(0)
    page.get_by_role("link", name="Archived 1").click()
    page.get_by_role("link", name="Autumn renewals").click()
    expect(badge(page)).to_have_text("Archived")
    expect(card(page, "Completed")).to_contain_text("4")
    expect(page.get_by_role("link", name="Results")).to_contain_text("8")
    check_invariants(engine.carrier)


def test_on_a_phone_by_touch_from_nothing_to_paused(engine, open_browser, supervisor, destinations):
    page = open_browser(supervisor, width=390, height=844, has_touch=True)
    engine.start()
    made_and_started(page, press="tap")
    engine.wait_for(Call.objects.exists, what="the first call")

    badge(page).tap()
    expect(badge(page)).to_have_text("Paused")
    page.get_by_role("link", name=re.compile("^Contacts [0-9]")).tap()
    expect(page.locator(".places tbody tr")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_two_channels_start_alone_and_pause_and_resume_together(engine, page):
    engine.start()
    voice = slow_campaign(campaign__name="Autumn")
    opened(page, voice)
    page.get_by_role("link", name="Add a channel").last.click()
    page.get_by_label("Name").fill("Evenings")
    page.get_by_label("Its lists too").check()
    page.get_by_role("button", name="Add the channel").click()
    expect(page.locator("#toasts")).to_contain_text("Evenings was added.")
    evenings = Channel.objects.get(name="Evenings")

    opened(page, voice)
    # Which of them, nobody can know: the badge is no button.
    expect(page.locator(".title button.badge")).to_have_count(0)
    first, second = page.locator(f"#channel-{voice.pk}"), page.locator(f"#channel-{evenings.pk}")
    first.get_by_role("button", name="Start Voice", exact=True).click()
    expect(first.locator(".badge")).to_have_text("Running")
    expect(second.locator(".badge")).to_have_text("Ready")
    expect(badge(page)).to_have_text("Active")
    second.get_by_role("button", name="Start Evenings", exact=True).click()
    expect(second.locator(".badge")).to_have_text("Running")

    page.get_by_role("button", name="Active. Pause Autumn").click()
    for each in (first, second):
        expect(each.locator(".badge")).to_have_text("Paused")
    page.get_by_role("button", name="Paused. Resume Autumn").click()
    for each in (first, second):
        expect(each.locator(".badge")).to_have_text("Running")
    engine.wait_for(lambda: Call.objects.filter(channel=voice).exists(), what="a call of the first")
    engine.wait_for(lambda: Call.objects.filter(channel=evenings).exists(), what="a call of the second")


def test_a_campaign_scheduled_for_later_starts_when_its_time_comes(engine, page):
    engine.start()
    channel = slow_campaign(campaign__name="Autumn")
    opened(page, channel, "launch/")
    page.get_by_text("Schedule for later").click()
    page.get_by_label("Start at").fill("2090-07-01T09:00")
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(badge(page)).to_have_text("Scheduled")
    expect(page.locator(".title .note").first).to_contain_text("starts Jul 1, 2090, 09:00")

    # It is 2090, almost.
    at = timezone.now() + timedelta(seconds=3)
    Channel.objects.filter(pk=channel.pk).update(start_at=at)
    engine.wait_for(lambda: Channel.objects.get().status == "running", what="its time")
    assert at <= Channel.objects.get().started_at < at + timedelta(seconds=3)
    refresh(page)
    expect(badge(page)).to_have_text("Active")
    engine.wait_for(Call.objects.exists, what="the first call")


def test_a_schedule_is_cancelled_and_nothing_starts(engine, page):
    channel = slow_campaign(campaign__name="Autumn", scheduled=True)
    opened(page, channel)
    page.get_by_role("button", name="Cancel schedule").first.click()
    expect(badge(page)).to_have_text("Draft")
    Channel.objects.filter(pk=channel.pk).update(start_at=timezone.now())
    other = started(campaign_of("+14152000001"))
    engine.start()
    engine.wait_completed(other)
    assert Channel.objects.get(pk=channel.pk).status == "ready"
    assert not Call.objects.filter(channel=channel).exists()


def test_stopping_says_what_is_left_undone_and_keeps_the_results(engine, page):
    engine.start()
    channel = started(slow_campaign(campaign__name="Autumn"))
    engine.wait_for(lambda: Enrollment.objects.filter(status="completed").exists(), what="a call to end")
    opened(page, channel)
    page.get_by_role("button", name="Pause Voice", exact=True).click()
    expect(badge(page)).to_have_text("Paused")
    engine.wait_for(is_quiet, what="the call in progress to finish")
    left = Enrollment.objects.filter(status="pending").count()

    page.get_by_role("button", name="Stop for good: Voice").click()
    dialog = page.get_by_role("dialog", name="Stop Voice for good?")
    people = "1 contact" if left == 1 else f"{left} contacts"
    expect(dialog).to_contain_text(f"{people} still waiting won’t be called")
    dialog.get_by_role("button", name="Cancel").click()
    expect(badge(page)).to_have_text("Paused")
    page.get_by_role("button", name="Stop for good: Voice").click()
    dialog.get_by_role("button", name="Stop for good").click()
    expect(badge(page)).to_have_text("Ended")
    expect(page.locator(".channel .badge")).to_have_text("Stopped")
    page.get_by_role("link", name="Results").click()
    expect(page.locator(".calls tbody tr")).to_have_count(6 - left)


def test_what_a_deleted_campaign_did_stays_in_the_history(engine, page):
    engine.start()
    channel = started(campaign_of("+14152000001", "+14152010002", campaign__name="Old leads"))
    engine.wait_completed(channel)
    opened(page, channel)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("link", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete Old leads?")
    dialog.get_by_role("textbox").fill("Old lead")
    expect(dialog.get_by_role("button", name="Delete campaign")).to_be_disabled()
    dialog.get_by_role("textbox").fill("Old leads")
    dialog.get_by_role("button", name="Delete campaign").click()
    expect(page.locator("#toasts")).to_contain_text("Old leads was deleted. Its calls stay in the history.")
    assert not Campaign.objects.exists()

    page.goto("/history/")
    expect(page.locator(".calls tbody tr")).to_have_count(2)
    expect(page.locator(".calls tbody tr").first).to_contain_text("Old leads")


def test_a_refusal_is_mended_by_its_link_and_the_campaign_starts(engine, page):
    engine.start()
    channel = ChannelFactory(campaign__name="Autumn", voice__destination="hangup")
    ListFactory(name="West", members=[ContactFactory(phone_number=SLOW[0])])
    page.goto("/campaigns/")
    row = page.get_by_role("row", name=re.compile("Autumn"))
    row.locator("button.badge").click()
    expect(row.get_by_role("alert")).to_contain_text("No list is assigned.")
    row.get_by_role("link", name="Assign a list").click()

    page.get_by_label("List to assign").select_option("West (1)")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("link", name="West")).to_be_visible()
    badge(page).click()
    expect(badge(page)).to_have_text("Active")
    engine.wait_completed(channel)


# A refresh while a note is half typed, and with a menu open, is told in test_results.py and
# test_campaign_pages.py; new channels from results in test_remarketing.py; the hour grid in test_editor.py.


def test_every_page_follows_a_dark_system(open_browser, supervisor):
    channel = ChannelFactory(running=True, lists=[ListFactory(members=1)])
    page = open_browser(supervisor, color_scheme="dark")
    for url in (
        "/campaigns/",
        f"/campaigns/{channel.campaign_id}/",
        f"/campaigns/{channel.campaign_id}/edit/",
        f"/campaigns/{channel.campaign_id}/results/",
        "/contacts/",
        "/settings/",
        "/login/",
    ):
        page.goto(url)
        # Drawn, and read back: however a colour is written.
        light = page.evaluate("""() => {
            const pen = new OffscreenCanvas(1, 1).getContext("2d");
            pen.fillStyle = getComputedStyle(document.body).backgroundColor;
            pen.fillRect(0, 0, 1, 1);
            return Math.max(...pen.getImageData(0, 0, 1, 1).data.slice(0, 3));
        }""")
        assert light < 60, url


# --- From log-in to the first call ------------------------------------------------------------------------

COUNT = """
addEventListener("pointerdown", () => clicked(), true);
addEventListener("input", (event) => typed(`${location.pathname} ${event.target.name}`), true);
"""


def test_a_new_supervisor_makes_the_first_call_with_few_clicks(engine, open_browser, tmp_path):
    load_demo()
    Assistant.objects.update(url=engine.carrier.base_url.replace("http", "ws") + "/assistant/renewals/")
    file = tmp_path / "Autumn leads.csv"
    numbers = range(200, 220)
    rows = "".join(f"Person {number},(415) {number}-0029\n" for number in numbers)
    file.write_text(f"Name,Phone\n{rows}", encoding="utf-8")
    engine.start()
    clicks, fields = [], set()
    page = open_browser()
    page.expose_function("clicked", lambda: clicks.append(page.url))
    page.expose_function("typed", lambda field: fields.add(field))
    page.add_init_script(COUNT)
    began = timezone.now()

    page.goto("/")
    page.get_by_label("User name").fill("supervisor")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Import contacts").first.click()
    with page.expect_file_chooser() as choosing:
        page.locator("[data-drop]").click()
    choosing.value.set_files(file)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Import 20 rows", exact=True).click()
    page.get_by_role("link", name="Use in a campaign").click()
    page.get_by_label("Name", exact=True).fill("My first campaign")
    # It may be night where the test runs.
    page.get_by_role("tab", name="Schedule").click()
    page.get_by_role("button", name="Always").click()
    page.get_by_role("button", name="Continue to contacts").click()
    expect(page.locator("#preflight")).to_contain_text("20 of 20 will be called")
    page.get_by_role("button", name="Start now").click()
    expect(badge(page)).to_have_text("Active")
    engine.wait_for(Call.objects.exists, what="the first call")

    # In the window of files: the file, and Open.
    count = len(clicks) + 2
    seconds = (Call.objects.earliest("pk").created_at - began).total_seconds()
    told = f"{count} clicks, {len(fields)} fields typed into, {seconds:.0f} s"
    assert count <= 25, told
    assert len(fields) <= 4, told
    assert seconds < 180, told
    page.goto(Campaign.objects.get(name="My first campaign").get_absolute_url())
    page.get_by_role("button", name="Pause Voice", exact=True).click()
    engine.wait_for(is_quiet, what="the call in progress to finish")
