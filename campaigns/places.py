"""Which of a channel's contacts a person looks at: status or group, words, and an order that an index has."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import QueryDict

from campaigns.lifecycles import IN_PROGRESS, WAITING, EnrollmentStatus
from campaigns.models import Channel, Enrollment
from campaigns.queries import Counts
from contacts.queries import search_by_contact

# The everyday groups, and who is in them (docs/guide.md, *What the numbers mean*).
GROUPS: dict[str, tuple[str, Q]] = {
    "dialed": ("Dialed", Q(attempts__gt=0)),
    "remaining": ("Remaining", Q(status__in=sorted(WAITING))),
    "in_progress": ("In progress", Q(status__in=sorted(IN_PROGRESS))),
    "reached": ("Reached", Q(is_reached=True)),
}
SORTS = {"turn": "Next in turn", "changed": "Newest change", "list": "As enrolled"}
# A waiting status has one turn; named, the claim's index is read from its first contact on.
_TURNS = {EnrollmentStatus.CALLBACK: 0, EnrollmentStatus.RETRY: 1, EnrollmentStatus.PENDING: 2}
MOST_WORDS = 100


@dataclass(frozen=True)
class PlaceFilters:
    """``status`` is that of a contact's place, or a group; empty texts filter nothing."""

    status: str = ""
    q: str = ""
    sort: str = ""

    @classmethod
    def of(cls, parameters: QueryDict) -> PlaceFilters:
        """From an address; what makes no sense there filters nothing."""
        status = parameters.get("status", "")
        found = cls(
            status=status if status in GROUPS or status in EnrollmentStatus.values else "",
            q=parameters.get("q", "").replace("\0", "").strip()[:MOST_WORDS],
        )
        sort = parameters.get("sort", "")
        return cls(found.status, found.q, sort if sort in found.sorts else "")

    @property
    def is_waiting(self) -> bool:
        return self.status == "remaining" or self.status in WAITING

    @property
    def sorts(self) -> list[str]:
        """The orders there are, that which is meant when none is said first."""
        if self.is_waiting:
            return ["turn", "changed"]
        if self.status == "in_progress" or self.status in IN_PROGRESS:
            return ["changed"]
        return ["changed", "list"] if self.status else ["list", "changed"]

    @property
    def order(self) -> list[str]:
        sort = self.sort or self.sorts[0]
        if sort == "changed":
            return ["-updated_at", "-id"]
        if sort == "turn":
            return ["due_at", "id"] if self.status in _TURNS else ["turn", "due_at", "id"]
        # By status and number is what enrollment_by_status gives; of all, enrollment_once_a_run by contact.
        if not self.status:
            return ["contact_id"]
        return ["status", "id"] if self.status in GROUPS else ["id"]

    def apply(self, places: QuerySet[Enrollment]) -> QuerySet[Enrollment]:
        if self.status in GROUPS:
            places = places.filter(GROUPS[self.status][1])
        elif self.status:
            places = places.filter(status=self.status)
        if self.status in _TURNS:
            # The second is true of all of them; said, it is what the claim's index holds.
            places = places.filter(turn=_TURNS[EnrollmentStatus(self.status)], status__in=sorted(WAITING))
        if self.q:
            places = search_by_contact(places, self.q, settings.DEFAULT_COUNTRY)
        return places

    def count(self, counts: Counts) -> int:
        """How many there are of a channel's run, whatever the words."""
        if self.status == "dialed":
            return counts.dialed
        if self.status == "reached":
            return counts.reached
        if self.status == "remaining":
            return counts.pending
        if self.status == "in_progress":
            return counts.in_progress
        return counts.by_status.get(self.status, 0) if self.status else counts.total

    @property
    def in_words(self) -> str:
        """As it follows "All that are", for instance."""
        label = GROUPS[self.status][0] if self.status in GROUPS else ""
        if not label and self.status:
            label = str(EnrollmentStatus(self.status).label)
        parts = [label.lower(), f"“{self.q}”" if self.q else ""]
        return ", ".join(filter(None, parts))

    @property
    def given(self) -> dict[str, str]:
        """As an address has them."""
        named = {"status": self.status, "q": self.q, "sort": self.sort}
        return {name: value for name, value in named.items() if value}

    def address(self, **more: str | int) -> str:
        query = urlencode({**self.given, **more})
        return f"?{query}" if query else ""


def places_of(channel: Channel) -> QuerySet[Enrollment]:
    """Everybody's place in the channel's current run."""
    return Enrollment.objects.filter(channel=channel.pk, run=channel.run)


MOST_CHOSEN = 1000


@dataclass(frozen=True)
class ChosenPlaces:
    """Places that a person chose: some by their keys, or all that the filters leave."""

    filters: PlaceFilters
    keys: tuple[int, ...] = ()
    are_all: bool = False

    @classmethod
    def of(cls, parameters: QueryDict) -> ChosenPlaces:
        """From an address; what makes no sense there chooses nobody."""
        keys = [key for key in parameters.getlist("id") if key.isascii() and key.isdigit() and len(key) < 19]
        return cls(
            PlaceFilters.of(parameters),
            tuple(int(key) for key in keys[:MOST_CHOSEN]),
            parameters.get("found") == "1",
        )

    def __bool__(self) -> bool:
        return self.are_all or bool(self.keys)

    def places(self, channel: Channel) -> QuerySet[Enrollment]:
        places = places_of(channel)
        return self.filters.apply(places) if self.are_all else places.filter(pk__in=self.keys)
