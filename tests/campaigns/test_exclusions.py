"""Lists that a campaign leaves alone."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.urls import reverse
from django.utils import timezone

from campaigns import services
from campaigns.models import Activity, CampaignExclusion, Channel, ChannelDrive, Enrollment
from campaigns.models.enrollment import on_exclusion_list
from campaigns.services import places
from contacts.models import Contact, List, Membership
from tests.at_once import Other
from tests.campaigns.test_preflight_worlds import World, what_is_claimed
from tests.factories import (
    CampaignFactory,
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
)

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


def test_a_list_of_one_is_told_of_as_one():
    campaign = ChannelFactory().campaign
    services.add_exclusion(campaign=campaign, list=ListFactory(name="VIPs", members=1), actor=None)
    assert Activity.objects.get().text == "excluded those on VIPs: 1 contact"


def test_what_changes_nothing_is_refused():
    campaign, customers = CampaignFactory(), ListFactory(name="Customers")
    with pytest.raises(services.Refused, match="Customers is no exclusion list"):
        services.remove_exclusion(campaign=campaign, list=customers, actor=None)
    services.add_exclusion(campaign=campaign, list=customers, actor=None)
    with pytest.raises(services.Refused, match="is an exclusion list of this campaign already"):
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
    assert "Exclusion lists" in as_supervisor.get(page).text
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


# --- Why not yet, and bringing back ------------------------------------------------------------------


def words_of(client: Any, channel: Channel) -> dict[int, str]:
    """What the contacts tab says of those who wait: contact -> why not yet."""
    found: dict[int, str] = {}
    address = reverse("campaigns:contacts", args=[channel.campaign_id])
    while address:
        page = client.get(address).context
        found |= {place.enrollment.contact_id: place.why_not_yet for place in page["places"]}
        address = f"?cursor={page['page'].next}" if page["page"].next else ""
    return {contact: words for contact, words in found.items() if words}


@pytest.mark.parametrize("seed", range(400, 415))
def test_why_not_yet_says_of_each_what_the_claim_then_does(seed, as_viewer, settings):
    settings.ACCOUNT_CALLS_PER_SECOND = 2000
    world = World(seed)
    channel = services.start_channel(channel=world.channel, actor=None)
    rows = Enrollment.objects.filter(channel=channel)
    words = words_of(as_viewer, channel)
    what_is_claimed(channel, rows)
    for row in rows:
        said = words.get(row.contact_id, "")
        assert ("do-not-contact" in said) == (row.status == "do_not_call")
        passed_over = row.reason.startswith("On the exclusion list")
        assert ("exclusion list" in said) == passed_over
        if passed_over:
            assert re.findall("“(.*)”", said) == re.findall("“(.*)”", row.reason)


@pytest.mark.parametrize(
    ("state", "is_told"), [("running", True), ("paused", True), ("stopped", False), ("completed", False)]
)
def test_no_turn_is_promised_where_none_comes(state, is_told, as_viewer):
    channel = ChannelFactory(**{state: True})
    contact = ContactFactory()
    EnrollmentFactory(channel=channel, contact=contact)
    customers = ListFactory(name="Customers", members=[contact])
    services.add_exclusion(campaign=channel.campaign, list=customers, actor=None)
    told = "on the exclusion list “Customers”; will be passed over at its turn"
    assert (words_of(as_viewer, channel)[contact.pk] == told) == is_told
    DoNotContactFactory(phone_number=contact.phone_number)
    told = "on do-not-contact; will be passed over at its turn"
    assert (words_of(as_viewer, channel)[contact.pk] == told) == is_told


def passed_over(channel: Channel, *lists: List, reason: str = "") -> Enrollment:
    """A contact on these lists that was passed over for the first of them."""
    contact = ContactFactory()
    for one in lists:
        add_to_list(list=one, contact=contact)
    reason = reason or on_exclusion_list(lists[0].name)
    return EnrollmentFactory(channel=channel, contact=contact, status="skipped", reason=reason)


def add_to_list(*, list: List, contact: Contact) -> None:
    Membership.objects.create(list=list, contact=contact, added_in=1)


@pytest.mark.parametrize("state", ["running", "paused"])
def test_who_was_passed_over_waits_again_when_brought_back(state, supervisor):
    channel = ChannelFactory(**{state: True})
    customers, staff = ListFactory(name="Customers"), ListFactory(name="Staff")
    for one in (customers, staff):
        services.add_exclusion(campaign=channel.campaign, list=one, actor=None)
    one, both = passed_over(channel, customers), passed_over(channel, customers, staff)
    called = passed_over(channel, customers)
    Enrollment.objects.filter(pk=called.pk).update(attempts=1)
    other_reason = passed_over(channel, customers, reason="Has no phone number")
    earlier_run = passed_over(channel, customers)
    Enrollment.objects.filter(pk=earlier_run.pk).update(run=channel.run + 1)
    with pytest.raises(services.Refused, match="Nobody is left"):
        services.bring_back_excluded(campaign=channel.campaign, actor=supervisor)

    services.remove_exclusion(campaign=channel.campaign, list=customers, actor=None)
    assert services.bring_back_excluded(campaign=channel.campaign, actor=supervisor) == 2

    statuses = dict(Enrollment.objects.values_list("pk", "status"))
    assert statuses == {
        one.pk: "pending",
        called.pk: "retry",
        both.pk: "skipped",
        other_reason.pk: "skipped",
        earlier_run.pk: "skipped",
    }
    one.refresh_from_db()
    assert one.due_at <= timezone.now()
    told = Activity.objects.latest("pk")
    assert (told.actor, told.verb) == (supervisor, "bring_back")
    assert told.text == "brought back 2 contacts passed over for lists that are no longer excluded"
    # For the other list, too, once that is taken off.
    services.remove_exclusion(campaign=channel.campaign, list=staff, actor=None)
    assert services.bring_back_excluded(campaign=channel.campaign, actor=supervisor) == 1


def test_who_left_the_list_meanwhile_may_be_brought_back():
    channel = ChannelFactory(running=True)
    customers = ListFactory(name="Customers")
    services.add_exclusion(campaign=channel.campaign, list=customers, actor=None)
    row = passed_over(channel, customers)
    Membership.objects.filter(contact=row.contact).update(removed_in=2)
    assert services.bring_back_excluded(campaign=channel.campaign, actor=None) == 1


def test_nobody_is_brought_back_into_a_stopped_channel_and_a_completed_one_goes_on():
    stopped = ChannelFactory(stopped=True)
    completed = ChannelFactory(completed=True, campaign=stopped.campaign, name="Again")
    gone = ListFactory(name="Gone")
    kept, back = passed_over(stopped, gone), passed_over(completed, gone)
    assert services.bring_back_excluded(campaign=stopped.campaign, actor=None) == 1
    assert dict(Enrollment.objects.values_list("pk", "status")) == {kept.pk: "skipped", back.pk: "pending"}
    assert dict(Channel.objects.values_list("pk", "status")) == {
        stopped.pk: "stopped",
        completed.pk: "running",
    }
    assert Activity.objects.filter(verb="reopen", text__endswith="contacts were brought back").exists()


def test_nobody_of_an_archived_campaign_is_brought_back(supervisor):
    channel = ChannelFactory(completed=True)
    passed_over(channel, ListFactory(name="Gone"))
    services.archive_campaign(campaign=channel.campaign, actor=supervisor)
    with pytest.raises(services.Refused, match="archived"):
        services.bring_back_excluded(campaign=channel.campaign, actor=supervisor)


@pytest.mark.django_db(transaction=True)
def test_two_who_bring_back_at_once_bring_back_once():
    channel = ChannelFactory(completed=True)
    passed_over(channel, ListFactory(name="Gone"))
    results: list[str] = []

    def bring_back() -> None:
        try:
            results.append(str(services.bring_back_excluded(campaign=channel.campaign, actor=None)))
        except services.Refused:
            results.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=bring_back) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["1", "refused", "refused"]


@pytest.mark.django_db(transaction=True)
def test_bringing_many_back_holds_up_no_call(monkeypatch):
    """Each lot has a transaction of its own, and none of them takes what the claim and the lease need."""
    monkeypatch.setattr(places, "AT_ONCE", 2)
    channel = ChannelFactory(running=True)
    gone = ListFactory(name="Gone")
    rows = [passed_over(channel, gone) for _ in range(5)]
    with transaction.atomic():
        # As the claim does: the drive alone, the channel with others, and one of the contacts.
        ChannelDrive.objects.select_for_update().get(channel=channel)
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM campaigns_channel WHERE id = %s FOR SHARE", [channel.pk])
        Enrollment.objects.select_for_update().get(pk=rows[0].pk)
        back = Other(lambda: services.bring_back_excluded(campaign=channel.campaign, actor=None))
        assert not back.is_waiting()
    assert back.done().result == 4
    assert Activity.objects.get(verb="bring_back").text.startswith("brought back 4 contacts")
    assert services.bring_back_excluded(campaign=channel.campaign, actor=None) == 1


def test_bringing_back_is_offered_below_the_lists(as_supervisor, as_viewer):
    channel = ChannelFactory(running=True)
    customers = ListFactory(name="Customers")
    services.add_exclusion(campaign=channel.campaign, list=customers, actor=None)
    row = passed_over(channel, customers)
    page = reverse("campaigns:lists", args=[channel.campaign_id])
    bring_back = reverse("campaigns:bring_back_excluded", args=[channel.campaign_id])
    assert bring_back not in as_supervisor.get(page).text

    include = reverse("campaigns:include", args=[channel.campaign_id, customers.pk])
    told = as_supervisor.post(include, headers=HTMX).headers["HX-Trigger"]
    assert "unless you bring them back" in told
    shown = as_supervisor.get(page).text
    assert bring_back in shown
    assert "1 contact was passed over for a list" in shown
    assert "Bring them back" not in as_viewer.get(page).text

    done = as_supervisor.post(bring_back, headers=HTMX)
    assert done.status_code == 204
    assert "1 contact waits for its turn again." in done.headers["HX-Trigger"]
    row.refresh_from_db()
    assert row.status == "pending"
    assert bring_back not in as_supervisor.get(page).text
    assert as_supervisor.post(bring_back, headers=HTMX).status_code == 409
