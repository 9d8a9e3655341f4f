"""Who did what, and when: people, and the engine itself."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from campaigns.models.campaign import Campaign
from campaigns.models.channel import Channel

# The verbs by which a campaign was started, or started again.
STARTS = ("rerun", "start")


class Activity(models.Model):
    """Append-only. Outlives what it tells of: names are kept as they were."""

    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="activities"
    )
    channel = models.ForeignKey(
        Channel, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    campaign_name = models.CharField(max_length=120)
    channel_name = models.CharField(max_length=80, blank=True)
    # None: the engine.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    verb = models.CharField(max_length=24)
    # A sentence without its subject: "started Voice", "changed the caller ID of Voice".
    text = models.CharField(max_length=300)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "activities"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["campaign", "-id"], name="activity_of_campaign"),
            # Who started it last, whatever was done since (command_center/frame.py).
            models.Index(
                fields=["campaign", "-id"], condition=models.Q(verb__in=STARTS), name="activity_of_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor or 'Carillon'} {self.text}"
