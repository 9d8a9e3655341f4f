"""Which channels a campaign has: adding one, renaming it, taking one away that never did anything."""

from __future__ import annotations

from django.db import models, transaction
from django.db.models import F

from accounts.models import User
from campaigns.lifecycles import ChannelStatus
from campaigns.models import (
    Campaign,
    Channel,
    ChannelDrive,
    ChannelKind,
    ChannelList,
    ReattemptRule,
    Schedule,
    VoiceSettings,
)
from campaigns.refusals import Refused
from campaigns.services.activity import record_activity
from campaigns.services.channels import ARCHIVED, derive_status, lock_campaign, lock_channel
from campaigns.services.lists import kept

MOST_CHANNELS = 50
NAME_LENGTH: int = Channel._meta.get_field("name").max_length or 0


def make_channel(
    *,
    campaign: Campaign,
    name: str,
    kind: str = ChannelKind.AI_VOICE,
    like: Channel | None = None,
    with_lists: bool = False,
) -> Channel:
    """A ready channel in a campaign, of one's own settings or with those of another; no start time.

    To be called in the transaction of the deed that needs it. Raises ``Refused`` when one of the lists was
    deleted meanwhile.
    """
    channel = Channel.objects.create(campaign=campaign, kind=like.kind if like else kind, name=name)
    _copy_row(like.voice if like else None, VoiceSettings, channel)
    _copy_row(like.schedule if like else None, Schedule, channel)
    ChannelDrive.objects.create(channel=channel)
    if like:
        ReattemptRule.objects.bulk_create(
            ReattemptRule(
                channel=channel,
                outcome=rule.outcome,
                delay_minutes=rule.delay_minutes,
                max_times=rule.max_times,
            )
            for rule in like.reattempt_rules.all()
        )
    if like and with_lists:
        ChannelList.objects.bulk_create(
            ChannelList(channel=channel, list_id=assigned.list_id)
            for assigned in kept(like.channel_lists.all())
        )
    return channel


def _copy_row(like: models.Model | None, model: type[models.Model], channel: Channel) -> None:
    """A row of ``model`` beside ``channel``, with the values of another channel's row."""
    values = {
        field.attname: getattr(like, field.attname)
        for field in (model._meta.concrete_fields if like else ())
        if not field.primary_key
    }
    model._default_manager.create(channel=channel, **values)


@transaction.atomic
def add_channel(
    *,
    campaign: Campaign,
    actor: User | None,
    name: str,
    like: Channel | None = None,
    with_lists: bool = False,
) -> Channel:
    """Add a ready channel, which is started on its own.

    ``like`` is another channel, of this campaign or another one, whose settings, schedule and rules it
    begins with, and ``with_lists`` its lists too. Raises ``Refused`` for a name that is taken, and for
    archived campaigns.
    """
    campaign = _lock(campaign)
    names = list(campaign.channels.values_list("name", flat=True))
    if len(names) >= MOST_CHANNELS:
        raise Refused(f"A campaign holds at most {MOST_CHANNELS} channels. Make another campaign.")
    _refuse_taken(name, names)
    channel = make_channel(campaign=campaign, name=name, like=like, with_lists=with_lists)
    # A campaign that was worked through is no longer.
    derive_status(campaign)
    copied = f", like {like.name}" if like else ""
    if like and like.campaign_id != campaign.pk:
        copied += f" of {like.campaign.name}"
    record_activity(
        campaign=campaign, channel=channel, actor=actor, verb="add", text=f"added the channel {name}{copied}"
    )
    return channel


@transaction.atomic
def rename_channel(*, channel: Channel, actor: User | None, name: str) -> Channel:
    """Call a channel something else, at any time: its calls keep the name that they were made under."""
    channel = lock_channel(channel)
    _refuse_archived(channel.campaign)
    if channel.name == name:
        return channel
    others = Channel.objects.filter(campaign=channel.campaign_id).exclude(pk=channel.pk)
    _refuse_taken(name, list(others.values_list("name", flat=True)))
    before, channel.name = channel.name, name
    # What is read of a channel, its name too, is kept for a revision.
    Channel.objects.filter(pk=channel.pk).update(name=name, revision=F("revision") + 1)
    record_activity(
        campaign=channel.campaign,
        channel=channel,
        actor=actor,
        verb="rename",
        text=f"renamed {before} to {name}",
    )
    return channel


def delete_refusal(channel: Channel) -> str:
    """Why a channel can't be deleted; empty when it can."""
    if channel.campaign.is_archived:
        return ARCHIVED
    if channel.run:
        return (
            f"{channel.name} was started: its results stay with the campaign. "
            + ("" if channel.is_finished else "Stop it instead, or ")
            + ("Archive" if channel.is_finished else "archive")
            + " the campaign."
        )
    if channel.status == ChannelStatus.SCHEDULED:
        return f"{channel.name} is scheduled: cancel its schedule first."
    if not Channel.objects.filter(campaign=channel.campaign_id).exclude(pk=channel.pk).exists():
        return f"{channel.name} is the campaign’s only channel: delete the campaign instead."
    return ""


@transaction.atomic
def delete_channel(*, channel: Channel, actor: User | None) -> None:
    """Take away a channel that was never started. One that was can be stopped: its results stay."""
    channel = lock_channel(channel)
    if refusal := delete_refusal(channel):
        raise Refused(refusal)
    record_activity(
        campaign=channel.campaign,
        channel=channel,
        actor=actor,
        verb="delete",
        text=f"deleted the channel {channel.name}, which was never started",
    )
    campaign = channel.campaign
    channel.delete()
    derive_status(campaign)


def free_name(campaign: Campaign, base: str = "Voice") -> str:
    """A name that no channel of the campaign has yet: Voice 2."""
    taken = {name.casefold() for name in campaign.channels.values_list("name", flat=True)}
    names = (base if n == 1 else f"{base} {n}" for n in range(1, len(taken) + 2))
    return next(name for name in names if name.casefold() not in taken)


def _lock(campaign: Campaign) -> Campaign:
    campaign = lock_campaign(campaign.pk)
    _refuse_archived(campaign)
    return campaign


def _refuse_archived(campaign: Campaign) -> None:
    if campaign.is_archived:
        raise Refused(ARCHIVED)


def _refuse_taken(name: str, names: list[str]) -> None:
    """Also for a name that differs in its case only: people would mix them up."""
    if name.casefold() in {taken.casefold() for taken in names}:
        raise Refused(f"This campaign has a channel called {name} already.")
