"""The filters of a page of contacts, as its selects show them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from contacts.filters import NO, UNKNOWN_ZONE, WITH, WITHOUT, YES, ContactFilters
from contacts.models import ZoneSet
from contacts.time_zones import labels_of


@dataclass(frozen=True)
class Select:
    """A filter: its name in the address, what people call it, and (value, words, whether chosen)."""

    name: str
    label: str
    options: list[tuple[str, str, bool]]


def selects(filters: ContactFilters) -> list[Select]:
    def select(name: str, label: str, *options: tuple[str, str]) -> Select:
        chosen = getattr(filters, name)
        offered = [(value, words, value == chosen) for value, words in (("", label), *options)]
        if chosen and not any(is_chosen for *_, is_chosen in offered):
            offered.append((chosen, chosen, True))
        return Select(name, label, offered)

    zones = {zone for zone_set in ZoneSet.objects.all() for zone in zone_set.zones}
    return [
        select("email", "Any email", (WITH, "With an email address"), (WITHOUT, "Without an email address")),
        select("number", "Any number", (WITH, "With a number"), (WITHOUT, "Without a number")),
        select(
            "do_not_contact", "Do not contact: any", (YES, "On do-not-contact"), (NO, "Not on do-not-contact")
        ),
        select(
            "zone",
            "Any time zone",
            (UNKNOWN_ZONE, "Unknown time zone"),
            *labels_of(zones, timezone.now()),
        ),
    ]
