"""The campaign form: what it takes, what it refuses, and what it saves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns.forms import CampaignForm
from campaigns.forms.advanced import in_largest_unit
from campaigns.forms.schedule import to_instant, zone_of
from campaigns.models import Activity, Campaign, Channel, ReattemptRule
from campaigns.models.rules import BUSINESS_HOURS
from contacts.models import CustomField
from tests.campaigns.editing import BUSINESS, NEW, at, edit, errors_of, launch, typed
from tests.factories import (
    AssistantFactory,
    CallerIdFactory,
    ChannelFactory,
    ReattemptRuleFactory,
)

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
        assert "another look before you go on" in page


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
    assert response.url == at("channel_launch", channel)
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
    assert "calls per minute (nothing → 9)" in activity.text
    assert f"caller ID ({draft.voice.caller_id} → nothing)" in activity.text
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
    page = as_supervisor.get(launch(draft.campaign)).content.decode()
    assert "frist_name" in page


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


# --- Rules in words -----------------------------------------------------------------------------------------

TWICE = {
    "attempts_per_contact": "3",
    "retry_busy": "on",
    "retry_busy_unit": "minutes",
    "retry_busy_times": "2",
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Each contact is called once, whatever comes of it."),
        (
            {"attempts_per_contact": "3"},
            "Up to 3 calls are allowed, but no rule asks for a second one: each is called once.",
        ),
        (
            {**TWICE, "retry_busy_after": "60"},
            "Up to 3 calls to each contact: after busy again in 1 hour, at most twice.",
        ),
        (
            {
                **TWICE,
                "retry_busy_after": "15",
                "retry_no_answer": "on",
                "retry_no_answer_after": "2",
                "retry_no_answer_unit": "days",
                "retry_no_answer_times": "1",
            },
            "Up to 3 calls to each contact: after no answer again in 2 days, at most once; "
            "after busy again in 15 minutes, at most twice; no more than twice in all.",
        ),
        # Of what a rule allows, the attempts leave room for less; and of the attempts, the rules use less.
        (
            {**TWICE, "attempts_per_contact": "2", "retry_busy_after": "15"},
            "Up to 2 calls to each contact: after busy again in 15 minutes, at most once.",
        ),
        (
            {**TWICE, "attempts_per_contact": "5", "retry_busy_after": "15"},
            "Up to 3 calls to each contact: after busy again in 15 minutes, at most twice.",
        ),
        # What has an error is left out, and the sentence stays one.
        (
            {**TWICE, "retry_busy_after": "<b>"},
            "Up to 3 calls are allowed, but no rule asks for a second one: each is called once.",
        ),
    ],
)
def test_reattempt_rules_are_put_into_words(draft, as_supervisor, as_viewer, changes, words):
    url = reverse("campaigns:rules_in_words")
    assert as_viewer.get(url, typed(**changes)).content.decode() == words
    if "<b>" not in str(changes):
        as_supervisor.post(edit(draft.campaign), typed(**changes))
        assert words in as_supervisor.get(edit(draft.campaign)).content.decode()


@pytest.mark.parametrize(
    "asked",
    [{}, {"attempts_per_contact": "9" * 5000}, {"retry_busy": "\x00"}],
    ids=lambda asked: str(asked)[:40],
)
def test_rules_that_are_rubbish_make_a_sentence_too(as_viewer, asked):
    response = as_viewer.get(reverse("campaigns:rules_in_words"), asked)
    assert response.status_code == 200
    assert response.content.decode().endswith(".")


@pytest.mark.parametrize(
    ("end", "start", "words"),
    [
        (8, 21, "nobody is called before 8:00 or after 21:00 of their own day"),
        (0, 24, "Quiet hours are off in this installation"),
    ],
)
def test_the_schedule_tells_of_quiet_hours(draft, as_supervisor, settings, end, start, words):
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = end, start
    assert words in as_supervisor.get(edit(draft.campaign)).content.decode()
