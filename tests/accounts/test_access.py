"""Every URL × every role. A URL that is not in the table fails: say who may open it, here, first."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import Role, SavedView
from campaigns.models import CallerId, Disposition
from contacts.models import CustomField, DoNotContact, List
from tests.factories import (
    AssistantFactory,
    AssistantPoolFactory,
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    ListFactory,
    UserFactory,
)
from tests.factories.dialer import CallFactory

ANYONE = frozenset({None, *Role})
LOGGED_IN = frozenset(Role)
READERS = frozenset({Role.ADMIN, Role.SUPERVISOR, Role.SUPPORT, Role.VIEWER})
EDITORS = frozenset({Role.ADMIN, Role.SUPERVISOR})
STAFF = frozenset({Role.ADMIN, Role.SUPPORT})
# The carrier and assistants have no role: they prove themselves by signature, which tests/engine tries.
SIGNED = frozenset({"signed"})


class Rule(NamedTuple):
    get: frozenset[Any]
    # Who may POST; None: as GET.
    post: frozenset[Any] | None = None


# URL name -> who may open it, and who may send something to it.
TABLE: dict[str, Rule] = {
    "home": Rule(LOGGED_IN),
    "healthz": Rule(ANYONE),
    "login": Rule(ANYONE),
    "logout": Rule(LOGGED_IN),
    "password": Rule(LOGGED_IN),
    # Views of lists
    "view_new": Rule(READERS),
    "view_change": Rule(READERS),
    "view_delete": Rule(READERS),
    # Sends on to our own log-in page; who is logged in and not staff is told so.
    "admin_login": Rule(STAFF | {None}),
    # Campaigns
    "campaigns:manager": Rule(READERS),
    "analytics:pace": Rule(READERS),
    "analytics:analytics": Rule(READERS),
    "analytics:export_analytics": Rule(READERS),
    "analytics:compare": Rule(READERS),
    "analytics:export_comparison": Rule(READERS),
    "analytics:results_count": Rule(READERS),
    "campaigns:campaign": Rule(READERS),
    "campaigns:contacts": Rule(READERS),
    "campaigns:lists": Rule(READERS),
    "campaigns:activity": Rule(READERS),
    "campaigns:export": Rule(READERS),
    "campaigns:press": Rule(EDITORS),
    "campaigns:row_move": Rule(EDITORS),
    "campaigns:menu": Rule(READERS),
    "campaigns:press_here": Rule(EDITORS),
    "campaigns:archive": Rule(EDITORS),
    "campaigns:duplicate": Rule(EDITORS),
    "campaigns:delete": Rule(EDITORS),
    "campaigns:assign": Rule(EDITORS),
    "campaigns:take_newest": Rule(EDITORS),
    "campaigns:places": Rule(EDITORS),
    "campaigns:bring_back": Rule(EDITORS),
    "campaigns:exclude": Rule(EDITORS),
    "campaigns:include": Rule(EDITORS),
    "campaigns:bring_back_excluded": Rule(EDITORS),
    "campaigns:unassign": Rule(EDITORS),
    "campaigns:move": Rule(EDITORS),
    "campaigns:new": Rule(EDITORS),
    "campaigns:hours_in_words": Rule(READERS),
    "campaigns:rules_in_words": Rule(READERS),
    "campaigns:edit": Rule(READERS),
    "campaigns:channel_new": Rule(EDITORS),
    "campaigns:channel_edit": Rule(READERS, EDITORS),
    "campaigns:channel_unlock": Rule(EDITORS),
    "campaigns:channel_rename": Rule(EDITORS),
    "campaigns:channel_delete": Rule(EDITORS),
    "campaigns:preflight": Rule(READERS),
    "campaigns:preflight_people": Rule(READERS),
    "campaigns:preflight_people_export": Rule(READERS),
    "campaigns:launch": Rule(READERS),
    "campaigns:channel_launch": Rule(READERS),
    "campaigns:launch_assign": Rule(EDITORS),
    "campaigns:launch_unassign": Rule(EDITORS),
    "campaigns:launch_numbers": Rule(EDITORS),
    "campaigns:launch_start": Rule(EDITORS),
    # Settings
    "campaigns:settings": Rule(READERS),
    "campaigns:assistant_new": Rule(EDITORS),
    "campaigns:assistant": Rule(READERS, EDITORS),
    "campaigns:assistant_delete": Rule(EDITORS),
    "campaigns:pool_new": Rule(EDITORS),
    "campaigns:pool": Rule(READERS, EDITORS),
    "campaigns:pool_delete": Rule(EDITORS),
    "campaigns:caller_id_new": Rule(EDITORS),
    "campaigns:caller_id": Rule(READERS, EDITORS),
    "campaigns:caller_id_delete": Rule(EDITORS),
    "campaigns:disposition_new": Rule(EDITORS),
    "campaigns:disposition": Rule(READERS, EDITORS),
    "campaigns:disposition_delete": Rule(EDITORS),
    # Contacts
    "contacts:contacts": Rule(READERS),
    "contacts:new": Rule(EDITORS),
    "contacts:export": Rule(READERS),
    "contacts:chosen": Rule(EDITORS),
    "contacts:fields": Rule(READERS, EDITORS),
    "contacts:field_count": Rule(READERS),
    "contacts:field_edit": Rule(EDITORS),
    "contacts:field_delete": Rule(EDITORS),
    "contacts:contact": Rule(READERS),
    "contacts:edit": Rule(EDITORS),
    "contacts:forbid": Rule(EDITORS),
    "contacts:import_new": Rule(EDITORS),
    "contacts:imports": Rule(READERS),
    "contacts:import": Rule(READERS, EDITORS),
    "contacts:import_retry": Rule(EDITORS),
    "contacts:import_cancel": Rule(EDITORS),
    "contacts:import_undo": Rule(EDITORS),
    "contacts:import_rejected": Rule(READERS),
    "contacts:lists": Rule(READERS, EDITORS),
    "contacts:list": Rule(READERS),
    "contacts:list_edit": Rule(EDITORS),
    "contacts:list_delete": Rule(EDITORS),
    "contacts:list_numbers": Rule(EDITORS),
    "contacts:list_export": Rule(READERS),
    "contacts:list_versions": Rule(READERS),
    "contacts:list_version": Rule(READERS),
    "contacts:list_operation": Rule(EDITORS),
    "contacts:do_not_contact": Rule(READERS, EDITORS),
    "contacts:do_not_contact_remove": Rule(EDITORS),
    "contacts:do_not_contact_removed": Rule(READERS),
    "contacts:do_not_contact_export": Rule(READERS),
    # Results and history
    "analytics:results": Rule(READERS),
    "analytics:export_results": Rule(READERS),
    "analytics:history": Rule(READERS),
    "analytics:export_history": Rule(READERS),
    "analytics:remarket_results": Rule(EDITORS),
    "analytics:remarket_history": Rule(EDITORS),
    "analytics:remarket_contacts": Rule(EDITORS),
    "analytics:call": Rule(READERS),
    "analytics:disposition": Rule(EDITORS),
    "analytics:notes": Rule(EDITORS),
    "analytics:recording": Rule(READERS),
    "analytics:peaks": Rule(READERS),
    "analytics:contact_history": Rule(READERS),
    "analytics:erase_contact": Rule(EDITORS),
    # Webhooks
    "hooks:plivo": Rule(SIGNED),
    "hooks:assistant": Rule(SIGNED),
}


def all_urls(patterns: list[Any] | None = None, namespace: str = "") -> dict[str, URLPattern]:
    """{name: pattern} of every URL but the admin's own, which Django guards."""
    found: dict[str, URLPattern] = {}
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                found |= all_urls(pattern.url_patterns, pattern.namespace or namespace)
        else:
            found[f"{namespace}:{pattern.name}" if namespace else str(pattern.name)] = pattern
    return found


URLS = all_urls()


def test_every_url_is_in_the_table_and_every_entry_is_a_url():
    assert set(URLS) == set(TABLE)


@pytest.fixture
def world(db) -> dict[str, Any]:
    """One of each, so that addresses lead somewhere."""
    call = CallFactory()
    channel = ChannelFactory(paused=True)
    ListFactory(members=1)
    return {
        "campaign_id": channel.campaign_id,
        "channel_id": channel.pk,
        "list_id": ListFactory(members=1).pk,
        "call_id": call.pk,
        "contact_id": ContactFactory().pk,
        "move": "pause",
        "deed": "skip",
        "moment": "2026-01-01T09:00:00+00:00",
        "page": "campaigns",
        "view_id": SavedView.objects.create(
            owner=UserFactory(), page="campaigns", name="Paused", query="status=paused", is_shared=True
        ).pk,
        "event": "answer",
        "number": 1,
        "operation": "copy",
        "assistant": AssistantFactory().pk,
        "pool": AssistantPoolFactory().pk,
        "caller_id": CallerId.objects.latest("pk").pk,
        "disposition": Disposition.objects.latest("pk").pk,
        "do_not_contact": DoNotContactFactory().pk,
        "field": CustomField.objects.create(name="plan", label="Plan").pk,
        "contact": ContactFactory().pk,
    }


def address(name: str, world: dict[str, Any]) -> str:
    wanted = URLS[name].pattern.converters
    nouns = ("do_not_contact", "assistant", "pool", "caller_id", "disposition", "field")
    kind = next((noun for noun in nouns if noun in name), "contact")
    return reverse(name, kwargs={key: world[kind if key == "pk" else key] for key in wanted})


def is_let_in(response: Any) -> bool | None:
    """Neither forbidden nor sent to log in; not found is another matter. None: no such method here."""
    assert response.status_code < 500
    if response.status_code == 405:
        return None
    if response.status_code == 302 and response.headers["Location"].startswith("/login/?next="):
        # The admin's log-in page does nothing else, for those whom it lets in.
        return response.wsgi_request.path == "/admin/login/"
    return response.status_code != 403


@pytest.mark.parametrize("name", sorted(URLS))
def test_only_those_in_the_table_are_let_in(name, world):
    rule = TABLE[name]
    url = address(name, world)
    # Those who are kept out come first: what is left for the others is still there.
    everyone = sorted((None, *Role), key=lambda role: role in rule.get | (rule.post or rule.get))
    for method, allowed in (("get", rule.get), ("post", rule.get if rule.post is None else rule.post)):
        for role in everyone:
            client = Client()
            if role is not None:
                client.force_login(UserFactory(role=role))
            response = getattr(client, method)(url)
            assert is_let_in(response) in {None, role in allowed}, f"{method} {url} as {role or 'nobody'}"


@pytest.mark.parametrize("role", list(Role))
def test_only_staff_enter_the_admin(role, log_in, db):
    response = log_in(UserFactory(role=role)).get("/admin/", follow=True)

    assert response.status_code == (200 if role in STAFF else 403)


def test_nobody_is_asked_to_log_in_on_the_admins_own_page(client, db):
    response = client.get("/admin/", follow=True)

    assert response.redirect_chain[-1][0] == "/login/?next=%2Fadmin%2F"


def test_fragments_are_guarded_like_their_pages(log_in, world):
    agent = log_in(UserFactory(role=Role.AGENT))

    for name in ("campaigns:manager", "campaigns:campaign", "campaigns:contacts"):
        assert agent.get(address(name, world), headers={"HX-Request": "true"}).status_code == 403


def test_support_staff_see_records_and_delete_none(log_in, db):
    support = log_in(UserFactory(role=Role.SUPPORT))
    person = UserFactory()

    assert support.get(reverse("admin:accounts_user_changelist")).status_code == 200
    assert support.post(reverse("admin:accounts_user_delete", args=[person.pk])).status_code == 403
    assert support.post(reverse("admin:accounts_user_change", args=[person.pk])).status_code == 403


def test_agents_are_told_where_their_place_will_be(as_agent):
    response = as_agent.get("/")

    assert response.status_code == 200
    assert "Your desk will be here" in response.text
    # And are led nowhere that they may not go.
    assert 'href="/campaigns/"' not in response.text


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("contacts:lists", {"name": "Mine"}),
        ("contacts:do_not_contact", {"lines": "+14155550100", "country": "US", "scope": "all"}),
    ],
)
def test_what_viewers_send_to_pages_they_may_read_changes_nothing(as_viewer, name, values):
    assert as_viewer.post(reverse(name), values).status_code == 403

    assert not List.objects.exists()
    assert not DoNotContact.objects.exists()


def test_viewers_read_without_buttons_that_change(as_viewer, world):
    manager = as_viewer.get(reverse("campaigns:manager")).text
    center = as_viewer.get(reverse("campaigns:campaign", args=[world["campaign_id"]])).text

    for page in (manager, center):
        main = page[page.index("<main") : page.index("</main>")]
        assert "<form" not in main.replace('<form class="filters"', "")
        assert "hx-post" not in main
