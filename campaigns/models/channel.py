"""One way of reaching a campaign's contacts, with its own settings, lists and status."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from campaigns.lifecycles import ChannelStatus
from campaigns.models.campaign import Campaign
from contacts.models import List


class ChannelKind(models.TextChoices):
    """How contacts are reached. AI voice is built; the others follow the same shape."""

    AI_VOICE = "ai_voice", "AI voice"


class PauseReason(models.TextChoices):
    PERSON = "person", "Paused by a person"
    END_DATE = "end_date", "The last day has passed"
    CREDENTIALS = "credentials", "The carrier refused our credentials"
    CREDIT = "credit", "The carrier account is out of credit"
    ERRORS = "errors", "Too many errors"
    SETTINGS = "settings", "Something needed is missing"


class Channel(models.Model):
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=16, choices=ChannelKind.choices, default=ChannelKind.AI_VOICE)
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=12, choices=ChannelStatus.choices, default=ChannelStatus.READY)
    # The pass through the contacts that is under way, or was last; 0 before the first start.
    run = models.PositiveSmallIntegerField(default=0)
    start_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=16, choices=PauseReason.choices, blank=True)
    pause_note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Moves on with every change of the channel's settings, so that what was read of them can be kept.
    revision = models.PositiveIntegerField(default=1)
    # The page that saved the settings last, and the how-manieth time it did: "<its key>:<number>".
    edited_from = models.CharField(max_length=48, blank=True, default="", db_default="", editable=False)

    lists: models.ManyToManyField[List, ChannelList] = models.ManyToManyField(
        List, through="ChannelList", related_name="channels"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(status__in=ChannelStatus.values), name="channel_status_is_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=ChannelKind.values), name="channel_kind_is_known"),
            models.UniqueConstraint(fields=["campaign", "name"], name="channel_name_once_in_a_campaign"),
            models.CheckConstraint(
                condition=~Q(status=ChannelStatus.SCHEDULED) | Q(start_at__isnull=False),
                name="channel_scheduled_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[ChannelStatus.READY, ChannelStatus.SCHEDULED, ChannelStatus.STOPPED])
                | Q(run__gt=0, started_at__isnull=False),
                name="channel_started_has_a_run",
            ),
            models.CheckConstraint(
                condition=Q(status=ChannelStatus.PAUSED) | Q(pause_reason="", pause_note=""),
                name="channel_pause_reason_only_while_paused",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # The drivers' look for work, each second.
            models.Index(
                fields=["id"],
                condition=Q(status__in=[ChannelStatus.RUNNING, ChannelStatus.SCHEDULED]),
                name="channel_to_drive",
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign.name}: {self.name}"

    @property
    def is_editable(self) -> bool:
        """Whether its settings may change: not while it runs or waits to, nor once it is over."""
        return self.status in {ChannelStatus.READY, ChannelStatus.PAUSED}

    @property
    def is_over(self) -> bool:
        """Nobody of it is called any more; who still waits is left undone. Reads ``campaign``."""
        return self.status == ChannelStatus.STOPPED or self.campaign.is_archived

    @property
    def is_finished(self) -> bool:
        return self.status in {ChannelStatus.STOPPED, ChannelStatus.COMPLETED}


class ChannelList(models.Model):
    """A list assigned to a channel; its version is pinned when the channel starts."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="channel_lists")
    list = models.ForeignKey(List, on_delete=models.PROTECT, related_name="channel_lists")
    version = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["channel", "list"], name="channel_list_once")
        ]

    def __str__(self) -> str:
        return f"{self.list} for {self.channel}"


class ChannelDrive(models.Model):
    """The engine's row beside a channel: who drives it, its pace, and why it waits.

    Written by the dialer only; here because the pages show it and a channel's deletion takes it along.
    Times are on the database's clock.
    """

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True, related_name="drive")
    owner = models.CharField(max_length=64, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    # When the next call may start, by calls per second and by calls per minute (GCRA: one time each).
    next_start_at = models.DateTimeField(null=True, blank=True)
    next_start_in_minute_at = models.DateTimeField(null=True, blank=True)
    # Errors before this don't count against the channel: it was started, or resumed, since.
    trusted_since = models.DateTimeField(null=True, blank=True)
    waiting_for = models.CharField(max_length=200, blank=True)
    waiting_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(owner="", leased_until__isnull=True)
                | ~Q(owner="") & Q(leased_until__isnull=False),
                name="channel_drive_lease_is_whole",
            )
        ]

    def __str__(self) -> str:
        return f"drive of {self.channel_id}"
