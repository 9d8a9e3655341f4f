"""Each destination, over real HTTP, with the simulated carrier and what it does to its callees."""

from __future__ import annotations

import pytest

from campaigns.models import Enrollment
from contacts.models import DoNotContact
from dialer.models import Call
from tests.engine.conftest import campaign_of, check_invariants, started
from tests.factories import AssistantFactory, AssistantPoolFactory

pytestmark = pytest.mark.django_db(transaction=True)

OPTS_OUT, HEARS_IT_AGAIN, TALKS, PRESSES_NOTHING = (f"+1212555{n}" for n in ("0019", "0020", "0021", "0022"))
HANGS_UP, TOLD_TWICE, IS_A_MACHINE = (f"+1212555{n}" for n in ("0007", "0015", "0006"))
NOBODY_ANSWERS = "+12125550003"


def announcing(*numbers, **voice):
    settings = {
        "destination": "announcement",
        "announcement_text": "Hello. Press 1 to talk to someone, 2 to hear this again, or 9 to opt out.",
        "talk_key": "1",
        "repeat_key": "2",
        "key_wait_seconds": 5,
        "assistant": None,
        "talk_to": "number",
        "talk_number": "+12125550018",
        **voice,
    }
    return campaign_of(*numbers, **{f"voice__{name}": value for name, value in settings.items()})


def statuses(channel):
    places = Enrollment.objects.filter(channel=channel).select_related("contact")
    return {place.contact.phone_number: place.status for place in places}


def keys_of(number):
    events = Call.objects.get(to_number=number).events.filter(kind="key").order_by("id")
    return [event.data["Digits"] for event in events]


# --- Announcements -----------------------------------------------------------------------------------------


def test_what_callees_press_is_done(engine):
    channel = started(announcing(OPTS_OUT, HEARS_IT_AGAIN, PRESSES_NOTHING, HANGS_UP))
    engine.start().wait_completed(channel)
    assert statuses(channel) == {
        OPTS_OUT: "do_not_call",
        HEARS_IT_AGAIN: "completed",
        PRESSES_NOTHING: "completed",
        HANGS_UP: "completed",
    }
    listed = DoNotContact.objects.get()
    assert (listed.phone_number, listed.source, listed.scope) == (OPTS_OUT, "keypress", "voice")
    assert Call.objects.get(to_number=OPTS_OUT).disposition.slug == "do_not_call"
    assert keys_of(OPTS_OUT) == ["9"]
    # The simulated callee presses it as often as it is asked, up to three times.
    assert keys_of(HEARS_IT_AGAIN) == ["2", "2", "2"]
    assert keys_of(PRESSES_NOTHING) == keys_of(HANGS_UP) == []
    assert Call.objects.get(to_number=HANGS_UP).hangup_by == "contact"
    check_invariants(engine.carrier)


def test_who_opted_out_is_not_called_by_the_next_campaign(engine):
    engine.start().wait_completed(started(announcing(OPTS_OUT)))
    contact = Enrollment.objects.get().contact
    later = announcing(1)
    later.lists.get().memberships.update(contact=contact)
    engine.wait_completed(started(later))
    assert statuses(later) == {OPTS_OUT: "do_not_call"}
    assert Call.objects.count() == 1


def test_an_opt_out_that_is_told_twice_counts_once(engine):
    channel = started(announcing(TOLD_TWICE))
    press_when_asked(engine, channel, "9")
    engine.wait_completed(channel)
    assert statuses(channel) == {TOLD_TWICE: "do_not_call"}
    assert keys_of(TOLD_TWICE) == ["9"]


def press_when_asked(engine, channel, digits):
    """Press keys on the channel's only call, once it is answered."""
    engine.start()
    engine.wait_for(lambda: Call.objects.filter(channel=channel, state="connected").exists())
    call = Call.objects.get(channel=channel)
    engine.carrier.press(call.carrier_id, digits)


def test_who_talks_to_a_person_is_connected_and_the_call_ends_with_it(engine):
    # The number dialed hangs up two seconds after it answered.
    channel = started(announcing(TALKS, talk_number=HANGS_UP))
    engine.start().wait_completed(channel)
    assert statuses(channel) == {TALKS: "completed"}
    call = Call.objects.get()
    assert call.events.get(kind="talked").data["DialStatus"] == "completed"
    assert call.assistant is None


def test_who_finds_nobody_to_talk_to_is_told_so(engine):
    # The callee has the patience to wait for it.
    engine.carrier.set(talk_seconds=600, talk_sigma=0, no_answer_seconds=10)
    channel = started(announcing(TALKS, talk_number=NOBODY_ANSWERS))
    engine.start().wait_completed(channel)
    assert statuses(channel) == {TALKS: "completed"}
    assert Call.objects.get().events.get(kind="talked").data["DialStatus"] == "no-answer"


def test_who_talks_to_an_assistant_is_reported_on(engine):
    url = f"{engine.carrier.base_url.replace('http', 'ws')}/assistant/grace/"
    assistant = AssistantFactory(url=url)
    channel = started(announcing(TALKS, PRESSES_NOTHING, assistant=assistant, talk_to="assistant"))
    engine.start().wait_completed(channel)
    assert Call.objects.get(to_number=TALKS).assistant == assistant
    assert Call.objects.get(to_number=PRESSES_NOTHING).assistant is None
    engine.wait_for(lambda: hasattr(Call.objects.get(to_number=TALKS), "transcript"))


def test_a_machine_is_left_its_message_and_hears_no_announcement_to_the_end(engine):
    voice = {"machine_detection": "detect", "on_machine": "message", "voicemail_message": "Call us."}
    channel = started(announcing(IS_A_MACHINE, **voice))
    engine.start().wait_completed(channel)
    assert statuses(channel) == {IS_A_MACHINE: "voicemail"}
    assert Call.objects.get().message_left


def test_an_announcement_is_recorded_once(engine):
    channel = started(announcing(HEARS_IT_AGAIN, record_calls=True))
    engine.start().wait_completed(channel)
    engine.wait_for(lambda: hasattr(Call.objects.get(), "recording"))
    (call,) = engine.carrier.ledger()
    assert (call["digits_heard"], len(call["recordings"])) == ("222", 1)


# --- Assistants by SIP -------------------------------------------------------------------------------------


def by_sip(*numbers, **voice):
    assistant = AssistantFactory(kind="sip", url="sip:grace@assistant.example.com;transport=tls")
    settings = {"destination": "assistant", "assistant": assistant, "record_calls": True, **voice}
    return campaign_of(*numbers, **{f"voice__{name}": value for name, value in settings.items()})


def test_calls_are_connected_by_sip_and_recorded(engine):
    engine.carrier.set(dial_answer_rate=1)
    channel = started(by_sip(PRESSES_NOTHING, HANGS_UP))
    engine.start().wait_completed(channel)
    assert set(statuses(channel).values()) == {"completed"}
    assert not Call.objects.filter(is_error=True).exists()
    assert set(Call.objects.values_list("assistant_name", flat=True)) == {channel.voice.assistant.name}
    engine.wait_for(lambda: all(hasattr(call, "recording") for call in Call.objects.all()))


def test_an_assistant_by_sip_that_does_not_answer_pauses_the_channel(engine):
    engine.carrier.set(
        answer_rate=1,
        dial_answer_rate=0,
        talk_seconds=600,
        talk_sigma=0,
        forced_digits=False,
        machine_share=0,
    )
    channel = started(by_sip(60, concurrent_calls=5))
    engine.start()

    def paused():
        channel.refresh_from_db()
        return channel.status == "paused"

    engine.wait_for(paused, 60, "the channel to be paused")
    assert channel.pause_reason == "errors"
    assert "The assistant can’t be reached" in channel.pause_note
    assert Enrollment.objects.filter(channel=channel, status="pending").exists()


# --- Pools -------------------------------------------------------------------------------------------------


def test_the_others_of_a_pool_take_over_for_one_that_cannot_be_reached(engine):
    # Nobody asks to be called tomorrow: a channel with a callback goes on until then.
    engine.carrier.set(answer_rate=1, forced_digits=False, machine_share=0, callback_rate=0)
    url = f"{engine.carrier.base_url.replace('http', 'ws')}/assistant/grace/"
    grace, broken = AssistantFactory(name="Grace", url=url), AssistantFactory(name="Broken")
    pool = AssistantPoolFactory(members={grace: 1, broken: 1})
    channel = campaign_of(
        30, voice__destination="pool", voice__assistant=None, voice__pool=pool, voice__concurrent_calls=3
    )
    started(channel)
    engine.start().wait_completed(channel)
    missed = Call.objects.filter(is_error=True)
    assert set(missed.values_list("assistant_name", flat=True)) == {"Broken"}
    assert missed.count() < Call.objects.filter(assistant=grace, is_error=False).count()
    check_invariants(engine.carrier)
