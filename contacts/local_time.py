"""What the clock shows where a contact is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from contacts.models import Contact
from contacts.phone_numbers import possible_zones
from contacts.time_zones import city_of, current_name


@dataclass(frozen=True)
class LocalTime:
    """``places`` says where that may be; ``is_given``: by a file or a person, not worked out."""

    clock: str
    places: str
    is_given: bool


def local_time(contact: Contact, now: dt.datetime) -> LocalTime | None:
    """A contact's time now: one clock, or the earliest and the latest of several possible ones."""
    zones = contact.zone_set.zone_infos()
    if not zones:
        return None
    times = sorted({now.astimezone(zone).replace(tzinfo=None) for zone in zones})
    clocks = [f"{time:%H:%M}" for time in (times[0], times[-1])]
    names = [city_of(zone) for zone in contact.zone_set.zones]
    places = names[0] if len(names) == 1 else f"{names[0]} or {len(names) - 1} more"
    return LocalTime(" to ".join(dict.fromkeys(clocks)), places, bool(contact.time_zone))


def zones_in_words(contact: Contact) -> str:
    """Where a contact's zones come from: "given; the number is of Denver", "by the number: A or B"."""
    by_number = possible_zones(contact.phone_number) if contact.phone_number else ()
    places = " or ".join(map(city_of, by_number))
    if contact.time_zone:
        other = current_name(contact.time_zone) not in map(current_name, by_number) and places
        return f"Given by a file or a person{f'; by its number it would be {places}' if other else ''}."
    if not places:
        return "Nothing tells of it: the campaign’s own zone counts."
    several = "; calls are made when it is time in all of them" if len(by_number) > 1 else ""
    return f"Worked out from the number: {places}{several}."
