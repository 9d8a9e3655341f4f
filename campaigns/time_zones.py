"""The time zones people use, grouped by region, for the forms that ask for one.

Source: zone.tab and iso3166.tab of the IANA database, as shipped by the tzdata package: one row for
each zone of each country, which is what people look for ("Berlin", "Germany").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

OWN_ZONE = ""
OWN_ZONE_LABEL = "Each contact’s own time zone"

NORTH_AMERICA = "United States and Canada"
# The groups, in the order the form offers them.
REGIONS = (
    NORTH_AMERICA,
    "Latin America and the Caribbean",
    "Europe",
    "Africa",
    "Asia",
    "Australia and the Pacific",
    "Atlantic and Indian Ocean",
    "Polar regions",
    "World",
)
REGION_BY_PREFIX = {
    "America": "Latin America and the Caribbean",
    "Europe": "Europe",
    "Africa": "Africa",
    "Asia": "Asia",
    "Australia": "Australia and the Pacific",
    "Pacific": "Australia and the Pacific",
    "Atlantic": "Atlantic and Indian Ocean",
    "Indian": "Atlantic and Indian Ocean",
    "Antarctica": "Polar regions",
    "Arctic": "Polar regions",
}
# The zones most campaigns are in come first in their group, under the names people give them.
EVERYDAY_NAMES = {
    "America/New_York": "Eastern",
    "America/Chicago": "Central",
    "America/Denver": "Mountain",
    "America/Phoenix": "Arizona",
    "America/Los_Angeles": "Pacific",
    "America/Anchorage": "Alaska",
    "Pacific/Honolulu": "Hawaii",
    "America/Halifax": "Atlantic",
    "America/St_Johns": "Newfoundland",
}
# What a city was called when many people learnt its zone.
FORMER_NAMES = {
    "Asia/Kolkata": "Calcutta",
    "Asia/Ho_Chi_Minh": "Saigon",
    "Asia/Yangon": "Rangoon",
    "Asia/Kathmandu": "Katmandu",
    "Europe/Kyiv": "Kiev",
    "America/Nuuk": "Godthab",
}


@dataclass(frozen=True)
class Zone:
    """A zone as the form offers it. ``keywords`` is what else a person may search it by."""

    name: str
    city: str
    region: str
    keywords: str

    def offset(self, now: datetime) -> str:
        """How far its clocks are from UTC at a moment: "UTC−6", "UTC+5:30"."""
        minutes = round((now.astimezone(ZoneInfo(self.name)).utcoffset() or now - now).total_seconds() / 60)
        hours, rest = divmod(abs(minutes), 60)
        if not minutes:
            return "UTC"
        return f"UTC{'−' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"

    def label(self, now: datetime) -> str:
        everyday = EVERYDAY_NAMES.get(self.name)
        offset = self.offset(now)
        return f"{everyday}: {self.city} ({offset})" if everyday else f"{self.city} ({offset})"


def city_of(zone: str) -> str:
    """What a person calls a zone: "America/New_York" is "New York"."""
    return zone.rpartition("/")[2].replace("_", " ")


def _table(name: str) -> list[list[str]]:
    text = files("tzdata.zoneinfo").joinpath(name).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


@cache
def zones() -> tuple[Zone, ...]:
    """Every zone offered: by region, the everyday ones first, then by city."""
    countries = {code: name for code, name, *_ in _table("iso3166.tab")}
    found = []
    for code, _, name, *comment in _table("zone.tab"):
        prefix = name.partition("/")[0]
        region = NORTH_AMERICA if code in {"US", "CA"} else REGION_BY_PREFIX[prefix]
        words = [countries.get(code, ""), *comment, EVERYDAY_NAMES.get(name, ""), FORMER_NAMES.get(name, "")]
        found.append(Zone(name, city_of(name), region, " ".join(word for word in words if word)))
    found.append(Zone("UTC", "UTC", "World", "Coordinated Universal Time GMT"))
    everyday = list(EVERYDAY_NAMES)

    def place(zone: Zone) -> tuple[int, int, str]:
        first = everyday.index(zone.name) if zone.name in EVERYDAY_NAMES else len(everyday)
        return REGIONS.index(zone.region), first, zone.city

    return tuple(sorted(found, key=place))


@cache
def zone_names() -> frozenset[str]:
    return frozenset(zone.name for zone in zones())


def by_region(now: datetime) -> list[tuple[str, list[tuple[str, str]]]]:
    """Choices for a select: (region, [(zone name, label)])."""
    groups: dict[str, list[tuple[str, str]]] = {region: [] for region in REGIONS}
    for zone in zones():
        groups[zone.region].append((zone.name, zone.label(now)))
    return [(region, choices) for region, choices in groups.items() if choices]


@cache
def keywords() -> dict[str, str]:
    """Zone name -> what else it may be searched by."""
    return {zone.name: zone.keywords for zone in zones()}
