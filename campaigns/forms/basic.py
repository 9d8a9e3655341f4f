"""The editor's first tab: what the campaign is called, whom it connects, and how it calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.forms.boundfield import BoundWidget

from campaigns.changes import has_fixed_name
from campaigns.forms import prompt as prompts
from campaigns.forms.announcement import TEXTS, AnnouncementForm
from campaigns.forms.fields import JudgedByForm, Line, Text, WholeNumber
from campaigns.forms.tabs import Column
from campaigns.models import (
    Assistant,
    AssistantKind,
    AssistantPool,
    CallerId,
    Campaign,
    TalkTo,
    VoiceDestination,
    VoiceSettings,
)
from interface.templatetags.interface import phone_text


class NeededToStart(JudgedByForm, forms.ModelChoiceField):  # type: ignore[type-arg]
    """A draft may do without it."""


class CallerIdChoice(NeededToStart):
    def label_from_instance(self, caller_id: CallerId) -> str:
        number = phone_text(caller_id.phone_number)
        label = f"{caller_id.name}: {number}" if caller_id.name else number
        return label if caller_id.is_active else f"{label} (not active)"


class AssistantChoice(NeededToStart):
    def label_from_instance(self, assistant: Assistant) -> str:
        label = f"{assistant.name} (SIP)" if assistant.kind == AssistantKind.SIP else assistant.name
        return label if assistant.is_active else f"{label} (not active)"


# Each destination as its card shows it: what happens to whoever answers.
DESTINATIONS = {
    VoiceDestination.ASSISTANT: ("Assistant", "They talk with an AI assistant, by WebSocket or SIP."),
    VoiceDestination.POOL: (
        "Pool of assistants",
        "They talk with one of several: the one with the fewest calls.",
    ),
    VoiceDestination.ANNOUNCEMENT: (
        "Recorded announcement",
        "They hear a message, and may press a key to talk to someone or to opt out.",
    ),
    VoiceDestination.HANGUP: ("Hang up", "Nobody talks: for testing lists, hours and pace."),
}


NEEDED_BY_DESTINATION = ("assistant", "pool", "announcement_text", "announcement_url", "talk_number")


@dataclass(frozen=True)
class DestinationCard:
    radio: BoundWidget
    name: str
    help: str


class PoolChoice(NeededToStart):
    def label_from_instance(self, pool: AssistantPool) -> str:
        return pool.name if pool.is_active else f"{pool.name} (not active)"


class BasicForm(AnnouncementForm):
    slug = "basic"
    title = "Basic"
    columns: ClassVar[Mapping[str, Column]] = {
        "name": Column("campaign", "name", "name"),
        "description": Column("campaign", "description", "description"),
        "destination": Column("voice", "destination", "destination"),
        "assistant": Column("voice", "assistant", "assistant"),
        "pool": Column("voice", "pool", "pool"),
        "caller_id": Column("voice", "caller_id", "caller ID"),
        "dial_timeout_seconds": Column("voice", "dial_timeout_seconds", "dial timeout"),
        "prompt": Column("voice", "prompt", "custom prompt"),
        **AnnouncementForm.columns,
    }
    held_back_with: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **AnnouncementForm.held_back_with,
        **dict.fromkeys(
            ("assistant", "pool", "announcement_text", "announcement_url", "talk_number"), ("destination",)
        ),
    }

    name = Line(
        max_length=Campaign._meta.get_field("name").max_length,
        error_messages={"required": "Give the campaign a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    description = Line(
        required=False,
        max_length=Campaign._meta.get_field("description").max_length,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Shown under the name. What is this campaign for?",
    )
    destination = forms.ChoiceField(
        choices=[(destination.value, name) for destination, (name, _) in DESTINATIONS.items()],
        widget=forms.RadioSelect,
    )
    assistant = AssistantChoice(queryset=Assistant.objects.none(), empty_label="Choose an assistant")
    pool = PoolChoice(queryset=AssistantPool.objects.none(), empty_label="Choose a pool")
    caller_id = CallerIdChoice(
        label="Caller ID",
        queryset=CallerId.objects.none(),
        empty_label="Choose a number",
        help_text="The number people see when we call.",
    )
    dial_timeout_seconds = WholeNumber.of(
        VoiceSettings,
        "dial_timeout_seconds",
        unit="seconds",
        label="Dial timeout, in seconds",
        help_text="How long it rings before we give up: 15 to 120 seconds.",
    )
    prompt = Text(
        label="Custom prompt",
        required=False,
        max_length=VoiceSettings._meta.get_field("prompt").max_length,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "true"}),
        help_text="Handed to the assistant with each call. Fields of the contact are filled in.",
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for name in ("name", "description") if has_fixed_name(self.rows.campaign) else ():
            self.fields[name].disabled = True
        voice = self.rows.voice
        self.fields["assistant"].queryset = _offered(Assistant.objects.all(), voice.assistant_id).order_by(  # type: ignore[attr-defined]
            "name"
        )
        self.fields["pool"].queryset = _offered(AssistantPool.objects.all(), voice.pool_id).order_by("name")  # type: ignore[attr-defined]
        self.fields["caller_id"].queryset = _offered(CallerId.objects.all(), voice.caller_id_id).order_by(  # type: ignore[attr-defined]
            "name", "phone_number"
        )
        if self.is_empty_draft:
            # Where there is one only, nobody needs to choose it.
            for name in ("assistant", "caller_id"):
                only = list(self.fields[name].queryset[:2])  # type: ignore[attr-defined]
                if len(only) == 1:
                    self.initial.setdefault(name, None)
                    self.initial[name] = self.initial[name] or only[0].pk

    @cached_property
    def custom_fields(self) -> list[str]:
        return prompts.custom_fields()

    @cached_property
    def known_fields(self) -> list[str]:
        return [*prompts.standard_fields(), *self.custom_fields]

    def clean_caller_id(self) -> CallerId | None:
        caller_id: CallerId | None = self.cleaned_data["caller_id"]
        if caller_id is None and self.was_started:
            raise ValidationError("Choose the number to call from.", code="required")
        return caller_id

    @property
    def destination_cards(self) -> list[DestinationCard]:
        return [
            DestinationCard(radio, *DESTINATIONS[VoiceDestination(str(radio.data["value"]))])
            for radio in self["destination"]
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        self.clean_announcement()
        for name in ("prompt", *TEXTS):
            if problem := self._problem_with(cleaned.get(name, "")):
                self.add_error(name, problem)
        needed = {
            "assistant": (VoiceDestination.ASSISTANT, TalkTo.ASSISTANT, "Choose the assistant who talks."),
            "pool": (VoiceDestination.POOL, TalkTo.POOL, "Choose the pool whose assistants talk."),
        }
        for name, (destination, talk_to, missing) in needed.items():
            is_needed = self.was_started and self._connects(destination, talk_to)
            if is_needed and name in cleaned and cleaned[name] is None:
                self.add_error(name, ValidationError(missing, code="required"))
        return cleaned

    def _connects(self, destination: VoiceDestination, talk_to: TalkTo) -> bool:
        """Whether whoever answers, or presses the key for it, is connected there."""
        cleaned = self.cleaned_data
        by_key = bool(cleaned.get("talk_key")) and cleaned.get("talk_to") == talk_to
        return cleaned.get("destination") == destination or (self._is_announced() and by_key)

    def _problem_with(self, template: str) -> ValidationError | None:
        """What is wrong with a text that names fields of the contact."""
        if broken := prompts.broken_placeholder(template):
            return ValidationError(broken, code="broken_placeholder")
        if self.was_started and (unknown := self._unknown_fields(template)):
            return ValidationError(unknown, code="unknown_field")
        return None

    def _unknown_fields(self, template: str) -> str:
        unknown = prompts.unknown_fields(template, self.known_fields) if template else []
        return prompts.unknown_fields_message(unknown, self.known_fields) if unknown else ""

    def warnings(self) -> dict[str, str]:
        """A draft may name a field that the contacts will only have once they are uploaded."""
        found = {}
        for name in ("prompt", *TEXTS):
            template = self.cleaned_data.get(name, "") if self.is_bound else getattr(self.rows.voice, name)
            if unknown := self._unknown_fields(template):
                found[name] = unknown
        return found


def _offered(rows: QuerySet[Any], chosen: int | None) -> QuerySet[Any]:
    """The active ones, and the one chosen before, whatever became of it."""
    return rows.filter(Q(is_active=True) | Q(pk=chosen))
