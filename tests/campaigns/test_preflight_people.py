"""Each number of a preflight leads to exactly those whom it counts."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns import fates, planning
from campaigns.fates import People, Reason
from campaigns.models import CampaignExclusion, Enrollment, VoiceSettings
from campaigns.preflight import preflight
from campaigns.services import start_channel
from contacts.models import Contact, Membership
from tests.campaigns.test_preflight_worlds import World, what_is_claimed
from tests.factories import ChannelFactory, ContactFactory, DoNotContactFactory, ListFactory
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db

# All but those who were erased, whom no page shows, and those who are called anyway.
WHY_NOT = frozenset(Reason) - {Reason.CALLED, Reason.LATER, Reason.DUPLICATES, Reason.ERASED}


@pytest.fixture(autouse=True)
def fast_account(settings: Any) -> None:
    settings.ACCOUNT_CALLS_PER_SECOND = 2000
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 8, 21


def paged(people: People, reason: Reason, most: int) -> list[int]:
    """All of them, page after page from the newest on; and the same again from the oldest back."""
    forward: list[int] = []
    while page := people.next_of(reason, most=most, after=forward[-1] if forward else None):
        forward += page
    backward: list[int] = []
    while page := people.next_of(reason, most=most, before=backward[-1] if backward else 0):
        backward += page
    assert backward == forward[::-1]
    assert forward == sorted(forward, reverse=True)
    return forward


@pytest.mark.parametrize("seed", range(200, 230))
def test_the_pages_of_a_number_show_as_many_as_it_counts_and_everybody_once(seed, monkeypatch):
    if seed % 3:
        # Small looks, so that pages come about by several, and by the one at all the rest.
        monkeypatch.setattr(fates, "LOOKS", (2, 3) if seed % 3 == 1 else (1,))
        monkeypatch.setattr(planning, "MANY", 0)
    # Those without a number, and those erased, are few or many.
    monkeypatch.setattr(fates, "FEW", 0 if seed % 2 else 100)
    world = World(seed)
    now = timezone.now()
    told = preflight(world.channel, now)
    people = People(world.channel, now)
    found = {reason: paged(people, reason, most=1 + seed % 7) for reason in Reason}
    assert {reason: set(people.of(reason).values_list("pk", flat=True)) for reason in Reason} == {
        reason: set(keys) for reason, keys in found.items()
    }
    sizes = {reason: len(keys) for reason, keys in found.items() if reason != Reason.DUPLICATES}
    assert sizes == {reason: told.of(reason) for reason in sizes}
    assert set(found[Reason.LATER]) <= set(found[Reason.CALLED])
    # Apart from those, everybody has one reason.
    each = [key for reason in (*WHY_NOT, Reason.CALLED, Reason.ERASED) for key in found[reason]]
    members = Membership.objects.current().filter(list__in=world.lists)
    assert sorted(each) == sorted(set(members.values_list("contact", flat=True)))
    several = {key: members.filter(contact=key).count() for key in found[Reason.DUPLICATES]}
    assert sum(several.values()) - len(several) == told.duplicates


@pytest.mark.parametrize("seed", range(300, 312))
def test_who_is_shown_as_not_called_is_who_the_claim_does_not_call(seed):
    world = World(seed)
    people = People(world.channel, timezone.now())
    found = {reason: set(people.next_of(reason, most=1000)) for reason in Reason}
    channel = start_channel(channel=world.channel, actor=None)
    rows = Enrollment.objects.filter(channel=channel)
    what_is_claimed(channel, rows)
    ended = {row.contact_id: row for row in rows}

    def those(status: str, reason: str) -> set[int]:
        return {key for key, row in ended.items() if row.status == status and row.reason.startswith(reason)}

    assert those("do_not_call", "On do-not-contact") == found[Reason.DO_NOT_CONTACT]
    assert those("skipped", "On the exclusion list") == found[Reason.EXCLUDED]
    without = found[Reason.WITHOUT_NUMBER] | found[Reason.ERASED]
    assert those("skipped", "Has no phone number") == without
    assert those("calling", "") <= found[Reason.CALLED]
    assert those("pending", "Over the cap of attempts") <= found[Reason.LATER]


def test_of_a_run_that_was_started_those_are_shown_who_wait():
    first, second, called = ContactFactory.create_batch(3)
    channel = ChannelFactory(lists=[ListFactory(members=[first, second, called])])
    channel = start_channel(channel=channel, actor=None)
    Enrollment.objects.filter(contact=called).update(status="calling")
    DoNotContactFactory(phone_number=second.phone_number)
    people = People(channel, timezone.now())
    assert people.next_of(Reason.CALLED, most=50) == [first.pk]
    assert people.next_of(Reason.DO_NOT_CONTACT, most=50) == [second.pk]
    assert people.next_of(Reason.DUPLICATES, most=50) == []


def test_a_channel_without_lists_has_nobody(as_viewer):
    channel = ChannelFactory()
    people = People(channel, timezone.now())
    assert [people.next_of(reason, most=50) for reason in Reason] == [[]] * len(Reason)
    assert not people.of(Reason.CALLED).exists()
    shown = as_viewer.get(reverse("campaigns:preflight_people", args=[channel.campaign_id, channel.pk]))
    assert "Nobody will be called" in shown.text


def links(client: Any, channel: Any) -> dict[str, str]:
    """The preflight's numbers: reason -> address."""
    text = client.get(reverse("campaigns:preflight", args=[channel.campaign_id, channel.pk])).text
    found = [html.unescape(each) for each in re.findall(r'<a href="([^"]*/preflight/people/[^"]*)">', text)]
    return {each.rpartition("=")[2]: each for each in found}


def test_each_number_leads_to_those_whom_it_counts(as_viewer):
    names = ("Refused", "Mute", "Customer", "Often", "Fine")
    by_email = {"phone_number": None, "email": "mute@example.com"}
    refused, mute, customer, often, fine = (
        ContactFactory(first_name=name, **(by_email if name == "Mute" else {})) for name in names
    )
    DoNotContactFactory(phone_number=refused.phone_number, scope="voice")
    channel = ChannelFactory(
        lists=[ListFactory(members=[refused, mute, customer, often, fine]), ListFactory(members=[fine])],
        voice__max_attempts_per_day=1,
    )
    CampaignExclusion.objects.create(campaign=channel.campaign, list=ListFactory(members=[customer]))
    CallFactory(contact=often, ended_at=timezone.now() - timedelta(hours=2))

    found = links(as_viewer, channel)
    shown = {reason: as_viewer.get(address).text for reason, address in found.items()}

    assert {reason: [name for name in names if name in text] for reason, text in shown.items()} == {
        "called": ["Often", "Fine"],
        "later": ["Often"],
        "do_not_contact": ["Refused"],
        "excluded": ["Customer"],
        "without_number": ["Mute"],
        "duplicates": ["Fine"],
    }
    assert all(
        reverse("campaigns:channel_launch", args=[channel.campaign_id, channel.pk]) in text
        for text in shown.values()
    )


def test_who_was_erased_is_counted_and_not_shown(as_viewer):
    gone = ContactFactory(first_name="", last_name="", phone_number=None, erased_at=timezone.now())
    channel = ChannelFactory(lists=[ListFactory(members=[gone])])
    assert (
        "Erased" in as_viewer.get(reverse("campaigns:preflight", args=[channel.campaign_id, channel.pk])).text
    )
    assert links(as_viewer, channel) == {}
    page = reverse("campaigns:preflight_people", args=[channel.campaign_id, channel.pk])
    assert as_viewer.get(page, {"reason": "erased"}).status_code == 404


def test_pages_go_on_from_the_last_shown_and_back(as_viewer, monkeypatch):
    monkeypatch.setattr("campaigns.views.people.PAGE_SIZE", 2)
    people = ContactFactory.create_batch(5)
    newest_first = [contact.pk for contact in people[::-1]]
    channel = ChannelFactory(lists=[ListFactory(members=people)])
    url = reverse("campaigns:preflight_people", args=[channel.campaign_id, channel.pk])

    def shown(cursor: str) -> Any:
        return as_viewer.get(url, {"reason": "called", "cursor": cursor}).context["page"]

    first = shown("")
    second = shown(first.next)
    third = shown(second.next)
    pages = [[contact.pk for contact in page] for page in (first, second, third, shown(third.previous))]
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:], newest_first[2:4]]
    assert (first.previous, third.next) == ("", "")
    # Nobody is left beyond it.
    Contact.objects.filter(pk=newest_first[4]).update(phone_number=None, email="a@example.com")
    assert [contact.pk for contact in shown(second.next)] == newest_first[:2]


@pytest.mark.parametrize(
    "asked", [{"reason": "nonsense"}, {"reason": ""}, {"reason": "called\0"}, {"reason": "erased"}]
)
def test_what_is_no_reason_is_not_found(as_viewer, asked):
    channel = ChannelFactory()
    for name in ("campaigns:preflight_people", "campaigns:preflight_people_export"):
        assert as_viewer.get(reverse(name, args=[channel.campaign_id, channel.pk]), asked).status_code == 404


@pytest.mark.parametrize("rubbish", ["x", "0", "%00", "'" * 300, "eyJ9", "9" * 40])
def test_rubbish_in_the_address_shows_the_first_page(as_viewer, rubbish):
    channel = ChannelFactory(lists=[ListFactory(members=1)])
    url = reverse("campaigns:preflight_people", args=[channel.campaign_id, channel.pk])
    assert len(as_viewer.get(url, {"cursor": rubbish}).context["page"]) == 1
    assert as_viewer.get(url, {"q": rubbish}).status_code == 200


def test_they_are_searched_by_name_and_number(as_viewer):
    anna, ben = ContactFactory(first_name="Anna"), ContactFactory(first_name="Ben")
    elsewhere = ContactFactory(first_name="Anna", last_name="Elsewhere")
    channel = ChannelFactory(lists=[ListFactory(members=[anna, ben])])
    url = reverse("campaigns:preflight_people", args=[channel.campaign_id, channel.pk])
    by_name = as_viewer.get(url, {"q": "anna"}, headers={"HX-Request": "true"})
    assert [contact.pk for contact in by_name.context["page"]] == [anna.pk]
    assert elsewhere.pk not in {contact.pk for contact in by_name.context["page"]}
    by_number = as_viewer.get(url, {"q": ben.phone_number})
    assert [contact.pk for contact in by_number.context["page"]] == [ben.pk]
    assert "Nobody among them is like that" in as_viewer.get(url, {"q": "zzyzx"}).text


@pytest.mark.parametrize("many", [planning.MANY, 0])
def test_the_file_holds_exactly_those_whom_the_page_shows(as_viewer, monkeypatch, many):
    monkeypatch.setattr(planning, "MANY", many)
    people = ContactFactory.create_batch(4)
    DoNotContactFactory(phone_number=people[0].phone_number)
    channel = ChannelFactory(lists=[ListFactory(members=people), ListFactory(members=people[1:])])
    url = reverse("campaigns:preflight_people_export", args=[channel.campaign_id, channel.pk])

    def exported(**asked: str) -> list[str]:
        lines = b"".join(as_viewer.get(url, asked).streaming_content).decode("utf-8-sig").splitlines()
        return [line.partition(",")[0] for line in lines[1:]]

    assert exported(reason="called") == [contact.phone_number for contact in people[:0:-1]]
    assert exported(reason="do_not_contact") == [people[0].phone_number]
    assert exported(reason="duplicates") == [contact.phone_number for contact in people[:0:-1]]
    assert exported(reason="excluded") == []
    assert exported(reason="called", q=people[2].phone_number or "") == [people[2].phone_number]


def test_how_many_they_are_is_told_when_there_are_several_pages(as_viewer, monkeypatch):
    monkeypatch.setattr("campaigns.views.people.PAGE_SIZE", 2)
    channel = ChannelFactory(lists=[ListFactory(members=3)])
    url = reverse("campaigns:preflight_people", args=[channel.campaign_id, channel.pk])
    assert f"{url}?reason=called&amp;count" in as_viewer.get(url).text
    assert as_viewer.get(f"{url}?reason=called&count").text.strip() == "3 contacts"


def test_a_page_takes_few_queries_however_many_lists_and_people(as_viewer):
    channel = ChannelFactory(lists=[ListFactory(members=30) for _ in range(4)])
    VoiceSettings.objects.filter(channel=channel).update(max_attempts_per_day=1)
    url = reverse("campaigns:preflight_people", args=[channel.campaign_id, channel.pk])
    as_viewer.get(url)
    with CaptureQueriesContext(connection) as queries:
        as_viewer.get(url)
    assert len(queries) <= 16
