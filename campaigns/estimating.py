"""About when everybody will have been called once, at a channel's pace and hours.

Pure: no database, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.hours import OpeningHours, closes_at, is_open, next_opening
from campaigns.models import VoiceDestination
from campaigns.rulebook import Rulebook

# What a call takes in all, ringing included, where nothing is known yet; said beside the estimate.
CALL_SECONDS = 60
HANG_UP_SECONDS = 20
# The estimate goes through this many days opening by opening, and from there on by the last week's pace.
EXACT_DAYS = 14
LONGEST = timedelta(days=400)
# Zones whose clocks agree are taken together, and the rarest ones with the most frequent.
MOST_GROUPS = 24


@dataclass(frozen=True)
class Group:
    """Contacts that share their possible time zones; the estimate knows parts of them.

    ``last_due_at``: when the last of them is due, where it is known that some wait for their time: a callback
    that was asked for, a retry, the end of a cap.
    """

    zones: tuple[ZoneInfo, ...]
    contacts: float
    last_due_at: datetime | None = None


@dataclass(frozen=True)
class Estimate:
    """When the first call to everybody will have been made; ``done_at`` None: not by then.

    ``left`` is how many would not be called at all: the last day comes first, or their hours never open.
    ``waits_for_last``: the pace would be done before; the last who is due at a known time is waited for.
    """

    done_at: datetime | None
    left: int = 0
    waits_for_last: bool = False


def seconds_a_call(rules: Rulebook) -> int:
    """What a call of this channel takes in all, as far as its settings tell."""
    return HANG_UP_SECONDS if rules.destination == VoiceDestination.HANGUP else CALL_SECONDS


def calls_per_second(rules: Rulebook, call_seconds: int) -> float:
    """How many calls the channel's pace lets start each second, when each takes ``call_seconds``."""
    pace = min(rules.calls_per_second, rules.concurrent_calls / call_seconds)
    return min(pace, rules.calls_per_minute / 60) if rules.calls_per_minute else pace


def estimate(
    groups: Iterable[Group],
    hours: OpeningHours,
    channel_zone: ZoneInfo | None,
    rate: float,
    start: datetime,
) -> Estimate:
    """When everybody has been called once, at ``rate`` calls a second within the hours.

    Nobody is called before they are due, so it is not done before the last of them is: that is waited for,
    moved into their hours. How the others spread until then is left aside.
    """
    groups = list(groups)
    found = _at_pace(groups, hours, channel_zone, rate, start)
    last = max(filter(None, (_last_turn(group, hours, channel_zone) for group in groups)), default=None)
    if found.done_at is None or last is None or last <= found.done_at:
        return found
    return Estimate(last, waits_for_last=True)


def _last_turn(group: Group, hours: OpeningHours, channel_zone: ZoneInfo | None) -> datetime | None:
    """When the last of a group may be called; None: any time, or never."""
    if group.last_due_at is None:
        return None
    return next_opening(hours, channel_zone, group.zones, group.last_due_at)


def _at_pace(
    groups: Iterable[Group],
    hours: OpeningHours,
    channel_zone: ZoneInfo | None,
    rate: float,
    start: datetime,
) -> Estimate:
    """When they have been called if all were due at once.

    Goes from opening to closing; whoever is open shares the rate by how many they are.
    """
    now = start.astimezone(UTC)
    waiting = [group for group in _merged(groups, now) if group.contacts]
    exact_until = now + timedelta(days=EXACT_DAYS)
    last_week = 0.0
    while waiting and now < exact_until:
        opened = [is_open(hours, channel_zone, group.zones, now) for group in waiting]
        change = _next_change(hours, channel_zone, waiting, opened, now)
        callable_now = sum(group.contacts for group, on in zip(waiting, opened, strict=True) if on)
        if callable_now:
            finished = now + timedelta(seconds=callable_now / rate)
            until = min(change or finished, finished, exact_until)
            called = min(rate * (until - now).total_seconds(), callable_now)
            if until > exact_until - timedelta(days=7):
                last_week += called
            left = 1 - called / callable_now
            waiting = [
                replace(group, contacts=group.contacts * left) if on else group
                for group, on in zip(waiting, opened, strict=True)
            ]
            waiting = [group for group in waiting if group.contacts > 0.01]
            now = until
        elif change is None:
            break
        else:
            now = change
    if not waiting:
        return Estimate(now)
    remaining = sum(group.contacts for group in waiting)
    if last_week:
        return _extrapolated(now, remaining, last_week, hours)
    openings = [next_opening(hours, channel_zone, group.zones, now) for group in waiting]
    first = min((opening for opening in openings if opening), default=None)
    if first is None:
        return Estimate(None, round(remaining))
    # The first day is far ahead: from there.
    return _at_pace(waiting, hours, channel_zone, rate, first)


def _extrapolated(now: datetime, left: float, a_week: float, hours: OpeningHours) -> Estimate:
    weeks = left / a_week
    if hours.end_date:
        weeks_open = max(0.0, ((hours.end_date - now.date()).days + 1) / 7)
        if weeks > weeks_open:
            return Estimate(None, round(left - weeks_open * a_week))
    if timedelta(weeks=1) * weeks > LONGEST:
        return Estimate(None)
    return Estimate(now + timedelta(weeks=weeks))


def _next_change(
    hours: OpeningHours,
    channel_zone: ZoneInfo | None,
    groups: Sequence[Group],
    opened: Sequence[bool],
    now: datetime,
) -> datetime | None:
    """The next moment at which one of them opens or closes."""
    changes = (
        (closes_at if on else next_opening)(hours, channel_zone, group.zones, now)
        for group, on in zip(groups, opened, strict=True)
    )
    return min((change for change in changes if change is not None and change > now), default=None)


def _merged(groups: Iterable[Group], now: datetime) -> list[Group]:
    """Few groups instead of many: those whose clocks show the same, in summer and in winter."""
    by_clocks: dict[tuple[object, ...], Group] = {}
    for group in groups:
        key = tuple(
            sorted(
                {
                    (
                        now.astimezone(zone).utcoffset(),
                        (now + timedelta(days=182)).astimezone(zone).utcoffset(),
                    )
                    for zone in group.zones
                },
                key=str,
            )
        )
        found = by_clocks.get(key)
        by_clocks[key] = Group(
            found.zones if found else group.zones, group.contacts + (found.contacts if found else 0)
        )
    ordered = sorted(by_clocks.values(), key=lambda group: -group.contacts)
    kept, rest = ordered[:MOST_GROUPS], ordered[MOST_GROUPS:]
    if rest:
        kept[0] = Group(kept[0].zones, kept[0].contacts + sum(group.contacts for group in rest))
    return kept
