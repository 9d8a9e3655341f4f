"""What of a channel may change, and when (product.md, *Editing*): the one place that says so.

Everything may while it was never started. While it runs, or waits for its start, nothing may. While it
is paused all may but what its kind fixes at the launch: lists of AI voice and text channels come and go;
a kind whose agents were given their shares will name ``LISTS`` here, and its pages and services follow.
"""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.lifecycles import CampaignStatus, ChannelStatus
from campaigns.models import Campaign, Channel, ChannelKind

# The names below are those of the editor's fields, and this.
LISTS = "lists"

FIXED_AT_LAUNCH: Mapping[str, frozenset[str]] = {
    ChannelKind.AI_VOICE: frozenset({"start_at"}),
}


def fixed_at_launch(channel: Channel) -> frozenset[str]:
    """What of this channel can't change any more: empty until it is started for the first time."""
    return FIXED_AT_LAUNCH[channel.kind] if channel.run else frozenset()


def why_fixed(channel: Channel, what: str = "settings") -> str:
    """Why ``what`` of the channel, "settings" or ``LISTS``, may not change now; empty when it may."""
    status = channel.get_status_display().lower()
    if channel.is_finished:
        return f"{channel.name} is {status}: its {what} are kept as they were."
    if channel.status == ChannelStatus.SCHEDULED:
        return f"{channel.name} is scheduled; cancel its schedule to change its {what}."
    if not channel.is_editable:
        return f"{channel.name} is {status}; pause it to change its {what}."
    if what in fixed_at_launch(channel):
        return f"The {what} of {channel.name} were fixed when it was started."
    return ""


def has_fixed_name(campaign: Campaign) -> bool:
    """Whether its name and description, which all its channels share, stay as they are for now: one of
    them runs, or is about to."""
    return campaign.status in {CampaignStatus.ACTIVE, CampaignStatus.SCHEDULED}
