"""What every page's frame shows: the rail's entries."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


class Entry(NamedTuple):
    section: str
    label: str
    url: str
    icon: str
    key: str


# section, label, URL name, icon, keys
_RAIL = (
    ("campaigns", "Campaigns", "campaigns:manager", "megaphone", "g c"),
    ("contacts", "Contacts", "contacts:contacts", "users", "g p"),
    ("history", "History", "analytics:history", "clock", "g h"),
    ("settings", "Settings", "campaigns:settings", "adjustments-horizontal", "g s"),
)


def _entries() -> list[Entry]:
    """No dead links: an entry whose page this installation doesn't have is left out."""
    entries = []
    for section, label, name, icon, key in _RAIL:
        try:
            entries.append(Entry(section, label, reverse(name), icon, key))
        except NoReverseMatch:
            continue
    return entries


def frame(request: HttpRequest) -> dict[str, Any]:
    """``rail``: the entries for whoever is logged in; agents have none, their place is the desk."""
    user = getattr(request, "user", None)
    may_read = bool(user is not None and user.is_authenticated and getattr(user, "may_read", False))
    rail = _entries() if may_read else []
    if getattr(user, "is_staff", False):
        rail.append(Entry("admin", "Admin", reverse("admin:index"), "wrench-screwdriver", "g a"))
    return {"rail": rail}
