"""Remarketing: another channel, for exactly those contacts whom some results are about."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from campaigns.models import Campaign, CampaignExclusion, Channel, ChannelList
from campaigns.planning import planned_for
from campaigns.refusals import Refused
from campaigns.services.activity import record_activity
from campaigns.services.composition import add_channel, make_channel
from campaigns.services.lists import kept
from contacts.models import Contact, List
from contacts.refusals import Refused as ContactsRefused
from contacts.services import add_to_list, create_list

_LIST_NAME: int = List._meta.get_field("name").max_length or 0
_NOTE = 200


@dataclass(frozen=True)
class Made:
    """A channel made for contacts, with their list. ``is_new``: by this press and no earlier one."""

    channel: Channel
    list: List
    is_new: bool = True


@transaction.atomic
def make_channel_from(
    *,
    contacts: QuerySet[Contact],
    what: str,
    in_full: str = "",
    source: str,
    source_campaign: Campaign | None,
    campaign: Campaign | None = None,
    new_campaign: str = "",
    name: str,
    like: Channel | None = None,
    page: str,
    about: int = 0,
    actor: User,
) -> Made:
    """A ready channel for some contacts. As they are at this moment they become a new list, its only one.

    ``what`` says who they are, "voicemail or no answer", ``in_full`` also who was left out, and ``source``
    whose results that is of, "Autumn leads": the list is called so, and its version tells of it. The channel
    is one of ``campaign``, or of a new one called ``new_campaign``, with the settings of ``like``, whatever
    campaign that is of. ``page`` is the key of the page that asks: pressed twice, it gets what the first
    press made. ``about`` is how many they are expected to be, for planning.

    Raises ``Refused`` when nobody is left, for an archived campaign, and for a channel's name that is taken.
    """
    if made := _made_already(page, actor):
        return made
    # The list first, which takes a while for a million: nobody waits for the campaign meanwhile.
    chosen = _list_of(contacts, what, in_full, source, about, actor)
    if campaign is None:
        channel = _in_new_campaign(new_campaign, name, like, source_campaign, actor)
    else:
        channel = add_channel(campaign=campaign, actor=actor, name=name, like=like)
    ChannelList.objects.create(channel=channel, list=chosen)
    Channel.objects.filter(pk=channel.pk).update(edited_from=f"{page}:0")
    _tell(channel, chosen, source, source_campaign, actor)
    return Made(channel, chosen)


def _made_already(page: str, actor: User) -> Made | None:
    """What the same page made by an earlier press. Of two at once, the second waits here for the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [page])
    assigned = (
        ChannelList.objects.select_related("channel__campaign", "list")
        .filter(channel__edited_from__startswith=f"{page}:", list__created_by=actor)
        .order_by("pk")
        .first()
    )
    return Made(assigned.channel, assigned.list, is_new=False) if assigned else None


def _in_new_campaign(
    campaign_name: str, name: str, like: Channel | None, source: Campaign | None, actor: User
) -> Channel:
    """The only channel of a draft, which leaves those alone whom the source does."""
    campaign = Campaign.objects.create(name=campaign_name, created_by=actor)
    CampaignExclusion.objects.bulk_create(
        CampaignExclusion(campaign=campaign, list_id=exclusion.list_id)
        for exclusion in (kept(source.campaign_exclusions.all()) if source else ())
    )
    record_activity(campaign=campaign, actor=actor, verb="create", text="created the campaign")
    return make_channel(campaign=campaign, name=name, like=like)


def _list_of(
    contacts: QuerySet[Contact], what: str, in_full: str, source: str, about: int, actor: User
) -> List:
    """A list of them with a name that is free: "Autumn leads: voicemail or no answer, 22 Nov".

    The next one of that day has the time, too: "…, 22 Nov 14:05".
    """
    now = timezone.localtime()
    day, minute = f", {now.day} {now:%b}", f", {now.day} {now:%b %H:%M}"
    made = None
    for ending in (day, minute, *(f"{minute} ({number})" for number in range(2, 100))):
        try:
            made = create_list(name=_fitting(f"{source}: {what}", ending), actor=actor)
            break
        except ContactsRefused:
            continue
    if made is None:
        raise Refused("There are too many lists of this name from today. Rename or delete some.")
    note = f"From the results of {source}: {in_full or what}"
    with planned_for(about):
        added = add_to_list(list=made, contacts=contacts, note=_fitting(note, "", _NOTE), actor=actor)
    if not added:
        raise Refused("Nobody is left: the contacts have changed since you looked.")
    return made


def _fitting(text: str, ending: str, length: int = _LIST_NAME) -> str:
    """The text, shortened where need be, and its ending."""
    room = length - len(ending)
    return (text if len(text) <= room else f"{text[: room - 1].rstrip()}…") + ending


def _tell(channel: Channel, chosen: List, source: str, source_campaign: Campaign | None, actor: User) -> None:
    people = "1 contact" if chosen.size == 1 else f"{chosen.size:,} contacts"
    record_activity(
        campaign=channel.campaign,
        channel=channel,
        actor=actor,
        verb="remarket",
        text=f"made {channel.name} for {people} from the results of {source}: list {chosen.name}",
    )
    if source_campaign is not None and source_campaign != channel.campaign:
        record_activity(
            campaign=source_campaign,
            actor=actor,
            verb="remarket",
            text=f"made the channel {channel.name} of {channel.campaign.name} from {people} of the results",
        )
