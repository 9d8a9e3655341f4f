"""The second step: whom a channel calls, and when it starts."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings as configuration
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from campaigns import services
from campaigns.forms import CampaignForm, NumbersForm, StartLaterForm
from campaigns.hours import describe, next_opening
from campaigns.lifecycles import ChannelStatus
from campaigns.models import Campaign, Channel
from campaigns.preflight import COUNT_KEPT_SECONDS
from campaigns.preflight import preflight as work_out_preflight
from campaigns.refusals import Refusal, Refused
from campaigns.rulebook import load_rulebook
from campaigns.views.editor.shared import (
    address,
    channel_of,
    channel_to_edit,
    frame_of,
    is_key,
    list_in_hand,
    person_of,
)
from campaigns.waiting import clock_in_words
from contacts.models import List
from interface.toasts import toast

# Lists offered for assigning: the newest.
LISTS_OFFERED = 500
# Proves, to the page that a person comes back to with an uploaded list, that this page sent them to upload
# it: then it is added without another press. A link that somebody else made up proves nothing.
UPLOADED = "campaigns.launch.uploaded"
UPLOAD_TAKES_SECONDS = 24 * 3600


@reader_required
@require_safe
def launch(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """A campaign's contacts are its channel's; of several, those of the one that may change."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return redirect(f"{address('channel_launch', channel_to_edit(campaign))}{query}")


@reader_required
@require_safe
def channel_launch(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    return _page(request, channel_of(campaign_id, channel_id))


@reader_required
@require_safe
def preflight(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    """Who will be called, who won't, and when it will be done: a part of both steps."""
    channels = Channel.objects.select_related("campaign")
    channel = get_object_or_404(channels, pk=channel_id, campaign=campaign_id)
    now = timezone.now()
    # Asked for after every change of the settings, it need not count the contacts each time.
    within = COUNT_KEPT_SECONDS if "settings" in request.GET else 0
    found = work_out_preflight(channel, now, counted_within_seconds=within)
    done_at = found.estimate.done_at if found.estimate else None
    return render(
        request,
        "campaigns/launch.html#preflight",
        {
            "preflight": found,
            "estimate": found.estimate,
            "campaign": channel.campaign,
            "channel": channel,
            "is_far": bool(done_at and (done_at - now).days >= 14),
        },
    )


def _opens_later(channel: Channel, now: datetime) -> str:
    """When calls would begin, if the hours are closed now: by the channel's clock, or the person's own."""
    rules = load_rulebook(channel.pk)
    zone = rules.zone or ZoneInfo(timezone.get_current_timezone_name())
    opens_at = next_opening(rules.hours, zone, (), now)
    return clock_in_words(opens_at, rules.zone, now) if opens_at and opens_at > now else ""


def _sent_to_upload(request: HttpRequest, channel: Channel) -> str:
    return signing.dumps([person_of(request).pk, channel.pk], salt=UPLOADED)


def _was_sent_to_upload(request: HttpRequest, channel: Channel) -> bool:
    try:
        proof = signing.loads(request.GET.get("sent", ""), salt=UPLOADED, max_age=UPLOAD_TAKES_SECONDS)
    except signing.BadSignature:
        return False
    return bool(proof == [person_of(request).pk, channel.pk])


def _page(
    request: HttpRequest,
    channel: Channel,
    *,
    later: StartLaterForm | None = None,
    numbers: NumbersForm | None = None,
    refusals: list[Refusal] | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    assigned = channel.channel_lists.select_related("list").order_by("id")
    offered = List.objects.exclude(channel_lists__channel=channel).order_by("-id")
    in_hand = list_in_hand(request) if request.method == "GET" else None
    imported = offered.filter(pk=in_hand.pk, size__gt=0).first() if in_hand else None
    later = later or StartLaterForm(channel=channel, now=now)
    startable = channel.status in {ChannelStatus.READY, ChannelStatus.PAUSED}
    if refusals is None:
        refusals = services.start_refusals(channel, now) if startable else []
    lists_page = reverse("campaigns:lists", args=[channel.campaign_id])
    back = f"{address('channel_launch', channel)}?{urlencode({'sent': _sent_to_upload(request, channel)})}"
    return render(
        request,
        "campaigns/launch.html",
        {
            **frame_of(request, channel, "launch"),
            "assigned": assigned,
            "offered": offered[:LISTS_OFFERED],
            "imported": imported,
            # Just uploaded for it, most likely.
            "proposed": offered.filter(
                created_by=person_of(request), created_at__gt=channel.created_at, size__gt=0
            ).first()
            if not assigned and imported is None
            else imported,
            "adds_itself": imported is not None and _was_sent_to_upload(request, channel),
            "back_from_upload": back,
            "upload_query": urlencode({"next": back}),
            "default_country": configuration.DEFAULT_COUNTRY,
            "numbers": numbers or NumbersForm(channel=channel),
            "later": later,
            "choose_later": later.is_bound or (channel.start_at is not None and channel.start_at > now),
            # Lists are mended here and now.
            "refusals": [
                Refusal(each.message, "#lists", each.remedy_label) if each.remedy_url == lists_page else each
                for each in refusals
            ],
            "warnings": CampaignForm(channel=channel, now=now).warnings,
            "hours": describe(channel.schedule.hours, channel.schedule.time_zone),
            "opens": _opens_later(channel, now),
        },
        status=status,
    )


@editor_required
@require_POST
def assign_list(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    channel = channel_of(campaign_id, channel_id)
    chosen = request.POST.get("list", "")
    if not is_key(chosen):
        toast(request, "Choose a list first.", level=messages.ERROR)
        return redirect(address("channel_launch", channel))
    found = get_object_or_404(List, pk=int(chosen))
    return _list_changed(request, channel, found, services.assign_list)


@editor_required
@require_POST
def unassign_list(request: HttpRequest, campaign_id: int, channel_id: int, list_id: int) -> HttpResponse:
    channel = channel_of(campaign_id, channel_id)
    return _list_changed(request, channel, get_object_or_404(List, pk=list_id), services.unassign_list)


def _list_changed(request: HttpRequest, channel: Channel, list: List, change: Any) -> HttpResponse:
    try:
        change(channel=channel, list=list, actor=person_of(request))
    except Refused as refused:
        toast(request, str(refused), level=messages.ERROR)
    return redirect(address("channel_launch", channel))


@editor_required
@require_POST
def add_numbers(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    """Numbers typed or pasted: into a list of the campaign's own, which is assigned."""
    channel = channel_of(campaign_id, channel_id)
    form = NumbersForm(request.POST, channel=channel)
    if not form.is_valid():
        return _page(request, channel, numbers=form, status=422)
    try:
        added = form.save(actor=person_of(request))
    except Refused as refused:
        form.add_error("numbers", str(refused))
        return _page(request, channel, numbers=form, status=409)
    if added.added:
        toast(request, f"{added.added:,} {'contact' if added.added == 1 else 'contacts'} added.")
    elif not added.invalid:
        toast(request, "They were in the list already.", level=messages.INFO)
    if added.invalid:
        return _page(request, channel_of(campaign_id, channel_id), numbers=form, status=422)
    return redirect(address("channel_launch", channel))


@editor_required
@require_POST
def start(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    """Start now, schedule for later, or, once started and paused, resume."""
    channel = channel_of(campaign_id, channel_id)
    person, now = person_of(request), timezone.now()
    later: StartLaterForm | None = None
    name = _called(channel)
    try:
        # Who pressed Start saw a channel that had not begun: it may have been paused since, for a reason.
        if channel.status == ChannelStatus.PAUSED and "when" not in request.POST:
            services.resume_channel(channel=channel, actor=person, now=now)
            toast(request, f"{name} goes on.")
        elif request.POST.get("when") == "later":
            later = StartLaterForm(request.POST, channel=channel, now=now)
            if not later.is_valid():
                return _page(request, channel, later=later, status=422)
            later.save(actor=person)
            toast(request, f"{name} is scheduled.")
        else:
            services.start_now(channel=channel, actor=person, now=now)
            toast(request, f"{name} is running.")
    except Refused as refused:
        fresh = channel_of(campaign_id, channel_id)
        if request.POST.get("when") == "now" and fresh.status == ChannelStatus.RUNNING:
            # Pressed twice, or in two tabs: the other press, which this one waited for, did what was asked.
            toast(request, f"{name} is running.", level=messages.INFO)
            return redirect(channel.campaign)
        refusals = services.start_refusals(channel, now) or [refused.refusal]
        if refused.refusal not in refusals:
            refusals.insert(0, refused.refusal)
        return _page(request, fresh, later=later, refusals=refusals, status=409)
    return redirect(channel.campaign)


def _called(channel: Channel) -> str:
    """One channel and its campaign are one thing; of several, the channel is named."""
    is_alone = channel.campaign.channels.count() == 1
    return channel.campaign.name if is_alone else f"{channel.campaign.name}, {channel.name},"
