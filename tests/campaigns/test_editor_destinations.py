"""Whom a campaign connects whoever answers to: what each destination needs, and what can’t be."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from campaigns.forms.addresses import check_recording_address
from campaigns.models import AssistantPool, Campaign, VoiceSettings
from campaigns.services import duplicate_campaign, start_refusals
from tests.campaigns.editing import NEW, edit, errors_of, typed
from tests.factories import (
    AssistantFactory,
    AssistantPoolFactory,
    ChannelFactory,
    ContactFactory,
    ListFactory,
)


def announced(**changes):
    text = "Hi {{ first_name }}, we open on Monday."
    return typed(**{"destination": "announcement", "announcement_text": text, **changes})


def saved():
    return VoiceSettings.objects.get()


# --- Announcements -----------------------------------------------------------------------------------------


def test_an_announcement_is_saved_with_its_keys(as_supervisor):
    response = as_supervisor.post(
        NEW,
        announced(
            language="de-DE",
            speaking_voice="man",
            talk_key="1",
            repeat_key="2",
            talk_to="number",
            talk_number="(415) 555-2671",
            key_wait_seconds="20",
            goodbye_text="Auf Wiederhören.",
        ),
    )
    assert response.status_code == 302
    voice = saved()
    assert (voice.destination, voice.announcement_text) == (
        "announcement",
        "Hi {{ first_name }}, we open on Monday.",
    )
    assert (voice.language, voice.speaking_voice) == ("de-DE", "man")
    assert (voice.talk_key, voice.opt_out_key, voice.repeat_key) == ("1", "9", "2")
    assert (voice.talk_to, voice.talk_number) == ("number", "+14155552671")
    assert (voice.key_wait_seconds, voice.goodbye_text) == (20, "Auf Wiederhören.")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("announcement_source", {"announcement_source": "song"}),
        ("announcement_text", {"announcement_text": "x" * 2001}),
        ("announcement_text", {"announcement_text": "bell\x07"}),
        ("announcement_text", {"announcement_text": "Hi {{ first_name"}),
        ("announcement_text", {"announcement_text": "Hi {{ }}"}),
        ("goodbye_text", {"goodbye_text": "{{"}),
        ("goodbye_text", {"goodbye_text": "x" * 301}),
        ("nobody_text", {"nobody_text": "}}"}),
        ("language", {"language": "tlh"}),
        ("speaking_voice", {"speaking_voice": "robot"}),
        ("speaking_voice", {"language": "sv-SE", "speaking_voice": "man"}),
        ("speaking_voice", {"language": "pt-PT", "speaking_voice": "woman"}),
        ("opt_out_key", {"talk_key": "9"}),
        ("repeat_key", {"repeat_key": "9"}),
        ("talk_key", {"talk_key": "#"}),
        ("talk_key", {"talk_key": "12"}),
        ("key_wait_seconds", {"key_wait_seconds": "4"}),
        ("key_wait_seconds", {"key_wait_seconds": "61"}),
        ("key_wait_seconds", {"key_wait_seconds": "soon"}),
        ("talk_to", {"talk_to": "agent"}),
        ("talk_number", {"talk_number": "12"}),
        ("talk_number", {"talk_number": "front desk"}),
        ("announcement_url", {"announcement_url": "http://files.example.com/a.mp3"}),
        ("announcement_url", {"announcement_url": "https://files.example.com/a.ogg"}),
        ("announcement_url", {"announcement_url": "https://10.0.0.1/a.mp3"}),
        ("announcement_url", {"announcement_url": "https:///a.mp3"}),
        ("announcement_url", {"announcement_url": "javascript:alert(1)"}),
        ("announcement_url", {"announcement_url": f"https://e.example/{'x' * 500}.mp3"}),
    ],
    ids=str,
)
def test_an_announcement_that_cannot_be_is_refused(as_supervisor, settings, field, changes):
    settings.ALLOW_PRIVATE_ADDRESSES = False
    response = as_supervisor.post(NEW, announced(**{"announcement_text": "Hi.", **changes}))
    assert response.status_code == 422
    assert list(errors_of(response)) == [field]
    assert not Campaign.objects.exists()


@pytest.mark.parametrize("url", ["https://files.example.com/a.MP3?b=1", "https://8.8.8.8:8443/x/y.wav"])
def test_recordings_outside_are_taken(url):
    check_recording_address(url, allow_private=False)


def test_recordings_inside_are_taken_where_that_is_meant():
    check_recording_address("http://127.0.0.1:8000/a.wav", allow_private=True)
    with pytest.raises(ValidationError):
        check_recording_address("https://127.0.0.1/a.wav", allow_private=False)


def test_a_draft_saves_itself_without_what_does_not_fit(as_supervisor):
    as_supervisor.post(NEW, announced(talk_key="1"))
    sent = announced(then="autosave", talk_key="9", opt_out_key="1", repeat_key="1", talk_number="what?")
    told = as_supervisor.post(edit(Campaign.objects.get()), sent).json()
    assert set(told["errors"]) == {"repeat_key", "talk_number"}
    voice = saved()
    # Keys are exchanged together, or not at all.
    assert (voice.talk_key, voice.opt_out_key, voice.repeat_key) == ("1", "9", "")


def test_a_form_that_knows_nothing_of_announcements_changes_nothing_of_them(as_supervisor):
    as_supervisor.post(NEW, announced(talk_key="1", repeat_key="2", language="de-DE"))
    gone = dict.fromkeys(("language", "speaking_voice", "talk_key", "repeat_key", "opt_out_key", "talk_to"))
    assert as_supervisor.post(edit(Campaign.objects.get()), announced(**gone)).status_code == 302
    voice = saved()
    assert (voice.talk_key, voice.opt_out_key, voice.repeat_key, voice.language) == ("1", "9", "2", "de-DE")


def test_an_unknown_field_is_warned_of_in_every_text(as_supervisor):
    as_supervisor.post(NEW, announced(goodbye_text="Bye {{ frist_name }}."))
    page = as_supervisor.get(edit(Campaign.objects.get())).content.decode()
    assert "did you mean “first_name”" in page


# --- What a start needs ------------------------------------------------------------------------------------


def refusals(**voice):
    channel = ChannelFactory(
        lists=[ListFactory(members=[ContactFactory()])],
        **{f"voice__{name}": value for name, value in {"destination": "announcement", **voice}.items()},
    )
    return [refusal.message for refusal in start_refusals(channel)]


@pytest.mark.parametrize(
    ("voice", "said"),
    [
        ({"announcement_text": "Hi."}, []),
        ({"announcement_text": " "}, ["The announcement has no text."]),
        ({"announcement_source": "recording"}, ["The announcement has no recording."]),
        ({"announcement_text": "Hi.", "assistant": None}, []),
        ({"announcement_text": "Hi.", "assistant": None, "talk_key": "1"}, ["No assistant is chosen."]),
        (
            {"announcement_text": "Hi.", "talk_key": "1", "talk_to": "number"},
            ["No phone number is given for people who press 1."],
        ),
        ({"announcement_text": "Hi.", "talk_to": "number"}, []),
    ],
    ids=str,
)
def test_a_start_needs_what_is_announced(db, voice, said):
    assert refusals(**voice) == said


def test_an_assistant_that_a_key_leads_to_has_to_be_active(db):
    assistant = AssistantFactory(name="Grace", is_active=False)
    told = refusals(announcement_text="Hi.", talk_key="1", assistant=assistant)
    assert told == ["The assistant Grace is not active."]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("announcement_text", {"announcement_text": ""}),
        ("announcement_url", {"announcement_source": "recording"}),
        ("assistant", {"talk_key": "1"}),
        ("talk_number", {"talk_key": "1", "talk_to": "number"}),
        ("announcement_text", {"announcement_text": "Hi {{ nickname }}"}),
    ],
    ids=str,
)
def test_what_was_started_keeps_what_it_needs(as_supervisor, field, changes):
    channel = ChannelFactory(paused=True, voice__destination="announcement")
    sent = {"caller_id": channel.voice.caller_id_id, "announcement_text": "Hi.", **changes}
    response = as_supervisor.post(edit(channel.campaign), typed(destination="announcement", **sent))
    assert response.status_code == 422
    assert list(errors_of(response)) == [field]


@pytest.mark.parametrize(
    ("members", "is_active", "said"),
    [
        ("one", True, []),
        ("one", False, ["The pool Evening is not active."]),
        ("none", True, ["The pool Evening has no active assistant."]),
        ("inactive", True, ["The pool Evening has no active assistant."]),
    ],
)
@pytest.mark.parametrize("voice", [{"destination": "pool"}, {"talk_key": "1", "talk_to": "pool"}], ids=str)
def test_a_pool_needs_somebody_to_take_calls(db, voice, members, is_active, said):
    who = {} if members == "none" else {AssistantFactory(is_active=members == "one"): 1}
    pool = AssistantPoolFactory(name="Evening", members=who, is_active=is_active)
    assert refusals(**{"announcement_text": "Hi.", "assistant": None, "pool": pool, **voice}) == said


def test_a_pool_has_to_be_chosen(db):
    assert refusals(destination="pool", assistant=None) == ["No pool is chosen."]


def test_a_campaign_is_saved_with_its_pool(as_supervisor):
    pool = AssistantPoolFactory()
    assert as_supervisor.post(NEW, typed(destination="pool", pool=pool.pk)).status_code == 302
    assert (saved().destination, saved().pool) == ("pool", pool)
    page = as_supervisor.get(Campaign.objects.get().get_absolute_url()).content.decode()
    assert pool.name in page


def test_what_was_started_keeps_its_pool(as_supervisor):
    channel = ChannelFactory(paused=True, voice__destination="pool", voice__pool=AssistantPoolFactory())
    sent = typed(destination="pool", pool="", caller_id=channel.voice.caller_id_id)
    response = as_supervisor.post(edit(channel.campaign), sent)
    assert response.status_code == 422
    assert list(errors_of(response)) == ["pool"]


def test_what_was_started_waits_with_its_new_destination_for_the_pool_that_is_missing(as_supervisor):
    channel = ChannelFactory(paused=True)
    sent = typed(
        destination="pool", assistant=channel.voice.assistant_id, caller_id=channel.voice.caller_id_id
    )
    assert as_supervisor.post(edit(channel.campaign), {**sent, "then": "pool"}).status_code == 302
    assert saved().destination == "assistant"


def test_a_pool_that_is_missing_is_made_and_comes_back_chosen(as_supervisor):
    response = as_supervisor.post(NEW, typed(destination="pool", then="pool"))
    assert response.url.startswith("/settings/pools/new/?next=")
    sent = {"name": "Evening", f"weight_{AssistantFactory().pk}": "1", "is_active": "on"}
    back = as_supervisor.post(response.url, sent).url
    assert back.endswith(f"pool={AssistantPool.objects.get().pk}")
    assert as_supervisor.get(back).status_code == 200


# --- Elsewhere ---------------------------------------------------------------------------------------------


def test_a_copy_announces_the_same(supervisor):
    channel = ChannelFactory(
        voice__destination="announcement", voice__announcement_text="Hi.", voice__repeat_key="3"
    )
    copy = duplicate_campaign(campaign=channel.campaign, actor=supervisor).channels.get().voice
    assert (copy.destination, copy.announcement_text, copy.repeat_key) == ("announcement", "Hi.", "3")


def test_the_channels_card_says_what_it_does(as_supervisor):
    channel = ChannelFactory(voice__destination="announcement")
    page = as_supervisor.get(channel.campaign.get_absolute_url()).content.decode()
    assert "Recorded announcement" in page
