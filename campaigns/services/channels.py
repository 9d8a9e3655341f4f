"""The moves of a channel: who starts, pauses, resumes and stops it, and what goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from campaigns.changes import why_fixed
from campaigns.hours import zone_named
from campaigns.lifecycles import CHANNEL, ChannelStatus, derive_campaign_status
from campaigns.models import (
    AnnouncementSource,
    AssistantPool,
    Campaign,
    Channel,
    ChannelDrive,
    ChannelKind,
    PauseReason,
    TalkTo,
    VoiceDestination,
    VoiceSettings,
)
from campaigns.queries import channel_counts
from campaigns.refusals import Refusal, Refused
from campaigns.rulebook import load_rulebook
from campaigns.services.activity import record_activity
from campaigns.services.enrolling import enroll_lists, next_run, pin_lists
from lifecycle import MoveRefused

ARCHIVED = "The campaign is archived. Support staff can restore it in the admin."
# A scheduled start that is later than this says so.
LATE = timedelta(minutes=1)

# Every move locks the campaign first, then the drive, then the channel: so a campaign's status is
# derived from what its channels are, and no two moves, nor a move and a claim, wait in a circle.


def lock_campaign(campaign_id: int) -> Campaign:
    """The campaign, fresh and locked until the transaction ends: none of its channels moves meanwhile.

    Raises ``Refused`` when somebody deleted it.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).filter(pk=campaign_id).first()
    if campaign is None:
        raise Refused(
            "This campaign is gone: somebody deleted it.", reverse("campaigns:manager"), "Campaigns"
        )
    return campaign


def lock_channel(channel: Channel) -> Channel:
    """The channel, fresh and locked until the transaction ends: nothing starts or moves it meanwhile.

    Raises ``Refused`` when somebody deleted it.
    """
    campaign = lock_campaign(channel.campaign_id)
    ChannelDrive.objects.select_for_update(no_key=True).filter(channel=channel.pk).first()
    # The claim shares this row, so that nothing starts once a move has been made.
    locked = Channel.objects.select_for_update(no_key=True).filter(pk=channel.pk).first()
    if locked is None:
        raise Refused(
            "This channel is gone: somebody deleted it.", campaign.get_absolute_url(), "The campaign"
        )
    locked.campaign = campaign
    return locked


def _move(channel: Channel, move: str, **changes: Any) -> None:
    try:
        CHANNEL.apply_to(channel, move, **changes)
    except MoveRefused as refused:
        raise _not_possible(move, refused.found) from refused
    derive_status(channel.campaign)


def derive_status(campaign: Campaign) -> None:
    """Make a campaign's status what its channels' say, in the transaction that moved or added one."""
    statuses = Channel.objects.filter(campaign=campaign.pk).values_list("status", flat=True)
    status = derive_campaign_status(statuses)
    Campaign.objects.filter(pk=campaign.pk).update(status=status, updated_at=timezone.now())
    campaign.status = status


# What a channel is that can't make a move, and what can be done instead.
_INSTEAD = {
    ChannelStatus.READY: "It was not started yet.",
    ChannelStatus.SCHEDULED: "Start it now, or cancel its schedule.",
    ChannelStatus.RUNNING: "Pause it first.",
    ChannelStatus.PAUSED: "Resume it to go on.",
    ChannelStatus.STOPPED: "That is for good: duplicate the campaign to begin again.",
    ChannelStatus.COMPLETED: "Re-run it to call everybody once more.",
}


def _not_possible(move: str, status: str | None) -> Refused:
    refusal = str(CHANNEL.refusal(CHANNEL[move], status))
    if status is None:
        return Refused(refusal)
    if status == CHANNEL[move].target:
        return Refused(f"{refusal.removesuffix('.')} already.")
    return Refused(f"{refusal} {_INSTEAD[ChannelStatus(status)]}")


def _record(channel: Channel, actor: User | None, verb: str, text: str) -> None:
    record_activity(campaign=channel.campaign, channel=channel, actor=actor, verb=verb, text=text)


def _edit_url(channel: Channel, tab: str = "") -> str:
    url = reverse("campaigns:channel_edit", args=[channel.campaign_id, channel.pk])
    return f"{url}#{tab}" if tab else url


def start_refusals(channel: Channel, now: datetime | None = None) -> list[Refusal]:
    """Why the channel can't start, each with where to mend it; empty when it can."""
    now = now or timezone.now()
    refusals = []
    if channel.campaign.is_archived:
        refusals.append(Refusal(ARCHIVED))
    refusals += [Refusal(f"{problem}", _edit_url(channel, "basic"), "Edit") for problem in _missing(channel)]
    lists = reverse("campaigns:lists", args=[channel.campaign_id])
    sizes = list(channel.lists.values_list("size", flat=True))
    if not sizes:
        refusals.append(Refusal("No list is assigned.", lists, "Assign a list"))
    elif not any(sizes):
        refusals.append(Refusal("The assigned lists are empty.", lists, "Assign another list"))
    rulebook = load_rulebook(channel.pk)
    start = max(now, channel.start_at) if channel.start_at else now
    if rulebook.opens_at(start) is None:
        last = rulebook.hours.end_date
        reason = (
            f"The last day, {last:%b} {last.day}, has passed."
            if last and last < now.date()
            else ("The schedule never opens: no hour of the week is open on the days it may dial.")
        )
        refusals.append(Refusal(reason, _edit_url(channel, "schedule"), "Change the schedule"))
    return refusals


def _missing(channel: Channel) -> list[str]:
    """What a voice channel's settings lack, or what of them can't do its part."""
    if channel.kind != ChannelKind.AI_VOICE:
        return []
    voice = channel.voice
    problems = []
    if voice.caller_id is None:
        problems.append("No caller ID is chosen.")
    elif not voice.caller_id.is_active:
        problems.append(f"The caller ID {voice.caller_id} is not active.")
    is_announced = voice.destination == VoiceDestination.ANNOUNCEMENT
    if is_announced:
        problems += _missing_from_announcement(voice)
    is_talked_to = bool(voice.talk_key) and voice.talk_to == TalkTo.ASSISTANT
    if voice.destination == VoiceDestination.ASSISTANT or (is_announced and is_talked_to):
        if voice.assistant is None:
            problems.append("No assistant is chosen.")
        elif not voice.assistant.is_active:
            problems.append(f"The assistant {voice.assistant} is not active.")
    asks_pool = bool(voice.talk_key) and voice.talk_to == TalkTo.POOL
    if voice.destination == VoiceDestination.POOL or (is_announced and asks_pool):
        problems += _missing_from_pool(voice.pool)
    return problems


def _missing_from_pool(pool: AssistantPool | None) -> list[str]:
    if pool is None:
        return ["No pool is chosen."]
    if not pool.is_active:
        return [f"The pool {pool} is not active."]
    if not pool.members.filter(assistant__is_active=True).exists():
        return [f"The pool {pool} has no active assistant."]
    return []


def _missing_from_announcement(voice: VoiceSettings) -> list[str]:
    problems = []
    if voice.announcement_source == AnnouncementSource.TEXT and not voice.announcement_text.strip():
        problems.append("The announcement has no text.")
    if voice.announcement_source == AnnouncementSource.RECORDING and not voice.announcement_url:
        problems.append("The announcement has no recording.")
    if voice.talk_key and voice.talk_to == TalkTo.NUMBER and not voice.talk_number:
        problems.append(f"No phone number is given for people who press {voice.talk_key}.")
    return problems


def _counted(contacts: int) -> str:
    return "1 contact" if contacts == 1 else f"{contacts:,} contacts"


def _refuse(refusals: Sequence[Refusal]) -> None:
    if refusals:
        raise Refused.because(refusals[0])


def _launch(channel: Channel, move: str, now: datetime) -> int:
    """Begin a new run: lists pinned, contacts enrolled, running. Returns how many contacts it has."""
    if move == "rerun":
        # A re-run goes through the original lists, as they were pinned.
        channel.channel_lists.filter(version=None).delete()
    pin_lists(channel=channel)
    next_run(channel=channel)
    ChannelDrive.objects.update_or_create(channel=channel, defaults={"trusted_since": now})
    _move(channel, move, started_at=now, finished_at=None)
    return enroll_lists(channel=channel, now=now)


@transaction.atomic
def start_channel(*, channel: Channel, actor: User | None, now: datetime | None = None) -> Channel:
    """Ready → Running; or Scheduled, when it has a later start time. Scheduled → Running.

    Raises ``Refused`` when something is missing, the schedule never opens, or there is nobody to call.
    """
    now = now or timezone.now()
    channel = lock_channel(channel)
    if channel.status not in CHANNEL["start"].sources:
        raise _not_possible("start", channel.status)
    _refuse(start_refusals(channel, now))
    if channel.status == ChannelStatus.READY and channel.start_at and channel.start_at > now:
        _move(channel, "schedule")
        _record(channel, actor, "schedule", f"scheduled {channel.name}")
        return channel
    _start(channel, actor, now)
    return channel


def _start(channel: Channel, actor: User | None, now: datetime, note: str = "") -> None:
    contacts = _launch(channel, "start", now)
    _record(channel, actor, "start", f"started {channel.name} with {_counted(contacts)}{note}")


@transaction.atomic
def start_now(*, channel: Channel, actor: User | None, now: datetime | None = None) -> Channel:
    """Start at once, whatever start time was set."""
    channel = lock_channel(channel)
    Channel.objects.filter(pk=channel.pk, status=ChannelStatus.READY).update(start_at=None)
    return start_channel(channel=channel, actor=actor, now=now)


@transaction.atomic
def schedule_channel(
    *, channel: Channel, actor: User | None, start_at: datetime, now: datetime | None = None
) -> Channel:
    """Ready → Scheduled, for this moment; of one that is scheduled, another moment.

    Raises ``Refused`` when that has passed, or the channel could not start then.
    """
    now = now or timezone.now()
    channel = lock_channel(channel)
    if channel.status == ChannelStatus.SCHEDULED:
        _move(channel, "unschedule")
    if channel.status not in CHANNEL["schedule"].sources:
        raise _not_possible("schedule", channel.status)
    if start_at <= now:
        raise Refused("This time has passed. Choose a later one, or start now.")
    Channel.objects.filter(pk=channel.pk).update(start_at=start_at, revision=F("revision") + 1)
    channel.start_at = start_at
    _refuse(start_refusals(channel, now))
    _move(channel, "schedule")
    local = start_at.astimezone(zone_named(channel.schedule.time_zone) or timezone.get_current_timezone())
    when = f"{local:%a} {local.day} {local:%b %Y, %H:%M %Z}"
    _record(channel, actor, "schedule", f"scheduled {channel.name} for {when}")
    return channel


@transaction.atomic
def unschedule_channel(*, channel: Channel, actor: User | None, now: datetime | None = None) -> Channel:
    """Scheduled → Ready."""
    channel = lock_channel(channel)
    _move(channel, "unschedule")
    _record(channel, actor, "unschedule", f"cancelled the schedule of {channel.name}")
    return channel


@transaction.atomic
def pause_channel(
    *,
    channel: Channel,
    actor: User | None,
    reason: PauseReason = PauseReason.PERSON,
    note: str = "",
    now: datetime | None = None,
) -> Channel:
    """Running → Paused: calls in progress finish, no new ones start once this has been committed."""
    channel = lock_channel(channel)
    _move(channel, "pause", pause_reason=reason, pause_note=note[:300])
    text = f"paused {channel.name}" + (f": {note}" if note else "")
    _record(channel, actor, "pause", text)
    return channel


@transaction.atomic
def resume_channel(*, channel: Channel, actor: User | None, now: datetime | None = None) -> Channel:
    """Paused → Running: goes on where it left off; who was reached is not contacted again."""
    now = now or timezone.now()
    channel = lock_channel(channel)
    if channel.status not in CHANNEL["resume"].sources:
        raise _not_possible("resume", channel.status)
    _refuse(start_refusals(channel, now))
    _move(channel, "resume", pause_reason="", pause_note="")
    ChannelDrive.objects.filter(channel=channel).update(trusted_since=now, waiting_for="", waiting_until=None)
    _record(channel, actor, "resume", f"resumed {channel.name}")
    return channel


@transaction.atomic
def stop_channel(*, channel: Channel, actor: User | None, now: datetime | None = None) -> Channel:
    """Running, Paused or Scheduled → Stopped, for good. What is waiting stays undone; results stay."""
    now = now or timezone.now()
    channel = lock_channel(channel)
    _move(channel, "stop", finished_at=now, pause_reason="", pause_note="")
    _record(channel, actor, "stop", f"stopped {channel.name} for good")
    return channel


@transaction.atomic
def complete_channel(*, channel: Channel, now: datetime | None = None) -> Channel:
    """Running → Completed, by the engine. Raises ``Refused`` while anybody is waiting or in progress."""
    now = now or timezone.now()
    channel = lock_channel(channel)
    counts = channel_counts([channel])[channel.pk]
    if counts.pending or counts.in_progress:
        raise Refused(
            f"{channel.name} is not worked through: {counts.pending + counts.in_progress:,} are left."
        )
    _move(channel, "complete", finished_at=now)
    ChannelDrive.objects.filter(channel=channel).update(waiting_for="", waiting_until=None)
    _record(channel, None, "complete", f"completed {channel.name}")
    return channel


@transaction.atomic
def reopen_channel(*, channel: Channel, why: str) -> Channel:
    """Completed → Running, by the engine: a contact waits again (a callback asked for at the end).

    Raises ``Refused`` where the campaign was archived: nothing of it runs.
    """
    channel = lock_channel(channel)
    if channel.campaign.is_archived:
        raise Refused(ARCHIVED)
    _move(channel, "reopen", finished_at=None)
    # What failed before is what it goes on for, often: no reason to pause it at once.
    ChannelDrive.objects.filter(channel=channel).update(trusted_since=timezone.now())
    _record(channel, None, "reopen", f"went on with {channel.name}: {why}")
    return channel


@transaction.atomic
def rerun_channel(*, channel: Channel, actor: User | None, now: datetime | None = None) -> Channel:
    """Completed → Running: all contacts of the original lists, as a new run; earlier results stay."""
    now = now or timezone.now()
    channel = lock_channel(channel)
    if channel.status not in CHANNEL["rerun"].sources:
        raise _not_possible("rerun", channel.status)
    _refuse(start_refusals(channel, now))
    contacts = _launch(channel, "rerun", now)
    _record(channel, actor, "rerun", f"ran {channel.name} again (run {channel.run}, {_counted(contacts)})")
    return channel


@transaction.atomic
def start_scheduled_channel(*, channel_id: int, now: datetime | None = None) -> bool:
    """Start a channel whose time has come, by the engine; False: it is another's already, or not due.

    What can't start any more is paused at once, with the reason on its card. Safe to run in several places
    at once.
    """
    now = now or timezone.now()
    campaigns = Campaign.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    # Somebody at the campaign may be another driver, which starts it, or a person, who is not waited for.
    if campaigns.filter(channels=channel_id).first() is None:
        return False
    due = Channel.objects.filter(pk=channel_id, status=ChannelStatus.SCHEDULED, start_at__lte=now)
    if (channel := due.first()) is None:
        return False
    channel = lock_channel(channel)
    try:
        _refuse(start_refusals(channel, now))
    except Refused as refused:
        _launch(channel, "start", now)
        pause_channel(channel=channel, actor=None, reason=PauseReason.SETTINGS, note=str(refused), now=now)
    else:
        _start(channel, None, now, note=_how_late(channel, now))
    return True


def _how_late(channel: Channel, now: datetime) -> str:
    late = now - channel.start_at if channel.start_at else LATE
    if late <= LATE:
        return ""
    minutes = int(late.total_seconds() // 60)
    hours, minutes = divmod(minutes, 60)
    words = f"{hours:,} h {minutes} min" if hours else f"{minutes} min"
    return f", {words} after its time"


@transaction.atomic
def save_channel_settings(*, channel: Channel, actor: User | None, changed: Sequence[str]) -> None:
    """Seal a change of the channel's settings: refused unless it may change now; written down.

    To be called in the transaction that saves them. ``changed`` names the fields, as people call them.
    """
    channel = lock_channel(channel)
    if channel.campaign.is_archived:
        raise Refused(ARCHIVED)
    if fixed := why_fixed(channel):
        raise Refused(fixed)
    if not changed:
        return
    Channel.objects.filter(pk=channel.pk).update(revision=F("revision") + 1)
    names = ", ".join(changed)
    _record(channel, actor, "edit", f"changed {names} of {channel.name}")
