"""The admin over campaigns and calls: every record can be looked up, and no lifecycle broken."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from campaigns import services
from campaigns.lifecycles import CHANNEL, ChannelStatus
from campaigns.models import (
    Activity,
    Assistant,
    CallerId,
    Campaign,
    Channel,
    Disposition,
    Enrollment,
    ReattemptRule,
)
from dialer.models import CallEvent, CarrierAccount, Driver, Recording, Transcript
from dialer.recordings import delete_later
from lifecycle import By
from tests.factories import (
    AssistantFactory,
    AssistantPoolFactory,
    ChannelFactory,
    ContactFactory,
    EnrollmentFactory,
    ListFactory,
    ReattemptRuleFactory,
)
from tests.factories.dialer import CallFactory

MODELS = [*apps.get_app_config("campaigns").get_models(), *apps.get_app_config("dialer").get_models()]
# What only services and the engine write.
VIEWED_ONLY = {
    "VoiceSettings",
    "Schedule",
    "ReattemptRule",
    "ChannelList",
    "CampaignExclusion",
    "ChannelDrive",
    "Enrollment",
    "EnrollmentCount",
    "Activity",
    "Call",
    "CallCount",
    "CallEvent",
    "Recording",
    "Transcript",
    "Driver",
    "CarrierAccount",
}


@pytest.fixture
def everything(db, supervisor):
    """At least one record of every model of campaigns and calls."""
    channel = ChannelFactory(running=True, lists=[ListFactory(members=2)])
    channel.campaign.exclusions.add(ListFactory())
    ReattemptRuleFactory(channel=channel)
    AssistantPoolFactory()
    enrollment = EnrollmentFactory(channel=channel)
    call = CallFactory(enrollment=enrollment, disposition=Disposition.objects.get(slug="interested"))
    delete_later(names=["recordings/1.wav"])
    CallEvent.objects.create(call=call, kind="answer", data={"note": "<script>alert(1)</script>"})
    Recording.objects.create(call=call, source_url="https://media.example.com/secret.wav")
    Transcript.objects.create(call=call, turns=[{"speaker": "contact", "text": "Hello"}], words="Hello")
    now = timezone.now()
    Driver.objects.create(id="driver-1", host="here", pid=1, started_at=now, seen_at=now)
    CarrierAccount.objects.create(auth_id="MATEST")
    services.record_activity(campaign=channel.campaign, actor=supervisor, verb="edit", text="edited")
    return channel


def page(model, action, *arguments):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}", args=arguments)


def act(client, model, action, *records, **posted):
    return client.post(
        page(model, "changelist"),
        {"action": action, "_selected_action": [record.pk for record in records], **posted},
        follow=True,
    )


def test_every_model_is_in_the_admin():
    assert [model for model in MODELS if model not in admin.site._registry] == []


@pytest.mark.django_db
@pytest.mark.parametrize("client", ["as_admin", "as_support"])
def test_every_page_opens(everything, request, client):
    person = request.getfixturevalue(client)
    for model in MODELS:
        record = model._default_manager.first()
        assert record is not None, f"no {model.__name__} to look at"
        for url in (page(model, "changelist"), page(model, "change", record.pk)):
            response = person.get(url)
            assert response.status_code == 200, url
            assert "<script>alert" not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("client", ["as_supervisor", "as_viewer", "as_agent"])
def test_others_do_not_enter(everything, request, client):
    person = request.getfixturevalue(client)
    for model in MODELS:
        assert person.get(page(model, "changelist")).status_code in {302, 403}


@pytest.mark.parametrize("term", ["1", "+1 415 555 2671", "Anna", "nul\x00", "%", "'", "x" * 300, "9" * 40])
def test_every_list_can_be_searched_for_anything(everything, as_support, term):
    for model in MODELS:
        response = as_support.get(page(model, "changelist"), {"q": term})
        assert response.status_code in {200, 302}, (model, term)


def test_a_list_takes_few_queries_however_long_it_is(as_support, django_assert_max_num_queries):
    channel = ChannelFactory(running=True)
    for _ in range(12):
        CallFactory(enrollment=EnrollmentFactory(channel=channel))
    for model in MODELS:
        with django_assert_max_num_queries(12):
            as_support.get(page(model, "changelist"))


@pytest.mark.django_db
@pytest.mark.parametrize("client", ["as_admin", "as_support"])
def test_nothing_that_a_lifecycle_rests_on_is_added_changed_or_deleted(everything, request, client):
    person = request.getfixturevalue(client)
    for model in MODELS:
        record = model._default_manager.first()
        if model.__name__ in VIEWED_ONLY | {"Campaign", "Channel"}:
            assert person.get(page(model, "add")).status_code == 403
            assert person.post(page(model, "delete", record.pk), {"post": "yes"}).status_code == 403
        if model.__name__ in VIEWED_ONLY:
            before = model._default_manager.filter(pk=record.pk).values().get()
            assert person.post(page(model, "change", record.pk), {}).status_code == 403
            assert model._default_manager.filter(pk=record.pk).values().get() == before


def test_statuses_and_counts_cannot_be_edited(everything):
    for model, columns in {
        "campaigns.Campaign": {"status", "archived_at"},
        "campaigns.Channel": {"status", "run", "started_at", "finished_at", "pause_reason", "revision"},
    }.items():
        record_admin = admin.site._registry[apps.get_model(model)]
        shown = set(record_admin.get_fields(None))
        assert columns <= shown
        assert columns <= set(record_admin.readonly_fields)


def test_a_posted_status_changes_nothing(as_admin):
    channel = ChannelFactory(paused=True)
    as_admin.post(page(Campaign, "change", channel.campaign_id), {"name": "New name", "status": "completed"})
    campaign = Campaign.objects.get()
    assert campaign.status == "paused"


# --- Moves -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("client", ["as_admin", "as_support"])
def test_channels_are_paused_resumed_and_stopped(request, client):
    person = request.getfixturevalue(client)
    channel = ChannelFactory(running=True, lists=[ListFactory(members=1)])
    EnrollmentFactory(channel=channel)
    for action, status in (("pause", "paused"), ("resume", "running")):
        act(person, type(channel), action, channel)
        channel.refresh_from_db()
        assert channel.status == status
    assert Activity.objects.filter(channel=channel).count() == 2
    assert LogEntry.objects.filter(object_id=str(channel.pk)).count() == 2

    asked = act(person, type(channel), "stop", channel).content.decode()
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.RUNNING
    assert "over for good" in asked
    assert "1 contact would stay uncalled" in asked
    act(person, type(channel), "stop", channel, confirmed="yes")
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.STOPPED


def test_every_move_of_a_channel_that_a_person_makes_is_an_action(as_support):
    """Scheduling is a start with a later time; what can't be undone, or calls people again, asks first."""
    actions = {"start": "start_now", "schedule": "start"}
    for move in CHANNEL.moves:
        if By.PERSON not in move.by:
            continue
        for source in move.sources:
            trait = {} if source == "ready" else {source: True}
            if move.name == "schedule":
                trait["start_at"] = timezone.now() + timedelta(days=1)
            channel = ChannelFactory(**trait, lists=[ListFactory(members=1)])
            action = actions.get(move.name, move.name)
            if action in {"stop", "rerun"}:
                assert 'name="confirmed"' in act(as_support, Channel, action, channel).content.decode()
                channel.refresh_from_db()
                assert channel.status == source, "it only asked"

            act(as_support, Channel, action, channel, confirmed="yes")

            channel.refresh_from_db()
            assert channel.status == move.target, (move.name, source)


def test_contacts_of_channels_are_skipped_and_tried_now(as_support, support):
    one, other = ChannelFactory.create_batch(2, running=True)
    channel = ChannelFactory(running=True, campaign__name="Autumn", run=2)
    places = [EnrollmentFactory(channel=each, status="pending") for each in (one, other)]
    places += [EnrollmentFactory(channel=channel, run=1, status="pending")]
    busy = EnrollmentFactory(channel=one, status="calling")

    answer = act(as_support, Enrollment, "skip", *places, busy).content.decode()

    assert "Skipped: 1. 1 not: 1 in a call just now." in answer
    assert "Autumn: Voice: 1 of an earlier run, which is over." in answer
    assert [status_of(place) for place in places] == ["skipped", "skipped", "pending"]
    assert Activity.objects.filter(verb="skip", actor=support).count() == 2

    act(as_support, Enrollment, "retry_now", *places)
    assert [status_of(place) for place in places] == ["retry", "retry", "pending"]


def test_what_is_refused_of_contacts_is_told(as_support):
    stopped = EnrollmentFactory(channel=ChannelFactory(stopped=True), status="pending")
    assert "was stopped for good" in act(as_support, Enrollment, "skip", stopped).content.decode()
    assert status_of(stopped) == "pending"


def status_of(place: Enrollment) -> str:
    place.refresh_from_db()
    return place.status


def test_a_start_that_is_refused_says_why(as_support):
    answer = act(as_support, Channel, "start", ChannelFactory(campaign__name="Autumn")).content.decode()
    assert "Autumn: Voice: No list is assigned." in answer
    assert "Started: " not in answer


def test_whole_campaigns_are_archived(as_support, support):
    channel = ChannelFactory(running=True)
    assert "Archived: 1." in act(as_support, Campaign, "archive", channel.campaign).content.decode()
    channel.refresh_from_db()
    assert (channel.status, channel.campaign.is_archived) == (ChannelStatus.PAUSED, True)
    assert Activity.objects.latest("id").actor == support
    assert "archived already" in act(as_support, Campaign, "archive", channel.campaign).content.decode()


def test_a_refused_move_is_told_and_the_others_are_made(as_support):
    running, ready = ChannelFactory(running=True), ChannelFactory()
    answer = act(as_support, type(ready), "pause", running, ready).content.decode()
    assert "Pause is not possible: this channel is ready." in answer
    assert "Paused: 1." in answer
    running.refresh_from_db()
    assert running.status == ChannelStatus.PAUSED


def test_whole_campaigns_are_paused_and_resumed(as_support):
    channel = ChannelFactory(running=True, lists=[ListFactory(members=1)])
    act(as_support, Campaign, "pause", channel.campaign)
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.PAUSED
    assert "nothing of it runs" in act(as_support, Campaign, "pause", channel.campaign).content.decode()
    act(as_support, Campaign, "resume", channel.campaign)
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.RUNNING


def test_an_archived_campaign_is_found_and_restored(as_support, supervisor):
    channel = ChannelFactory(running=True)
    services.archive_campaign(campaign=channel.campaign, actor=supervisor)
    found = as_support.get(page(Campaign, "changelist"), {"archived": "yes"}).content.decode()
    assert channel.campaign.name in found
    act(as_support, Campaign, "restore", channel.campaign)
    assert Campaign.objects.get().archived_at is None
    assert (
        "This campaign is not archived."
        in act(as_support, Campaign, "restore", channel.campaign).content.decode()
    )


# --- Settings ----------------------------------------------------------------------------------------------


def settings_form(channel, **changes):
    """What the channel's page posts, as it was rendered, but for ``changes``."""
    voice, schedule, rules = channel.voice, channel.schedule, list(channel.reattempt_rules.all())
    posted = {"name": channel.name}
    for prefix, total in (
        ("voice", 1),
        ("schedule", 1),
        ("reattempt_rules", len(rules)),
        ("channel_lists", 0),
    ):
        posted |= {f"{prefix}-TOTAL_FORMS": total, f"{prefix}-INITIAL_FORMS": total}
    for field in voice._meta.concrete_fields:
        value = getattr(voice, field.attname)
        if value not in (None, False):
            posted[f"voice-0-{field.name}"] = value
    posted["schedule-0-channel"] = channel.pk
    posted["schedule-0-time_zone"] = schedule.time_zone
    for position, rule in enumerate(rules):
        posted |= {
            f"reattempt_rules-{position}-id": rule.pk,
            f"reattempt_rules-{position}-channel": channel.pk,
            f"reattempt_rules-{position}-delay_minutes": rule.delay_minutes,
            f"reattempt_rules-{position}-max_times": rule.max_times,
        }
    return {**posted, **changes}


def test_settings_are_mended_while_a_channel_may_be_edited(as_support, support):
    channel = ChannelFactory(paused=True)
    rule = ReattemptRuleFactory(channel=channel, delay_minutes=30)
    revision = channel.revision
    response = as_support.post(
        page(type(channel), "change", channel.pk),
        settings_form(
            channel,
            **{
                "voice-0-concurrent_calls": 7,
                "schedule-0-time_zone": "america/denver",
                "reattempt_rules-0-delay_minutes": 45,
            },
        ),
    )
    assert response.status_code == 302, response.context["errors"]
    for row in (channel, channel.voice, channel.schedule, rule):
        row.refresh_from_db()
    assert channel.voice.concurrent_calls == 7
    assert channel.schedule.time_zone == "America/Denver"
    assert rule.delay_minutes == 45
    assert channel.revision > revision
    activity = Activity.objects.get(verb="edit")
    assert activity.actor == support
    assert "concurrent calls" in activity.text


@pytest.mark.parametrize(
    "changes",
    [
        {"voice-0-concurrent_calls": 51},
        {"voice-0-calls_per_second": 6},
        {"voice-0-dial_timeout_seconds": 5},
        {"voice-0-assistant": 999_999},
        {"schedule-0-time_zone": "Mars"},
        {"schedule-0-start_date": "2030-01-02", "schedule-0-end_date": "2030-01-01"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(as_support, changes):
    channel = ChannelFactory(paused=True)
    response = as_support.post(page(type(channel), "change", channel.pk), settings_form(channel, **changes))
    assert response.status_code == 200
    assert response.context["errors"]


def test_settings_of_a_running_channel_are_read_only(as_admin):
    channel = ChannelFactory(running=True)
    url = page(type(channel), "change", channel.pk)
    assert 'name="voice-0-concurrent_calls"' not in as_admin.get(url).content.decode()
    as_admin.post(url, settings_form(channel, **{"voice-0-concurrent_calls": 7}))
    channel.voice.refresh_from_db()
    assert channel.voice.concurrent_calls == 20


def test_a_channel_started_meanwhile_keeps_its_settings(as_admin, monkeypatch):
    channel = ChannelFactory(paused=True)
    record_admin = admin.site._registry[type(channel)]
    # The page was opened while it was paused, and is sent a moment after it was resumed.
    monkeypatch.setattr(record_admin, "has_change_permission", lambda request, obj=None: True)
    monkeypatch.setattr("campaigns.admin.channels.WhileEditable.has_change_permission", lambda *_: True)
    services.stop_channel(channel=channel, actor=None)
    answer = as_admin.post(
        page(type(channel), "change", channel.pk),
        settings_form(channel, **{"voice-0-concurrent_calls": 7}),
        follow=True,
    )
    assert "its settings are kept as they were" in answer.content.decode()
    channel.voice.refresh_from_db()
    assert channel.voice.concurrent_calls == 20


# --- Destinations ------------------------------------------------------------------------------------------


def test_destinations_are_checked_as_in_the_dashboard(as_admin, settings):
    settings.ALLOW_PRIVATE_ADDRESSES = False
    response = as_admin.post(page(Assistant, "add"), {"name": "Local", "url": "ws://10.0.0.1/"})
    assert "private network" in response.content.decode()
    as_admin.post(
        page(CallerId, "add"),
        {"phone_number": "(415) 555-2671", "country": "US", "name": "Desk", "is_active": "on"},
    )
    assert CallerId.objects.get().phone_number == "+14155552671"


def test_what_is_used_is_not_deleted(as_admin):
    channel = ChannelFactory()
    assert (
        as_admin.post(page(Assistant, "delete", channel.voice.assistant_id), {"post": "yes"}).status_code
        == 403
    )
    unused = AssistantFactory()
    as_admin.post(page(Assistant, "delete", unused.pk), {"post": "yes"})
    assert list(Assistant.objects.all()) == [channel.voice.assistant]


def test_support_staff_change_no_slug_and_delete_nothing(as_support):
    disposition = Disposition.objects.get(slug="interested")
    as_support.post(
        page(Disposition, "change", disposition.pk),
        {"name": "Keen", "slug": "hacked", "position": 1, "effect": "", "is_active": "on"},
    )
    disposition.refresh_from_db()
    assert (disposition.name, disposition.slug) == ("Keen", "interested")
    assert as_support.post(page(Disposition, "delete", disposition.pk), {"post": "yes"}).status_code == 403


def test_calls_are_found_by_number_name_and_the_carriers_id(as_support):
    contact = ContactFactory(first_name="Chloé", last_name="Perrin", phone_number="+14155552671")
    enrollment = EnrollmentFactory(contact=contact)
    call = CallFactory(
        enrollment=enrollment,
        contact=contact,
        to_number="+14155552671",
        contact_name="Chloé Perrin",
        carrier_id="0123456789abcdef0123",
    )
    url = page(type(call), "changelist")
    for term in ("(415) 555-2671", "perrin", "0123456789abcdef0123", str(call.pk)):
        assert page(type(call), "change", call.pk) in as_support.get(url, {"q": term}).content.decode(), term
    for term in ("pe", "(415) 555-2672", "Nobody"):
        assert page(type(call), "change", call.pk) not in as_support.get(url, {"q": term}).content.decode(), (
            term
        )


def test_recordings_are_not_handed_out_in_the_admin(everything, as_support):
    recording = Recording.objects.get()
    for url in (page(Recording, "change", recording.pk), page(type(recording.call), "change", recording.pk)):
        assert "secret.wav" not in as_support.get(url).content.decode()


def test_rules_are_neither_added_nor_deleted_on_a_channels_page(as_support):
    channel = ChannelFactory(paused=True)
    ReattemptRuleFactory(channel=channel)
    posted = settings_form(channel, **{"reattempt_rules-0-DELETE": "on"})
    as_support.post(page(type(channel), "change", channel.pk), posted)
    assert ReattemptRule.objects.count() == 1
