"""Time zones of contacts: names as files write them, and the sets that contacts refer to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from zoneinfo import available_timezones

from contacts.models import ZoneSet

# What people write for the zones of North America, where files name zones most.
_COLLOQUIAL = {
    "eastern": "America/New_York",
    "central": "America/Chicago",
    "mountain": "America/Denver",
    "arizona": "America/Phoenix",
    "pacific": "America/Los_Angeles",
    "alaska": "America/Anchorage",
    "hawaii": "Pacific/Honolulu",
    "atlantic": "America/Halifax",
    "newfoundland": "America/St_Johns",
}
_ABBREVIATIONS = {
    **dict.fromkeys(("et", "est", "edt"), "America/New_York"),
    **dict.fromkeys(("ct", "cst", "cdt"), "America/Chicago"),
    **dict.fromkeys(("mt", "mst", "mdt"), "America/Denver"),
    **dict.fromkeys(("pt", "pst", "pdt"), "America/Los_Angeles"),
    **dict.fromkeys(("utc", "gmt", "z"), "UTC"),
}
# Names without a region (EST, Japan, Zulu …) and these regions are kept by the database for old times'
# sake; each has another name.
_LEFTOVERS = frozenset({"Etc", "US", "Canada", "Brazil", "Chile", "Mexico", "SystemV", "posix", "right"})


@cache
def zone_names() -> tuple[str, ...]:
    """The IANA zones that people live in, sorted, and UTC."""
    return (
        *sorted(
            zone for zone in available_timezones() if "/" in zone and zone.partition("/")[0] not in _LEFTOVERS
        ),
        "UTC",
    )


@cache
def _by_lower_name() -> dict[str, str]:
    return {zone.lower(): zone for zone in available_timezones() if not zone.startswith(("posix", "right"))}


def find_zone(text: str) -> str | None:
    """The IANA name for a zone as people and other products write it, or None.

    Understands ``america/denver``, ``America/New York``, HubSpot's ``america_slash_new_york``,
    "Pacific Time", "Eastern Standard Time" and the usual American abbreviations.
    """
    # Nothing so long is a zone, nor worth to be remembered.
    return _find_zone(text) if len(text) <= 100 else None


@lru_cache(maxsize=1024)
def _find_zone(text: str) -> str | None:
    name = text.strip().lower().replace("_slash_", "/").replace(" / ", "/")
    if name in _ABBREVIATIONS:
        return _ABBREVIATIONS[name]
    if found := _by_lower_name().get(name.replace(" ", "_")):
        return found
    words = [word for word in name.split() if word not in {"time", "standard", "daylight", "us", "(us)"}]
    return _COLLOQUIAL.get(" ".join(words))


class ZoneSets:
    """Ids of zone sets by their zones, made where missing; remembers what it has seen.

    One for one piece of work: ids of a transaction that was rolled back must not be remembered
    beyond it.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[str, ...], int] = {}

    def id_for(self, zones: Sequence[str]) -> int:
        """The id of the set of these zones; no zones: the set that stands for unknown."""
        if isinstance(zones, tuple) and (known := self._ids.get(zones)):
            return known
        key = tuple(sorted(set(zones)))
        if key not in self._ids:
            self.load([key])
        return self._ids[key]

    def load(self, sets: Iterable[Sequence[str]]) -> None:
        """Learn the ids of many sets in two statements at most."""
        missing = {tuple(sorted(set(zones))) for zones in sets} - self._ids.keys()
        if not missing:
            return
        self._read(missing)
        if unknown := missing - self._ids.keys():
            # Another import may make the same ones at the same moment.
            ZoneSet.objects.bulk_create(
                (ZoneSet(zones=list(zones)) for zones in sorted(unknown)), ignore_conflicts=True
            )
            self._read(unknown)

    def _read(self, sets: Iterable[tuple[str, ...]]) -> None:
        found = ZoneSet.objects.filter(zones__in=[list(zones) for zones in sets])
        self._ids.update((tuple(zones), pk) for pk, zones in found.values_list("pk", "zones"))


def zone_set_for(zones: Sequence[str]) -> ZoneSet:
    """The set of exactly these zones."""
    return ZoneSet.objects.get(pk=ZoneSets().id_for(zones))
