"""The editor's third tab: pace, attempts, recording, machines and caps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField

from campaigns.forms.fields import JudgedByForm, Text, WholeNumber
from campaigns.forms.tabs import Column, TabForm
from campaigns.models import MachineAction, MachineDetection, ReattemptRule, VoiceSettings

MINUTES_IN = {"minutes": 1, "hours": 60, "days": 24 * 60}
MOST_DELAY_DAYS = 30
MOST_DELAY_MINUTES = MOST_DELAY_DAYS * MINUTES_IN["days"]
MOST_CALLS_PER_MINUTE = 60_000
# What the form proposes where there is no rule yet: (after, unit, times).
PROPOSED = {
    "no_answer": (2, "hours", 1),
    "busy": (15, "minutes", 2),
    "voicemail": (1, "days", 1),
    "failed": (1, "hours", 1),
}
# What a rule's fields are called after its outcome: retry_busy, retry_busy_after …
RULE_PARTS = ("", "_after", "_unit", "_times")
TUNING = ("detection_timeout_ms", "speech_threshold_ms", "end_of_speech_ms", "initial_silence_ms")


def in_largest_unit(minutes: int) -> tuple[int, str]:
    """A delay as a person would say it: 120 minutes are 2 hours."""
    for unit in ("days", "hours"):
        if minutes % MINUTES_IN[unit] == 0:
            return minutes // MINUTES_IN[unit], unit
    return minutes, "minutes"


def rules_in_words(attempts: int, rules: Mapping[str, tuple[int, int] | None]) -> str:
    """What the reattempt rules come to: "Up to 3 calls to each contact: …".

    ``rules``: outcome -> (delay in minutes, how many times), or None where nobody is called again.
    """
    if attempts == 1:
        return "Each contact is called once, whatever comes of it."
    parts = []
    # Of what the rules allow, the attempts leave room for this much.
    room, further = attempts - 1, sum(rule[1] for rule in rules.values() if rule)
    for outcome, label in ReattemptRule.Outcome.choices:
        if rule := rules.get(outcome):
            after, unit = in_largest_unit(rule[0])
            unit = unit.removesuffix("s") if after == 1 else unit
            most = min(rule[1], room)
            times = {1: "once", 2: "twice"}.get(most, f"{most} times")
            parts.append(f"after {label.lower()} again in {after:,} {unit}, at most {times}")
    if not parts:
        return f"Up to {attempts} calls are allowed, but no rule asks for a second one: each is called once."
    calls = f"Up to {1 + min(room, further)} calls to each contact: {'; '.join(parts)}"
    if len(parts) > 1 and further > room:
        together = {1: "once", 2: "twice"}.get(room, f"{room} times")
        return f"{calls}; no more than {together} in all."
    return f"{calls}."


class Tuning(JudgedByForm, WholeNumber):
    """Counts only while machines are detected."""


class Message(JudgedByForm, Text):
    """Counts only where it is left."""


@dataclass(frozen=True)
class RuleFields:
    """The four fields of one outcome's rule, for the template."""

    outcome: str
    label: str
    is_on: BoundField
    after: BoundField
    unit: BoundField
    times: BoundField

    @property
    def errors(self) -> list[str]:
        return [
            str(error) for field in (self.is_on, self.after, self.unit, self.times) for error in field.errors
        ]


class AdvancedForm(TabForm):
    slug = "advanced"
    title = "Advanced"
    columns: ClassVar[Mapping[str, Column]] = {
        name: Column("voice", name, called)
        for name, called in {
            "concurrent_calls": "concurrent calls",
            "calls_per_second": "calls per second",
            "calls_per_minute": "calls per minute",
            "attempts_per_contact": "attempts per contact",
            "record_calls": "recording",
            "machine_detection": "answering-machine detection",
            "detection_timeout_ms": "detection timeout",
            "speech_threshold_ms": "speech threshold",
            "end_of_speech_ms": "end-of-speech threshold",
            "initial_silence_ms": "initial-silence timeout",
            "on_machine": "what happens on a machine",
            "voicemail_message": "voicemail message",
            "max_attempts_per_day": "daily cap",
            "max_attempts_per_week": "weekly cap",
        }.items()
    }
    held_back_with: ClassVar[Mapping[str, tuple[str, ...]]] = {"voicemail_message": ("on_machine",)}

    concurrent_calls = WholeNumber(
        least=1, most=1, label="Concurrent calls", help_text="At most this many calls at a time."
    )
    calls_per_second = WholeNumber(
        least=1,
        most=1,
        label="Calls per second",
        help_text="Evenly spaced: 5 a second start 200 ms apart.",
    )
    calls_per_minute = WholeNumber(
        least=1,
        most=MOST_CALLS_PER_MINUTE,
        required=False,
        label="Calls per minute",
        help_text="A further limit; empty for none.",
    )
    attempts_per_contact = WholeNumber.of(
        VoiceSettings,
        "attempts_per_contact",
        label="Attempts per contact",
        help_text="The first call and all reattempts together: 1 to 5.",
    )
    record_calls = forms.BooleanField(
        label="Record calls",
        required=False,
        help_text="In some places people must be told that they are recorded. You are responsible for that.",
    )
    machine_detection = forms.ChoiceField(
        label="Answering-machine detection",
        choices=MachineDetection.choices,
        widget=forms.RadioSelect,
        help_text="Off: a machine that answers counts as a person, and the assistant talks to it. "
        "Detect: the carrier listens to who answers, while the call goes on. Waiting for the greeting’s "
        "end is for messages: they begin after the tone, not over the greeting.",
    )
    detection_timeout_ms = Tuning.of(
        VoiceSettings,
        "detection_timeout_ms",
        unit="ms",
        label="Detection timeout",
        help_text="How long to listen before deciding that a person is there. "
        "Longer is surer, and people wait longer.",
    )
    speech_threshold_ms = Tuning.of(
        VoiceSettings,
        "speech_threshold_ms",
        unit="ms",
        label="Speech threshold",
        help_text="Anybody who talks longer than this without a pause counts as a machine: "
        "greetings are long, “hello?” is short.",
    )
    end_of_speech_ms = Tuning.of(
        VoiceSettings,
        "end_of_speech_ms",
        unit="ms",
        label="End-of-speech threshold",
        help_text="This much silence means that the greeting is over.",
    )
    initial_silence_ms = Tuning.of(
        VoiceSettings,
        "initial_silence_ms",
        unit="ms",
        label="Initial-silence timeout",
        help_text="Nothing heard for this long after the answer means a machine.",
    )
    on_machine = forms.ChoiceField(
        label="On a machine",
        choices=MachineAction.choices,
        widget=forms.RadioSelect,
        help_text="What happens when a machine answers. In the results the call counts as a voicemail.",
    )
    voicemail_message = Message(
        label="Message",
        max_length=VoiceSettings._meta.get_field("voicemail_message").max_length,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Read aloud after the tone.",
    )
    max_attempts_per_day = WholeNumber.of(
        VoiceSettings,
        "max_attempts_per_day",
        required=False,
        label="Per day",
        help_text="Attempts to one contact, across all campaigns; empty for no cap.",
    )
    max_attempts_per_week = WholeNumber.of(
        VoiceSettings,
        "max_attempts_per_week",
        required=False,
        label="Per week",
        help_text="Attempts in any seven days; empty for no cap.",
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for name, most in (
            ("concurrent_calls", settings.MAX_CONCURRENT_CALLS),
            ("calls_per_second", settings.MAX_CALLS_PER_SECOND),
        ):
            # What an installation allowed before may stay; it is not what others are told.
            allowed = most
            most = max(most, getattr(self.rows.voice, name))
            field = self.columns[name]
            original = self.fields[name]
            self.fields[name] = WholeNumber(
                least=1,
                most=most,
                label=original.label,
                help_text=f"{original.help_text} 1 to {allowed:,} here.",
                disabled=original.disabled,
            )
            self.initial.setdefault(name, getattr(self.rows.row(field.row), field.name))
        for name in TUNING:
            tuning = self.fields[name]
            assert isinstance(tuning, WholeNumber)  # noqa: S101
            tuning.help_text += f" {tuning.least:,} to {tuning.most:,} ms."
        for outcome, label in ReattemptRule.Outcome.choices:
            self._add_rule_fields(outcome, label)

    def _add_rule_fields(self, outcome: str, label: str) -> None:
        lower = label.lower()
        texts = {
            "after": f"After how long to call again, {lower}",
            "unit": f"Unit of that time, {lower}",
            "times": f"How many times to call again, {lower}",
        }
        # Their words stand around them as a sentence, so each carries its own for screen readers.
        named = {part: {"aria-label": text} for part, text in texts.items()}
        self.fields[f"retry_{outcome}"] = forms.BooleanField(required=False, label=label)
        self.fields[f"retry_{outcome}_after"] = WholeNumber(
            least=1,
            most=MOST_DELAY_MINUTES,
            required=False,
            label=texts["after"],
            widget=forms.NumberInput(attrs=named["after"]),
        )
        self.fields[f"retry_{outcome}_unit"] = forms.ChoiceField(
            choices=[(unit, unit) for unit in MINUTES_IN],
            required=False,
            label=texts["unit"],
            widget=forms.Select(attrs=named["unit"]),
        )
        self.fields[f"retry_{outcome}_times"] = WholeNumber.of(
            ReattemptRule,
            "max_times",
            required=False,
            label=texts["times"],
            widget=forms.NumberInput(attrs=named["times"]),
        )

    def further_initial(self) -> dict[str, Any]:
        initial: dict[str, Any] = {}
        rules = {}
        if self.rows.channel.pk:
            rules = {rule.outcome: rule for rule in self.rows.channel.reattempt_rules.all()}
        for outcome in ReattemptRule.Outcome.values:
            rule = rules.get(outcome)
            after, unit, times = PROPOSED[outcome]
            if rule:
                after, unit = in_largest_unit(rule.delay_minutes)
                times = rule.max_times
            initial |= {
                f"retry_{outcome}": rule is not None,
                f"retry_{outcome}_after": after,
                f"retry_{outcome}_unit": unit,
                f"retry_{outcome}_times": times,
            }
        return initial

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        self._clean_tuning(cleaned)
        if (
            cleaned.get("on_machine") == MachineAction.MESSAGE
            and cleaned.get("machine_detection", MachineDetection.OFF) != MachineDetection.OFF
            and not cleaned.get("voicemail_message", "-")
        ):
            self.add_error(
                "voicemail_message", ValidationError("Write the message to leave.", code="required")
            )
        day, week = cleaned.get("max_attempts_per_day"), cleaned.get("max_attempts_per_week")
        if day and week and week < day:
            self.add_error(
                "max_attempts_per_week",
                ValidationError("This is less than the cap per day.", code="order"),
            )
        for outcome in ReattemptRule.Outcome.values:
            self._clean_rule(outcome, cleaned)
        return cleaned

    def _clean_tuning(self, cleaned: dict[str, Any]) -> None:
        """Tuning counts only while machines are detected; what is hidden is nobody's error."""
        is_off = cleaned.get("machine_detection") == MachineDetection.OFF
        for name in TUNING:
            if is_off:
                self.errors.pop(name, None)
                cleaned[name] = cleaned.get(name) or getattr(self.rows.voice, name)
            elif name in cleaned and cleaned[name] is None:
                field = self.fields[name]
                assert isinstance(field, WholeNumber)  # noqa: S101
                self.add_error(name, ValidationError(field.bounds, code="required"))

    def _clean_rule(self, outcome: str, cleaned: dict[str, Any]) -> None:
        after, unit, times = (f"retry_{outcome}_{part}" for part in ("after", "unit", "times"))
        if not cleaned.get(f"retry_{outcome}"):
            for name in (after, unit, times):
                self.errors.pop(name, None)
            return
        if cleaned.get(after) is None and after not in self.errors:
            self.add_error(after, ValidationError("Enter after how long.", code="required"))
        if cleaned.get(times) is None and times not in self.errors:
            self.add_error(times, ValidationError("Enter how many times.", code="required"))
        minutes = (cleaned.get(after) or 0) * MINUTES_IN.get(cleaned.get(unit) or "minutes", 1)
        if minutes > MOST_DELAY_MINUTES:
            self.add_error(after, ValidationError(f"At most {MOST_DELAY_DAYS} days.", code="bounds"))

    def rules(self) -> dict[str, tuple[int, int] | None]:
        """Outcome -> (delay in minutes, how many times), or None for no rule; outcomes with an error
        are left out."""
        found: dict[str, tuple[int, int] | None] = {}
        for outcome in ReattemptRule.Outcome.values:
            names = [f"retry_{outcome}{part}" for part in RULE_PARTS]
            if any(name in self.errors for name in names):
                continue
            is_on, after, unit, times = (self.cleaned_data.get(name) for name in names)
            found[outcome] = None
            if is_on and after and times:
                found[outcome] = (after * MINUTES_IN[unit or "minutes"], times)
        return found

    def warnings(self) -> dict[str, str]:
        """What is set and will have no effect."""
        values = self.cleaned_data if self.is_bound else self.initial
        found = {}
        any_rule = any(values.get(f"retry_{outcome}") for outcome in ReattemptRule.Outcome.values)
        if any_rule and values.get("attempts_per_contact") == 1:
            found["attempts_per_contact"] = (
                "With 1 attempt nobody is called again: the reattempt rules have no effect."
            )
        if values.get("retry_voicemail") and values.get("machine_detection") == MachineDetection.OFF:
            found["machine_detection"] = (
                "While detection is off a machine counts as a person: the rule for voicemail has no effect."
            )
        return found

    # --- For the page -----------------------------------------------------------------------------

    def rule_fields(self) -> list[RuleFields]:
        return [
            RuleFields(
                outcome,
                str(label),
                self[f"retry_{outcome}"],
                self[f"retry_{outcome}_after"],
                self[f"retry_{outcome}_unit"],
                self[f"retry_{outcome}_times"],
            )
            for outcome, label in ReattemptRule.Outcome.choices
        ]

    def rules_in_words(self) -> str:
        """The rules as they stand in the form; of a form with errors, those without."""
        if self.is_bound:
            attempts = self.cleaned_data.get("attempts_per_contact") or self.rows.voice.attempts_per_contact
            return rules_in_words(attempts, self.rules())
        saved = {}
        for outcome in ReattemptRule.Outcome.values:
            is_on, after, unit, times = (self.initial[f"retry_{outcome}{part}"] for part in RULE_PARTS)
            saved[outcome] = (after * MINUTES_IN[unit], times) if is_on else None
        return rules_in_words(self.rows.voice.attempts_per_contact, saved)

    @property
    def tuning_has_errors(self) -> bool:
        return any(name in self.errors for name in TUNING)

    def tuning_fields(self) -> list[BoundField]:
        return [self[name] for name in TUNING]
