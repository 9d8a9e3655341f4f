"""Who of a channel's contacts will be called, who won't, and why: counted, and found one by one.

Two things decide. What is known of the contact does so first: one statement gives everybody one fate, the
first that the claim would find (dialer/driving/claim.py). Then come the hours: whether people with these
time zones are open at all, and once more after the cap of attempts leaves room. Counting and finding go
by the same statement and the same hours, so that a number leads to exactly those whom it counts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count
from django.db.models.expressions import RawSQL
from django.db.models.query import QuerySet

from campaigns.models import Channel
from campaigns.planning import planned_for
from campaigns.rulebook import Rulebook, load_rulebook
from contacts.models import Contact, Membership, ZoneSet, zones_of

# Each contact of the lists once: those of the largest list, then of each other list who is in none before.
# A list's newest version is who was not removed from it; versions are pinned at the start only.
FIRST_LIST = """
    SELECT contact_id, NULL::timestamptz AS due_at FROM contacts_membership
    WHERE list_id = %(list_0)s AND removed_in IS NULL
"""
NEXT_LIST = """
    UNION ALL
    SELECT contact_id, NULL FROM contacts_membership AS member
    WHERE list_id = %(list_{n})s AND removed_in IS NULL AND NOT EXISTS (
        SELECT FROM contacts_membership AS earlier
        WHERE earlier.list_id = ANY(%(lists_before_{n})s) AND earlier.removed_in IS NULL
            AND earlier.contact_id = member.contact_id
    )
"""
# Of a run that was started, those who wait.
WAITING_CONTACTS = """
    SELECT contact_id, due_at FROM campaigns_enrollment
    WHERE channel_id = %(channel)s AND run = %(run)s AND status IN ('callback', 'pending', 'retry')
"""

# Every contact has one fate. Calls are the dialer's, only read here: caps count those that the carrier took,
# whatever campaign made them. Where only some are asked about, ``among`` keeps every part to those.
FATES = """
SELECT contact.id AS contact_id, contact.zone_set_id, member.due_at, number.capped_until,
       CASE
           WHEN contact.erased_at IS NOT NULL THEN 'erased'
           WHEN contact.phone_number IS NULL THEN 'without_number'
           WHEN number.is_refused THEN 'do_not_contact'
           WHEN excluded.contact_id IS NOT NULL THEN 'excluded'
           WHEN number.capped_until IS NOT NULL THEN 'capped'
           ELSE 'callable'
       END AS fate
FROM ({members}) AS member
JOIN contacts_contact AS contact ON contact.id = member.contact_id
LEFT JOIN (
    SELECT phone_number, bool_or(is_refused) AS is_refused, max(capped_until) AS capped_until
    FROM (
        SELECT phone_number, true AS is_refused, NULL::timestamptz AS capped_until
        FROM contacts_donotcontact
        WHERE phone_number IS NOT NULL AND scope IN ('all', 'voice')
            AND (expires_at IS NULL OR expires_at > %(now)s) {among_numbers}
        UNION ALL
        SELECT to_number, false, GREATEST(
            (array_agg(created_at ORDER BY created_at DESC)
                FILTER (WHERE created_at > %(now)s - interval '1 day'))[%(day_cap)s] + interval '1 day',
            (array_agg(created_at ORDER BY created_at DESC))[%(week_cap)s] + interval '7 days'
        )
        FROM dialer_call
        WHERE created_at > %(now)s - %(longest_cap)s AND accepted_at IS NOT NULL {among_called}
        GROUP BY to_number HAVING count(*) >= %(least_cap)s
    ) AS found
    GROUP BY phone_number
) AS number ON number.phone_number = contact.phone_number
LEFT JOIN (
    SELECT DISTINCT contact_id FROM contacts_membership
    WHERE list_id = ANY(%(exclusions)s) AND removed_in IS NULL {among_contacts}
) AS excluded ON excluded.contact_id = contact.id
"""
AMONG = {
    "among_contacts": "AND contact_id = ANY(%(among)s)",
    "among_numbers": "AND phone_number = ANY(%(numbers)s)",
    "among_called": "AND to_number = ANY(%(numbers)s)",
}
EVERYBODY = dict.fromkeys(AMONG, "")
# Moments are told where there is a last day, which may come before the cap leaves room.
COUNT = """
SELECT zone_set_id, fate, count(*), max(GREATEST(due_at, capped_until)),
       CASE WHEN %(ends)s THEN array_agg(capped_until) FILTER (WHERE capped_until IS NOT NULL) END
FROM ({fates}) AS contact
GROUP BY 1, 2
"""
IN_SEVERAL_LISTS = """
    SELECT contact_id FROM contacts_membership
    WHERE list_id = ANY(%(lists)s) AND removed_in IS NULL {among_contacts}
    GROUP BY contact_id HAVING count(*) > 1
"""
# Members in order, each list by its index: what of all of them comes first is among the first of each.
MEMBERS_OF_LIST = """
    SELECT contact_id FROM contacts_membership WHERE list_id = %(list_{n})s AND removed_in IS NULL AND {walk}
"""
# Where a reason concerns few, those to whom alone it may apply; whether it does, their fates say.
SUSPECTS = {
    "do_not_contact": """
        SELECT id AS contact_id FROM contacts_contact WHERE phone_number IN (
            SELECT phone_number FROM contacts_donotcontact
            WHERE scope IN ('all', 'voice') AND (expires_at IS NULL OR expires_at > %(now)s)
        )
    """,
    "excluded": """
        SELECT DISTINCT contact_id FROM contacts_membership
        WHERE list_id = ANY(%(exclusions)s) AND removed_in IS NULL
    """,
    "without_number": "SELECT id AS contact_id FROM contacts_contact WHERE phone_number IS NULL",
    "erased": "SELECT id AS contact_id FROM contacts_contact WHERE erased_at IS NOT NULL",
    "capped": """
        SELECT id AS contact_id FROM contacts_contact WHERE phone_number IN (
            SELECT to_number FROM dialer_call
            WHERE created_at > %(now)s - %(longest_cap)s AND accepted_at IS NOT NULL
            GROUP BY to_number HAVING count(*) >= %(least_cap)s
        )
    """,
}
# Those of few suspects who are the channel's. All of them are found before the first are asked for: to go
# through everybody from the newest on until enough were met could take a second, if there are none.
OF_THE_CHANNEL = """
    SELECT contact_id FROM ({suspects}) AS suspect
    WHERE EXISTS (SELECT FROM ({members}) AS member WHERE member.contact_id = suspect.contact_id)
    OFFSET 0
"""
ON_A_LIST = "SELECT contact_id FROM contacts_membership WHERE list_id = ANY(%(lists)s) AND removed_in IS NULL"
HOW_MANY = "SELECT count(*) FROM ({suspects} LIMIT %(few)s + 1) AS suspect"
# Each of them costs some microseconds.
FEW = 10_000
# A cap that is off: no number has so many calls.
NO_CAP = 1_000_000
# A cap leaves room after a week at the latest.
LONGEST_CAP = timedelta(days=7)
# People are looked for among so many in turn, and then, where they are rare, among all at once. The first
# look is for where nearly all are such: a page and a little more.
LOOKS = (70, 300, 3_000)


class Reason(StrEnum):
    """Why contacts are called or not; of a contact that is called, when."""

    CALLED = "called"
    # Over the cap of attempts right now.
    LATER = "later"
    DO_NOT_CONTACT = "do_not_contact"
    # On a list that the campaign leaves alone.
    EXCLUDED = "excluded"
    WITHOUT_NUMBER = "without_number"
    # Their own hours never meet the schedule, or not on the days that it has left.
    NEVER_OPEN = "never_open"
    # Over the cap of attempts for as long as the schedule lasts.
    CAPPED_FOR_GOOD = "capped_for_good"
    # Called once all the same.
    DUPLICATES = "duplicates"
    ERASED = "erased"


# What decides for those who have a number and may be called: the hours do the rest.
_BY_HOURS = {
    Reason.CALLED: """
        fate IN ('callable', 'capped') AND zone.over_at IS DISTINCT FROM %(now)s
        AND (fate = 'callable' OR zone.over_at IS NULL OR capped_until < zone.over_at)
    """,
    Reason.LATER: "fate = 'capped' AND (zone.over_at IS NULL OR capped_until < zone.over_at)",
    Reason.NEVER_OPEN: "fate IN ('callable', 'capped') AND zone.over_at = %(now)s",
    Reason.CAPPED_FOR_GOOD: "fate = 'capped' AND zone.over_at > %(now)s AND capped_until >= zone.over_at",
}
_SUSPECTS_OF = {
    Reason.DO_NOT_CONTACT: SUSPECTS["do_not_contact"],
    Reason.EXCLUDED: SUSPECTS["excluded"],
    Reason.WITHOUT_NUMBER: SUSPECTS["without_number"],
    Reason.ERASED: SUSPECTS["erased"],
    Reason.LATER: SUSPECTS["capped"],
    Reason.CAPPED_FOR_GOOD: SUSPECTS["capped"],
}
_BY_ALL_CALLS = (Reason.LATER, Reason.CAPPED_FOR_GOOD)
# Found by an index of their own, whoever else there is.
_FOUND_AT_ONCE = (Reason.WITHOUT_NUMBER, Reason.ERASED)
OF_REASON = """
SELECT contact_id FROM ({fates}) AS contact
LEFT JOIN unnest(%(zone_sets)s::bigint[], %(over_at)s::timestamptz[]) AS zone (id, over_at)
    ON zone.id = contact.zone_set_id
WHERE {condition}
"""


@dataclass(frozen=True)
class Counted:
    """How many contacts of a zone set have a fate, before the hours are asked.

    ``last_due_at``: when the last of them is due: in a started run, or when a cap leaves room.
    ``capped_until``: when the caps leave room, in order; only where there is a last day.
    """

    zone_set_id: int
    fate: str
    contacts: int
    last_due_at: datetime | None = None
    capped_until: tuple[datetime, ...] = ()


def over_at(rules: Rulebook, zones: tuple[ZoneInfo, ...], start: datetime) -> datetime | None:
    """From when on contacts with these zones are never open again: ``start`` where they never are.

    None: they are still when the last cap has left room.
    """
    if rules.next_opening(zones, start) is None:
        return start
    end = start + LONGEST_CAP + timedelta(minutes=1)
    if rules.next_opening(zones, end) is not None:
        return None
    # Hours end on the minute: after the first at which they never open again, they don't at any other.
    first = start.replace(second=0, microsecond=0)
    minutes = range((end - first) // timedelta(minutes=1) + 1)
    return first + timedelta(
        minutes=bisect_left(
            minutes, True, key=lambda n: rules.next_opening(zones, first + timedelta(minutes=n)) is None
        )
    )


class People:
    """A channel's contacts as they would be at its start: of its lists, or of its run those who wait.

    Reads what is needed to ask about them: lists, exclusions, settings.
    """

    def __init__(self, channel: Channel, now: datetime) -> None:
        self.rules = load_rulebook(channel.pk)
        # Do-not-contact and caps are those of this moment.
        self.start = max(now, channel.start_at) if channel.start_at and not channel.run else now
        self.is_started = bool(channel.run)
        assigned = channel.channel_lists.order_by("-list__size", "list").values_list("list", "list__size")
        # Largest first, with about how many are on them: that is for the planner alone.
        self.size = sum(size for _, size in assigned)
        lists = self.lists = [pk for pk, _ in assigned]
        self.exclusions = sorted(channel.campaign.campaign_exclusions.values_list("list", flat=True))
        if self.is_started:
            self._members = WAITING_CONTACTS
        else:
            # Without a list: of none.
            self._members = FIRST_LIST + "".join(NEXT_LIST.format(n=n) for n in range(1, len(lists)))
        day, week = self.rules.max_attempts_per_day, self.rules.max_attempts_per_week
        self._parameters: dict[str, Any] = {
            "channel": channel.pk,
            "run": channel.run,
            "now": self.start,
            "day_cap": day or NO_CAP,
            "week_cap": week or NO_CAP,
            "least_cap": min(day or NO_CAP, week or NO_CAP),
            "longest_cap": timedelta(days=7 if week else 1 if day else 0),
            "ends": self.rules.hours.end_date is not None,
            "exclusions": self.exclusions,
            "lists": [] if self.is_started else lists,
            "list_0": lists[0] if lists else None,
            **{f"list_{n}": list_id for n, list_id in enumerate(lists)},
            **{f"lists_before_{n}": lists[:n] for n in range(1, len(lists))},
        }

    def entries(self) -> list[tuple[int, int]]:
        """The lists with how many are on each."""
        found = Membership.objects.current().filter(list__in=self.lists).order_by("list").values_list("list")
        return list(found.annotate(contacts=Count("*")))

    def count(self) -> list[Counted]:
        """Each contact once, by zone set and fate."""
        statement = COUNT.format(fates=FATES.format(members=self._members, **EVERYBODY))
        with planned_for(self.size), connection.cursor() as cursor:
            cursor.execute(statement, self._parameters)
            return [
                Counted(zone_set_id, fate, contacts, last_due_at, tuple(sorted(capped_until or ())))
                for zone_set_id, fate, contacts, last_due_at, capped_until in cursor.fetchall()
            ]

    def of(self, reason: Reason) -> QuerySet[Contact]:
        """All contacts of one reason, newest first. To be read inside ``planned_for(people.size)``."""
        statement, parameters = _positional(self._of_reason(reason, EVERYBODY), self._asked(reason))
        return Contact.objects.filter(pk__in=RawSQL(statement, parameters)).order_by("-pk")  # noqa: S611

    def next_of(
        self,
        reason: Reason,
        *,
        most: int,
        after: int | None = None,
        before: int | None = None,
        matching: QuerySet[Contact] | None = None,
    ) -> list[int]:
        """The next contacts of one reason, as keys: at most so many, newest first, from one of them on.

        ``after`` a contact are those that are older, ``before`` it the newer ones, nearest first.
        ``matching`` narrows them down. Where the reason concerns many, a page costs a look at a few hundred;
        where it concerns few, one look at all.
        """
        found: list[int] = []
        asked = self._asked(reason)
        if self._is_nobody(reason, asked):
            return found
        walk = _Walk(before is not None, before if before is not None else after)
        # Who is over the cap is told by all calls of a week: seldom to be looked through twice.
        for look in LOOKS[1:] if reason in _BY_ALL_CALLS else LOOKS:
            among = self._walk(reason, walk, look) if matching is None else walk.through(matching, look)
            found += self._among(reason, asked, among, walk)
            if len(found) >= most or len(among) < look:
                return found[:most]
            walk = _Walk(walk.is_backward, among[-1])
        return found + self._rest(reason, walk, most - len(found), matching)

    def _of_reason(self, reason: Reason, among: dict[str, str]) -> str:
        if reason == Reason.DUPLICATES:
            return IN_SEVERAL_LISTS.format(**among)
        members = self._members
        if among is AMONG:
            members = f"SELECT * FROM ({members}) AS member WHERE contact_id = ANY(%(among)s)"  # noqa: S608
        fates = FATES.format(members=members, **among)
        return OF_REASON.format(fates=fates, condition=_BY_HOURS.get(reason, f"fate = '{reason}'"))

    def _is_nobody(self, reason: Reason, asked: dict[str, Any]) -> bool:
        """Whether the settings alone say that a reason concerns nobody."""
        moments = asked["over_at"]
        if reason == Reason.DUPLICATES:
            return self.is_started or len(self.lists) < 2
        if reason == Reason.EXCLUDED:
            return not self.exclusions
        if reason == Reason.NEVER_OPEN:
            return self.start not in moments
        if reason == Reason.CAPPED_FOR_GOOD:
            return all(moment in (None, self.start) for moment in moments)
        return not self.lists and not self.is_started

    def _asked(self, reason: Reason) -> dict[str, Any]:
        zone_sets: Sequence[int] = ()
        if reason in _BY_HOURS:
            zone_sets = list(ZoneSet.objects.values_list("pk", flat=True))
        moments = [over_at(self.rules, zones_of(pk), self.start) for pk in zone_sets]
        return {**self._parameters, "zone_sets": list(zone_sets), "over_at": moments}

    def _walk(self, reason: Reason, walk: _Walk, most: int) -> list[int]:
        """The next who may have this reason; of a small list all of its members."""
        part = walk.sql("contact_id")
        suspects = self._suspects(reason) if self.size > LOOKS[-1] else None
        if suspects or self.is_started:
            source = suspects or WAITING_CONTACTS
            statement = f"SELECT contact_id FROM ({source}) AS member WHERE {part}"  # noqa: S608
        else:
            lists = [MEMBERS_OF_LIST.format(n=n, walk=part) for n in range(len(self.lists))]
            members = " UNION ".join(f"({each})" for each in lists)
            statement = f"SELECT contact_id FROM ({members}) AS member {walk.order('contact_id')}"  # noqa: S608
        return _keys(statement, {**self._parameters, **walk.parameters, "most": most})

    def _suspects(self, reason: Reason) -> str | None:
        """To whom alone a reason may apply; where they are few, only the channel's own contacts."""
        suspects = _SUSPECTS_OF.get(reason)
        if suspects is None or reason not in _FOUND_AT_ONCE:
            return suspects
        (found,) = _keys(HOW_MANY.format(suspects=suspects), {"few": FEW})
        if found > FEW:
            return suspects
        members = WAITING_CONTACTS if self.is_started else ON_A_LIST
        return OF_THE_CHANNEL.format(suspects=suspects, members=members)

    def _among(self, reason: Reason, asked: dict[str, Any], among: list[int], walk: _Walk) -> list[int]:
        if not among:
            return []
        numbers = list(
            Contact.objects.filter(pk__in=among, phone_number__isnull=False).values_list(
                "phone_number", flat=True
            )
        )
        found = set(_keys(self._of_reason(reason, AMONG), {**asked, "among": among, "numbers": numbers}))
        return [key for key in among if key in found]

    def _rest(self, reason: Reason, walk: _Walk, most: int, matching: QuerySet[Contact] | None) -> list[int]:
        rows = self.of(reason)
        if matching is not None:
            rows = rows.filter(pk__in=matching.order_by().values("pk"))
        with planned_for(self.size):
            return walk.through(rows, most)


@dataclass(frozen=True)
class _Walk:
    """From contact to contact by key, past one of them: from the newest to the oldest, or backward."""

    is_backward: bool
    past: int | None

    @property
    def parameters(self) -> dict[str, Any]:
        return {"past": self.past}

    def sql(self, column: str) -> str:
        comparison = ">" if self.is_backward else "<"
        past = f"{column} {comparison} %(past)s" if self.past is not None else "true"
        return f"{past} {self.order(column)}"

    def order(self, column: str) -> str:
        return f"ORDER BY {column} {'ASC' if self.is_backward else 'DESC'} LIMIT %(most)s"

    def through(self, contacts: QuerySet[Contact], most: int) -> list[int]:
        if self.past is not None:
            contacts = contacts.filter(**{"pk__gt" if self.is_backward else "pk__lt": self.past})
        ordered = contacts.order_by("pk" if self.is_backward else "-pk")
        return list(ordered.values_list("pk", flat=True)[:most])


def _keys(statement: str, parameters: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [key for (key,) in cursor.fetchall()]


def _positional(statement: str, parameters: dict[str, Any]) -> tuple[str, list[Any]]:
    """A statement for the middle of one of Django's, which names no parameters."""
    names = re.findall(r"%\((\w+)\)s", statement)
    return re.sub(r"%\(\w+\)s", "%s", statement), [parameters[name] for name in names]
