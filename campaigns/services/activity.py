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
