"""Figures when they are asked for: worked out at once, or, of many calls, by a worker.

Of a campaign of up to ``AT_ONCE`` calls they are worked out while the person waits, and are of this moment.
Of a larger one a worker does it, and the page says of when they are; what the database counts of the campaign
(``standing_of``) tells whether anything has changed since. While it changes all the time, a worker spends at
most a small part of its time on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django_q.tasks import async_task

from analytics.figures import Asked, Figures, figures_of
from analytics.models import Snapshot
from campaigns.models import Campaign, ChannelList, Disposition, EnrollmentCount
from dialer.models import CallCount
from dialer.statements import rows

AT_ONCE = 5_000
# A snapshot is ordered anew at most that often, and not before so many times as long as the last one took.
EVERY = timedelta(seconds=10)
TIMES_AS_LONG = 20
# Not there by then, an order is given again: its worker is gone.
LOST_AFTER = timedelta(minutes=3)
KEPT = timedelta(days=7)
# Of one campaign's first snapshots, so many wait for a worker; whoever asks for more asks again.
MOST_AWAITED = 5
# A worker's memory for sorting and joining a million rows.
MEMORY = "64MB"


@dataclass(frozen=True)
class Standing:
    """What the database counts of a campaign: cheap to ask; its ``version`` changes when figures do."""

    calls: int
    version: str
    wins: tuple[int, ...]


@dataclass(frozen=True)
class Told:
    """Figures, and of when they are; without ``taken_at``: of now.

    ``figures`` None: a worker is at the first ones. ``is_coming``: newer ones are on their way.
    """

    figures: Figures | None
    taken_at: datetime | None = None
    is_coming: bool = False
    # By a worker, not worked out just now.
    is_stored: bool = False


def standing_of(campaign: Campaign, dispositions: Sequence[Disposition]) -> Standing:
    counted = list(
        CallCount.objects.filter(campaign=campaign)
        .values_list("outcome", "disposition_id")
        .annotate(Sum("calls"), Sum("seconds"), Sum("cost"))
        .order_by("outcome", "disposition_id")
    )
    places = list(
        EnrollmentCount.objects.filter(channel__campaign=campaign)
        .values_list("channel_id", "channel__run", "run", "status")
        .annotate(Sum("count"), Sum("dialed"), Sum("reached"))
        .order_by("channel_id", "run", "status")
    )
    lists = list(
        ChannelList.objects.filter(channel__campaign=campaign)
        .order_by("pk")
        .values_list("channel_id", "list_id", "version", "list__version")
    )
    wins = tuple(disposition.pk for disposition in dispositions if disposition.is_win)
    text = repr((counted, places, lists, wins))
    return Standing(
        calls=sum(row[2] for row in counted),
        version=hashlib.sha256(text.encode()).hexdigest()[:20],
        wins=wins,
    )


def told(campaign: Campaign, asked: Asked, standing: Standing, now: datetime) -> Told:
    """The figures that were asked for, or the latest there are while a worker is at newer ones."""
    if standing.calls <= AT_ONCE:
        return Told(figures_of(campaign.pk, asked, standing.wins))
    found = Snapshot.objects.filter(campaign=campaign, key=asked.key).first()
    if found is None or found.version != standing.version:
        _order(campaign, asked, found, now)
        is_coming = True
    else:
        is_coming = False
    if found is None or found.figures is None:
        return Told(None, is_coming=True, is_stored=True)
    return Told(Figures.from_plain(found.figures), found.taken_at, is_coming, is_stored=True)


def _order(campaign: Campaign, asked: Asked, found: Snapshot | None, now: datetime) -> None:
    """Have a worker take a snapshot, unless one is at it, or was a moment ago."""
    with transaction.atomic():
        if found is None:
            awaited = Snapshot.objects.filter(
                campaign=campaign, taken_at__isnull=True, ordered_at__gt=now - LOST_AFTER
            )
            if awaited.count() >= MOST_AWAITED:
                return
            found, is_new = Snapshot.objects.get_or_create(
                campaign=campaign, key=asked.key, defaults={"ordered_at": now}
            )
        else:
            is_new = False
            wait = max(EVERY, TIMES_AS_LONG * timedelta(milliseconds=found.took_ms))
            is_under_way = found.taken_at is None or found.taken_at < found.ordered_at
            before = now - (LOST_AFTER if is_under_way else wait)
            # Of two who ask at the same moment, one orders.
            is_new = bool(
                Snapshot.objects.filter(
                    pk=found.pk, ordered_at=found.ordered_at, ordered_at__lt=before
                ).update(ordered_at=now)
            )
        if is_new:
            key = found.pk
            transaction.on_commit(lambda: async_task("analytics.tasks.take_snapshot", key))


def take(snapshot_id: int) -> None:
    """Work the figures out, and keep them. Told again, it does it again, and the result is as good."""
    snapshot = Snapshot.objects.select_related("campaign").filter(pk=snapshot_id).first()
    if snapshot is None:
        return
    # Counted before: what changes meanwhile is found to have changed.
    standing = standing_of(snapshot.campaign, list(Disposition.objects.all()))
    began = timezone.now()
    with transaction.atomic():
        rows("SELECT set_config('work_mem', %(memory)s, true)", {"memory": MEMORY})
        figures = figures_of(snapshot.campaign_id, Asked.from_key(snapshot.key), standing.wins)
    took = timezone.now() - began
    Snapshot.objects.filter(pk=snapshot_id).update(
        figures=figures.plain,
        version=standing.version,
        taken_at=began,
        took_ms=round(took / timedelta(milliseconds=1)),
    )
    Snapshot.objects.filter(ordered_at__lt=began - KEPT).delete()
