"""Every page, dialog, menu and state, looked through by axe-core: WCAG 2.2 A and AA, and good practice;
light and dark; wide, and as narrow as a phone.

A page that is new is walked by itself (the table of tests/accounts/test_access.py has its address); a dialog,
a menu or a state that no address leads to is added below."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Role, SavedView
from campaigns import services
from campaigns.models import CallerId, Disposition
from contacts.importing.running import run_import
from contacts.lifecycles import IMPORT
from contacts.models import CustomField, Import
from contacts.services import map_import, upload_import
from tests.accounts.test_access import TABLE, URLS
from tests.browser.test_results import a_campaign_of_all_kinds
from tests.factories import (
    AssistantFactory,
    CampaignFactory,
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
    ReattemptRuleFactory,
    UserFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
# What is asked of the page itself: nothing lies beside the screen, and no button is cut by what it lies in.
FITS = """() => {
    const wide = document.documentElement.scrollWidth;
    const found = wide > innerWidth ? [`the page is ${wide} px wide`] : [];
    const scrolls = (node) =>
        node && (/auto|scroll/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
    const things = ":is(main, dialog[open]) :is(button, .button, input, select, h1, h2)";
    for (const each of document.querySelectorAll(things)) {
        if (!each.checkVisibility() || each.closest(".sr, [popover]:not(:popover-open)")) continue;
        const { left, right } = each.getBoundingClientRect();
        const html = each.outerHTML.slice(0, 160);
        if ((left < -1 || right > innerWidth + 1) && !scrolls(each)) found.push(`beside the screen: ${html}`);
        if (each.matches("button, .button") && each.clientWidth && each.scrollWidth > each.clientWidth + 1)
            found.push(`cut: ${html}`);
    }
    return found;
}"""


# What moves with the scroll bar is never finished.
SETTLED = """Promise.allSettled(document.getAnimations()
    .filter((each) => each.timeline instanceof DocumentTimeline)
    .map((each) => each.finished))"""
NOUNS = ("do_not_contact", "assistant", "caller_id", "disposition", "field", "import", "list", "contact")


class Looks:
    """Looks pages through; what it finds is told together, at the end."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: dict[str, list[str]] = {}

    def axe(self, name: str, within: str | None, rules: dict[str, Any]) -> None:
        options = {"resultTypes": ["violations"], "runOnly": rules}
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE_SCRIPT)
        where = f"{json.dumps(within)}, " if within else ""
        for violation in self.page.evaluate(f"axe.run({where}{json.dumps(options)})")["violations"]:
            nodes = [
                f"{node['html'][:200]} — {node['failureSummary'].splitlines()[-1].strip()[:200]}"
                for node in violation["nodes"][:4]
            ]
            self.tell(f"{violation['id']} ({violation['impact']}): {nodes}", name)

    def tell(self, problem: str, name: str) -> None:
        self.found.setdefault(problem, []).append(name)

    def dress(self, scheme: str) -> None:
        """In this theme; nothing moves any more."""
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        self.page.evaluate(SETTLED)

    def through(self, name: str, within: str | None = None) -> None:
        """The page as it is now: all rules in light, colours in dark, and what a narrow screen changes."""
        page = self.page
        self.dress("light")
        self.axe(name, within, {"type": "tag", "values": RULES})
        self.dress("dark")
        self.axe(f"{name}, dark", within, {"type": "rule", "values": ["color-contrast"]})
        if not within:
            for problem in page.evaluate(FITS):
                self.tell(problem, f"{name}, 1280 px")
        # An open menu closes when the window changes its size.
        if within and "popover" in within:
            return
        page.set_viewport_size(NARROW)
        narrow = ["target-size", "scrollable-region-focusable", "meta-viewport"]
        self.axe(f"{name}, 390 px", within, {"type": "rule", "values": narrow})
        for problem in page.evaluate(FITS):
            self.tell(problem, f"{name}, 390 px")
        page.set_viewport_size(WIDE)
        # The page hears of its size in the next frame, and closes a menu that was opened before.
        page.evaluate("new Promise(requestAnimationFrame)")

    def at(self, url: str, name: str | None = None) -> None:
        self.page.goto(url)
        # What a page asks for when it is there: preflight, menus, the last numbers.
        expect(self.page.locator("[aria-busy=true], .htmx-request")).to_have_count(0)
        self.through(name or url)


@pytest.fixture
def looks(open_browser: Any, supervisor: Any) -> Iterator[Looks]:
    looks = Looks(open_browser(supervisor, **WIDE))
    yield looks
    told = "\n".join(f"{problem}\n    on {pages}" for problem, pages in looks.found.items())
    assert not looks.found, told


def an_import(
    data: bytes = b"Name,Phone,Plan\nAnna,4155550101,Basic\nBo,911,\nAnna,4155550101,Gold\n",
) -> Import:
    return upload_import(
        file=io.BytesIO(data), file_name="people.csv", list_name="Autumn", country="US", actor=None
    )


def mapped(contact_import: Import) -> Import:
    mapping = {int(position): target for position, target in contact_import.mapping.items()}
    map_import(contact_import=contact_import, mapping=mapping, has_header=True)
    return contact_import


@pytest.fixture
def campaign(db: None) -> Any:
    """A campaign that runs, with everything a campaign can have; its second channel waits."""
    # The list ends with what cannot be dialed, so that preflight has something to say of it.
    members = ContactFactory.create_batch(6, fields={"plan": "Gold"})
    DoNotContactFactory(phone_number=members[0].phone_number)
    channel = ChannelFactory(
        running=True,
        campaign__name="Autumn renewals, West",
        campaign__description="Win-back of plans that end this month.",
        lists=[ListFactory(name="Renewals", members=members), ListFactory(members=members[:2])],
    )
    ReattemptRuleFactory(channel=channel)
    a_campaign_of_all_kinds(channel)
    for status in ("pending", "calling", "connected", "skipped", "busy", "unsuccessful"):
        EnrollmentFactory(channel=channel, status=status, reason="over the daily cap")
    ChannelFactory(campaign=channel.campaign, name="Evenings", scheduled=True)
    services.add_exclusion(campaign=channel.campaign, list=ListFactory(members=1), actor=None)
    services.record_activity(campaign=channel.campaign, actor=None, verb="x", text="was paused by the engine")
    return channel.campaign


@pytest.fixture
def world(campaign: Any) -> dict[str, Any]:
    """One of each, so that each address of the table leads to a full page."""
    channel = campaign.channels.get(name="Voice")
    done = mapped(an_import())
    run_import(done.pk)
    for trait in ("paused", "scheduled", "stopped", "completed"):
        ChannelFactory(campaign__name=trait.title(), campaign__description="One of each.", **{trait: True})
    ChannelFactory(campaign__name="Put away", campaign__archived_at=timezone.now())
    CampaignFactory(name="Draft")
    # What a name that long makes wide.
    ListFactory(name="Customers of the Westerschelde region, renewals in autumn 2026, second wave", members=2)
    for kind, page in ((False, "campaigns"), (True, "campaigns")):
        SavedView.objects.create(
            owner=UserFactory(), page=page, name=f"Paused {kind}", query="status=paused", is_shared=True
        )
    done.refresh_from_db()
    done_list = done.list
    entry = DoNotContactFactory()
    return {
        "campaign_id": campaign.pk,
        "channel_id": channel.pk,
        "list_id": done_list.pk,
        "call_id": channel.calls.latest("pk").pk,
        "contact_id": channel.calls.latest("pk").contact_id,
        "move": "stop",
        "deed": "skip",
        "moment": "2026-01-01T09:00:00+00:00",
        "page": "campaigns",
        "view_id": SavedView.objects.latest("pk").pk,
        "event": "answer",
        "number": 1,
        "operation": "copy",
        "assistant": AssistantFactory(description="Talks about plans.").pk,
        "caller_id": CallerId.objects.latest("pk").pk,
        "disposition": Disposition.objects.latest("pk").pk,
        "do_not_contact": entry.pk,
        "field": CustomField.objects.get_or_create(name="plan", label="Plan")[0].pk,
        "contact": channel.calls.latest("pk").contact_id,
        "list": done_list.pk,
        "import": done.pk,
    }


def address(name: str, world: dict[str, Any]) -> str:
    kind = next(noun for noun in (*NOUNS, "contact") if noun in name or noun == "contact")
    wanted = URLS[name].pattern.converters
    return reverse(name, kwargs={key: world[kind if key == "pk" else key] for key in wanted})


def leads_to_a_page(client: Any, url: str) -> bool:
    response = client.get(url)
    # A recording, say, would stay open.
    response.close()
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return response.status_code == 200 and is_html and "<html" in response.text


def test_every_address_that_is_a_page(looks, world, as_supervisor):
    pages = {
        name: address(name, world)
        for name in sorted(URLS.keys() & TABLE.keys())
        if Role.SUPERVISOR in TABLE[name].get and leads_to_a_page(as_supervisor, address(name, world))
    }
    assert len(pages) > 40
    for name, url in pages.items():
        looks.at(url, name)


# By script: some are in menus, which are closed.
OPEN = """(kind) => {
    const opener = document.querySelector(`[data-tried="${CSS.escape(kind)}"]`);
    opener.matches("form") ? opener.requestSubmit() : opener.click();
}"""
# Distinct by what they do: the same menu on each of fifty rows is looked at once.
OPENERS = """() => {
    const kinds = new Map();
    const openers = "[popovertarget], [data-dialog], [hx-get][hx-target='#dialog']";
    for (const each of document.querySelectorAll(openers)) {
        const menu = each.getAttribute("popovertarget");
        const does = menu ?? each.dataset.dialog ?? each.getAttribute("hx-get").split("?")[0];
        const kind = (menu ? "menu " : "dialog ") + does.replaceAll(/[0-9]+/g, "");
        if (kinds.has(kind)) continue;
        each.dataset.tried = kind;
        kinds.set(kind, each);
    }
    return [...kinds.keys()];
}"""


def test_every_menu_and_dialog(looks, world):
    page, seen = looks.page, set()
    Import.objects.filter(pk=mapped(an_import(b"Name,Phone\nBo,4155550109\n")).pk).update(list_name="Winter")
    waiting = Import.objects.latest("pk")
    completed = ChannelFactory(completed=True, campaign__name="Done")
    for url in (
        "/campaigns/",
        f"/campaigns/{world['campaign_id']}/",
        f"/campaigns/{world['campaign_id']}/contacts/?channel={world['channel_id']}",
        f"/campaigns/{world['campaign_id']}/results/?call={world['call_id']}",
        f"/campaigns/{completed.campaign_id}/",
        "/contacts/",
        "/contacts/lists/",
        f"/contacts/lists/{world['list']}/",
        f"/contacts/{world['contact']}/",
        f"/contacts/fields/{world['field']}/",
        "/contacts/do-not-contact/",
        waiting.get_absolute_url(),
        f"/contacts/imports/{world['import']}/",
        f"/settings/assistants/{AssistantFactory().pk}/",
    ):
        page.goto(url)
        box = page.locator("input[name=id]").first
        if box.count():
            box.check()
        for kind in page.evaluate(OPENERS):
            if kind in seen:
                continue
            seen.add(kind)
            page.evaluate(OPEN, kind)
            what = ".menu:popover-open" if kind.startswith("menu") else "dialog[open]"
            expect(page.locator(what)).to_be_visible()
            expect(page.locator(".htmx-request")).to_have_count(0)
            looks.through(f"{url}: {kind}", what)
            page.keyboard.press("Escape")
            expect(page.locator(what)).to_have_count(0)
    assert len(seen) > 25, sorted(seen)


def test_states_that_no_address_leads_to(looks, world, open_browser, campaign):
    page = looks.page
    # The editor, tab by tab, and what it says of what it could not save.
    draft = ChannelFactory(campaign__name="Draft of the editor")
    page.goto(f"/campaigns/{draft.campaign_id}/edit/")
    for tab in ("Basic", "Schedule", "Advanced"):
        page.get_by_role("tab", name=tab).click()
        looks.through(f"editor, {tab}")
    page.get_by_label("Calls per second").fill("99")
    page.get_by_label("Calls per second").press("Tab")
    expect(page.locator("#save-state")).to_contain_text("except")
    looks.through("editor, with an error")
    # Imports in each state.
    for state, moves in {
        "uploaded": (),
        "waiting": ("map",),
        "running": ("map", "run"),
        "failed": ("map", "run", "fail"),
        "cancelled": ("cancel",),
    }.items():
        found = an_import(f"Name,Phone\nBo,4155550{len(state)}99\n".encode())
        for move in moves:
            extra = {"error": "The file is damaged."} if move == "fail" else {}
            IMPORT.apply(Import.objects.filter(pk=found.pk), move, **extra)
        looks.at(found.get_absolute_url(), f"import, {state}")
    # What was refused, in place; what was done, in a corner.
    page.goto("/campaigns/?q=Draft+of")
    page.get_by_role("button", name="Draft. Start Voice").first.click()
    page.get_by_role("alert").wait_for()
    looks.through("manager, with a refusal")
    page.goto(f"/campaigns/{campaign.pk}/")
    page.get_by_role("button", name="Pause Voice", exact=True).click()
    page.locator(".toast").wait_for()
    expect(page.locator(".htmx-request")).to_have_count(0)
    looks.through("command center, with a toast")
    # Nobody and nothing is found, or is there yet.
    for url in (
        "/campaigns/?q=nothing",
        "/campaigns/?status=archived&q=nothing",
        "/contacts/?q=nobody",
        f"/campaigns/{draft.campaign_id}/contacts/",
        f"/campaigns/{draft.campaign_id}/lists/",
        f"/campaigns/{draft.campaign_id}/results/",
        f"/campaigns/{draft.campaign_id}/launch/",
        f"/campaigns/{campaign.pk}/results/?q=nobody",
        f"/campaigns/{campaign.pk}/edit/",
        "/contacts/do-not-contact/?q=nobody",
        f"{ListFactory().get_absolute_url()}",
    ):
        looks.at(url)


def answer(route: Any, *, body: str) -> None:
    route.fulfill(body=body, content_type="text/html")


def test_pages_for_nobody_for_others_and_when_something_went_wrong(looks, open_browser, as_supervisor):
    page = looks.page
    looks.at("/campaigns/", "first run")
    looks.at("/contacts/", "no contacts")
    looks.at("/contacts/lists/", "no lists")
    looks.at("/history/", "no calls")
    for status in ("400", "403", "403_csrf", "404", "500"):
        body = render_to_string(f"{status}.html", request=RequestFactory().get("/"))
        page.route("**/broken/", partial(answer, body=body))
        looks.at("/broken/", status)
    for looks.page, urls in (
        (open_browser(**WIDE), ("/login/",)),
        (open_browser(UserFactory(role=Role.AGENT), **WIDE), ("/",)),
        (
            open_browser(UserFactory(role=Role.VIEWER), **WIDE),
            ("/campaigns/", "/settings/", "/contacts/fields/"),
        ),
    ):
        for url in urls:
            looks.at(url, f"{url} of somebody else")


# --- By keyboard -----------------------------------------------------------------------------------------
# The skip link, the keys that "?" shows, and menus by arrow keys: test_campaign_pages.py.

# What can be operated and is seen. Of radio buttons, the arrow keys reach the others.
OPERABLE = """() => {
    const things = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
    return [...document.querySelectorAll(things)]
        .filter((each) => each.checkVisibility({ visibilityProperty: true }))
        .filter((each) => !each.disabled && each.tabIndex >= 0)
        .map((each, number) => ((each.dataset.number = number), each.outerHTML.slice(0, 160)));
}"""
FOCUSED = """() => {
    const at = document.activeElement, look = getComputedStyle(at), around = at.parentElement;
    const seen = (style) => style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    const { top, bottom } = at.getBoundingClientRect();
    return {
        number: at.dataset.number,
        isSeen: seen(look) || (around !== null && seen(getComputedStyle(around))),
        isInView: bottom > 0 && top < innerHeight,
        html: at.outerHTML.slice(0, 160),
    };
}"""


@pytest.mark.parametrize("tab", ["manager", "", "contacts/", "lists/", "activity/"])
def test_everything_is_reached_by_tab_and_shows_that_it_is(looks, world, tab):
    page = looks.page
    page.goto("/campaigns/" if tab == "manager" else f"/campaigns/{world['campaign_id']}/{tab}")
    expect(page.locator(".htmx-request")).to_have_count(0)
    things = page.evaluate(OPERABLE)
    assert len(things) > 15
    reached = set()
    for _ in range(len(things) + 5):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at["number"] is None:
            continue
        reached.add(int(at["number"]))
        assert at["isSeen"], f"no focus to be seen: {at['html']}"
        assert at["isInView"], f"beside the view: {at['html']}"
    assert not [thing for number, thing in enumerate(things) if number not in reached]


def test_a_dialog_takes_the_focus_keeps_it_and_gives_it_back(looks, world):
    page = looks.page
    page.goto(f"/campaigns/{world['campaign_id']}/")
    opener = page.get_by_role("button", name="Stop for good: Voice")
    opener.press("Enter")
    dialog = page.get_by_role("dialog", name="Stop Voice for good?")
    expect(dialog.locator(":focus")).to_have_count(1)
    for _ in range(6):
        page.keyboard.press("Tab")
        # The browser's own buttons come by turns; nothing of the page behind.
        assert page.evaluate(
            "document.activeElement.closest('dialog') ?? document.activeElement === document.body"
        )
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()

    # From a menu, which has closed meanwhile: to the button that opened it.
    more = page.get_by_role("button", name="More", exact=True)
    more.press("Enter")
    page.get_by_role("link", name="Delete…").press("Enter")
    dialog = page.get_by_role("dialog", name=re.compile("^Delete "))
    expect(dialog.get_by_role("textbox")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").press("Enter")
    expect(dialog).to_have_count(0)
    expect(more).to_be_focused()


# --- On a phone ------------------------------------------------------------------------------------------


def test_of_tabs_that_go_on_beside_the_screen_the_open_one_is_seen(looks, world):
    page = looks.page
    page.set_viewport_size(NARROW)
    for url in ("/contacts/imports/", f"/campaigns/{world['campaign_id']}/activity/"):
        page.goto(url)
        left, right = page.locator(".tabs [aria-current]").evaluate(
            "tab => [tab.getBoundingClientRect().left, tab.getBoundingClientRect().right]"
        )
        assert 0 <= left < right <= NARROW["width"], url
        assert page.evaluate("scrollY") == 0


def test_a_table_fades_out_at_the_side_where_it_goes_on(looks, world):
    page = looks.page
    table = f"/campaigns/{world['campaign_id']}/contacts/?channel={world['channel_id']}"
    fades = """table => ["before", "after"].map(
        (side) => parseFloat(getComputedStyle(table).getPropertyValue(`--more-${side}`))
    )"""
    page.goto(table)
    assert page.locator(".table").evaluate(fades) == [0, 0]
    page.set_viewport_size(NARROW)
    page.goto(table)
    assert page.locator(".table").evaluate(fades) == [0, 32]
    page.locator(".table").evaluate("table => table.scrollTo({ left: 1e6, behavior: 'instant' })")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert page.locator(".table").evaluate(fades) == [32, 0]
