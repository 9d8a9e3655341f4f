"""The lists whom the channels contact, and those left alone: shown, assigned, unassigned."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.permissions import editor_required
from campaigns import services
from campaigns.models import Campaign, Channel, ChannelList
from campaigns.queries import passed_over
from campaigns.refusals import Refusal
from campaigns.views.command_center.moves import answer
from campaigns.views.deeds import attempt
from contacts.models import List, ListVersion
from contacts.queries import count_of
from interface.templatetags.interface import counted
from interface.toasts import toast


def lists_tab(
    request: HttpRequest, campaign: Campaign, frame: dict[str, Any], now: datetime
) -> dict[str, Any]:
    assigned = list(
        ChannelList.objects.filter(channel__campaign=campaign)
        .select_related("list")
        .annotate(
            pinned_size=Subquery(
                ListVersion.objects.filter(list=OuterRef("list"), number=OuterRef("version")).values("size")
            ),
            added_since=Subquery(_since("added")),
            removed_since=Subquery(_since("removed")),
        )
        .order_by("pk")
    )
    offered = list(List.objects.order_by("name").values("pk", "name", "size")[:500])
    channels = []
    for channel in frame["channels"]:
        own = [a for a in assigned if a.channel_id == channel.pk]
        taken = {a.list_id for a in own}
        channels.append(
            {
                "channel": channel,
                "assigned": own,
                "offered": [o for o in offered if o["pk"] not in taken],
                "is_editable": channel.is_editable and not campaign.is_archived,
                "total": sum(a.pinned_size if a.pinned_size is not None else a.list.size for a in own),
            }
        )
    left_alone = campaign.campaign_exclusions.select_related("list").order_by("pk")
    taken = {exclusion.list_id for exclusion in left_alone}
    return {
        "by_channel": channels,
        "left_alone": left_alone,
        "passed_over": None if campaign.is_archived else count_of(passed_over(campaign.pk)),
        "may_leave_alone": [] if campaign.is_archived else [o for o in offered if o["pk"] not in taken],
    }


def _since(column: str) -> QuerySet[Any]:
    """How many the versions after the pinned one added, or removed."""
    later = ListVersion.objects.filter(list=OuterRef("list"), number__gt=OuterRef("version"))
    return later.order_by().values("list").annotate(total=Sum(column)).values("total")


@editor_required
@require_POST
def assign(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    """Assign the list that ``list`` names."""
    channel = get_object_or_404(Channel, pk=channel_id, campaign=campaign_id)
    chosen = _chosen_list(request)
    if chosen is None:
        return answer(request, channel.campaign, Refusal("Choose a list first."), channel.status)
    _, refusal = attempt(services.assign_list, channel=channel, list=chosen, actor=request.user)
    if refusal is None:
        undo = reverse("campaigns:unassign", args=[campaign_id, channel_id, chosen.pk])
        toast(request, f"{chosen.name} was assigned to {channel.name}.", undo=undo)
    return answer(request, channel.campaign, refusal, channel.status)


def _chosen_list(request: HttpRequest) -> List | None:
    asked = request.POST.get("list", "")
    return List.objects.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 18 else None


@editor_required
@require_POST
def unassign(request: HttpRequest, campaign_id: int, channel_id: int, list_id: int) -> HttpResponse:
    channel = get_object_or_404(Channel, pk=channel_id, campaign=campaign_id)
    chosen = get_object_or_404(List, pk=list_id)
    _, refusal = attempt(services.unassign_list, channel=channel, list=chosen, actor=request.user)
    if refusal is None:
        toast(request, f"{chosen.name} was unassigned from {channel.name}.")
    return answer(request, channel.campaign, refusal, channel.status)


@editor_required
@require_POST
def take_newest(request: HttpRequest, campaign_id: int, channel_id: int, list_id: int) -> HttpResponse:
    """Go on with the list as it is now."""
    channel = get_object_or_404(Channel, pk=channel_id, campaign=campaign_id)
    chosen = get_object_or_404(List, pk=list_id)
    moved, refusal = attempt(services.take_newest_version, channel=channel, list=chosen, actor=request.user)
    if moved is not None:
        came, left = moved
        fewer = f", {left:,} fewer" if left else ""
        toast(request, f"{chosen.name}: {counted(came, 'more contact')}{fewer} in {channel.name}.")
    return answer(request, channel.campaign, refusal, channel.status)


@editor_required
@require_POST
def exclude(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Leave alone those on the list that ``list`` names."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    chosen = _chosen_list(request)
    if chosen is None:
        return answer(request, campaign, Refusal("Choose a list first."), campaign.status)
    _, refusal = attempt(services.add_exclusion, campaign=campaign, list=chosen, actor=request.user)
    if refusal is None:
        undo = reverse("campaigns:include", args=[campaign_id, chosen.pk])
        toast(request, f"Nobody on {chosen.name} is called in this campaign.", undo=undo)
    return answer(request, campaign, refusal, campaign.status)


@editor_required
@require_POST
def include(request: HttpRequest, campaign_id: int, list_id: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    chosen = get_object_or_404(List, pk=list_id)
    _, refusal = attempt(services.remove_exclusion, campaign=campaign, list=chosen, actor=request.user)
    if refusal is None:
        text = f"Those on {chosen.name} may be called again."
        if passed_over(campaign.pk).exists():
            text += " Contacts that were passed over stay so, unless you bring them back."
        toast(request, text)
    return answer(request, campaign, refusal, campaign.status)


@editor_required
@require_POST
def bring_back_excluded(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Have those tried after all who were passed over for lists that are no longer left alone."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    brought, refusal = attempt(services.bring_back_excluded, campaign=campaign, actor=request.user)
    if refusal is None:
        who = "1 contact waits for its" if brought == 1 else f"{brought:,} contacts wait for their"
        toast(request, f"{who} turn again.")
    return answer(request, campaign, refusal, campaign.status)
