"""Which lists a campaign leaves alone, whatever its channels work through."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from campaigns.models import Campaign, CampaignExclusion
from campaigns.refusals import Refused
from campaigns.services.activity import record_activity
from contacts.models import List


@transaction.atomic
def add_exclusion(*, campaign: Campaign, list: List, actor: User | None) -> CampaignExclusion:
    """Never contact those on the list, as it is at the moment of each call; from the commit on.

    At any time, also while channels run: who waits is passed over when the turn comes.
    """
    _editable(campaign)
    exclusion, created = CampaignExclusion.objects.get_or_create(campaign=campaign, list=list)
    if not created:
        raise Refused(f"{list.name} is left alone already.")
    text = f"excluded those on {list.name}: {list.size:,} contacts"
    record_activity(campaign=campaign, actor=actor, verb="exclude", text=text)
    return exclusion


@transaction.atomic
def remove_exclusion(*, campaign: Campaign, list: List, actor: User | None) -> None:
    """Those on the list may be contacted again; who was passed over meanwhile stays so."""
    _editable(campaign)
    removed, _ = CampaignExclusion.objects.filter(campaign=campaign, list=list).delete()
    if not removed:
        raise Refused(f"{list.name} is not left alone.")
    text = f"no longer excludes those on {list.name}"
    record_activity(campaign=campaign, actor=actor, verb="include", text=text)


def _editable(campaign: Campaign) -> None:
    if Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).is_archived:
        raise Refused("The campaign is archived. Support staff can restore it in the admin.")
