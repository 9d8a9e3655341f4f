"""Whom some results are about: the contacts that a new channel is made for, and how that is said.

Two ways lead here. From calls (results, history): each contact counts by its last call, unless a person wants
whoever ever had such a call. From the places of a channel's run (the command center's contacts), which those
have, too, who were never called.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import QueryDict

from analytics.filters import KEYS, NO_CAMPAIGN, NO_DISPOSITION, Filters
from analytics.queries import matching, results_in
from campaigns.lifecycles import IN_PROGRESS, WAITING, ChannelStatus, EnrollmentStatus
from campaigns.models import Campaign, Channel, Disposition, Enrollment
from campaigns.places import GROUPS, PlaceFilters, places_of
from contacts.models import Contact, DoNotContact
from contacts.queries import everybody, number_is_do_not_contact
from dialer.models import Call, Outcome

UNDER_WAY = sorted(WAITING | IN_PROGRESS)
# What a form says when its boxes were seen: one that is not ticked says nothing.
SEEN = "seen"


@dataclass(frozen=True)
class Options:
    """What a person leaves out. ``by_last``: each contact counts by its last call only."""

    by_last: bool = True
    without_forbidden: bool = True
    without_waiting: bool = True

    @classmethod
    def of(cls, parameters: QueryDict, statuses: Iterable[str]) -> Options:
        """From a form that was sent, else as usual. Who asks for those who wait does not leave them out."""
        if SEEN not in parameters:
            return cls(without_waiting=not set(statuses) & set(UNDER_WAY))
        return cls(
            by_last="by_last" in parameters,
            without_forbidden="without_forbidden" in parameters,
            without_waiting="without_waiting" in parameters,
        )


@dataclass(frozen=True)
class Counted:
    """``contacts`` are left of those ``matching``; the others are counted where they are left out first."""

    matching: int
    forbidden: int = 0
    waiting: int = 0

    @property
    def contacts(self) -> int:
        return self.matching - self.forbidden - self.waiting


@dataclass(frozen=True)
class Chosen(ABC):
    """Contacts chosen from what happened; ``campaign`` is where, None: anywhere."""

    campaign: Campaign | None
    options: Options

    @property
    @abstractmethod
    def what(self) -> str:
        """Who they are, as it follows a name and a colon: "voicemail or no answer"."""

    @abstractmethod
    def _matching(self) -> QuerySet[Contact]:
        """All of them, whomever the options leave out."""

    @property
    def source(self) -> str:
        return self.campaign.name if self.campaign else "History"

    @property
    def in_full(self) -> str:
        """``what``, and who is left out."""
        without = [
            "nobody on do-not-contact" if self.options.without_forbidden else "",
            "nobody who waits for a call" if self.options.without_waiting else "",
        ]
        return "; ".join(filter(None, [self.what, *without]))

    def contacts(self) -> QuerySet[Contact]:
        found = self._matching()
        if self.options.without_forbidden:
            found = found.filter(~number_is_do_not_contact(DoNotContact.Scope.VOICE))
        return found.filter(~self._waits()) if self.options.without_waiting else found

    def counted(self) -> Counted:
        """One query, over everything that matches."""
        nobody = Q(pk__isnull=True)
        is_forbidden = (
            Q(number_is_do_not_contact(DoNotContact.Scope.VOICE))
            if self.options.without_forbidden
            else nobody
        )
        waits = Q(self._waits()) if self.options.without_waiting else nobody
        counts = self._matching().aggregate(
            matching=Count("pk"),
            forbidden=Count("pk", filter=is_forbidden),
            waiting=Count("pk", filter=waits & ~is_forbidden),
        )
        return Counted(**counts)

    def _waits(self) -> Exists:
        """Whether a contact is, or will be, called by a channel of the campaign, or, of all calls, by any."""
        of_campaign = Q(channel__campaign=self.campaign) if self.campaign else Q()
        places = Enrollment.objects.filter(
            of_campaign,
            contact=OuterRef("pk"),
            run=F("channel__run"),
            status__in=UNDER_WAY,
        )
        # Whom a channel left undone that was stopped, or put away with its campaign, waits for nothing.
        going_on = places.filter(channel__campaign__archived_at=None)
        return Exists(going_on.exclude(channel__status=ChannelStatus.STOPPED))


@dataclass(frozen=True)
class ChosenByCalls(Chosen):
    """``filters`` as on the page of results that a person came from."""

    filters: Filters

    @cached_property
    def what(self) -> str:
        filters = self.filters
        parts = [
            any_of(str(Outcome(one).label).lower() for one in filters.outcome),
            any_of(_dispositions_in_words(filters.disposition)),
            _now(filters.status),
            _pressed(filters.pressed),
            _run_in_words(filters),
            _days_in_words(filters.since, filters.until),
            f"“{filters.q}”" if filters.q else "",
        ]
        return ", ".join(filter(None, parts)) or "everybody called"

    @property
    def in_full(self) -> str:
        return super().in_full + ("" if self.options.by_last else "; by any call, not the last alone")

    @property
    def _calls(self) -> QuerySet[Call]:
        """Those by which contacts are chosen."""
        scope = results_in(self.campaign)
        if self.filters.run:
            scope = scope.filter(**self.filters.channel_and_run)
        if self.filters.campaign == NO_CAMPAIGN:
            scope = scope.filter(campaign=None)
        calls = matching(scope, self.filters, campaign=self.campaign)
        if self.options.by_last:
            calls = calls.filter(~Exists(scope.filter(contact=OuterRef("contact"), pk__gt=OuterRef("pk"))))
        return calls

    def _matching(self) -> QuerySet[Contact]:
        # Of who was deleted, calls know no contact any more.
        return everybody().filter(pk__in=self._calls.order_by().values("contact"))


# Groups that no statuses stand for: who waits again may have been dialed and reached.
_BEYOND_STATUSES = ("dialed", "reached")
_STATUSES_OF = {"remaining": WAITING, "in_progress": IN_PROGRESS}


@dataclass(frozen=True)
class Places:
    """Which contacts of a channel's run: in a group, in one of some statuses, found by some words."""

    group: str = ""
    statuses: tuple[str, ...] = ()
    q: str = ""

    @classmethod
    def of(cls, parameters: QueryDict) -> Places:
        """From an address, that of the contacts' page included, where a group stands for its statuses."""
        named = parameters.getlist("status")
        statuses = {status for name in named for status in _STATUSES_OF.get(name, (name,))}
        return cls(
            group=next((name for name in named if name in _BEYOND_STATUSES), ""),
            statuses=tuple(str(status) for status in EnrollmentStatus if status in statuses),
            q=PlaceFilters.of(parameters).q,
        )

    @property
    def given(self) -> list[tuple[str, str]]:
        """Names and values as an address has them."""
        pairs = [("status", status) for status in (self.group, *self.statuses)] + [("q", self.q)]
        return [(name, value) for name, value in pairs if value]

    def apply(self, places: QuerySet[Enrollment]) -> QuerySet[Enrollment]:
        places = PlaceFilters(self.group, self.q).apply(places)
        return places.filter(status__in=self.statuses) if self.statuses else places


@dataclass(frozen=True)
class ChosenByPlaces(Chosen):
    """Contacts of a channel's current run."""

    channel: Channel
    places: Places

    @property
    def source(self) -> str:
        return f"{self.channel.campaign.name}, {self.channel.name}"

    @property
    def what(self) -> str:
        group = GROUPS[self.places.group][0].lower() if self.places.group else ""
        parts = [group, _statuses(self.places.statuses), f"“{self.places.q}”" if self.places.q else ""]
        return ", ".join(filter(None, parts)) or "everybody"

    def _matching(self) -> QuerySet[Contact]:
        places = self.places.apply(places_of(self.channel))
        return everybody().filter(pk__in=places.order_by().values("contact"))


def any_of(words: Iterable[str]) -> str:
    """ "voicemail, busy or no answer"."""
    *others, last = list(words) or [""]
    return f"{', '.join(others)} or {last}" if others else last


def _dispositions_in_words(slugs: Sequence[str]) -> list[str]:
    names = dict(Disposition.objects.filter(slug__in=slugs).values_list("slug", "name")) if slugs else {}
    return ["no disposition" if slug == NO_DISPOSITION else names.get(slug, slug) for slug in slugs]


def _statuses(statuses: Sequence[str]) -> str:
    return any_of(str(EnrollmentStatus(status).label).lower() for status in statuses)


def _now(statuses: Sequence[str]) -> str:
    return f"now {_statuses(statuses)}" if statuses else ""


def _pressed(keys: Sequence[str]) -> str:
    return f"pressed a key: {any_of(KEYS[key].lower() for key in keys)}" if keys else ""


def _run_in_words(filters: Filters) -> str:
    if not filters.run:
        return ""
    key = filters.channel_and_run
    name = Channel.objects.filter(pk=key["channel_id"]).values_list("name", flat=True).first() or "a channel"
    return f"{name}, run {key['run']}" if "run" in key else name


def _days_in_words(since: date | None, until: date | None) -> str:
    if since == until:
        return _day(since) if since else ""
    if since and until:
        return f"{_day(since)} to {_day(until)}"
    return f"since {_day(since)}" if since else f"until {_day(until)}" if until else ""


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
