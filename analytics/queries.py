"""What may be asked of calls that are over: results of a campaign, and all history."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_

from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from analytics.filters import NO_CAMPAIGN, NO_DISPOSITION, OTHER_KEY, Filters
from campaigns.lifecycles import IN_PROGRESS, WAITING, EnrollmentStatus
from campaigns.models import Campaign, Channel, Disposition, VoiceDestination
from contacts.models import Contact
from contacts.phone_numbers import dialable
from contacts.queries import Count, Folded, Holds, IsOneOf, without_apostrophes
from contacts.queries import count_of as counted
from dialer.models import Call, CallCount, Outcome, Transcript

# A search looks for so many matches among so many of the newest calls before it decides how to go on.
_MANY = 50
_NEWEST = 5_000
# So many are remembered by their keys: as many as there are among a million, were they as rare as that.
_FEW = 10_000
# What a person may have typed of a phone number.
_DIGITS = re.compile(r"[\d\s().+/-]{3,}")


def ended_calls() -> QuerySet[Call]:
    """All results there are: calls that were placed and are over."""
    return Call.objects.filter(is_live=False).exclude(outcome=Outcome.WITHDRAWN)


def results_of(campaign: Campaign) -> QuerySet[Call]:
    return ended_calls().filter(campaign=campaign)


def results_in(campaign: Campaign | None) -> QuerySet[Call]:
    """Of a campaign, or all there ever were."""
    return results_of(campaign) if campaign else ended_calls()


def order_of(filters: Filters) -> list[str]:
    """Newest first. Of some days, by the time itself: the database would else read back from today."""
    return ["-created_at", "-id"] if filters.has_days else ["-id"]


def calls_with(contact: Contact) -> QuerySet[Call]:
    """A contact's calls in every campaign, those under way included."""
    return Call.objects.filter(contact=contact).exclude(outcome=Outcome.WITHDRAWN)


def matching(rows: QuerySet[Call], filters: Filters, *, campaign: Campaign | None = None) -> QuerySet[Call]:
    """``rows`` narrowed down; ``campaign`` is theirs, so that the search need not look elsewhere."""
    if filters.campaign:
        rows = rows.filter(campaign=None if filters.campaign == NO_CAMPAIGN else int(filters.campaign))
    if filters.outcome:
        rows = rows.filter(outcome__in=filters.outcome)
    if filters.disposition:
        # By their keys, which the index knows.
        found = Disposition.objects.filter(slug__in=filters.disposition).values_list("pk", flat=True)
        chosen = Q(disposition__in=list(found))
        rows = rows.filter(
            chosen | Q(disposition__isnull=True) if NO_DISPOSITION in filters.disposition else chosen
        )
    if filters.status:
        rows = rows.filter(enrollment__status__in=filters.status)
    if filters.pressed:
        meant = ["" if deed == OTHER_KEY else deed for deed in filters.pressed]
        rows = rows.exclude(pressed="").filter(pressed_for__in=meant)
    if filters.run:
        rows = rows.filter(**filters.channel_and_run)
    if filters.since:
        rows = rows.filter(created_at__gte=_midnight(filters.since))
    if filters.until:
        rows = rows.filter(created_at__lt=_midnight(filters.until + timedelta(days=1)))
    if filters.q:
        rows = rows.filter(_found(filters.q, campaign))
    return rows


def _midnight(day: date) -> datetime:
    """When a day begins in the zone of whoever asks."""
    return timezone.make_aware(datetime.combine(day, time()))


def _found(text: str, campaign: Campaign | None) -> Q:
    """Calls with this name, this number or a part of it, or these words said.

    Pages want the newest: where many of the newest match, reading on from them soon has a page, while an
    index would first find all that match, which of a common name are tens of thousands. Else by the
    indexes: a union of looks, each by its own; one condition with OR would look at every call. They are asked
    once for the page and its count, if they find few.
    Names are compared without case, accents and apostrophes. For words said, ``~*`` is what the trigram
    index answers; Django's ``icontains`` is not.
    """
    calls = Call.objects.filter(campaign=campaign) if campaign else Call.objects.all()
    number = dialable(text, settings.DEFAULT_COUNTRY)
    if isinstance(number, str):
        return Q(to_number=number)
    looks = [Q(Holds(Folded("contact_name"), text))] if without_apostrophes(text) else []
    digits = re.sub(r"\D", "", text)
    if _DIGITS.fullmatch(text) and len(digits) >= 3:
        looks.append(Q(to_number__contains=digits))
    said = Transcript.objects.filter(words__iregex=re.escape(text)).values("pk")
    by_reading = reduce(or_, looks, Q(pk__in=said))
    newest = calls.order_by("-id").values_list("pk", flat=True)
    before = newest[_NEWEST : _NEWEST + 1].first() or 0
    if len(newest.filter(by_reading, pk__gt=before)[:_MANY]) == _MANY:
        return by_reading
    found = said.union(*(calls.filter(look).values("pk") for look in looks))
    keys = list(found.values_list("pk", flat=True)[: _FEW + 1])
    return Q(IsOneOf(keys)) if len(keys) <= _FEW else Q(pk__in=found)


@dataclass(frozen=True)
class Summary:
    """A campaign's calls, as the database counts them; cost in US dollars."""

    calls: int = 0
    reached: int = 0
    wins: int = 0
    # Of calls that reached somebody.
    talk_seconds: int = 0
    cost: Decimal = Decimal(0)
    # (outcome, key of the disposition or None) -> calls.
    by_kind: dict[tuple[str, int | None], int] = field(default_factory=dict)

    @property
    def average_seconds(self) -> float | None:
        return self.talk_seconds / self.reached if self.reached else None

    @property
    def cost_per_win(self) -> Decimal | None:
        return self.cost / self.wins if self.wins else None

    def by_outcome(self) -> dict[str, int]:
        totals: dict[str, int] = defaultdict(int)
        for (outcome, _), calls in self.by_kind.items():
            totals[outcome] += calls
        return dict(totals)

    def by_disposition(self) -> dict[int | None, int]:
        totals: dict[int | None, int] = defaultdict(int)
        for (_, disposition), calls in self.by_kind.items():
            totals[disposition] += calls
        return dict(totals)


def summary_of(campaign: Campaign | int, dispositions: Iterable[Disposition]) -> Summary:
    """One query, whatever the number of calls. ``dispositions`` are all there are."""
    wins = {disposition.pk for disposition in dispositions if disposition.is_win}
    rows = (
        CallCount.objects.filter(campaign=campaign)
        .values_list("outcome", "disposition_id")
        .annotate(Sum("calls"), Sum("seconds"), Sum("cost"))
    )
    found = [row for row in rows if row[2]]
    reached = [row for row in found if row[0] == Outcome.COMPLETED]
    return Summary(
        calls=sum(calls for _, _, calls, _, _ in found),
        reached=sum(calls for _, _, calls, _, _ in reached),
        wins=sum(calls for _, disposition, calls, _, _ in found if disposition in wins),
        talk_seconds=sum(seconds for _, _, _, seconds, _ in reached),
        cost=sum((cost for _, _, _, _, cost in rows), Decimal(0)),
        by_kind={(outcome, disposition): calls for outcome, disposition, calls, _, _ in found},
    )


def count_of(
    rows: QuerySet[Call],
    filters: Filters,
    summary: Summary | None,
    dispositions: Iterable[Disposition],
) -> Count:
    """How many rows there are: exactly where the database keeps the count, else up to a bound."""
    if summary is not None and filters.is_counted:
        keys: set[int | None] = {one.pk for one in dispositions if one.slug in filters.disposition}
        if NO_DISPOSITION in filters.disposition:
            keys.add(None)
        return Count(
            sum(
                calls
                for (outcome, disposition), calls in summary.by_kind.items()
                if (not filters.outcome or outcome in filters.outcome)
                and (not filters.disposition or disposition in keys)
            )
        )
    return counted(rows)


def has_announcements(campaign: Campaign | None) -> bool:
    """Whether a channel of the campaign, or of any, reads an announcement, to which keys are pressed."""
    channels = Channel.objects.filter(voice__destination=VoiceDestination.ANNOUNCEMENT)
    return (channels.filter(campaign=campaign) if campaign else channels).exists()


def has_live_calls(campaign: Campaign) -> bool:
    return Call.objects.filter(channel__campaign=campaign, is_live=True).exists()


@dataclass(frozen=True)
class Standing:
    """Where the contact of a call stands now, where that says more than the call's outcome."""

    status: str
    due_at: datetime | None = None


_TELLING = WAITING | IN_PROGRESS | {EnrollmentStatus.DO_NOT_CALL, EnrollmentStatus.SKIPPED}


def standing_of(call: Call) -> Standing | None:
    """None: the outcome says it all, a later call tells more, nobody is called any more, or all is gone."""
    enrollment = call.enrollment
    if enrollment is None or enrollment.run != call.run or enrollment.attempts > call.attempt:
        return None
    if enrollment.status not in _TELLING:
        return None
    if enrollment.status in WAITING and enrollment.channel.is_over:
        return None
    if enrollment.status == EnrollmentStatus.CALLBACK and call.callback_at:
        # Said by the disposition, with the time that was asked for.
        return None
    return Standing(enrollment.status, enrollment.due_at if enrollment.status in WAITING else None)


def related(rows: QuerySet[Call]) -> QuerySet[Call]:
    """With what a row of the table shows beside the call itself."""
    return rows.select_related(
        "disposition", "enrollment__channel__campaign", "recording", "transcript"
    ).defer("notes", "transcript__turns", "transcript__words")


def filterable(dispositions: Iterable[Disposition], counts: dict[int | None, int]) -> list[Disposition]:
    """Dispositions worth offering as a filter: those in use, and those people may choose."""
    return [one for one in dispositions if one.is_active or counts.get(one.pk)]


# What "now" is for a rate, and how many of a channel's last calls are looked at for an answer rate.
RATE_SECONDS = 10
LAST_CALLS = 1000


@dataclass(frozen=True)
class Pace:
    """How a channel calls: calls a second over the last ten, and the share of its calls of the last
    hour that were answered (of its last 1,000, if they are more); None: none has ended."""

    calls_per_second: str
    answered_percent: int | None


def pace_of(channel: Channel, now: datetime) -> Pace:
    last = (
        Call.objects.filter(channel=channel, run=channel.run)
        .order_by("-id")
        .values_list("accepted_at", "answered_at", "ended_at")[:LAST_CALLS]
    )
    just_now, an_hour_ago = now - timedelta(seconds=RATE_SECONDS), now - timedelta(hours=1)
    placed = ended = answered = 0
    for accepted_at, answered_at, ended_at in last:
        if accepted_at is None:
            continue
        placed += accepted_at > just_now
        if ended_at is not None and ended_at > an_hour_ago:
            ended += 1
            answered += answered_at is not None
    return Pace(
        calls_per_second=f"{placed / RATE_SECONDS:.1f}",
        answered_percent=round(answered * 100 / ended) if ended else None,
    )


def results_count(campaign: Campaign) -> int:
    """How many calls of a campaign have ended, in constant time."""
    return CallCount.objects.filter(campaign=campaign).aggregate(total=Sum("calls"))["total"] or 0
