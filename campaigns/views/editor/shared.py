"""What the editor's pages have in common: the channel, whether it may change, the frame of both steps."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.models import User
from campaigns.changes import has_fixed_name, why_fixed
from campaigns.lifecycles import ChannelStatus
from campaigns.models import Campaign, Channel
from contacts.models import List


def person_of(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def channel_of(campaign_id: int, channel_id: int) -> Channel:
    """The channel with all that the editor shows of it; raises Http404."""
    channels = Channel.objects.select_related(
        "campaign", "voice", "voice__assistant", "voice__caller_id", "schedule"
    )
    return get_object_or_404(
        channels.prefetch_related("reattempt_rules"), pk=channel_id, campaign=campaign_id
    )


def channel_to_edit(campaign: Campaign) -> Channel:
    """Which channel a campaign's Edit button means: the first that may change, or else the first."""
    channels = list(campaign.channels.all())
    if not channels:
        raise Http404("This campaign has no channel.")
    return next((channel for channel in channels if channel.is_editable), channels[0])


def address(name: str, channel: Channel, *further: int) -> str:
    """The URL of one of the editor's pages for this channel: ``address("channel_edit", channel)``."""
    return reverse(f"campaigns:{name}", args=[channel.campaign_id, channel.pk, *further])


def may_change(request: HttpRequest, channel: Channel) -> bool:
    return person_of(request).may_edit and channel.is_editable and not channel.campaign.is_archived


def frame_of(request: HttpRequest, channel: Channel, step: str) -> dict[str, Any]:
    """What both steps show around themselves: names, the other channels, and why nothing may change."""
    siblings = list(channel.campaign.channels.all())
    changeable = may_change(request, channel)
    return {
        "section": "campaigns",
        "step": step,
        "channel": channel,
        "campaign": channel.campaign,
        "siblings": siblings if len(siblings) > 1 else [],
        "may_change": changeable,
        # Of several channels another one may run while this one is edited.
        "has_fixed_name": changeable and has_fixed_name(channel.campaign),
        "locked": None if changeable else why_locked(request, channel, len(siblings)),
    }


def why_locked(request: HttpRequest, channel: Channel, channels: int) -> dict[str, str]:
    """Why nothing can be changed, and the button that mends it, if there is one."""
    # One channel and its campaign are one thing.
    noun = "campaign" if channels == 1 else "channel"
    if channel.campaign.is_archived:
        return {"text": "This campaign is archived. Support staff can restore it in the admin."}
    if not person_of(request).may_edit:
        return {"text": "You may look at these settings; supervisors change them."}
    unlock = address("channel_unlock", channel)
    if channel.status == ChannelStatus.RUNNING:
        return {
            "text": f"This {noun} is active: its settings are read-only. "
            "Pause it to change them; calls in progress go on.",
            "url": unlock,
            "label": "Pause to edit",
        }
    if channel.status == ChannelStatus.SCHEDULED:
        return {
            "text": f"This {noun} is scheduled: its settings are read-only until the schedule is cancelled.",
            "url": unlock,
            "label": "Cancel the schedule to edit",
        }
    return {"text": why_fixed(channel).replace(channel.name, f"This {noun}", 1)}


def list_in_hand(request: HttpRequest) -> List | None:
    """The list that a person comes with: "Use in a campaign", or imported for the campaign just now."""
    chosen = request.POST.get("list") or request.GET.get("list") or ""
    return List.objects.filter(pk=int(chosen)).first() if is_key(chosen) else None


def is_key(text: str) -> bool:
    return text.isdecimal() and len(text) < 19
