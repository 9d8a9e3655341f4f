"""Preflight: who will be called, who won't and why, and about when it will be done.

One query counts; the estimate is pure. Both look at the channel's lists and settings as they are now.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Sum
from django.urls import reverse
from django.utils import timezone

from campaigns.hours import OpeningHours, closes_at, is_open, next_opening
from campaigns.models import Channel, VoiceDestination
from campaigns.planning import planned_for
from campaigns.rulebook import Rulebook, load_rulebook
from contacts.models import Import, ImportStatus, Membership, zones_of

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

# Each contact of the lists once: those of the largest list, then of each other list who is in none before.
# A list's newest version is who was not removed from it; versions are pinned at the start only.
FIRST_LIST = """
    SELECT contact_id FROM contacts_membership WHERE list_id = %(list_0)s AND removed_in IS NULL
"""
NEXT_LIST = """
    UNION ALL
    SELECT contact_id FROM contacts_membership AS member
    WHERE list_id = %(list_{n})s AND removed_in IS NULL AND NOT EXISTS (
        SELECT FROM contacts_membership AS earlier
        WHERE earlier.list_id = ANY(%(lists_before_{n})s) AND earlier.removed_in IS NULL
            AND earlier.contact_id = member.contact_id
    )
"""
# Of a run that was started, those who wait.
WAITING_CONTACTS = """
    SELECT contact_id FROM campaigns_enrollment
    WHERE channel_id = %(channel)s AND run = %(run)s AND status IN ('callback', 'pending', 'retry')
"""

# Every contact has one fate: the first that the claim would find (dialer/driving/claim.py). Calls are the
# dialer's, only read here: caps count those that the carrier took, whatever campaign made them.
FATES = """
SELECT contact.zone_set_id,
       CASE
           WHEN contact.erased_at IS NOT NULL THEN 'erased'
           WHEN contact.phone_number IS NULL THEN 'without_number'
           WHEN number.is_refused THEN 'do_not_contact'
           WHEN excluded.contact_id IS NOT NULL THEN 'excluded'
           WHEN number.capped_until IS NOT NULL THEN 'capped'
           ELSE 'callable'
       END AS fate,
       count(*),
       CASE WHEN %(ends)s
           THEN array_agg(number.capped_until) FILTER (WHERE number.capped_until IS NOT NULL) END
FROM ({members}) AS member
JOIN contacts_contact AS contact ON contact.id = member.contact_id
LEFT JOIN (
    SELECT phone_number, bool_or(is_refused) AS is_refused, max(capped_until) AS capped_until
    FROM (
        SELECT phone_number, true AS is_refused, NULL::timestamptz AS capped_until
        FROM contacts_donotcontact
        WHERE phone_number IS NOT NULL AND scope IN ('all', 'voice')
            AND (expires_at IS NULL OR expires_at > %(now)s)
        UNION ALL
        SELECT to_number, false, GREATEST(
            (array_agg(created_at ORDER BY created_at DESC)
                FILTER (WHERE created_at > %(now)s - interval '1 day'))[%(day_cap)s] + interval '1 day',
            (array_agg(created_at ORDER BY created_at DESC))[%(week_cap)s] + interval '7 days'
        )
        FROM dialer_call
        WHERE created_at > %(now)s - %(longest_cap)s AND accepted_at IS NOT NULL
        GROUP BY to_number HAVING count(*) >= %(least_cap)s
    ) AS found
    GROUP BY phone_number
) AS number ON number.phone_number = contact.phone_number
LEFT JOIN (
    SELECT DISTINCT contact_id FROM contacts_membership
    WHERE list_id = ANY(%(exclusions)s) AND removed_in IS NULL
) AS excluded ON excluded.contact_id = contact.id
GROUP BY 1, 2
"""
# A cap that is off: no number has so many calls.
NO_CAP = 1_000_000


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
class Reason:
    """Why so many are not called, or not at once: for the list below the headline, and for ``{% bar %}``."""

    contacts: int
    label: str
    color: str
    words: str
    # How a list's page is narrowed down to them, where it can be.
    narrowed: str = ""


@dataclass(frozen=True)
class Preflight:
    """Who will be called and who won't; each contact has one reason, the first of these that holds."""

    # Entries of the lists; of a run that was started, the contacts that wait.
    in_lists: int
    # Those in several lists once.
    contacts: int
    erased: int
    without_number: int
    do_not_contact: int
    # On a list that the campaign leaves alone.
    excluded: int
    # Their own hours never meet the schedule, or not on the days that it has left.
    never_open: int
    # Over the cap of attempts for as long as the schedule lasts.
    capped_for_good: int
    # Will be called, but not at once: over the cap of attempts right now.
    later: int
    estimate: Estimate | None
    call_seconds: int
    has_reattempts: bool
    is_started: bool
    # Of the files, before there were lists.
    left_out: LeftOut
    # The page of the only list there is; empty when there are several, or the run has begun.
    list_url: str

    @property
    def duplicates(self) -> int:
        """How many entries are a contact that another list has already."""
        return self.in_lists - self.contacts

    @property
    def will_be_called(self) -> int:
        return self.contacts - sum(
            (
                self.erased,
                self.without_number,
                self.do_not_contact,
                self.excluded,
                self.never_open,
                self.capped_for_good,
            )
        )

    @property
    def wont_be_called(self) -> int:
        return self.in_lists - self.will_be_called

    @property
    def reasons(self) -> list[Reason]:
        """Why not, in the order in which they are asked; those that concern nobody are left out."""
        reasons = (
            Reason(
                self.do_not_contact, "On do-not-contact", "red", "on do-not-contact", "?do_not_contact=yes"
            ),
            Reason(self.excluded, "On an exclusion list", "red", "on an exclusion list"),
            Reason(
                self.without_number, "No phone number", "amber", "without a phone number", "?number=without"
            ),
            Reason(self.erased, "Erased", "amber", "erased"),
            Reason(self.never_open, "Never open within these hours", "amber", "never open"),
            Reason(self.capped_for_good, "Over the cap until the last day", "amber", "over the cap"),
            Reason(self.duplicates, "In several lists, called once", "slate", "in several lists"),
        )
        return [reason for reason in reasons if reason.contacts]

    @property
    def segments(self) -> list[tuple[str, int, str]]:
        """For ``{% bar %}``."""
        called = [
            ("green", self.will_be_called - self.later, "will be called"),
            ("blue", self.later, "later"),
        ]
        return called + [(reason.color, reason.contacts, reason.words) for reason in self.reasons]


@dataclass(frozen=True)
class LeftOut:
    """Rows of the lists' files that never became contacts, by the imports' own sums."""

    invalid: int
    duplicates: int


@dataclass(frozen=True)
class Counted:
    """How many contacts of a zone set have a fate; of those over a cap until when, if there is a last day."""

    zone_set_id: int
    fate: str
    contacts: int
    capped_until: tuple[datetime, ...] = ()


def preflight(channel: Channel, now: datetime, *, counted_within_seconds: int = 0) -> Preflight:
    """Work out who of the channel's lists will be called; of a started run, who of those that wait.

    Settings change more often than contacts: a count of the same lists may be so old. Do-not-contact and
    caps are those of the moment when the channel would start.
    """
    rules = load_rulebook(channel.pk)
    start = max(now, channel.start_at) if channel.start_at and not channel.run else now
    lists = _list_sizes(channel)
    in_lists, counted = _counted(channel, rules, lists, start, counted_within_seconds)
    contacts = dict.fromkeys(("erased", "without_number", "do_not_contact", "excluded"), 0)
    never_open = capped_for_good = later = 0
    groups: dict[int, float] = {}
    for each in counted:
        if each.fate in contacts:
            contacts[each.fate] += each.contacts
        elif rules.next_opening(zones_of(each.zone_set_id), start) is None:
            never_open += each.contacts
        else:
            over = _capped_for_good(rules, each)
            capped_for_good += over
            later += each.contacts - over if each.fate == "capped" else 0
            groups[each.zone_set_id] = groups.get(each.zone_set_id, 0) + each.contacts - over
    seconds = _seconds_a_call(rules)
    return Preflight(
        in_lists=in_lists,
        contacts=sum(each.contacts for each in counted),
        **contacts,
        never_open=never_open,
        capped_for_good=capped_for_good,
        later=later,
        estimate=estimate(
            [Group(zones_of(zone_set_id), count) for zone_set_id, count in groups.items()],
            rules.hours,
            rules.zone,
            calls_per_second(rules, seconds),
            start,
        )
        if any(groups.values())
        else None,
        call_seconds=seconds,
        has_reattempts=bool(rules.rules.by_outcome) and rules.rules.attempts_per_contact > 1,
        is_started=bool(channel.run),
        left_out=_left_out(channel),
        list_url=reverse("contacts:list", args=[lists[0][0]]) if len(lists) == 1 and not channel.run else "",
    )


def _left_out(channel: Channel) -> LeftOut:
    imports = Import.objects.filter(
        list__in=channel.channel_lists.values("list"),
        purpose=Import.Purpose.CONTACTS,
        status=ImportStatus.COMPLETED,
    ).aggregate(invalid=Sum("invalid", default=0), duplicates=Sum("duplicates", default=0))
    return LeftOut(**imports)


def _capped_for_good(rules: Rulebook, each: Counted) -> int:
    """How many of them are over the cap until after the last opening of their hours."""
    zones = zones_of(each.zone_set_id)
    moments = sorted(each.capped_until)
    # Who has room later than somebody who has none left has none either.
    first = bisect_left(moments, True, key=lambda moment: rules.next_opening(zones, moment) is None)
    return len(moments) - first


def _counted(
    channel: Channel,
    rules: Rulebook,
    lists: list[tuple[int, int]],
    start: datetime,
    within_seconds: int,
) -> tuple[int, list[Counted]]:
    """Entries, and contacts by zone set and fate."""
    exclusions = sorted(channel.campaign.campaign_exclusions.values_list("list", flat=True))
    asked = (channel.run, lists, exclusions, rules.max_attempts_per_day, rules.max_attempts_per_week)
    about = (*asked, channel.start_at, bool(rules.hours.end_date))
    key = f"preflight:{channel.pk}:{hashlib.sha256(repr(about).encode()).hexdigest()[:16]}"
    kept: tuple[datetime, tuple[int, list[Counted]]] | None = cache.get(key)
    now = timezone.now()
    if kept is not None and now - kept[0] < timedelta(seconds=within_seconds):
        return kept[1]
    found = _count(channel, rules, start, [pk for pk, _ in lists], exclusions, sum(size for _, size in lists))
    cache.set(key, (now, found), timeout=COUNT_KEPT_SECONDS)
    return found


def _list_sizes(channel: Channel) -> list[tuple[int, int]]:
    """The channel's lists with how many are in each, largest first."""
    found = (
        Membership.objects.current()
        .filter(list__in=channel.channel_lists.values("list"))
        .order_by()
        .values_list("list")
        .annotate(contacts=Count("*"))
    )
    return sorted(found, key=lambda each: (-each[1], each[0]))


def _count(
    channel: Channel,
    rules: Rulebook,
    start: datetime,
    lists: list[int],
    exclusions: list[int],
    entries: int,
) -> tuple[int, list[Counted]]:
    day, week = rules.max_attempts_per_day, rules.max_attempts_per_week
    parameters: dict[str, Any] = {
        "channel": channel.pk,
        "run": channel.run,
        "now": start,
        "day_cap": day or NO_CAP,
        "week_cap": week or NO_CAP,
        "least_cap": min(day or NO_CAP, week or NO_CAP),
        "longest_cap": timedelta(days=7 if week else 1 if day else 0),
        "ends": rules.hours.end_date is not None,
        "exclusions": exclusions,
    }
    if channel.run:
        members = WAITING_CONTACTS
    elif lists:
        members = FIRST_LIST + "".join(NEXT_LIST.format(n=n) for n in range(1, len(lists)))
        parameters |= {f"list_{n}": list_id for n, list_id in enumerate(lists)}
        parameters |= {f"lists_before_{n}": lists[:n] for n in range(1, len(lists))}
    else:
        return 0, []
    with planned_for(entries), connection.cursor() as cursor:
        cursor.execute(FATES.format(members=members), parameters)
        counted = [
            Counted(zone_set_id, fate, contacts, tuple(capped_until or ()))
            for zone_set_id, fate, contacts, capped_until in cursor.fetchall()
        ]
    return sum(each.contacts for each in counted) if channel.run else entries, counted


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
