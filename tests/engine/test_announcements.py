"""Announcements: what is said to whoever answers, and what comes of the keys they press, whenever told."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from django.utils import timezone

from campaigns.models import Disposition, Enrollment
from contacts.models import DoNotContact
from dialer import announcements, assistants, progress
from dialer.carrier import Ended, Ending
from dialer.models import Call
from tests.engine.test_hooks import TOKEN, document, tell
from tests.factories import AssistantFactory, ChannelFactory, ContactFactory, EnrollmentFactory, zone_set
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
COMPLETED = Ending(ended=Ended.ANSWERED, code=4000, cause="Normal Hangup", by="us", duration_seconds=9)


@pytest.fixture(autouse=True)
def account(settings: Any) -> None:
    settings.PLIVO_AUTH_TOKEN = TOKEN
    settings.PUBLIC_URL = "https://calls.example.com"
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def announced(contact: Any = None, **voice: Any) -> Call:
    """A call that rings, to be told an announcement."""
    settings = {"announcement_text": "Hello {{ first_name }}.", "talk_key": "1", "repeat_key": "2", **voice}
    channel = ChannelFactory(
        running=True,
        schedule__time_zone="UTC",
        voice__destination="announcement",
        **{f"voice__{name}": value for name, value in settings.items()},
    )
    contact = contact or ContactFactory(first_name="Ann", zone_set=zone_set())
    enrollment = EnrollmentFactory(channel=channel, contact=contact, status="calling")
    return CallFactory(enrollment=enrollment, state="ringing", deadline_at=timezone.now())


def press(call: Call, digit: str, turn: int = 1, times: int = 1, keys: str = "opt_out=9&talk=1&repeat=2"):
    for _ in range(times):
        response = tell(call.pk, "key", query=f"?turn={turn}&{keys}", CallUUID="c-1", Digits=digit)
        assert response.status_code == 200
    return document(response)


def tags(root: ElementTree.Element) -> list[str]:
    return [element.tag for element in root]


def ended(call: Call) -> Enrollment:
    progress.end(call_id=call.pk, ending=COMPLETED, data={})
    return Enrollment.objects.get(pk=call.enrollment_id)


def listed(call: Call) -> list[tuple[str, str]]:
    return list(DoNotContact.objects.filter(phone_number=call.to_number).values_list("source", "scope"))


# --- What is said ------------------------------------------------------------------------------------------


def test_a_text_is_read_aloud_with_the_contacts_fields_and_a_key_is_waited_for():
    call = announced(language="en-GB", speaking_voice="man", key_wait_seconds=20)
    root = document(tell(call.pk, "answer"))
    assert tags(root) == ["GetInput", "Hangup"]
    asks = root.find("GetInput")
    assert asks.attrib["numDigits"] == "1"
    assert asks.attrib["executionTimeout"] == "20"
    assert f"/hooks/plivo/{call.pk}/key/?turn=1&opt_out=9&talk=1&repeat=2#" in asks.attrib["action"]
    said = asks.find("Speak")
    assert (said.text, said.attrib) == ("Hello Ann.", {"voice": "MAN", "language": "en-GB"})


def test_without_keys_it_is_said_and_the_call_ends():
    call = announced(talk_key="", opt_out_key="", repeat_key="")
    assert tags(document(tell(call.pk, "answer"))) == ["Speak", "Hangup"]


def test_a_recording_is_played():
    url = "https://files.example.com/hello.mp3?a=1&b=2"
    call = announced(announcement_source="recording", announcement_url=url)
    assert document(tell(call.pk, "answer")).find("GetInput/Play").text == url


def test_it_is_recorded_once():
    call = announced(record_calls=True)
    assert tags(document(tell(call.pk, "answer"))) == ["Record", "GetInput", "Hangup"]
    assert tags(press(call, "2")) == ["GetInput", "Hangup"]


@pytest.mark.parametrize("text", ["{{ company }}", "{{ nothing }}", "\x01{{ company }}"])
def test_nothing_to_say_ends_the_call(text):
    assert tags(document(tell(announced(announcement_text=text).pk, "answer"))) == ["Hangup"]


def test_whatever_a_contacts_fields_hold_stays_a_document_of_a_decent_size():
    contact = ContactFactory(
        first_name="<b>&]]>\x02" * 9, fields={"story": "<&" * 40_000}, zone_set=zone_set()
    )
    call = announced(contact, announcement_text="{{ first_name }} {{ story }}")
    response = tell(call.pk, "answer")
    assert document(response).find("GetInput/Speak").text.startswith("<b>&]]>")
    assert len(response.content) < 100 * 1024


def test_it_is_completed_when_it_was_played_to_the_end():
    call = announced()
    tell(call.pk, "answer")
    assert ended(call).status == "completed"


# --- Opting out --------------------------------------------------------------------------------------------


def test_who_opts_out_is_told_so_and_never_called_again():
    call = announced(goodbye_text="Goodbye, {{ first_name }}.")
    tell(call.pk, "answer")
    root = press(call, "9")
    assert tags(root) == ["Speak", "Hangup"]
    assert root.find("Speak").text == "Goodbye, Ann."
    assert listed(call) == [("keypress", "voice")]
    assert ended(call).status == "do_not_call"
    call.refresh_from_db()
    assert call.disposition.slug == "do_not_call"


def test_a_key_told_five_times_counts_once():
    call = announced()
    tell(call.pk, "answer")
    first = press(call, "9")
    assert ElementTree.tostring(press(call, "9", times=4)) == ElementTree.tostring(first)
    assert call.events.filter(kind="key").count() == 1
    assert listed(call) == [("keypress", "voice")]


@pytest.mark.parametrize("before", ["", "5", "1"], ids=["silence", "another key", "to talk"])
def test_an_opt_out_counts_whatever_was_told_of_the_same_turn_before(before):
    call = announced()
    tell(call.pk, "answer")
    press(call, before)
    assert press(call, "9", times=2).find("Speak").text == "You will not be called again. Goodbye."
    assert listed(call) == [("keypress", "voice")]
    assert ended(call).status == "do_not_call"


def test_an_opt_out_heard_of_after_the_end_counts_all_the_same():
    call = announced()
    tell(call.pk, "answer")
    assert ended(call).status == "completed"
    assert tags(press(call, "9", times=2)) == ["Hangup"]
    assert listed(call) == [("keypress", "voice")]
    assert Enrollment.objects.get(pk=call.enrollment_id).status == "do_not_call"


def test_an_opt_out_heard_of_before_the_answer_counts_too():
    call = announced()
    press(call, "9")
    tell(call.pk, "answer")
    assert ended(call).status == "do_not_call"


def test_a_key_means_what_it_was_said_to_mean_whatever_was_changed_since():
    call = announced()
    tell(call.pk, "answer")
    voice = call.channel.voice
    voice.opt_out_key, voice.talk_key = "1", "9"
    voice.save()
    press(call, "9")
    assert listed(call) == [("keypress", "voice")]


def test_an_opt_out_counts_when_its_campaign_is_gone():
    call = announced()
    tell(call.pk, "answer")
    Call.objects.filter(pk=call.pk).update(channel=None, enrollment=None, campaign=None)
    assert tags(press(call, "9")) == ["Hangup"]
    assert listed(call) == [("keypress", "voice")]


def test_what_a_person_said_of_the_call_stays():
    call = announced()
    call.events.create(kind="disposition", data={})
    wanted = Disposition.objects.get(slug="interested")
    Call.objects.filter(pk=call.pk).update(disposition=wanted)
    press(call, "9")
    call.refresh_from_db()
    assert call.disposition == wanted
    assert listed(call) == [("keypress", "voice")]


@pytest.mark.parametrize("times", [1, 2])
def test_there_is_a_disposition_for_who_opts_out_whatever_became_of_the_others(times):
    Disposition.objects.all().delete()
    for _ in range(times):
        call = announced()
        press(call, "9")
        assert ended(call).status == "do_not_call"
        Disposition.objects.update(effect="")


def test_an_erased_persons_key_leaves_nothing():
    call = announced()
    Call.objects.filter(pk=call.pk).update(to_number="")
    assert tags(press(call, "9")) == ["Hangup"]
    assert not DoNotContact.objects.exists()
    assert not call.events.exists()


# --- Talking, hearing it again, other keys -----------------------------------------------------------------


def test_who_wants_to_talk_is_connected_to_the_assistant():
    assistant = AssistantFactory(url="wss://assistant.example.com/talk")
    call = announced(assistant=assistant)
    tell(call.pk, "answer")
    call.refresh_from_db()
    assert call.assistant_id is None
    stream = press(call, "1").find("Stream")
    assert stream.text == assistant.url
    assert assistants.token(call.pk) in stream.attrib["extraHeaders"]
    call.refresh_from_db()
    assert (call.assistant, call.assistant_name) == (assistant, assistant.name)


def test_who_wants_to_talk_is_connected_to_a_number():
    call = announced(talk_to="number", talk_number="+12125550199", caller_id__phone_number="+14155550100")
    tell(call.pk, "answer")
    dial = press(call, "1").find("Dial")
    assert dial.find("Number").text == "12125550199"
    assert dial.attrib["callerId"] == "14155550100"
    assert f"/hooks/plivo/{call.pk}/talked/" in dial.attrib["action"]
    call.refresh_from_db()
    assert call.assistant_id is None


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "timeout", "cancel", "", "what?"])
def test_who_reaches_nobody_is_told_so(status):
    call = announced(nobody_text="Nobody here.", talk_to="number", talk_number="+12125550199")
    tell(call.pk, "answer")
    root = document(tell(call.pk, "talked", DialStatus=status))
    assert root.find("Speak").text == "Nobody here."
    tell(call.pk, "talked", DialStatus=status)
    assert call.events.filter(kind="talked").count() == 1
    assert ended(call).status == "completed"


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
def test_whose_assistant_by_sip_can_not_be_reached_is_told_so(status):
    assistant = AssistantFactory(kind="sip", url="sip:grace@assistant.example.com")
    call = announced(nobody_text="Nobody here.", talk_to="assistant", assistant=assistant)
    tell(call.pk, "answer")
    press(call, "1")
    root = document(tell(call.pk, "assistant", DialStatus=status))
    assert root.find("Speak").text == "Nobody here."
    assert ended(call).status == "completed"
    assert tags(document(tell(call.pk, "assistant", DialStatus=status))) == ["Hangup"]


def test_after_a_talk_the_call_ends():
    call = announced(talk_to="number", talk_number="+12125550199")
    tell(call.pk, "answer")
    assert tags(document(tell(call.pk, "talked", DialStatus="completed"))) == ["Hangup"]


@pytest.mark.parametrize("digit", ["2", "5", "*", "", "99"])
def test_any_other_key_says_it_again(digit):
    call = announced()
    tell(call.pk, "answer")
    assert "turn=2" in press(call, digit).find("GetInput").attrib["action"]


def test_it_is_not_said_for_ever():
    call = announced()
    tell(call.pk, "answer")
    for turn in range(1, announcements.MOST_TURNS):
        assert tags(press(call, "2", turn)) == ["GetInput", "Hangup"]
    assert tags(press(call, "2", announcements.MOST_TURNS)) == ["Hangup"]
    assert call.events.filter(kind="key").count() == announcements.MOST_TURNS


@pytest.mark.parametrize(
    "query", ["", "?turn=x&opt_out=", "?turn=-5", "?turn=99999999999&talk=1", "?opt_out=99"]
)
def test_an_address_that_is_none_of_ours_does_nothing(query):
    call = announced()
    tell(call.pk, "answer")
    for digit in ("", "9", "99", "😀"):
        assert tell(call.pk, "key", query=query, Digits=digit).status_code == 200
    assert not DoNotContact.objects.exists()


def test_a_key_of_a_call_that_is_not_there_ends_it():
    assert tags(document(tell(10**9, "key", query="?turn=1&opt_out=9", Digits="9"))) == ["Hangup"]
    assert tags(document(tell(10**9, "talked", DialStatus="busy"))) == ["Hangup"]


def test_what_is_not_signed_opts_nobody_out():
    call = announced()
    assert tell(call.pk, "key", token="another", query="?turn=1&opt_out=9", Digits="9").status_code == 403
    assert not DoNotContact.objects.exists()


# --- What the call keeps of it -----------------------------------------------------------------------------


def kept(call: Call) -> tuple[str, str]:
    call.refresh_from_db()
    return call.pressed, call.pressed_for


@pytest.mark.parametrize(
    ("digits", "pressed"),
    [
        ("", ("", "")),
        ("5", ("5", "")),
        ("*", ("*", "")),
        ("2", ("2", "repeat")),
        ("1", ("1", "talk")),
        ("9", ("9", "opt_out")),
        # Of several, that which asks for most; of others, the last.
        ("25", ("2", "repeat")),
        ("57", ("7", "")),
        ("21", ("1", "talk")),
        ("12", ("1", "talk")),
        ("192", ("9", "opt_out")),
    ],
)
def test_a_call_keeps_the_key_that_asked_for_most(digits, pressed):
    call = announced(assistant=AssistantFactory())
    tell(call.pk, "answer")
    for turn, digit in enumerate(digits or [""], 1):
        press(call, digit, turn)
    assert kept(call) == pressed
    ended(call)
    assert kept(call) == pressed


@pytest.mark.parametrize("digit", ["99", "😀", "a", "１"])
def test_what_is_no_key_of_a_telephone_is_not_kept(digit):
    call = announced()
    tell(call.pk, "answer")
    press(call, digit)
    assert kept(call) == ("", "")


def test_a_key_heard_of_after_the_end_is_kept():
    call = announced()
    tell(call.pk, "answer")
    ended(call)
    press(call, "9", times=2)
    assert kept(call) == ("9", "opt_out")


def test_a_key_is_told_in_words():
    assert Call().pressed_in_words == ""
    assert Call(pressed="5").pressed_in_words == "Pressed 5"
    assert Call(pressed="1", pressed_for="talk").pressed_in_words == "Pressed 1: talk to someone"
    assert Call(pressed="9", pressed_for="opt_out").pressed_in_words == "Pressed 9: opted out"
