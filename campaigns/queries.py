"""What may be asked of campaigns: counts by status, in constant time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import F, Sum

from campaigns.lifecycles import DONE, IN_PROGRESS, NOT_REACHED, REACHED, WAITING, EnrollmentStatus
from campaigns.models import Channel, EnrollmentCount


@dataclass(frozen=True)
class Counts:
    """How many contacts of one or several channels' current runs are where."""

    by_status: dict[str, int] = field(default_factory=dict)

    def _sum(self, statuses: Iterable[str]) -> int:
        return sum(self.by_status.get(status, 0) for status in statuses)

    def __add__(self, other: Counts) -> Counts:
        statuses = self.by_status.keys() | other.by_status.keys()
        return Counts({s: self.by_status.get(s, 0) + other.by_status.get(s, 0) for s in statuses})

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    @property
    def completed(self) -> int:
        """Done, and somebody was reached."""
        return self._sum(REACHED)

    @property
    def failed(self) -> int:
        """Done, and nobody was reached."""
        return self._sum(NOT_REACHED)

    @property
    def pending(self) -> int:
        """Waiting for their turn, a retry or a callback."""
        return self._sum(WAITING)

    @property
    def in_progress(self) -> int:
        return self._sum(IN_PROGRESS)

    @property
    def retrying(self) -> int:
        return self.by_status.get(EnrollmentStatus.RETRY, 0)

    @property
    def callbacks(self) -> int:
        return self.by_status.get(EnrollmentStatus.CALLBACK, 0)

    @property
    def connected(self) -> int:
        return self.by_status.get(EnrollmentStatus.CONNECTED, 0)

    @property
    def dialed(self) -> int:
        """Contacts with an attempt behind them or under way.

        Do-not-call and skipped contacts are left out: most of them were never dialed.
        """
        undialed = {EnrollmentStatus.PENDING, EnrollmentStatus.SKIPPED, EnrollmentStatus.DO_NOT_CALL}
        return self._sum(set(self.by_status) - undialed)

    @property
    def progress(self) -> int:
        """Per cent of the contacts that are done; 100 only when all of them are."""
        return self._percent(self._sum(DONE))

    @property
    def reached_percent(self) -> int:
        return self._percent(self.completed)

    def _percent(self, part: int) -> int:
        return part * 100 // self.total if self.total else 0


def channel_counts(channels: Iterable[Channel]) -> dict[int, Counts]:
    """Counts of each channel's current run, in one query."""
    channels = list(channels)
    found: dict[int, dict[str, int]] = {channel.pk: {} for channel in channels}
    rows = (
        EnrollmentCount.objects.filter(channel__in=channels, run=F("channel__run"))
        .values_list("channel_id", "status")
        .annotate(total=Sum("count"))
    )
    for channel_id, status, total in rows:
        if total:
            found[channel_id][status] = total
    return {channel_id: Counts(by_status) for channel_id, by_status in found.items()}


def campaign_counts(campaign_ids: Iterable[int]) -> dict[int, Counts]:
    """Counts of each campaign over its channels' current runs, in one query."""
    found: dict[int, dict[str, int]] = {campaign_id: {} for campaign_id in campaign_ids}
    rows = (
        EnrollmentCount.objects.filter(channel__campaign__in=list(found), run=F("channel__run"))
        .values_list("channel__campaign_id", "status")
        .annotate(total=Sum("count"))
    )
    for campaign_id, status, total in rows:
        if total:
            found[campaign_id][status] = total
    return {campaign_id: Counts(by_status) for campaign_id, by_status in found.items()}
