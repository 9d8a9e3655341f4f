"""Figures as tables: what a page shows beside each chart, and what its CSV holds. The same rows in both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from analytics.figures import NOTHING, Asked, Figures, Tally
from campaigns.lifecycles import EnrollmentStatus
from dialer.models import Outcome
from interface.templatetags.interface import duration, money, number, percent, phone_text

# A page shows so many rows of a table; the CSV has all.
SHOWN = 20
SHOWN_DAYS = 92
OUTCOMES = [outcome for outcome in Outcome if outcome != Outcome.WITHDRAWN]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Cell:
    """``text`` for people, ``raw`` for the CSV: seconds, dollars, per cent as numbers."""

    text: str
    raw: Any


@dataclass(frozen=True)
class Row:
    label: str
    cells: tuple[Cell, ...]
    # Where the calls it counts are listed, after the address of the results; None: nowhere.
    query: str | None = None
    # What a label means where that can't be said in it: “a win”.
    aside: str = ""
    # More labels, for the CSV: the run beside the channel.
    more: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Table:
    name: str
    title: str
    # What the rows are of: one heading, or several for the CSV.
    of: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    shown: int = SHOWN

    @property
    def first_rows(self) -> tuple[Row, ...]:
        return self.rows[: self.shown]

    @property
    def left_out(self) -> int:
        return max(0, len(self.rows) - self.shown)

    @property
    def lines(self) -> tuple[list[str], list[list[Any]]]:
        """The head and the rows of its CSV."""
        return [*self.of, *self.heads], [
            [row.label, *row.more, *(cell.raw for cell in row.cells)] for row in self.rows
        ]


@dataclass(frozen=True)
class Names:
    """What keys are called: of dispositions (and which are wins), lists and channels."""

    dispositions: Mapping[str, str]
    wins: frozenset[str]
    lists: Mapping[str, str]
    channels: Mapping[str, str]


# --- Cells -------------------------------------------------------------------------------------------


def count(value: int) -> Cell:
    return Cell(number(value), value)


def share(part: int, whole: int) -> Cell:
    """Per cent; of nothing, none."""
    return Cell(percent(part, whole), round(100 * part / whole, 1) if whole else "")


def length(seconds: float | None) -> Cell:
    return Cell(duration(seconds), "" if seconds is None else round(seconds, 1))


def dollars(amount: Decimal | None) -> Cell:
    return Cell(money(amount), "" if amount is None else f"{amount:.5f}")


_HEADS = ("Calls", "Reached", "Success", "Wins", "Conversion", "Average", "Cost", "Cost per win")
# As these stand in a CSV, where a number doesn't say what it is of.
CSV_HEADS = {
    "Share": "Share (%)",
    "Success": "Success (%)",
    "Conversion": "Conversion (%)",
    "Answer rate": "Answer rate (%)",
    "Average": "Average (seconds)",
    "Median": "Median (seconds)",
    "Cost": "Cost (USD)",
    "Cost per win": "Cost per win (USD)",
}


def _cells(tally: Tally) -> tuple[Cell, ...]:
    return (
        count(tally.calls),
        count(tally.reached),
        share(tally.reached, tally.calls),
        count(tally.wins),
        share(tally.wins, tally.reached),
        length(tally.average_seconds),
        dollars(tally.cost),
        dollars(tally.cost_per_win),
    )


# --- Tables ------------------------------------------------------------------------------------------


def summary(figures: Figures) -> Table:
    total, contacts = figures.total, figures.contacts
    rows = (
        ("Contacts", count(contacts.total)),
        ("Contacts dialed", count(contacts.dialed)),
        ("Contacts reached", count(contacts.reached)),
        ("Calls", count(total.calls)),
        ("Calls answered", count(total.answered)),
        ("Calls that reached somebody", count(total.reached)),
        ("Success rate (%)", share(total.reached, total.calls)),
        ("Wins", count(total.wins)),
        ("Conversion rate (%)", share(total.wins, total.reached)),
        ("Average length (seconds)", length(total.average_seconds)),
        ("Median length (seconds)", length(figures.median_seconds)),
        ("Cost (USD)", dollars(total.cost)),
        ("Cost per win (USD)", dollars(total.cost_per_win)),
    )
    return Table(
        "summary", "Summary", ("Figure",), ("Value",), tuple(Row(label, (cell,)) for label, cell in rows)
    )


def contacts(figures: Figures) -> Table:
    counts = figures.contacts
    rows = (
        Row(
            EnrollmentStatus(status).label,
            (
                count(counts.by_status[status]),
                share(counts.by_status[status], counts.total),
                count(counts.reached_by_status.get(status, 0)),
            ),
        )
        for status in EnrollmentStatus
        if counts.by_status.get(status)
    )
    return Table("contacts", "Contacts by status", ("Status",), ("Contacts", "Share", "Reached"), tuple(rows))


def outcomes(figures: Figures, asked: Asked) -> Table:
    total = figures.total
    rows = (
        Row(
            outcome.label,
            (count(tally.calls), share(tally.calls, total.calls), dollars(tally.cost)),
            asked.address(outcome=outcome),
        )
        for outcome in OUTCOMES
        if (tally := figures.outcomes.get(outcome))
    )
    return Table("outcomes", "How calls ended", ("Outcome",), ("Calls", "Share", "Cost"), tuple(rows))


def dispositions(figures: Figures, names: Names) -> Table:
    found = sorted(figures.dispositions.items(), key=lambda one: (not one[0], -one[1].calls))
    rows = (
        Row(
            names.dispositions.get(key, "Deleted") if key else "No disposition",
            (count(tally.calls), share(tally.calls, figures.total.calls)),
            aside="a win" if key in names.wins else "",
        )
        for key, tally in found
    )
    return Table("dispositions", "What calls meant", ("Disposition",), ("Calls", "Share"), tuple(rows))


def days(figures: Figures, asked: Asked) -> Table:
    """The newest first; days without a call between the others, too."""
    heads = ("Calls", "Answered", "Reached", "Success", "Wins", "Cost")
    rows = (
        Row(
            f"{day:%a} {day.day} {day:%b %Y}",
            (
                count(tally.calls),
                count(tally.answered),
                count(tally.reached),
                share(tally.reached, tally.calls),
                count(tally.wins),
                dollars(tally.cost),
            ),
            asked.of_day(day) if tally.calls else None,
            more=(day.isoformat(),),
        )
        for day, tally in sorted(figures.days.items(), reverse=True)
    )
    return Table("days", "Day by day", ("Day", "Date"), heads, tuple(rows), SHOWN_DAYS)


def hours(figures: Figures) -> Table:
    rows = (
        Row(
            WEEKDAYS[weekday],
            (
                count(tally.calls),
                count(tally.answered),
                share(tally.answered, tally.calls),
                count(tally.reached),
            ),
            more=(f"{hour}:00",),
        )
        for (weekday, hour), tally in sorted(figures.hours.items())
    )
    return Table(
        "hours",
        "Answer rate by weekday and hour",
        ("Weekday", "Hour"),
        ("Calls", "Answered", "Answer rate", "Reached"),
        tuple(rows),
        7 * 24,
    )


def attempts(figures: Figures) -> Table:
    """A row for each number of attempt, a column for each outcome that there is."""
    used = used_outcomes(figures)
    found: dict[int, dict[str, Tally]] = {}
    for (attempt, outcome), tally in figures.attempts.items():
        found.setdefault(attempt, {})[outcome] = tally
    rows = []
    for attempt, tallies in found.items():
        total = sum(tallies.values(), NOTHING)
        each = (count(tallies.get(outcome, NOTHING).calls) for outcome in used)
        success = share(total.reached, total.calls)
        rows.append(Row(ordinal(attempt), (count(total.calls), *each, success)))
    heads = ("Calls", *(outcome.label for outcome in used), "Success")
    return Table("attempts", "Outcomes by attempt", ("Attempt",), heads, tuple(rows))


def used_outcomes(figures: Figures) -> list[Outcome]:
    return [outcome for outcome in OUTCOMES if outcome in figures.outcomes]


def ordinal(attempt: int) -> str:
    """ "1st", "2nd", "11th"."""
    ending = (
        {1: "st", 2: "nd", 3: "rd"}.get(attempt % 10, "th") if attempt % 100 not in {11, 12, 13} else "th"
    )
    return f"{attempt}{ending}"


def causes(figures: Figures) -> Table:
    rows = (
        Row(cause or "Not told by the carrier", (count(tally.calls), share(tally.calls, figures.total.calls)))
        for cause, tally in figures.causes.items()
    )
    return Table("causes", "Why calls were hung up", ("Cause",), ("Calls", "Share"), tuple(rows))


def assistants(figures: Figures) -> Table:
    return _by(
        "assistants", "By assistant", "Assistant", figures.assistants, lambda key: key or "No assistant"
    )


def caller_ids(figures: Figures) -> Table:
    return _by("caller-ids", "By caller ID", "Caller ID", figures.caller_ids, phone_text)


def lists(figures: Figures, names: Names) -> Table:
    def name(key: str) -> str:
        return names.lists.get(key, "A list that is gone") if key else "On none of its lists any more"

    return _by("lists", "By list", "List", figures.lists, name)


def _by(table: str, title: str, of: str, found: Mapping[str, Tally], name: Callable[[str], str]) -> Table:
    rows = tuple(Row(name(key), _cells(tally)) for key, tally in found.items())
    return Table(table, title, (of,), _HEADS, rows)


def channels(figures: Figures, names: Names, asked: Asked) -> Table:
    """By channel and run."""
    rows = tuple(
        Row(
            names.channels.get(key, "A channel that is gone"),
            _cells(tally),
            Asked(asked.zone, f"{key}.{run}", asked.since, asked.until).address() if key else None,
            aside=f"run {run}",
            more=(run,),
        )
        for (key, run), tally in figures.runs.items()
    )
    return Table("channels", "By channel and run", ("Channel", "Run"), _HEADS, rows)


def all_tables(figures: Figures, names: Names, asked: Asked) -> dict[str, Table]:
    """Each by its name, which addresses of CSV files use."""
    made: Iterable[Table] = (
        summary(figures),
        contacts(figures),
        outcomes(figures, asked),
        dispositions(figures, names),
        days(figures, asked),
        hours(figures),
        attempts(figures),
        causes(figures),
        assistants(figures),
        caller_ids(figures),
        lists(figures, names),
        channels(figures, names, asked),
    )
    return {table.name: table for table in made}


# --- The heat map ------------------------------------------------------------------------------------

# Shades of the heat map; 0 is for hours without a call.
SHADES = 5
# Shown also if nobody was called in them.
USUAL_HOURS = (9, 17)


@dataclass(frozen=True)
class Heat:
    """A cell: per cent that were answered, how dark it is, and all of it in words."""

    text: str
    shade: int
    words: str


@dataclass(frozen=True)
class HeatMap:
    hours: Sequence[int]
    rows: Sequence[tuple[str, Sequence[Heat]]]


def heat_map(figures: Figures) -> HeatMap:
    """Weekdays by hours of the day; the darker, the more of the calls were answered."""
    called = [hour for _, hour in figures.hours]
    if not called:
        return HeatMap((), ())
    between = range(min(*called, USUAL_HOURS[0]), max(*called, USUAL_HOURS[1]) + 1)
    highest = max(tally.answered / tally.calls for tally in figures.hours.values())
    return HeatMap(
        between,
        [
            (
                day,
                [_heat(day, hour, figures.hours.get((weekday, hour), NOTHING), highest) for hour in between],
            )
            for weekday, day in enumerate(WEEKDAYS)
        ],
    )


def _heat(day: str, hour: int, tally: Tally, highest: float) -> Heat:
    if not tally.calls:
        return Heat("", 0, f"{day} {hour}:00: no calls")
    rate = tally.answered / tally.calls
    shade = 1 + round((SHADES - 1) * rate / highest) if highest else 1
    words = f"{day} {hour}:00: {number(tally.answered)} of {number(tally.calls)} calls answered"
    return Heat(percent(tally.answered, tally.calls).removesuffix(" %"), shade, words)
