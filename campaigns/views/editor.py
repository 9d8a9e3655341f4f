"""The campaign form: settings in three tabs, then contacts, then the start."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings as configuration
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.permissions import editor_required, reader_required
from campaigns import services, time_zones
from campaigns.forms import CampaignForm, NumbersForm, StartLaterForm
from campaigns.forms.fields import masks_of
from campaigns.hours import describe, next_opening
from campaigns.lifecycles import ChannelStatus
from campaigns.models import Campaign, Channel
from campaigns.preflight import COUNT_KEPT_SECONDS
from campaigns.preflight import preflight as work_out_preflight
from campaigns.refusals import Refusal, Refused
from campaigns.rulebook import load_rulebook
from campaigns.waiting import clock_in_words
from contacts.models import List
from interface.toasts import toast

# Lists offered for assigning: the newest.
LISTS_OFFERED = 500
# What is missing and made on another page: the button's value -> that page.
MADE_ELSEWHERE = {"assistant": "campaigns:assistant_new", "caller_id": "campaigns:caller_id_new"}
CHANGED_MEANWHILE = (
    "Somebody else changed these settings while you had them open. What you typed is below; "
    "save again to replace theirs, or reload the page to see them."
)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _channel(campaign_id: int) -> Channel:
    """The channel that the form edits: the campaign's first."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    channels = campaign.channels.select_related(
        "campaign", "voice", "voice__assistant", "voice__caller_id", "schedule"
    )
    channel = channels.prefetch_related("reattempt_rules").first()
    if channel is None:
        raise Http404("This campaign has no channel.")
    return channel


def _may_change(request: HttpRequest, channel: Channel | None) -> bool:
    if not _person(request).may_edit:
        return False
    return channel is None or (channel.is_editable and not channel.campaign.is_archived)


# --- Settings ------------------------------------------------------------------------------------------


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@reader_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, campaign_id: int) -> HttpResponse:
    return _edit(request, _channel(campaign_id))


def _edit(request: HttpRequest, channel: Channel | None) -> HttpResponse:
    now = timezone.now()
    if request.method != "POST":
        # Coming back from making an assistant or a caller ID: it is chosen already.
        made = {name: request.GET[name] for name in MADE_ELSEWHERE if request.GET.get(name, "").isdecimal()}
        return _page(request, CampaignForm(channel=channel, now=now, initial=made), made=bool(made))
    person = _person(request)
    if not person.may_edit:
        raise PermissionDenied
    form = CampaignForm(request.POST, channel=channel, now=now)
    then = request.POST.get("then", "")
    try:
        if channel is not None and channel.campaign.is_archived:
            raise Refused("This campaign is archived: support staff can restore it in the admin.")
        if channel is not None and _changed_meanwhile(request, channel):
            raise ChangedMeanwhile(CHANGED_MEANWHILE)
        if then == "autosave":
            draft = form.save_what_is_valid(actor=person, by_itself=True)
            _assign_list_in_hand(request, channel, draft)
            return _autosaved(form, draft)
        if then in MADE_ELSEWHERE:
            saved = form.save_untitled(actor=person)
            _assign_list_in_hand(request, channel, saved)
            back = reverse("campaigns:edit", args=[saved.campaign_id])
            query = urlencode({"next": back, "as": then})
            return redirect(f"{reverse(MADE_ELSEWHERE[then])}?{query}")
        if not form.is_valid():
            return _page(request, form, status=422)
        saved = form.save(actor=person)
        _assign_list_in_hand(request, channel, saved)
    except Refused as refused:
        if then == "autosave":
            return _not_saved(refused)
        return _page(request, form, refusal=refused.refusal, status=409)
    return _saved(request, saved, then)


class ChangedMeanwhile(Refused):
    """Two people have the same settings open."""


def _changed_meanwhile(request: HttpRequest, channel: Channel) -> bool:
    seen = request.POST.get("revision", "")
    return seen.isdecimal() and seen != str(channel.revision)


def _list_in_hand(request: HttpRequest) -> List | None:
    """The list that a person comes with: "Use in a campaign", or imported for the campaign just now."""
    chosen = request.POST.get("list") or request.GET.get("list") or ""
    return List.objects.filter(pk=int(chosen)).first() if _is_key(chosen) else None


def _is_key(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def _assign_list_in_hand(request: HttpRequest, before: Channel | None, saved: Channel | None) -> None:
    """To a campaign that has just been made, once."""
    found = _list_in_hand(request) if before is None and saved is not None else None
    if found is not None and saved is not None:
        services.assign_list(channel=saved, list=found, actor=_person(request))


def _saved(request: HttpRequest, channel: Channel, then: str) -> HttpResponse:
    if then == "next":
        return redirect("campaigns:launch", channel.campaign_id)
    if channel.run:
        toast(request, "Saved. The changes count from the next call on.")
    else:
        toast(request, f"Draft {channel.campaign.name} saved.")
    return redirect(channel.campaign)


def _page(
    request: HttpRequest,
    form: CampaignForm,
    *,
    refusal: Refusal | None = None,
    made: bool = False,
    status: int = 200,
) -> HttpResponse:
    channel = form.channel
    may_change = _may_change(request, channel)
    return render(
        request,
        "campaigns/editor.html",
        {
            "section": "campaigns",
            "step": "settings",
            "form": form,
            "channel": channel,
            "campaign": channel.campaign if channel else None,
            "may_change": may_change,
            "list_in_hand": _list_in_hand(request) if channel is None else None,
            # What an active campaign does is changed by a press on Save only.
            "saves_itself": may_change and (channel is None or not channel.run),
            "has_quiet_hours": configuration.QUIET_HOURS_END > 0 or configuration.QUIET_HOURS_START < 24,
            "quiet_end": configuration.QUIET_HOURS_END,
            "quiet_start": configuration.QUIET_HOURS_START,
            "open_tab": form.first_tab_with_errors or "basic",
            "refusal": refusal,
            "has_unsaved": made or form.is_bound,
            "locked": None if may_change or channel is None else _why_locked(request, channel),
        },
        status=status,
    )


def _why_locked(request: HttpRequest, channel: Channel) -> dict[str, str]:
    """Why nothing can be changed, and the button that mends it, if there is one."""
    if channel.campaign.is_archived:
        return {"text": "This campaign is archived. Support staff can restore it in the admin."}
    if not _person(request).may_edit:
        return {"text": "You may look at these settings; supervisors change them."}
    unlock = reverse("campaigns:unlock", args=[channel.campaign_id])
    if channel.status == ChannelStatus.RUNNING:
        return {
            "text": "This campaign is active: its settings are read-only. "
            "Pause it to change them; calls in progress go on.",
            "url": unlock,
            "label": "Pause to edit",
        }
    if channel.status == ChannelStatus.SCHEDULED:
        return {
            "text": "This campaign is scheduled: its settings are read-only until the schedule is cancelled.",
            "url": unlock,
            "label": "Cancel the schedule to edit",
        }
    status = channel.get_status_display().lower()
    return {"text": f"This campaign is {status}: its settings are kept as they were."}


def _autosaved(form: CampaignForm, channel: Channel | None) -> HttpResponse:
    """What the page needs to know of a draft that saved itself, for editor.js."""
    told: dict[str, Any] = {
        "errors": form.errors,
        "warnings": form.warnings,
        "labels": {name: form.label(name) for name in form.errors},
        "tabs": {tab.slug: len(tab.errors) for tab in form.tabs},
        "saved": channel is not None,
    }
    if channel is not None:
        told |= {
            "url": reverse("campaigns:edit", args=[channel.campaign_id]),
            "preflight": reverse("campaigns:preflight", args=[channel.campaign_id]),
            "revision": channel.revision,
            "at": f"{timezone.localtime():%H:%M}",
        }
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"draft-saved": told})})


def _not_saved(refused: Refused) -> HttpResponse:
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"draft-refused": str(refused)})})


def _opens_later(channel: Channel, now: datetime) -> str:
    """When calls would begin, if the hours are closed now: by the channel's clock, or the person's own."""
    rules = load_rulebook(channel.pk)
    zone = rules.zone or ZoneInfo(timezone.get_current_timezone_name())
    opens_at = next_opening(rules.hours, zone, (), now)
    return clock_in_words(opens_at, rules.zone, now) if opens_at and opens_at > now else ""


@editor_required
@require_POST
def unlock(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Pause what runs, or cancel what is scheduled, in order to edit it."""
    channel = _channel(campaign_id)
    person = _person(request)
    try:
        if channel.status == ChannelStatus.SCHEDULED:
            services.unschedule_channel(channel=channel, actor=person)
            toast(request, "The schedule was cancelled.")
        else:
            services.pause_channel(channel=channel, actor=person)
            toast(request, "Paused. Calls in progress finish.")
    except Refused as refused:
        toast(request, str(refused), level=messages.ERROR)
    return redirect("campaigns:edit", campaign_id)


@reader_required
@require_safe
def hours_in_words(request: HttpRequest) -> HttpResponse:
    """The sentence below the hour grid, for what is ticked there."""
    zone = request.GET.get("time_zone", "")
    masks = masks_of(request.GET.getlist("hours"))
    return HttpResponse(
        describe(masks, zone if zone in time_zones.zone_names() else ""), content_type="text/plain"
    )


@reader_required
@require_safe
def preflight(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Who will be called, who won't, and when it will be done: a part of both steps."""
    channel = _channel(campaign_id)
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
            "is_far": bool(done_at and (done_at - now).days >= 14),
        },
    )


# --- Contacts and start --------------------------------------------------------------------------------


@reader_required
@require_safe
def launch(request: HttpRequest, campaign_id: int) -> HttpResponse:
    return _launch_page(request, _channel(campaign_id))


def _launch_page(
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
    form = CampaignForm(channel=channel, now=now)
    in_hand = _list_in_hand(request)
    imported = offered.filter(pk=in_hand.pk, size__gt=0).first() if in_hand else None
    later = later or StartLaterForm(channel=channel, now=now)
    startable = channel.status in {ChannelStatus.READY, ChannelStatus.PAUSED}
    if refusals is None:
        refusals = services.start_refusals(channel, now) if startable else []
    here = reverse("campaigns:launch", args=[channel.campaign_id])
    lists_page = reverse("campaigns:lists", args=[channel.campaign_id])
    return render(
        request,
        "campaigns/launch.html",
        {
            "section": "campaigns",
            "step": "launch",
            "channel": channel,
            "campaign": channel.campaign,
            "may_change": _may_change(request, channel),
            "locked": None if _may_change(request, channel) else _why_locked(request, channel),
            "assigned": assigned,
            "offered": offered[:LISTS_OFFERED],
            "imported": imported,
            # Just uploaded for it, most likely.
            "proposed": offered.filter(
                created_by=_person(request), created_at__gt=channel.campaign.created_at, size__gt=0
            ).first()
            if not assigned and imported is None
            else imported,
            "import_query": urlencode({"next": here}),
            "numbers": numbers or NumbersForm(channel=channel),
            "later": later,
            "choose_later": later.is_bound or (channel.start_at is not None and channel.start_at > now),
            # Lists are mended here and now.
            "refusals": [
                Refusal(each.message, "#lists", each.remedy_label) if each.remedy_url == lists_page else each
                for each in refusals
            ],
            "warnings": form.warnings,
            "hours": describe(channel.schedule.hours, channel.schedule.time_zone),
            "opens": _opens_later(channel, now),
            "zone_city": time_zones.city_of(later.zone.key),
        },
        status=status,
    )


@editor_required
@require_POST
def assign_list(request: HttpRequest, campaign_id: int) -> HttpResponse:
    channel = _channel(campaign_id)
    chosen = request.POST.get("list", "")
    if not _is_key(chosen):
        toast(request, "Choose a list first.", level=messages.ERROR)
        return redirect("campaigns:launch", campaign_id)
    found = get_object_or_404(List, pk=int(chosen))
    return _list_changed(request, channel, found, services.assign_list)


@editor_required
@require_POST
def unassign_list(request: HttpRequest, campaign_id: int, list_id: int) -> HttpResponse:
    return _list_changed(
        request, _channel(campaign_id), get_object_or_404(List, pk=list_id), services.unassign_list
    )


def _list_changed(request: HttpRequest, channel: Channel, list: List, change: Any) -> HttpResponse:
    try:
        change(channel=channel, list=list, actor=_person(request))
    except Refused as refused:
        toast(request, str(refused), level=messages.ERROR)
    return redirect("campaigns:launch", channel.campaign_id)


@editor_required
@require_POST
def add_numbers(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Numbers typed or pasted: into a list of the campaign's own, which is assigned."""
    channel = _channel(campaign_id)
    form = NumbersForm(request.POST, channel=channel)
    if not form.is_valid():
        return _launch_page(request, channel, numbers=form, status=422)
    try:
        added = form.save(actor=_person(request))
    except Refused as refused:
        form.add_error("numbers", str(refused))
        return _launch_page(request, channel, numbers=form, status=409)
    if added.added:
        toast(request, f"{added.added:,} {'contact' if added.added == 1 else 'contacts'} added.")
    elif not added.invalid:
        toast(request, "They were in the list already.", level=messages.INFO)
    if added.invalid:
        return _launch_page(request, _channel(campaign_id), numbers=form, status=422)
    return redirect("campaigns:launch", campaign_id)


@editor_required
@require_POST
def start(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Start now, schedule for later, or, once started and paused, resume."""
    channel = _channel(campaign_id)
    person, now = _person(request), timezone.now()
    later: StartLaterForm | None = None
    try:
        # Who pressed Start saw a channel that had not begun: it may have been paused since, for a reason.
        if channel.status == ChannelStatus.PAUSED and "when" not in request.POST:
            services.resume_channel(channel=channel, actor=person, now=now)
            toast(request, f"{channel.campaign.name} goes on.")
        elif request.POST.get("when") == "later":
            later = StartLaterForm(request.POST, channel=channel, now=now)
            if not later.is_valid():
                return _launch_page(request, channel, later=later, status=422)
            later.save(actor=person)
            toast(request, f"{channel.campaign.name} is scheduled.")
        else:
            services.start_now(channel=channel, actor=person, now=now)
            toast(request, f"{channel.campaign.name} is running.")
    except Refused as refused:
        if request.POST.get("when") == "now" and _channel(campaign_id).status == ChannelStatus.RUNNING:
            # Pressed twice, or in two tabs: the other press, which this one waited for, did what was asked.
            toast(request, f"{channel.campaign.name} is running.", level=messages.INFO)
            return redirect(channel.campaign)
        refusals = services.start_refusals(channel, now) or [refused.refusal]
        if refused.refusal not in refusals:
            refusals.insert(0, refused.refusal)
        return _launch_page(request, _channel(campaign_id), later=later, refusals=refusals, status=409)
    return redirect(channel.campaign)
