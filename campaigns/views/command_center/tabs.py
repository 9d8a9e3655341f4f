"""The tabs, each a page of its own, or the part of it that refreshes itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import JSONObject
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.permissions import reader_required
from campaigns.models import Activity, Campaign, CampaignExclusion, Channel, ChannelList, EnrollmentCount
from campaigns.places import PlaceFilters
from campaigns.views.command_center.activity import activity_tab
from campaigns.views.command_center.channels import channels_tab
from campaigns.views.command_center.contacts import PAGE_SIZE, chosen_channel, contacts_tab, enrollments
from campaigns.views.command_center.frame import frame_of
from campaigns.views.command_center.lists import lists_tab


@reader_required
@require_safe
def campaign(request: HttpRequest, campaign_id: int) -> HttpResponse:
    return _tab(request, campaign_id, "channels")


@reader_required
@require_safe
def contacts(request: HttpRequest, campaign_id: int) -> HttpResponse:
    return _tab(request, campaign_id, "contacts")


@reader_required
@require_safe
def lists(request: HttpRequest, campaign_id: int) -> HttpResponse:
    return _tab(request, campaign_id, "lists")


@reader_required
@require_safe
def activity(request: HttpRequest, campaign_id: int) -> HttpResponse:
    return _tab(request, campaign_id, "activity")


_CONTENTS: dict[str, Callable[[HttpRequest, Campaign, dict[str, Any], datetime], dict[str, Any]]] = {
    "channels": channels_tab,
    "contacts": contacts_tab,
    "lists": lists_tab,
    "activity": activity_tab,
}


def _tab(request: HttpRequest, campaign_id: int, tab: str) -> HttpResponse:
    now = timezone.now()
    # What a search finds is not worth finding twice: it is shown anew each time.
    is_search = tab == "contacts" and bool(PlaceFilters.of(request.GET).q)
    version = "" if is_search else _version(request, campaign_id, tab, now)
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    if version and is_fragment and request.headers.get("If-None-Match") == f'"{version}"':
        return HttpResponse(status=304)
    campaign = get_object_or_404(Campaign.objects.select_related("created_by"), pk=campaign_id)
    context = frame_of(campaign, now)
    context |= {"tab": tab, "version": version, **_CONTENTS[tab](request, campaign, context, now)}
    template = "campaigns/campaign.html#center" if is_fragment else "campaigns/campaign.html"
    return render(request, template, context)


def _version(request: HttpRequest, campaign_id: int, tab: str, now: datetime) -> str:
    """Changes whenever something on the tab does; one query. Raises Http404 when the campaign is gone."""
    campaigns = Campaign.objects.filter(pk=campaign_id)
    channels = Channel.objects.filter(campaign=OuterRef("pk")).order_by("pk")
    counters = (
        EnrollmentCount.objects.filter(channel__campaign=OuterRef("pk"), run=F("channel__run"))
        .order_by("channel_id", "status")
        .values("channel_id", "status")
        .annotate(total=Sum("count"), with_attempt=Sum("dialed"), with_answer=Sum("reached"))
    )
    assigned = ChannelList.objects.filter(channel__campaign=OuterRef("pk")).order_by("pk")
    activities = Activity.objects.filter(campaign=OuterRef("pk")).order_by("-pk")
    seen: dict[str, Any] = {
        "seen_channels": ArraySubquery(
            channels.values(
                data=JSONObject(
                    id="pk", status="status", run="run", revision="revision", start_at="start_at",
                    reason="pause_reason", note="pause_note",
                    waits="drive__waiting_for", until="drive__waiting_until",
                )
            )
        ),
        "seen_counts": ArraySubquery(
            counters.values(
                data=JSONObject(
                    channel="channel_id", status="status",
                    total="total", with_attempt="with_attempt", with_answer="with_answer",
                )
            )
        ),
        "seen_lists": ArraySubquery(
            assigned.values(data=JSONObject(id="pk", version="version", size="list__size", name="list__name"))
        ),
        "seen_exclusions": ArraySubquery(
            CampaignExclusion.objects.filter(campaign=OuterRef("pk"))
            .order_by("pk")
            .values(data=JSONObject(id="pk", size="list__size", name="list__name"))
        ),
        "seen_activity": Subquery(activities.values("pk")[:1]),
    }  # fmt: skip
    if tab == "contacts":
        rows, order = enrollments(request, chosen_channel(request), campaign_id)
        row = JSONObject(id="pk", status="status", at="updated_at")
        seen["seen_rows"] = ArraySubquery(rows.order_by(*order).values(data=row)[:PAGE_SIZE])
    found = campaigns.annotate(**seen).values_list("name", "description", "archived_at", *seen).first()
    if found is None:
        raise Http404
    # "opens at 9:00" ceases to be true at 9:00, and a contact's "not yet" by the minute.
    waits = [str(channel["until"]) <= now.isoformat() for channel in found[3] if channel["until"]]
    minute = f"{now:%H:%M}" if tab == "contacts" else ""
    person = (getattr(request.user, "role", ""), request.COOKIES.get("time_zone", ""))
    text = repr((found, waits, minute, person, request.get_full_path()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
