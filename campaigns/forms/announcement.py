"""The part of the editor's first tab that tells what is announced, and what keys do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from campaigns.forms.addresses import check_recording_address
from campaigns.forms.fields import JudgedByForm, Line, Text, WholeNumber
from campaigns.forms.tabs import Column, TabForm
from campaigns.models import (
    AnnouncementSource,
    SpeakingVoice,
    SpokenLanguage,
    TalkTo,
    VoiceDestination,
    VoiceSettings,
)
from campaigns.models.voice import KEYS, ONLY_VOICE
from contacts.phone_numbers import Rejection, dialable

KEY_FIELDS = ("talk_key", "opt_out_key", "repeat_key")
# What is filled in with fields of the contact.
TEXTS = ("announcement_text", "nobody_text", "goodbye_text")
# Left out by what sends the form, these stay as they are.
CHOICES = ("announcement_source", "language", "speaking_voice", "talk_to")


def _most(name: str) -> int | None:
    length: int | None = getattr(VoiceSettings._meta.get_field(name), "max_length", None)
    return length


class KeptChoice(JudgedByForm, forms.ChoiceField):
    """Counts only for an announcement; what is not sent stays as it is."""


class KeptNumber(JudgedByForm, WholeNumber):
    """Likewise."""


class KeptLine(JudgedByForm, Line):
    """Likewise."""


class KeptText(JudgedByForm, Text):
    """Likewise."""


class AnnouncementForm(TabForm):
    columns: ClassVar[Mapping[str, Column]] = {
        name: Column("voice", name, called)
        for name, called in {
            "announcement_source": "what is announced",
            "announcement_text": "announcement",
            "announcement_url": "recording that is announced",
            "language": "language of the announcement",
            "speaking_voice": "voice of the announcement",
            "talk_key": "key to talk to someone",
            "opt_out_key": "key to opt out",
            "repeat_key": "key to hear it again",
            "key_wait_seconds": "wait for a key",
            "talk_to": "whom a key connects to",
            "talk_number": "number that a key connects to",
            "nobody_text": "words when nobody answers",
            "goodbye_text": "words after opting out",
        }.items()
    }
    # Two keys that are exchanged are saved together, or neither is.
    held_back_with: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **dict.fromkeys(KEY_FIELDS, KEY_FIELDS),
        "speaking_voice": ("language",),
    }

    announcement_source = KeptChoice(
        label="What is announced", choices=AnnouncementSource.choices, widget=forms.RadioSelect
    )
    announcement_text = KeptText(
        label="Text",
        max_length=_most("announcement_text"),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "true"}),
        help_text="Read aloud. Say what the keys do, too. Fields of the contact are filled in.",
    )
    language = KeptChoice(label="Language", choices=SpokenLanguage.choices)
    speaking_voice = KeptChoice(label="Voice", choices=SpeakingVoice.choices)
    announcement_url = KeptLine(
        label="Address of the recording",
        max_length=_most("announcement_url"),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text="An MP3 or WAV file of at most 10 MB that the carrier can fetch: "
        "https://files.example.com/hello.mp3.",
    )
    talk_key = forms.ChoiceField(label="To talk to someone", required=False, choices=[("", "No key"), *KEYS])
    opt_out_key = forms.ChoiceField(
        label="To opt out of calls", required=False, choices=[("", "No key"), *KEYS]
    )
    repeat_key = forms.ChoiceField(label="To hear it again", required=False, choices=[("", "No key"), *KEYS])
    key_wait_seconds = KeptNumber.of(
        VoiceSettings,
        "key_wait_seconds",
        unit="seconds",
        label="Wait for a key, in seconds",
        help_text="After the announcement’s end: 5 to 60 seconds. Then the call ends.",
    )
    talk_to = KeptChoice(label="Talk to", choices=TalkTo.choices, widget=forms.RadioSelect)
    talk_number = KeptLine(
        label="Phone number",
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
        help_text="As you would write it: (415) 555-0132, or +44 20 7946 0018.",
    )
    nobody_text = KeptLine(
        label="Said when nobody is free to talk",
        max_length=_most("nobody_text"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    goodbye_text = KeptLine(
        label="Said to people who opt out",
        max_length=_most("goodbye_text"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Their number goes onto do-not-contact: nobody calls it again.",
    )

    @property
    def key_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in KEY_FIELDS]

    def _is_announced(self) -> bool:
        return self.cleaned_data.get("destination") == VoiceDestination.ANNOUNCEMENT

    def _fill_gaps(self) -> None:
        """What was not sent, or left empty where nothing makes no sense, stays as it is."""
        for name in (*CHOICES, "key_wait_seconds", "nobody_text", "goodbye_text"):
            if self.cleaned_data.get(name, "") in ("", None) and name not in self.errors:
                self.cleaned_data[name] = getattr(self.rows.voice, name)
        for name in KEY_FIELDS:
            if name not in self.data:
                self.cleaned_data[name] = getattr(self.rows.voice, name)

    def clean_announcement_url(self) -> str:
        url: str = self.cleaned_data["announcement_url"]
        if url:
            check_recording_address(url, allow_private=settings.ALLOW_PRIVATE_ADDRESSES)
        return url

    def clean_talk_number(self) -> str:
        written: str = self.cleaned_data["talk_number"]
        number = dialable(written, settings.DEFAULT_COUNTRY) if written else ""
        if isinstance(number, Rejection):
            raise ValidationError(f"{number}.", code="invalid")
        return number

    def clean_announcement(self) -> None:
        """What fits together, and what may be missing from a draft only."""
        self._fill_gaps()
        cleaned = self.cleaned_data
        only = ONLY_VOICE.get(cleaned.get("language", ""))
        if only and cleaned.get("speaking_voice") not in (None, only):
            name = SpeakingVoice(only).label.lower()
            self.add_error(
                "speaking_voice", ValidationError(f"This language has {name} voice only.", code="voice")
            )
        taken: dict[str, str] = {}
        for name in KEY_FIELDS:
            key = cleaned.get(name)
            if key and key in taken:
                does = str(self.fields[taken[key]].label).lower()
                self.add_error(name, ValidationError(f"{key} is the key {does} already.", code="taken"))
            elif key:
                taken[key] = name
        if self._is_announced() and self.was_started:
            self._require(cleaned)

    def _require(self, cleaned: Mapping[str, Any]) -> None:
        is_text = cleaned.get("announcement_source") == AnnouncementSource.TEXT
        needed = (
            {"announcement_text": "Write what is read aloud."}
            if is_text
            else {"announcement_url": "Give the address of the recording."}
        )
        if cleaned.get("talk_key") and cleaned.get("talk_to") == TalkTo.NUMBER:
            needed["talk_number"] = "Enter the number to connect to."
        for name, missing in needed.items():
            if cleaned.get(name) == "":
                self.add_error(name, ValidationError(missing, code="required"))
