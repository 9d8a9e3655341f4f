"""``manage.py campaigns VERB …``: campaigns from a shell, for cron and scripts.

Exit status 0: done. 1: refused, with the dashboard's own words on stderr. 2: asked wrongly (no such
campaign or channel, several of that name, a time that can't be read); of that campaign, nothing was done.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import User
from campaigns import services
from campaigns.forms.schedule import to_instant, zone_of
from campaigns.lifecycles import CHANNEL, CampaignStatus, ChannelStatus
from campaigns.models import Campaign, Channel
from campaigns.queries import campaign_counts, channel_counts
from campaigns.refusals import Refused
from campaigns.services import done_by_way_of
from campaigns.waiting import channel_waits_for

DONE, REFUSED, ASKED_WRONGLY = 0, 1, 2
STATUSES = (*CampaignStatus.values, "archived")
NAMED = "a campaign's id, or its name (in any case)"


class AskedWronglyError(Exception):
    """What was asked for does not exist, or could be several things."""


@dataclass(frozen=True)
class Line:
    """What came of one campaign, or one channel of it, as ``--json`` prints it."""

    campaign: int | None
    name: str
    channel: str
    done: str = ""
    refused: str = ""
    mend_at: str = ""
    wrong: str = ""

    @property
    def words(self) -> str:
        subject = f"{self.name}, {self.channel}" if self.channel else self.name
        mend = f" Mend it at {self.mend_at}" if self.mend_at else ""
        return f"{subject}: {self.done or self.refused or self.wrong}{mend}"


@dataclass(frozen=True)
class Verb:
    """``move`` is the lifecycle's: the channels that may make it are those that it is about."""

    move: str
    done: str
    service: Callable[..., Any]
    # Start always names a channel; a pause is for all that run.
    is_for_all: bool = True


CHANNEL_VERBS = {
    "start": Verb("start", "started", services.start_channel, is_for_all=False),
    "pause": Verb("pause", "paused; calls in progress finish", services.pause_channel),
    "resume": Verb("resume", "goes on", services.resume_channel),
    "stop": Verb("stop", "stopped for good", services.stop_channel),
    "unschedule": Verb("unschedule", "ready again; its schedule was cancelled", services.unschedule_channel),
    "rerun": Verb("rerun", "runs again", services.rerun_channel, is_for_all=False),
}
CAMPAIGN_VERBS: dict[str, tuple[str, Callable[..., Any]]] = {
    "archive": ("archived", services.archive_campaign),
    "restore": ("restored from the archive", services.restore_campaign),
}
HELP = {
    "list": "campaigns, what they are doing, and how far they are",
    "status": "one or several campaigns, channel by channel",
    "start": "start a channel; with --at, at that time",
    "pause": "pause what runs: calls in progress finish",
    "resume": "go on with what is paused",
    "stop": "stop for good what runs, is paused or scheduled; asks, or takes --yes",
    "unschedule": "cancel the scheduled start",
    "rerun": "go through all contacts of a completed channel once more",
    "archive": "put campaigns away; what runs is paused first",
    "restore": "bring campaigns back from the archive, paused as they were put away",
}


class Command(BaseCommand):
    help = "Campaigns from a shell. Exit status 0: done, 1: refused, 2: asked wrongly."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for name, words in HELP.items():
            self._add_verb(verbs.add_parser(name, help=words, description=words), name)

    def _add_verb(self, verb: argparse.ArgumentParser, name: str) -> None:
        verb.add_argument("--json", action="store_true", help="print JSON")
        if name == "list":
            verb.add_argument("--status", choices=STATUSES, help="only those (default: all but the archived)")
            return
        verb.add_argument("campaigns", nargs="+", metavar="CAMPAIGN", help=NAMED)
        if name == "status":
            return
        verb.add_argument("--as", dest="person", metavar="USER", help="who is written down as having done it")
        if name in CHANNEL_VERBS:
            verb.add_argument("--channel", metavar="NAME", help="only this channel of it")
        if name == "start":
            when = verb.add_mutually_exclusive_group()
            when.add_argument(
                "--at",
                metavar="TIME",
                help='start then: "2026-12-01 09:00" in the schedule\'s time zone, or with an offset',
            )
            when.add_argument("--now", action="store_true", help="at once, whatever start time was set")
        if name == "stop":
            verb.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        verb = options["verb"]
        if verb in {"list", "status"}:
            return self._show(verb)
        with done_by_way_of(_way()):
            lines = self._do(verb, self._person(), timezone.now())
        for line in lines:
            if not (options["json"] and line.done):
                (self.stdout if line.done else self.stderr).write(line.words, lambda text: text)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(line) for line in lines], indent=2))
        if any(line.wrong for line in lines):
            sys.exit(ASKED_WRONGLY)
        if any(line.refused for line in lines):
            sys.exit(REFUSED)

    def _person(self) -> User | None:
        name = self.options["person"]
        if name is None:
            return None
        person = User.objects.filter(username=name, is_active=True).first()
        if person is None:
            raise CommandError(f"There is no active person {name!r}.", returncode=ASKED_WRONGLY)
        if not (person.may_edit or person.is_staff):
            raise CommandError(
                f"{name} may not do that. Role: {person.get_role_display()}.", returncode=ASKED_WRONGLY
            )
        return person

    # --- Doing -------------------------------------------------------------------------------------

    def _do(self, verb: str, actor: User | None, now: datetime) -> list[Line]:
        lines: list[Line] = []
        for named in self.options["campaigns"]:
            campaign: Campaign | None = None
            try:
                campaign = find_campaign(named)
                if verb in CAMPAIGN_VERBS:
                    done, service = CAMPAIGN_VERBS[verb]
                    service(campaign=campaign, actor=actor)
                    lines.append(Line(campaign.pk, campaign.name, "", done))
                else:
                    lines += self._move(verb, campaign, actor, now)
            except AskedWronglyError as wrong:
                lines.append(_failed(campaign, named, wrong=str(wrong)))
            except Refused as refused:
                lines.append(_refused(campaign, named, "", refused))
        return lines

    def _move(self, verb: str, campaign: Campaign, actor: User | None, now: datetime) -> list[Line]:
        """Move the channels of a campaign that the verb is about, each for itself."""
        channels = self._channels(verb, campaign)
        if verb == "stop" and not self.options["yes"]:
            self._ask(channels)
        lines = []
        for channel in channels:
            try:
                done = self._moved(verb, channel, actor, now)
            except Refused as refused:
                lines.append(_refused(campaign, campaign.name, channel.name, refused))
            else:
                lines.append(Line(campaign.pk, campaign.name, channel.name, done))
        return lines

    def _moved(self, verb: str, channel: Channel, actor: User | None, now: datetime) -> str:
        """Make the move; return what was done, in words."""
        known = CHANNEL_VERBS[verb]
        service = known.service
        if verb == "start":
            if self.options["at"]:
                start_at = read_time(self.options["at"], channel)
                services.schedule_channel(channel=channel, actor=actor, start_at=start_at, now=now)
                channel.refresh_from_db()
                return f"scheduled; {channel_waits_for(channel, now)}"
            if self.options["now"]:
                service = services.start_now
        moved = service(channel=channel, actor=actor, now=now)
        if moved.status == ChannelStatus.SCHEDULED:
            return f"scheduled; {channel_waits_for(moved, now)}"
        return known.done

    def _channels(self, verb: str, campaign: Campaign) -> list[Channel]:
        """Those that can make the move. The one that is named comes whatever it can: its refusal says why."""
        known = CHANNEL_VERBS[verb]
        channels = list(campaign.channels.select_related("campaign", "schedule", "drive"))
        names = ", ".join(channel.name for channel in channels)
        if named := self.options["channel"]:
            found = [channel for channel in channels if channel.name.casefold() == named.casefold()]
            if not found:
                raise AskedWronglyError(f"There is no channel {named!r}. Its channels: {names or 'none'}.")
            return found
        able = [channel for channel in channels if channel.status in CHANNEL[known.move].sources]
        if not able and len(channels) == 1:
            return channels
        if not able:
            statuses = ", ".join(f"{each.name} is {each.get_status_display().lower()}" for each in channels)
            raise Refused(f"{CHANNEL[known.move].label} is not possible: {statuses or 'it has no channel'}.")
        if len(able) > 1 and not known.is_for_all:
            names = ", ".join(channel.name for channel in able)
            raise AskedWronglyError(f"It has several channels. Name one with --channel: {names}.")
        return able

    def _ask(self, channels: list[Channel]) -> None:
        """Show what is left undone, and wait for a yes."""
        if not sys.stdin.isatty():
            raise AskedWronglyError("Stopping is for good: add --yes, or pause it instead.")
        counts = channel_counts(channels)
        for channel in channels:
            waiting, calling = counts[channel.pk].pending, counts[channel.pk].in_progress
            self.stdout.write(
                f"{channel.campaign.name}, {channel.name}: {waiting:,} still waiting won’t be called; "
                f"{calling:,} in progress will finish. A stopped channel can’t be started again."
            )
        self.stdout.write("Stop for good? Type yes: ", ending="")
        self.stdout.flush()
        if sys.stdin.readline().strip().lower() != "yes":
            raise Refused("Nothing was stopped.")

    # --- Showing -----------------------------------------------------------------------------------

    def _show(self, verb: str) -> None:
        if verb == "list":
            status = self.options["status"]
            found = Campaign.objects.filter(archived_at__isnull=status != "archived")
            if status and status != "archived":
                found = found.filter(status=status)
            campaigns = list(found.order_by("-created_at", "-id"))
        else:
            try:
                campaigns = [find_campaign(named) for named in self.options["campaigns"]]
            except AskedWronglyError as wrong:
                raise CommandError(str(wrong), returncode=ASKED_WRONGLY) from None
        pictures = pictures_of(campaigns, timezone.now())
        if self.options["json"]:
            self.stdout.write(json.dumps(pictures, indent=2))
            return
        for picture in pictures:
            self.stdout.write(_in_words(picture) if verb == "status" else _in_a_line(picture))


def find_campaign(named: str) -> Campaign:
    """By id, or else by name. Raises ``AskedWronglyError`` when it is none, or several."""
    if named.isascii() and named.isdigit() and len(named) < 19:
        campaign = Campaign.objects.filter(pk=int(named)).first()
        if campaign is not None:
            return campaign
    found = [] if "\x00" in named else list(Campaign.objects.filter(name__iexact=named).order_by("id")[:20])
    if not found:
        raise AskedWronglyError(f"There is no campaign {named!r}.")
    if len(found) > 1:
        ids = ", ".join(str(campaign.pk) for campaign in found)
        raise AskedWronglyError(f"Several campaigns are called that. Give an id: {ids}.")
    return found[0]


def read_time(written: str, channel: Channel) -> datetime:
    """A moment: with an offset as it says, else by the clocks of the schedule's zone."""
    try:
        moment = parse_datetime(written.strip())
    except ValueError:
        moment = None
    if moment is None:
        raise AskedWronglyError(f'{written!r} is not a time. Write it like "2026-12-01 09:00".')
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    try:
        return to_instant(moment, zone_of(channel.schedule.time_zone))
    except ValidationError as error:
        raise AskedWronglyError(" ".join(error.messages)) from None


def pictures_of(campaigns: list[Campaign], now: datetime) -> list[dict[str, Any]]:
    """Campaigns with their channels and counts, as ``--json`` prints them."""
    counts = campaign_counts([campaign.pk for campaign in campaigns])
    channels: dict[int, list[Channel]] = {campaign.pk: [] for campaign in campaigns}
    for channel in Channel.objects.filter(campaign__in=campaigns).select_related("schedule", "drive"):
        channels[channel.campaign_id].append(channel)
    by_channel = channel_counts([channel for each in channels.values() for channel in each])
    return [
        {
            "id": campaign.pk,
            "name": campaign.name,
            "status": "archived" if campaign.is_archived else campaign.status,
            **_counted(counts[campaign.pk]),
            "channels": [
                {
                    "name": channel.name,
                    "kind": channel.kind,
                    "status": channel.status,
                    "run": channel.run,
                    "start_at": channel.start_at.isoformat() if channel.start_at else None,
                    "waits_for": channel_waits_for(channel, now),
                    "paused_because": channel.pause_note,
                    **_counted(by_channel[channel.pk]),
                }
                for channel in channels[campaign.pk]
            ],
        }
        for campaign in campaigns
    ]


def _counted(counts: Any) -> dict[str, int]:
    return {
        "contacts": counts.total,
        "dialed": counts.dialed,
        "completed": counts.completed,
        "failed": counts.failed,
        "waiting": counts.pending,
        "in_progress": counts.in_progress,
    }


def _in_a_line(picture: dict[str, Any]) -> str:
    dialed = f"{picture['dialed']:,} of {picture['contacts']:,} dialed"
    return f"{picture['id']:>6}  {picture['status']:<10} {dialed:<28} {_one_line(picture['name'])}"


def _in_words(picture: dict[str, Any]) -> str:
    lines = [f"{picture['name']} ({picture['id']}): {picture['status']}"]
    for channel in picture["channels"]:
        why = channel["waits_for"] or channel["paused_because"]
        lines.append(
            f"  {channel['name']}: {channel['status']}{f' ({why})' if why else ''}. "
            f"{channel['contacts']:,} contacts: {channel['completed']:,} completed, "
            f"{channel['failed']:,} failed, {channel['waiting']:,} waiting, "
            f"{channel['in_progress']:,} in progress"
        )
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _way() -> str:
    """How the activity tells of it. Who has the shell is known to the system, not to Carillon."""
    try:
        return f"from the command line ({getpass.getuser()[:40]})"
    except (KeyError, OSError):
        return "from the command line"


def _failed(campaign: Campaign | None, named: str, **why: str) -> Line:
    return Line(campaign.pk if campaign else None, campaign.name if campaign else named, "", **why)


def _refused(campaign: Campaign | None, named: str, channel: str, refused: Refused) -> Line:
    url = refused.refusal.remedy_url
    return Line(
        campaign.pk if campaign else None,
        campaign.name if campaign else named,
        channel,
        refused=str(refused),
        mend_at=f"{settings.PUBLIC_URL}{url}" if url else "",
    )
