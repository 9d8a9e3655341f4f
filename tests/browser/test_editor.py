"""The campaign form in a real browser: tabs, the hour grid, drafts that save themselves, and the start."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from playwright.sync_api import Error as PageError
from playwright.sync_api import expect

from accounts.models import Role, User
from campaigns import services
from campaigns.lifecycles import ChannelStatus
from campaigns.models import Campaign, Channel, Schedule
from tests.factories import (
    AssistantFactory,
    CallerIdFactory,
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    ListFactory,
    UserFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NEW = "/campaigns/new/"
OFFICE = sum(1 << hour for hour in range(9, 17))


@pytest.fixture
def open_browser(open_browser):
    """As everywhere; in the end each page is left as a person leaves it, and what it sends then arrives."""
    pages = []

    def opened(*people, **options):
        pages.append(open_browser(*people, **options))
        return pages[-1]

    yield opened
    for page in pages:
        # Closed by the test itself.
        with contextlib.suppress(PageError):
            page.goto("about:blank")
    time.sleep(0.5)


@pytest.fixture
def destinations(transactional_db):
    return AssistantFactory(name="Renewals assistant"), CallerIdFactory(phone_number="+14155552671")


@pytest.fixture
def colleague(transactional_db):
    return UserFactory(role=Role.SUPERVISOR, first_name="Anna", last_name="Svensson")


@pytest.fixture
def page(open_browser, supervisor, destinations):
    page = open_browser(supervisor)
    page.goto(NEW)
    return page


def cell(page, day, hour):
    return page.locator(f'#hour-grid input[value="{day}-{hour}"]')


def saved(page):
    expect(page.locator("#save-state")).to_contain_text(re.compile(r"saved at \d\d:\d\d", re.IGNORECASE))


def name_it(page, name="Autumn renewals"):
    page.get_by_label("Name", exact=True).fill(name)
    saved(page)
    expect(page.locator("#save-state")).not_to_have_class(re.compile("trouble"))


def wait_until(holds, seconds=5):
    """For what a page that is gone has sent."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "It did not come to be."
        time.sleep(0.05)


def hours():
    return Schedule.objects.get().hours


# --- Tabs --------------------------------------------------------------------------------------------------


def test_tabs_are_moved_through_by_arrow_keys(page):
    tabs = [page.get_by_role("tab", name=name) for name in ("Basic", "Schedule", "Advanced")]
    panels = [page.get_by_role("tabpanel", name=name) for name in ("Basic", "Schedule", "Advanced")]
    tabs[0].focus()
    for key, at in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowRight", 0),
        ("End", 2),
        ("Home", 0),
        ("ArrowLeft", 2),
    ):
        page.keyboard.press(key)
        for number in range(3):
            assert tabs[number].get_attribute("aria-selected") == str(number == at).lower()
            expect(panels[number]).to_be_visible(visible=number == at)
        expect(tabs[at]).to_be_focused()
    assert page.url.endswith("#advanced")
    page.reload()
    expect(page.get_by_label("Concurrent calls")).to_be_visible()
    # A link to a tab, as a refused start gives it.
    page.goto(f"{NEW}#schedule")
    expect(page.locator("#hour-grid")).to_be_visible()


def test_an_error_opens_its_tab_and_is_marked_there(page):
    page.get_by_label("Name", exact=True).fill("Renewals")
    page.get_by_role("tab", name="Advanced").click()
    page.get_by_label("Calls per second").fill("99")
    page.get_by_role("tab", name="Basic").click()
    page.get_by_role("button", name="Continue to contacts").click()
    expect(page.get_by_role("alert")).to_contain_text("1 field needs another look")
    field = page.get_by_label("Calls per second")
    expect(field).to_be_visible()
    expect(field).to_be_focused()
    assert field.input_value() == "99"
    expect(field).to_have_accessible_description(re.compile("Enter a whole number from 1 to 5"))
    expect(page.get_by_role("tab", name=re.compile("Advanced.*has errors"))).to_be_visible()


# --- The hour grid -----------------------------------------------------------------------------------------


def test_hours_are_set_by_keyboard_alone(page):
    name_it(page)
    page.get_by_role("tab", name="Basic").focus()
    page.keyboard.press("ArrowRight")
    words = page.locator("#hours-in-words")
    expect(words).to_have_text("Mon–Fri 9:00–17:00, each contact’s own time; 40 hours a week")
    # Tab by tab to the grid, which is one stop.
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#hour-grid') !== null"):
            break
    assert page.evaluate("document.activeElement.value") == "0-0"
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('#hour-grid') !== null")
    page.keyboard.press("Shift+Tab")
    # Saturday from 10:00 to 14:00, painted with Shift.
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    # All of Sunday by its heading, and Monday 9:00 off.
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Home")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(words).to_have_text(
        "Mon 10:00–17:00, Tue–Fri 9:00–17:00, Sat 10:00–14:00, Sun all day, "
        "each contact’s own time; 67 hours a week"
    )
    saved(page)
    assert hours() == [OFFICE & ~(1 << 9), *[OFFICE] * 4, 0b1111 << 10, (1 << 24) - 1]
    assert Campaign.objects.count() == 1


def test_dragging_paints_what_the_first_cell_became(page):
    name_it(page)
    page.get_by_role("tab", name="Schedule").click()

    def drag(start, *through):
        cell(page, *start).hover()
        page.mouse.down()
        for each in through:
            cell(page, *each).hover()
        page.mouse.up()

    drag((5, 9), (5, 10), (5, 11), (6, 11), (5, 11))
    drag((0, 9), (1, 9), (2, 9))
    # A click is the shortest drag.
    cell(page, 6, 23).click()
    expect(page.locator("#hours-in-words")).to_contain_text("Sat 9:00–12:00")
    saved(page)
    without_nine = OFFICE & ~(1 << 9)
    assert hours() == [without_nine] * 3 + [OFFICE] * 2 + [0b111 << 9, 1 << 23]


def test_dragging_across_paints_the_rectangle_and_gives_back_what_it_leaves(page):
    name_it(page)
    page.get_by_role("tab", name="Schedule").click()
    cell(page, 2, 18).hover()
    page.mouse.down()
    for through in ((6, 22), (5, 20)):
        cell(page, *through).hover()
    page.mouse.up()
    expect(page.locator("#hours-in-words")).to_contain_text("Sat 18:00–21:00")
    saved(page)
    evening = 0b111 << 18
    assert hours() == [OFFICE] * 2 + [OFFICE | evening] * 3 + [evening, 0]
    # From below, to the left, over open and closed hours: closed, as the first cell is from now on.
    cell(page, 4, 19).hover()
    page.mouse.down()
    cell(page, 2, 10).hover()
    page.mouse.up()
    expect(page.locator("#hours-in-words")).to_contain_text("Wed–Fri 9:00–10:00")
    saved(page)
    kept = 1 << 9 | 1 << 20
    assert hours() == [OFFICE] * 2 + [kept] * 3 + [evening, 0]


def test_days_hours_and_presets_are_switched_at_once(page):
    name_it(page)
    page.get_by_role("tab", name="Schedule").click()
    words = page.locator("#hours-in-words")
    for preset, said in (
        ("Clear", "Never open"),
        ("Weekends", "Sat–Sun 10:00–18:00"),
        ("Always", "Every day, all day"),
        ("Every evening", "Every day 17:00–20:00"),
        ("Business hours", "Mon–Fri 9:00–17:00"),
    ):
        page.get_by_role("button", name=preset).click()
        expect(words).to_contain_text(said)
    page.get_by_role("button", name="12:00 on every day").click()
    page.get_by_role("button", name="Wednesday, all day").click()
    expect(words).to_contain_text("Wed all day")
    saved(page)
    assert hours() == [OFFICE, OFFICE, (1 << 24) - 1, OFFICE, OFFICE, 1 << 12, 1 << 12]


def test_a_finger_taps_hours(open_browser, supervisor, destinations):
    page = open_browser(supervisor, width=390, height=844, has_touch=True)
    page.goto(f"{NEW}#schedule")
    cell(page, 5, 3).tap()
    assert cell(page, 5, 3).is_checked()
    cell(page, 5, 3).tap()
    assert not cell(page, 5, 3).is_checked()


def test_on_a_narrow_screen_all_hours_are_in_reach_and_the_arrow_keys_follow_what_is_seen(
    open_browser, supervisor, destinations
):
    page = open_browser(supervisor, width=390, height=844, has_touch=True)
    page.goto(f"{NEW}#schedule")
    boxes = {place: cell(page, *place).bounding_box() for place in ((0, 0), (0, 1), (1, 0), (6, 23))}
    assert boxes[1, 0]["x"] > boxes[0, 0]["x"]
    assert boxes[0, 1]["y"] > boxes[0, 0]["y"]
    assert boxes[6, 23]["x"] + boxes[6, 23]["width"] <= 390
    # As large as a finger needs.
    assert min(boxes[0, 0]["width"], boxes[0, 0]["height"]) >= 24
    cell(page, 0, 3).tap()
    cell(page, 0, 3).focus()
    page.keyboard.press("ArrowRight")
    expect(cell(page, 1, 3)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cell(page, 1, 4)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#hours-in-words")).to_contain_text("Mon 3:00–4:00 and 9:00–17:00")
    expect(page.locator("#hours-in-words")).to_contain_text("Tue 4:00–5:00")


# --- Without script ----------------------------------------------------------------------------------------


def test_the_form_works_without_script(open_browser, supervisor, destinations):
    page = open_browser(supervisor, java_script_enabled=False)
    page.goto(NEW)
    for title in ("Basic", "Schedule", "Advanced"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_role("tablist")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("By hand")
    page.get_by_label("Saturday, 10:00 to 11:00").check()
    page.locator("[name=time_zone]").select_option("Europe/Berlin")
    page.locator("[name=closed_days]").fill("2030-12-25")
    page.get_by_label("Concurrent calls").fill("3")
    page.get_by_role("button", name="Continue to contacts").click()
    expect(page.get_by_role("heading", name="Contacts and start")).to_be_visible()
    channel = Channel.objects.get()
    assert channel.schedule.hours == [OFFICE] * 5 + [1 << 10, 0]
    assert channel.schedule.time_zone == "Europe/Berlin"
    assert channel.voice.concurrent_calls == 3
    page.get_by_text("Type or paste numbers").click()
    page.get_by_label("Numbers", exact=True).fill("(415) 555-2671")
    page.get_by_role("button", name="Add these numbers").click()
    expect(page.get_by_text("By hand: typed in").first).to_be_visible()
    page.get_by_role("button", name="Start now").click()
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.RUNNING


# --- Drafts ------------------------------------------------------------------------------------------------


def test_a_draft_saves_itself_from_the_first_key_on(page):
    page.get_by_label("Description").press_sequentially("W")
    saved(page)
    assert Campaign.objects.get().name == "Untitled campaign"
    expect(page.get_by_label("Name", exact=True)).to_have_value("")
    expect(page.locator("[aria-invalid]")).to_have_count(0)
    page.get_by_label("Description").press_sequentially("in-back of plans that end in November")
    name_it(page)
    channel = Channel.objects.get()
    assert channel.campaign.description == "Win-back of plans that end in November"
    expect(page).to_have_url(re.compile(rf"/campaigns/{channel.campaign_id}/channels/{channel.pk}/edit/"))
    expect(page.locator("#preflight")).to_contain_text("Nobody yet")
    page.get_by_label("Custom prompt").fill("Be brief.")
    page.get_by_label("Custom prompt").press("Tab")
    saved(page)
    page.reload()
    expect(page.get_by_label("Custom prompt")).to_have_value("Be brief.")
    expect(page.get_by_role("combobox", name="Assistant")).to_have_value(re.compile(r"\d+"))
    assert Campaign.objects.count() == 1


def test_pressing_continue_at_once_makes_one_campaign(page):
    page.get_by_label("Name", exact=True).press_sequentially("Quick", delay=5)
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="Contacts and start")).to_be_visible()
    assert Campaign.objects.count() == 1


def test_a_draft_tells_beside_the_field_what_it_could_not_save(page):
    name_it(page)
    field = page.get_by_label("Dial timeout, in seconds")
    field.fill("5")
    field.press("Tab")
    expect(page.locator("#save-state")).to_contain_text("except: Dial timeout")
    expect(page.get_by_text("Enter a whole number from 15 to 120 seconds.")).to_be_visible()
    expect(page.get_by_role("tab", name=re.compile("Basic.*has errors"))).to_be_visible()
    field.fill("30")
    field.press("Tab")
    expect(page.locator("#save-state")).to_contain_text("Draft saved at")
    expect(page.get_by_text("Enter a whole number from 15 to 120 seconds.")).to_be_hidden()
    expect(page.get_by_role("tab", name=re.compile("Basic.*has errors"))).to_be_hidden()
    assert Channel.objects.get().voice.dial_timeout_seconds == 30


def test_what_continue_finds_and_what_the_draft_saves_are_told_alike(page):
    name_it(page)
    page.get_by_label("Dial timeout, in seconds").fill("5")
    page.get_by_role("button", name="Continue").click()
    note = page.get_by_role("alert")
    expect(note).to_have_text(re.compile(r"fields? needs? another look before you go on"))
    expect(page.locator("#save-state")).to_contain_text("except: ")
    expect(note).not_to_contain_text("Not saved")
    page.get_by_label("Dial timeout, in seconds").fill("30")
    saved(page)
    expect(page.locator("#save-state")).to_contain_text("Draft saved at")
    expect(note).to_be_hidden()


def test_nothing_is_lost_when_the_tab_is_closed_at_once(page, open_browser, supervisor):
    page.get_by_label("Name", exact=True).press_sequentially("Autumn")
    page.get_by_label("Description").press_sequentially("Typed to the very end")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.close(run_before_unload=True)
    wait_until(lambda: Campaign.objects.filter(description="Typed to the very end").exists())
    assert Campaign.objects.get().name == "Autumn"
    assert not asked, "It is saved: there is nothing to ask."


def test_nothing_is_lost_when_another_page_is_opened_at_once(page):
    name_it(page)
    page.get_by_label("Custom prompt").press_sequentially("Be brief and kind")
    page.get_by_role("link", name="Contacts", exact=True).click()
    expect(page).to_have_url(re.compile("/contacts/"))
    wait_until(lambda: Channel.objects.get().voice.prompt == "Be brief and kind")
    page.go_back()
    expect(page.get_by_label("Custom prompt")).to_have_value("Be brief and kind")
    assert Campaign.objects.count() == 1


def test_without_network_a_draft_says_so_and_saves_itself_when_it_is_back(page):
    name_it(page)
    page.context.set_offline(True)
    page.get_by_label("Description").fill("Typed in a tunnel")
    expect(page.locator("#save-state")).to_contain_text("Not saved: the server can’t be reached")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="Contacts", exact=True).click()
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    page.get_by_label("Description").fill("Typed in a tunnel, twice")
    page.context.set_offline(False)
    saved(page)
    wait_until(lambda: Campaign.objects.get().description == "Typed in a tunnel, twice")
    expect(page.locator("#clashes")).to_be_empty()


def test_who_was_logged_out_logs_in_elsewhere_and_loses_nothing(page, settings):
    name_it(page)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_label("Description").fill("Typed after the session ended")
    expect(page.locator("#save-state")).to_contain_text("you were logged out")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Log in").click()
    other = opened.value
    user = User.objects.get(role=Role.SUPERVISOR)
    user.set_password("carillon-try-1")
    user.save()
    other.get_by_label("User name").fill(user.username)
    other.get_by_label("Password").fill("carillon-try-1")
    other.get_by_role("button", name="Log in").click()
    expect(other).to_have_url(re.compile("/campaigns/"))
    other.close()
    # A headless page is not told that it is looked at again: it tries every five seconds.
    expect(page.locator("#save-state")).to_contain_text("Draft saved at", timeout=10_000)
    assert Campaign.objects.get().description == "Typed after the session ended"
    # The page is whole again: what is pressed goes through, too.
    page.get_by_role("button", name="Continue to contacts").click()
    expect(page.get_by_role("heading", name="Contacts and start")).to_be_visible()


def test_two_windows_keep_what_each_of_them_changed(page, open_browser, colleague):
    name_it(page)
    other = open_browser(colleague)
    other.goto(page.url)
    other.get_by_label("Description").fill("From the other window")
    other.get_by_role("tab", name="Schedule").click()
    other.get_by_role("button", name="Clear").click()
    zone = other.get_by_role("combobox", name="Time zone")
    zone.fill("mountain denver")
    zone.press("Enter")
    saved(other)
    wait_until(lambda: Schedule.objects.get().time_zone == "America/Denver")
    page.get_by_label("Custom prompt").fill("From this window")
    expect(page.locator("#save-state")).to_contain_text("Anna Svensson changed")
    expect(page.get_by_label("Description")).to_have_value("From the other window")
    page.get_by_role("tab", name="Schedule").click()
    expect(page.get_by_role("combobox", name="Time zone")).to_have_value(re.compile("Denver"))
    expect(cell(page, 0, 9)).not_to_be_checked()
    expect(page.locator("#hours-in-words")).to_have_text("Never open")
    channel = Channel.objects.get()
    assert (channel.campaign.description, channel.voice.prompt) == (
        "From the other window",
        "From this window",
    )
    assert channel.schedule.hours == [0] * 7


@pytest.mark.parametrize(("choice", "kept"), [("Keep mine", "Mine"), ("Take theirs", "Theirs")])
def test_where_two_windows_changed_the_same_one_is_chosen(page, open_browser, colleague, choice, kept):
    name_it(page)
    other = open_browser(colleague)
    other.goto(page.url)
    other.get_by_label("Description").fill("Theirs")
    saved(other)
    page.get_by_label("Description").fill("Mine")
    expect(page.get_by_role("alert")).to_contain_text("Anna Svensson changed the same setting")
    expect(page.locator("#save-state")).to_have_text("Anna Svensson changed the same: choose above.")
    assert Campaign.objects.get().description == "Theirs"
    page.get_by_role("button", name=choice).click()
    expect(page.get_by_role("alert")).to_have_count(0)
    saved(page)
    expect(page.get_by_label("Description")).to_have_value(kept)
    assert Campaign.objects.get().description == kept


def test_leaving_a_paused_campaign_with_changes_asks_first(open_browser, supervisor):
    channel = ChannelFactory(paused=True)
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/edit/")
    expect(page.locator("#save-state")).to_contain_text("Changes count from the next call after you save.")
    page.get_by_label("Dial timeout, in seconds").fill("30")
    page.get_by_label("Dial timeout, in seconds").press("Tab")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="Settings").click()
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    assert Channel.objects.get().voice.dial_timeout_seconds == 60
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator("#toasts")).to_contain_text("The changes count from the next call on.")
    assert Channel.objects.get().voice.dial_timeout_seconds == 30


# --- Fields that help --------------------------------------------------------------------------------------


def test_time_zones_are_found_by_country_or_everyday_name(page):
    name_it(page)
    page.get_by_role("tab", name="Schedule").click()
    zone = page.get_by_role("combobox", name="Time zone")
    expect(zone).to_have_value("Each contact’s own time zone")
    zone.click()
    expect(page.get_by_text("Latin America and the Caribbean")).to_be_visible()
    zone.fill("germany")
    expect(page.get_by_role("option")).to_have_text([re.compile("Berlin"), re.compile("Busingen")])
    for words, city in (
        ("IST", "Kolkata"),
        ("mumbai", "Kolkata"),
        ("EST", "Eastern: New York"),
        ("rio", "Sao Paulo"),
    ):
        zone.fill(words)
        expect(page.get_by_role("option").first).to_have_text(re.compile(city))
    zone.fill("mountain denver")
    zone.press("Enter")
    expect(zone).to_have_value(re.compile("Mountain: Denver"))
    expect(page.locator("#hours-in-words")).to_contain_text("Denver time")
    zone.fill("nowhere at all")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    zone.press("Escape")
    expect(zone).to_have_value(re.compile("Mountain: Denver"))
    saved(page)
    assert Schedule.objects.get().time_zone == "America/Denver"


def test_closed_days_are_added_and_removed(page):
    name_it(page)
    page.get_by_role("tab", name="Schedule").click()
    day = page.get_by_label("Closed days")
    for written in ("2030-12-25", "2030-01-01"):
        day.fill(written)
        page.get_by_role("button", name="Add day").click()
    expect(page.locator(".days li")).to_have_text([re.compile("Jan 1, 2030"), re.compile("Dec 25, 2030")])
    page.get_by_role("button", name=re.compile("Remove .*Jan 1, 2030")).click()
    saved(page)
    page.reload()
    expect(page.locator(".days li")).to_have_text([re.compile("Dec 25, 2030")])


def test_fields_are_inserted_into_the_prompt_where_the_cursor_is(page):
    prompt = page.get_by_label("Custom prompt")
    prompt.fill("Hello , how are you?")
    prompt.evaluate("prompt => prompt.setSelectionRange(6, 6)")
    page.get_by_role("button", name="{{ first_name }}").click()
    expect(prompt).to_have_value("Hello {{ first_name }}, how are you?")
    expect(prompt).to_be_focused()


def test_an_unknown_field_in_the_prompt_is_flagged_while_typing(page):
    name_it(page)
    page.get_by_label("Custom prompt").fill("Hello {{ frist_name }}")
    expect(page.get_by_text("did you mean “first_name”?")).to_be_visible()
    page.get_by_label("Custom prompt").fill("Hello {{ first_name }}")
    expect(page.get_by_text("did you mean “first_name”?")).to_be_hidden()


def test_what_depends_on_a_choice_shows_when_it_is_made(page):
    page.locator(".destinations label", has_text="Hang up").click()
    expect(page.get_by_label("Custom prompt")).to_be_hidden()
    page.get_by_role("tab", name="Advanced").click()
    expect(page.get_by_label("Leave a message")).to_be_hidden()
    page.get_by_label("Detect", exact=True).check()
    page.get_by_label("Leave a message").check()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()
    page.get_by_role("checkbox", name="Busy").check()
    expect(page.get_by_label("How many times to call again, busy")).to_be_visible()


# --- Contacts and start ------------------------------------------------------------------------------------


def test_a_campaign_is_made_filled_and_scheduled(page):
    contacts = ContactFactory.create_batch(4)
    DoNotContactFactory(phone_number=contacts[0].phone_number)
    ListFactory(name="Renewals 2026", members=contacts)
    ListFactory(name="Trial users", members=2)
    name_it(page)
    page.get_by_role("button", name="Continue to contacts").click()
    expect(page.get_by_text("No list is assigned.").first).to_be_visible()
    expect(page.get_by_role("button", name="Start now")).to_be_disabled()
    chooser = page.get_by_role("combobox", name="A list you have")
    chooser.fill("renew")
    chooser.press("Enter")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.locator("#preflight")).to_contain_text("3 of 4 will be called")
    expect(page.locator("#preflight")).to_contain_text("On do-not-contact")
    page.get_by_text("Schedule for later").click()
    page.get_by_label("Start at").fill("2030-07-01T09:00")
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Autumn renewals is scheduled.")
    assert Channel.objects.get().status == ChannelStatus.SCHEDULED


def test_a_file_chosen_on_the_contacts_step_is_added_without_another_press(page, worker):
    name_it(page)
    page.get_by_role("button", name="Continue to contacts").click()
    file = {"name": "leads.csv", "mimeType": "text/csv", "buffer": b"Name,Phone\nAnna,(415) 555-0101\n"}
    page.locator("#upload-file").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    page.get_by_role("link", name="Go on").click()
    expect(page.locator("#lists")).to_contain_text("1 list assigned")
    expect(page.locator("#preflight")).to_contain_text("1 of 1 will be called")
    expect(page).to_have_url(re.compile(r"/launch/$"))
    assert Channel.objects.get().lists.get().name == "leads"
    # Unassigned, it stays so, also when the person goes back and forth.
    page.get_by_role("button", name="Unassign").click()
    expect(page.locator("#lists")).to_contain_text("0 lists assigned")
    page.go_back()
    page.wait_for_timeout(500)
    assert not Channel.objects.get().lists.exists()


def test_a_campaign_gets_a_second_channel_which_is_started_alone(open_browser, supervisor, transactional_db):
    contacts = ListFactory(name="Renewals 2026", members=2)
    first = ChannelFactory(campaign__name="Autumn", lists=[contacts])
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{first.campaign_id}/")
    page.get_by_role("link", name="Add a channel").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Voice 2")
    page.get_by_label("Name", exact=True).fill("Evenings")
    page.get_by_label("Its lists too").check()
    page.get_by_role("button", name="Add the channel").click()
    second = Channel.objects.latest("pk")
    expect(page.get_by_role("navigation", name="Channels").locator("[aria-current]")).to_contain_text(
        "Evenings"
    )
    page.get_by_role("tab", name="Schedule").click()
    page.get_by_role("button", name="Always").click()
    saved(page)
    page.get_by_role("button", name="Continue to contacts").click()
    expect(page.locator("#preflight")).to_contain_text("2 of 2 will be called")
    page.get_by_role("button", name="Start now").click()
    expect(page.locator("#toasts")).to_contain_text("Autumn, Evenings, is running.")
    statuses = dict(Channel.objects.values_list("pk", "status"))
    assert statuses == {first.pk: ChannelStatus.READY, second.pk: ChannelStatus.RUNNING}
    card = page.locator(f"#channel-{first.pk}")
    card.get_by_role("button", name="More on Voice").click()
    card.get_by_role("link", name="Rename…").click()
    page.get_by_label("New name").fill("Evenings")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("has a channel called Evenings already")).to_be_visible()
    page.get_by_label("New name").fill("Days")
    page.get_by_role("button", name="Rename").click()
    expect(card.get_by_role("heading", name="Days")).to_be_visible()
    card.get_by_role("button", name="More on Days").click()
    card.get_by_role("link", name="Delete channel…").click()
    page.get_by_role("button", name="Delete channel").click()
    expect(page.locator("#toasts")).to_contain_text("Days was deleted.")
    assert list(Channel.objects.all()) == [second]


def test_settings_are_read_only_while_active(open_browser, supervisor):
    channel = ChannelFactory(running=True, lists=[ListFactory(members=1)])
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/edit/#schedule")
    expect(page.get_by_text("This campaign is active: its settings are read-only.")).to_be_visible()
    expect(cell(page, 0, 9)).to_be_disabled()
    cell(page, 0, 9).hover(force=True)
    page.mouse.down()
    page.mouse.up()
    assert cell(page, 0, 9).is_checked()
    page.get_by_role("button", name="Pause to edit").click()
    expect(page.get_by_text("read-only")).to_be_hidden()
    expect(page.get_by_label("Name", exact=True)).to_be_enabled()


def test_a_missing_caller_id_is_made_on_the_way(open_browser, supervisor, transactional_db):
    page = open_browser(supervisor)
    page.goto(NEW)
    page.get_by_label("Description").fill("Typed before the name")
    page.get_by_role("button", name="Add a caller ID").click()
    page.get_by_label("Phone number").fill("(415) 555-2671")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Description")).to_have_value("Typed before the name")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Untitled campaign")
    expect(page.get_by_label("Caller ID", exact=True)).to_have_value(re.compile(r"\d+"))
    saved(page)
    assert Channel.objects.get().voice.caller_id.phone_number == "+14155552671"


# --- How it looks ------------------------------------------------------------------------------------------


def test_every_state_is_photographed(open_browser, supervisor, destinations, photograph):
    contacts = ContactFactory.create_batch(30, fields={"plan": "Gold", "renews_on": "30 November"})
    for contact in contacts[:3]:
        DoNotContactFactory(phone_number=contact.phone_number)
    channel = ChannelFactory(
        campaign__name="Autumn renewals, West",
        lists=[ListFactory(name="Renewals 2026", members=contacts), ListFactory(members=contacts[:5])],
        voice__assistant=destinations[0],
        voice__caller_id=destinations[1],
        voice__machine_detection="wait",
        voice__on_machine="message",
        voice__voicemail_message="Please call us back.",
        voice__prompt="Hello {{ first_name }}, your plan {{ paln }} ends soon.",
    )
    running = ChannelFactory(running=True, campaign__name="Trial follow-up")
    several = services.add_channel(
        campaign=running.campaign, actor=supervisor, name="Second wave", like=running
    )
    page = open_browser(supervisor)
    for path, name in (
        (NEW, "new"),
        (f"/campaigns/{channel.campaign_id}/edit/#basic", "basic"),
        (f"/campaigns/{channel.campaign_id}/edit/#schedule", "schedule"),
        (f"/campaigns/{channel.campaign_id}/edit/#advanced", "advanced"),
        (f"/campaigns/{channel.campaign_id}/launch/", "launch"),
        (f"/campaigns/{running.campaign_id}/edit/#schedule", "locked"),
        (f"/campaigns/{several.campaign_id}/channels/{several.pk}/edit/#basic", "several"),
        (f"/campaigns/{several.campaign_id}/channels/new/", "channel-new"),
        ("/settings/", "settings"),
        ("/settings/assistants/new/", "settings-form"),
    ):
        page.goto("about:blank")
        page.goto(path)
        # What a page asks for when it is there: preflight, above all.
        expect(page.locator("[aria-busy=true], .htmx-request")).to_have_count(0)
        for width in (1360, 390):
            page.set_viewport_size({"width": width, "height": 860})
            # Nothing wider than the screen.
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            photograph(page, f"editor-{name}-{width}")
        page.set_viewport_size({"width": 1360, "height": 860})
