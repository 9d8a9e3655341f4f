"""What may be asked of campaigns: counts by status and who is due last, in constant time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, QuerySet, Sum

from campaigns.lifecycles import DONE, IN_PROGRESS, WAITING, ChannelStatus, EnrollmentStatus
from campaigns.models import CampaignExclusion, Channel, Enrollment, EnrollmentCount
from campaigns.models.enrollment import ON_EXCLUSION_LIST
from contacts.models import Membership

# Who is due last is asked of so many callbacks, retries and fresh contacts each: their zones differ.
LAST_IN_TURN = 20


@dataclass(frozen=True)
class Counts:
    """How many contacts of one or several channels' current runs are where.

    The words are those of docs/guide.md, *What the numbers mean*; whoever counts contacts asks here.
    """

    by_status: dict[str, int] = field(default_factory=dict)
    # With at least one attempt, whatever became of them since.
    dialed: int = 0
    # With a completed attempt, by the status they have now.
    reached_by_status: dict[str, int] = field(default_factory=dict)

    def _sum(self, statuses: Iterable[str]) -> int:
        return sum(self.by_status.get(status, 0) for status in statuses)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            _added(self.by_status, other.by_status),
            self.dialed + other.dialed,
            _added(self.reached_by_status, other.reached_by_status),
        )

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    @property
    def reached(self) -> int:
        """Somebody was spoken to in this run; they may be waiting again, for a callback say."""
        return sum(self.reached_by_status.values())

    @property
    def completed(self) -> int:
        """Done, and somebody was reached."""
        return sum(self.reached_by_status.get(status, 0) for status in DONE)

    @property
    def failed(self) -> int:
        """Done, and nobody was reached."""
        return self._sum(DONE) - self.completed

    @property
    def failed_by_status(self) -> dict[str, int]:
        """What failed consists of, the most frequent first."""
        found = {
            status: self.by_status.get(status, 0) - self.reached_by_status.get(status, 0) for status in DONE
        }
        return dict(sorted(((s, n) for s, n in found.items() if n), key=lambda one: (-one[1], one[0])))

    @property
    def pending(self) -> int:
        """Waiting for their turn, a retry or a callback."""
        return self._sum(WAITING)

    @property
    def in_progress(self) -> int:
        return self._sum(IN_PROGRESS)

    @property
    def retrying(self) -> int:
        return self.by_status.get(EnrollmentStatus.RETRY, 0)

    @property
    def callbacks(self) -> int:
        return self.by_status.get(EnrollmentStatus.CALLBACK, 0)

    @property
    def connected(self) -> int:
        return self.by_status.get(EnrollmentStatus.CONNECTED, 0)

    @property
    def progress(self) -> int:
        """Per cent of the contacts that are done; 100 only when all of them are."""
        return self._percent(self._sum(DONE))

    @property
    def reached_percent(self) -> int:
        return self._percent(self.reached)

    def _percent(self, part: int) -> int:
        return part * 100 // self.total if self.total else 0


def _added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {status: one.get(status, 0) + other.get(status, 0) for status in one.keys() | other.keys()}


def channel_counts(channels: Iterable[Channel]) -> dict[int, Counts]:
    """Counts of each channel's current run, in one query."""
    channels = list(channels)
    counters = EnrollmentCount.objects.filter(channel__in=channels, run=F("channel__run"))
    found = {key: counts for (key,), counts in _counts_by(counters, "channel_id")}
    return {channel.pk: found.get(channel.pk, Counts()) for channel in channels}


def campaign_counts(campaign_ids: Iterable[int]) -> dict[int, Counts]:
    """Counts of each campaign over its channels' current runs, in one query."""
    keys = list(campaign_ids)
    counters = EnrollmentCount.objects.filter(channel__campaign__in=keys, run=F("channel__run"))
    found = {key: counts for (key,), counts in _counts_by(counters, "channel__campaign_id")}
    return {key: found.get(key, Counts()) for key in keys}


def run_counts(channels: Iterable[Channel]) -> dict[tuple[int, int], Counts]:
    """Counts of each run of each channel, earlier ones too, by (channel, run); in one query."""
    counters = EnrollmentCount.objects.filter(channel__in=list(channels))
    return {(channel, run): counts for (channel, run), counts in _counts_by(counters, "channel_id", "run")}


def _counts_by(counters: QuerySet[EnrollmentCount], *names: str) -> Iterator[tuple[tuple[int, ...], Counts]]:
    """The counters summed for each combination of the named columns."""
    by_status: dict[tuple[int, ...], dict[str, int]] = defaultdict(dict)
    reached: dict[tuple[int, ...], dict[str, int]] = defaultdict(dict)
    dialed: dict[tuple[int, ...], int] = defaultdict(int)
    rows = counters.values_list(*names, "status").annotate(Sum("count"), Sum("dialed"), Sum("reached"))
    for *key, status, total, with_attempt, with_answer in rows:
        place = tuple(key)
        if total:
            by_status[place][status] = total
        if with_answer:
            reached[place][status] = with_answer
        dialed[place] += with_attempt
    for place, found in by_status.items():
        yield place, Counts(found, dialed[place], reached[place])


def last_in_turn(channel: Channel, now: datetime) -> list[tuple[int, datetime]]:
    """The zone sets and due times of the channel's contacts that have to wait longest from now on.

    The last callbacks, retries and fresh contacts, a few of each: one read of the claim's index for each.
    """
    waiting = Enrollment.objects.filter(
        channel=channel, run=channel.run, status__in=sorted(WAITING), due_at__gt=now
    )
    callbacks, retries, fresh = (
        waiting.filter(turn=turn).order_by("-due_at").values_list("zone_set_id", "due_at")[:LAST_IN_TURN]
        for turn in range(3)
    )
    return list(callbacks.union(retries, fresh, all=True))


def excluded_among(campaign_id: int, contacts: Iterable[int]) -> dict[int, str]:
    """Those of the contacts whom the campaign leaves alone, each with the name of a list that says so.

    For the few of a page. Of several lists it is the one for which the claim would pass the contact over.
    """
    exclusions = CampaignExclusion.objects.filter(campaign=campaign_id).order_by("pk")
    names = dict(exclusions.values_list("list", "list__name"))
    if not names:
        return {}
    members = Membership.objects.current().filter(list__in=names, contact__in=list(contacts))
    found: dict[int, set[int]] = {}
    for contact_id, list_id in members.values_list("contact", "list"):
        found.setdefault(contact_id, set()).add(list_id)
    return {
        contact_id: next(name for list_id, name in names.items() if list_id in lists)
        for contact_id, lists in found.items()
    }


def passed_over(campaign_id: int) -> QuerySet[Enrollment]:
    """Contacts of its channels' current runs that were passed over for lists which the campaign left alone,
    and that are on none which it leaves alone now. Of channels that may go on."""
    left_alone = CampaignExclusion.objects.filter(campaign=campaign_id).values("list")
    return Enrollment.objects.filter(
        channel__in=Channel.objects.filter(campaign=campaign_id).exclude(status=ChannelStatus.STOPPED),
        run=F("channel__run"),
        status=EnrollmentStatus.SKIPPED,
        reason__startswith=ON_EXCLUSION_LIST,
    ).exclude(contact__in=Membership.objects.current().filter(list__in=left_alone).values("contact"))
