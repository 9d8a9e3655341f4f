"""Which lists a channel works through."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from campaigns.changes import LISTS, why_fixed
from campaigns.models import CampaignExclusion, Channel, ChannelList
from campaigns.refusals import Refused
from campaigns.services.activity import record_activity
from campaigns.services.channels import ARCHIVED, lock_channel
from campaigns.services.enrolling import enroll_lists, pin_lists, take_newest, withdraw_list
from contacts import refusals as contacts
from contacts.models import List
from contacts.services import keep_list
from interface.templatetags.interface import counted

# Services take a parameter called list, which is what it is.
list_ = list
Use = TypeVar("Use", ChannelList, CampaignExclusion)


def _editable(channel: Channel) -> Channel:
    channel = lock_channel(channel)
    if channel.campaign.is_archived:
        raise Refused(ARCHIVED)
    if fixed := why_fixed(channel, LISTS):
        raise Refused(fixed)
    return channel


def keep(list: List) -> None:
    """Keep a list, which is about to be used, from being deleted until the transaction ends."""
    try:
        keep_list(list=list)
    except contacts.Refused as gone:
        raise Refused(str(gone)) from None


def kept(uses: QuerySet[Use]) -> list_[Use]:
    """Uses of lists that are about to be copied; their lists are kept, as ``keep`` keeps one.

    Raises ``Refused`` when one was deleted, which it may be as soon as it is used no more.
    """
    found = list_(uses.select_related("list"))
    for use in sorted(found, key=lambda use: use.list_id):
        keep(use.list)
    return found


@transaction.atomic
def assign_list(
    *, channel: Channel, list: List, actor: User | None, now: datetime | None = None
) -> ChannelList:
    """Assign a list; to a channel that was started, its contacts are enrolled at once."""
    now = now or timezone.now()
    channel = _editable(channel)
    keep(list)
    assigned, created = ChannelList.objects.get_or_create(channel=channel, list=list)
    if not created:
        raise Refused(f"{list.name} is assigned already.")
    text = f"assigned {list.name} to {channel.name}"
    if channel.run:
        pin_lists(channel=channel)
        assigned.refresh_from_db()
        text += f": {counted(enroll_lists(channel=channel, now=now), 'contact')}"
    record_activity(campaign=channel.campaign, channel=channel, actor=actor, verb="assign", text=text)
    return assigned


@transaction.atomic
def unassign_list(*, channel: Channel, list: List, actor: User | None, now: datetime | None = None) -> None:
    """Take a list away; of a started channel, its contacts that still wait go with it."""
    now = now or timezone.now()
    channel = _editable(channel)
    assigned = ChannelList.objects.select_related("list").filter(channel=channel, list=list).first()
    if assigned is None:
        raise Refused(f"{list.name} is not assigned.")
    text = f"unassigned {list.name} from {channel.name}"
    if channel.run:
        left = withdraw_list(channel=channel, assigned=assigned, now=now)
        text += f": {counted(left, 'waiting contact')} left it"
    assigned.delete()
    record_activity(campaign=channel.campaign, channel=channel, actor=actor, verb="unassign", text=text)


@transaction.atomic
def take_newest_version(
    *, channel: Channel, list: List, actor: User | None, now: datetime | None = None
) -> tuple[int, int]:
    """Have a channel that was started go on with a list as it is now; how many came, and how many left.

    Who left are those who were taken off the list and wait; who was called keeps the place. Refused unless
    the channel's lists may change now, and the list has a newer version.
    """
    now = now or timezone.now()
    channel = _editable(channel)
    assigned = ChannelList.objects.select_related("list").filter(channel=channel, list=list).first()
    if assigned is None:
        raise Refused(f"{list.name} is not assigned.")
    if assigned.version is None or assigned.version >= assigned.list.version:
        raise Refused(f"{channel.name} has the newest version of {list.name}.")
    before = assigned.version
    came, left = take_newest(channel=channel, assigned=assigned, now=now)
    text = f"took version {assigned.list.version} of {list.name} into {channel.name}, after {before}: "
    text += counted(came, "more contact") + (f", {left:,} fewer" if left else "")
    record_activity(campaign=channel.campaign, channel=channel, actor=actor, verb="take_newest", text=text)
    return came, left
