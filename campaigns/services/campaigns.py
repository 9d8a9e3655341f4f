"""What may be done with a whole campaign."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from campaigns.lifecycles import ChannelStatus
from campaigns.models import Campaign, CampaignExclusion, Channel, Enrollment
from campaigns.models.campaign import Direction
from campaigns.refusals import Refused
from campaigns.services.activity import record_activity
from campaigns.services.channels import (
    lock_campaign,
    pause_channel,
    resume_channel,
    start_channel,
    unschedule_channel,
)
from campaigns.services.composition import make_channel
from campaigns.services.enrolling import remove_enrollments
from campaigns.services.lists import kept


@transaction.atomic
def create_campaign(
    *, actor: User | None, name: str, description: str = "", direction: str = Direction.OUTBOUND
) -> Campaign:
    """A draft with one AI-voice channel, ready to be filled in."""
    campaign = Campaign.objects.create(
        name=name, description=description, direction=direction, created_by=actor
    )
    make_channel(campaign=campaign, name="Voice")
    record_activity(campaign=campaign, actor=actor, verb="create", text="created the campaign")
    return campaign


def press_campaign(*, campaign: Campaign, actor: User, now: datetime | None = None) -> str:
    """The badge's one obvious thing: pause what runs, resume what is paused, or start the only channel.

    Returns the verb for what was done: "paused", "resumed", "started" or "scheduled".
    """
    statuses = list(campaign.channels.values_list("status", flat=True))
    if ChannelStatus.RUNNING in statuses:
        pause_campaign(campaign=campaign, actor=actor, now=now)
        return "paused"
    if ChannelStatus.PAUSED in statuses:
        resume_campaign(campaign=campaign, actor=actor, now=now)
        return "resumed"
    startable = list(
        campaign.channels.filter(status__in=[ChannelStatus.READY, ChannelStatus.SCHEDULED]).select_related(
            "campaign"
        )
    )
    if not startable:
        raise Refused(
            "Every channel of this campaign is finished. Re-run a completed one, or duplicate the campaign.",
            campaign.get_absolute_url(),
            "Open the campaign",
        )
    if len(startable) > 1:
        raise Refused(
            "This campaign has several channels: start the one you mean.",
            campaign.get_absolute_url(),
            "Open the campaign",
        )
    channel = start_channel(channel=startable[0], actor=actor, now=now)
    return "scheduled" if channel.status == ChannelStatus.SCHEDULED else "started"


@transaction.atomic
def pause_campaign(*, campaign: Campaign, actor: User | None, now: datetime | None = None) -> int:
    """Pause every channel that runs; return how many."""
    campaign = lock_campaign(campaign.pk)
    running = list(campaign.channels.filter(status=ChannelStatus.RUNNING))
    for channel in running:
        pause_channel(channel=channel, actor=actor, now=now)
    return len(running)


@transaction.atomic
def resume_campaign(*, campaign: Campaign, actor: User | None, now: datetime | None = None) -> int:
    """Resume every channel that is paused, or, when one can't go on, none; return how many."""
    campaign = lock_campaign(campaign.pk)
    paused = list(campaign.channels.filter(status=ChannelStatus.PAUSED))
    for channel in paused:
        resume_channel(channel=channel, actor=actor, now=now)
    return len(paused)


@transaction.atomic
def archive_campaign(*, campaign: Campaign, actor: User | None, now: datetime | None = None) -> None:
    """Put a campaign away, its data kept. An active one is paused first; a schedule is cancelled."""
    now = now or timezone.now()
    campaign = lock_campaign(campaign.pk)
    if campaign.is_archived:
        raise Refused("This campaign is archived already. It is found under Archived.")
    pause_campaign(campaign=campaign, actor=actor, now=now)
    for channel in campaign.channels.filter(status=ChannelStatus.SCHEDULED):
        unschedule_channel(channel=channel, actor=actor, now=now)
    Campaign.objects.filter(pk=campaign.pk).update(archived_at=now, updated_at=now)
    record_activity(campaign=campaign, actor=actor, verb="archive", text="archived the campaign")


@transaction.atomic
def restore_campaign(*, campaign: Campaign, actor: User | None) -> None:
    """Bring an archived campaign back, as paused as it was put away (support staff, in the admin)."""
    if not Campaign.objects.filter(pk=campaign.pk, archived_at__isnull=False).update(archived_at=None):
        raise Refused("This campaign is not archived.")
    record_activity(campaign=campaign, actor=actor, verb="restore", text="restored the campaign")


@transaction.atomic
def delete_campaign(*, campaign: Campaign, actor: User | None, name: str) -> None:
    """Remove a campaign, its channels and enrollments; its calls stay in the history under its name.

    ``name`` is what the person typed to confirm.
    """
    campaign = lock_campaign(campaign.pk)
    # Pages show one space where a name has several.
    if name.split() != campaign.name.split():
        raise Refused("The name does not match; nothing was deleted.")
    if campaign.channels.filter(status=ChannelStatus.RUNNING).exists():
        raise Refused(
            "This campaign is active; pause it first.", campaign.get_absolute_url(), "Open the campaign"
        )
    record_activity(campaign=campaign, actor=actor, verb="delete", text="deleted the campaign")
    _let_go(campaign)
    remove_enrollments(Enrollment.objects.filter(channel__campaign=campaign))
    campaign.delete()


def _let_go(campaign: Campaign) -> None:
    """What outlives a campaign, its calls above all, lets go of it, its channels and its enrollments.

    Django would do so in a statement for each of the three, each of which writes and counts all calls.
    """
    names: dict[type[models.Model], set[str]] = defaultdict(set)
    for model in (Campaign, Channel, Enrollment):
        for relation in model._meta.related_objects:
            if relation.on_delete is models.SET_NULL:
                names[relation.related_model].add(relation.field.name)
    for related, fields in names.items():
        if "campaign" in fields:
            related._base_manager.filter(campaign=campaign).update(**dict.fromkeys(fields))


@transaction.atomic
def duplicate_campaign(*, campaign: Campaign, actor: User | None) -> Campaign:
    """A draft with the same channels, settings, schedules, rules and lists, and lists that are left alone;
    no start time, no results."""
    campaign = lock_campaign(campaign.pk)
    copy = Campaign.objects.create(
        name=f"{campaign.name[:113]} (copy)",
        description=campaign.description,
        direction=campaign.direction,
        created_by=actor,
    )
    for channel in campaign.channels.select_related("voice", "schedule"):
        make_channel(campaign=copy, name=channel.name, like=channel, with_lists=True)
    CampaignExclusion.objects.bulk_create(
        CampaignExclusion(campaign=copy, list_id=exclusion.list_id)
        for exclusion in kept(campaign.campaign_exclusions.all())
    )
    record_activity(campaign=copy, actor=actor, verb="create", text=f"duplicated {campaign.name}")
    return copy
