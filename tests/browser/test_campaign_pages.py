"""The frame in a real browser: keyboard, theme, menus, narrow screens, and refreshes that disturb nobody."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from campaigns import services
from campaigns.models import Enrollment
from tests.factories import CampaignFactory, ChannelFactory, ContactFactory, EnrollmentFactory, ListFactory
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# A poll comes every ten seconds; tests ask for it now.
POLL = "document.querySelector('[data-live]').dispatchEvent(new CustomEvent('live'))"


@pytest.fixture
def supervisor_page(open_browser, supervisor):
    return open_browser(supervisor)


@pytest.fixture
def running(db):
    channel = ChannelFactory(running=True, campaign__name="Autumn renewals", lists=[ListFactory(members=1)])
    EnrollmentFactory.create_batch(3, channel=channel)
    return channel


def poll(page):
    """Let the page refresh itself, and wait until it has."""
    with page.expect_response(lambda response: response.request.headers.get("hx-request") == "true"):
        page.evaluate(POLL)
    expect(page.locator(".htmx-request")).to_have_count(0)


def opened(page, channel, tab="campaign"):
    page.goto(reverse(f"campaigns:{tab}", args=[channel.campaign_id]))
    return page


# --- Logging in --------------------------------------------------------------------------------------


def test_logging_in_and_out_by_keyboard(open_browser, db):
    UserFactory(username="mara")
    page = open_browser()

    page.goto("/campaigns/")
    assert page.evaluate("document.activeElement.name") == "username"
    page.keyboard.type("mara")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/")

    page.get_by_role("button", name="Mara Supervisor").press("Enter")
    page.get_by_role("button", name="Log out").press("Enter")
    page.wait_for_url("**/login/")


# --- Keys --------------------------------------------------------------------------------------------


def test_the_first_tab_skips_to_the_page(supervisor_page):
    supervisor_page.goto("/campaigns/")
    supervisor_page.keyboard.press("Tab")
    assert supervisor_page.evaluate("document.activeElement.textContent") == "Skip to the page"
    supervisor_page.keyboard.press("Enter")
    assert supervisor_page.evaluate("document.activeElement.id") == "main"


def test_contacts_are_found_while_typing(supervisor_page, running):
    EnrollmentFactory(channel=running, contact__first_name="Wanda", contact__last_name="Zeta")
    opened(supervisor_page, running, "contacts")
    supervisor_page.keyboard.press("/")
    supervisor_page.keyboard.type("wanda")

    expect(supervisor_page.locator("tbody tr")).to_have_count(1)
    expect(supervisor_page.get_by_role("link", name="Wanda Zeta")).to_be_visible()
    supervisor_page.keyboard.type(" zeta")
    supervisor_page.wait_for_url("**q=wanda%20zeta**")
    expect(supervisor_page.get_by_placeholder("Name, number or email")).to_be_focused()
    expect(supervisor_page.get_by_placeholder("Name, number or email")).to_have_value("wanda zeta")

    supervisor_page.get_by_label("Status").select_option("completed")
    expect(supervisor_page.get_by_text("Nobody is like that: “wanda zeta”")).to_be_visible()
    supervisor_page.get_by_role("link", name="Show all contacts").click()
    expect(supervisor_page.locator("tbody tr")).to_have_count(4)


def test_slash_searches_and_letters_typed_there_are_no_shortcuts(supervisor_page):
    CampaignFactory(name="Autumn gc?")
    CampaignFactory(name="Winter")
    supervisor_page.goto("/campaigns/")

    supervisor_page.keyboard.press("/")
    supervisor_page.keyboard.type("gc?")
    supervisor_page.get_by_role("link", name="Winter").wait_for(state="detached")

    expect(supervisor_page.get_by_role("link", name="Autumn gc?")).to_be_visible()
    assert "q=gc" in supervisor_page.url


def test_g_c_leads_to_the_campaigns_and_question_mark_shows_the_keys(supervisor_page, running):
    opened(supervisor_page, running)
    supervisor_page.keyboard.press("?")
    keys = supervisor_page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_be_visible()
    supervisor_page.keyboard.press("Escape")
    expect(keys).to_be_hidden()

    supervisor_page.keyboard.press("g")
    supervisor_page.keyboard.press("c")
    supervisor_page.wait_for_url("**/campaigns/")


def test_a_campaign_is_paused_and_resumed_by_keyboard_alone(supervisor_page, running):
    opened(supervisor_page, running)
    supervisor_page.get_by_role("button", name="Running. Pause channel Voice").focus()
    supervisor_page.keyboard.press("Enter")
    paused = supervisor_page.get_by_role("button", name="Paused. Resume channel Voice")
    paused.wait_for()

    # Where the person was, they still are: once more does the next thing.
    expect(paused).to_be_focused()
    assert (
        supervisor_page.get_by_role("status")
        .get_by_text("Voice paused. Calls in progress finish.")
        .is_visible()
    )
    supervisor_page.keyboard.press("Enter")
    supervisor_page.get_by_role("button", name="Running. Pause channel Voice").wait_for()


def test_menus_open_move_and_close_by_keyboard(supervisor_page, running):
    opened(supervisor_page, running)
    more = supervisor_page.get_by_role("button", name="More", exact=True)
    more.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    entries = supervisor_page.locator("#campaign-menu")
    expect(entries.get_by_role("link", name="Add a channel")).to_be_focused()
    supervisor_page.keyboard.press("ArrowDown")
    expect(entries.get_by_role("button", name="Duplicate")).to_be_focused()
    supervisor_page.keyboard.press("End")
    expect(entries.get_by_role("link", name="Delete…")).to_be_focused()
    supervisor_page.keyboard.press("Escape")
    expect(more).to_have_attribute("aria-expanded", "false")
    expect(more).to_be_focused()


# --- Theme -------------------------------------------------------------------------------------------


def background(page) -> float:
    """How light the page is, from 0 to 1, as painted."""
    return page.evaluate(
        """() => {
            const context = document.createElement("canvas").getContext("2d");
            context.fillStyle = getComputedStyle(document.body).backgroundColor;
            context.fillRect(0, 0, 1, 1);
            return context.getImageData(0, 0, 1, 1).data[0] / 255;
        }"""
    )


def test_the_theme_follows_the_system_until_one_is_chosen_and_stays_chosen(supervisor_page):
    supervisor_page.goto("/campaigns/")
    supervisor_page.emulate_media(color_scheme="dark")
    assert background(supervisor_page) < 0.2
    supervisor_page.emulate_media(color_scheme="light")
    assert background(supervisor_page) > 0.9

    supervisor_page.get_by_role("button", name="Mara Supervisor").click()
    supervisor_page.get_by_role("button", name="Dark").click()
    assert background(supervisor_page) < 0.2
    supervisor_page.reload()
    assert background(supervisor_page) < 0.2

    supervisor_page.get_by_role("button", name="Mara Supervisor").click()
    assert supervisor_page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
    supervisor_page.get_by_role("button", name="System").click()
    assert background(supervisor_page) > 0.9


# --- Refreshing --------------------------------------------------------------------------------------


def test_a_refresh_brings_new_numbers(supervisor_page, running):
    opened(supervisor_page, running)
    Enrollment.objects.filter(channel=running).update(status="calling")
    poll(supervisor_page)

    expect(supervisor_page.get_by_text("3 in progress").first).to_be_visible()


def test_the_page_says_how_old_its_numbers_are(supervisor_page, running):
    opened(supervisor_page, running)
    expect(supervisor_page.get_by_text(re.compile(r"updated [2-9] s ago"))).to_be_visible()
    poll(supervisor_page)
    expect(supervisor_page.get_by_text("updated just now")).to_be_visible()


def test_a_refresh_leaves_an_open_menu_open_and_focus_in_it(supervisor_page, running):
    opened(supervisor_page, running)
    supervisor_page.get_by_role("button", name="More", exact=True).press("Enter")
    first = supervisor_page.locator("#campaign-menu").get_by_role("link", name="Add a channel")
    expect(first).to_be_focused()
    EnrollmentFactory(channel=running)
    poll(supervisor_page)

    expect(supervisor_page.locator(".cards").get_by_text("4", exact=True).first).to_be_visible()
    expect(supervisor_page.get_by_role("button", name="Duplicate")).to_be_visible()
    expect(first).to_be_focused()


def test_a_refresh_leaves_an_open_dialog_alone(supervisor_page, running):
    opened(supervisor_page, running)
    supervisor_page.get_by_role("button", name="Stop for good: Voice").click()
    dialog = supervisor_page.get_by_role("dialog", name="Stop Voice for good?")
    dialog.wait_for()
    EnrollmentFactory(channel=running)
    poll(supervisor_page)

    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Stop for good").click()
    supervisor_page.get_by_text("Voice stopped for good.").wait_for()
    expect(dialog).to_be_hidden()
    running.refresh_from_db()
    assert running.status == "stopped"


def test_a_refresh_leaves_what_is_being_typed_and_the_scroll(supervisor_page, running):
    EnrollmentFactory.create_batch(45, channel=running)
    opened(supervisor_page, running, "contacts")
    # Typed, not sent: the search waits for a pause.
    supervisor_page.route("**/*q=*", lambda route: route.abort())
    supervisor_page.evaluate("document.querySelector('#contact-filters').removeAttribute('hx-get')")
    search = supervisor_page.get_by_placeholder("Name, number or email")
    search.evaluate("input => { input.value = 'half a na'; input.focus(); input.setSelectionRange(4, 4); }")
    supervisor_page.mouse.wheel(0, 600)
    supervisor_page.wait_for_timeout(300)
    before = supervisor_page.evaluate("scrollY")
    assert before > 300
    Enrollment.objects.filter(channel=running).update(status="calling", attempts=1)
    poll(supervisor_page)

    expect(supervisor_page.get_by_role("table").get_by_text("Calling").first).to_be_visible()
    assert search.input_value() == "half a na"
    assert search.evaluate("input => [input === document.activeElement, input.selectionStart]") == [True, 4]
    assert supervisor_page.evaluate("scrollY") == before


def test_a_refresh_keeps_what_was_chosen_and_a_reason_half_typed(supervisor_page, running):
    EnrollmentFactory.create_batch(5, channel=running)
    page = opened(supervisor_page, running, "contacts")
    page.goto(f"{page.url}?status=pending")
    boxes = page.locator("input[name=id]")
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(page.get_by_text("4 chosen")).to_be_visible()
    chosen = page.evaluate("[...document.querySelectorAll('input[name=id]:checked')].map(box => box.value)")
    # One of them moves on and belongs to the filter no more; another row comes.
    Enrollment.objects.filter(pk=chosen[0]).update(status="calling", attempts=1)
    EnrollmentFactory(channel=running)
    poll(page)

    expect(boxes).to_have_count(9)
    expect(page.locator("input[name=id]:checked")).to_have_count(4)
    page.get_by_role("button", name="Skip…", exact=True).click()
    dialog = page.get_by_role("dialog", name="Skip: 3 contacts")
    dialog.get_by_label("Reason").fill("On holi")
    Enrollment.objects.filter(pk=chosen[0]).update(status="no_answer")
    poll(page)
    expect(dialog.get_by_label("Reason")).to_have_value("On holi")
    dialog.get_by_label("Reason").press("End")
    page.keyboard.type("day")
    page.keyboard.press("Enter")

    page.get_by_text("3 contacts skipped.").wait_for()
    expect(page.locator("input[name=id]:checked")).to_have_count(0)
    expect(boxes).to_have_count(5)
    expect(page.locator(".choose-bar")).to_be_hidden()
    assert set(Enrollment.objects.filter(status="skipped").values_list("reason", flat=True)) == {"On holiday"}
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("3 contacts brought back.").wait_for()
    assert not Enrollment.objects.filter(status="skipped").exists()


def test_one_contact_is_skipped_and_retried_from_its_menu(supervisor_page, running):
    page = opened(supervisor_page, running, "contacts")
    place = Enrollment.objects.filter(channel=running).order_by("contact").first()
    row = page.locator(f"#place-{place.pk}")
    row.get_by_role("button", name=re.compile("^More for")).click()
    poll(page)
    row.get_by_role("button", name="Skip", exact=True).click()
    page.get_by_text("1 contact skipped.").wait_for()
    expect(row.locator(".quiet", has_text="Skipped by hand")).to_be_visible()
    row.get_by_role("button", name=re.compile("^More for")).click()
    row.get_by_role("button", name="Retry now", exact=True).click()
    page.get_by_text("1 contact to be tried now.").wait_for()
    place.refresh_from_db()
    assert place.status == "retry"


def test_a_refresh_touches_only_what_changed(supervisor_page, running):
    opened(supervisor_page, running, "contacts")
    supervisor_page.evaluate("for (const row of document.querySelectorAll('tbody tr')) row.seenBefore = true")
    moved = Enrollment.objects.filter(channel=running).latest("pk")
    Enrollment.objects.filter(pk=moved.pk).update(status="calling")
    poll(supervisor_page)

    assert supervisor_page.evaluate("[...document.querySelectorAll('tbody tr')].every(row => row.seenBefore)")
    expect(supervisor_page.locator(f"#place-{moved.pk}").get_by_text("Calling")).to_be_visible()


def test_refreshing_stops_when_nothing_is_active(supervisor_page, running):
    opened(supervisor_page, running)
    services.pause_channel(channel=running, actor=None)
    poll(supervisor_page)

    assert supervisor_page.locator("#center").get_attribute("hx-trigger") == "refresh from:body"


def test_a_hidden_tab_is_not_refreshed(supervisor_page, running):
    opened(supervisor_page, running)
    asked = []
    supervisor_page.on(
        "request", lambda request: asked.append(request.url) if "hx-request" in request.headers else 0
    )
    supervisor_page.evaluate("""() => {
        document.querySelector("[data-live]").dataset.every = "0.1";
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
    }""")
    supervisor_page.wait_for_timeout(1500)
    assert "true" not in asked

    supervisor_page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: false, configurable: true })"
    )
    with supervisor_page.expect_response("**/campaigns/*/"):
        pass


def test_a_refusal_stays_beside_the_badge_through_refreshes(supervisor_page):
    draft = ChannelFactory(campaign__name="Draft")
    ChannelFactory(campaign__name="Another", running=True)
    supervisor_page.goto("/campaigns/")
    row = supervisor_page.locator(f"#campaign-{draft.campaign_id}")
    row.get_by_role("button", name="Draft. Start Voice").click()
    refusal = row.get_by_role("alert")
    refusal.wait_for()
    expect(refusal.get_by_role("link", name="Assign a list")).to_be_visible()

    ChannelFactory(campaign__name="A third", running=True)
    poll(supervisor_page)
    expect(supervisor_page.get_by_text("A third")).to_be_visible()
    expect(refusal).to_be_visible()


# --- Deeds -------------------------------------------------------------------------------------------


def test_pressing_a_badge_in_the_manager_changes_its_row_and_the_counts(supervisor_page, running):
    supervisor_page.goto("/campaigns/")
    supervisor_page.get_by_role("button", name="Active. Pause Autumn renewals").click()

    supervisor_page.get_by_role("button", name="Paused. Resume Autumn renewals").wait_for()
    supervisor_page.get_by_role("link", name="Paused 1").wait_for()


def test_a_rows_menu_is_filled_as_it_opens_and_survives_a_refresh(supervisor_page, running):
    supervisor_page.goto("/campaigns/")
    supervisor_page.get_by_role("button", name="More for Autumn renewals").press("Enter")
    row = supervisor_page.locator(f"#campaign-{running.campaign_id}")
    duplicate = row.get_by_role("button", name="Duplicate")
    expect(duplicate).to_be_visible()
    expect(row.get_by_role("link", name="Open")).to_be_focused()
    EnrollmentFactory(channel=running)
    poll(supervisor_page)

    expect(duplicate).to_be_visible()
    expect(row.get_by_role("link", name="Open")).to_be_focused()
    duplicate.click()
    supervisor_page.wait_for_url("**/campaigns/*/")
    expect(supervisor_page.get_by_role("heading", name="Autumn renewals (copy)")).to_be_visible()


def test_going_back_shows_the_whole_page(supervisor_page, running):
    supervisor_page.goto("/campaigns/")
    supervisor_page.get_by_placeholder("Search campaigns").press_sequentially("autumn")
    supervisor_page.wait_for_url("**q=autumn**")
    supervisor_page.get_by_role("link", name="Autumn renewals").click()
    supervisor_page.wait_for_url("**/campaigns/*/")
    supervisor_page.go_back()

    expect(supervisor_page.get_by_role("navigation", name="Main")).to_be_visible()
    expect(supervisor_page.get_by_placeholder("Search campaigns")).to_have_value("autumn")


def test_deleting_takes_typing_the_name(supervisor_page):
    channel = ChannelFactory(paused=True, campaign__name="Old leads")
    opened(supervisor_page, channel)
    supervisor_page.get_by_role("button", name="More", exact=True).click()
    supervisor_page.get_by_role("link", name="Delete…").click()
    dialog = supervisor_page.get_by_role("dialog", name="Delete Old leads?")
    button = dialog.get_by_role("button", name="Delete campaign")
    assert button.is_disabled()
    dialog.get_by_role("textbox").press_sequentially("Old leads")
    assert button.is_enabled()
    button.click()

    supervisor_page.wait_for_url("**/campaigns/")
    expect(supervisor_page.get_by_text("Old leads was deleted.")).to_be_visible()


def test_an_assigned_list_can_be_taken_back(supervisor_page):
    channel = ChannelFactory()
    ListFactory(name="West", members=2)
    opened(supervisor_page, channel, "lists")
    supervisor_page.get_by_label("List to assign").select_option("West (2)")
    supervisor_page.get_by_role("button", name="Assign").click()
    supervisor_page.get_by_role("link", name="West").wait_for()

    supervisor_page.get_by_role("button", name="Undo").click()
    supervisor_page.get_by_text("West was unassigned from Voice.").wait_for()
    supervisor_page.get_by_text("No list is assigned").wait_for()


def test_when_the_session_ended_a_refresh_leads_to_logging_in_and_back(supervisor_page, running):
    opened(supervisor_page, running)
    here = supervisor_page.url
    supervisor_page.context.clear_cookies()
    supervisor_page.evaluate(POLL)
    supervisor_page.wait_for_url("**/login/?next=*")
    UserFactory(username="mara")
    supervisor_page.get_by_label("User name").fill("mara")
    supervisor_page.get_by_label("Password").fill(PASSWORD)
    supervisor_page.get_by_role("button", name="Log in").click()

    supervisor_page.wait_for_url(here)


# --- Without scripts -----------------------------------------------------------------------------------


def test_a_campaign_can_be_run_without_scripts(open_browser, supervisor, running):
    page = open_browser(supervisor, java_script_enabled=False)
    page.goto("/campaigns/")
    page.get_by_role("button", name="Active. Pause Autumn renewals").click()
    expect(page.get_by_text("Autumn renewals: paused.")).to_be_visible()
    expect(page.get_by_role("button", name="Paused. Resume Autumn renewals")).to_be_visible()

    page.get_by_role("link", name="Autumn renewals").click()
    page.get_by_role("button", name="Resume Voice").click()
    expect(page.get_by_text("Voice goes on.")).to_be_visible()
    page.get_by_role("button", name="Stop for good: Voice").click()
    expect(page.get_by_text("still waiting won’t be called")).to_be_visible()
    page.get_by_role("button", name="Stop for good").click()
    expect(page.get_by_text("Voice stopped for good.")).to_be_visible()
    running.refresh_from_db()
    assert running.status == "stopped"


# --- Narrow screens, and every page's picture ------------------------------------------------------------


PAGES = (
    "campaigns:manager",
    "campaigns:campaign",
    "campaigns:contacts",
    "campaigns:lists",
    "campaigns:activity",
)


@pytest.fixture
def busy(running):
    """Long names, many contacts: what breaks a layout."""
    services.record_activity(campaign=running.campaign, actor=None, verb="x", text="did something " * 12)
    type(running.campaign).objects.filter(pk=running.campaign_id).update(description="Win-back " * 30)
    contact = ContactFactory(first_name="Wolfeschlegelsteinhausenbergerdorff" * 2, company="A company " * 8)
    EnrollmentFactory(
        channel=running, contact=contact, reason="Not a number in service " * 4, status="failed"
    )
    CampaignFactory(name="Donaudampfschifffahrtselektrizitätenhauptbetriebswerk" * 2)
    return running


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_the_screen(open_browser, supervisor, busy, photograph, name, width):
    page = open_browser(supervisor, width=width)
    page.goto(reverse(name, args=[] if name == "campaigns:manager" else [busy.campaign_id]))

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    photograph(page, f"{name.replace(':', '-')}-{width}")


def test_on_a_narrow_screen_the_rail_is_a_bar_at_the_bottom(open_browser, supervisor):
    page = open_browser(supervisor, width=390, height=844)
    page.goto("/campaigns/")
    bar = page.get_by_role("navigation", name="Main").bounding_box()

    assert bar["y"] + bar["height"] == pytest.approx(844, abs=1)
    assert bar["height"] < 80
    page.get_by_role("button", name="Mara Supervisor").click()
    menu = page.get_by_role("button", name="Log out").bounding_box()
    assert 0 < menu["y"] < bar["y"]


def test_log_in_and_error_pages_have_the_look(open_browser, supervisor, photograph):
    page = open_browser()
    page.goto("/login/")
    photograph(page, "login")
    page.get_by_role("button", name="Log in").focus()
    page = open_browser(supervisor)
    page.goto("/campaigns/")
    photograph(page, "first-run")


def test_the_channels_pace_and_the_number_of_results_come_by_themselves(open_browser, supervisor):
    channel = ChannelFactory(running=True)
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/")
    expect(page.locator(".channel .pace")).to_contain_text("0.0 of 5 a second")
    expect(page.locator("#results-count")).to_have_text("0")
    # Each in its own place: the page around them is still there.
    expect(page.get_by_role("heading", name=channel.campaign.name)).to_be_visible()


# --- What is in reach ---------------------------------------------------------------------------------


def test_who_ticks_far_below_sees_what_can_be_done(supervisor_page, running):
    EnrollmentFactory.create_batch(40, channel=running)
    page = opened(supervisor_page, running, "contacts")

    page.locator("input[name=id]").nth(38).check()

    expect(page.get_by_text("1 chosen")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Skip…").first).to_be_in_viewport()


def test_on_a_narrow_screen_the_deeds_of_a_campaign_are_in_reach(supervisor_page, running):
    supervisor_page.set_viewport_size({"width": 390, "height": 800})
    supervisor_page.goto(reverse("campaigns:manager"))

    for name in ("Pause Autumn renewals", "More for Autumn renewals"):
        expect(supervisor_page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)


def test_on_a_narrow_screen_a_contact_says_why_not_yet(supervisor_page, running):
    supervisor_page.set_viewport_size({"width": 390, "height": 800})
    services.pause_channel(channel=running, actor=None)
    page = opened(supervisor_page, running, "contacts")

    expect(page.locator(".why").first).to_have_text("the channel is paused")
    page.locator(".why").first.scroll_into_view_if_needed()
    expect(page.locator(".why").first).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="More for").first).to_be_in_viewport(ratio=1)
