"""Which lists a campaign leaves alone, whatever its channels work through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from campaigns.lifecycles import ENROLLMENT, ChannelStatus
from campaigns.models import Campaign, CampaignExclusion, Channel, Enrollment
from campaigns.queries import passed_over
from campaigns.refusals import Refused
from campaigns.services.activity import record_activity
from campaigns.services.channels import ARCHIVED, lock_campaign, reopen_channel
from campaigns.services.lists import keep
from campaigns.services.places import Telling, hold_channel, in_lots, keys_of
from contacts.models import List
from interface.templatetags.interface import counted


@transaction.atomic
def add_exclusion(*, campaign: Campaign, list: List, actor: User | None) -> CampaignExclusion:
    """Never contact those on the list, as it is at the moment of each call; from the commit on.

    At any time, also while channels run: who waits is passed over when the turn comes.
    """
    _editable(campaign)
    keep(list)
    exclusion, created = CampaignExclusion.objects.get_or_create(campaign=campaign, list=list)
    if not created:
        raise Refused(f"{list.name} is an exclusion list of this campaign already.")
    text = f"excluded those on {list.name}: {counted(list.size, 'contact')}"
    record_activity(campaign=campaign, actor=actor, verb="exclude", text=text)
    return exclusion


@transaction.atomic
def remove_exclusion(*, campaign: Campaign, list: List, actor: User | None) -> None:
    """Those on the list may be contacted again.

    Who was passed over meanwhile stays so, unless they are brought back (``bring_back_excluded``).
    """
    _editable(campaign)
    removed, _ = CampaignExclusion.objects.filter(campaign=campaign, list=list).delete()
    if not removed:
        raise Refused(f"{list.name} is no exclusion list of this campaign.")
    text = f"no longer excludes those on {list.name}"
    record_activity(campaign=campaign, actor=actor, verb="include", text=text)


def bring_back_excluded(*, campaign: Campaign, actor: User | None, now: datetime | None = None) -> int:
    """Have everybody wait again who was passed over for a list that the campaign left alone, and who is on
    none that it leaves alone now; returns how many.

    They are due at once; who was called before, as a retry. Only of current runs. Channels that were stopped
    stay so; those that were completed go on. As many as they may be, calls go on meanwhile: they are brought
    back some at a time (campaigns/services/places.py).
    """
    now = now or timezone.now()
    brought = 0
    told = Telling(
        campaign,
        None,
        actor,
        "bring_back",
        lambda contacts: f"brought back {contacts} passed over for lists that are no longer excluded",
    )
    with transaction.atomic():
        _editable(campaign)
    for channel in campaign.channels.exclude(status=ChannelStatus.STOPPED).order_by("pk"):
        for lot in in_lots(keys_of(passed_over(campaign.pk).filter(channel=channel))):
            with transaction.atomic():
                moved = _bring_back(campaign, channel, lot, now)
                told.more(moved)
            brought += moved
    if not brought:
        raise Refused("Nobody is left who could be brought back.")
    return brought


def _bring_back(campaign: Campaign, channel: Channel, lot: Sequence[int], now: datetime) -> int:
    is_completed = hold_channel(channel, goes_on=True)
    # Those who are on no list by now, and whom nobody else is bringing back.
    rows = passed_over(campaign.pk).filter(pk__in=lot)
    locked = rows.select_for_update(skip_locked=True, no_key=True, of=("self",))
    held = Enrollment.objects.filter(pk__in=list(locked.values_list("pk", flat=True)))
    back: dict[str, Any] = {"due_at": now, "reason": "", "updated_at": now}
    moved = ENROLLMENT.apply(held.filter(attempts=0), "bring_back", **back)
    moved += ENROLLMENT.apply(held.filter(attempts__gt=0), "bring_back_retry", **back)
    if moved and is_completed:
        _editable(campaign)
        reopen_channel(channel=channel, why="contacts were brought back")
    return moved


def _editable(campaign: Campaign) -> None:
    if lock_campaign(campaign.pk).is_archived:
        raise Refused(ARCHIVED)
