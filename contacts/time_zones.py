"""The time zones people use, grouped by region, for the forms that ask for one.

Source: zone.tab and iso3166.tab of the IANA database, as shipped by the tzdata package: one row for
each zone of each country, which is what people look for ("Berlin", "Germany").
"""

from __future__ import annotations

from collections.abc import Iterable
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
# Behind those, where several answer to the same abbreviation or city: the one that most people mean.
FIRST_IN_REGION = (
    *EVERYDAY_NAMES,
    "America/Sao_Paulo",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Sydney",
)
# Names that the IANA database keeps for zones it calls otherwise by now, where numbers and files have them.
FORMER_NAMES = {
    "Africa/Asmera": "Africa/Asmara",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Asia/Saigon": "Asia/Ho_Chi_Minh",
    "Atlantic/Faeroe": "Atlantic/Faroe",
    "Europe/Kiev": "Europe/Kyiv",
    "Pacific/Enderbury": "Pacific/Kanton",
    "Pacific/Ponape": "Pacific/Pohnpei",
    "Pacific/Truk": "Pacific/Chuuk",
}
# Abbreviations, and big cities that no zone is named after.
ALSO_FOUND_BY = {
    "America/New_York": "ET EST EDT, Boston, Washington DC, Philadelphia, Miami, Atlanta, Orlando, Tampa, "
    "Charlotte, Baltimore, Pittsburgh, Cleveland",
    "America/Chicago": "CT CST CDT, Dallas, Houston, Austin, San Antonio, Minneapolis, Nashville, "
    "New Orleans, St. Louis, Kansas City, Milwaukee",
    "America/Denver": "MT MST MDT, Salt Lake City, Albuquerque",
    "America/Phoenix": "MST, Tucson",
    "America/Los_Angeles": "PT PST PDT, San Francisco, Seattle, San Diego, Las Vegas, Portland, "
    "San Jose, Sacramento",
    "America/Anchorage": "AKST AKDT",
    "Pacific/Honolulu": "HST",
    "America/Halifax": "AST ADT",
    "America/St_Johns": "NST NDT",
    "America/Toronto": "EST EDT, Ottawa, Montreal",
    "America/Winnipeg": "CST CDT",
    "America/Edmonton": "MST MDT, Calgary",
    "America/Vancouver": "PST PDT",
    "America/Mexico_City": "Guadalajara, Puebla",
    "America/Sao_Paulo": "BRT, Rio de Janeiro, Brasilia, Belo Horizonte, Curitiba",
    "Europe/London": "BST, Manchester, Birmingham, Edinburgh, Glasgow",
    "Europe/Lisbon": "WET WEST, Porto",
    "Europe/Berlin": "CET CEST, Munich, Frankfurt, Hamburg, Cologne, Stuttgart",
    "Europe/Paris": "CET CEST, Lyon, Marseille",
    "Europe/Madrid": "CET CEST, Barcelona, Valencia, Seville",
    "Europe/Rome": "CET CEST, Milan, Naples, Turin",
    "Europe/Amsterdam": "CET CEST, Rotterdam, The Hague",
    "Europe/Brussels": "CET CEST, Antwerp",
    "Europe/Vienna": "CET CEST",
    "Europe/Zurich": "CET CEST, Geneva, Basel, Bern",
    "Europe/Stockholm": "CET CEST, Gothenburg",
    "Europe/Oslo": "CET CEST",
    "Europe/Copenhagen": "CET CEST",
    "Europe/Warsaw": "CET CEST, Krakow",
    "Europe/Prague": "CET CEST",
    "Europe/Budapest": "CET CEST",
    "Europe/Athens": "EET EEST",
    "Europe/Helsinki": "EET EEST",
    "Europe/Bucharest": "EET EEST",
    "Europe/Kyiv": "EET EEST",
    "Europe/Moscow": "MSK, Saint Petersburg",
    "Europe/Istanbul": "Ankara, Izmir",
    "Africa/Johannesburg": "SAST, Cape Town, Durban, Pretoria",
    "Africa/Lagos": "WAT, Abuja",
    "Asia/Kolkata": "IST, Mumbai, Bombay, New Delhi, Bangalore, Bengaluru, Hyderabad, Chennai, Madras, Pune",
    "Asia/Jerusalem": "IST, Tel Aviv",
    "Asia/Dubai": "Abu Dhabi",
    "Asia/Riyadh": "Jeddah",
    "Asia/Karachi": "PKT, Islamabad, Lahore",
    "Asia/Shanghai": "Beijing, Guangzhou, Shenzhen",
    "Asia/Hong_Kong": "HKT",
    "Asia/Singapore": "SGT",
    "Asia/Ho_Chi_Minh": "Hanoi",
    "Asia/Seoul": "KST, Busan",
    "Asia/Tokyo": "JST, Osaka, Kyoto, Yokohama, Nagoya",
    "Australia/Sydney": "AEST AEDT, Canberra",
    "Australia/Melbourne": "AEST AEDT",
    "Australia/Brisbane": "AEST, Gold Coast",
    "Australia/Adelaide": "ACST ACDT",
    "Australia/Perth": "AWST",
    "Pacific/Auckland": "NZST NZDT, Wellington",
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
    """What a person calls a zone: "America/New_York" is "New York", "Asia/Calcutta" is "Kolkata"."""
    return current_name(zone).rpartition("/")[2].replace("_", " ")


def current_name(zone: str) -> str:
    """The name that the IANA database gives a zone today."""
    return FORMER_NAMES.get(zone, zone)


def names_of(zone: str) -> list[str]:
    """All names under which contacts may have a zone."""
    now = current_name(zone)
    return [now, *(former for former, name in FORMER_NAMES.items() if name == now)]


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
        former = [each.rpartition("/")[2] for each in names_of(name)[1:]]
        words = [countries.get(code, ""), *comment, EVERYDAY_NAMES.get(name, ""), *former]
        words.append(ALSO_FOUND_BY.get(name, ""))
        found.append(Zone(name, city_of(name), region, " ".join(word for word in words if word)))
    found.append(Zone("UTC", "UTC", "World", "Coordinated Universal Time GMT"))

    def place(zone: Zone) -> tuple[int, int, str]:
        is_first = zone.name in FIRST_IN_REGION
        first = FIRST_IN_REGION.index(zone.name) if is_first else len(FIRST_IN_REGION)
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


def labels_of(names: Iterable[str], now: datetime) -> list[tuple[str, str]]:
    """Some zones, by whatever names, as (current name, label), in the order in which forms offer them."""
    wanted = {current_name(name) for name in names}
    offered = [(zone.name, zone.label(now)) for zone in zones() if zone.name in wanted]
    return [*offered, *((name, city_of(name)) for name in sorted(wanted - zone_names()))]


@cache
def keywords() -> dict[str, str]:
    """Zone name -> what else it may be searched by."""
    return {zone.name: zone.keywords for zone in zones()}
