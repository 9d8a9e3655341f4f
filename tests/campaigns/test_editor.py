"""The campaign form: what it takes, what it refuses, and that nothing typed is lost."""

from __future__ import annotations

import html
import json
import re
import threading
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from campaigns import services
from campaigns.forms import CampaignForm
from campaigns.forms.advanced import in_largest_unit
from campaigns.forms.editor import UNTITLED
from campaigns.forms.schedule import to_instant, zone_of
from campaigns.lifecycles import ChannelStatus
from campaigns.models import Activity, Campaign, Channel, ReattemptRule
from campaigns.models.rules import ALL_DAY, BUSINESS_HOURS
from campaigns.preflight import preflight
from contacts.importing.running import run_import
from contacts.models import CustomField, Import, List
from tests.factories import (
    AssistantFactory,
    CallerIdFactory,
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
    ReattemptRuleFactory,
)

NEW = "/campaigns/new/"
BUSINESS = [f"{day}-{hour}" for day in range(5) for hour in range(9, 17)]


def typed(**changes):
    """What the form posts when nothing but ``changes`` was touched; None leaves a field out."""
    posted = {
        "name": "Autumn renewals",
        "description": "",
        "destination": "hangup",
        "assistant": "",
        "caller_id": "",
        "dial_timeout_seconds": "60",
        "prompt": "",
        "time_zone": "",
        "start_date": "",
        "end_date": "",
        "hours": BUSINESS,
        "closed_days": "",
        "start_at": "",
        "concurrent_calls": "1",
        "calls_per_second": "1",
        "calls_per_minute": "",
        "attempts_per_contact": "1",
        "machine_detection": "off",
        "detection_timeout_ms": "5000",
        "speech_threshold_ms": "5000",
        "end_of_speech_ms": "800",
        "initial_silence_ms": "4500",
        "on_machine": "hang_up",
        "voicemail_message": "",
        "max_attempts_per_day": "3",
        "max_attempts_per_week": "",
        **changes,
    }
    return {name: value for name, value in posted.items() if value is not None}


def edit(campaign):
    return reverse("campaigns:edit", args=[campaign.pk])


def errors_of(response):
    return response.context["form"].errors


@pytest.fixture
def draft(db):
    return ChannelFactory(voice__concurrent_calls=1, voice__calls_per_second=1)


# --- What is taken, and what is not ------------------------------------------------------------------------

TAKEN = [
    {"name": "R"},
    {"name": "x" * 120},
    {"name": "Отклик 日本語 مرحبا 🎉"},
    {"name": "<script>alert(1)</script>"},
    {"description": "x" * 400},
    {"dial_timeout_seconds": "15"},
    {"dial_timeout_seconds": "120"},
    {"prompt": "x" * 8000},
    {"prompt": "Hello {{ first_name }} of {{company}}.\r\n\tBe brief."},
    {"time_zone": "Asia/Kolkata"},
    {"time_zone": "UTC"},
    {"hours": []},
    {"hours": [f"{day}-{hour}" for day in range(7) for hour in range(24)]},
    {"start_date": "2030-01-01", "end_date": "2030-01-01"},
    {"closed_days": "2030-12-25, 2030-01-01\n2030-12-25"},
    {"concurrent_calls": "50"},
    {"calls_per_second": "5"},
    {"calls_per_minute": "60000"},
    {"attempts_per_contact": "5"},
    {"max_attempts_per_day": ""},
    {"max_attempts_per_day": "50", "max_attempts_per_week": "200"},
    {"machine_detection": "detect", "detection_timeout_ms": "2000", "speech_threshold_ms": "1000"},
    {"machine_detection": "wait", "end_of_speech_ms": "5000", "initial_silence_ms": "10000"},
    {"machine_detection": "detect", "on_machine": "message", "voicemail_message": "Call us back."},
    # What is switched off is nobody's error.
    {"machine_detection": "off", "detection_timeout_ms": "1"},
    {"machine_detection": "off", "on_machine": "message"},
    {"retry_busy_after": "nonsense", "retry_busy_times": "99"},
    {"retry_busy": "on", "retry_busy_after": "30", "retry_busy_unit": "days", "retry_busy_times": "4"},
    {
        "retry_failed": "on",
        "retry_failed_after": "1",
        "retry_failed_unit": "minutes",
        "retry_failed_times": "1",
    },
]

REFUSED = [
    ("name", {"name": ""}),
    ("name", {"name": "   "}),
    ("name", {"name": None}),
    ("name", {"name": "x" * 121}),
    ("name", {"name": "bell\x07"}),
    ("name", {"name": "nul\x00"}),
    ("name", {"name": "turned \u202eround"}),
    ("description", {"description": "x" * 401}),
    ("description", {"description": "\x1b[31mred"}),
    ("destination", {"destination": "fax"}),
    ("destination", {"destination": ""}),
    ("assistant", {"assistant": "999999"}),
    ("assistant", {"assistant": "'; DROP TABLE"}),
    ("caller_id", {"caller_id": "99999999999999999999999"}),
    ("dial_timeout_seconds", {"dial_timeout_seconds": "14"}),
    ("dial_timeout_seconds", {"dial_timeout_seconds": "121"}),
    ("dial_timeout_seconds", {"dial_timeout_seconds": ""}),
    ("dial_timeout_seconds", {"dial_timeout_seconds": "sixty"}),
    ("dial_timeout_seconds", {"dial_timeout_seconds": "60.5"}),
    ("dial_timeout_seconds", {"dial_timeout_seconds": "9" * 5000}),
    ("prompt", {"prompt": "x" * 8001}),
    ("prompt", {"prompt": "Hello {{ first_name"}),
    ("prompt", {"prompt": "Hello {{ }}"}),
    ("prompt", {"prompt": "Hello {{ {{ name }} }}"}),
    ("prompt", {"prompt": "zero\x00"}),
    ("time_zone", {"time_zone": "Mars/Olympus"}),
    ("time_zone", {"time_zone": "x" * 500}),
    ("start_date", {"start_date": "tomorrow"}),
    ("start_date", {"start_date": "1999-12-31"}),
    ("start_date", {"start_date": "2027-02-29"}),
    ("end_date", {"start_date": "2030-01-02", "end_date": "2030-01-01"}),
    ("end_date", {"end_date": "2020-01-01"}),
    ("hours", {"hours": ["7-0"]}),
    ("hours", {"hours": ["0-24"]}),
    ("hours", {"hours": ["<b>"]}),
    ("closed_days", {"closed_days": "2030-12-25 Christmas"}),
    (
        "closed_days",
        {"closed_days": "\n".join(str(date(2030, 1, 1) + timedelta(days=n)) for n in range(367))},
    ),
    ("start_at", {"start_at": "2020-01-01T09:00"}),
    ("start_at", {"start_at": "9 o'clock"}),
    ("start_at", {"start_at": "2030-01-01T09:00:00+02:00"}),
    ("start_at", {"start_at": "2030-01-03T09:00", "end_date": "2030-01-02"}),
    # Clocks in New York go from 1:59 to 3:00 on that night.
    ("start_at", {"start_at": "2030-03-10T02:30", "time_zone": "America/New_York"}),
    ("concurrent_calls", {"concurrent_calls": "0"}),
    ("concurrent_calls", {"concurrent_calls": "51"}),
    ("concurrent_calls", {"concurrent_calls": "-1"}),
    ("calls_per_second", {"calls_per_second": "6"}),
    ("calls_per_second", {"calls_per_second": "0"}),
    ("calls_per_minute", {"calls_per_minute": "0"}),
    ("calls_per_minute", {"calls_per_minute": "60001"}),
    ("attempts_per_contact", {"attempts_per_contact": "0"}),
    ("attempts_per_contact", {"attempts_per_contact": "6"}),
    ("max_attempts_per_day", {"max_attempts_per_day": "51"}),
    ("max_attempts_per_week", {"max_attempts_per_week": "201"}),
    ("max_attempts_per_week", {"max_attempts_per_day": "5", "max_attempts_per_week": "4"}),
    ("machine_detection", {"machine_detection": "maybe"}),
    ("detection_timeout_ms", {"machine_detection": "detect", "detection_timeout_ms": "1999"}),
    ("detection_timeout_ms", {"machine_detection": "detect", "detection_timeout_ms": "10001"}),
    ("detection_timeout_ms", {"machine_detection": "detect", "detection_timeout_ms": ""}),
    ("speech_threshold_ms", {"machine_detection": "detect", "speech_threshold_ms": "999"}),
    ("speech_threshold_ms", {"machine_detection": "detect", "speech_threshold_ms": "6001"}),
    ("end_of_speech_ms", {"machine_detection": "wait", "end_of_speech_ms": "499"}),
    ("end_of_speech_ms", {"machine_detection": "wait", "end_of_speech_ms": "5001"}),
    ("initial_silence_ms", {"machine_detection": "wait", "initial_silence_ms": "1999"}),
    ("initial_silence_ms", {"machine_detection": "wait", "initial_silence_ms": "10001"}),
    ("voicemail_message", {"machine_detection": "wait", "on_machine": "message"}),
    ("voicemail_message", {"voicemail_message": "x" * 2001}),
    ("on_machine", {"on_machine": "explode"}),
    ("retry_busy_after", {"retry_busy": "on", "retry_busy_after": "", "retry_busy_times": "1"}),
    ("retry_busy_after", {"retry_busy": "on", "retry_busy_after": "0", "retry_busy_times": "1"}),
    (
        "retry_busy_after",
        {"retry_busy": "on", "retry_busy_after": "31", "retry_busy_unit": "days", "retry_busy_times": "1"},
    ),
    ("retry_busy_times", {"retry_busy": "on", "retry_busy_after": "5", "retry_busy_times": "5"}),
    ("retry_busy_times", {"retry_busy": "on", "retry_busy_after": "5", "retry_busy_times": ""}),
    (
        "retry_busy_unit",
        {"retry_busy": "on", "retry_busy_after": "5", "retry_busy_unit": "years", "retry_busy_times": "1"},
    ),
]


@pytest.mark.parametrize("changes", TAKEN, ids=str)
def test_what_fits_is_saved(draft, as_supervisor, changes):
    response = as_supervisor.post(edit(draft.campaign), typed(**changes))
    assert response.status_code == 302, errors_of(response)


@pytest.mark.parametrize(("field", "changes"), REFUSED, ids=lambda value: str(value)[:60])
def test_what_does_not_fit_is_refused_beside_its_field_and_kept(draft, as_supervisor, field, changes):
    before = Campaign.objects.values().get(pk=draft.campaign_id)
    response = as_supervisor.post(edit(draft.campaign), typed(**changes))
    assert response.status_code == 422
    assert field in errors_of(response)
    assert set(errors_of(response)) <= {field, *changes}
    assert Campaign.objects.values().get(pk=draft.campaign_id) == before
    page = response.content.decode()
    typed_text = changes.get(field)
    if (
        isinstance(typed_text, str)
        and typed_text.strip().isascii()
        and typed_text.isprintable()
        and typed_text
    ):
        form = response.context["form"]
        tab = next(tab for tab in form.tabs if field in tab.fields)
        assert tab[field].value() == typed_text
        assert "Not saved" in page


def test_markup_in_a_name_is_shown_as_text(draft, as_supervisor):
    as_supervisor.post(edit(draft.campaign), typed(name="<img src=x onerror=alert(1)>"))
    page = as_supervisor.get(edit(draft.campaign)).content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_the_installation_sets_the_highest_pace(draft, as_supervisor, settings):
    settings.MAX_CONCURRENT_CALLS, settings.MAX_CALLS_PER_SECOND = 200, 40
    assert (
        as_supervisor.post(
            edit(draft.campaign), typed(concurrent_calls="200", calls_per_second="40")
        ).status_code
        == 302
    )
    settings.MAX_CONCURRENT_CALLS, settings.MAX_CALLS_PER_SECOND = 50, 5
    # What was allowed once may stay, and not grow.
    assert (
        as_supervisor.post(
            edit(draft.campaign), typed(concurrent_calls="200", calls_per_second="40")
        ).status_code
        == 302
    )
    response = as_supervisor.post(edit(draft.campaign), typed(concurrent_calls="201", calls_per_second="40"))
    assert set(errors_of(response)) == {"concurrent_calls"}


def test_errors_open_the_tab_that_has_them(draft, as_supervisor):
    page = as_supervisor.post(edit(draft.campaign), typed(calls_per_second="99")).content.decode()
    assert 'id="advanced" role="tabpanel" aria-labelledby="tab-advanced" data-open' in page
    assert 'data-tab-errors="advanced">' in page
    assert 'data-tab-errors="basic" hidden>' in page


# --- What is saved -----------------------------------------------------------------------------------------


def test_a_new_campaign_is_saved_whole(as_supervisor, supervisor):
    assistant, caller_id = AssistantFactory(), CallerIdFactory()
    response = as_supervisor.post(
        NEW,
        typed(
            description="Plans that end in November",
            destination="assistant",
            assistant=assistant.pk,
            caller_id=caller_id.pk,
            dial_timeout_seconds="30",
            prompt="Hello {{ first_name }}",
            time_zone="America/Denver",
            start_date="2030-01-02",
            end_date="2030-02-01",
            hours=["0-9", "6-23"],
            closed_days="2030-01-20",
            start_at="2030-01-03T09:30",
            concurrent_calls="20",
            calls_per_second="5",
            calls_per_minute="200",
            attempts_per_contact="3",
            record_calls="on",
            machine_detection="wait",
            end_of_speech_ms="900",
            on_machine="message",
            voicemail_message="Call us back.",
            max_attempts_per_day="2",
            max_attempts_per_week="5",
            retry_no_answer="on",
            retry_no_answer_after="2",
            retry_no_answer_unit="hours",
            retry_no_answer_times="2",
            then="next",
        ),
    )
    channel = Channel.objects.get()
    assert response.url == reverse("campaigns:launch", args=[channel.campaign_id])
    assert channel.campaign.created_by == supervisor
    assert channel.campaign.description == "Plans that end in November"
    voice, schedule = channel.voice, channel.schedule
    assert (voice.assistant, voice.caller_id, voice.dial_timeout_seconds) == (assistant, caller_id, 30)
    assert (voice.concurrent_calls, voice.calls_per_second, voice.calls_per_minute) == (20, 5, 200)
    assert (voice.attempts_per_contact, voice.record_calls) == (3, True)
    assert (voice.machine_detection, voice.end_of_speech_ms, voice.on_machine) == ("wait", 900, "message")
    assert (voice.max_attempts_per_day, voice.max_attempts_per_week) == (2, 5)
    assert schedule.hours == [1 << 9, 0, 0, 0, 0, 0, 1 << 23]
    assert schedule.closed_days == [date(2030, 1, 20)]
    assert channel.start_at == datetime(2030, 1, 3, 16, 30, tzinfo=UTC)
    rule = channel.reattempt_rules.get()
    assert (rule.outcome, rule.delay_minutes, rule.max_times) == ("no_answer", 120, 2)


def test_a_form_without_a_change_changes_nothing(draft, as_supervisor):
    ReattemptRuleFactory(channel=draft, outcome="busy", delay_minutes=90, max_times=2)
    draft.start_at = timezone.now() - timedelta(days=1)
    draft.save(update_fields=["start_at"])
    form = CampaignForm(channel=draft, now=timezone.now())
    posted = {}
    for tab in form.tabs:
        for bound in tab:
            value = bound.value()
            if value is True:
                posted[bound.name] = "on"
            elif value not in (None, False):
                posted[bound.name] = (
                    bound.field.widget.format_value(value) if bound.name == "start_at" else value
                )
    before = {model: list(model.objects.values()) for model in (Campaign, Channel, ReattemptRule)}
    response = as_supervisor.post(edit(draft.campaign), posted)
    assert response.status_code == 302, errors_of(response)
    assert {model: list(model.objects.values()) for model in before} == before
    assert not Activity.objects.filter(verb="edit").exists()


def test_a_save_is_written_down_with_what_changed(draft, as_supervisor, supervisor):
    as_supervisor.post(
        edit(draft.campaign),
        typed(
            name=draft.campaign.name, assistant=draft.voice.assistant_id, caller_id="", calls_per_minute="9"
        ),
    )
    activity = Activity.objects.get(verb="edit")
    assert activity.actor == supervisor
    assert "calls per minute" in activity.text
    assert "caller ID" in activity.text
    assert "dial timeout" not in activity.text


def test_every_save_moves_the_revision_on(draft, as_supervisor):
    before = Channel.objects.get().revision
    as_supervisor.post(edit(draft.campaign), typed(calls_per_minute="9"))
    assert Channel.objects.get().revision > before


def test_rules_are_changed_and_taken_away(draft, as_supervisor):
    ReattemptRuleFactory(channel=draft, outcome="busy", delay_minutes=90)
    ReattemptRuleFactory(channel=draft, outcome="failed", delay_minutes=60)
    as_supervisor.post(
        edit(draft.campaign),
        typed(retry_busy="on", retry_busy_after="3", retry_busy_unit="days", retry_busy_times="1"),
    )
    assert list(draft.reattempt_rules.values_list("outcome", "delay_minutes")) == [("busy", 3 * 24 * 60)]


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(90, (90, "minutes")), (120, (2, "hours")), (2880, (2, "days")), (1, (1, "minutes"))],
)
def test_a_delay_is_said_in_its_largest_whole_unit(minutes, said):
    assert in_largest_unit(minutes) == said


def test_a_new_campaign_is_open_at_business_hours_in_each_contacts_own_zone(as_supervisor):
    page = as_supervisor.get(NEW)
    assert page.context["form"].schedule["hours"].value() == [
        f"{day}-{hour}" for day in range(7) for hour in range(24) if BUSINESS_HOURS[day] >> hour & 1
    ]
    assert "Mon–Fri 9:00–17:00, each contact’s own time; 40 hours a week" in page.content.decode()


def test_the_only_assistant_and_caller_id_are_chosen_already(as_supervisor):
    assistant, caller_id = AssistantFactory(), CallerIdFactory()
    AssistantFactory(is_active=False)
    form = as_supervisor.get(NEW).context["form"]
    assert form.basic["assistant"].value() == assistant.pk
    assert form.basic["caller_id"].value() == caller_id.pk
    AssistantFactory()
    assert as_supervisor.get(NEW).context["form"].basic["assistant"].value() is None


def test_a_destination_that_was_deactivated_stays_chosen(draft, as_supervisor):
    draft.voice.assistant.is_active = False
    draft.voice.assistant.save(update_fields=["is_active"])
    page = as_supervisor.get(edit(draft.campaign)).content.decode()
    assert f"{draft.voice.assistant.name} (not active)" in page


def test_the_time_of_a_start_is_read_where_the_schedule_is():
    noon = datetime(2030, 7, 1, 12)
    assert to_instant(noon, zone_of("America/Denver")) == datetime(2030, 7, 1, 18, tzinfo=UTC)
    # Shown twice that night: the first of them.
    assert to_instant(datetime(2030, 11, 3, 1, 30), zone_of("America/New_York")) == datetime(
        2030, 11, 3, 5, 30, tzinfo=UTC
    )


# --- Prompts -----------------------------------------------------------------------------------------------


def test_fields_of_the_contacts_are_offered_for_the_prompt(as_supervisor):
    for name in ("plan", "renews_on"):
        CustomField.objects.create(name=name, label=name)
    page = as_supervisor.get(NEW).content.decode()
    for name in ("first_name", "plan", "renews_on"):
        assert f'data-insert="{name}"' in page


def test_an_unknown_field_is_flagged_in_a_draft_and_nothing_typed_is_lost(draft, as_supervisor):
    as_supervisor.post(edit(draft.campaign), typed(prompt="Hello {{ frist_name }}"))
    draft.voice.refresh_from_db()
    assert draft.voice.prompt == "Hello {{ frist_name }}"
    page = as_supervisor.get(edit(draft.campaign)).content.decode()
    assert "No contact has a field “frist_name” (did you mean “first_name”?)" in page
    launch = as_supervisor.get(reverse("campaigns:launch", args=[draft.campaign_id])).content.decode()
    assert "frist_name" in launch


def test_a_started_campaign_takes_no_unknown_field(as_supervisor):
    paused = ChannelFactory(paused=True)
    response = as_supervisor.post(
        edit(paused.campaign),
        typed(
            destination="assistant",
            assistant=paused.voice.assistant_id,
            caller_id=paused.voice.caller_id_id,
            prompt="Hello {{ frist_name }}",
            concurrent_calls="20",
            calls_per_second="5",
        ),
    )
    assert set(errors_of(response)) == {"prompt"}


# --- Drafts save themselves --------------------------------------------------------------------------------


def autosave(client, url, **changes):
    response = client.post(url, typed(**changes, then="autosave"), headers={"HX-Request": "true"})
    assert response.status_code == 204
    return json.loads(response.headers["HX-Trigger"])


def test_a_draft_is_saved_as_soon_as_it_has_a_name(as_supervisor):
    told = autosave(as_supervisor, NEW, name="")["draft-saved"]
    assert told["saved"] is False
    assert not Campaign.objects.exists()
    told = autosave(as_supervisor, NEW, name="Renewals", description="Soon")["draft-saved"]
    campaign = Campaign.objects.get()
    assert told["url"] == edit(campaign)
    assert (campaign.name, campaign.description) == ("Renewals", "Soon")


@pytest.mark.parametrize("then", ["autosave", "next", "assistant"])
def test_a_campaign_made_for_a_list_has_it_assigned(as_supervisor, then):
    renewals = ListFactory(name="Renewals 2026", members=3)
    page = as_supervisor.get(f"{NEW}?list={renewals.pk}").content.decode()
    assert "Renewals 2026" in page
    assert f'name="list" value="{renewals.pk}"' in page
    as_supervisor.post(NEW, typed(list=renewals.pk, then=then))
    channel = Channel.objects.get()
    assert list(channel.lists.all()) == [renewals]
    # What that page goes on to send changes nothing of the lists.
    response = as_supervisor.post(edit(channel.campaign), typed(list=renewals.pk, then="next"))
    assert response.status_code == 302
    assert as_supervisor.get(f"{NEW}?list=999999").status_code == 200
    assert as_supervisor.get(f"{NEW}?list={'9' * 40}").status_code == 200


def test_a_draft_saves_what_is_valid_and_tells_what_is_not(draft, as_supervisor):
    told = autosave(
        as_supervisor,
        edit(draft.campaign),
        description="Kept",
        dial_timeout_seconds="5",
        calls_per_minute="7",
    )["draft-saved"]
    assert list(told["errors"]) == ["dial_timeout_seconds"]
    assert told["labels"] == {"dial_timeout_seconds": "Dial timeout, in seconds"}
    assert told["tabs"] == {"basic": 1, "schedule": 0, "advanced": 0}
    draft.campaign.refresh_from_db()
    draft.voice.refresh_from_db()
    assert draft.campaign.description == "Kept"
    assert (draft.voice.dial_timeout_seconds, draft.voice.calls_per_minute) == (60, 7)


@pytest.mark.parametrize(
    "changes",
    [
        {"start_date": "2031-01-01", "end_date": "2030-01-01"},
        {"machine_detection": "detect", "on_machine": "message", "voicemail_message": ""},
        {"retry_busy": "on", "retry_busy_after": "x"},
        {"start_at": "2030-03-10T02:30", "time_zone": "America/New_York"},
    ],
    ids=str,
)
def test_half_of_what_belongs_together_is_not_saved(draft, as_supervisor, changes):
    autosave(as_supervisor, edit(draft.campaign), **changes)
    draft.refresh_from_db()
    draft.schedule.refresh_from_db()
    draft.voice.refresh_from_db()
    assert draft.schedule.start_date is None
    assert draft.voice.on_machine == "hang_up"
    assert draft.start_at is None
    assert not draft.reattempt_rules.exists()


def test_one_sitting_at_a_draft_is_written_down_once(draft, as_supervisor):
    for text in ("a", "ab", "abc"):
        autosave(as_supervisor, edit(draft.campaign), description=text)
    assert list(Activity.objects.values_list("text", flat=True)) == ["edited the draft"]


def test_a_draft_that_somebody_else_changed_is_not_overwritten(draft, as_supervisor):
    seen = draft.revision
    as_supervisor.post(edit(draft.campaign), typed(description="Theirs", calls_per_minute="8"))
    told = autosave(as_supervisor, edit(draft.campaign), description="Mine", revision=str(seen))
    assert "Somebody else changed these settings" in told["draft-refused"]
    response = as_supervisor.post(edit(draft.campaign), typed(description="Mine", revision=str(seen)))
    assert response.status_code == 409
    assert "Mine" in response.content.decode()
    draft.campaign.refresh_from_db()
    assert draft.campaign.description == "Theirs"
    # Pressed again, with the revision that page shows.
    newest = Channel.objects.get().revision
    response = as_supervisor.post(edit(draft.campaign), typed(description="Mine", revision=str(newest)))
    assert response.status_code == 302


def test_adding_a_caller_id_keeps_what_was_typed_and_comes_back_with_it_chosen(as_supervisor):
    response = as_supervisor.post(
        NEW, typed(name="", description="Typed", prompt="Long text", calls_per_second="99", then="caller_id")
    )
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.description) == (UNTITLED, "Typed")
    assert response.url.startswith(reverse("campaigns:caller_id_new"))
    response = as_supervisor.post(
        response.url, {"phone_number": "(415) 555-2671", "country": "US", "name": "Desk", "is_active": "on"}
    )
    page = as_supervisor.get(response.url)
    assert "Long text" in page.content.decode()
    chosen = page.context["form"].basic["caller_id"].value()
    assert page.context["form"].basic.fields["caller_id"].queryset.get(pk=chosen).name == "Desk"


# --- Read-only ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("running", "This campaign is active: its settings are read-only."),
        ("scheduled", "This campaign is scheduled: its settings are read-only"),
        ("stopped", "This campaign is stopped: its settings are kept as they were."),
        ("completed", "This campaign is completed: its settings are kept as they were."),
    ],
)
def test_settings_are_read_only_unless_draft_or_paused(as_supervisor, state, says):
    channel = ChannelFactory(**{state: True})
    page = as_supervisor.get(edit(channel.campaign)).content.decode()
    assert says in page
    assert '<fieldset class="panels" disabled>' in page
    assert 'name="then"' not in page
    response = as_supervisor.post(
        edit(channel.campaign),
        typed(
            name="Sneaked in",
            destination="assistant",
            assistant=channel.voice.assistant_id,
            caller_id=channel.voice.caller_id_id,
        ),
    )
    assert response.status_code == 409
    channel.campaign.refresh_from_db()
    assert channel.campaign.name != "Sneaked in"
    told = autosave(as_supervisor, edit(channel.campaign), name="Sneaked in")
    assert "pause it to change its settings" in told["draft-refused"]


def test_an_archived_campaign_is_read_only(draft, as_supervisor, supervisor):
    services.archive_campaign(campaign=draft.campaign, actor=supervisor)
    assert "archived" in as_supervisor.get(edit(draft.campaign)).content.decode()
    assert as_supervisor.post(edit(draft.campaign), typed()).status_code == 409


def test_pausing_from_the_form_unlocks_it(as_supervisor):
    channel = ChannelFactory(running=True)
    response = as_supervisor.post(reverse("campaigns:unlock", args=[channel.campaign_id]))
    assert response.url == edit(channel.campaign)
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.PAUSED
    assert '<fieldset class="panels" disabled>' not in as_supervisor.get(response.url).content.decode()


def test_cancelling_a_schedule_from_the_form_unlocks_it(as_supervisor):
    channel = ChannelFactory(scheduled=True)
    as_supervisor.post(reverse("campaigns:unlock", args=[channel.campaign_id]))
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.READY


def test_a_paused_campaign_is_edited_by_pressing_save_only(as_supervisor):
    paused = ChannelFactory(paused=True)
    page = as_supervisor.get(edit(paused.campaign)).content.decode()
    assert "data-autosave" not in page
    assert "data-warn" in page
    assert 'name="start_at"' not in page
    response = as_supervisor.post(edit(paused.campaign), typed(destination="assistant"))
    assert set(errors_of(response)) == {"assistant", "caller_id"}
    response = as_supervisor.post(
        edit(paused.campaign), typed(caller_id=paused.voice.caller_id_id, concurrent_calls="3")
    )
    assert response.status_code == 302
    paused.voice.refresh_from_db()
    assert paused.voice.concurrent_calls == 3


# --- Who may -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("client", "sees_new", "sees_edit", "saves"),
    [
        ("as_admin", 200, 200, 302),
        ("as_supervisor", 200, 200, 302),
        ("as_support", 403, 200, 403),
        ("as_viewer", 403, 200, 403),
        ("as_agent", 403, 403, 403),
    ],
)
def test_supervisors_edit_and_others_look(draft, request, client, sees_new, sees_edit, saves):
    person = request.getfixturevalue(client)
    assert person.get(NEW).status_code == sees_new
    assert person.get(edit(draft.campaign)).status_code == sees_edit
    assert person.post(edit(draft.campaign), typed()).status_code == saves
    for name in ("unlock", "launch_assign", "launch_numbers", "launch_start"):
        url = reverse(f"campaigns:{name}", args=[draft.campaign_id])
        assert person.get(url).status_code in {403, 405}
        assert (person.post(url).status_code == 403) == (saves == 403)


def test_strangers_are_sent_to_the_log_in(draft, client):
    for url in (NEW, edit(draft.campaign), reverse("campaigns:launch", args=[draft.campaign_id])):
        assert client.get(url).status_code == 302
        assert "/login/" in client.get(url).url


def test_a_campaign_that_is_not_there_is_not_found(as_supervisor):
    for name in ("edit", "launch", "preflight"):
        for pk in (999_999, 10**30):
            assert as_supervisor.get(reverse(f"campaigns:{name}", args=[pk])).status_code == 404


# --- Hours in words ----------------------------------------------------------------------------------------


def test_hours_are_put_into_words_while_they_are_painted(as_viewer):
    def said(**query):
        return as_viewer.get(reverse("campaigns:hours_in_words"), query).content.decode()

    assert (
        said(hours=BUSINESS, time_zone="America/Chicago")
        == "Mon–Fri 9:00–17:00, Chicago time; 40 hours a week"
    )
    assert said(hours=[]) == "Never open"
    assert said(hours=["9-9", "0-99", "<b>", "0-9"], time_zone="../etc/passwd").startswith("Mon 9:00–10:00")


# --- Contacts and start ------------------------------------------------------------------------------------


@pytest.fixture
def launchable(draft):
    """A draft that lacks nothing but contacts, and a list with three."""
    contacts = ListFactory(members=3)
    url = reverse("campaigns:launch", args=[draft.campaign_id])
    return SimpleNamespace(
        channel=draft,
        list=contacts,
        page=url,
        assign=f"{url}lists/",
        start=f"{url}start/",
        numbers=f"{url}numbers/",
    )


def test_a_start_is_refused_in_place_with_the_way_to_mend_it(launchable, as_supervisor):
    page = as_supervisor.get(launchable.page).content.decode()
    assert "No list is assigned." in page
    assert 'href="#lists"' in page
    response = as_supervisor.post(launchable.start, {"when": "now"})
    assert response.status_code == 409
    assert "No list is assigned." in response.content.decode()
    launchable.channel.refresh_from_db()
    assert launchable.channel.status == ChannelStatus.READY


def test_lists_are_assigned_and_unassigned(launchable, as_supervisor):
    response = as_supervisor.post(launchable.assign, {"list": launchable.list.pk}, follow=True)
    assert launchable.list.name in response.content.decode()
    assert list(launchable.channel.lists.all()) == [launchable.list]
    as_supervisor.post(f"{launchable.assign}{launchable.list.pk}/unassign/")
    assert not launchable.channel.lists.exists()


@pytest.mark.parametrize("chosen", ["", "x", "-1", "٣", "²"])
def test_no_list_chosen_is_told(launchable, as_supervisor, chosen):
    response = as_supervisor.post(launchable.assign, {"list": chosen}, follow=True)
    assert response.status_code in {200, 404}
    assert not launchable.channel.lists.exists()


def test_a_list_just_uploaded_is_proposed(launchable, as_supervisor, supervisor):
    uploaded = ListFactory(members=2, created_by=supervisor)
    ListFactory(members=2)
    assert f'<option value="{uploaded.pk}" selected>' in as_supervisor.get(launchable.page).content.decode()


def test_a_file_uploaded_for_a_campaign_leads_back_to_it_and_is_added_by_one_press(launchable, as_supervisor):
    def found(page, pattern):
        return html.unescape(re.search(pattern, page.content.decode())[1])

    page = as_supervisor.get(launchable.page)
    upload = found(page, r'href="(/contacts/import/[^"]*)"')
    back = found(as_supervisor.get(upload), r'name="next" value="([^"]+)"')
    file = SimpleUploadedFile("leads.csv", b"Name,Phone\nAnna,(415) 555-0101\nBo,(415) 555-0102\n")
    sent = as_supervisor.post(upload, {"file": file, "country": "US", "list_name": "Leads", "next": back})
    columns = Import.objects.get().mapping
    as_supervisor.post(sent.url, {f"column_{at}": target for at, target in columns.items()})
    run_import(Import.objects.get().pk)

    leads = List.objects.get(name="Leads")
    done = as_supervisor.get(sent.url)
    go_on = found(done, r'href="([^"]+)">Go on<')
    assert go_on == f"{launchable.page}?list={leads.pk}"

    page = as_supervisor.get(go_on)
    assert "“Leads” was imported; it has 2 contacts." in page.content.decode()
    assert not launchable.channel.lists.exists(), "A GET changes nothing."
    form = found(page, r'(<form class="note[^"]* imported"[\s\S]*?</form>)')
    action, key = re.search(r'action="([^"]+)"', form)[1], re.search(r'name="list" value="(\d+)"', form)[1]
    added = as_supervisor.post(action, {"list": key}, follow=True)
    assert list(launchable.channel.lists.all()) == [leads]
    assert "was imported" not in added.content.decode()
    assert "was imported" not in as_supervisor.get(go_on).content.decode()


@pytest.mark.parametrize("given", ["x", "0", "9" * 30, "9" * 5000, "٣", "\0"])
def test_a_list_that_is_none_is_not_proposed(launchable, as_supervisor, given):
    page = as_supervisor.get(launchable.page, {"list": given})
    assert page.status_code == 200
    assert "was imported" not in page.content.decode()


def test_a_viewer_is_offered_no_imported_list(launchable, as_viewer):
    page = as_viewer.get(launchable.page, {"list": launchable.list.pk})
    assert "Add it to this campaign" not in page.content.decode()


def test_start_now_starts(launchable, as_supervisor):
    as_supervisor.post(launchable.assign, {"list": launchable.list.pk})
    response = as_supervisor.post(launchable.start, {"when": "now"})
    assert response.url == launchable.channel.campaign.get_absolute_url()
    launchable.channel.refresh_from_db()
    assert launchable.channel.status == ChannelStatus.RUNNING
    assert launchable.channel.enrollments.count() == 3


@pytest.mark.django_db(transaction=True)
def test_start_pressed_twice_starts_once_and_both_presses_lead_to_the_campaign(supervisor, log_in):
    channel = ChannelFactory(lists=[ListFactory(members=3)])
    answers = []
    together = threading.Barrier(2)

    def press():
        client = log_in(supervisor)
        together.wait(10)
        url = reverse("campaigns:launch_start", args=[channel.campaign_id])
        answers.append(client.post(url, {"when": "now"}))
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {(answer.status_code, answer.url) for answer in answers} == {
        (302, channel.campaign.get_absolute_url())
    }
    channel.refresh_from_db()
    assert (channel.status, channel.run, channel.enrollments.count()) == ("running", 1, 3)
    assert Activity.objects.filter(verb="start").count() == 1


def test_start_pressed_on_a_page_that_is_out_of_date_does_not_resume(as_supervisor):
    channel = ChannelFactory(paused=True, lists=[ListFactory(members=1)])
    url = reverse("campaigns:launch_start", args=[channel.campaign_id])
    assert as_supervisor.post(url, {"when": "now"}).status_code == 409
    channel.refresh_from_db()
    assert channel.status == "paused"


def test_start_now_does_not_wait_for_a_time_that_was_set(launchable, as_supervisor):
    Channel.objects.update(start_at=timezone.now() + timedelta(days=2))
    as_supervisor.post(launchable.assign, {"list": launchable.list.pk})
    as_supervisor.post(launchable.start, {"when": "now"})
    launchable.channel.refresh_from_db()
    assert launchable.channel.status == ChannelStatus.RUNNING


def test_a_campaign_is_scheduled_for_later_in_the_chosen_zone(launchable, as_supervisor):
    as_supervisor.post(launchable.assign, {"list": launchable.list.pk})
    launchable.channel.schedule.time_zone = "America/Denver"
    launchable.channel.schedule.save()
    assert "Denver time" in as_supervisor.get(launchable.page).content.decode()
    response = as_supervisor.post(launchable.start, {"when": "later", "start_at": "2030-07-01T09:00"})
    assert response.status_code == 302
    launchable.channel.refresh_from_db()
    assert launchable.channel.status == ChannelStatus.SCHEDULED
    assert launchable.channel.start_at == datetime(2030, 7, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize("time", ["", "2020-01-01T00:00", "soon", "2030-03-10T02:30"])
def test_a_time_that_cannot_be_is_refused(launchable, as_supervisor, time):
    as_supervisor.post(launchable.assign, {"list": launchable.list.pk})
    launchable.channel.schedule.time_zone = "America/New_York"
    launchable.channel.schedule.save()
    response = as_supervisor.post(launchable.start, {"when": "later", "start_at": time})
    assert response.status_code == 422
    assert response.context["later"].errors["start_at"]
    launchable.channel.refresh_from_db()
    assert launchable.channel.status == ChannelStatus.READY


def test_a_refused_schedule_leaves_no_time_behind(launchable, as_supervisor):
    response = as_supervisor.post(launchable.start, {"when": "later", "start_at": "2030-07-01T09:00"})
    assert response.status_code == 409
    assert Channel.objects.get().start_at is None


def test_a_paused_campaign_is_resumed_from_its_contacts(as_supervisor):
    channel = ChannelFactory(paused=True, lists=[ListFactory(members=2)])
    page = as_supervisor.get(reverse("campaigns:launch", args=[channel.campaign_id])).content.decode()
    assert "Resume" in page
    assert "Schedule for later" not in page
    as_supervisor.post(reverse("campaigns:launch_start", args=[channel.campaign_id]))
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.RUNNING


def test_typed_numbers_become_a_list_of_the_campaign(launchable, as_supervisor):
    response = as_supervisor.post(
        launchable.numbers, {"numbers": "Anna Svensson, (415) 555-2671\n+442079460018", "country": "US"}
    )
    assert response.status_code == 302
    typed_in = launchable.channel.lists.get()
    assert typed_in.size == 2
    as_supervisor.post(launchable.numbers, {"numbers": "(415) 555-2672", "country": "US"})
    assert launchable.channel.lists.get().size == 3


def test_numbers_that_cannot_be_read_stay_in_the_field_with_their_reasons(launchable, as_supervisor):
    response = as_supervisor.post(
        launchable.numbers, {"numbers": "(415) 555-2671\nnobody\n12", "country": "US"}
    )
    assert response.status_code == 422
    form = response.context["numbers"]
    assert form["numbers"].value() == "nobody\n12"
    assert form.errors["numbers"][0].startswith("Line 1:")
    assert launchable.channel.lists.get().size == 1


def test_numbers_of_which_none_can_be_read_leave_no_list(launchable, as_supervisor):
    as_supervisor.post(launchable.numbers, {"numbers": "nobody", "country": "US"})
    assert not launchable.channel.lists.exists()
    assert List.objects.count() == 1


def test_numbers_typed_for_a_paused_campaign_are_called_in_this_run(as_supervisor):
    channel = ChannelFactory(paused=True)
    url = reverse("campaigns:launch_numbers", args=[channel.campaign_id])
    for number in ("(415) 555-2671", "(415) 555-2672"):
        as_supervisor.post(url, {"numbers": number, "country": "US"})
    assert channel.enrollments.count() == 2


def test_no_numbers_are_added_while_it_runs(as_supervisor):
    channel = ChannelFactory(running=True)
    response = as_supervisor.post(
        reverse("campaigns:launch_numbers", args=[channel.campaign_id]),
        {"numbers": "(415) 555-2671", "country": "US"},
    )
    assert response.status_code == 409
    assert not List.objects.exists()


# --- Preflight ---------------------------------------------------------------------------------------------


def test_the_preflight_says_who_will_be_called_and_who_will_not(launchable, as_supervisor):
    anna, bilal, chloe = ContactFactory.create_batch(3)
    DoNotContactFactory(phone_number=bilal.phone_number, scope="voice")
    DoNotContactFactory(phone_number=chloe.phone_number, scope="text")
    nobody = ContactFactory(phone_number=None, email="nobody@example.com")
    for members in ([anna, bilal, chloe, nobody], [anna]):
        services.assign_list(channel=launchable.channel, list=ListFactory(members=members), actor=None)
    url = reverse("campaigns:preflight", args=[launchable.channel.campaign_id])
    page = as_supervisor.get(url).content.decode()
    assert "<b>2</b> of 5 will be called" in page
    for reason in ("On do-not-contact", "No phone number", "In several lists, called once"):
        assert f"<dt>{reason}</dt><dd>1</dd>" in page
    assert "Everybody called once by about" in page
    found = preflight(launchable.channel, timezone.now())
    assert (found.in_lists, found.contacts, found.will_be_called) == (5, 4, 2)
    assert (found.do_not_contact, found.without_number, found.duplicates) == (1, 1, 1)


def test_the_preflight_takes_few_queries_however_many_lists(
    launchable, as_supervisor, django_assert_max_num_queries
):
    services.assign_list(channel=launchable.channel, list=launchable.list, actor=None)
    with django_assert_max_num_queries(12):
        as_supervisor.get(reverse("campaigns:preflight", args=[launchable.channel.campaign_id]))


def test_a_list_of_nobody_is_said_in_the_preflight(launchable, as_supervisor):
    page = as_supervisor.get(reverse("campaigns:preflight", args=[launchable.channel.campaign_id]))
    assert "Nobody yet" in page.content.decode()


def test_all_hours_of_the_week_fit_into_the_form(draft, as_supervisor):
    hours = [f"{day}-{hour}" for day in range(7) for hour in range(24)]
    as_supervisor.post(edit(draft.campaign), typed(hours=hours))
    draft.schedule.refresh_from_db()
    assert draft.schedule.hours == [ALL_DAY] * 7


def test_of_a_started_campaign_the_preflight_tells_who_is_left(as_supervisor):
    channel = ChannelFactory(running=True, lists=[ListFactory(members=5)])
    for contact in ContactFactory.create_batch(2):
        EnrollmentFactory(channel=channel, contact=contact)
    EnrollmentFactory(channel=channel, status="completed")
    page = as_supervisor.get(reverse("campaigns:preflight", args=[channel.campaign_id])).content.decode()
    assert "Left to call" in page
    assert "<b>2</b> of 2 waiting will be called" in page
    assert "All of them called once by about" in page
