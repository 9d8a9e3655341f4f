"""When a channel may dial, and what happens after an attempt that reached nobody."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from campaigns.models.channel import Channel

ALL_DAY = (1 << 24) - 1
# Mon-Fri 9:00-17:00.
BUSINESS_HOURS = [sum(1 << hour for hour in range(9, 17))] * 5 + [0, 0]


def business_hours() -> list[int]:
    return list(BUSINESS_HOURS)


class Schedule(models.Model):
    channel = models.OneToOneField(
        Channel, on_delete=models.CASCADE, primary_key=True, related_name="schedule"
    )
    # IANA name; empty: each contact's own zone.
    time_zone = models.CharField(max_length=64, blank=True)
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)
    # Monday to Sunday, each 24 bits: bit h is on when the hour from h:00 to h:59 is open.
    hours = ArrayField(
        models.PositiveIntegerField(validators=[MaxValueValidator(ALL_DAY)]), size=7, default=business_hours
    )
    closed_days = ArrayField(models.DateField(), default=list, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(start_date__isnull=True)
                | Q(end_date__isnull=True)
                | Q(end_date__gte=F("start_date")),
                name="schedule_ends_after_it_starts",
            ),
            models.CheckConstraint(condition=Q(hours__len=7), name="schedule_has_seven_days"),
        ]

    def __str__(self) -> str:
        return f"schedule of {self.channel_id}"


class ReattemptRule(models.Model):
    """After this outcome, try again: after how long, and up to how many times."""

    class Outcome(models.TextChoices):
        NO_ANSWER = "no_answer", "No answer"
        BUSY = "busy", "Busy"
        VOICEMAIL = "voicemail", "Voicemail"
        FAILED = "failed", "Failed"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="reattempt_rules")
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    delay_minutes = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(60 * 24 * 30)]
    )
    max_times = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(4)]
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["channel", "outcome"], name="reattempt_rule_once_an_outcome"),
            models.CheckConstraint(
                condition=Q(outcome__in=["no_answer", "busy", "voicemail", "failed"]),
                name="reattempt_rule_outcome_is_known",
            ),
            models.CheckConstraint(condition=Q(delay_minutes__gte=1), name="reattempt_rule_waits"),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}: after {self.delay_minutes} min"
