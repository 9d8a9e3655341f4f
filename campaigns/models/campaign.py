"""What we want to achieve: a campaign holds the channels that reach its contacts."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from campaigns.lifecycles import CampaignStatus
from contacts.models import List


class Direction(models.TextChoices):
    OUTBOUND = "outbound", "Outbound"
    INBOUND = "inbound", "Inbound"


class Campaign(models.Model):
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=400, blank=True)
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.OUTBOUND)
    # Recomputed by every move of a channel, in its transaction; never set by hand.
    status = models.CharField(max_length=12, choices=CampaignStatus.choices, default=CampaignStatus.DRAFT)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Contacts of these lists, as they are at the moment of a call, are never contacted by this campaign.
    exclusions: models.ManyToManyField[List, CampaignExclusion] = models.ManyToManyField(
        List, through="CampaignExclusion", related_name="excluded_from"
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(status__in=CampaignStatus.values), name="campaign_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(direction__in=Direction.values), name="campaign_direction_is_known"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # The manager's default order, with and without a status filter.
            models.Index(fields=["-created_at", "-id"], name="campaign_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("campaigns:campaign", args=[self.pk])

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    @property
    def is_active(self) -> bool:
        return self.status == CampaignStatus.ACTIVE


class CampaignExclusion(models.Model):
    """A list whose contacts a campaign leaves alone, beside what do-not-contact forbids everybody."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="campaign_exclusions")
    list = models.ForeignKey(List, on_delete=models.PROTECT, related_name="campaign_exclusions")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["campaign", "list"], name="campaign_exclusion_once")
        ]

    def __str__(self) -> str:
        return f"{self.campaign} without {self.list}"
