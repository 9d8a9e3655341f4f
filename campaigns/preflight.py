"""Preflight: who will be called, who won't and why, and about when it will be done.

Who is asked in campaigns/fates.py, when in campaigns/estimating.py; both look at the channel's lists and
settings as they are now.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Sum
from django.utils import timezone

from campaigns import fates
from campaigns.estimating import Estimate, Group, calls_per_second, estimate, seconds_a_call
from campaigns.fates import Counted, People, over_at
from campaigns.models import Channel
from contacts.models import Import, ImportStatus, zones_of

# How old a count may be while settings are being changed.
COUNT_KEPT_SECONDS = 60


@dataclass(frozen=True)
class Reason:
    """Why so many are not called, or not at once: for the list below the headline, and for ``{% bar %}``."""

    contacts: int
    label: str
    color: str
    words: str
    # Of the page that shows them; empty for those who were erased, whom no page shows.
    slug: str = ""


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
    excluded: int
    never_open: int
    capped_for_good: int
    # Will be called, but not at once.
    later: int
    estimate: Estimate | None
    call_seconds: int
    has_reattempts: bool
    is_started: bool
    # Of the files, before there were lists.
    left_out: LeftOut

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
        why = fates.Reason
        reasons = (
            Reason(self.do_not_contact, "On do-not-contact", "red", "on do-not-contact", why.DO_NOT_CONTACT),
            Reason(self.excluded, "On an exclusion list", "red", "on an exclusion list", why.EXCLUDED),
            Reason(
                self.without_number, "No phone number", "amber", "without a phone number", why.WITHOUT_NUMBER
            ),
            Reason(self.erased, "Erased", "amber", "erased"),
            Reason(self.never_open, "Never open within these hours", "amber", "never open", why.NEVER_OPEN),
            Reason(
                self.capped_for_good,
                "Over the cap until the last day",
                "amber",
                "over the cap",
                why.CAPPED_FOR_GOOD,
            ),
            Reason(
                self.duplicates, "In several lists, called once", "slate", "in several lists", why.DUPLICATES
            ),
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

    def of(self, reason: fates.Reason) -> int:
        """How many a reason concerns; of duplicates, how many entries."""
        return self.will_be_called if reason == fates.Reason.CALLED else int(getattr(self, reason))


@dataclass(frozen=True)
class LeftOut:
    """Rows of the lists' files that never became contacts, by the imports' own sums."""

    invalid: int
    duplicates: int


def preflight(channel: Channel, now: datetime, *, counted_within_seconds: int = 0) -> Preflight:
    """Work out who of the channel's lists will be called; of a started run, who of those that wait.

    Settings change more often than contacts: a count of the same lists may be so old.
    """
    people = People(channel, now)
    rules, start = people.rules, people.start
    entries, counted = _counted(channel, people, counted_within_seconds)
    contacts = dict.fromkeys(("erased", "without_number", "do_not_contact", "excluded"), 0)
    never_open = capped_for_good = later = 0
    groups: list[Group] = []
    for each in counted:
        if each.fate in contacts:
            contacts[each.fate] += each.contacts
            continue
        zones = zones_of(each.zone_set_id)
        closed_at = over_at(rules, zones, start)
        if closed_at == start:
            never_open += each.contacts
            continue
        over = _capped_for_good(each, closed_at)
        capped_for_good += over
        later += each.contacts - over if each.fate == "capped" else 0
        if each.contacts > over:
            groups.append(Group(zones, each.contacts - over, _last_due(each, closed_at)))
    seconds = seconds_a_call(rules)
    in_all = sum(each.contacts for each in counted)
    return Preflight(
        in_lists=in_all if people.is_started else sum(size for _, size in entries),
        contacts=in_all,
        **contacts,
        never_open=never_open,
        capped_for_good=capped_for_good,
        later=later,
        estimate=estimate(groups, rules.hours, rules.zone, calls_per_second(rules, seconds), start)
        if groups
        else None,
        call_seconds=seconds,
        has_reattempts=bool(rules.rules.by_outcome) and rules.rules.attempts_per_contact > 1,
        is_started=people.is_started,
        left_out=_left_out(channel),
    )


def _left_out(channel: Channel) -> LeftOut:
    imports = Import.objects.filter(
        list__in=channel.channel_lists.values("list"),
        purpose=Import.Purpose.CONTACTS,
        status=ImportStatus.COMPLETED,
    ).aggregate(invalid=Sum("invalid", default=0), duplicates=Sum("duplicates", default=0))
    return LeftOut(**imports)


def _capped_for_good(each: Counted, closed_at: datetime | None) -> int:
    """How many of them are over the cap until their hours are over."""
    return len(each.capped_until) - bisect_left(each.capped_until, closed_at) if closed_at else 0


def _last_due(each: Counted, closed_at: datetime | None) -> datetime | None:
    """When the last of those is due who will be called."""
    if closed_at is None or each.last_due_at is None or each.last_due_at < closed_at:
        return each.last_due_at
    within = bisect_left(each.capped_until, closed_at)
    return each.capped_until[within - 1] if within else None


def _counted(
    channel: Channel, people: People, within_seconds: int
) -> tuple[list[tuple[int, int]], list[Counted]]:
    """Entries of the lists, and contacts by zone set and fate.

    Hours play no part in it, so that they may change without a new count.
    """
    if not people.lists and not people.is_started:
        return [], []
    rules = people.rules
    about = (
        channel.run,
        # Each change of a list is a version, or somebody less.
        list(channel.channel_lists.order_by("list").values_list("list", "list__version", "list__size")),
        people.exclusions,
        rules.max_attempts_per_day,
        rules.max_attempts_per_week,
        channel.start_at,
        bool(rules.hours.end_date),
    )
    key = f"preflight:{channel.pk}:{hashlib.sha256(repr(about).encode()).hexdigest()[:16]}"
    kept: tuple[datetime, list[tuple[int, int]], list[Counted]] | None = cache.get(key)
    now = timezone.now()
    if kept is not None and now - kept[0] < timedelta(seconds=within_seconds):
        return kept[1], kept[2]
    entries = [] if people.is_started else people.entries()
    found = people.count()
    cache.set(key, (now, entries, found), timeout=COUNT_KEPT_SECONDS)
    return entries, found
