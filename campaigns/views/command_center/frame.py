"""What all tabs show: the header, the five cards, and what a channel waits for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.estimating import CALL_SECONDS, Group, calls_per_second, estimate
from campaigns.lifecycles import WAITING, CampaignStatus, ChannelStatus, EnrollmentStatus
from campaigns.models import Activity, Campaign, Channel, ChannelList, Enrollment
from campaigns.models.activity import STARTS
from campaigns.queries import Counts, channel_counts, last_in_turn
from campaigns.rulebook import rulebook
from campaigns.views.manager import obvious_thing
from campaigns.waiting import campaign_waits_for, clock_in_words
from contacts.models import zones_of
from interface.templatetags.interface import number

# Whose hours the estimate looks at, where each contact's own zone counts.
ZONE_SAMPLE = 200
# So many of the statuses that make up "failed" are said; all are in the hint.
MOST_FAILED = 3


@dataclass(frozen=True)
class Cards:
    """The five cards. Total = completed + failed + pending + in progress + left undone.

    ``going`` counts the channels that may go on, ``over`` those of which nobody is called any more: who waits
    there is left undone. Of channels that were never started, what the lists hold.
    """

    going: Counts
    over: Counts
    not_started: int
    never_started: int
    channels: int

    @property
    def counts(self) -> Counts:
        return self.going + self.over

    @property
    def total(self) -> int:
        return self.counts.total + self.not_started + self.never_started

    @property
    def pending(self) -> int:
        return self.going.pending + self.not_started

    @property
    def left_undone(self) -> int:
        return self.over.pending + self.never_started

    @property
    def progress(self) -> int:
        """Per cent; 100 only when all are done."""
        counts = self.counts
        return (counts.completed + counts.failed) * 100 // self.total if self.total else 0

    @property
    def pending_parts(self) -> str:
        """ "7 not started yet, 1 to retry"."""
        return _in_words(
            (self.not_started, "not started yet"),
            (self.going.retrying, "to retry"),
            (self.going.callbacks, "to call back"),
            (self.left_undone, "left undone"),
        )

    @property
    def failed_parts(self) -> str:
        """Opposites are in it: whom nobody reached, and who was passed over."""
        return _in_words(*self._failed[:MOST_FAILED])

    @property
    def all_failed_parts(self) -> str:
        return _in_words(*self._failed)

    @property
    def _failed(self) -> list[tuple[int, str]]:
        found = self.counts.failed_by_status.items()
        return [(count, EnrollmentStatus(status).label.lower()) for status, count in found]


def _in_words(*parts: tuple[int, str]) -> str:
    return ", ".join(f"{number(count)} {words}" for count, words in parts if count)


def _cards(channels: list[Channel], counts: dict[int, Counts], planned: dict[int, int]) -> Cards:
    def of(are_over: bool) -> list[Channel]:
        return [channel for channel in channels if channel.is_over is are_over]

    return Cards(
        going=sum((counts[channel.pk] for channel in of(False)), Counts()),
        over=sum((counts[channel.pk] for channel in of(True)), Counts()),
        not_started=sum(planned[channel.pk] for channel in of(False) if not channel.run),
        never_started=sum(planned[channel.pk] for channel in of(True) if not channel.run),
        channels=len(channels),
    )


def frame_of(campaign: Campaign, now: datetime) -> dict[str, Any]:
    channels = list(
        campaign.channels.select_related("voice", "voice__assistant", "voice__caller_id", "schedule", "drive")
    )
    assigned = ChannelList.objects.filter(channel__campaign=campaign).values_list(
        "channel_id", "list_id", "list__size"
    )
    planned = {channel.pk: sum(size for pk, _, size in assigned if pk == channel.pk) for channel in channels}
    for channel in channels:
        channel.campaign = campaign
    by_channel = channel_counts(channels)
    cards = _cards(channels, by_channel, planned)
    counts = cards.counts
    press = obvious_thing(campaign, channels, now)
    return {
        "section": "campaigns",
        "campaign": campaign,
        "status": "archived" if campaign.is_archived else campaign.status,
        "status_label": "Archived" if campaign.is_archived else campaign.get_status_display(),
        "press": press,
        # Scheduled, too: somebody may be waiting to see it start.
        "is_live": campaign.status in {CampaignStatus.ACTIVE, CampaignStatus.SCHEDULED}
        or bool(counts.in_progress),
        "channels": channels,
        "counts_by_channel": by_channel,
        "counts": counts,
        "five": cards,
        "total": cards.total,
        "planned": planned,
        "lists_count": len({list_id for _, list_id, _ in assigned}),
        "waits_for": campaign_waits_for(channels, now),
        **_started(campaign),
        "done_about": _done_about(channels, by_channel, now),
    }


def _started(campaign: Campaign) -> dict[str, Activity | None]:
    """When it was first started, and last: another channel, or one once more; None where that is the same."""
    starts = campaign.activities.filter(verb__in=STARTS).values("pk")
    ends = starts.order_by("pk")[:1].union(starts.order_by("-pk")[:1])
    found = list(Activity.objects.filter(pk__in=ends).select_related("actor", "channel").order_by("pk"))
    return {"started": found[0] if found else None, "started_last": found[1] if len(found) > 1 else None}


def _done_about(channels: list[Channel], counts: dict[int, Counts], now: datetime) -> str:
    """When the last running channel has gone once through those who wait: at its pace and hours, and not
    before the last callback or retry is due."""
    moments = []
    for channel in channels:
        waiting = counts[channel.pk].pending
        if channel.status != ChannelStatus.RUNNING or not waiting:
            continue
        rules = rulebook(channel.pk, channel.revision)
        groups = _groups(channel, waiting, now)
        done = estimate(groups, rules.hours, rules.zone, calls_per_second(rules, CALL_SECONDS), now)
        if done.done_at is None or done.left:
            return ""
        moments.append(done.done_at)
    return clock_in_words(max(moments), None, now) if moments else ""


def _groups(channel: Channel, waiting: int, now: datetime) -> list[Group]:
    """Those who wait, by zone, extrapolated from the next in turn; and the last in turn, for their times."""
    sample = (
        Enrollment.objects.filter(channel=channel, run=channel.run, status__in=WAITING)
        .order_by("turn", "due_at", "id")
        .values_list("zone_set", flat=True)[:ZONE_SAMPLE]
    )
    found = Counter(sample)
    spread = [Group(zones_of(zone_set), waiting * count / found.total()) for zone_set, count in found.items()]
    return spread + [Group(zones_of(zone_set), 0, due_at) for zone_set, due_at in last_in_turn(channel, now)]
