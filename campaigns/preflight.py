"""Preflight: who will be called, who won't and why, and about when it will be done.

One query counts; the estimate is pure. Both look at the channel's lists and settings as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from campaigns.hours import OpeningHours, closes_at, is_open, next_opening
from campaigns.lifecycles import WAITING
from campaigns.models import Channel, Enrollment, VoiceDestination
from campaigns.rulebook import Rulebook, load_rulebook
from contacts.models.contact import zones_of

# What a call takes in all, ringing included, where nothing is known yet; said beside the estimate.
CALL_SECONDS = 60
HANG_UP_SECONDS = 20
# How old a count may be while settings are being changed.
COUNT_KEPT_SECONDS = 60
# The estimate goes through this many days opening by opening, and from there on by the last week's pace.
EXACT_DAYS = 14
LONGEST = timedelta(days=400)
# Zones whose clocks agree are taken together, and the rarest ones with the most frequent.
MOST_GROUPS = 24

COUNT = """
WITH members AS (
    SELECT member.contact_id, count(*) AS times
    FROM campaigns_channellist AS assigned
    JOIN contacts_list AS list ON list.id = assigned.list_id
    JOIN contacts_membership AS member ON member.list_id = list.id
        AND member.added_in <= coalesce(assigned.version, list.version)
        AND (member.removed_in IS NULL OR member.removed_in > coalesce(assigned.version, list.version))
    WHERE assigned.channel_id = %s
    GROUP BY member.contact_id
)
SELECT contact.zone_set_id, sum(members.times), count(*),
    count(*) FILTER (WHERE contact.phone_number IS NULL), count(refusal.phone_number)
FROM members
JOIN contacts_contact AS contact ON contact.id = members.contact_id
LEFT JOIN (
    SELECT DISTINCT phone_number FROM contacts_donotcontact
    WHERE scope IN ('all', 'voice') AND phone_number IS NOT NULL
) AS refusal ON refusal.phone_number = contact.phone_number
GROUP BY contact.zone_set_id
"""


@dataclass(frozen=True)
class Group:
    """Contacts that share their possible time zones; the estimate knows parts of them."""

    zones: tuple[ZoneInfo, ...]
    contacts: float


@dataclass(frozen=True)
class Estimate:
    """When the first call to everybody will have been made; ``done_at`` None: not by then.

    ``left`` is how many would not be called at all: the last day comes first, or their hours never open.
    """

    done_at: datetime | None
    left: int = 0


@dataclass(frozen=True)
class Preflight:
    in_lists: int
    contacts: int
    without_number: int
    do_not_contact: int
    estimate: Estimate | None
    call_seconds: int
    has_reattempts: bool

    @property
    def duplicates(self) -> int:
        """How many entries are a contact that another list, or the same, has already."""
        return self.in_lists - self.contacts

    @property
    def will_be_called(self) -> int:
        return self.contacts - self.without_number - self.do_not_contact

    @property
    def wont_be_called(self) -> int:
        return self.in_lists - self.will_be_called

    @property
    def segments(self) -> list[tuple[str, int, str]]:
        """For ``{% bar %}``."""
        return [
            ("green", self.will_be_called, "will be called"),
            ("red", self.do_not_contact, "on do-not-contact"),
            ("amber", self.without_number, "without a phone number"),
            ("slate", self.duplicates, "in several lists"),
        ]


def preflight(channel: Channel, now: datetime, *, counted_within_seconds: int = 0) -> Preflight:
    """Work the channel's preflight out from the real data.

    Settings change more often than contacts: a count of the same lists may be so old.
    """
    rows = _counted(channel, counted_within_seconds)
    rules = load_rulebook(channel.pk)
    groups = [
        Group(zones_of(zone_set), contacts - without_number - refused)
        for zone_set, _, contacts, without_number, refused in rows
    ]
    seconds = _seconds_a_call(rules)
    start = max(now, channel.start_at) if channel.start_at else now
    return Preflight(
        in_lists=sum(row[1] for row in rows),
        contacts=sum(row[2] for row in rows),
        without_number=sum(row[3] for row in rows),
        do_not_contact=sum(row[4] for row in rows),
        estimate=estimate(groups, rules.hours, rules.zone, calls_per_second(rules, seconds), start)
        if any(group.contacts for group in groups)
        else None,
        call_seconds=seconds,
        has_reattempts=bool(rules.rules.by_outcome) and rules.rules.attempts_per_contact > 1,
    )


def _counted(channel: Channel, within_seconds: int) -> list[tuple[int, ...]]:
    lists = channel.channel_lists.order_by("id").values_list("list", "version", "list__version")
    key = f"preflight:{channel.pk}:{'.'.join('-'.join(map(str, each)) for each in lists)}"[:240]
    kept: tuple[datetime, list[tuple[int, ...]]] | None = cache.get(key)
    now = timezone.now()
    if kept is not None and now - kept[0] < timedelta(seconds=within_seconds):
        return kept[1]
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [channel.pk])
        rows = [tuple(int(value) for value in row) for row in cursor.fetchall()]
    cache.set(key, (now, rows), timeout=COUNT_KEPT_SECONDS)
    return rows


@dataclass(frozen=True)
class Remaining:
    """Of a run that was started: who waits, and until when that takes."""

    waiting: int
    estimate: Estimate | None
    call_seconds: int


def remaining(channel: Channel, now: datetime) -> Remaining:
    """Work out what is left of the channel's run."""
    rows = (
        Enrollment.objects.filter(channel=channel, run=channel.run, status__in=WAITING)
        .values_list("zone_set")
        .annotate(contacts=Count("id"))
        .order_by()
    )
    groups = [Group(zones_of(zone_set), contacts) for zone_set, contacts in rows]
    rules = load_rulebook(channel.pk)
    seconds = _seconds_a_call(rules)
    return Remaining(
        waiting=sum(contacts for _, contacts in rows),
        estimate=estimate(groups, rules.hours, rules.zone, calls_per_second(rules, seconds), now)
        if groups
        else None,
        call_seconds=seconds,
    )


def _seconds_a_call(rules: Rulebook) -> int:
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
    return estimate(waiting, hours, channel_zone, rate, first)


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
