"""Everything that ever happened with a contact, as one time line, newest first.

Each source is asked for one page at most, from where the last page ended, and the pages are merged. The
database finds a contact's calls and places by the contact alone, and sorts them for each page: of the few
hundred that a person may have, milliseconds. An index by time would cost more at each call and each
enrolling.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextChoices
from django.urls import reverse

from accounts.models import User
from analytics.queries import calls_with, related
from campaigns.lifecycles import WAITING, EnrollmentStatus
from campaigns.models import Disposition, Enrollment
from contacts.models import (
    Contact,
    ContactEvent,
    DoNotContact,
    DoNotContactEvent,
    DoNotContactRemoval,
    Import,
    ListVersion,
    Membership,
)
from dialer.models import Call, CallEvent, Outcome

PAGE = 20
MEMBERSHIPS = 500


class Kind(TextChoices):
    """What happened; at the same moment, in this order from the last to the first."""

    MEANT = "meant", "Disposition"
    CALL = "call", "Call"
    PLACE = "place", "Campaign"
    FORBIDDEN = "forbidden", "Do not contact"
    SAID = "said", "Do not contact"
    ALLOWED = "allowed", "Do not contact"
    WAS_FORBIDDEN = "was_forbidden", "Do not contact"
    EDIT = "edit", "Change"
    CHANGED = "changed", "Import"
    LEFT = "left", "List"
    JOINED = "joined", "List"
    CREATED = "created", "Contact"


# Where a contact stands in a campaign, also after calls: what is to come, or why nothing is.
_TOLD_BESIDES = WAITING | {EnrollmentStatus.SKIPPED, EnrollmentStatus.DO_NOT_CALL}
_ORDER = {kind: place for place, kind in enumerate(reversed(Kind))}


@dataclass(frozen=True)
class Entry:
    """One thing that happened. ``text`` is a sentence without its subject where ``by`` did it."""

    kind: Kind
    at: datetime
    # Of its own source, to tell apart what happened at the same moment.
    key: int
    text: str = ""
    by: str = ""
    detail: str = ""
    address: str = ""
    # What it is about, with the address: a list, a campaign.
    subject: str = ""
    call: Call | None = None
    place: Enrollment | None = None
    # When a waiting contact's turn comes, or a callback was asked for.
    due_at: datetime | None = None

    @property
    def rank(self) -> tuple[datetime, int, int]:
        return self.at, _ORDER[self.kind], self.key


@dataclass(frozen=True)
class Timeline:
    """``older`` is the cursor of the next page, empty at the end."""

    entries: list[Entry] = field(default_factory=list)
    older: str = ""


def timeline_of(contact: Contact, cursor: str = "", size: int = PAGE) -> Timeline:
    """One page; a cursor that can't be read shows the first."""
    after = _read(cursor)
    sources = (
        _calls(contact, after, size + 1),
        _meant(contact, after, size + 1),
        _places(contact, after, size + 1),
        _do_not_contact(contact, after, size + 1),
        _edits(contact, after, size + 1),
        _memberships(contact),
        _begun(contact),
    )
    found = [entry for source in sources for entry in source if after is None or entry.rank < after]
    found.sort(key=lambda entry: entry.rank, reverse=True)
    shown = found[:size]
    return Timeline(shown, _write(shown[-1].rank) if len(found) > size else "")


Rank = tuple[datetime, int, int]


def _page(rows: QuerySet[Any], kind: Kind, column: str, after: Rank | None, size: int) -> QuerySet[Any]:
    """The newest rows of one source that come after ``after``."""
    if after is not None:
        at, order, key = after
        here = _ORDER[kind]
        past = Q(**{f"{column}__lt": at})
        if here < order:
            past |= Q(**{column: at})
        elif here == order:
            past |= Q(**{column: at, "pk__lt": key})
        rows = rows.filter(past)
    return rows.order_by(f"-{column}", "-pk")[:size]


def _calls(contact: Contact, after: Rank | None, size: int) -> Iterable[Entry]:
    for call in _page(related(calls_with(contact)), Kind.CALL, "created_at", after, size):
        yield Entry(
            Kind.CALL,
            call.created_at,
            call.pk,
            address=reverse("analytics:call", args=[call.pk]),
            subject=call.campaign_name,
            detail=call.summary,
            call=call,
        )


def _meant(contact: Contact, after: Rank | None, size: int) -> Iterable[Entry]:
    """What people said of calls, also what they took back since: the call itself has the last of it."""
    said = CallEvent.objects.filter(call__contact=contact, kind="disposition").select_related("call")
    page = list(_page(said, Kind.MEANT, "at", after, size))
    told = [(event, event.data if isinstance(event.data, dict) else {}) for event in page]
    keys = {event.pk: by for event, data in told if isinstance(by := data.get("by"), int)}
    people = User.objects.in_bulk(set(keys.values()))
    for event, data in told:
        name = str(data.get("disposition") or "no disposition")
        yield Entry(
            Kind.MEANT,
            event.at,
            event.pk,
            f"set the disposition of a call to {name}",
            _name(people.get(keys.get(event.pk, 0)), "Somebody"),
            f"{event.call.campaign_name}, {event.call.channel_name}, attempt {event.call.attempt}",
            due_at=_moment(data.get("callback_at")),
        )


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _places(contact: Contact, after: Rank | None, size: int) -> Iterable[Entry]:
    """But those of which the call says all: how it ended, or that it goes on."""
    calls = Call.objects.filter(enrollment=OuterRef("pk"), run=OuterRef("run")).exclude(
        outcome=Outcome.WITHDRAWN
    )
    opt_outs = calls.filter(disposition__effect=Disposition.Effect.DO_NOT_CALL)
    rows = (
        Enrollment.objects.filter(contact=contact)
        .filter(~Exists(calls) | Q(status__in=_TOLD_BESIDES))
        .exclude(Q(status=EnrollmentStatus.DO_NOT_CALL) & Exists(opt_outs))
        .select_related("channel__campaign")
    )
    for place in _page(rows, Kind.PLACE, "updated_at", after, size):
        channel = place.channel
        yield Entry(
            Kind.PLACE,
            place.updated_at,
            place.pk,
            address=reverse("campaigns:campaign", args=[channel.campaign_id]),
            subject=channel.campaign.name,
            detail=place.reason,
            place=place,
            due_at=place.due_at
            if place.status in WAITING and (place.attempts or place.status == EnrollmentStatus.CALLBACK)
            else None,
        )


def _do_not_contact(contact: Contact, after: Rank | None, size: int) -> Iterable[Entry]:
    address = Q(pk__in=[])
    if contact.phone_number:
        address |= Q(phone_number=contact.phone_number)
    if contact.email:
        address |= Q(email=contact.email)
    entries = DoNotContact.objects.filter(address).select_related("created_by")
    for entry in _page(entries, Kind.FORBIDDEN, "created_at", after, size):
        yield Entry(
            Kind.FORBIDDEN,
            entry.created_at,
            entry.pk,
            _put_on(entry.get_scope_display(), entry.created_by, entry.get_source_display()),
            _name(entry.created_by),
            entry.reason,
        )
    said = DoNotContactEvent.objects.filter(address).select_related("said_by")
    for event in _page(said, Kind.SAID, "said_at", after, size):
        yield Entry(
            Kind.SAID,
            event.said_at,
            event.pk,
            _asked(event.get_scope_display(), event.said_by, event.get_source_display()),
            _name(event.said_by),
            event.reason,
        )
    removals = DoNotContactRemoval.objects.filter(address).select_related("added_by", "removed_by")
    for removal in _page(removals, Kind.ALLOWED, "removed_at", after, size):
        yield Entry(
            Kind.ALLOWED,
            removal.removed_at,
            removal.pk,
            _taken_off(removal.get_scope_display(), removal.removed_by),
            _name(removal.removed_by),
            removal.removal_reason,
        )
    for removal in _page(removals, Kind.WAS_FORBIDDEN, "added_at", after, size):
        yield Entry(
            Kind.WAS_FORBIDDEN,
            removal.added_at,
            removal.pk,
            _put_on(removal.get_scope_display(), removal.added_by, removal.get_source_display()),
            _name(removal.added_by),
            removal.reason,
        )


def _edits(contact: Contact, after: Rank | None, size: int) -> Iterable[Entry]:
    rows = (
        ContactEvent.objects.filter(contact=contact)
        .exclude(text__in=ContactEvent.ADDED)
        .select_related("actor")
    )
    for event in _page(rows, Kind.EDIT, "at", after, size):
        yield Entry(Kind.EDIT, event.at, event.pk, event.text, _name(event.actor, "Carillon"))


def _begun(contact: Contact) -> Iterable[Entry]:
    """How the contact was made, and the last change if a file made it: both carry the import's moment.

    By whom, where somebody added the contact; else it came with a list, which is told beside it.
    """
    imports = {
        one.merged_at: one
        for one in Import.objects.filter(merged_at__in=[contact.created_at, contact.updated_at])
    }
    if contact.updated_at != contact.created_at and (changed := imports.get(contact.updated_at)):
        yield _by_import(Kind.CHANGED, contact.updated_at, "Changed by the import", changed)
    if made := imports.get(contact.created_at):
        yield _by_import(Kind.CREATED, contact.created_at, "Added by the import", made)
        return
    by_hand = (
        ContactEvent.objects.filter(contact=contact, text__in=ContactEvent.ADDED)
        .select_related("actor")
        .first()
    )
    told = (by_hand.text, _name(by_hand.actor, "Carillon")) if by_hand else ("Added to Carillon",)
    yield Entry(Kind.CREATED, contact.created_at, contact.pk, *told)


def _by_import(kind: Kind, at: datetime, text: str, one: Import) -> Entry:
    return Entry(kind, at, one.pk, text, subject=one.file_name, address=one.get_absolute_url())


def _memberships(contact: Contact) -> Iterable[Entry]:
    """Joined and left. A contact is on few lists, so that all are read."""
    members = list(
        Membership.objects.filter(contact=contact).select_related("list").order_by("-pk")[:MEMBERSHIPS]
    )
    numbers = {number for one in members for number in (one.added_in, one.removed_in) if number}
    versions = ListVersion.objects.filter(list__in={one.list_id for one in members}, number__in=numbers)
    by_number = {(one.list_id, one.number): one for one in versions.select_related("created_by")}
    for member in members:
        for kind, number, text in (
            (Kind.JOINED, member.added_in, "Joined"),
            (Kind.LEFT, member.removed_in, "Left"),
        ):
            if number and (version := by_number.get((member.list_id, number))):
                by = f"by {version.created_by}" if version.created_by else ""
                yield Entry(
                    kind,
                    version.created_at,
                    member.pk,
                    text,
                    detail=" · ".join(filter(None, (f"version {number}", version.note, by))),
                    address=member.list.get_absolute_url(),
                    subject=member.list.name,
                )


def _put_on(scope: str, person: Any, source: str) -> str:
    if person:
        return f"put this person on do-not-contact: {scope.lower()}"
    return f"this person was put on do-not-contact: {scope.lower()} ({source[0].lower()}{source[1:]})"


def _asked(scope: str, person: Any, source: str) -> str:
    """Beside an entry: somebody who was on the list asked again, or it was extended."""
    if person:
        return f"said not to contact this person: {scope.lower()}"
    return f"asked not to be contacted: {scope.lower()} ({source[0].lower()}{source[1:]})"


def _taken_off(scope: str, person: Any) -> str:
    if person:
        return f"took this person off do-not-contact: {scope.lower()}"
    return f"this person was taken off do-not-contact: {scope.lower()}"


def _name(person: Any, otherwise: str = "") -> str:
    return str(person) if person else otherwise


def _write(rank: Rank) -> str:
    at, order, key = rank
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), order, key]).encode()).decode().rstrip("=")


def _read(cursor: str) -> Rank | None:
    if not cursor or len(cursor) > 200:
        return None
    try:
        at, order, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None or not isinstance(order, int) or not isinstance(key, int) or abs(key) >= 2**63:
        return None
    return moment, order, key
