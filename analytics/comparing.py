"""The figures of two campaigns beside each other, with the difference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from analytics.figures import NOTHING, Figures, Tally
from analytics.tables import OUTCOMES, Cell, count, dollars, length, share
from interface.templatetags.interface import duration, money, number

# Days are told from each campaign's own first one on, as many as a page can show.
MOST_DAYS = 92


@dataclass(frozen=True)
class Pair:
    label: str
    one: Cell
    other: Cell
    # Of the second from the first, and in the unit of both; “–” where there is none.
    difference: Cell


@dataclass(frozen=True)
class Comparison:
    name: str
    title: str
    of: str
    rows: tuple[Pair, ...]

    def lines_of(self, one: str, other: str) -> tuple[list[str], list[list[Any]]]:
        """The head and the rows of its CSV, for campaigns of these names."""
        rows = [[row.label, row.one.raw, row.other.raw, row.difference.raw] for row in self.rows]
        return [self.of, one, other, "Difference"], rows


NONE = Cell("–", "")


def _pair(label: str, cells: Iterable[Cell], unit: str) -> Pair:
    one, other = cells
    if one.raw == "" or other.raw == "":
        return Pair(label, one, other, NONE)
    change = float(other.raw) - float(one.raw)
    return Pair(label, one, other, Cell(_signed(change, unit), round(change, 5)))


def _signed(change: float, unit: str) -> str:
    if not round(change, 5):
        return "same"
    size = abs(change)
    text = {
        "number": lambda: number(round(size)),
        "points": lambda: f"{number(round(size, 1))} points",
        "seconds": lambda: duration(size),
        "dollars": lambda: money(round(size, 5)),
    }[unit]()
    return f"{'−' if change < 0 else '+'}{text}"


def summary(one: Figures, other: Figures) -> Comparison:
    both = (one, other)
    totals = (one.total, other.total)
    rows = (
        _pair("Contacts, latest run", (count(each.contacts.total) for each in both), "number"),
        _pair("Contacts dialed, latest run", (count(each.contacts.dialed) for each in both), "number"),
        _pair("Contacts reached, latest run", (count(each.contacts.reached) for each in both), "number"),
        _pair(
            "Reached of dialed, latest run",
            (share(e.contacts.reached, e.contacts.dialed) for e in both),
            "points",
        ),
        _pair("Days with calls", (count(_days_with_calls(each)) for each in both), "number"),
        _pair("Calls, all runs", (count(total.calls) for total in totals), "number"),
        _pair("Calls that reached somebody", (count(total.reached) for total in totals), "number"),
        _pair("Success rate", (share(total.reached, total.calls) for total in totals), "points"),
        _pair(
            "Answer rate, incl. machines", (share(total.answered, total.calls) for total in totals), "points"
        ),
        _pair("Wins", (count(total.wins) for total in totals), "number"),
        _pair("Conversion rate", (share(total.wins, total.reached) for total in totals), "points"),
        _pair("Average length", (length(total.average_seconds) for total in totals), "seconds"),
        _pair("Median length", (length(each.median_seconds) for each in both), "seconds"),
        _pair("Cost", (dollars(total.cost) for total in totals), "dollars"),
        _pair("Cost per win", (dollars(total.cost_per_win) for total in totals), "dollars"),
    )
    return Comparison("summary", "Figures", "Figure", rows)


def _days_with_calls(figures: Figures) -> int:
    return sum(1 for tally in figures.days.values() if tally.calls)


def outcomes(one: Figures, other: Figures) -> Comparison:
    """Shares of all calls, of each outcome that either has."""

    def of(figures: Figures, outcome: str) -> Cell:
        return share(figures.outcomes.get(outcome, NOTHING).calls, figures.total.calls)

    used = [outcome for outcome in OUTCOMES if outcome in one.outcomes or outcome in other.outcomes]
    rows = tuple(_pair(outcome.label, (of(one, outcome), of(other, outcome)), "points") for outcome in used)
    return Comparison("outcomes", "How calls ended", "Outcome", rows)


def days(one: Figures, other: Figures) -> Comparison:
    """Calls on the first day with a call, the second, and so on."""
    rows = tuple(
        _pair(f"Day {place + 1}", (NONE if value is None else count(value) for value in calls), "number")
        for place, calls in enumerate(calls_by_day(one, other))
    )
    return Comparison("days", "Calls, from each one’s first day on", "Day", rows)


def calls_by_day(one: Figures, other: Figures) -> list[tuple[int | None, int | None]]:
    """Of both, for as long as the longer one; None after the end of the shorter."""
    sides = [[tally.calls for _, tally in _first(figures.days)] for figures in (one, other)]
    longest = max(map(len, sides))
    return [(_at(sides[0], place), _at(sides[1], place)) for place in range(longest)]


def _first(found: dict[date, Tally]) -> list[tuple[date, Tally]]:
    return sorted(found.items())[:MOST_DAYS]


def _at(values: list[int], place: int) -> int | None:
    return values[place] if place < len(values) else None
