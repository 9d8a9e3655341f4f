"""The campaign manager: every campaign, what it is doing, and the one obvious thing to do with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, IntegerField, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from campaigns.lifecycles import CampaignStatus, ChannelStatus
from campaigns.models import Assistant, CallerId, Campaign, Channel, ChannelKind, ChannelList, EnrollmentCount
from campaigns.models.campaign import Direction
from campaigns.queries import Counts, campaign_counts
from campaigns.refusals import Refusal
from campaigns.views import deeds
from campaigns.waiting import channel_waits_for
from contacts.models import Contact
from interface.pagination import keyset_page

PAGE_SIZE = 50
ARCHIVED = "archived"
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
    "contacts": ("contacts", "id"),
    "dialed": ("dialed", "id"),
}
DEFAULT_SORT = "-created"


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
    waits_for: str
    press: Press | None
    refusal: Refusal | None = None

    @property
    def press_url(self) -> str:
        return reverse("campaigns:press", args=[self.campaign.pk])

    @property
    def segments(self) -> list[tuple[str, int, str]]:
        return [("green", self.counts.completed, "reached"), ("red", self.counts.failed, "not reached")]


def obvious_thing(campaign: Campaign, channels: Iterable[Channel]) -> Press | None:
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
        now = " now" if startable[0].status == ChannelStatus.SCHEDULED else ""
        return Press("start", f"Start {startable[0].name}{now}", "play")
    return None


@reader_required
@require_safe
def manager(request: HttpRequest) -> HttpResponse:
    """The page; with htmx, its table and chips only, or 304 when a poll finds nothing new."""
    now = timezone.now()
    filters = _filters(request)
    matching = _matching(filters)
    chips = _chips(matching, filters)
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
        "directions": Direction.choices,
        "kinds": ChannelKind.choices,
        "is_filtered": _is_filtered(filters),
        "is_active": any(row.status in {CampaignStatus.ACTIVE, CampaignStatus.SCHEDULED} for row in rows),
        "steps": _steps() if is_first_run else None,
        "version": _version(rows, chips),
    }
    if request.htmx:  # type: ignore[attr-defined]
        if request.headers.get("If-None-Match") == f'"{context["version"]}"':
            return HttpResponse(status=304)
        return render(request, "campaigns/manager.html#campaigns", context)
    return render(request, "campaigns/manager.html", context)


@editor_required
@require_POST
def press(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The badge was pressed: do the obvious thing; answer with the row, a refusal in it."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    refusal = deeds.press(request, campaign)
    if not request.htmx:  # type: ignore[attr-defined]
        return deeds.back(request, campaign.get_absolute_url(), refusal)
    fresh = get_object_or_404(Campaign.objects.prefetch_related(_channels()), pk=campaign_id)
    row = _rows([fresh], timezone.now(), refusal)[0]
    response = render(request, "campaigns/manager.html#row", {"row": row}, status=409 if refusal else 200)
    if not refusal:
        # The chips' counts moved too, and the table may have to begin (or cease) to refresh itself.
        response.headers["HX-Trigger-After-Settle"] = "live"
    return response


@reader_required
@require_safe
def menu(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """What else may be done with a row's campaign, asked for as its menu opens."""
    return render(request, "campaigns/menu.html", {"campaign": get_object_or_404(Campaign, pk=campaign_id)})


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


def _chips(matching: QuerySet[Campaign], filters: dict[str, str]) -> list[dict[str, Any]]:
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
        {"value": value, "label": label, "count": count, "is_current": value == filters["status"]}
        for value, label, count in chips
    ]


def _order(asked: str) -> tuple[str, list[str]]:
    name = asked.removeprefix("-")
    sort = asked if name in SORTS else DEFAULT_SORT
    sign = "-" if sort.startswith("-") else ""
    return sort, [f"{sign}{column}" for column in SORTS[sort.removeprefix("-")]]


def _sortable(campaigns: QuerySet[Campaign], order: list[str]) -> QuerySet[Campaign]:
    column = order[0].removeprefix("-")
    if column == "lower_name":
        return campaigns.annotate(lower_name=Lower("name"))
    if column in {"contacts", "dialed"}:
        # As the counts of a row are made (queries.Counts), but by the database, to order by.
        counters = EnrollmentCount.objects.filter(
            channel__campaign=OuterRef("pk"), run=F("channel__run")
        ).order_by()
        summed = Sum("dialed" if column == "dialed" else "count")
        total = counters.values("channel__campaign").annotate(total=summed).values("total")
        enrolled = Coalesce(Subquery(total, output_field=IntegerField()), 0)
        if column == "dialed":
            return campaigns.annotate(dialed=enrolled)
        planned = Coalesce(Subquery(_planned(OuterRef("pk")), output_field=IntegerField()), 0)
        return campaigns.annotate(contacts=enrolled + planned)
    return campaigns


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
    waits = [words for words in (channel_waits_for(channel, now) for channel in channels) if words]
    status = ARCHIVED if campaign.is_archived else campaign.status
    return Row(
        campaign=campaign,
        status=status,
        label="Archived" if campaign.is_archived else campaign.get_status_display(),
        counts=counts,
        contacts=counts.total + planned,
        channels=", ".join(channel.name for channel in channels),
        waits_for=waits[0] if waits else "",
        press=obvious_thing(campaign, channels),
        refusal=refusal,
    )


def _columns(sort: str) -> list[dict[str, Any]]:
    """The sortable heads: where a click on each leads, and how it sorts now."""
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    columns = []
    for key, label in (
        ("name", "Campaign"),
        ("dialed", "Dialed"),
        ("contacts", "Contacts"),
        ("created", "Created"),
    ):
        is_current = key == name
        # Names from A on; numbers and dates from the greatest on.
        first = key if key == "name" else f"-{key}"
        turned = name if is_down else f"-{name}"
        columns.append(
            {
                "key": key,
                "label": label,
                "sort": turned if is_current else first,
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


def _version(rows: list[Row], chips: list[dict[str, Any]]) -> str:
    """Changes whenever something that the table shows does."""
    shown = [(_names(row.campaign), row.status, row.channels, row.waits_for, row.press) for row in rows]
    counted = [(row.contacts, row.counts.dialed, row.counts.completed, row.counts.failed) for row in rows]
    chips_counted = [chip["count"] for chip in chips]
    return hashlib.sha256(repr((shown, counted, chips_counted)).encode()).hexdigest()[:16]


def _names(campaign: Campaign) -> tuple[int, str, str]:
    return campaign.pk, campaign.name, campaign.description
