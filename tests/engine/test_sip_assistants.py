"""Assistants by SIP, and those of either kind that can't be reached."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from campaigns.models import Enrollment
from dialer import assistants, progress
from dialer.carrier import Ended, Ending
from dialer.driving.errors import erring_channels
from dialer.models import Call
from tests.engine.test_hooks import TOKEN, document, tell
from tests.factories import AssistantFactory, ChannelFactory, ContactFactory, EnrollmentFactory, zone_set
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
ADDRESS = "sip:grace@assistant.example.com:5061;transport=tls"
COMPLETED = Ending(ended=Ended.ANSWERED, code=4010, cause="End Of XML Instructions", by="us")


@pytest.fixture(autouse=True)
def account(settings: Any) -> None:
    settings.PLIVO_AUTH_TOKEN = TOKEN
    settings.PUBLIC_URL = "https://calls.example.com"
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def ringing(channel: Any = None, *, assistant: Any = None, **options: Any) -> Call:
    assistant = assistant or AssistantFactory(kind="sip", url=ADDRESS)
    channel = channel or ChannelFactory(
        running=True, schedule__time_zone="UTC", voice__assistant=assistant, **options
    )
    enrollment = EnrollmentFactory(
        channel=channel, contact=ContactFactory(zone_set=zone_set()), status="calling"
    )
    return CallFactory(enrollment=enrollment, state="ringing", deadline_at=timezone.now())


def by_websocket() -> Any:
    return AssistantFactory(url="wss://assistant.example.com/talk")


def test_who_answers_is_connected_to_the_sip_address():
    call = ringing(voice__caller_id__phone_number="+14155550100", voice__record_calls=True)
    root = document(tell(call.pk, "answer"))
    assert [element.tag for element in root] == ["Record", "Dial"]
    dial = root.find("Dial")
    assert dial.find("User").text == ADDRESS
    assert dial.attrib["callerId"] == "14155550100"
    assert f"/hooks/plivo/{call.pk}/assistant/" in dial.attrib["action"]


def test_headers_hold_what_the_carrier_takes_and_open_the_call_to_the_assistant():
    call = ringing(voice__prompt="You call {{ first_name }}.")
    sent = document(tell(call.pk, "answer")).find("Dial").attrib["sipHeaders"]
    headers = dict(pair.split("=") for pair in sent.split(","))
    assert all(text.isalnum() and text.isascii() for pair in headers.items() for text in pair)
    assert max(map(len, headers.values())) <= 48
    assert assistants.is_token(int(headers["call"]), headers["token"])
    assert assistants.context(call_id=call.pk)["prompt"] == f"You call {call.contact.first_name}."


@pytest.mark.parametrize("status", ["completed", "COMPLETED", "cancel", "", "what?"])
def test_after_the_talk_the_call_ends_and_nothing_is_wrong(status):
    call = ringing()
    tell(call.pk, "answer")
    assert [element.tag for element in document(tell(call.pk, "assistant", DialStatus=status))] == ["Hangup"]
    progress.end(call_id=call.pk, ending=COMPLETED, data={})
    call.refresh_from_db()
    assert (call.outcome, call.is_error) == ("completed", False)


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "timeout"])
def test_an_assistant_that_is_not_reached_is_an_error_of_ours(status):
    call = ringing()
    tell(call.pk, "answer")
    for _ in range(3):
        root = document(tell(call.pk, "assistant", DialStatus=status))
    assert [element.tag for element in root] == ["Hangup"]
    progress.end(call_id=call.pk, ending=COMPLETED, data={})
    call.refresh_from_db()
    assert (call.outcome, call.is_error) == ("completed", True)
    assert call.hangup_cause.startswith("The assistant can’t be reached: ")
    assert call.events.filter(kind="assistant_missed").count() == 1
    # As with one by WebSocket: the contact was reached.
    assert Enrollment.objects.get(pk=call.enrollment_id).status == "completed"


def test_told_after_the_end_it_is_the_same():
    call = ringing()
    tell(call.pk, "answer")
    progress.end(call_id=call.pk, ending=COMPLETED, data={})
    tell(call.pk, "assistant", DialStatus="busy")
    call.refresh_from_db()
    assert (call.outcome, call.is_error) == ("completed", True)
    assert call.hangup_cause == "The assistant can’t be reached: busy"


def test_a_stream_that_never_began_is_an_assistant_not_reached():
    call = ringing(assistant=by_websocket())
    tell(call.pk, "answer")
    tell(call.pk, "stream", Event="DroppedStream")
    tell(call.pk, "stream", Event="DroppedStream")
    call.refresh_from_db()
    assert call.is_error
    assert call.events.filter(kind="assistant_missed").count() == 1


@pytest.mark.parametrize(
    "events", [["StartStream", "DroppedStream"], ["StartStream", "StopStream"], ["StopStream"]]
)
def test_a_stream_that_began_is_an_assistant_that_was_reached(events):
    call = ringing(assistant=by_websocket())
    tell(call.pk, "answer")
    for event in events:
        tell(call.pk, "stream", Event=event)
    call.refresh_from_db()
    assert not call.is_error


def test_too_many_of_them_pause_the_channel():
    first = ringing()
    calls = [first, *(ringing(first.channel) for _ in range(19))]
    for number, call in enumerate(calls):
        tell(call.pk, "answer")
        if number < 11:
            tell(call.pk, "assistant", DialStatus="failed")
        progress.end(call_id=call.pk, ending=COMPLETED, data={})
    told = [(first.channel_id, 11, "The assistant can’t be reached: the call to it failed")]
    assert erring_channels([first.channel_id]) == told


def test_of_an_erased_person_nothing_is_kept():
    call = ringing()
    Call.objects.filter(pk=call.pk).update(to_number="")
    tell(call.pk, "assistant", DialStatus="busy")
    assert not call.events.exists()
