"""The campaign manager: every campaign, what it is doing, and the one obvious thing to do with it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
    When,
)
from django.db.models.functions import Coalesce, Lower, NullIf
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from accounts.saved_views import ListPage, Views, default_address, views_of
from campaigns.lifecycles import CampaignStatus, ChannelStatus
from campaigns.models import Assistant, CallerId, Campaign, Channel, ChannelKind, ChannelList, EnrollmentCount
from campaigns.models.campaign import Direction
from campaigns.queries import Counts, campaign_counts
from campaigns.refusals import Refusal
from campaigns.views import deeds
from campaigns.views.command_center import moves
from campaigns.views.command_center.channels import controls_of
from campaigns.waiting import campaign_waits_for
from contacts.exporting import csv_response
from contacts.models import Contact
from interface.pagination import keyset_page

logger = logging.getLogger(__name__)

PAGE_SIZE = 50
EXPORTED_AT_ONCE = 500
ARCHIVED = "archived"
VIEWS = ListPage("campaigns", "the campaigns", ("q", "status", "direction", "kind", "sort"))
# The chips, in the order of a campaign's life.
STATUSES = (
    CampaignStatus.ACTIVE,
    CampaignStatus.SCHEDULED,
    CampaignStatus.PAUSED,
    CampaignStatus.DRAFT,
    CampaignStatus.COMPLETED,
    CampaignStatus.ENDED,
)
# ?sort= -> the columns to order by; the first is what the table's head shows.
SORTS = {
    "created": ("created_at", "id"),
    "name": ("lower_name", "id"),
    "status": ("place", "id"),
    "progress": ("progress", "id"),
    "contacts": ("contacts", "id"),
    "dialed": ("dialed", "id"),
}
DEFAULT_SORT = "-created"
EXPORTED = (
    "ID",
    "Campaign",
    "Description",
    "Status",
    "Channels",
    "Direction",
    "Contacts",
    "Dialed",
    "Reached",
    "Failed",
    "Waiting",
    "In progress",
    "Created",
    "Created by",
    "Waits for",
)
# The table's heads: what each is sorted by, if it can be; numbers are at the right.
COLUMNS = (
    ("name", "Campaign", ""),
    ("status", "Status", ""),
    ("", "Channels", ""),
    ("progress", "Progress", ""),
    ("dialed", "Dialed", "num"),
    ("contacts", "Contacts", "num"),
    ("created", "Created", ""),
)


@dataclass(frozen=True)
class Press:
    """What a campaign's badge does when it is pressed."""

    verb: str
    label: str
    icon: str


@dataclass(frozen=True)
class Row:
    """A campaign as the table shows it."""

    campaign: Campaign
    status: str
    label: str
    counts: Counts
    contacts: int
    channels: str
    in_channels: int
    waits_for: str
    press: Press | None
    refusal: Refusal | None = None

    @property
    def press_url(self) -> str:
        return reverse("campaigns:press", args=[self.campaign.pk])

    @property
    def segments(self) -> list[tuple[str, int, str]]:
        return [("green", self.counts.completed, "reached"), ("red", self.counts.failed, "not reached")]


def obvious_thing(campaign: Campaign, channels: Iterable[Channel], now: datetime) -> Press | None:
    """What pressing a campaign's badge does (services.press_campaign); None: nothing is obvious."""
    channels = list(channels)
    statuses = [channel.status for channel in channels]
    if campaign.is_archived:
        return None
    if ChannelStatus.RUNNING in statuses:
        return Press("pause", f"Pause {campaign.name}", "pause")
    if ChannelStatus.PAUSED in statuses:
        return Press("resume", f"Resume {campaign.name}", "play")
    startable = [c for c in channels if c.status in {ChannelStatus.READY, ChannelStatus.SCHEDULED}]
    if len(startable) == 1:
        (channel,) = startable
        if channel.status == ChannelStatus.SCHEDULED:
            return Press("start", f"Start {channel.name} now", "play")
        if channel.start_at and channel.start_at > now:
            return Press("start", f"Schedule {channel.name}", "clock")
        return Press("start", f"Start {channel.name}", "play")
    return None


@reader_required
@require_safe
def manager(request: HttpRequest) -> HttpResponse:
    """The page; with htmx, its table and chips only, or 304 when a poll finds nothing new."""
    if address := default_address(request, VIEWS):
        return HttpResponseRedirect(address)
    now = timezone.now()
    filters = _filters(request)
    matching = _matching(filters)
    views = views_of(request, VIEWS)
    chips = _chips(matching, filters, request.GET, views)
    sort, order = _order(filters["sort"])
    page = keyset_page(
        _sortable(_with_status(matching, filters["status"]), order).prefetch_related(_channels()),
        order=order,
        cursor=request.GET.get("cursor"),
        size=PAGE_SIZE,
    )
    rows = _rows(page.items, now)
    # Nothing at all yet: the first steps; nothing that matches: a way back.
    is_first_run = not rows and not any(chip["count"] for chip in chips) and not _is_filtered(filters)
    context = {
        "section": "campaigns",
        "rows": rows,
        "page": page,
        "total": next(chip["count"] for chip in chips if chip["value"] == filters["status"]),
        "chips": chips,
        "filters": filters,
        "columns": _columns(sort),
        "views": views,
        "export": reverse("campaigns:export") + (f"?{views.query}" if views.query else ""),
        "directions": Direction.choices,
        "kinds": ChannelKind.choices,
        "is_filtered": _is_filtered(filters),
        "is_active": any(row.status in {CampaignStatus.ACTIVE, CampaignStatus.SCHEDULED} for row in rows),
        "steps": _steps() if is_first_run else None,
        "version": _version(rows, chips, views),
    }
    if request.htmx:  # type: ignore[attr-defined]
        if request.headers.get("If-None-Match") == f'"{context["version"]}"':
            return HttpResponse(status=304)
        return render(request, "campaigns/manager.html#campaigns", context)
    return render(request, "campaigns/manager.html", context)


@reader_required
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """Exactly the campaigns that the same address without "export/" shows, all pages of them, as CSV."""
    logger.info("%s exported %s", request.user.get_username(), request.path)
    # All at once: they are thousands at most, and times are in the zone of whoever asked while they do.
    lines = list(_lines(_filters(request), timezone.now())) if request.method == "GET" else []
    return csv_response(f"campaigns-{timezone.localdate():%Y-%m-%d}.csv", EXPORTED, lines)


def _lines(filters: dict[str, str], now: datetime) -> Iterator[list[Any]]:
    _, order = _order(filters["sort"])
    found = _sortable(_with_status(_matching(filters), filters["status"]), order)
    ids = list(found.order_by(*order).values_list("pk", flat=True))
    for at in range(0, len(ids), EXPORTED_AT_ONCE):
        some = ids[at : at + EXPORTED_AT_ONCE]
        campaigns = Campaign.objects.select_related("created_by").prefetch_related(_channels()).in_bulk(some)
        # Who was deleted meanwhile is left out.
        for row in _rows([campaigns[pk] for pk in some if pk in campaigns], now):
            campaign, counts = row.campaign, row.counts
            yield [
                campaign.pk,
                campaign.name,
                campaign.description,
                row.label,
                row.channels,
                campaign.get_direction_display(),
                row.contacts,
                counts.dialed,
                counts.reached,
                counts.failed,
                counts.pending,
                counts.in_progress,
                timezone.localtime(campaign.created_at).isoformat(timespec="seconds"),
                campaign.created_by or "",
                row.waits_for,
            ]


@editor_required
@require_POST
def press(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The badge was pressed: do the obvious thing; answer with the row, a refusal in it."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    return _answer(request, campaign, deeds.press(request, campaign))


@editor_required
@require_POST
def move(request: HttpRequest, campaign_id: int, channel_id: int, move: str) -> HttpResponse:
    """A channel was moved by its row's menu; answers as the badge does."""
    channel = get_object_or_404(
        Channel.objects.select_related("campaign"), pk=channel_id, campaign=campaign_id
    )
    if move not in moves.MOVES:
        raise Http404
    return _answer(request, channel.campaign, moves.make(request, channel, move))


def _answer(request: HttpRequest, campaign: Campaign, refusal: Refusal | None) -> HttpResponse:
    if not request.htmx:  # type: ignore[attr-defined]
        return deeds.back(request, campaign.get_absolute_url(), refusal)
    fresh = get_object_or_404(Campaign.objects.prefetch_related(_channels()), pk=campaign.pk)
    row = _rows([fresh], timezone.now(), refusal)[0]
    response = render(request, "campaigns/manager.html#row", {"row": row}, status=409 if refusal else 200)
    if not refusal:
        # The chips' counts moved too, and the table may have to begin (or cease) to refresh itself.
        response.headers["HX-Trigger-After-Settle"] = "refresh"
    return response


@reader_required
@require_safe
def menu(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """What else may be done with a row's campaign, asked for as its menu opens."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    now = timezone.now()
    channels = list(campaign.channels.all())
    for channel in channels:
        channel.campaign = campaign
    context = {
        "campaign": campaign,
        "channels": [(channel, controls_of(channel, now)) for channel in channels],
        "has_several": len(channels) > 1,
    }
    return render(request, "campaigns/menu.html", context)


def _filters(request: HttpRequest) -> dict[str, str]:
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "status", "direction", "kind", "sort")}
    known = {
        "status": {*STATUSES, ARCHIVED},
        "direction": set(Direction.values),
        "kind": set(ChannelKind.values),
    }
    for name, values in known.items():
        if asked[name] not in values:
            asked[name] = ""
    asked["q"] = asked["q"].replace("\x00", "")[:120]
    return asked


def _is_filtered(filters: dict[str, str]) -> bool:
    return any(filters[name] for name in ("q", "status", "direction", "kind"))


def _matching(filters: dict[str, str]) -> QuerySet[Campaign]:
    """Everything but the status, which the chips count."""
    campaigns = Campaign.objects.all()
    for word in filters["q"].split():
        campaigns = campaigns.filter(Q(name__icontains=word) | Q(description__icontains=word))
    if filters["direction"]:
        campaigns = campaigns.filter(direction=filters["direction"])
    if filters["kind"]:
        campaigns = campaigns.filter(pk__in=Channel.objects.filter(kind=filters["kind"]).values("campaign"))
    return campaigns


def _with_status(campaigns: QuerySet[Campaign], status: str) -> QuerySet[Campaign]:
    if status == ARCHIVED:
        return campaigns.filter(archived_at__isnull=False)
    campaigns = campaigns.filter(archived_at__isnull=True)
    return campaigns.filter(status=status) if status else campaigns


def _chips(
    matching: QuerySet[Campaign], filters: dict[str, str], given: QueryDict, views: Views
) -> list[dict[str, Any]]:
    is_here = Q(archived_at__isnull=True)
    grouped = (
        matching.order_by()
        .values_list("status")
        .annotate(here=Count("pk", filter=is_here), archived=Count("pk", filter=~is_here))
    )
    archived, by_status = 0, dict.fromkeys(CampaignStatus.values, 0)
    for status, count, put_away in grouped:
        by_status[status] = count
        archived += put_away
    chips = [("", "All", sum(by_status.values()))]
    chips += [(status.value, status.label, by_status[status]) for status in STATUSES]
    chips += [(ARCHIVED, "Archived", archived)]
    return [
        {
            "value": value,
            "label": label,
            "count": count,
            "address": _address(given, value, views),
            "is_current": value == filters["status"],
        }
        for value, label, count in chips
    ]


def _address(given: QueryDict, status: str, views: Views) -> str:
    """What is shown, of another status. Who has a default view asks for everything in so many words."""
    data = given.copy()
    data["status"] = status
    query = VIEWS.query_of(data)
    return f"?{query}" if query else views.everything


def _order(asked: str) -> tuple[str, list[str]]:
    name = asked.removeprefix("-")
    sort = asked if name in SORTS else DEFAULT_SORT
    sign = "-" if sort.startswith("-") else ""
    return sort, [f"{sign}{column}" for column in SORTS[sort.removeprefix("-")]]


def _sortable(campaigns: QuerySet[Campaign], order: list[str]) -> QuerySet[Campaign]:
    """With what they are sorted by: the figures of a row (queries.Counts), made by the database."""
    column = order[0].removeprefix("-")
    if column == "lower_name":
        return campaigns.annotate(lower_name=Lower("name"))
    if column == "place":
        places = [When(status=status, then=place) for place, status in enumerate(STATUSES)]
        return campaigns.annotate(place=Case(*places, default=len(STATUSES), output_field=IntegerField()))
    if column == "dialed":
        return campaigns.annotate(dialed=_summed("dialed"))
    if column == "contacts":
        planned = Coalesce(Subquery(_planned(OuterRef("pk")), output_field=IntegerField()), 0)
        return campaigns.annotate(contacts=_summed("count") + planned)
    if column == "progress":
        # In parts of a million, so that a page can begin after one of them exactly.
        share = _summed("reached") * 1_000_000 / NullIf(_summed("count"), 0)
        return campaigns.annotate(progress=Coalesce(share, 0, output_field=BigIntegerField()))
    return campaigns


def _summed(counter: str) -> Coalesce:
    """A counter of a campaign's current runs, over its channels."""
    total = (
        EnrollmentCount.objects.filter(channel__campaign=OuterRef("pk"), run=F("channel__run"))
        .order_by()
        .values("channel__campaign")
        .annotate(total=Sum(counter))
        .values("total")
    )
    return Coalesce(Subquery(total, output_field=BigIntegerField()), 0, output_field=BigIntegerField())


def _planned(campaign: OuterRef) -> QuerySet[Any]:
    """Contacts in the lists of channels that were never started."""
    return (
        ChannelList.objects.filter(channel__campaign=campaign, channel__run=0)
        .order_by()
        .values("channel__campaign")
        .annotate(total=Sum("list__size"))
        .values("total")
    )


def _channels() -> Prefetch[str]:
    return Prefetch("channels", Channel.objects.select_related("schedule", "drive"))


def _rows(campaigns: list[Campaign], now: datetime, refusal: Refusal | None = None) -> list[Row]:
    """Two queries, however many campaigns."""
    ids = [campaign.pk for campaign in campaigns]
    counts = campaign_counts(ids)
    planned = dict(
        ChannelList.objects.filter(channel__campaign__in=ids, channel__run=0)
        .order_by()
        .values_list("channel__campaign")
        .annotate(Sum("list__size"))
    )
    return [
        _row(campaign, counts[campaign.pk], planned.get(campaign.pk, 0), now, refusal)
        for campaign in campaigns
    ]


def _row(campaign: Campaign, counts: Counts, planned: int, now: datetime, refusal: Refusal | None) -> Row:
    channels = list(campaign.channels.all())
    for channel in channels:
        channel.campaign = campaign
    status = ARCHIVED if campaign.is_archived else campaign.status
    return Row(
        campaign=campaign,
        status=status,
        label="Archived" if campaign.is_archived else campaign.get_status_display(),
        counts=counts,
        contacts=counts.total + planned,
        channels=", ".join(channel.name for channel in channels),
        in_channels=len(channels),
        waits_for=campaign_waits_for(channels, now),
        press=obvious_thing(campaign, channels, now),
        refusal=refusal,
    )


def _columns(sort: str) -> list[dict[str, Any]]:
    """The heads: where a click on each leads, and how it sorts now."""
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    columns = []
    for key, label, kind in COLUMNS:
        is_current = key == name
        # Names from A on, statuses as life goes; numbers and dates from the greatest on.
        first = key if key in {"name", "status"} else f"-{key}"
        turned = name if is_down else f"-{name}"
        columns.append(
            {
                "label": label,
                "kind": kind,
                "sort": key and (turned if is_current else first),
                "direction": ("descending" if is_down else "ascending") if is_current else "",
            }
        )
    return columns


def _steps() -> list[dict[str, Any]]:
    """What to do first, each ticked when it is done."""
    is_done = {
        "contacts": Contact.objects.exists(),
        "settings": CallerId.objects.filter(is_active=True).exists()
        and Assistant.objects.filter(is_active=True).exists(),
        "campaign": False,
    }
    following = next(key for key, done in is_done.items() if not done)
    return [{"key": key, "is_done": done, "is_next": key == following} for key, done in is_done.items()]


def _version(rows: list[Row], chips: list[dict[str, Any]], views: Views) -> str:
    """Changes whenever something that the table shows does."""
    shown = [(_names(row.campaign), row.status, row.channels, row.waits_for, row.press) for row in rows]
    counted = [(row.contacts, row.counts.dialed, row.counts.completed, row.counts.failed) for row in rows]
    chips_counted = [chip["count"] for chip in chips]
    named = [(each.view.name, each.address, each.is_default) for each in views.offered]
    return hashlib.sha256(repr((shown, counted, chips_counted, named)).encode()).hexdigest()[:16]


def _names(campaign: Campaign) -> tuple[int, str, str]:
    return campaign.pk, campaign.name, campaign.description
