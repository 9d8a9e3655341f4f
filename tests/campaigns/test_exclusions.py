"""Lists that a campaign leaves alone."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.urls import reverse

from campaigns import services
from campaigns.models import Activity, CampaignExclusion
from tests.factories import CampaignFactory, ChannelFactory, ListFactory

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize("state", ["ready", "running", "paused"])
def test_lists_are_left_alone_and_not_at_any_time(state, supervisor):
    campaign = ChannelFactory(**({} if state == "ready" else {state: True})).campaign
    customers = ListFactory(name="Customers", members=2)
    services.add_exclusion(campaign=campaign, list=customers, actor=supervisor)
    assert list(campaign.exclusions.all()) == [customers]
    assert list(customers.excluded_from.all()) == [campaign]
    services.remove_exclusion(campaign=campaign, list=customers, actor=supervisor)
    assert not campaign.exclusions.exists()
    assert list(Activity.objects.order_by("pk").values_list("actor", "verb", "text")) == [
        (supervisor.pk, "exclude", "excluded those on Customers: 2 contacts"),
        (supervisor.pk, "include", "no longer excludes those on Customers"),
    ]


def test_what_changes_nothing_is_refused():
    campaign, customers = CampaignFactory(), ListFactory(name="Customers")
    with pytest.raises(services.Refused, match="Customers is not left alone"):
        services.remove_exclusion(campaign=campaign, list=customers, actor=None)
    services.add_exclusion(campaign=campaign, list=customers, actor=None)
    with pytest.raises(services.Refused, match="left alone already"):
        services.add_exclusion(campaign=campaign, list=customers, actor=None)
    assert Activity.objects.count() == 1


def test_an_archived_campaign_is_left_as_it_is(supervisor):
    campaign, customers = CampaignFactory(), ListFactory()
    services.archive_campaign(campaign=campaign, actor=supervisor)
    with pytest.raises(services.Refused, match="archived"):
        services.add_exclusion(campaign=campaign, list=customers, actor=supervisor)


@pytest.mark.django_db(transaction=True)
def test_two_who_exclude_a_list_at_once_exclude_it_once():
    campaign, customers = CampaignFactory(), ListFactory()
    results: list[str] = []

    def exclude() -> None:
        try:
            services.add_exclusion(campaign=campaign, list=customers, actor=None)
            results.append("done")
        except services.Refused:
            results.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=exclude) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "refused", "refused", "refused"]
    assert CampaignExclusion.objects.count() == Activity.objects.count() == 1


def test_a_list_that_is_left_alone_is_not_deleted_but_its_campaign_may_be(supervisor):
    channel, customers = ChannelFactory(), ListFactory()
    services.add_exclusion(campaign=channel.campaign, list=customers, actor=None)
    with pytest.raises(ProtectedError):
        customers.delete()
    services.delete_campaign(campaign=channel.campaign, actor=supervisor, name=channel.campaign.name)
    assert not CampaignExclusion.objects.exists()
    customers.delete()


def test_a_duplicate_leaves_the_same_lists_alone(supervisor):
    campaign, customers = ChannelFactory().campaign, ListFactory()
    services.add_exclusion(campaign=campaign, list=customers, actor=None)
    copy = services.duplicate_campaign(campaign=campaign, actor=supervisor)
    assert list(copy.exclusions.all()) == [customers]


def test_lists_are_left_alone_from_the_lists_tab_with_undo(as_supervisor):
    channel = ChannelFactory(running=True)
    customers = ListFactory(name="Customers", members=3)
    page = reverse("campaigns:lists", args=[channel.campaign_id])
    assert "Never contact those on" in as_supervisor.get(page).text
    before = as_supervisor.get(page, headers=HTMX).context["version"]

    exclude = reverse("campaigns:exclude", args=[channel.campaign_id])
    done = as_supervisor.post(exclude, {"list": customers.pk}, headers=HTMX)
    assert done.status_code == 204
    assert "refresh" in done.headers["HX-Trigger"]
    include = reverse("campaigns:include", args=[channel.campaign_id, customers.pk])
    assert include in done.headers["HX-Trigger"]
    shown = as_supervisor.get(page, headers=HTMX)
    assert shown.context["version"] != before
    assert f'<form class="inline" method="post" action="{include}"' in shown.text

    assert as_supervisor.post(include, headers=HTMX).status_code == 204
    assert not CampaignExclusion.objects.exists()


@pytest.mark.parametrize("asked", ["", "x", "0", "9" * 30])
def test_no_list_is_refused_in_place(as_supervisor, asked):
    channel = ChannelFactory()
    response = as_supervisor.post(
        reverse("campaigns:exclude", args=[channel.campaign_id]), {"list": asked}, headers=HTMX
    )
    assert response.status_code == 409
    assert "Choose a list first." in response.text


def test_viewers_see_what_is_left_alone_and_change_nothing(as_viewer):
    channel, customers = ChannelFactory(), ListFactory(name="Customers")
    services.add_exclusion(campaign=channel.campaign, list=customers, actor=None)
    text = as_viewer.get(reverse("campaigns:lists", args=[channel.campaign_id])).text
    assert "Customers" in text
    assert reverse("campaigns:include", args=[channel.campaign_id, customers.pk]) not in text
