"""The settings of a voice channel."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from campaigns.models.channel import Channel
from campaigns.models.destinations import Assistant, CallerId


class VoiceDestination(models.TextChoices):
    ASSISTANT = "assistant", "Assistant by WebSocket"
    HANGUP = "hangup", "Hang up (for testing)"


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
    caller_id = models.ForeignKey(
        CallerId, null=True, blank=True, on_delete=models.PROTECT, related_name="voice_settings"
    )
    dial_timeout_seconds = models.PositiveSmallIntegerField(
        "dial timeout", default=60, validators=between(15, 120)
    )
    prompt = models.TextField("custom prompt", blank=True, max_length=8000)

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
