"""Remarketing: a new channel for exactly those contacts whom a person chose by what happened."""

from __future__ import annotations

import itertools
import random
import re
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns import services
from campaigns.models import Activity, Campaign, CampaignExclusion, Channel, Disposition
from campaigns.refusals import Refused
from contacts.membership import contacts_of
from contacts.models import Contact, List, Membership
from dialer.models import Call
from tests.factories import (
    CampaignFactory,
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
    ReattemptRuleFactory,
)
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def channel():
    return ChannelFactory(
        completed=True, name="Voice", campaign=CampaignFactory(name="Autumn leads", status="completed")
    )


def called(channel, *outcomes, status="no_answer", run=1, **contact):
    """A contact whom the channel called, with these outcomes one after another."""
    person = ContactFactory(**contact)
    place = EnrollmentFactory(channel=channel, contact=person, status=status, attempts=len(outcomes), run=run)
    for number, outcome in enumerate(outcomes, 1):
        CallFactory(enrollment=place, outcome=outcome, attempt=number, run=run)
    return person


def page(campaign, query=""):
    return reverse("analytics:remarket_results", args=[campaign.pk]) + query


def counted(client, url):
    return client.get(url).context["counted"]


def number(client, url) -> int:
    """As the page is told when it asks again."""
    told = re.search(r'name="told" value="(\d+)"', client.get(url, headers=HTMX).text)
    return int(told[1]) if told else -1


def send(client, url, **changes):
    """Open the page as a person would, and press its button: with all that it holds, and what they change."""
    shown = client.get(url)
    values: dict = {}
    form = shown.text[shown.text.index('method="post"', shown.text.index('class="remarket"')) :]
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form):
        values.setdefault(name, []).append(value)
    initial = shown.context["form"]
    values |= {name: initial[name].initial for name in ("target", "name", "new_campaign")}
    like = initial["like"].initial
    values |= {"like": like.pk if like else ""} | changes
    return client.post(
        url.partition("?")[0], {name: value for name, value in values.items() if value is not None}
    )


def made() -> Channel:
    return Channel.objects.latest("pk")


def people_of(channel) -> set[Contact]:
    assigned = channel.channel_lists.get()
    return set(contacts_of(assigned.list))


# --- Who ---------------------------------------------------------------------------------------------


def test_a_channel_is_made_for_whom_one_sees(as_supervisor, channel):
    machine, nobody = called(channel, "voicemail", status="voicemail"), called(channel, "no_answer")
    called(channel, "completed", status="completed")
    url = page(channel.campaign, "?outcome=voicemail&outcome=no_answer")
    assert counted(as_supervisor, url).contacts == 2
    response = send(as_supervisor, url)
    new = made()
    assert response.headers["Location"] == reverse(
        "campaigns:channel_edit", args=[channel.campaign_id, new.pk]
    )
    assert people_of(new) == {machine, nobody}
    assert (new.status, new.run, new.campaign) == ("ready", 0, channel.campaign)
    today = timezone.localdate()
    assigned = new.channel_lists.get().list
    assert assigned.name == f"Autumn leads: no answer or voicemail, {today.day} {today:%b}"
    assert (assigned.size, assigned.version) == (2, 1)
    note = assigned.versions.get().note
    assert note.startswith(
        "From the results of Autumn leads: no answer or voicemail; nobody on do-not-contact"
    )


def test_each_contact_counts_by_its_last_call(as_supervisor, channel):
    called(channel, "no_answer", "completed", status="completed")
    later = called(channel, "completed", "no_answer")
    url = page(channel.campaign, "?outcome=no_answer")
    assert counted(as_supervisor, url).contacts == 1
    send(as_supervisor, url)
    assert people_of(made()) == {later}
    # Or by any call, when that is wanted.
    assert counted(as_supervisor, f"{url}&seen=1&without_forbidden=1").contacts == 2


def test_the_last_call_is_that_of_the_run_that_is_looked_at(as_supervisor, channel):
    person = ContactFactory()
    for run, outcome in ((1, "no_answer"), (2, "completed")):
        place = EnrollmentFactory(channel=channel, contact=person, status="completed", run=run)
        CallFactory(enrollment=place, outcome=outcome, run=run)
    Channel.objects.filter(pk=channel.pk).update(run=2)
    assert counted(as_supervisor, page(channel.campaign, "?outcome=no_answer")).contacts == 0
    assert (
        counted(as_supervisor, page(channel.campaign, f"?outcome=no_answer&run={channel.pk}.1")).contacts == 1
    )


def test_who_must_not_be_called_is_left_out_unless_one_wants_them(as_supervisor, channel):
    forbidden = called(channel, "busy", status="busy")
    DoNotContactFactory(phone_number=forbidden.phone_number)
    over = called(channel, "busy", status="busy")
    DoNotContactFactory(phone_number=over.phone_number, expires_at=timezone.now() - timedelta(days=2))
    mailed = called(channel, "busy", status="busy")
    DoNotContactFactory(phone_number=mailed.phone_number, scope="email")
    url = page(channel.campaign, "?outcome=busy")
    found = counted(as_supervisor, url)
    assert (found.matching, found.forbidden, found.contacts) == (3, 1, 2)
    send(as_supervisor, url)
    assert people_of(made()) == {over, mailed}
    assert counted(as_supervisor, f"{url}&seen=1&by_last=1").contacts == 3


def test_who_will_be_called_anyway_is_left_out(as_supervisor):
    channel = ChannelFactory(paused=True)
    for status in ("retry", "callback", "calling"):
        called(channel, "no_answer", status=status)
    done = called(channel, "no_answer")
    url = page(channel.campaign, "?outcome=no_answer")
    found = counted(as_supervisor, url)
    assert (found.matching, found.waiting, found.contacts) == (4, 3, 1)
    send(as_supervisor, url)
    assert people_of(made()) == {done}
    # Who asks for those who wait, gets them.
    assert counted(as_supervisor, page(channel.campaign, "?status=retry")).contacts == 1


def test_whom_a_stopped_channel_left_undone_waits_for_nothing(as_supervisor):
    channel = ChannelFactory(stopped=True)
    called(channel, "no_answer", status="retry")
    assert counted(as_supervisor, page(channel.campaign, "?outcome=no_answer")).contacts == 1


def test_who_is_left_waiting_in_an_archived_campaign_waits_for_nothing(as_supervisor):
    channel = ChannelFactory(paused=True)
    called(channel, "no_answer", status="retry")
    services.archive_campaign(campaign=channel.campaign, actor=None)
    assert counted(as_supervisor, page(channel.campaign, "?outcome=no_answer")).contacts == 1
    history = reverse("analytics:remarket_history")
    assert counted(as_supervisor, f"{history}?campaign={channel.campaign_id}").contacts == 1
    assert number(as_supervisor, history) == 1


def test_who_waits_in_another_channel_of_the_campaign_is_left_out_whichever_run_one_looks_at(
    as_supervisor, channel
):
    called(channel, "no_answer")
    busy = called(channel, "no_answer")
    other = ChannelFactory(paused=True, campaign=channel.campaign, name="Second")
    EnrollmentFactory(channel=other, contact=busy, status="pending")
    contacts = reverse("analytics:remarket_contacts", args=[channel.pk])
    for url in (page(channel.campaign), page(channel.campaign, f"?run={channel.pk}.1"), contacts):
        found = counted(as_supervisor, url)
        assert (found.matching, found.waiting, found.contacts) == (2, 1, 1), url


def test_nobody_is_counted_twice_as_left_out(as_supervisor):
    channel = ChannelFactory(paused=True)
    both = called(channel, "no_answer", status="retry")
    DoNotContactFactory(phone_number=both.phone_number)
    found = counted(as_supervisor, page(channel.campaign, "?outcome=no_answer"))
    assert (found.matching, found.forbidden, found.waiting, found.contacts) == (1, 1, 0, 0)


def test_who_was_deleted_or_erased_is_not_brought_back(as_supervisor, channel):
    kept = called(channel, "busy", status="busy")
    erased = called(channel, "busy", status="busy")
    Contact.objects.filter(pk=erased.pk).update(
        erased_at=timezone.now(), phone_number=None, first_name="", last_name="", company=""
    )
    CallFactory(campaign=channel.campaign, channel=channel, outcome="busy", contact=None)
    url = page(channel.campaign, "?outcome=busy")
    assert counted(as_supervisor, url).matching == 1
    send(as_supervisor, url)
    assert people_of(made()) == {kept}


def test_dispositions_and_words_and_days_choose_as_on_the_page(as_supervisor, channel):
    liked = Disposition.objects.get(slug="interested")
    anna = called(channel, "completed", status="completed", first_name="Anna", last_name="Svensson")
    Call.objects.filter(contact=anna).update(disposition=liked)
    called(channel, "completed", status="completed", first_name="Bilal", last_name="Khan")
    today = timezone.localdate()
    for query, contacts in (
        ("?disposition=interested", 1),
        ("?disposition=interested&disposition=none", 2),
        ("?q=khan", 1),
        (f"?from={today - timedelta(days=1)}", 2),
        (f"?to={today - timedelta(days=3)}", 0),
    ):
        assert counted(as_supervisor, page(channel.campaign, query)).contacts == contacts, query


def test_whatever_is_chosen_the_number_told_is_that_of_the_list_and_of_a_recount(as_supervisor):
    """Seeded at random, against a plain recount in Python."""
    chance = random.Random(4)
    channel = ChannelFactory(paused=True, name="Voice")
    outcomes = ["completed", "no_answer", "busy", "voicemail", "failed"]
    people: dict[int, tuple[list[str], str, bool]] = {}
    for _ in range(60):
        history = chance.choices(outcomes, k=chance.randint(1, 3))
        status = chance.choice(["completed", "retry", "no_answer", "skipped"])
        person = called(channel, *history, status=status)
        is_forbidden = chance.random() < 0.2
        if is_forbidden:
            DoNotContactFactory(phone_number=person.phone_number)
        people[person.pk] = (history, status, is_forbidden)
    for number, (by_last, allowed, idle) in enumerate(itertools.product([True, False], repeat=3)):
        wanted = chance.sample(outcomes, 2)
        expected = {
            key
            for key, (history, status, is_forbidden) in people.items()
            if set(history[-1:] if by_last else history) & set(wanted)
            and not (allowed and is_forbidden)
            and not (idle and status == "retry")
        }
        query = "&".join(f"outcome={outcome}" for outcome in wanted) + "&seen=1"
        query += "&by_last=1" * by_last + "&without_forbidden=1" * allowed + "&without_waiting=1" * idle
        url = page(channel.campaign, f"?{query}")
        assert counted(as_supervisor, url).contacts == len(expected)
        assert send(as_supervisor, url, name=f"Again {number}").status_code == 302
        assert {contact.pk for contact in people_of(made())} == expected


# --- From history, and from contacts -----------------------------------------------------------------


def test_history_leads_to_a_new_campaign_with_contacts_of_all(as_supervisor):
    first, second = ChannelFactory(completed=True), ChannelFactory(completed=True)
    people = {called(first, "busy", status="busy"), called(second, "busy", status="busy")}
    called(second, "completed", status="completed")
    url = reverse("analytics:remarket_history") + "?outcome=busy"
    assert number(as_supervisor, url) == 2
    send(as_supervisor, url, new_campaign="Busy ones", name="Second try", like=second.pk)
    new = made()
    assert (new.campaign.name, new.name) == ("Busy ones", "Second try")
    assert new.voice.assistant == second.voice.assistant
    assert people_of(new) == people
    assert new.channel_lists.get().list.name.startswith("History: busy, ")


def test_history_of_one_campaign_and_of_those_that_are_gone(as_supervisor, channel):
    called(channel, "busy", status="busy")
    gone = called(ChannelFactory(completed=True, name="Gone"), "busy", status="busy")
    Campaign.objects.get(channels__name="Gone").delete()
    address = reverse("analytics:remarket_history")
    assert counted(as_supervisor, f"{address}?campaign={channel.campaign_id}").contacts == 1
    assert number(as_supervisor, f"{address}?campaign=none") == 1
    send(as_supervisor, f"{address}?campaign=none", new_campaign="Left over")
    assert people_of(made()) == {gone}


def test_contacts_of_a_channel_lead_there_too_never_called_or_not(as_supervisor):
    channel = ChannelFactory(stopped=True, name="Voice")
    undone = EnrollmentFactory(channel=channel, status="pending").contact
    skipped = EnrollmentFactory(channel=channel, status="skipped").contact
    EnrollmentFactory(channel=channel, status="completed")
    EnrollmentFactory(channel=channel, status="pending", run=2)
    address = reverse("analytics:remarket_contacts", args=[channel.pk])
    assert counted(as_supervisor, f"{address}?status=remaining").contacts == 1
    send(as_supervisor, f"{address}?status=pending&status=skipped", name="Rest")
    assert people_of(made()) == {undone, skipped}
    assert (
        made().channel_lists.get().list.name.startswith(f"{channel.campaign.name}, Voice: pending or skipped")
    )


@pytest.mark.parametrize(
    ("query", "contacts"),
    [
        ("", 3),
        ("?status=dialed", 2),
        ("?status=reached", 1),
        ("?status=reached&status=busy", 0),
        ("?q=zoe", 1),
    ],
)
def test_groups_and_words_of_the_contacts_page_are_kept(as_supervisor, channel, query, contacts):
    EnrollmentFactory(channel=channel, status="skipped", contact__first_name="Zoë")
    EnrollmentFactory(channel=channel, status="busy", contact__first_name="Olu")
    EnrollmentFactory(channel=channel, status="completed", contact__first_name="Kim")
    assert (
        counted(as_supervisor, reverse("analytics:remarket_contacts", args=[channel.pk]) + query).contacts
        == contacts
    )


# --- Where to ----------------------------------------------------------------------------------------


def test_settings_come_from_the_channel_or_are_the_usual_ones(as_supervisor, channel):
    channel.voice.concurrent_calls = 7
    channel.voice.save()
    ReattemptRuleFactory(channel=channel, outcome="busy")
    called(channel, "busy", status="busy")
    send(as_supervisor, page(channel.campaign), name="Like it")
    assert (made().voice.concurrent_calls, made().reattempt_rules.count()) == (7, 1)
    send(as_supervisor, page(channel.campaign), name="Empty", like="")
    assert (made().voice.concurrent_calls, made().voice.assistant) == (1, None)


@pytest.mark.parametrize("state", [{}, {"paused": True}, {"running": True}, {"completed": True}])
def test_another_campaign_may_be_in_any_state_and_gets_the_settings_too(as_supervisor, channel, state):
    called(channel, "busy", status="busy")
    other = ChannelFactory(**state).campaign
    send(as_supervisor, page(channel.campaign), target="another", other_campaign=other.pk, name="Second try")
    new = made()
    assert new.campaign == other
    assert new.voice.assistant == channel.voice.assistant
    texts = set(Activity.objects.filter(verb="remarket").values_list("campaign_name", "text"))
    ours = new.channel_lists.get().list.name
    assert texts == {
        (other.name, f"made Second try for 1 contact from the results of Autumn leads: list {ours}"),
        ("Autumn leads", f"made the channel Second try of {other.name} from 1 contact of the results"),
    }


def test_a_new_campaign_leaves_those_alone_whom_the_source_does(as_supervisor, channel):
    called(channel, "busy", status="busy")
    customers = ListFactory(name="Customers", members=1)
    CampaignExclusion.objects.create(campaign=channel.campaign, list=customers)
    send(as_supervisor, page(channel.campaign), target="new", new_campaign="Second try")
    assert made().campaign.name == "Second try"
    assert made().campaign.status == "draft"
    assert list(made().campaign.exclusions.all()) == [customers]


def test_a_campaign_that_is_archived_gives_contacts_and_takes_no_channel(as_supervisor, channel):
    called(channel, "busy", status="busy")
    services.archive_campaign(campaign=channel.campaign, actor=None)
    assert send(as_supervisor, page(channel.campaign), target="here").status_code == 422
    assert (
        send(
            as_supervisor, page(channel.campaign), target="another", other_campaign=channel.campaign_id
        ).status_code
        == 422
    )
    assert send(as_supervisor, page(channel.campaign), new_campaign="Anew").status_code == 302
    assert made().campaign.name == "Anew"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": " "}, "Give the channel a name."),
        ({"name": "VOICE"}, "has a channel called VOICE already"),
        ({"name": "x" * 81}, "at most 80"),
        ({"target": "another"}, "Choose the campaign."),
        ({"target": "another", "other_campaign": "99999999999999999999"}, "archived or gone"),
        ({"target": "new", "new_campaign": ""}, "Give the campaign a name."),
        ({"target": "elsewhere"}, "not one of the available choices"),
        ({"like": "'; DROP"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_said_beside_it_and_nothing_is_made(as_supervisor, channel, values, said):
    called(channel, "busy", status="busy")
    response = send(as_supervisor, page(channel.campaign), **values)
    assert response.status_code in {409, 422}
    assert said in response.text
    assert Channel.objects.count() == 1
    assert not List.objects.exists()


def test_nobody_left_is_refused_and_nothing_is_made(as_supervisor, channel):
    called(channel, "busy", status="busy")
    response = send(as_supervisor, page(channel.campaign, "?outcome=failed"))
    assert response.status_code == 409
    assert "Nobody is left" in response.text
    assert Channel.objects.count() == 1
    assert not List.objects.exists()


def test_contacts_that_changed_since_one_looked_are_told(as_supervisor, channel):
    url = page(channel.campaign, "?outcome=busy")
    for _ in range(3):
        called(channel, "busy", status="busy")
    response = send(as_supervisor, url, told="5")
    text = as_supervisor.get(response.headers["Location"]).text
    assert "was made for 3 contacts" in text
    assert "When you looked there were 5." in text


def test_lists_of_the_same_name_from_the_same_day_say_the_time_and_are_numbered_within_a_minute(
    as_supervisor, channel
):
    called(channel, "busy", status="busy")
    endings = []
    for name in ("One", "Two", "Three"):
        # Of two minutes, both would be told apart by them.
        before = f"{timezone.localtime():%H:%M}"
        send(as_supervisor, page(channel.campaign, "?outcome=busy"), name=name)
        endings.append((before, made().channel_lists.get().list.name))
    today = timezone.localdate()
    assert endings[0][1].endswith(f", {today.day} {today:%b}")
    assert re.search(rf", {today.day} {today:%b} \d\d:\d\d$", endings[1][1])
    if endings[1][0] == f"{timezone.localtime():%H:%M}":
        assert endings[2][1] == f"{endings[1][1]} (2)"
    assert len({name for _, name in endings}) == 3


def test_what_a_target_needs_is_not_called_optional(as_supervisor, channel):
    called(channel, "busy", status="busy")
    form = as_supervisor.get(page(channel.campaign, "?outcome=busy")).text.partition('class="if-another"')[2]
    assert "optional" not in form.partition('name="name"')[0]


def test_a_long_choice_is_shortened_where_a_name_is_short(as_supervisor):
    channel = ChannelFactory(completed=True, campaign=CampaignFactory(name="N" * 120, status="completed"))
    called(channel, "busy", status="busy")
    every = "&".join(f"status={status}" for status in ("busy", "completed", "failed", "voicemail", "skipped"))
    assert send(as_supervisor, page(channel.campaign, f"?{every}&outcome=busy")).status_code == 302
    assert len(List.objects.get().name) <= 120


# --- At once -----------------------------------------------------------------------------------------


def test_pressed_twice_it_is_made_once(as_supervisor, channel):
    called(channel, "busy", status="busy")
    again = {"page": "f" * 32, "name": "Again", "like": channel.pk}
    first, second = (send(as_supervisor, page(channel.campaign), **again) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert (Channel.objects.count(), List.objects.count()) == (2, 1)
    # Counted anew meanwhile, it is the same deed.
    third = send(as_supervisor, page(channel.campaign), **again, told="7")
    assert third.headers["Location"] == first.headers["Location"]
    assert Channel.objects.count() == 2
    # Back on the same page and changed, it is another deed.
    send(as_supervisor, page(channel.campaign), **again | {"name": "Another"})
    assert Channel.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_pressed_twice_at_the_same_time_it_is_made_once(supervisor):
    channel = ChannelFactory(completed=True)
    called(channel, "busy", status="busy")
    key, answers = uuid4().hex, []
    together = threading.Barrier(2)

    def press() -> None:
        together.wait(10)
        try:
            answers.append(
                services.make_channel_from(
                    contacts=Contact.objects.all(),
                    what="everybody",
                    source="Autumn leads",
                    source_campaign=channel.campaign,
                    campaign=channel.campaign,
                    name="Again",
                    page=key,
                    actor=supervisor,
                )
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(answers) == 2
    assert {answer.channel.name for answer in answers} == {"Again"}
    assert sorted(answer.is_new for answer in answers) == [False, True]
    assert (Channel.objects.count(), List.objects.count(), Membership.objects.count()) == (2, 1, 1)


def test_somebody_elses_page_is_not_answered_with_ones_own(supervisor, admin, channel):
    called(channel, "busy", status="busy")

    def make(actor, name):
        return services.make_channel_from(
            contacts=Contact.objects.all(),
            what="everybody",
            source="Autumn leads",
            source_campaign=channel.campaign,
            campaign=channel.campaign,
            name=name,
            page="a" * 32,
            actor=actor,
        )

    assert make(supervisor, "One").is_new
    assert make(admin, "Two").is_new


def test_it_takes_as_few_statements_for_many_as_for_few(supervisor, channel):
    def statements(name):
        with CaptureQueriesContext(connection) as captured:
            made = services.make_channel_from(
                contacts=Contact.objects.all(),
                what=name,
                source="Autumn leads",
                source_campaign=channel.campaign,
                campaign=channel.campaign,
                name=name,
                like=channel,
                page=uuid4().hex,
                actor=supervisor,
            )
        return made.list.size, len(captured)

    ContactFactory.create_batch(2)
    few = statements("few")
    ContactFactory.create_batch(30)
    many = statements("many")
    assert (few[0], many[0]) == (2, 32)
    assert few[1] == many[1] < 45


def test_a_refusal_leaves_nothing_behind(supervisor, channel):
    ContactFactory()
    with pytest.raises(Refused):
        services.make_channel_from(
            contacts=Contact.objects.all(),
            what="everybody",
            source="Autumn leads",
            source_campaign=None,
            campaign=channel.campaign,
            name="voice",
            page=uuid4().hex,
            actor=supervisor,
        )
    assert not List.objects.exists()


# --- The page ----------------------------------------------------------------------------------------


def test_results_offer_it_with_what_is_filtered_to_those_who_may(as_supervisor, as_viewer, channel):
    called(channel, "busy", status="busy")
    address = reverse("analytics:results", args=[channel.campaign_id]) + "?outcome=busy"
    link = f'href="{page(channel.campaign, "?outcome=busy")}"'
    assert link in as_supervisor.get(address).text
    assert "new-channel" not in as_viewer.get(address).text


def test_the_page_says_what_is_kept_and_ticks_what_is_chosen(as_supervisor, channel):
    called(channel, "busy", status="busy")
    text = as_supervisor.get(page(channel.campaign, f"?outcome=busy&q=an&run={channel.pk}.1")).text
    assert "Only: Voice, run 1, “an”" in text
    assert re.search(r'name="outcome" value="busy" checked', text)
    assert 'value="Busy, Voice, run 1, “an”"' in text


def test_rubbish_in_the_address_chooses_as_nothing_does(as_supervisor, channel):
    called(channel, "busy", status="busy")
    rubbish = "?outcome=%00&status=x&run=9.&from=x&seen&disposition=%F0%9F%92%A9&q=%00"
    assert as_supervisor.get(page(channel.campaign, rubbish)).status_code == 200
    assert as_supervisor.post(page(channel.campaign), {"page": "\0", "told": "-1"}).status_code == 422


def test_of_very_many_the_number_follows_the_page(as_supervisor, channel, monkeypatch):
    called(channel, "busy", status="busy")
    monkeypatch.setattr("analytics.views.remarketing.COUNTED_AT_ONCE", 0)
    response = as_supervisor.get(page(channel.campaign))
    assert response.context["counted"] is None
    assert "Counting…" in response.text
    assert "<b>1</b> contact" in as_supervisor.get(page(channel.campaign), headers=HTMX).text


def test_the_page_takes_few_queries(as_supervisor, channel, django_assert_max_num_queries):
    called(channel, "busy", status="busy")
    with django_assert_max_num_queries(20):
        as_supervisor.get(page(channel.campaign, "?outcome=busy&disposition=interested&q=anna"))
    with django_assert_max_num_queries(20):
        as_supervisor.get(reverse("analytics:remarket_history"))
