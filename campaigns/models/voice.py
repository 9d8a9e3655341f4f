"""The settings of a voice channel."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from campaigns.models.channel import Channel
from campaigns.models.destinations import Assistant, AssistantPool, CallerId
from contacts.models.contact import E164


class VoiceDestination(models.TextChoices):
    ASSISTANT = "assistant", "Assistant"
    POOL = "pool", "Pool of assistants"
    ANNOUNCEMENT = "announcement", "Recorded announcement"
    HANGUP = "hangup", "Hang up (for testing)"


class AnnouncementSource(models.TextChoices):
    TEXT = "text", "A text, read aloud"
    RECORDING = "recording", "A recording"


class SpeakingVoice(models.TextChoices):
    WOMAN = "woman", "A woman’s"
    MAN = "man", "A man’s"


class SpokenLanguage(models.TextChoices):
    """What the carrier reads aloud (docs: Plivo, *Speak XML*, supported languages)."""

    DANISH = "da-DK", "Danish"
    DUTCH = "nl-NL", "Dutch"
    ENGLISH_AUSTRALIA = "en-AU", "English (Australia)"
    ENGLISH_BRITAIN = "en-GB", "English (Britain)"
    ENGLISH_US = "en-US", "English (United States)"
    FRENCH = "fr-FR", "French"
    FRENCH_CANADA = "fr-CA", "French (Canada)"
    GERMAN = "de-DE", "German"
    ITALIAN = "it-IT", "Italian"
    POLISH = "pl-PL", "Polish"
    PORTUGUESE = "pt-PT", "Portuguese"
    PORTUGUESE_BRAZIL = "pt-BR", "Portuguese (Brazil)"
    RUSSIAN = "ru-RU", "Russian"
    SPANISH = "es-ES", "Spanish"
    SPANISH_US = "es-US", "Spanish (United States)"
    SWEDISH = "sv-SE", "Swedish"


# Languages that are read by one voice only.
ONLY_VOICE = {
    SpokenLanguage.DANISH: SpeakingVoice.WOMAN,
    SpokenLanguage.FRENCH_CANADA: SpeakingVoice.WOMAN,
    SpokenLanguage.PORTUGUESE: SpeakingVoice.MAN,
    SpokenLanguage.RUSSIAN: SpeakingVoice.WOMAN,
    SpokenLanguage.SWEDISH: SpeakingVoice.WOMAN,
}


class TalkTo(models.TextChoices):
    """Whom somebody talks to who pressed the key for it."""

    ASSISTANT = "assistant", "An assistant"
    POOL = "pool", "A pool of assistants"
    NUMBER = "number", "A phone number"


GOODBYE = "You will not be called again. Goodbye."
NOBODY_THERE = "Nobody can take your call just now. Please try again later. Goodbye."
KEYS = [(key, key) for key in "1234567890"]


class MachineDetection(models.TextChoices):
    OFF = "off", "Off"
    DETECT = "detect", "Detect"
    WAIT = "wait", "Detect and wait for the greeting's end"


class MachineAction(models.TextChoices):
    HANG_UP = "hang_up", "Hang up"
    MESSAGE = "message", "Leave a message"
    CONNECT = "connect", "Connect anyway"


def between(least: int, most: int) -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(least), MaxValueValidator(most)]


class VoiceSettings(models.Model):
    """Bounds of machine detection are the carrier's (docs: Plivo, *Make an outbound call*)."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True, related_name="voice")
    destination = models.CharField(
        max_length=12, choices=VoiceDestination.choices, default=VoiceDestination.ASSISTANT
    )
    assistant = models.ForeignKey(
        Assistant, null=True, blank=True, on_delete=models.PROTECT, related_name="voice_settings"
    )
    pool = models.ForeignKey(
        AssistantPool, null=True, blank=True, on_delete=models.PROTECT, related_name="voice_settings"
    )
    caller_id = models.ForeignKey(
        CallerId, null=True, blank=True, on_delete=models.PROTECT, related_name="voice_settings"
    )
    dial_timeout_seconds = models.PositiveSmallIntegerField(
        "dial timeout", default=60, validators=between(15, 120)
    )
    prompt = models.TextField("custom prompt", blank=True, max_length=8000)

    # The database's own defaults, too: what was written before them adds rows without them.
    announcement_source = models.CharField(
        max_length=10,
        choices=AnnouncementSource.choices,
        default=AnnouncementSource.TEXT,
        db_default=AnnouncementSource.TEXT,
    )
    announcement_text = models.TextField(blank=True, max_length=2000, default="", db_default="")
    announcement_url = models.CharField(
        "address of the recording", max_length=500, blank=True, default="", db_default=""
    )
    language = models.CharField(
        max_length=8,
        choices=SpokenLanguage.choices,
        default=SpokenLanguage.ENGLISH_US,
        db_default=SpokenLanguage.ENGLISH_US,
    )
    speaking_voice = models.CharField(
        max_length=8,
        choices=SpeakingVoice.choices,
        default=SpeakingVoice.WOMAN,
        db_default=SpeakingVoice.WOMAN,
    )
    # Empty: the announcement does not offer it.
    talk_key = models.CharField(max_length=1, choices=KEYS, blank=True, default="", db_default="")
    opt_out_key = models.CharField(max_length=1, choices=KEYS, blank=True, default="9", db_default="9")
    repeat_key = models.CharField(max_length=1, choices=KEYS, blank=True, default="", db_default="")
    # From the announcement's end; the bounds are the carrier's.
    key_wait_seconds = models.PositiveSmallIntegerField(
        "wait for a key", default=10, db_default=10, validators=between(5, 60)
    )
    talk_to = models.CharField(
        max_length=10, choices=TalkTo.choices, default=TalkTo.ASSISTANT, db_default=TalkTo.ASSISTANT
    )
    talk_number = models.CharField(max_length=16, blank=True, default="", db_default="")
    nobody_text = models.CharField(
        "said when nobody answers", max_length=300, default=NOBODY_THERE, db_default=NOBODY_THERE
    )
    goodbye_text = models.CharField(
        "said after opting out", max_length=300, default=GOODBYE, db_default=GOODBYE
    )

    concurrent_calls = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    calls_per_second = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    calls_per_minute = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    attempts_per_contact = models.PositiveSmallIntegerField(default=1, validators=between(1, 5))
    record_calls = models.BooleanField(default=False)

    machine_detection = models.CharField(
        max_length=8, choices=MachineDetection.choices, default=MachineDetection.OFF
    )
    detection_timeout_ms = models.PositiveIntegerField(default=5000, validators=between(2000, 10000))
    speech_threshold_ms = models.PositiveIntegerField(default=5000, validators=between(1000, 6000))
    end_of_speech_ms = models.PositiveIntegerField(default=800, validators=between(500, 5000))
    initial_silence_ms = models.PositiveIntegerField(default=4500, validators=between(2000, 10000))
    on_machine = models.CharField(max_length=8, choices=MachineAction.choices, default=MachineAction.HANG_UP)
    voicemail_message = models.TextField(blank=True, max_length=2000)

    max_attempts_per_day = models.PositiveSmallIntegerField(
        null=True, blank=True, default=3, validators=between(1, 50)
    )
    max_attempts_per_week = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=between(1, 200)
    )

    class Meta:
        verbose_name_plural = "voice settings"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(destination__in=VoiceDestination.values), name="voice_destination_is_known"
            ),
            models.CheckConstraint(
                condition=Q(talk_number="") | Q(talk_number__regex=E164),
                name="voice_talk_number_is_e164",
            ),
            models.CheckConstraint(
                condition=Q(machine_detection__in=MachineDetection.values), name="voice_detection_is_known"
            ),
            models.CheckConstraint(
                condition=Q(on_machine__in=MachineAction.values), name="voice_machine_action_is_known"
            ),
            models.CheckConstraint(
                condition=Q(concurrent_calls__gte=1, calls_per_second__gte=1), name="voice_pace_is_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"voice settings of {self.channel_id}"
