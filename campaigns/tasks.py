"""What the worker does for campaigns, where a person would wait too long: entry points of django-q2."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from campaigns.lifecycles import DONE
from campaigns.models import Channel
from campaigns.places import ChosenPlaces, PlaceFilters
from campaigns.services.activity import record_activity
from campaigns.services.places import do_with_places
from contacts.refusals import Refused

# A button's word -> the verb under which it is written down once it is done, and what was asked for.
DEEDS = {
    "skip": ("skip", "skip contacts of {}"),
    "retry": ("retry", "have contacts of {} tried now"),
    "do-not-contact": ("forbid", "put contacts of {} on do-not-contact"),
}


def move_places(
    deed: str,
    channel_id: int,
    run: int,
    filters: dict[str, str],
    reason: str,
    by: int,
    asked_at: datetime | None = None,
) -> None:
    """Do a deed with all contacts of a channel's run whom the filters leave. Told again, it does the rest.

    Who was done with since ``asked_at`` (None: an earlier version queued it) is not meant: they may have been
    called for the same wish already. What is refused is told in the campaign's activity: whoever asked has
    left the page.
    """
    channel = Channel.objects.select_related("campaign").filter(pk=channel_id).first()
    actor = User.objects.filter(pk=by).first()
    if channel is None or actor is None:
        return
    if channel.run != run:
        return _tell_refusal(deed, channel, actor, f"{channel.name} was run again meanwhile.")
    chosen = ChosenPlaces(PlaceFilters(**filters), are_all=True)
    places = chosen.places(channel)
    if asked_at is not None:
        places = places.exclude(status__in=DONE, updated_at__gt=asked_at)
    try:
        do_with_places(deed, channel=channel, places=places, reason=reason, actor=actor)
    except Refused as refused:
        # Nobody is left where it was done already, and this is only the second time that it is told.
        if places.exists() or not _was_done(deed, channel, actor, asked_at):
            _tell_refusal(deed, channel, actor, str(refused))


def _was_done(deed: str, channel: Channel, actor: User, asked_at: datetime | None) -> bool:
    verb, _ = DEEDS[deed]
    if asked_at is None:
        return False
    told = channel.campaign.activities.filter(channel=channel, actor=actor, verb=verb, at__gte=asked_at)
    return told.exists()


def _tell_refusal(deed: str, channel: Channel, actor: User, why: str) -> None:
    _, asked = DEEDS[deed]
    text = f"asked to {asked.format(channel.name)}, which was refused: {why}"
    record_activity(campaign=channel.campaign, channel=channel, actor=actor, verb="refused", text=text)
