"""What surrounds every page: the rail, toasts, the clock, errors, health; and pages of long lists."""

from __future__ import annotations

import json

import pytest
from django.apps import apps
from django.contrib import messages
from django.db import connection
from django.db.models.signals import post_migrate
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path, reverse
from django.utils import timezone
from django_q.models import Schedule
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Role
from config.urls import urlpatterns as real
from contacts.models import List
from interface.pagination import keyset_page
from interface.toasts import toast
from tests.factories import ListFactory, UserFactory

HTMX = {"HX-Request": "true"}


# --- The rail ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "entries"),
    [
        (Role.SUPERVISOR, ["Campaigns", "Contacts", "History", "Settings"]),
        (Role.VIEWER, ["Campaigns", "Contacts", "History", "Settings"]),
        (Role.ADMIN, ["Campaigns", "Contacts", "History", "Settings", "Admin"]),
        (Role.AGENT, []),
    ],
)
def test_the_rail_leads_where_the_person_may_go(log_in, db, role, entries):
    client = log_in(UserFactory(role=role))
    response = client.get(reverse("password"))

    assert [entry.label for entry in response.context["rail"]] == entries
    for entry in response.context["rail"]:
        assert client.get(entry.url).status_code == 200


def test_the_current_entry_is_marked(as_supervisor):
    page = as_supervisor.get(reverse("campaigns:manager")).text

    assert 'href="/campaigns/" data-key="g c" aria-current="page"' in page
    assert page.count('aria-current="page"') == 1


# --- Security ----------------------------------------------------------------------------------------


def test_pages_hold_no_inline_styles_or_handlers(as_supervisor):
    response = as_supervisor.get(reverse("campaigns:manager"))

    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert " style=" not in response.text
    assert " onclick=" not in response.text


# --- Toasts, errors, the clock -------------------------------------------------------------------------


def say(request):
    toast(request, "Straße <b> saved.", undo="/undo/", level=messages.INFO)
    response = HttpResponse("ok")
    if request.GET.get("own"):
        response.headers["HX-Trigger"] = request.GET["own"]
    return response


def fail(request):
    raise RuntimeError("on purpose")


def zone(request):
    return HttpResponse(timezone.get_current_timezone_name())


urlpatterns = [*real, path("test/say/", say), path("test/fail/", fail), path("test/zone/", zone)]
with_test_pages = override_settings(ROOT_URLCONF=__name__)


@with_test_pages
def test_toasts_travel_with_fragments_beside_the_views_own_events(as_supervisor):
    expected = [{"text": "Straße <b> saved.", "level": "info", "undo": "/undo/", "see": ""}]

    for own, also in (("", {}), ("refresh", {"refresh": None}), ('{"a": 1}', {"a": 1})):
        response = as_supervisor.post(f"/test/say/?own={own}", headers=HTMX)
        assert json.loads(response.headers["HX-Trigger"]) == {**also, "toast": expected}
    # Told once.
    assert "Straße" not in as_supervisor.get(reverse("password")).text


@with_test_pages
def test_toasts_of_a_whole_page_are_shown_by_the_next(as_supervisor):
    as_supervisor.post("/test/say/")
    page = as_supervisor.get(reverse("password")).text

    assert "Straße &lt;b&gt; saved." in page
    assert 'action="/undo/"' in page


@with_test_pages
def test_what_went_wrong_is_told_in_the_look_of_the_rest(as_supervisor):
    as_supervisor.raise_request_exception = False

    for url, status, said in (
        ("/nothing-here/", 404, "Nothing here"),
        ("/test/fail/", 500, "Something went wrong"),
    ):
        response = as_supervisor.get(url)
        assert response.status_code == status
        assert said in response.text
        assert "components.css" in response.text


def test_a_form_sent_from_a_page_left_open_too_long_is_explained(supervisor):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(supervisor)
    response = client.post(reverse("logout"))

    assert response.status_code == 403
    assert "This page was open too long" in response.text


@with_test_pages
@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("America/Denver", "America/Denver"),
        ("America%2FDenver", "America/Denver"),
        ("", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("x" * 500, "UTC"),
    ],
)
def test_times_are_shown_in_the_zone_of_the_browser(as_supervisor, cookie, expected):
    as_supervisor.cookies["time_zone"] = cookie

    assert as_supervisor.get("/test/zone/").text == expected


def test_health_is_ok_while_the_database_answers(client, db):
    assert client.get("/healthz").text == "ok\n"


def test_health_is_503_without_the_database(client, monkeypatch):
    from django.db import OperationalError

    def no_cursor():
        raise OperationalError

    monkeypatch.setattr(connection, "cursor", no_cursor)

    assert client.get("/healthz").status_code == 503


# --- Pages of long lists -------------------------------------------------------------------------------


def walk(order, size):
    """All pages to the end, then back to the start."""
    pages, cursor = [], ""
    while True:
        page = keyset_page(List.objects.all(), order=order, cursor=cursor, size=size)
        pages.append([row.pk for row in page])
        if not page.next:
            break
        cursor = page.next
    back = [pages[-1]]
    while page.previous:
        page = keyset_page(List.objects.all(), order=order, cursor=page.previous, size=size)
        back.insert(0, [row.pk for row in page])
    return pages, back


@pytest.mark.parametrize("order", [["id"], ["-id"], ["size", "id"], ["-size", "id"], ["size", "-id"]])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_follow_without_gap_or_repeat_forth_and_back(db, order, size):
    for number in (3, 1, 3, 2, 3, 1, 2):
        ListFactory(size=number)
    expected = list(List.objects.order_by(*order).values_list("pk", flat=True))

    forth, back = walk(order, size)

    assert [pk for page in forth for pk in page] == expected
    assert back == forth


def test_times_and_texts_are_positions_too(db):
    ListFactory.create_batch(5)

    for order in (["created_at", "id"], ["-name", "-id"]):
        forth, back = walk(order, 2)
        assert sum(map(len, forth)) == 5
        assert back == forth


def test_a_page_whose_rows_are_gone_is_the_first_page(db):
    lists = ListFactory.create_batch(3)
    cursor = keyset_page(List.objects.all(), order=["id"], size=2).next
    List.objects.filter(pk=lists[2].pk).delete()

    page = keyset_page(List.objects.all(), order=["id"], cursor=cursor, size=2)

    assert [row.pk for row in page] == [lists[0].pk, lists[1].pk]


@pytest.mark.django_db
@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60), st.binary(max_size=40).map(lambda b: b.hex()), st.just("W10"), st.just("e30")
    )
)
def test_any_cursor_is_read_or_passed_over(cursor):
    keyset_page(List.objects.all(), order=["name", "id"], cursor=cursor)


@pytest.mark.parametrize(
    "values",
    [
        '["a\\u0000b", 1]',
        '["a", 99999999999999999999]',
        "[null, 1]",
        '["a"]',
        "[{}, []]",
        '["a", "b"]',
        "[NaN, NaN]",
    ],
)
def test_cursors_with_impossible_values_are_passed_over(db, values):
    import base64

    ListFactory()
    cursor = base64.urlsafe_b64encode(f'["after",["name","id"],{values}]'.encode()).decode().rstrip("=")

    assert len(keyset_page(List.objects.all(), order=["name", "id"], cursor=cursor)) == 1


# --- What runs each minute -----------------------------------------------------------------------------


def test_migrating_to_before_the_queue_had_tables_makes_no_schedules(db):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_q_schedule RENAME TO not_there_yet")
    for name in ("contacts", "dialer"):
        app = apps.get_app_config(name)
        post_migrate.send(sender=app, app_config=app, using="default", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM not_there_yet; ALTER TABLE not_there_yet RENAME TO django_q_schedule")
    for name in ("contacts", "dialer"):
        app = apps.get_app_config(name)
        post_migrate.send(sender=app, app_config=app, using="default", verbosity=0)
    assert Schedule.objects.exists()
