"""What the worker does for campaigns, where a person would wait too long: entry points of django-q2."""

from __future__ import annotations

import logging
from datetime import datetime

from accounts.models import User
from campaigns.lifecycles import DONE
from campaigns.models import Channel
from campaigns.places import ChosenPlaces, PlaceFilters
from campaigns.refusals import Refused
from campaigns.services.places import do_with_places

logger = logging.getLogger(__name__)


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
    called for the same wish already.
    """
    channel = Channel.objects.select_related("campaign").filter(pk=channel_id, run=run).first()
    actor = User.objects.filter(pk=by).first()
    if channel is not None and actor is not None:
        chosen = ChosenPlaces(PlaceFilters(**filters), are_all=True)
        places = chosen.places(channel)
        if asked_at is not None:
            places = places.exclude(status__in=DONE, updated_at__gt=asked_at)
        try:
            do_with_places(deed, channel=channel, places=places, reason=reason, actor=actor)
        except Refused as refused:
            # Nobody is left, or the channel is over by now.
            logger.info("%s in channel %s: %s", deed, channel_id, refused)
