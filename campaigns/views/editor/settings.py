"""The first step: a channel's settings in three tabs, which a draft saves by itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings as configuration
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from campaigns import services
from campaigns.forms import CampaignForm
from campaigns.forms.clashes import last_editor, read_marks
from campaigns.forms.editor import SHARED_CHANGED, Clashed
from campaigns.forms.fields import masks_of
from campaigns.hours import describe
from campaigns.lifecycles import ChannelStatus
from campaigns.models import Campaign, Channel
from campaigns.refusals import Refusal, Refused
from campaigns.views.editor.shared import (
    address,
    channel_of,
    channel_to_edit,
    frame_of,
    list_in_hand,
    person_of,
)
from contacts import time_zones
from interface.toasts import toast

# What is missing and made on another page: the button's value -> that page.
MADE_ELSEWHERE = {
    "assistant": "campaigns:assistant_new",
    "pool": "campaigns:pool_new",
    "caller_id": "campaigns:caller_id_new",
}
# A page's key and how many times it has sent: "<uuid>:<number>".
PAGE = re.compile(r"[0-9a-f-]{36}:\d{1,9}")


@reader_required
@require_safe
def edit(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """A campaign's settings are its channel's; of several, those of the one that may change."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return redirect(f"{address('channel_edit', channel_to_edit(campaign))}{query}")


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@reader_required
@require_http_methods(["GET", "HEAD", "POST"])
def channel_edit(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    return _edit(request, channel_of(campaign_id, channel_id))


def _edit(request: HttpRequest, channel: Channel | None) -> HttpResponse:
    now = timezone.now()
    if request.method != "POST":
        # Coming back from making an assistant or a caller ID: it is chosen already.
        made = {name: request.GET[name] for name in MADE_ELSEWHERE if request.GET.get(name, "").isdecimal()}
        return _page(request, CampaignForm(channel=channel, now=now, initial=made), made=bool(made))
    if not person_of(request).may_edit:
        raise PermissionDenied
    then = request.POST.get("then") or request.POST.get("clash_then", "")
    attempt = _Attempt(request, then, now)
    try:
        saved = attempt.save(channel)
    except Refused as refused:
        if then == "autosave":
            return JsonResponse({"refused": str(refused)}, status=409)
        refusal = None if isinstance(refused, Clashed) else refused.refusal
        return _page(request, attempt.form, refusal=refusal, status=409)
    if then == "autosave":
        return _autosaved(request, attempt.form, saved)
    if saved is None:
        return _page(request, attempt.form, status=422)
    if then in MADE_ELSEWHERE:
        query = urlencode({"next": address("channel_edit", saved), "as": then})
        return redirect(f"{reverse(MADE_ELSEWHERE[then])}?{query}")
    return _saved(request, saved, then)


@dataclass
class _Attempt:
    """One sending of the form: read, compared with what is saved, and saved, while nobody else does."""

    request: HttpRequest
    then: str
    now: datetime

    def __post_init__(self) -> None:
        self.form = CampaignForm(self.request.POST, channel=None, now=self.now)

    @property
    def page(self) -> str:
        """The page that sends, and the how-manieth time; empty for what no page of ours sends."""
        page = self.request.POST.get("page", "")
        return page if PAGE.fullmatch(page) else ""

    @transaction.atomic
    def save(self, channel: Channel | None) -> Channel | None:
        """The saved channel; None when a person pressed a button, and something needs another look."""
        is_new = channel is None
        channel = self._made_already() if channel is None else channel
        posted = self.request.POST.copy()
        if channel is not None:
            services.lock_channel(channel)
            channel = channel_of(channel.campaign_id, channel.pk)
            if channel.campaign.is_archived:
                raise Refused("This campaign is archived: support staff can restore it in the admin.")
            before = self._sent_before(channel)
            if before is not None and before > self._number(self.page):
                # What the page sent later has come before.
                self.form = CampaignForm(channel=channel, now=self.now)
                return channel
            if before is not None and "unanswered" in posted:
                # What was saved since is this page's own: it just was not told yet.
                posted["seen"] = self._seen_of_what_others_changed(channel)
        person = person_of(self.request)
        self.form = CampaignForm(posted, channel=channel, now=self.now)
        if self.then == "autosave":
            saved = self.form.save_what_is_valid(actor=person, page=self.page, by_itself=True)
        elif self.then in MADE_ELSEWHERE:
            saved = self.form.save_what_is_valid(actor=person, page=self.page)
            if self.form.clashes:
                raise Clashed("Somebody else changed the same settings.")
        elif not self.form.is_valid():
            return None
        else:
            saved = self.form.save(actor=person, page=self.page)
        found = list_in_hand(self.request) if is_new and channel is None else None
        if found is not None:
            # To a campaign that has just been made, once.
            services.assign_list(channel=saved, list=found, actor=person)
        return saved

    def _made_already(self) -> Channel | None:
        """The draft that this page made by an earlier sending, which it may not have been told of."""
        if not self.page:
            return None
        key = self.page.partition(":")[0]
        with connection.cursor() as cursor:
            # Two at once: the second waits for the first one's draft.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        return Channel.objects.filter(
            edited_from__startswith=f"{key}:", campaign__created_by=person_of(self.request)
        ).first()

    def _sent_before(self, channel: Channel) -> int | None:
        """Which sending of this page was saved last; None when somebody else saved since, or nobody did."""
        key, _, number = channel.edited_from.removesuffix(SHARED_CHANGED).partition(":")
        return int(number) if key and key == self.page.partition(":")[0] else None

    def _seen_of_what_others_changed(self, channel: Channel) -> str:
        """What the page saw of fields that are not its channel's alone, where another channel's page changed
        them; of nothing else need it be asked."""
        if not channel.edited_from.endswith(SHARED_CHANGED):
            return ""
        seen = read_marks(self.request.POST.get("seen", ""))
        return json.dumps({name: seen[name] for name in self.form.shared if name in seen})

    @staticmethod
    def _number(page: str) -> int:
        return int(page.partition(":")[2])


def _saved(request: HttpRequest, channel: Channel, then: str) -> HttpResponse:
    if then == "next":
        return redirect(address("channel_launch", channel))
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
    frame = (
        frame_of(request, channel, "settings")
        if channel
        else {"section": "campaigns", "step": "settings", "may_change": person_of(request).may_edit}
    )
    return render(
        request,
        "campaigns/editor.html",
        {
            **frame,
            "form": form,
            "list_in_hand": list_in_hand(request) if channel is None else None,
            # What an active campaign does is changed by a press on Save only.
            "saves_itself": frame["may_change"] and (channel is None or not channel.run),
            "page_key": uuid4(),
            # After a clash the page goes on from what it had seen, until somebody has chosen.
            "seen": request.POST.get("seen", "") if form.clashes else form.marks,
            "clashes": _clashes(request, form),
            "has_quiet_hours": configuration.QUIET_HOURS_END > 0 or configuration.QUIET_HOURS_START < 24,
            "quiet_end": configuration.QUIET_HOURS_END,
            "quiet_start": configuration.QUIET_HOURS_START,
            "open_tab": form.first_tab_with_errors or "basic",
            "refusal": refusal,
            "has_unsaved": made or form.is_bound,
        },
        status=status,
    )


def _clashes(request: HttpRequest, form: CampaignForm) -> dict[str, Any] | None:
    """What two people changed, and who the other one is; None when there is nothing to choose."""
    if not form.clashes or form.channel is None:
        return None
    names = [clash.name for clash in form.clashes]
    other = last_editor(form.channel, form.called(names), person_of(request).pk)
    return {"fields": form.clashes, "other": other, "then": request.POST.get("then", "save")}


def _autosaved(request: HttpRequest, form: CampaignForm, channel: Channel | None) -> HttpResponse:
    """What the page needs to know of a draft that saved itself, for drafts.js."""
    assert channel is not None  # noqa: S101
    fresh = CampaignForm(channel=channel_of(channel.campaign_id, channel.pk), now=form.now)
    told: dict[str, Any] = {
        "errors": form.errors if form.is_bound else {},
        "warnings": form.warnings,
        "labels": {name: form.label(name) for name in (form.errors if form.is_bound else {})},
        "tabs": {tab.slug: len(tab.errors) for tab in form.tabs},
        "url": address("channel_edit", channel),
        "preflight": f"{address('preflight', channel)}?settings",
        "seen": fresh.marks,
        "at": f"{timezone.localtime():%H:%M}",
        "theirs": {name: fresh.control_values([name]) for name in form.theirs},
    }
    if form.theirs:
        other = last_editor(channel, form.called(form.theirs), person_of(request).pk)
        names = ", ".join(form.label(name).lower() for name in form.theirs)
        told["changed_by"] = f"{other.name} changed {names}: shown here as it is now."
    if clashes := _clashes(request, form):
        told["clashed_with"] = clashes["other"].name
        told["clashes"] = render_to_string("campaigns/editor/clashes.html", {"clashes": clashes}, request)
        # Until somebody has chosen, these fields are compared with what the page had seen.
        told["unsettled"] = [clash.name for clash in form.clashes]
    return JsonResponse(told)


@editor_required
@require_POST
def channel_unlock(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    """Pause what runs, or cancel what is scheduled, in order to edit it."""
    channel = channel_of(campaign_id, channel_id)
    person = person_of(request)
    try:
        if channel.status == ChannelStatus.SCHEDULED:
            services.unschedule_channel(channel=channel, actor=person)
            toast(request, "The schedule was cancelled.")
        else:
            services.pause_channel(channel=channel, actor=person)
            toast(request, "Paused. Calls in progress finish.")
    except Refused as refused:
        toast(request, str(refused), level=messages.ERROR)
    return redirect(address("channel_edit", channel))


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
def rules_in_words(request: HttpRequest) -> HttpResponse:
    """The sentence below the reattempt rules, for what is typed there."""
    form = CampaignForm(request.GET, channel=None, now=timezone.now())
    form.is_valid()
    return HttpResponse(form.advanced.rules_in_words(), content_type="text/plain")
