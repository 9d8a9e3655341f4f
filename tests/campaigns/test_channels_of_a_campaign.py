"""Several channels in one campaign: added, renamed, deleted, edited and started each on its own."""

from __future__ import annotations

import html
import threading

import pytest
from django.db import connection
from django.urls import reverse

from campaigns import services
from campaigns.changes import FIXED_AT_LAUNCH, LISTS
from campaigns.lifecycles import CampaignStatus, ChannelStatus, derive_campaign_status
from campaigns.models import Activity, Campaign, Channel
from campaigns.refusals import Refused
from campaigns.rulebook import rulebook
from campaigns.services.composition import MOST_CHANNELS
from tests.campaigns.editing import at, typed
from tests.factories import ChannelFactory, ListFactory, ReattemptRuleFactory

pytestmark = pytest.mark.django_db

C = ChannelStatus


def add(channel, **options):
    options = {"name": "Second wave", "like": channel, **options}
    return services.add_channel(campaign=channel.campaign, actor=None, **options)


def new(campaign):
    return reverse("campaigns:channel_new", args=[campaign.pk])


# --- Adding ------------------------------------------------------------------------------------------------


def test_a_channel_begins_with_the_settings_of_another_and_without_its_lists(draft):
    ReattemptRuleFactory(channel=draft, outcome="busy", delay_minutes=90, max_times=2)
    services.assign_list(channel=draft, list=ListFactory(members=1), actor=None)
    draft.schedule.time_zone = "America/Denver"
    draft.schedule.save()
    draft.voice.prompt = "Be brief."
    draft.voice.save()
    second = add(draft)
    assert second.pk != draft.pk
    assert (second.status, second.run, second.start_at) == (C.READY, 0, None)
    assert second.voice.prompt == "Be brief."
    assert second.voice.caller_id == draft.voice.caller_id
    assert second.schedule.time_zone == "America/Denver"
    assert list(second.reattempt_rules.values_list("outcome", "delay_minutes", "max_times")) == [
        ("busy", 90, 2)
    ]
    assert not second.lists.exists()
    # What is changed of the one is not changed of the other.
    second.voice.prompt = "Take your time."
    second.voice.save()
    draft.voice.refresh_from_db()
    assert draft.voice.prompt == "Be brief."


def test_lists_come_along_when_they_are_asked_for_and_an_empty_channel_is_empty(draft):
    contacts = ListFactory(members=1)
    services.assign_list(channel=draft, list=contacts, actor=None)
    assert list(add(draft, with_lists=True).lists.all()) == [contacts]
    empty = add(draft, name="Third", like=None)
    assert not empty.lists.exists()
    assert empty.voice.caller_id is None


def test_lists_of_a_started_channel_come_along_as_they_are_now():
    contacts = ListFactory(members=1)
    running = ChannelFactory(running=True, lists=[contacts])
    assert add(running, with_lists=True).channel_lists.get().version is None


@pytest.mark.parametrize("name", ["Voice", "voice", "VOICE"])
def test_two_channels_of_a_campaign_have_two_names(draft, as_supervisor, name):
    response = as_supervisor.post(new(draft.campaign), {"name": name})
    assert response.status_code == 409
    assert "has a channel called" in response.content.decode()
    assert draft.campaign.channels.count() == 1
    # In another campaign it may be called so.
    services.add_channel(campaign=ChannelFactory(name="Other").campaign, actor=None, name=name)


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": " \t "},
        {"name": "x" * 81},
        {"name": "bell\x07"},
        {"name": "nul\x00"},
        {"name": "turned \u202eround"},
        {"name": "Second", "like": "999999"},
        {"name": "Second", "like": "'; DROP"},
        {"name": "Second", "like": "9" * 40},
        {},
    ],
    ids=str,
)
def test_what_no_channel_can_be_made_of_is_refused_beside_its_field(draft, as_supervisor, values):
    other = ChannelFactory(name="Elsewhere")
    for like in ({}, {"like": str(other.pk)}):
        response = as_supervisor.post(new(draft.campaign), {**like, **values})
        assert response.status_code == 422
        assert response.context["form"].errors
    assert draft.campaign.channels.count() == 1


def test_a_channel_is_added_on_a_page_and_leads_to_its_settings(draft, as_supervisor, supervisor):
    page = as_supervisor.get(new(draft.campaign))
    assert page.context["form"]["name"].value() == "Voice 2"
    response = as_supervisor.post(new(draft.campaign), {"name": "<b>Second</b>", "like": draft.pk})
    second = Channel.objects.latest("pk")
    assert response.url == at("channel_edit", second)
    page = as_supervisor.get(response.url).content.decode()
    assert "&lt;b&gt;Second&lt;/b&gt;" in page
    assert "<b>Second</b>" not in page
    activity = Activity.objects.get(verb="add")
    assert (activity.actor, activity.channel) == (supervisor, second)
    assert activity.text == "added the channel <b>Second</b>, like Voice"


def test_an_archived_campaign_takes_no_channel(draft, as_supervisor, supervisor):
    services.archive_campaign(campaign=draft.campaign, actor=supervisor)
    response = as_supervisor.post(new(draft.campaign), {"name": "Second"})
    assert response.status_code == 409
    assert "archived" in response.content.decode()


def test_a_campaign_holds_so_many_channels_and_no_more(draft):
    for number in range(MOST_CHANNELS - 1):
        add(draft, name=f"Wave {number}", like=None)
    with pytest.raises(Refused, match="at most 50 channels"):
        add(draft, name="One too many")


@pytest.mark.django_db(transaction=True)
def test_two_people_who_add_the_same_name_at_once_make_one(supervisor, log_in):
    channel = ChannelFactory()
    together = threading.Barrier(2)
    answers = []

    def press():
        client = log_in(supervisor)
        together.wait(10)
        answers.append(client.post(new(channel.campaign), {"name": "Second"}).status_code)
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(answers) == [302, 409]
    assert channel.campaign.channels.count() == 2


# --- What the campaign then is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "status"),
    [
        ([C.READY], CampaignStatus.DRAFT),
        ([C.READY, C.READY], CampaignStatus.DRAFT),
        ([C.READY, C.SCHEDULED], CampaignStatus.SCHEDULED),
        ([C.RUNNING, C.PAUSED], CampaignStatus.ACTIVE),
        ([C.RUNNING, C.STOPPED, C.READY], CampaignStatus.ACTIVE),
        ([C.PAUSED, C.SCHEDULED], CampaignStatus.PAUSED),
        ([C.PAUSED, C.COMPLETED], CampaignStatus.PAUSED),
        ([C.COMPLETED, C.SCHEDULED], CampaignStatus.SCHEDULED),
        # Was activated, is not finished, and nothing is running or scheduled.
        ([C.COMPLETED, C.READY], CampaignStatus.PAUSED),
        ([C.STOPPED, C.READY], CampaignStatus.PAUSED),
        ([C.COMPLETED, C.COMPLETED], CampaignStatus.COMPLETED),
        ([C.COMPLETED, C.STOPPED], CampaignStatus.ENDED),
        ([C.STOPPED], CampaignStatus.ENDED),
    ],
    ids=str,
)
def test_a_campaigns_status_follows_from_its_channels(channels, status):
    assert derive_campaign_status(channels) == status
    assert derive_campaign_status(reversed(channels)) == status


def test_a_completed_campaign_with_another_channel_is_not_completed_any_more(as_supervisor, supervisor):
    done = ChannelFactory(completed=True)
    second = add(done)
    campaign = Campaign.objects.get()
    assert campaign.status == CampaignStatus.PAUSED
    # Its badge has one obvious thing to do: the channel that can be started.
    services.assign_list(channel=second, list=ListFactory(members=1), actor=None)
    assert services.press_campaign(campaign=campaign, actor=supervisor) == "started"
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.ACTIVE


def test_taking_the_unstarted_channel_away_completes_the_campaign_again():
    second = add(ChannelFactory(completed=True))
    services.delete_channel(channel=second, actor=None)
    assert Campaign.objects.get().status == CampaignStatus.COMPLETED


def test_each_channel_is_started_on_its_own(draft, as_supervisor):
    second = add(draft)
    contacts = ListFactory(members=3)
    for channel in (draft, second):
        as_supervisor.post(at("launch_assign", channel), {"list": contacts.pk})
    as_supervisor.post(at("launch_start", second), {"when": "now"})
    assert list(Channel.objects.order_by("pk").values_list("status", "run")) == [
        (C.READY, 0),
        (C.RUNNING, 1),
    ]
    assert second.enrollments.count() == 3
    assert not draft.enrollments.exists()
    response = as_supervisor.post(
        at("launch_start", draft), {"when": "later", "start_at": "2030-07-01T09:00"}
    )
    assert response.status_code == 302
    draft.refresh_from_db()
    assert draft.status == C.SCHEDULED


def test_the_badge_pauses_all_that_run_and_resumes_all_that_are_paused(supervisor):
    contacts = ListFactory(members=1)
    first = ChannelFactory(lists=[contacts])
    second, third = (add(first, name=name, with_lists=True) for name in ("Second", "Third"))
    with pytest.raises(Refused, match="start the one you mean"):
        services.press_campaign(campaign=first.campaign, actor=supervisor)
    for channel in (first, second):
        services.start_channel(channel=channel, actor=supervisor)
    for pressed, statuses in (
        ("paused", [C.PAUSED, C.PAUSED, C.READY]),
        ("resumed", [C.RUNNING, C.RUNNING, C.READY]),
    ):
        assert services.press_campaign(campaign=first.campaign, actor=supervisor) == pressed
        assert list(Channel.objects.order_by("pk").values_list("status", flat=True)) == statuses
    assert third.run == 0


# --- Editing -----------------------------------------------------------------------------------------------


def test_a_campaigns_edit_leads_to_the_channel_that_may_change(as_supervisor):
    running = ChannelFactory(running=True)
    second = add(running)
    for name in ("edit", "launch"):
        response = as_supervisor.get(reverse(f"campaigns:{name}", args=[running.campaign_id]))
        assert response.url == at(f"channel_{name}", second)
    services.delete_channel(channel=second, actor=None)
    response = as_supervisor.get(reverse("campaigns:edit", args=[running.campaign_id]))
    assert response.url == at("channel_edit", running)


def test_each_channels_settings_are_its_own_and_the_name_is_the_campaigns(draft, as_supervisor):
    second = add(draft)
    as_supervisor.post(at("channel_edit", second), typed(name="Both", dial_timeout_seconds="30"))
    draft.refresh_from_db()
    assert draft.campaign.name == "Both"
    draft.voice.refresh_from_db()
    second.voice.refresh_from_db()
    assert (draft.voice.dial_timeout_seconds, second.voice.dial_timeout_seconds) == (60, 30)


def test_while_one_channel_runs_another_is_edited_but_not_the_campaigns_name(as_supervisor):
    running = ChannelFactory(running=True, campaign__name="Win-back")
    second = add(running)
    page = as_supervisor.get(at("channel_edit", second)).content.decode()
    assert '<fieldset class="panels" disabled>' not in page
    assert "Another channel of this campaign is at work" in page
    posted = typed(name="Renamed", assistant=running.voice.assistant_id, calls_per_minute="9")
    assert as_supervisor.post(at("channel_edit", second), posted).status_code == 302
    second.voice.refresh_from_db()
    assert second.voice.calls_per_minute == 9
    assert Campaign.objects.get().name == "Win-back"
    locked = as_supervisor.get(at("channel_edit", running)).content.decode()
    assert "This channel is active: its settings are read-only." in locked


def test_the_pages_of_several_channels_lead_to_each_of_them(draft, as_supervisor):
    second = add(draft)
    for name in ("channel_edit", "channel_launch"):
        page = as_supervisor.get(at(name, draft)).content.decode()
        assert f'href="{at(name, second)}"' in page
    center = as_supervisor.get(draft.campaign.get_absolute_url()).content.decode()
    for channel in (draft, second):
        for name in ("channel_edit", "channel_launch", "channel_rename", "channel_delete"):
            assert f'href="{at(name, channel)}"' in center
    assert f'href="{new(draft.campaign)}"' in center


def test_a_viewer_is_offered_no_channel(draft, as_viewer):
    for url in (draft.campaign.get_absolute_url(), at("channel_edit", draft), at("channel_launch", draft)):
        assert new(draft.campaign) not in as_viewer.get(url).content.decode()


# --- Renaming and deleting ---------------------------------------------------------------------------------


def test_a_channel_is_renamed_whatever_it_does(as_supervisor, supervisor):
    running = ChannelFactory(running=True)
    before = rulebook(running.pk, running.revision)
    response = as_supervisor.post(at("channel_rename", running), {"name": "First wave"})
    assert response.url == running.campaign.get_absolute_url()
    running.refresh_from_db()
    assert running.name == "First wave"
    assert (before.channel_name, rulebook(running.pk, running.revision).channel_name) == (
        "Voice",
        "First wave",
    )
    assert Activity.objects.get(verb="rename").text == "renamed Voice to First wave"
    # To the name that it has: nothing happens.
    as_supervisor.post(at("channel_rename", running), {"name": "First wave"})
    assert Activity.objects.filter(verb="rename").count() == 1
    # In another case it is the same channel still.
    as_supervisor.post(at("channel_rename", running), {"name": "first wave"})
    running.refresh_from_db()
    assert running.name == "first wave"


@pytest.mark.parametrize(
    ("name", "status"), [("", 422), ("x" * 81, 422), ("bell\x07", 422), ("Second wave", 409)], ids=str
)
def test_a_name_that_cannot_be_is_refused_beside_its_field(draft, as_supervisor, name, status):
    add(draft)
    response = as_supervisor.post(at("channel_rename", draft), {"name": name})
    assert response.status_code == status
    assert response.context["form"].errors["name"]
    draft.refresh_from_db()
    assert draft.name == "Voice"


def test_a_channel_that_was_never_started_is_deleted_after_a_question(draft, as_supervisor):
    second = add(draft)
    asked = as_supervisor.get(at("channel_delete", second), headers={"HX-Request": "true"}).content.decode()
    assert "Delete Second wave?" in asked
    assert Channel.objects.count() == 2
    as_supervisor.post(at("channel_delete", second))
    assert list(Channel.objects.all()) == [draft]
    activity = Activity.objects.get(verb="delete")
    assert (activity.channel_name, activity.campaign) == ("Second wave", draft.campaign)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("running", "was started: its results stay with the campaign. Stop it instead"),
        ("paused", "was started: its results stay with the campaign. Stop it instead"),
        ("stopped", "was started: its results stay with the campaign. Archive the campaign."),
        ("completed", "was started: its results stay with the campaign. Archive the campaign."),
        ("scheduled", "is scheduled: cancel its schedule first."),
    ],
)
def test_a_channel_that_did_something_is_not_deleted_and_says_why(as_supervisor, state, why):
    channel = ChannelFactory(**{state: True})
    add(channel)
    for send in (as_supervisor.get, as_supervisor.post):
        answer = html.unescape(send(at("channel_delete", channel)).content.decode())
        assert why in answer
        assert 'class="button danger"' not in answer
    assert Channel.objects.count() == 2


def test_the_only_channel_is_not_deleted(draft, as_supervisor):
    response = as_supervisor.post(at("channel_delete", draft))
    assert response.status_code == 409
    assert "delete the campaign instead" in response.content.decode()


# --- What may change while paused --------------------------------------------------------------------------


def test_what_a_kind_fixes_at_the_launch_does_not_change_afterwards(monkeypatch, as_supervisor):
    """As the kinds whose agents have their shares will: lists, and whatever else the table names."""
    fixed = frozenset({LISTS, "start_at", "concurrent_calls"})
    monkeypatch.setattr("campaigns.changes.FIXED_AT_LAUNCH", {**FIXED_AT_LAUNCH, "ai_voice": fixed})
    channel = ChannelFactory(paused=True, voice__concurrent_calls=3)
    with pytest.raises(Refused, match="The lists of Voice were fixed when it was started"):
        services.assign_list(channel=channel, list=ListFactory(members=1), actor=None)
    posted = typed(
        assistant=channel.voice.assistant_id,
        caller_id=channel.voice.caller_id_id,
        concurrent_calls="9",
        calls_per_minute="9",
    )
    assert as_supervisor.post(at("channel_edit", channel), posted).status_code == 302
    channel.voice.refresh_from_db()
    assert (channel.voice.concurrent_calls, channel.voice.calls_per_minute) == (3, 9)
    # Before the first start nothing is fixed.
    services.assign_list(channel=ChannelFactory(), list=ListFactory(members=1), actor=None)
