"""Why nothing happens right now, in words: for a channel, and for a contact that waits in it.

Pure: what is loaded goes in, a sentence comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

from campaigns.hours import zone_named
from campaigns.lifecycles import ChannelStatus, EnrollmentStatus
from campaigns.models import Channel, Enrollment
from campaigns.rulebook import Rulebook
from contacts.time_zones import city_of

# After every moment that something waits for.
LAST_OF_ALL = datetime.max.replace(tzinfo=UTC)


def clock_in_words(moment: datetime, zone: ZoneInfo | None, now: datetime) -> str:
    """ "17:30 Denver" today, "Mon 09:00 Denver" within a week, else "Nov 30, 09:00 Denver".

    Without a zone: in that of whoever looks, and not named.
    """
    local = moment.astimezone(zone) if zone else timezone.localtime(moment)
    today = now.astimezone(local.tzinfo).date()
    days = (local.date() - today).days
    if days == 0:
        words = f"{local:%H:%M}"
    elif abs(days) < 7:
        words = f"{local:%a %H:%M}"
    elif local.year == today.year:
        words = f"{local:%b} {local.day}, {local:%H:%M}"
    else:
        words = f"{local:%b} {local.day}, {local.year}, {local:%H:%M}"
    return f"{words} {city_of(zone.key)}" if zone else words


def channel_waits_for(channel: Channel, now: datetime) -> str:
    """What a channel waits for: "opens Mon 09:00 Chicago", "starts 17:30 Denver"; empty when nothing.

    Reads ``channel.schedule`` and ``channel.drive``: select them along.
    """
    zone = zone_named(channel.schedule.time_zone)
    if channel.status == ChannelStatus.SCHEDULED and channel.start_at:
        return f"starts {clock_in_words(channel.start_at, zone, now)}"
    if channel.status != ChannelStatus.RUNNING or not channel.drive.waiting_for:
        return ""
    until = channel.drive.waiting_until
    if until is not None and until <= now:
        # What it waited for has come; the driver is about to look.
        return ""
    when = clock_in_words(until, zone, now) if until else ""
    if channel.drive.waiting_for == "outside its hours":
        return f"opens {when}" if when else "outside its hours"
    return f"waits for {channel.drive.waiting_for}" + (f", {when}" if when else "")


def campaign_waits_for(channels: Sequence[Channel], now: datetime) -> str:
    """What a campaign waits for: what comes first of what its channels wait for, and which of several it is.

    Empty while one of those that run is at work. Reads what ``channel_waits_for`` reads.
    """
    waits = [(channel, channel_waits_for(channel, now)) for channel in channels]
    if any(channel.status == ChannelStatus.RUNNING and not words for channel, words in waits):
        return ""
    waiting = [(channel, words) for channel, words in waits if words]
    if not waiting:
        return ""
    channel, words = min(waiting, key=lambda one: _waits_until(one[0]) or LAST_OF_ALL)
    return f"{channel.name} {words}" if len(channels) > 1 else words


def _waits_until(channel: Channel) -> datetime | None:
    return channel.start_at if channel.status == ChannelStatus.SCHEDULED else channel.drive.waiting_until


_BY_CHANNEL = {
    ChannelStatus.READY: "the channel was not started",
    ChannelStatus.SCHEDULED: "the channel starts later",
    ChannelStatus.PAUSED: "the channel is paused",
    ChannelStatus.STOPPED: "left undone: the channel was stopped",
    ChannelStatus.COMPLETED: "the channel is completed",
}
_DUE = {
    EnrollmentStatus.RETRY: "retry due",
    EnrollmentStatus.CALLBACK: "asked to be called",
    EnrollmentStatus.PENDING: "due",
}


def why_not_yet(
    enrollment: Enrollment,
    *,
    channel: Channel,
    rules: Rulebook,
    zones: Sequence[ZoneInfo],
    now: datetime,
    is_do_not_contact: bool,
    excluded_by: str | None,
) -> str:
    """Why a waiting contact has not been called yet; empty for one that isn't waiting.

    ``zones``: the contact's possible time zones. ``is_do_not_contact``: the number must not be called;
    ``excluded_by``: the name of a list with the contact on it that the campaign leaves alone.
    """
    if enrollment.status not in _DUE:
        return ""
    if channel.status in {ChannelStatus.RUNNING, ChannelStatus.PAUSED}:
        # In the order of the claim (dialer/driving/claim.py): what holds whenever the turn comes.
        if is_do_not_contact:
            return "on do-not-contact; will be passed over at its turn"
        if excluded_by is not None:
            return f"on the exclusion list “{excluded_by}”; will be passed over at its turn"
    if channel.status != ChannelStatus.RUNNING:
        return _BY_CHANNEL[ChannelStatus(channel.status)]
    if enrollment.due_at > now:
        when = clock_in_words(enrollment.due_at, zones[0] if len(zones) == 1 else None, now)
        # A reason is there when the engine put the contact off: over a cap, outside its hours.
        why = enrollment.reason[:1].lower() + enrollment.reason[1:]
        deferred = enrollment.status == EnrollmentStatus.PENDING and why
        return f"{why}, until {when}" if deferred else f"{_DUE[EnrollmentStatus(enrollment.status)]} {when}"
    if not rules.is_open(tuple(zones), now):
        opens_at = rules.next_opening(tuple(zones), now)
        if opens_at is None:
            return "its hours don’t open again"
        zone = zones[0] if len(zones) == 1 else rules.zone
        return f"outside its hours until {clock_in_words(opens_at, zone, now)}"
    return "next in turn, at the channel’s pace"
