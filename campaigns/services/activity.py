from __future__ import annotations

from accounts.models import User
from campaigns.models import Activity, Campaign, Channel


def record_activity(
    *, campaign: Campaign, channel: Channel | None = None, actor: User | None, verb: str, text: str
) -> Activity:
    """Write down who did what, in the transaction of the deed itself. No actor: the engine did it.

    ``text`` is a sentence without its subject: "started Voice".
    """
    return Activity.objects.create(
        campaign=campaign,
        channel=channel,
        campaign_name=campaign.name,
        channel_name=channel.name if channel else "",
        actor=actor,
        verb=verb,
        text=text[:300],
    )


def record_access(*, actor: User, verb: str, text: str, campaign_name: str = "") -> Activity:
    """Write down who took or heard what is personal. No part of a campaign's story: it changed nothing."""
    return Activity.objects.create(actor=actor, verb=verb, text=text[:300], campaign_name=campaign_name)
