"""The contacts of a channel: where each stands, and why not yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Subquery
from django.http import Http404, HttpRequest

from campaigns.lifecycles import DONE, ENROLLMENT, WAITING, ChannelStatus, EnrollmentStatus
from campaigns.models import Campaign, Channel, Enrollment
from campaigns.places import GROUPS, SORTS, PlaceFilters, places_of
from campaigns.queries import Counts, excluded_among
from campaigns.rulebook import rulebook
from campaigns.waiting import why_not_yet
from contacts.models import DoNotContact
from contacts.queries import do_not_contact_for
from interface.pagination import keyset_page

PAGE_SIZE = 50
_MAY_RETRY = WAITING | ENROLLMENT["try_again"].sources


@dataclass(frozen=True)
class Place:
    """A contact's row: where it stands in the channel."""

    enrollment: Enrollment
    why_not_yet: str

    @property
    def is_done(self) -> bool:
        return self.enrollment.status in DONE

    @property
    def may_skip(self) -> bool:
        return self.enrollment.status in WAITING

    @property
    def may_bring_back(self) -> bool:
        """A person skipped them: no rule, and no exclusion."""
        return self.enrollment.status == EnrollmentStatus.SKIPPED and bool(self.enrollment.skipped_from)

    @property
    def may_retry(self) -> bool:
        return self.enrollment.status in _MAY_RETRY


def chosen_channel(request: HttpRequest) -> int | None:
    """?channel=, which is yet to be looked for among the campaign's."""
    asked = request.GET.get("channel", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else None


def enrollments(
    request: HttpRequest, channel_id: int | None, campaign_id: int
) -> tuple[QuerySet[Enrollment], list[str]]:
    """Whom the address asks for, in one query, and their order. Without a channel: the campaign's first."""
    channels = Channel.objects.filter(campaign=campaign_id)
    channels = channels.filter(pk=channel_id) if channel_id else channels.order_by("pk")[:1]
    rows = Enrollment.objects.filter(
        channel=Subquery(channels.values("pk")), run=Subquery(channels.values("run"))
    )
    filters = PlaceFilters.of(request.GET)
    return filters.apply(rows), filters.order


def contacts_tab(
    request: HttpRequest, campaign: Campaign, frame: dict[str, Any], now: datetime
) -> dict[str, Any]:
    channels: list[Channel] = frame["channels"]
    if not channels:
        raise Http404
    asked = chosen_channel(request)
    channel = next((c for c in channels if c.pk == asked), channels[0])
    filters = PlaceFilters.of(request.GET)
    page = keyset_page(
        filters.apply(places_of(channel)).select_related("contact", "zone_set"),
        order=filters.order,
        cursor=request.GET.get("cursor"),
        size=PAGE_SIZE,
    )
    counts: Counts = frame["counts_by_channel"][channel.pk]
    return {
        "channel": channel,
        "planned": frame["planned"][channel.pk],
        "page": page,
        "places": _places(page.items, channel, now),
        "filters": filters,
        "chips": _contact_chips(counts, filters.status),
        "statuses": [
            (value, label, counts.by_status.get(value, 0)) for value, label in EnrollmentStatus.choices
        ],
        "sorts": [(name, SORTS[name]) for name in filters.sorts],
        "matching": None if filters.q else filters.count(counts),
        # Of what is over for good, nothing can be asked any more.
        "choosing": bool(getattr(request.user, "may_edit", False))
        and not campaign.is_archived
        and channel.status != ChannelStatus.STOPPED,
    }


def _places(enrollments: list[Enrollment], channel: Channel, now: datetime) -> list[Place]:
    """The rows of a page, each waiting contact with what stands in its way."""
    rules = rulebook(channel.pk, channel.revision)
    waiting = [e.contact for e in enrollments if e.status in WAITING]
    numbers = [contact.phone_number for contact in waiting if contact.phone_number]
    forbidden = do_not_contact_for(DoNotContact.Scope.VOICE).filter(phone_number__in=numbers)
    refused = set(forbidden.values_list("phone_number", flat=True)) if numbers else set()
    excluded = excluded_among(channel.campaign_id, [contact.pk for contact in waiting]) if waiting else {}
    return [
        Place(
            e,
            why_not_yet(
                e,
                channel=channel,
                rules=rules,
                zones=e.zone_set.zone_infos(),
                now=now,
                is_do_not_contact=e.contact.phone_number in refused,
                excluded_by=excluded.get(e.contact_id),
            ),
        )
        for e in enrollments
    ]


def _contact_chips(counts: Counts, chosen: str) -> list[dict[str, Any]]:
    chips = [("", "All")] + [(key, label) for key, (label, _) in GROUPS.items()]
    return [
        {
            "value": value,
            "label": label,
            "count": PlaceFilters(value).count(counts),
            "is_current": value == chosen,
        }
        for value, label in chips
    ]
