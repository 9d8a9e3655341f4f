"""One call: its page and panel, its recording, and what a person says of it."""

from __future__ import annotations

import io
import logging
import wave
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from analytics.timeline import timeline_of
from campaigns.models import Activity, Disposition
from contacts.models import DoNotContact
from dialer.services import set_disposition
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory
from tests.factories.dialer import CallFactory, RecordingFactory, TranscriptFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def call():
    enrollment = EnrollmentFactory(
        channel=ChannelFactory(running=True),
        contact=ContactFactory(first_name="Anna", last_name="Svensson"),
        status="completed",
        attempts=1,
    )
    return CallFactory(enrollment=enrollment, assistant_name="Renewals assistant")


def page_of(client, call, **options) -> str:
    response = client.get(reverse("analytics:call", args=[call.pk]), **options)
    assert response.status_code == 200
    return response.content.decode()


# --- Page and panel --------------------------------------------------------------------------------


def test_a_call_has_a_page_of_its_own_and_the_same_as_a_panel(as_viewer, call):
    assert "<html" in page_of(as_viewer, call)
    panel = page_of(as_viewer, call, headers=HTMX)
    assert "<html" not in panel
    assert "Anna Svensson" in panel


def test_a_call_of_a_deleted_campaign_still_has_its_page(as_viewer, call):
    call.campaign.delete()
    content = page_of(as_viewer, call)
    assert call.campaign_name in content
    assert reverse("analytics:history") in content


def test_a_call_of_a_deleted_contact_keeps_its_name(as_viewer, call):
    call.contact.delete()
    assert "Anna Svensson" in page_of(as_viewer, call)


def test_the_transcript_is_read_in_its_turns(as_viewer, call):
    TranscriptFactory(call=call)
    content = page_of(as_viewer, call)
    assert "<b>Assistant</b> Hi, is now a good time?" in content
    assert "<b>Anna</b> Sure." in content


def test_what_is_said_is_shown_as_text(as_viewer, call):
    TranscriptFactory(call=call, turns=[{"speaker": "contact", "text": "<img src=x>", "start_ms": 0}])
    assert "<img src=x>" not in page_of(as_viewer, call)


def test_a_call_under_way_takes_no_disposition(as_supervisor):
    call = CallFactory(state="connected")
    content = page_of(as_supervisor, call)
    assert "still under way" in content
    assert 'name="notes"' not in content


def test_a_call_never_placed_says_so(as_supervisor):
    assert "never placed" in page_of(as_supervisor, CallFactory(outcome="withdrawn"))


def test_the_panel_waits_for_what_is_on_its_way(as_viewer, call):
    assert 'hx-trigger="live"' in page_of(as_viewer, call)
    TranscriptFactory(call=call)
    RecordingFactory(call=call)
    content = page_of(as_viewer, call)
    assert "on its way" in content
    assert 'hx-trigger="live"' in content


def test_the_panel_waits_no_longer_than_there_is_hope(as_viewer):
    long_ago = CallFactory(ended_at=timezone.now() - timedelta(hours=1))
    assert 'hx-trigger="live"' not in page_of(as_viewer, long_ago)
    assert 'hx-trigger="live"' not in page_of(as_viewer, CallFactory(outcome="busy"))


def test_a_recording_that_failed_says_why(as_viewer, call):
    RecordingFactory(call=call, status="failed", error="404 at the carrier")
    assert "404 at the carrier" in page_of(as_viewer, call)


def test_what_is_on_its_way_is_asked_for_alone(as_viewer, call):
    content = page_of(as_viewer, call, query_params={"part": "media"}, headers=HTMX)
    assert content.strip().startswith('<section id="call-media"')
    assert "Notes" not in content


def test_events_are_told_in_order(as_viewer, call):
    for kind in ("ring", "answer", "hangup", "something_new"):
        call.events.create(kind=kind, data={"why": kind})
    content = page_of(as_viewer, call).partition('class="events"')[2]
    places = [content.index(word) for word in ("Ringing", "Answered", "Ended", "Something new")]
    assert places == sorted(places)


def test_events_name_who_did_it(as_supervisor, supervisor, call):
    choose(as_supervisor, call, disposition="interested")
    call.events.create(kind="odd", data={"by": [1], "who": supervisor.pk})
    call.events.create(kind="odder", data=["not", "an object"])
    events = page_of(as_supervisor, call).partition('class="events"')[2]
    assert f"<dt>by</dt><dd>{supervisor}</dd>" in events
    assert "Odder" in events


def test_the_page_of_a_call_takes_few_queries(as_supervisor, call, django_assert_max_num_queries):
    TranscriptFactory(call=call)
    with django_assert_max_num_queries(12):
        page_of(as_supervisor, call)


# --- Disposition -----------------------------------------------------------------------------------


def choose(client, call, *, headers=HTMX, **values):
    return client.post(reverse("analytics:disposition", args=[call.pk]), values, headers=headers)


def test_a_disposition_is_chosen_in_place(as_supervisor, call):
    response = choose(as_supervisor, call, disposition="interested")
    assert response.status_code == 200
    assert response["HX-Trigger"] == "call-changed"
    call.refresh_from_db()
    assert call.disposition.slug == "interested"
    content = response.content.decode()
    assert 'id="disposition-interested" name="disposition" value="" aria-pressed="true"' in content
    assert 'id="call-badge" hx-swap-oob="true"' in content


def test_a_disposition_is_taken_back(as_supervisor, call):
    choose(as_supervisor, call, disposition="interested")
    choose(as_supervisor, call, disposition="")
    call.refresh_from_db()
    assert call.disposition is None


def test_do_not_call_takes_the_contact_out_at_once(as_supervisor, call):
    response = choose(as_supervisor, call, disposition="do_not_call")
    call.enrollment.refresh_from_db()
    assert call.enrollment.status == "do_not_call"
    assert DoNotContact.objects.filter(phone_number=call.to_number).exists()
    assert "Do not call</span>" in response.content.decode()


def test_a_callback_needs_a_time(as_supervisor, call):
    response = choose(as_supervisor, call, disposition="callback")
    assert response.status_code == 422
    assert b"Say when to call back." in response.content
    call.refresh_from_db()
    assert call.disposition is None


@pytest.mark.parametrize(
    ("asked", "words"), [("2020-01-01T10:00", "This time has passed."), ("soon", "Give a date and a time.")]
)
def test_a_callback_in_the_past_or_in_words_is_refused(as_supervisor, call, asked, words):
    response = choose(as_supervisor, call, disposition="callback", callback_at=asked)
    assert response.status_code == 422
    assert words in response.content.decode()


def test_a_callback_is_in_the_zone_of_whoever_asks_for_it(as_supervisor, call):
    as_supervisor.cookies["time_zone"] = "America/Chicago"
    asked = (timezone.now() + timedelta(days=3)).replace(hour=17, minute=0, second=0, microsecond=0)
    chicago = timezone.localtime(asked, timezone.zoneinfo.ZoneInfo("America/Chicago"))
    response = choose(as_supervisor, call, disposition="callback", callback_at=f"{chicago:%Y-%m-%dT%H:%M}")
    assert response.status_code == 200
    call.refresh_from_db()
    assert call.callback_at == asked
    call.enrollment.refresh_from_db()
    assert call.enrollment.status == "callback"


def test_a_disposition_that_is_not_offered_is_refused(as_supervisor, call):
    Disposition.objects.filter(slug="interested").update(is_active=False)
    for slug in ("interested", "made-up"):
        response = choose(as_supervisor, call, disposition=slug)
        assert response.status_code == 422
        assert b"not offered any more" in response.content


def test_a_call_never_placed_gets_no_disposition(as_supervisor):
    response = choose(as_supervisor, CallFactory(outcome="withdrawn"), disposition="interested")
    assert response.status_code == 422
    assert b"never placed" in response.content


def test_without_scripts_a_disposition_comes_back_to_the_call(as_supervisor, call):
    response = choose(as_supervisor, call, disposition="interested", headers={})
    assert response.status_code == 302
    assert response["Location"] == reverse("analytics:call", args=[call.pk])


# --- Notes -----------------------------------------------------------------------------------------


def write(client, call, notes, headers=HTMX):
    return client.post(reverse("analytics:notes", args=[call.pk]), {"notes": notes}, headers=headers)


def test_notes_are_saved_as_typed(as_supervisor, call):
    response = write(as_supervisor, call, "Wants the fee confirmed in writing. 😀")
    assert response.content.strip() == b"Saved"
    call.refresh_from_db()
    assert call.notes == "Wants the fee confirmed in writing. 😀"
    assert "Wants the fee confirmed" in page_of(as_supervisor, call)


def test_notes_that_are_too_long_are_refused_and_the_old_ones_kept(as_supervisor, call):
    write(as_supervisor, call, "short")
    response = write(as_supervisor, call, "x" * 4001)
    assert response.status_code == 422
    assert b"4,000" in response.content
    call.refresh_from_db()
    assert call.notes == "short"


def test_notes_are_shown_as_text(as_supervisor, as_viewer, call):
    write(as_supervisor, call, "</textarea><script>alert(1)</script>")
    for client in (as_supervisor, as_viewer):
        assert "<script>alert(1)" not in page_of(client, call)


def test_viewers_read_and_do_not_write(as_viewer, as_support, as_agent, call):
    for client in (as_viewer, as_support, as_agent):
        assert choose(client, call, disposition="interested").status_code == 403
        assert write(client, call, "mine").status_code == 403
    content = page_of(as_viewer, call)
    assert "<textarea" not in content
    assert "disposition/" not in content


def test_saying_something_is_done_with_post(as_supervisor, call):
    for name in ("disposition", "notes"):
        assert as_supervisor.get(reverse(f"analytics:{name}", args=[call.pk])).status_code == 405


# --- Recording -------------------------------------------------------------------------------------


def wav(frames: int = 8000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(bytes(range(256)) * (frames * 2 // 256))
    return file.getvalue()


WAV = wav()


@pytest.fixture
def stored(call):
    return RecordingFactory(call=call, file=ContentFile(WAV, "1.wav"))


def hear(client, call, **headers):
    return client.get(
        reverse("analytics:recording", args=[call.pk]),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_a_recording_is_served_whole(as_viewer, call, stored):
    response = hear(as_viewer, call)
    assert response.status_code == 200
    assert response["Content-Type"] == "audio/wav"
    assert response["Accept-Ranges"] == "bytes"
    assert int(response["Content-Length"]) == len(WAV)
    assert body(response) == WAV
    assert "anna-svensson" in response["Content-Disposition"]
    assert response["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, len(WAV) - 1),
        ("bytes=-50", len(WAV) - 50, len(WAV) - 1),
        (f"bytes=0-{10**9}", 0, len(WAV) - 1),
    ],
)
def test_a_part_of_a_recording_is_served(as_viewer, call, stored, asked, first, last):
    response = hear(as_viewer, call, Range=asked)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{len(WAV)}"
    assert int(response["Content-Length"]) == last - first + 1
    assert response["Content-Type"] == "audio/wav"
    assert body(response) == WAV[first : last + 1]


def test_a_part_behind_the_end_can_not_be_served(as_viewer, call, stored):
    response = hear(as_viewer, call, Range=f"bytes={len(WAV)}-")
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(WAV)}"


def test_what_can_not_be_read_of_a_range_is_answered_with_the_whole(as_viewer, call, stored):
    for asked in ("bytes=0-1,5-6", "seconds=1-2", "nonsense"):
        response = hear(as_viewer, call, Range=asked)
        assert response.status_code == 200
        assert body(response) == WAV


def test_a_part_is_only_served_of_what_the_player_has_already(as_viewer, call, stored):
    whole = hear(as_viewer, call)
    body(whole)
    for name in ("ETag", "Last-Modified"):
        assert body(hear(as_viewer, call, Range="bytes=0-9", If_Range=whole[name])) == WAV[:10]
    for other in ('"other"', "Mon, 01 Jan 2024 00:00:00 GMT", "nonsense"):
        response = hear(as_viewer, call, Range="bytes=0-9", If_Range=other)
        assert response.status_code == 200
        assert body(response) == WAV


def test_a_recording_that_is_known_already_is_not_sent_again(as_viewer, call, stored):
    whole = hear(as_viewer, call)
    body(whole)
    response = hear(as_viewer, call, If_None_Match=whole["ETag"])
    assert response.status_code == 304
    assert not response.content


def test_a_head_request_tells_of_it_without_sending(as_viewer, call, stored, caplog):
    with caplog.at_level(logging.INFO):
        response = as_viewer.head(reverse("analytics:recording", args=[call.pk]))
    assert response.status_code == 200
    assert int(response["Content-Length"]) == len(WAV)
    assert "listened" not in caplog.text


def test_a_recording_is_saved_under_a_name_of_its_own(as_viewer, call, stored):
    response = as_viewer.get(reverse("analytics:recording", args=[call.pk]) + "?download")
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Content-Disposition"].endswith('.wav"')
    body(response)


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (b"ID3\x04 tagged", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"OggS", "audio/ogg"),
        (b"<html>", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_a_recording_is_called_what_it_is(as_viewer, call, head, content_type):
    RecordingFactory(call=call, file=ContentFile(head, "1.wav"))
    response = hear(as_viewer, call)
    assert response["Content-Type"] == content_type
    assert response["X-Content-Type-Options"] == "nosniff"
    body(response)


def test_who_listened_is_written_down_and_the_number_is_not(as_viewer, viewer, call, stored, caplog):
    with caplog.at_level(logging.INFO):
        body(hear(as_viewer, call))
        body(hear(as_viewer, call, Range="bytes=100-"))
    lines = [record.getMessage() for record in caplog.records if "listened" in record.getMessage()]
    assert lines == [f"{viewer.username} listened to the recording of call {call.pk}"]
    assert call.to_number not in caplog.text
    activity = Activity.objects.get(verb="listened")
    assert (activity.actor, activity.campaign_name) == (viewer, call.campaign_name)
    assert activity.text == f"listened to the recording of call {call.pk}"
    # The campaign's own story tells of what changed it.
    assert activity.campaign is None


def test_only_readers_hear_recordings(client, as_agent, call, stored):
    assert hear(as_agent, call).status_code == 403
    assert hear(client, call).status_code == 302
    for who in (client, as_agent):
        assert who.get(reverse("analytics:peaks", args=[call.pk])).status_code in {302, 403}


def test_what_was_not_fetched_yet_is_not_found(as_viewer, call):
    assert hear(as_viewer, call).status_code == 404
    RecordingFactory(call=call)
    assert hear(as_viewer, call).status_code == 404


def test_a_file_that_is_missing_is_not_found(as_viewer, call, stored):
    stored.file.storage.delete(stored.file.name)
    assert hear(as_viewer, call).status_code == 404
    assert as_viewer.get(reverse("analytics:peaks", args=[call.pk])).status_code == 404


def test_the_players_track_is_the_recordings_own(as_viewer, call, stored):
    response = as_viewer.get(reverse("analytics:peaks", args=[call.pk]))
    peaks = response.json()["peaks"]
    assert len(peaks) == 120
    assert max(peaks) == 100
    assert "private" in response["Cache-Control"]


# --- Announcements ---------------------------------------------------------------------------------


def test_no_transcript_is_waited_for_where_nobody_talks(as_viewer, call):
    call.channel.voice.destination = "announcement"
    call.channel.voice.save()
    type(call).objects.filter(pk=call.pk).update(assistant_name="")
    content = page_of(as_viewer, call)
    assert "transcript" not in content.lower()
    assert 'hx-trigger="live"' not in content
    type(call).objects.filter(pk=call.pk).update(assistant_name="Somebody")
    assert "The transcript comes" in page_of(as_viewer, call)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("key", {"Digits": "1", "does": "talk"}, "A key was pressed: 1, talk to someone"),
        ("key", {"Digits": "5", "does": ""}, "A key was pressed: 5"),
        ("key", {"Digits": "5", "does": "nonsense"}, "A key was pressed: 5"),
        ("talked", {"DialStatus": "no-answer"}, "Connected to a phone number: no answer"),
        ("hangup", {"HangupCauseName": "Normal Hangup"}, "Ended: Normal Hangup"),
        ("key", {}, "A key was pressed<"),
    ],
)
def test_an_event_says_what_matters_before_all_that_was_told(as_viewer, call, kind, data, words):
    call.events.create(kind=kind, data={**data, "RequestUUID": "r-1"})
    content = page_of(as_viewer, call).partition('class="events"')[2]
    assert words in content
    assert content.index(words) < content.index("<details>") < content.index("r-1")


# --- The time line ---------------------------------------------------------------------------------


def test_a_callback_that_was_set_and_taken_back_is_in_the_time_line(as_viewer, supervisor, call):
    callback = Disposition.objects.get(slug="callback")
    at = timezone.now() + timedelta(days=2)
    set_disposition(call=call, disposition=callback, callback_at=at, actor=supervisor)
    set_disposition(call=call, disposition=None, actor=supervisor)

    entries = timeline_of(call.contact).entries
    taken, asked = (entry for entry in entries if entry.kind == "meant")
    assert taken.text == "set the disposition of a call to no disposition"
    assert (asked.text, asked.by) == ("set the disposition of a call to Callback", str(supervisor))
    assert (taken.due_at, asked.due_at) == (None, at)
    assert call.campaign_name in asked.detail
    page = as_viewer.get(reverse("analytics:contact_history", args=[call.contact_id])).content.decode()
    assert page.count("set the disposition of a call to") == 2


@pytest.mark.parametrize(
    "data", [[], {}, {"by": [1], "callback_at": 5}, {"callback_at": "never"}, {"by": 10**9}]
)
def test_what_was_said_of_a_call_is_told_whatever_is_kept_of_it(as_viewer, call, data):
    call.events.create(kind="disposition", data=data)
    page = as_viewer.get(reverse("analytics:contact_history", args=[call.contact_id])).content.decode()
    assert "set the disposition of a call to no disposition" in page
