"""Lists' filters, search and order under a name: one's own, shared, and the one that comes first."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import DefaultView, Role, SavedView
from accounts.saved_views import MOST, ListPage, ViewRefused, save_view
from campaigns.views.manager import VIEWS as PAGE
from tests.factories import CampaignFactory, ChannelFactory, EnrollmentFactory, UserFactory
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
MANAGER = "/campaigns/"
HTMX = {"HX-Request": "true"}


def save(client, name="Paused ones", query="status=paused&sort=name", **values):
    return client.post(
        reverse("view_new", args=["campaigns"]),
        {"name": name, "query": query, "path": MANAGER, **values},
    )


def saved(owner, **values) -> SavedView:
    return SavedView.objects.create(
        **{"owner": owner, "page": "campaigns", "name": "Mine", "query": "status=paused", **values}
    )


def change(client, view, **values):
    return client.post(reverse("view_change", args=[view.pk]), {"path": MANAGER, **values})


def offered(client, address=MANAGER + "?view=all") -> list[str]:
    return [each.view.name for each in client.get(address).context["views"].offered]


# --- Saving ----------------------------------------------------------------------------------------


def test_what_is_shown_is_kept_under_a_name_and_found_again(as_supervisor, supervisor):
    ChannelFactory(paused=True, campaign__name="Here")
    ChannelFactory(running=True, campaign__name="Elsewhere")

    response = save(as_supervisor, "  Paused\n ones ")

    assert response.headers["Location"] == "/campaigns/?status=paused&sort=name"
    page = as_supervisor.get(response.headers["Location"])
    assert [row.campaign.name for row in page.context["rows"]] == ["Here"]
    (view,) = page.context["views"].offered
    assert (view.view.name, view.is_current, view.is_own) == ("Paused ones", True, True)
    assert '<a class="chip" href="?status=paused&amp;sort=name" aria-current="true"' in page.text


def test_only_what_is_shown_and_has_no_name_can_be_saved(as_supervisor, supervisor):
    CampaignFactory()
    saved(supervisor)

    assert "Save this view" not in as_supervisor.get(MANAGER).text
    assert "Save this view" in as_supervisor.get(MANAGER, {"status": "draft"}).text
    assert "Save this view" not in as_supervisor.get(MANAGER, {"status": "paused", "cursor": "x"}).text


def test_only_what_the_page_knows_is_kept(as_supervisor):
    save(as_supervisor, query="evil=1&cursor=abc&sort=name&status=&q=%20a%20b%20&view=all&q=%00")

    assert SavedView.objects.get().query == "q=a+b&sort=name"


def test_equal_views_are_known_in_whatever_order_they_are_written():
    assert PAGE.query_of("sort=name&q=a&q=b&q=a") == PAGE.query_of("q=b&q=a&sort=name") == "q=a&q=b&sort=name"


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("", 422, "Give the view a name."),
        (" \u200b ", 409, "Give the view a name."),
        ("x" * 61, 422, "at most 60"),
    ],
)
def test_a_view_needs_a_name_of_a_decent_length(as_supervisor, name, status, said):
    response = save(as_supervisor, name)

    assert (response.status_code, said in response.text) == (status, True)
    assert not SavedView.objects.exists()


def test_a_name_that_one_has_already_is_refused_or_replaced(as_supervisor, supervisor):
    saved(supervisor, name="Paused ones")

    refused = save(as_supervisor, "paused ONES", query="status=draft")
    assert refused.status_code == 409
    assert "You have a view “paused ONES” of this page already." in refused.text
    assert "Replace the view of that name" in refused.text
    assert save(as_supervisor, "paused ONES", query="status=draft", replaces="on").status_code == 302

    assert SavedView.objects.get().query == "status=draft"


def test_filters_too_long_to_be_saved_are_refused(as_supervisor):
    response = save(as_supervisor, query="q=" + "x" * 2000)

    assert "too long to be saved" in response.text


def test_nobody_fills_the_page_with_views(supervisor):
    for number in range(MOST):
        saved(supervisor, name=f"View {number}")

    with pytest.raises(ViewRefused, match="Delete one"):
        save_view(
            owner=supervisor,
            page=PAGE,
            name="One more",
            query="status=draft",
            is_shared=False,
            is_default=False,
            replaces=False,
        )


@pytest.mark.django_db(transaction=True)
def test_the_same_name_in_two_tabs_at_once_is_saved_once(supervisor):
    barrier, ends = threading.Barrier(2), []

    def save_it() -> None:
        try:
            barrier.wait(10)
            save_view(
                owner=supervisor,
                page=PAGE,
                name="Mine",
                query="status=draft",
                is_shared=False,
                is_default=True,
                replaces=False,
            )
            ends.append("saved")
        except ViewRefused:
            ends.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=save_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(ends) == ["refused", "saved"]


@pytest.mark.parametrize("path", ["/campaigns/\r\nSet-Cookie: a=b", "/kampañas/", "/a\0b/"])
def test_whatever_stands_in_a_path_is_no_error(as_supervisor, path):
    response = as_supervisor.post(
        reverse("view_new", args=["campaigns"]),
        {"name": "Mine", "query": "status=paused", "path": path},
        headers=HTMX,
    )
    assert response.status_code == 200
    assert response.headers["HX-Redirect"].isascii()
    assert "Set-Cookie: a" not in response.headers["HX-Redirect"]


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "", "x"])
def test_nobody_is_led_elsewhere(as_supervisor, path):
    response = save(as_supervisor, path=path)

    assert response.headers["Location"] == "/?status=paused&sort=name"


def test_a_page_that_has_no_views_is_not_found(as_supervisor):
    assert as_supervisor.get(reverse("view_new", args=["nothing"])).status_code == 404


# --- Sharing ---------------------------------------------------------------------------------------


def test_shared_views_are_found_by_everybody_and_own_ones_by_nobody_else(
    as_supervisor, supervisor, as_viewer
):
    CampaignFactory()
    save(as_supervisor, "Shared", is_shared="on")
    save(as_supervisor, "Secret", query="status=draft")

    assert offered(as_supervisor) == ["Secret", "Shared"]
    assert offered(as_viewer) == ["Shared"]
    assert f"Shared by {supervisor}" in as_viewer.get(MANAGER).text


def test_viewers_have_views_of_their_own_and_share_none(as_viewer, as_supervisor):
    CampaignFactory()
    save(as_viewer, "Mine", is_shared="on")

    assert not SavedView.objects.get().is_shared
    assert (offered(as_viewer), offered(as_supervisor)) == (["Mine"], [])
    assert "Share it" not in as_viewer.get(reverse("view_new", args=["campaigns"])).text


def test_agents_have_no_lists_and_no_views(as_agent):
    assert save(as_agent).status_code == 403


def test_somebody_elses_view_is_neither_seen_changed_nor_deleted(as_supervisor, as_viewer, supervisor):
    view = saved(supervisor)
    for url in (reverse("view_change", args=[view.pk]), reverse("view_delete", args=[view.pk])):
        assert as_viewer.post(url, {"name": "Taken"}).status_code == 404

    SavedView.objects.update(is_shared=True)
    assert change(as_viewer, view, name="Taken", is_default="on").status_code == 302
    refused = as_viewer.post(reverse("view_delete", args=[view.pk]))
    assert refused.status_code == 409
    assert f"Only {supervisor} can delete this view." in refused.text
    view.refresh_from_db()
    assert view.name == "Mine"


# --- Changing --------------------------------------------------------------------------------------


def test_a_view_is_renamed_shared_and_deleted(as_supervisor, supervisor):
    view = saved(supervisor)

    assert change(as_supervisor, view, name="Ours", is_shared="on").status_code == 302
    view.refresh_from_db()
    assert (view.name, view.is_shared, view.query) == ("Ours", True, "status=paused")
    response = as_supervisor.post(reverse("view_delete", args=[view.pk]), {"path": MANAGER})
    assert response.headers["Location"] == "/campaigns/?status=paused"
    assert not SavedView.objects.exists()


def test_a_view_can_not_take_the_name_of_another(as_supervisor, supervisor):
    saved(supervisor, name="First")
    second = saved(supervisor, name="Second")

    response = change(as_supervisor, second, name="first")

    assert response.status_code == 409
    assert "You have a view “first” of this page already." in response.text


def test_the_dialog_says_what_is_set(as_supervisor, supervisor):
    view = saved(supervisor, is_shared=True)
    DefaultView.objects.create(person=supervisor, page="campaigns", view=view)

    dialog = as_supervisor.get(reverse("view_change", args=[view.pk]), headers=HTMX).text

    assert 'value="Mine"' in dialog
    assert dialog.count(" checked") == 2


# --- The one that comes first ----------------------------------------------------------------------


def test_the_page_begins_with_the_default_view_and_everything_is_a_click_away(as_supervisor):
    ChannelFactory(paused=True, campaign__name="Here")
    CampaignFactory(name="Elsewhere")
    save(as_supervisor, query="status=paused", is_default="on")

    begun = as_supervisor.get(MANAGER)
    assert (begun.status_code, begun.headers["Location"]) == (302, "/campaigns/?status=paused")
    shown = as_supervisor.get(begun.headers["Location"])
    everything = next(chip for chip in shown.context["chips"] if chip["label"] == "All")["address"]
    assert everything == "/campaigns/?view=all"
    assert len(as_supervisor.get(everything).context["rows"]) == 2


def test_only_one_view_comes_first_and_it_can_be_anothers(as_supervisor, supervisor):
    CampaignFactory()
    other = saved(UserFactory(), name="Theirs", is_shared=True, query="status=draft")
    save(as_supervisor, query="status=paused", is_default="on")

    change(as_supervisor, other, is_default="on")

    assert as_supervisor.get(MANAGER).headers["Location"] == "/campaigns/?status=draft"
    assert DefaultView.objects.count() == 1
    # Taken back by its owner, it is nobody's any more.
    SavedView.objects.filter(pk=other.pk).update(is_shared=False)
    assert as_supervisor.get(MANAGER).status_code == 200


def test_taking_the_tick_away_ends_it(as_supervisor, supervisor):
    view = saved(supervisor)
    DefaultView.objects.create(person=supervisor, page="campaigns", view=view)

    change(as_supervisor, view, name="Mine")

    assert as_supervisor.get(MANAGER).status_code == 200


def test_a_refresh_is_never_led_elsewhere(as_supervisor, supervisor):
    view = saved(supervisor)
    DefaultView.objects.create(person=supervisor, page="campaigns", view=view)

    assert as_supervisor.get(MANAGER, headers=HTMX).status_code == 200


# --- What is gone ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["status=gone", "kind=fax", "sort=weight", "direction=up&q=Here", "nonsense", "%%%", "a=1&b=2&c"]
)
def test_a_view_of_what_no_longer_exists_shows_the_list_without_it(as_supervisor, supervisor, query):
    CampaignFactory(name="Here")
    view = saved(supervisor, query=query)
    DefaultView.objects.create(person=supervisor, page="campaigns", view=view)

    page = as_supervisor.get(MANAGER, follow=True)

    assert [row.campaign.name for row in page.context["rows"]] == ["Here"]


def test_views_take_two_queries_however_many_there_are(
    as_supervisor, supervisor, django_assert_max_num_queries
):
    ChannelFactory()
    for number in range(20):
        saved(UserFactory(role=Role.SUPERVISOR), name=f"View {number}", is_shared=True)

    with django_assert_max_num_queries(12):
        assert len(offered(as_supervisor)) == 20


def test_names_are_shown_as_text(as_supervisor, supervisor):
    CampaignFactory()
    saved(supervisor, name="<b>\"'", query='q="><script>')

    page = as_supervisor.get(MANAGER, {"q": '"><script>'}).text

    assert "<script>alert" not in page
    assert "<b>\"'" not in page


# --- Every page that has views ---------------------------------------------------------------------


@pytest.fixture
def pages(db) -> dict[str, tuple[str, str]]:
    """Page -> its address, and a query of it."""
    call = CallFactory(enrollment=EnrollmentFactory(channel=ChannelFactory(running=True)))
    results = reverse("analytics:results", args=[call.campaign_id])
    return {
        "campaigns": (MANAGER, "status=draft&sort=name"),
        "results": (results, "q=anna&outcome=busy"),
        "history": (reverse("analytics:history"), "outcome=busy"),
        "contacts": (reverse("contacts:contacts"), "q=anna&email=with"),
    }


def test_every_page_saves_shows_and_begins_with_a_view(as_supervisor, pages):
    assert set(pages) == set(ListPage.known)
    for page, (path, query) in pages.items():
        shown = as_supervisor.get(f"{path}?{query}").context["views"]
        assert (shown.query, shown.may_save) == (query, True), page
        assert "Save this view" in as_supervisor.get(f"{path}?{query}").text, page
        assert as_supervisor.get(path).status_code == 200, page

        done = as_supervisor.post(
            reverse("view_new", args=[page]),
            {"name": "Mine", "query": query, "path": path, "is_default": "on"},
        )

        assert done.headers["Location"] == f"{path}?{query}", page
        assert as_supervisor.get(path).headers["Location"] == f"{path}?{query}", page
        found = as_supervisor.get(f"{path}?{query}")
        assert [each.is_current for each in found.context["views"].offered] == [True], page
        assert f"{path}?view=all" in found.text, page
        assert as_supervisor.get(f"{path}?view=all").status_code == 200, page
        # A part of the page is asked for by scripts: as it is asked for.
        assert as_supervisor.get(path, headers=HTMX).status_code == 200, page
