"""Two people at the same settings: what each changed is kept, and where both did, they are asked.

A page carries a mark of what each field held when it was shown. What a person left as it was is not
what they mean to save: there the newer value stays. A field that both changed, to different ends, is a
clash; nobody's typing is dropped until somebody has chosen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Model
from django.utils import timezone

from campaigns.forms.advanced import in_largest_unit
from campaigns.hours import describe_hours
from campaigns.models import Activity, Channel

SHOWN_AT_MOST = 240


@dataclass(frozen=True)
class Clash:
    """A field that two changed."""

    name: str
    label: str
    mine: str
    theirs: str


@dataclass(frozen=True)
class Editor:
    """Who changed something last, "Anna Svensson" or "You, in another window,"; and when, if known."""

    name: str
    at: datetime | None
    is_asked: bool = False


def mark(value: Any) -> str:
    """A short mark of what a field holds: the same for the same value, however it was typed."""
    return hashlib.sha256(json.dumps(_plain(value)).encode()).hexdigest()[:10]


def read_marks(posted: str) -> dict[str, str]:
    """Field -> mark, from what a page sent back; what is none of ours counts as not sent."""
    try:
        found = json.loads(posted or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: text for name, text in found.items() if isinstance(text, str)}


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def in_words(value: Any, choices: Mapping[Any, str]) -> str:
    """What a field holds, for a person who has to choose."""
    match value:
        case None | "" | []:
            return "nothing"
        case bool():
            return "on" if value else "off"
        case tuple():
            minutes, times = value
            after, unit = in_largest_unit(minutes)
            return f"after {after} {unit}, up to {times} times"
        case [int(), *_]:
            return describe_hours(value)
        case [*days]:
            return ", ".join(_day(day) for day in days)[:SHOWN_AT_MOST]
        case datetime():
            return f"{timezone.localtime(value):%b %-d, %Y, %H:%M}"
        case date():
            return _day(value)
        case str() | int() if value in choices:
            return str(choices[value])
    text = str(value)
    return text if len(text) <= SHOWN_AT_MOST else f"{text[:SHOWN_AT_MOST]}…"


def _day(day: date) -> str:
    return f"{day:%b} {day.day}, {day.year}"


def last_editor(channel: Channel, called: list[str], actor_id: int) -> Editor:
    """Who changed one of these, by what was written down; ``called`` as activities call them."""
    edits = Activity.objects.filter(campaign=channel.campaign_id, verb__in=["edit", "create"]).select_related(
        "actor"
    )
    newest = list(edits.order_by("-id")[:20])
    found = next((each for each in newest if any(name in each.text for name in called)), None)
    found = found or (newest[0] if newest else None)
    if found is None:
        return Editor("Somebody", None)
    # What somebody types into a draft that they have just made is written down with its making.
    at = found.at if found.verb == "edit" else None
    if found.actor_id == actor_id:
        return Editor("You, in another window,", at, is_asked=True)
    return Editor(str(found.actor or "Somebody"), at)
