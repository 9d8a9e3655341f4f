"""What is said between Carillon and an assistant: a token for one call, its context, its report."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.models import Channel, Disposition, Enrollment
from contacts.models import DoNotContact
from dialer import assistants, progress
from dialer.carrier import Ended, Ending
from dialer.models import Call, Outcome, Transcript
from dialer.services import set_disposition, set_notes
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory, zone_set
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
COMPLETED = Ending(ended=Ended.ANSWERED, code=4000, cause="Normal Hangup", by="contact", duration_seconds=9)
TURNS = [
    {"speaker": "assistant", "text": "Is this a good time?", "start_ms": 0, "end_ms": 900},
    {"speaker": "contact", "text": "Bells, please.", "start_ms": 1000, "end_ms": 1800},
]


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def connected(**options: Any) -> Call:
    contact = ContactFactory(
        first_name="Anna", last_name="Svensson", fields={"plan": "Family"}, zone_set=zone_set()
    )
    channel = options.pop("channel", None) or ChannelFactory(
        running=True, schedule__time_zone="UTC", **options
    )
    enrollment = EnrollmentFactory(channel=channel, contact=contact, status="connected", attempts=1)
    return CallFactory(enrollment=enrollment, state="connected")


def end(call: Call) -> None:
    assert progress.end(call_id=call.pk, ending=COMPLETED, data={})
    call.refresh_from_db()


def ask(call_id: int, token: str | None = None, body: Any = None) -> Any:
    """What an assistant asks, or, with a body, reports."""
    path = f"/hooks/assistant/{call_id}/"
    sent = {"Authorization": f"Bearer {assistants.token(call_id) if token is None else token}"}
    if body is None:
        return Client().get(path, headers=sent)
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return Client().post(path, raw, content_type="application/json", headers=sent)


def status_of(call: Call) -> str:
    return Enrollment.objects.get(pk=call.enrollment_id).status


# --- The token -------------------------------------------------------------------------------------


def test_a_token_opens_its_own_call_and_no_other():
    one, other = connected(), connected()
    assert ask(one.pk).status_code == 200
    assert ask(other.pk, token=assistants.token(one.pk)).status_code == 403
    assert ask(other.pk, token=assistants.token(one.pk), body={}).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "é", "☃" * 10, "a" * 10_000, " ", "\x7f"])
def test_a_wrong_token_is_refused(token):
    call = connected()
    assert ask(call.pk, token=token).status_code == 403
    assert ask(call.pk, token=token, body={"summary": "forged"}).status_code == 403
    call.refresh_from_db()
    assert call.summary == ""


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "bearer  ", "Token x"])
def test_without_a_token_nothing_is_told(header):
    call = connected()
    path = f"/hooks/assistant/{call.pk}/"
    assert Client().get(path, headers={"Authorization": header}).status_code == 403
    assert Client().post(path, {}).status_code == 403
    assert Client().get(path).status_code == 403


def test_a_token_depends_on_our_secret(settings):
    before = assistants.token(7)
    settings.SECRET_KEY = "another"
    assert assistants.token(7) != before


@pytest.mark.parametrize(("hours", "status"), [(23, 200), (25, 403)])
def test_a_token_opens_its_call_until_a_day_after_its_end(hours, status):
    call = connected()
    end(call)
    Call.objects.filter(pk=call.pk).update(ended_at=timezone.now() - timedelta(hours=hours))
    assert ask(call.pk).status_code == status
    assert ask(call.pk, body={"summary": "Late."}).status_code == (204 if status == 200 else 403)
    call.refresh_from_db()
    assert call.summary == ("Late." if status == 200 else "")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_not_allowed(method):
    call = connected()
    assert getattr(Client(), method)(f"/hooks/assistant/{call.pk}/").status_code == 405


@pytest.mark.parametrize("call_id", [0, 10**15, 2**63, 10**40])
def test_a_call_we_do_not_know_is_not_found(call_id):
    for body in (None, {"summary": "hello"}):
        assert ask(call_id, body=body).status_code == 404


# --- The context -----------------------------------------------------------------------------------


def test_an_assistant_is_told_whom_it_talks_with_and_what_about():
    call = connected(
        campaign__name="Spring", voice__prompt="Greet {{ first_name }} ({{plan}}). {{ unknown }}{{ plan."
    )
    told = ask(call.pk).json()
    assert (told["call"], told["campaign"]) == (str(call.pk), "Spring")
    assert told["prompt"] == "Greet Anna (Family). {{ plan."
    assert told["contact"]["name"] == "Anna Svensson"
    assert told["contact"]["phone_number"] == call.to_number


def test_a_prompt_runs_no_code():
    call = connected(voice__prompt="{{ first_name.__class__ }}{% load x %}{{ 7*7 }}{{ first_name|upper }}")
    assert ask(call.pk).json()["prompt"] == "{% load x %}"


def test_the_context_of_a_call_outlives_its_contact_and_campaign():
    call = connected()
    Channel.objects.filter(pk=call.channel_id).update(status="paused")
    call.campaign.delete()
    call.contact.delete()
    told = ask(call.pk).json()
    assert told["contact"] == {"phone_number": call.to_number}
    assert told["prompt"] == ""


# --- The report ------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before the end", "after the end"])
def test_a_report_is_kept_whenever_it_comes(when):
    call = connected()
    if when == "after the end":
        end(call)
    body = {"transcript": TURNS, "disposition": "interested", "summary": "Wants bells."}
    assert ask(call.pk, body=body).status_code == 204
    if when == "before the end":
        end(call)
    call.refresh_from_db()
    assert (call.summary, call.disposition.slug) == ("Wants bells.", "interested")
    assert Transcript.objects.get(pk=call.pk).turns == TURNS
    assert "Bells, please." in Transcript.objects.get(pk=call.pk).words
    assert (call.outcome, status_of(call)) == ("completed", "completed")


def test_a_second_report_replaces_the_first():
    call = connected()
    ask(call.pk, body={"transcript": TURNS, "disposition": "interested", "summary": "One."})
    ask(call.pk, body={"transcript": TURNS[:1], "disposition": "not_interested", "summary": "Two."})
    call.refresh_from_db()
    assert (call.summary, call.disposition.slug) == ("Two.", "not_interested")
    assert len(Transcript.objects.get(pk=call.pk).turns) == 1


def test_an_empty_report_takes_nothing_away():
    call = connected()
    ask(call.pk, body={"transcript": TURNS, "disposition": "interested", "summary": "One."})
    assert ask(call.pk, body={}).status_code == 204
    call.refresh_from_db()
    assert (call.summary, call.disposition.slug) == ("One.", "interested")
    assert Transcript.objects.get(pk=call.pk).turns == TURNS


def test_an_unknown_disposition_is_left_out():
    call = connected()
    assert ask(call.pk, body={"disposition": "on_the_moon", "summary": "Hm."}).status_code == 204
    call.refresh_from_db()
    assert (call.disposition, call.summary) == (None, "Hm.")


def test_a_persons_disposition_is_not_overwritten(supervisor):
    call = connected()
    end(call)
    chosen = Disposition.objects.get(slug="not_interested")
    set_disposition(call=call, disposition=chosen, actor=supervisor)
    assert ask(call.pk, body={"disposition": "do_not_call", "summary": "Late."}).status_code == 204
    call.refresh_from_db()
    assert (call.disposition, call.summary) == (chosen, "Late.")
    assert status_of(call) == "completed"
    assert not DoNotContact.objects.exists()


@pytest.mark.parametrize("when", ["before the end", "after the end"])
def test_who_asked_not_to_be_called_is_on_do_not_contact_at_once(when):
    call = connected()
    if when == "after the end":
        end(call)
    ask(call.pk, body={"disposition": "do_not_call"})
    entry = DoNotContact.objects.get()
    assert (entry.phone_number, entry.scope, entry.source) == (call.to_number, "all", "assistant")
    if when == "before the end":
        end(call)
    assert status_of(call) == "do_not_call"
    ask(call.pk, body={"disposition": "do_not_call"})
    assert DoNotContact.objects.count() == 1


@pytest.mark.parametrize("when", ["before the end", "after the end"])
def test_a_callback_waits_for_its_time(when):
    call = connected()
    asked = (timezone.now() + timedelta(hours=5)).replace(microsecond=0)
    if when == "after the end":
        end(call)
    ask(call.pk, body={"disposition": "callback", "callback_at": asked.isoformat()})
    if when == "before the end":
        end(call)
    enrollment = Enrollment.objects.get(pk=call.enrollment_id)
    assert (enrollment.status, enrollment.due_at) == ("callback", asked)


def test_a_callback_whose_time_has_passed_is_due_now():
    call = connected()
    end(call)
    asked = timezone.now() - timedelta(hours=2)
    ask(call.pk, body={"disposition": "callback", "callback_at": asked.isoformat()})
    enrollment = Enrollment.objects.get(pk=call.enrollment_id)
    assert enrollment.status == "callback"
    assert enrollment.due_at <= timezone.now()


def test_a_callback_without_a_time_is_tomorrow():
    call = connected()
    end(call)
    ask(call.pk, body={"disposition": "callback"})
    due_in = Enrollment.objects.get(pk=call.enrollment_id).due_at - timezone.now()
    assert timedelta(hours=23) < due_in <= timedelta(hours=24)


MALFORMED: dict[str, Any] = {
    "nothing": b"",
    "not JSON": b"{",
    "not text": b"\xff\xfe\x00",
    "a list": [],
    "a number": 7,
    "null": b"null",
    "text": "hello",
    "deep": b'{"transcript":' + b"[" * 100_000,
    "a number of 5000 digits": b'{"transcript": [{"speaker":"contact","start_ms":' + b"9" * 5000 + b"}]}",
    "transcript is text": {"transcript": "hello"},
    "transcript is a number": {"transcript": 4},
    "a turn is text": {"transcript": ["hello"]},
    "a turn is null": {"transcript": [None]},
    "a turn of nobody": {"transcript": [{"text": "hello"}]},
    "a turn of somebody else": {"transcript": [{"speaker": "ghost", "text": "boo"}]},
    "a speaker that is a list": {"transcript": [{"speaker": [], "text": "boo"}]},
    "a speaker that is an object": {"transcript": [{"speaker": {"a": 1}, "text": "boo"}]},
    "text that is a number": {"transcript": [{"speaker": "contact", "text": 4}]},
    "negative times": {"transcript": [{"speaker": "contact", "text": "a", "start_ms": -1}]},
    "times in words": {"transcript": [{"speaker": "contact", "text": "a", "start_ms": "0"}]},
    "times that are no numbers": {"transcript": [{"speaker": "contact", "text": "a", "start_ms": True}]},
    "broken milliseconds": {"transcript": [{"speaker": "contact", "text": "a", "end_ms": 1.5}]},
    "endless": {"transcript": [{"speaker": "contact", "text": "a", "end_ms": 10**12}]},
    "infinite": b'{"transcript": [{"speaker": "contact", "end_ms": Infinity}]}',
    "too many turns": {"transcript": [{"speaker": "contact", "text": "a"}] * 2001},
    "a disposition that is a list": {"disposition": ["interested"]},
    "a summary that is a number": {"summary": 4},
    "a time that is none": {"callback_at": "tomorrow"},
    "a time without an offset": {"callback_at": "2026-03-04T12:00:00"},
    "a time that is a number": {"callback_at": 1_772_625_600},
    "a time that is a list": {"callback_at": ["2026-03-04"]},
    "the first day": {"disposition": "callback", "callback_at": "0001-01-01T00:00:00+14:00"},
    "the last day": {"disposition": "callback", "callback_at": "9999-12-31T23:59:59-12:00"},
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_report_that_can_not_be_understood_is_refused_and_changes_nothing(what):
    call = connected()
    before = Call.objects.filter(pk=call.pk).values().get()
    response = ask(call.pk, body=MALFORMED[what])
    assert response.status_code == 400
    assert response.json()["error"]
    assert Call.objects.filter(pk=call.pk).values().get() == before
    assert not call.events.exists()
    assert not Transcript.objects.exists()


def test_a_report_that_is_too_large_is_refused(settings):
    call = connected()
    body = b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    assert ask(call.pk, body=body).status_code == 413


def test_what_the_database_can_not_hold_is_left_out_of_texts():
    call = connected()
    body = rb"""{"transcript": [{"speaker": "contact", "text": "a\u0000b\ud800c\udfff"}],
        "summary": "x\u0000\ud83d", "disposition": "inter\u0000ested\ud800"}"""
    assert ask(call.pk, body=body).status_code == 204
    call.refresh_from_db()
    assert (call.summary, call.disposition.slug) == ("x", "interested")
    assert Transcript.objects.get(pk=call.pk).turns[0]["text"] == "abc"


def test_over_long_texts_are_cut():
    call = connected()
    said = {"transcript": [{"speaker": "contact", "text": "a" * 9000}], "summary": "b" * 9000}
    assert ask(call.pk, body=said).status_code == 204
    call.refresh_from_db()
    assert (len(call.summary), len(Transcript.objects.get(pk=call.pk).turns[0]["text"])) == (500, 4000)


# --- What a person says ----------------------------------------------------------------------------


def said_by_a_person(call: Call, slug: str | None, actor: Any, **more: Any) -> None:
    disposition = Disposition.objects.get(slug=slug) if slug else None
    set_disposition(call=call, disposition=disposition, actor=actor, **more)


def test_a_callback_asked_for_after_completion_lets_the_channel_go_on(supervisor):
    call = connected()
    end(call)
    Channel.objects.filter(pk=call.channel_id).update(status="completed", finished_at=timezone.now())
    said_by_a_person(call, "callback", supervisor, callback_at=timezone.now() + timedelta(hours=1))
    channel = Channel.objects.get(pk=call.channel_id)
    assert (channel.status, channel.finished_at) == ("running", None)
    assert status_of(call) == "callback"


def test_a_callback_that_moves_nobody_does_not_let_a_completed_channel_go_on(supervisor):
    call = connected()
    # A number that can't be called, at no time.
    invalid = Ending(ended=Ended.FAILED, code=3000, cause="Invalid", permanent=True)
    progress.end(call_id=call.pk, ending=invalid, data={})
    Channel.objects.filter(pk=call.channel_id).update(status="completed", finished_at=timezone.now())
    said_by_a_person(call, "callback", supervisor)
    assert Channel.objects.get(pk=call.channel_id).status == "completed"
    assert status_of(call) == "failed"


def test_a_callback_of_an_earlier_run_starts_nothing(supervisor):
    call = connected()
    end(call)
    Channel.objects.filter(pk=call.channel_id).update(run=2)
    said_by_a_person(call, "callback", supervisor)
    assert status_of(call) == "completed"


def test_the_time_of_a_callback_can_be_changed(supervisor):
    call = connected()
    end(call)
    later = (timezone.now() + timedelta(hours=7)).replace(microsecond=0)
    said_by_a_person(call, "callback", supervisor, callback_at=timezone.now() + timedelta(hours=1))
    said_by_a_person(call, "callback", supervisor, callback_at=later)
    assert Enrollment.objects.get(pk=call.enrollment_id).due_at == later


def test_a_disposition_counts_although_a_later_call_was_never_placed(supervisor):
    call = connected()
    end(call)
    CallFactory(enrollment=call.enrollment, outcome=Outcome.WITHDRAWN, accepted_at=None, attempt=2)
    said_by_a_person(call, "no_decision", supervisor)
    assert status_of(call) == "unsuccessful"


def test_a_disposition_can_be_changed_and_cleared(supervisor):
    call = connected()
    end(call)
    said_by_a_person(call, "no_decision", supervisor)
    assert status_of(call) == "unsuccessful"
    said_by_a_person(call, "interested", supervisor)
    assert status_of(call) == "completed"
    said_by_a_person(call, None, supervisor)
    call.refresh_from_db()
    assert (call.disposition, status_of(call)) == (None, "completed")


def test_notes_are_kept_as_far_as_the_database_can_hold_them(supervisor):
    call = connected()
    set_notes(call=call, notes="  Rang\0 twice. ", actor=supervisor)
    call.refresh_from_db()
    assert call.notes == "Rang twice."
