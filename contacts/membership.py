"""What may be asked about lists: who is on them, what two of them share, and where they are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection
from django.db.models import Count, Exists, F, Max, OuterRef, QuerySet
from psycopg.errors import ForeignKeyViolation

from contacts.models import Contact, List, ListVersion, Membership
from contacts.models.lists import MembershipQuerySet
from contacts.refusals import Refused


def contacts_of(list: List) -> QuerySet[Contact]:
    """The contacts on a list now, each with ``member``: its key again, as the list's index has it.

    Pages ordered by ``member`` start where their cursor says; the database would not carry a bound of
    the contact's key over to the index of the list.
    """
    return Contact.objects.filter(memberships__list=list, memberships__removed_in__isnull=True).annotate(
        member=F("memberships__contact_id")
    )


def newest_first(list: List, contacts: QuerySet[Any]) -> QuerySet[Any]:
    """For pages of ``contacts_of``: those that joined Carillon last come first.

    Bounded by the newest on the list: without that, the database would look through everybody who is newer
    for the first page of a list that is old.
    """
    newest = _members([list]).aggregate(newest=Max("contact_id"))["newest"]
    return contacts.filter(pk__lte=newest or 0).order_by("-member")


def contacts_of_version(list: List, number: int) -> QuerySet[Contact]:
    """Who was on a list in one of its versions."""
    members = Membership.objects.filter(list=list).of_version(number)
    return Contact.objects.filter(pk__in=members.values("contact"))


def contacts_added_in(version: ListVersion) -> QuerySet[Any]:
    """Whom a version added, each with ``member`` as in ``contacts_of``."""
    return _changed(version, memberships__added_in=version.number)


def contacts_removed_in(version: ListVersion) -> QuerySet[Any]:
    """Whom a version removed, each with ``member`` as in ``contacts_of``."""
    return _changed(version, memberships__removed_in=version.number)


def _changed(version: ListVersion, **when: int) -> QuerySet[Any]:
    contacts = Contact.objects.filter(memberships__list=version.list_id, **when)
    return contacts.annotate(member=F("memberships__contact_id"))


def on_any_of(lists: Sequence[List]) -> QuerySet[Contact]:
    """Each contact that is on one of the lists now, once."""
    return Contact.objects.filter(_is_on(lists))


def on_both(first: List, second: List) -> QuerySet[Contact]:
    return Contact.objects.filter(_is_on([first]), _is_on([second]))


def only_on(first: List, second: List) -> QuerySet[Contact]:
    """Contacts of the first list that are not on the second."""
    return Contact.objects.filter(_is_on([first]), ~_is_on([second]))


def _is_on(lists: Sequence[List]) -> Exists:
    return Exists(_members(lists).filter(contact=OuterRef("pk")))


def _members(lists: Sequence[List]) -> MembershipQuerySet:
    return Membership.objects.filter(list__in=lists).current()


def count_in_both(first: List, second: List) -> int:
    """How many contacts two lists share; no contact is looked at."""
    return _members([first]).filter(contact__in=_members([second]).values("contact")).count()


def count_on_any_of(lists: Sequence[List]) -> int:
    """How many contacts several lists have together, each counted once."""
    return int(_members(lists).aggregate(people=Count("contact", distinct=True))["people"])


@dataclass(frozen=True)
class ListUse:
    """One place where a list is used. ``version`` is what the channel started with, None: not started;
    without a channel, the campaign leaves the list's contacts alone."""

    campaign: Any
    channel: Any = None
    version: int | None = None


def uses_of(list: List) -> Sequence[ListUse]:
    """Where a list is used, newest first. Lists know of campaigns only by these two relations."""
    assigned = list.channel_lists.select_related("channel__campaign").order_by("-channel__campaign_id", "-id")
    return [
        *(ListUse(one.channel.campaign, one.channel, one.version) for one in assigned),
        *(ListUse(campaign) for campaign in list.excluded_from.order_by("-id")),
    ]


# What refers to a contact waits for whoever is erasing it, and goes on when that is done.
_WAIT_FOR_WHO_ERASES = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"
_TAKE_OFF_ERASED = """
    DELETE FROM contacts_membership WHERE list_id = %s AND added_in = %s AND contact_id IN (
        SELECT id FROM contacts_contact WHERE erased_at IS NOT NULL
    )
"""


def take_off_erased(*, list_id: int, number: int) -> int:
    """Take people off a list again who were being erased while it was given its new version; how many.

    Of a version that nobody else sees yet. From here on, until the transaction ends, nobody on it is erased.
    Raises ``Refused`` when somebody deleted one of them meanwhile.
    """
    with connection.cursor() as cursor:
        try:
            cursor.execute(_WAIT_FOR_WHO_ERASES)
        except IntegrityError as error:
            if isinstance(error.__cause__, ForeignKeyViolation):
                raise Refused("Some of these contacts were deleted meanwhile. Try again.") from error
            raise
        cursor.execute(_TAKE_OFF_ERASED, [list_id, number])
        return int(cursor.rowcount)
