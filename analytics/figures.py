"""Figures of a campaign's calls: worked out from the calls themselves, in one statement, and so exactly.

One statement sees one moment: whatever calls end meanwhile, all figures are of the same calls, and agree with
what results show. A second for each half a million calls: see ``analytics.snapshots`` for who waits for that.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Self
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import QueryDict

from campaigns.queries import Counts
from dialer.statements import rows

# So many of the most frequent are told of caller IDs, causes and the like: more than anybody reads.
MOST_ROWS = 500
_KEY = r"[1-9][0-9]{0,17}"


# --- What is asked for -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Which calls of a campaign; what is empty narrows nothing.

    ``run`` names a channel, or one of its runs: "12", "12.2"; the days are the first and the last on which
    calls were made, in ``zone`` (an IANA name), in whose days and hours the figures are told.
    """

    zone: str
    run: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def of(cls, parameters: QueryDict, zone: str) -> Self:
        """From an address, named as results name them; what makes no sense there narrows nothing."""
        run = parameters.get("run", "")
        return cls(
            zone=zone,
            run=run if re.fullmatch(rf"{_KEY}(\.[1-9][0-9]{{0,3}})?", run, re.ASCII) else "",
            since=_day(parameters.get("from", "")),
            until=_day(parameters.get("to", "")),
        )

    @property
    def is_everything(self) -> bool:
        return not self.run and not self.since and not self.until

    @property
    def channel_id(self) -> int | None:
        return int(self.run.partition(".")[0]) if self.run else None

    @property
    def run_number(self) -> int | None:
        return int(self.run.partition(".")[2] or 0) or None

    def address(self, **more: str) -> str:
        """As a query string: "?run=12&from=2026-11-01", or "" for everything."""
        given = {"run": self.run, "from": self.since or "", "to": self.until or "", **more}
        query = urlencode({name: value for name, value in given.items() if value})
        return f"?{query}" if query else ""

    def of_day(self, day: date) -> str:
        return replace(self, since=day, until=day).address()

    @property
    def key(self) -> str:
        """Tells what was asked for apart from anything else."""
        return f"{self.zone}|{self.run}|{self.since or ''}|{self.until or ''}"

    @classmethod
    def from_key(cls, key: str) -> Self:
        zone, run, since, until = key.split("|")
        return cls(zone, run, _day(since), _day(until))


def _day(text: str) -> date | None:
    """As a date field sends it, of the years that calls can be of."""
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    return day if day is not None and 2000 <= day.year <= 2999 else None


# --- What is told ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """Of some calls: how many, of how many of them what, and how long and how dear they were.

    ``reached``: ended as completed, somebody was spoken to. ``answered``: somebody or something picked up, a
    machine say. ``wins``: with a disposition that counts as one. ``seconds``: of those that reached somebody.
    ``cost``: in US dollars.
    """

    calls: int = 0
    reached: int = 0
    wins: int = 0
    answered: int = 0
    seconds: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.calls + other.calls,
            self.reached + other.reached,
            self.wins + other.wins,
            self.answered + other.answered,
            self.seconds + other.seconds,
            self.cost + other.cost,
        )

    @property
    def average_seconds(self) -> float | None:
        return self.seconds / self.reached if self.reached else None

    @property
    def cost_per_win(self) -> Decimal | None:
        return self.cost / self.wins if self.wins else None

    @property
    def plain(self) -> list[Any]:
        return [*list(asdict(self).values())[:-1], str(self.cost)]

    @classmethod
    def from_plain(cls, plain: Iterable[Any]) -> Self:
        calls, reached, wins, answered, seconds, cost = plain
        return cls(int(calls), int(reached), int(wins), int(answered), int(seconds), Decimal(cost))


NOTHING = Tally()


@dataclass(frozen=True)
class Figures:
    """All there is to tell of a campaign's calls. Keys without a value (no name, no list) are ""."""

    # By status: of the current runs, or of the run asked for, whatever the days.
    contacts: Counts = field(default_factory=Counts)
    outcomes: dict[str, Tally] = field(default_factory=dict)
    # By the disposition's key; "" for none.
    dispositions: dict[str, Tally] = field(default_factory=dict)
    # Each day from the first with a call to the last, as it was where the zone is.
    days: dict[date, Tally] = field(default_factory=dict)
    # (weekday, hour), Monday is 0.
    hours: dict[tuple[int, int], Tally] = field(default_factory=dict)
    # (number of the attempt, outcome).
    attempts: dict[tuple[int, str], Tally] = field(default_factory=dict)
    # The most frequent first; by the carrier's words, the assistant's name, the number.
    causes: dict[str, Tally] = field(default_factory=dict)
    assistants: dict[str, Tally] = field(default_factory=dict)
    caller_ids: dict[str, Tally] = field(default_factory=dict)
    # (key of the channel, run); a channel that is gone has no key.
    runs: dict[tuple[str, int], Tally] = field(default_factory=dict)
    # By the list's key; "" for contacts who are on none of the campaign's lists any more. Somebody who is on
    # two of them counts in both.
    lists: dict[str, Tally] = field(default_factory=dict)
    median_seconds: float | None = None

    @property
    def total(self) -> Tally:
        return sum(self.outcomes.values(), NOTHING)

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON can hold it; ``from_plain`` reads it."""
        told: dict[str, Any] = {
            name: [[*_parts(key), *tally.plain] for key, tally in getattr(self, name).items()]
            for name in _TABLES
        }
        told["contacts"] = asdict(self.contacts)
        told["median_seconds"] = self.median_seconds
        return told

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        tables: dict[str, Any] = {
            name: {read(row[:-6]): Tally.from_plain(row[-6:]) for row in plain[name]}
            for name, read in _TABLES.items()
        }
        return cls(**tables, contacts=Counts(**plain["contacts"]), median_seconds=plain["median_seconds"])


# How each table's keys are read: from what JSON holds of them.
_TABLES: dict[str, Any] = {
    "outcomes": lambda parts: str(parts[0]),
    "dispositions": lambda parts: str(parts[0]),
    "days": lambda parts: date.fromisoformat(parts[0]),
    "hours": lambda parts: (int(parts[0]), int(parts[1])),
    "attempts": lambda parts: (int(parts[0]), str(parts[1])),
    "causes": lambda parts: str(parts[0]),
    "assistants": lambda parts: str(parts[0]),
    "caller_ids": lambda parts: str(parts[0]),
    "runs": lambda parts: (str(parts[0]), int(parts[1])),
    "lists": lambda parts: str(parts[0]),
}


def _parts(key: Any) -> list[Any]:
    parts = key if isinstance(key, tuple) else (key,)
    return [part.isoformat() if isinstance(part, date) else part for part in parts]


# --- Working it out ----------------------------------------------------------------------------------

# Grouped by each of the sets at once: the calls are read only once. A column that is not part of a row's set
# has its bit in ``apart``; which set it is is told by those that have none.
FIGURES = """
WITH chosen AS MATERIALIZED (
    SELECT channel_id, run, contact_id, outcome, disposition_id, attempt, hangup_cause, assistant_name,
           from_number, date_trunc('hour', created_at AT TIME ZONE %(zone)s) AS hour,
           CASE WHEN outcome = 'completed' THEN COALESCE(duration_seconds, 0) END AS length,
           outcome = 'completed' AS is_reached, answered_at IS NOT NULL AS is_answered,
           COALESCE(disposition_id = ANY(%(wins)s), false) AS is_win, cost
    FROM dialer_call
    WHERE campaign_id = %(campaign)s AND NOT is_live AND outcome <> 'withdrawn'
        AND (%(channel)s::bigint IS NULL OR channel_id = %(channel)s)
        AND (%(run)s::integer IS NULL OR run = %(run)s)
        AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)
), tallied AS (
    SELECT grouping(outcome, disposition_id, hour, attempt, hangup_cause, assistant_name, from_number,
                    channel_id, length) AS apart,
           outcome, disposition_id, hour, attempt, hangup_cause, assistant_name, from_number, channel_id, run,
           length, count(*) AS calls, count(*) FILTER (WHERE is_reached) AS reached,
           count(*) FILTER (WHERE is_win) AS wins, count(*) FILTER (WHERE is_answered) AS answered,
           sum(length) AS seconds, sum(cost) AS cost
    FROM chosen
    GROUP BY GROUPING SETS (
        (outcome, disposition_id), (hour), (attempt, outcome), (hangup_cause), (assistant_name),
        (from_number), (channel_id, run), (length)
    )
), by_list AS (
    SELECT place.list_id, count(*) AS calls, count(*) FILTER (WHERE is_reached) AS reached,
           count(*) FILTER (WHERE is_win) AS wins, count(*) FILTER (WHERE is_answered) AS answered,
           sum(length) AS seconds, sum(cost) AS cost
    FROM chosen LEFT JOIN (
        SELECT assigned.channel_id, assigned.list_id, membership.contact_id
        FROM campaigns_channellist AS assigned
        JOIN campaigns_channel AS channel ON channel.id = assigned.channel_id
        JOIN contacts_list AS list ON list.id = assigned.list_id
        JOIN contacts_membership AS membership ON membership.list_id = assigned.list_id
            AND membership.added_in <= COALESCE(assigned.version, list.version)
            AND (membership.removed_in IS NULL
                 OR membership.removed_in > COALESCE(assigned.version, list.version))
        WHERE channel.campaign_id = %(campaign)s
    ) AS place ON place.channel_id = chosen.channel_id AND place.contact_id = chosen.contact_id
    GROUP BY place.list_id
)
SELECT CASE
           WHEN outcome IS NOT NULL AND attempt IS NOT NULL THEN 'attempts'
           WHEN outcome IS NOT NULL THEN 'outcomes'
           WHEN hour IS NOT NULL THEN 'hours'
           WHEN apart & 16 = 0 THEN 'causes'
           WHEN apart & 8 = 0 THEN 'assistants'
           WHEN apart & 4 = 0 THEN 'caller_ids'
           WHEN apart & 2 = 0 THEN 'runs'
           ELSE 'lengths'
       END,
       COALESCE(attempt::text, outcome, hour::text, hangup_cause, assistant_name, from_number,
                channel_id::text, length::text, ''),
       CASE WHEN attempt IS NOT NULL THEN outcome WHEN run IS NOT NULL THEN run::text
            ELSE COALESCE(disposition_id::text, '') END,
       calls, reached, wins, answered, COALESCE(seconds, 0), COALESCE(cost, 0)
FROM tallied
UNION ALL
SELECT 'lists', COALESCE(list_id::text, ''), '', calls, reached, wins, answered, COALESCE(seconds, 0),
       COALESCE(cost, 0)
FROM by_list
UNION ALL
SELECT 'contacts', counter.status, '', sum(counter.count), sum(counter.reached), 0, sum(counter.dialed), 0, 0
FROM campaigns_enrollmentcount AS counter JOIN campaigns_channel AS channel ON channel.id = counter.channel_id
WHERE channel.campaign_id = %(campaign)s
    AND (%(channel)s::bigint IS NULL OR channel.id = %(channel)s)
    AND counter.run = COALESCE(%(run)s::integer, channel.run)
GROUP BY counter.status HAVING sum(counter.count) > 0
"""


def figures_of(campaign_id: int, asked: Asked, wins: Iterable[int]) -> Figures:
    """All figures of the calls asked for. ``wins``: keys of the dispositions that count as one."""
    zone = ZoneInfo(asked.zone)
    found = rows(
        FIGURES,
        {
            "campaign": campaign_id,
            "zone": asked.zone,
            "wins": list(wins),
            "channel": asked.channel_id,
            "run": asked.run_number,
            "since": _midnight(asked.since, zone) if asked.since else None,
            "until": _midnight(asked.until + timedelta(days=1), zone) if asked.until else None,
        },
        # What is quick depends on how many calls there are.
        prepare=False,
    )
    tables: dict[str, dict[tuple[str, str], Tally]] = defaultdict(dict)
    for table, one, other, *numbers in found:
        tables[table][one, other] = Tally.from_plain(numbers)
    by_hour = {datetime.fromisoformat(hour): tally for (hour, _), tally in tables["hours"].items()}
    return Figures(
        contacts=_contacts(tables["contacts"]),
        outcomes=_summed((outcome, tally) for (outcome, _), tally in tables["outcomes"].items()),
        dispositions=_summed((key, tally) for (_, key), tally in tables["outcomes"].items()),
        days=_whole_days(_summed((hour.date(), tally) for hour, tally in by_hour.items())),
        hours=_summed(((hour.weekday(), hour.hour), tally) for hour, tally in by_hour.items()),
        attempts=dict(
            sorted(
                ((int(attempt), outcome), tally) for (attempt, outcome), tally in tables["attempts"].items()
            )
        ),
        causes=_most(tables["causes"]),
        assistants=_most(tables["assistants"]),
        caller_ids=_most(tables["caller_ids"]),
        runs={(channel, int(run)): tally for (channel, run), tally in sorted(tables["runs"].items())},
        lists=_most(tables["lists"]),
        median_seconds=median({int(n): t.calls for (n, _), t in tables["lengths"].items() if n}),
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _contacts(found: Mapping[tuple[str, str], Tally]) -> Counts:
    return Counts(
        {status: tally.calls for (status, _), tally in found.items()},
        sum(tally.answered for tally in found.values()),
        {status: tally.reached for (status, _), tally in found.items() if tally.reached},
    )


def _summed(found: Iterable[tuple[Any, Tally]]) -> dict[Any, Tally]:
    sums: dict[Any, Tally] = defaultdict(Tally)
    for key, tally in found:
        sums[key] += tally
    return dict(sorted(sums.items()))


def _whole_days(found: dict[date, Tally]) -> dict[date, Tally]:
    """With the days on which nobody was called, between the first and the last."""
    if not found:
        return {}
    first, last = min(found), max(found)
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return {day: found.get(day, NOTHING) for day in every}


def _most(found: Mapping[tuple[str, str], Tally]) -> dict[str, Tally]:
    """The most frequent first."""
    ordered = sorted(
        ((key, tally) for (key, _), tally in found.items()), key=lambda one: (-one[1].calls, one[0])
    )
    return dict(ordered[:MOST_ROWS])


def median(lengths: Mapping[int, int]) -> float | None:
    """Of values with how often each is there; between two of them, halfway. None of nothing."""
    total = sum(lengths.values())
    if not total:
        return None
    low, high, seen = None, None, 0
    for value in sorted(lengths):
        seen += lengths[value]
        if low is None and seen >= (total + 1) // 2:
            low = value
        if seen >= total // 2 + 1:
            high = value
            break
    return ((low or 0) + (high or 0)) / 2
