"""Charts as SVG without scripts and styles of their own: what pygal draws, cut down to what a page needs.

pygal brings its own look, tooltips and a script; a page of ours allows none of that
(Content-Security-Policy), and has colours that follow the theme. What stays are shapes and words with
classes, which static/css/pages/analytics.css gives our colours; what a shape stands for is its ``<title>``.
To those who don't see it a chart is one image with a name: its table stands beside it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

import pygal
from django.utils.safestring import SafeString
from pygal.style import Style

from analytics.comparing import calls_by_day
from analytics.figures import NOTHING, Figures, Tally
from analytics.tables import OUTCOMES, ordinal
from campaigns.lifecycles import EnrollmentStatus
from dialer.models import Outcome

# pygal puts a finder of its own among those that every later import asks, for plug-ins that we have none of,
# and one that Python 3.12 does not know any more.
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)]

# A series: what it stands for, the class of its colour, and a value for each label (None: nothing there).
Series = tuple[str, str, tuple[float | None, ...]]

# Of a chart over the whole page, and over half of it: its words have about their own size there.
WIDE, NARROW = 960, 440
# Elements that a chart has for pygal's script, or for a look that is not ours.
_NOT_OURS = ("defs", "script", "style", "title")
_OVERLAY = re.compile(r"(tooltip|text)-overlay|plot overlay|titles|background")
_NUMBERS = re.compile(r"-?\d+\.\d+")
# Scales go up to this at least: of calls and contacts there are no halves.
LEAST = 4
# So much of the width a label takes.
_LABEL_WIDTH = 68
# Dots on a line, which say what it is at that place; a line of one value is nothing but one.
_MOST_DOTS = 31


def columns(title: str, labels: Sequence[str], series: Sequence[Series], *, width: int = WIDE) -> str:
    """Values on top of each other, above each label."""
    return _drawn("StackedBar", title, tuple(labels), tuple(series), width, 240)


def lines(title: str, labels: Sequence[str], series: Sequence[Series], *, width: int = WIDE) -> str:
    return _drawn("Line", title, tuple(labels), tuple(series), width, 240)


def rows(
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    is_stacked: bool = False,
    width: int = WIDE,
) -> str:
    """A bar to the right for each label, the first on top; or several series as parts of one bar."""
    # pygal begins at the bottom.
    upwards = tuple((name, colour, values[::-1]) for name, colour, values in series)
    kind = "HorizontalStackedBar" if is_stacked else "HorizontalBar"
    each = 30 if is_stacked or len(series) == 1 else 16 * len(series)
    return _drawn(kind, title, tuple(labels)[::-1], upwards, width, 40 + each * len(labels))


@lru_cache(maxsize=256)
def _drawn(
    kind: str, title: str, labels: tuple[str, ...], series: tuple[Series, ...], width: int, height: int
) -> str:
    """Remembered: the same figures are looked at again and again."""
    across = kind.startswith("Horizontal")
    every = max(1, -(-len(labels) * _LABEL_WIDTH // width))
    options: dict[str, Any] = {
        "width": width,
        # What it leaves room for.
        "style": Style(label_font_size=13, major_label_font_size=13),
        "height": height,
        "js": [],
        "css": [],
        "show_legend": False,
        "explicit_size": False,
        "disable_xml_declaration": True,
        "show_dots": len(labels) <= _MOST_DOTS,
        "spacing": 4,
        "margin": 4,
        "truncate_label": -1,
        "allow_interruptions": True,
        "min_scale": 3,
        "max_scale": 5,
        "range": (0, max(LEAST, _highest(kind, series))),
        "value_formatter": _written,
    }
    chart = getattr(pygal, kind)(**options)
    chart.x_labels = labels
    if not across:
        chart.x_labels_major = [label for place, label in enumerate(labels) if place % every == 0]
        chart.show_minor_x_labels = False
    for name, _, values in series:
        chart.add(name, list(values))
    # Written out and read once more: which of two libraries pygal has made it with makes no difference.
    root = ElementTree.fromstring(chart.render())  # noqa: S314  (nobody else's: pygal has just written it)
    return _ours(root, title, series)


def _highest(kind: str, series: tuple[Series, ...]) -> float:
    columns_of = zip(*(values for _, _, values in series), strict=True)
    if "Stacked" in kind:
        return max((sum(value or 0 for value in column) for column in columns_of), default=0)
    return max((max(value or 0 for value in column) for column in columns_of), default=0)


def _written(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _ours(root: ElementTree.Element, title: str, series: tuple[Series, ...]) -> str:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else element.tag
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in _NOT_OURS or _OVERLAY.search(child.get("class", "")):
                parent.remove(child)
    for parent in list(root.iter()):
        _titled(parent, series)
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name in {"style", "id"} or (name in {"rx", "ry"} and value == "0"):
                del element.attrib[name]
            elif name != "class":
                element.set(
                    name, _NUMBERS.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), value)
                )
    width, height = root.get("viewBox", "0 0 0 0").split()[2:]
    root.attrib.clear()
    root.attrib.update(
        {"class": "chart", "viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": title}
    )
    # Names of people and causes are text in it, which is escaped here.
    return SafeString(ElementTree.tostring(root, encoding="unicode"))


def _titled(parent: ElementTree.Element, series: tuple[Series, ...]) -> None:
    """Words for the pointer instead of notes for a script, and colours by our names instead of numbers."""
    found = re.search(r"\bseries serie-(\d+)", parent.get("class", ""))
    if found:
        name, colour, _ = series[int(found[1])]
        parent.set("class", f"series {colour}")
        for shape in list(parent.iter()):
            notes = {note.get("class", ""): note.text or "" for note in shape if note.tag == "desc"}
            for note in [child for child in shape if child.tag == "desc"]:
                shape.remove(note)
            if notes.get("value"):
                words = ElementTree.SubElement(shape, "title")
                words.text = f"{notes.get('x_label', '')}: {notes['value']} {name}".removeprefix(": ")


# --- What is drawn -----------------------------------------------------------------------------------

# Room is for so many days; if they are more than these, they are drawn as weeks.
FEWEST_DAYS, MOST_DAYS = 12, 62
MOST_CAUSES = 8
# As badges have them: green reached, slate nobody there, red failed.
OUTCOME_COLOURS = {
    Outcome.COMPLETED: "green",
    Outcome.NO_ANSWER: "slate",
    Outcome.BUSY: "amber",
    Outcome.VOICEMAIL: "blue",
    Outcome.FAILED: "red",
    Outcome.CANCELLED: "faint",
}


def of_contacts(figures: Figures) -> str:
    found = [status for status in EnrollmentStatus if figures.contacts.by_status.get(status)]
    if not found:
        return ""
    counts = tuple(figures.contacts.by_status[status] for status in found)
    return rows(
        "Contacts by status",
        [status.label for status in found],
        [("contacts", "accent", counts)],
        width=NARROW,
    )


def of_days(figures: Figures, *, width: int = WIDE) -> str:
    """Calls that reached somebody, and the others; by week where there are many days."""
    spans: dict[str, Tally] = {}
    by_week = len(figures.days) > MOST_DAYS
    for day, tally in figures.days.items():
        first = day - timedelta(days=day.weekday()) if by_week else day
        label = (
            f"{first.day} {first:%b}"
            if first.year == max(figures.days).year
            else f"{first.day} {first:%b %Y}"
        )
        spans[label] = spans.get(label, NOTHING) + tally
    if not spans:
        return ""
    # A campaign that has just begun has no columns as wide as a page.
    rest = (None,) * (FEWEST_DAYS - len(spans))
    reached = (*(tally.reached for tally in spans.values()), *rest)
    others = (*(tally.calls - tally.reached for tally in spans.values()), *rest)
    title = f"Calls by {'week' if by_week else 'day'}, and how many reached somebody"
    labels = [*spans, *("" for _ in rest)]
    return columns(
        title, labels, [("reached", "green", reached), ("not reached", "slate", others)], width=width
    )


def of_attempts(figures: Figures) -> str:
    """How the calls of each attempt ended."""
    numbers = sorted({attempt for attempt, _ in figures.attempts})
    if not numbers:
        return ""
    series = [
        (
            outcome.label.lower(),
            OUTCOME_COLOURS[outcome],
            tuple(figures.attempts.get((attempt, outcome), NOTHING).calls for attempt in numbers),
        )
        for outcome in OUTCOMES
        if outcome in figures.outcomes
    ]
    labels = [f"{ordinal(attempt)} attempt" for attempt in numbers]
    return rows("Outcomes by attempt", labels, series, is_stacked=True, width=NARROW)


def of_causes(figures: Figures) -> str:
    found = list(figures.causes.items())[:MOST_CAUSES]
    if not found:
        return ""
    labels = [_short(cause or "Not told by the carrier") for cause, _ in found]
    return rows(
        "Why calls were hung up",
        labels,
        [("calls", "accent", tuple(t.calls for _, t in found))],
        width=NARROW,
    )


def _short(text: str) -> str:
    return text if len(text) <= 28 else f"{text[:27]}…"


def of_two_outcomes(one: Figures, other: Figures, names: tuple[str, str]) -> str:
    """Shares of each outcome, in per cent."""
    used = [outcome for outcome in OUTCOMES if outcome in one.outcomes or outcome in other.outcomes]
    if not used:
        return ""
    series = [
        (
            f"% {name}",
            colour,
            tuple(_share(figures, outcome) for outcome in used),
        )
        for name, colour, figures in zip(names, ("accent", "amber"), (one, other), strict=True)
    ]
    return rows("How calls ended, in per cent", [outcome.label for outcome in used], series, width=NARROW)


def _share(figures: Figures, outcome: str) -> float:
    total = figures.total.calls
    return round(100 * figures.outcomes.get(outcome, NOTHING).calls / total, 1) if total else 0.0


def of_two_days(one: Figures, other: Figures, names: tuple[str, str]) -> str:
    by_day = calls_by_day(one, other)
    if not by_day:
        return ""
    series = [
        (f"calls of {name}", colour, tuple(calls[side] for calls in by_day))
        for side, (name, colour) in enumerate(zip(names, ("accent", "amber"), strict=True))
    ]
    return lines(
        "Calls from each campaign’s first day on",
        [str(place + 1) for place in range(len(by_day))],
        series,
        width=NARROW,
    )
