"""Which lists a campaign leaves alone, whatever its channels work through."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from campaigns.lifecycles import ENROLLMENT, ChannelStatus
from campaigns.models import Campaign, CampaignExclusion
from campaigns.queries import passed_over
from campaigns.refusals import Refused
from campaigns.services.activity import record_activity
from campaigns.services.channels import lock_channel, reopen_channel
from campaigns.services.lists import keep
from contacts.models import List


@transaction.atomic
def add_exclusion(*, campaign: Campaign, list: List, actor: User | None) -> CampaignExclusion:
    """Never contact those on the list, as it is at the moment of each call; from the commit on.

    At any time, also while channels run: who waits is passed over when the turn comes.
    """
    _editable(campaign)
    keep(list)
    exclusion, created = CampaignExclusion.objects.get_or_create(campaign=campaign, list=list)
    if not created:
        raise Refused(f"{list.name} is left alone already.")
    text = f"excluded those on {list.name}: {list.size:,} contacts"
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
        raise Refused(f"{list.name} is not left alone.")
    text = f"no longer excludes those on {list.name}"
    record_activity(campaign=campaign, actor=actor, verb="include", text=text)


@transaction.atomic
def bring_back_excluded(*, campaign: Campaign, actor: User | None, now: datetime | None = None) -> int:
    """Have everybody wait again who was passed over for a list that the campaign left alone, and who is on
    none that it leaves alone now; returns how many.

    They are due at once; who was called before, as a retry. Only of current runs. Channels that were stopped
    stay so; those that were completed go on.
    """
    _editable(campaign)
    now = now or timezone.now()
    brought = 0
    for channel in campaign.channels.order_by("pk"):
        channel = lock_channel(channel)
        rows = passed_over(campaign.pk).filter(channel=channel)
        back: dict[str, Any] = {"due_at": now, "reason": "", "updated_at": now}
        moved = ENROLLMENT.apply(rows.filter(attempts=0), "bring_back", **back)
        moved += ENROLLMENT.apply(rows.filter(attempts__gt=0), "bring_back_retry", **back)
        if moved and channel.status == ChannelStatus.COMPLETED:
            reopen_channel(channel=channel, why=f"{_contacts(moved)} brought back")
        brought += moved
    if not brought:
        raise Refused("Nobody is left who could be brought back.")
    text = f"brought back {_contacts(brought)} passed over for lists that are no longer excluded"
    record_activity(campaign=campaign, actor=actor, verb="bring_back", text=text)
    return brought


def _contacts(number: int) -> str:
    return "1 contact" if number == 1 else f"{number:,} contacts"


def _editable(campaign: Campaign) -> None:
    if Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).is_archived:
        raise Refused("The campaign is archived. Support staff can restore it in the admin.")
