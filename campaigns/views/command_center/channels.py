"""The cards of the channels, and their controls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from campaigns import services
from campaigns.hours import describe_hours
from campaigns.lifecycles import ChannelStatus
from campaigns.models import Campaign, Channel, PauseReason, VoiceDestination
from campaigns.queries import Counts, run_counts
from campaigns.refusals import Refusal
from campaigns.rulebook import rulebook
from campaigns.waiting import channel_waits_for, clock_in_words


@dataclass(frozen=True)
class Control:
    """A button of a channel's card."""

    move: str
    label: str
    icon: str
    asks: bool = False


START = Control("start", "Start", "play")
SCHEDULE = Control("start", "Schedule", "clock")
START_NOW = Control("start-now", "Start now", "play")
# At a time that is asked for.
START_LATER = Control("schedule", "Start later", "calendar", asks=True)
RESCHEDULE = Control("schedule", "Change the time", "calendar", asks=True)
UNSCHEDULE = Control("unschedule", "Cancel schedule", "x-mark")
PAUSE = Control("pause", "Pause", "pause")
RESUME = Control("resume", "Resume", "play")
STOP = Control("stop", "Stop for good", "stop", asks=True)
RERUN = Control("rerun", "Re-run", "arrow-path", asks=True)

CONTROLS: dict[str, tuple[Control, ...]] = {
    ChannelStatus.READY: (START, START_LATER),
    ChannelStatus.SCHEDULED: (START_NOW, RESCHEDULE, UNSCHEDULE, STOP),
    ChannelStatus.RUNNING: (PAUSE, STOP),
    ChannelStatus.PAUSED: (RESUME, STOP),
    ChannelStatus.STOPPED: (),
    ChannelStatus.COMPLETED: (RERUN,),
}


def controls_of(channel: Channel, now: datetime) -> tuple[Control, ...]:
    """What a person may do with a channel now, the obvious thing first. Reads ``channel.campaign``."""
    if channel.campaign.is_archived:
        return ()
    if channel.status == ChannelStatus.READY and channel.start_at and channel.start_at > now:
        return (SCHEDULE, START_NOW, RESCHEDULE)
    return CONTROLS[channel.status]


@dataclass(frozen=True)
class Run:
    """An earlier run of a channel, and where its calls are told."""

    number: int
    counts: Counts
    results: str


# So many of a channel's earlier runs are told of on its card, the latest first.
MOST_RUNS = 3


@dataclass(frozen=True)
class Card:
    """A channel as its card shows it."""

    channel: Channel
    counts: Counts
    planned: int
    controls: tuple[Control, ...]
    hours: str
    waits_for: str
    paused_because: str
    refusal: Refusal | None
    starts: str
    earlier: tuple[Run, ...]

    @property
    def segments(self) -> list[tuple[str, int, str]]:
        counts = self.counts
        callbacks = counts.callbacks
        moved = [
            ("green", counts.completed, "completed"),
            ("red", counts.failed, "failed"),
            ("blue", counts.in_progress, "in progress"),
        ]
        if self.channel.is_over:
            return [*moved, ("faint", counts.pending, "left undone")]
        return [
            *moved,
            ("amber", counts.retrying + callbacks, "to retry or call back" if callbacks else "to retry"),
            ("faint", counts.pending - counts.retrying - callbacks, "waiting"),
        ]

    @property
    def primary(self) -> Control | None:
        """What pressing the badge does."""
        return self.controls[0] if self.controls and not self.controls[0].asks else None

    @property
    def destination(self) -> str:
        voice = self.channel.voice
        if voice.destination == VoiceDestination.ASSISTANT:
            return voice.assistant.name if voice.assistant else "no assistant yet"
        if voice.destination == VoiceDestination.POOL:
            return voice.pool.name if voice.pool else "no pool yet"
        return str(voice.get_destination_display())


def channels_tab(
    request: HttpRequest, campaign: Campaign, frame: dict[str, Any], now: datetime
) -> dict[str, Any]:
    counts, planned = frame["counts_by_channel"], frame["planned"]
    earlier = _earlier_runs(frame["channels"])
    return {"cards": [_card(c, counts[c.pk], planned[c.pk], earlier[c.pk], now) for c in frame["channels"]]}


def _earlier_runs(channels: list[Channel]) -> dict[int, tuple[Run, ...]]:
    again = [channel for channel in channels if channel.run > 1]
    found = run_counts(again) if again else {}
    return {
        channel.pk: tuple(
            Run(
                number,
                found.get((channel.pk, number), Counts()),
                # Pages compose each other by address: what the other page calls a run is said there.
                f"{reverse('analytics:results', args=[channel.campaign_id])}?run={channel.pk}.{number}",
            )
            for number in range(channel.run - 1, max(0, channel.run - 1 - MOST_RUNS), -1)
        )
        for channel in channels
    }


def _card(channel: Channel, counts: Counts, planned: int, earlier: tuple[Run, ...], now: datetime) -> Card:
    starts_later = bool(channel.start_at and channel.start_at > now)
    refusals = services.start_refusals(channel, now) if channel.status == ChannelStatus.READY else []
    schedule = channel.schedule
    zone = rulebook(channel.pk, channel.revision).zone
    return Card(
        channel=channel,
        counts=counts,
        planned=planned,
        controls=controls_of(channel, now),
        hours=describe_hours(schedule.hours, schedule.time_zone),
        waits_for=channel_waits_for(channel, now),
        paused_because=_paused_because(channel),
        refusal=refusals[0] if refusals and not channel.campaign.is_archived else None,
        starts=clock_in_words(channel.start_at, zone, now) if starts_later and channel.start_at else "",
        earlier=earlier,
    )


def _paused_because(channel: Channel) -> str:
    """Why the engine paused it; a person who paused it knows."""
    if channel.status != ChannelStatus.PAUSED or channel.pause_reason in {"", PauseReason.PERSON}:
        return channel.pause_note if channel.status == ChannelStatus.PAUSED else ""
    reason = channel.get_pause_reason_display()
    return f"{reason}: {channel.pause_note}" if channel.pause_note else reason
