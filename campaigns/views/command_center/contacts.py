"""The contacts of a channel: where each stands, and why not yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet, Subquery
from django.http import Http404, HttpRequest

from campaigns.lifecycles import DONE, IN_PROGRESS, REACHED, WAITING, EnrollmentStatus
from campaigns.models import Campaign, Channel, Enrollment
from campaigns.queries import Counts
from campaigns.rulebook import rulebook
from campaigns.waiting import why_not_yet
from contacts.models import Contact
from contacts.queries import search_contacts
from interface.pagination import keyset_page

PAGE_SIZE = 50

GROUPS: dict[str, tuple[str, frozenset[str]]] = {
    "dialed": (
        "Dialed",
        frozenset(EnrollmentStatus)
        - {EnrollmentStatus.PENDING, EnrollmentStatus.SKIPPED, EnrollmentStatus.DO_NOT_CALL},
    ),
    "remaining": ("Remaining", WAITING),
    "in_progress": ("In progress", IN_PROGRESS),
    "reached": ("Reached", REACHED),
}


@dataclass(frozen=True)
class Place:
    """A contact's row: where it stands in the channel."""

    enrollment: Enrollment
    why_not_yet: str

    @property
    def is_done(self) -> bool:
        return self.enrollment.status in DONE


def chosen_channel(request: HttpRequest) -> int | None:
    """?channel=, which is yet to be looked for among the campaign's."""
    asked = request.GET.get("channel", "")
    return int(asked) if asked.isdecimal() and len(asked) < 18 else None


def enrollments(
    request: HttpRequest, channel_id: int | None, campaign_id: int
) -> tuple[QuerySet[Enrollment], list[str]]:
    """What ?status= and ?q= ask for, and an order that an index has: (rows, order).

    Without a channel: the campaign's first. An order by status and number is what the index
    enrollment_by_status gives; for all of them, enrollment_once_a_run gives them by contact.
    """
    channels = Channel.objects.filter(campaign=campaign_id)
    channels = channels.filter(pk=channel_id) if channel_id else channels.order_by("pk")[:1]
    rows = Enrollment.objects.filter(
        channel=Subquery(channels.values("pk")), run=Subquery(channels.values("run"))
    )
    status = request.GET.get("status", "")
    order = ["contact_id"]
    if status in GROUPS:
        rows, order = rows.filter(status__in=sorted(GROUPS[status][1])), ["status", "id"]
    elif status in EnrollmentStatus.values:
        rows, order = rows.filter(status=status), ["id"]
    text = searched(request)
    if text:
        matching = search_contacts(Contact.objects.all(), text, settings.DEFAULT_COUNTRY)
        rows = rows.filter(contact__in=matching.order_by().values("pk"))
    return rows, order


def searched(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\x00", "").strip()[:100]


def contacts_tab(
    request: HttpRequest, campaign: Campaign, frame: dict[str, Any], now: datetime
) -> dict[str, Any]:
    channels: list[Channel] = frame["channels"]
    if not channels:
        raise Http404
    asked = chosen_channel(request)
    channel = next((c for c in channels if c.pk == asked), channels[0])
    rows, order = enrollments(request, channel.pk, campaign.pk)
    page = keyset_page(
        rows.select_related("contact", "zone_set"),
        order=order,
        cursor=request.GET.get("cursor"),
        size=PAGE_SIZE,
    )
    rules = rulebook(channel.pk, channel.revision)
    counts: Counts = frame["counts_by_channel"][channel.pk]
    status, text = request.GET.get("status", ""), searched(request)
    return {
        "channel": channel,
        "planned": frame["planned"][channel.pk],
        "page": page,
        "places": [
            Place(
                e,
                why_not_yet(e, channel=channel, rules=rules, zones=e.zone_set.zone_infos(), now=now),
            )
            for e in page.items
        ],
        "chips": _contact_chips(counts, status),
        "statuses": [
            (value, label, counts.by_status.get(value, 0)) for value, label in EnrollmentStatus.choices
        ],
        "chosen_status": status,
        "q": text,
        "matching": None if text else _count(counts, status),
    }


def _count(counts: Counts, status: str) -> int:
    if status in GROUPS:
        return sum(counts.by_status.get(s, 0) for s in GROUPS[status][1])
    if status in EnrollmentStatus.values:
        return counts.by_status.get(status, 0)
    return counts.total


def _contact_chips(counts: Counts, chosen: str) -> list[dict[str, Any]]:
    chips = [("", "All")] + [(key, label) for key, (label, _) in GROUPS.items()]
    return [
        {"value": value, "label": label, "count": _count(counts, value), "is_current": value == chosen}
        for value, label in chips
    ]
