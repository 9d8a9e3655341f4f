from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from accounts.models import User
from campaigns.models import Activity, Campaign, Channel

_way: ContextVar[str] = ContextVar("way", default="")


@contextmanager
def done_by_way_of(way: str) -> Iterator[None]:
    """What is recorded meanwhile says so: "from the command line", where nobody logged in."""
    before = _way.set(way)
    try:
        yield
    finally:
        _way.reset(before)


def record_activity(
    *, campaign: Campaign, channel: Channel | None = None, actor: User | None, verb: str, text: str
) -> Activity:
    """Write down who did what, in the transaction of the deed itself. No actor: the engine did it.

    ``text`` is a sentence without its subject: "started Voice".
    """
    way = f", {_way.get()}" if _way.get() else ""
    return Activity.objects.create(
        campaign=campaign,
        channel=channel,
        campaign_name=campaign.name,
        channel_name=channel.name if channel else "",
        actor=actor,
        verb=verb,
        text=text[: 300 - len(way)] + way,
    )


def record_access(*, actor: User, verb: str, text: str, campaign_name: str = "") -> Activity:
    """Write down who took or heard what is personal. No part of a campaign's story: it changed nothing."""
    return Activity.objects.create(actor=actor, verb=verb, text=text[:300], campaign_name=campaign_name)
