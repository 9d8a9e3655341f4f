"""What analytics keep: figures that took too long to work out while somebody waits."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from campaigns.models import Campaign


class Snapshot(models.Model):
    """The figures of a large campaign, as a worker found them at a moment (analytics/snapshots.py)."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    # What was asked for: the zone, the channel and run, the days.
    key = models.CharField(max_length=160)
    figures = models.JSONField(null=True)
    # Of what the database counted when the worker began: while that is the same, so are the figures.
    version = models.CharField(max_length=20, blank=True)
    ordered_at = models.DateTimeField()
    # Of the calls that had ended by then.
    taken_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["campaign", "key"], name="snapshot_once")
        ]

    def __str__(self) -> str:
        return f"figures of campaign {self.campaign_id}"
