"""What all tabs show: the header, the five cards, and what a channel waits for."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from campaigns.estimating import CALL_SECONDS, Group, calls_per_second, estimate
from campaigns.lifecycles import WAITING, CampaignStatus, ChannelStatus
from campaigns.models import Activity, Campaign, Channel, ChannelList, Enrollment
from campaigns.models.activity import STARTS
from campaigns.queries import Counts, channel_counts, last_in_turn
from campaigns.rulebook import rulebook
from campaigns.views.manager import obvious_thing
from campaigns.waiting import channel_waits_for, clock_in_words
from contacts.models import zones_of

# Whose hours the estimate looks at, where each contact's own zone counts.
ZONE_SAMPLE = 200


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
    counts = sum(by_channel.values(), Counts())
    press = obvious_thing(campaign, channels, now)
    waits = [(channel, words) for channel in channels if (words := channel_waits_for(channel, now))]
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
        "total": counts.total + sum(planned[channel.pk] for channel in channels if not channel.run),
        "planned": planned,
        "lists_count": len({list_id for _, list_id, _ in assigned}),
        "waits_for": _waits_for(channels, waits),
        "started": _started(campaign),
        "done_about": _done_about(channels, by_channel, now),
    }


def _waits_for(channels: list[Channel], waits: list[tuple[Channel, str]]) -> str:
    """What the campaign waits for; where it has several channels, which of them it is that does."""
    if not waits:
        return ""
    channel, words = waits[0]
    return f"{channel.name} {words}" if len(channels) > 1 else words


def _started(campaign: Campaign) -> Activity | None:
    return campaign.activities.filter(verb__in=STARTS).select_related("actor").order_by("-pk").first()


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
