"""Deleting contacts that nothing refers to: who was never called, and was never in a campaign.

Not for those who ask to be forgotten: they are erased (services/erasing.py), which also finds what tells of
them elsewhere. What campaigns and calls refer to stays; contacts know of them by their keys alone. Entries of
do-not-contact are of numbers and addresses, and stay whoever is deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import User
from contacts.importing.saving import Busy, hold_contacts, impatience
from contacts.models import Contact, List, Membership
from contacts.refusals import Refused
from contacts.services.lists import drop_members

logger = logging.getLogger(__name__)

# In one go, while a person waits.
MOST_DELETED = 100_000
DELETED = "Contacts were deleted"


def is_referred_to() -> Q:
    """For filters of contacts: a place in a campaign, or a call, tells of them."""
    found = Q(pk__in=[])
    for relation in Contact._meta.related_objects:
        model: type[Model] = relation.related_model
        if model._meta.app_label != Contact._meta.app_label:
            rows = model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
            found |= Q(Exists(rows))
    return found


def deletable(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """Those of the contacts that can be deleted."""
    return contacts.filter(~is_referred_to(), erased_at=None)


@dataclass(frozen=True)
class Deletable:
    """How many of some contacts can be deleted, and how many stay: called, or in a campaign."""

    goes: int
    stays: int


def count_deletable(contacts: QuerySet[Contact]) -> Deletable:
    """Counted exactly, up to 100,000 and one of each."""
    plain = contacts.order_by()
    return Deletable(
        goes=deletable(plain)[: MOST_DELETED + 1].count(),
        stays=plain.filter(is_referred_to())[: MOST_DELETED + 1].count(),
    )


@transaction.atomic
def delete_contacts(*, contacts: QuerySet[Contact], expected: int | None = None, actor: User | None) -> int:
    """Delete those of some contacts that can be, and take them off their lists; return how many went.

    ``expected``: how many a person was told. Raises ``Refused`` for more than 100,000, when there are more of
    them by now than expected, when none of them can be deleted, and while an import is being saved.
    """
    found = list(deletable(contacts).order_by("pk").values_list("pk", flat=True)[: MOST_DELETED + 1])
    if len(found) > MOST_DELETED:
        raise Refused(
            f"These are more than {MOST_DELETED:,} contacts. Narrow the filters, and delete some at a time."
        )
    if not found and not contacts.exists():
        raise Refused("They are gone already.")
    if expected is not None and len(found) > expected:
        raise Refused(f"There are {len(found):,} of them by now, not {expected:,}. Look again first.")
    try:
        with impatience():
            hold_contacts()
            keys = hold(found)
            delete_held(keys, actor=actor)
    except Busy:
        raise Refused(
            "An import is being saved right now, or somebody changes the same contacts. "
            "Try again in a moment."
        ) from None
    if not keys:
        raise Refused("None of them can be deleted: each was called, or is in a campaign.")
    if actor:
        logger.info("%s deleted %s contacts", actor.username, len(keys))
    return len(keys)


def hold(keys: Sequence[int]) -> list[int]:
    """Hold contacts and their lists until the transaction ends; return those that can still be deleted.

    As erasing does: the contacts, then their lists, both letting pass who only refers to them, and last the
    contacts for ourselves alone. Whoever refers to one of them from then on waits, and finds it gone.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD.format("NO KEY UPDATE"), [list(keys)])
    on = Membership.objects.filter(contact__in=among(keys)).current()
    held = set(
        List.objects.filter(pk__in=on.order_by().values("list"))
        .select_for_update(no_key=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    with connection.cursor() as cursor:
        cursor.execute(_HOLD.format("UPDATE"), [list(keys)])
    # Somebody may have called them since, or put them on a list that is not held.
    elsewhere = Membership.objects.filter(contact=OuterRef("pk")).current().exclude(list__in=held)
    free = deletable(Contact.objects.filter(pk__in=among(keys))).filter(~Exists(elsewhere))
    return list(free.order_by("pk").values_list("pk", flat=True))


def among(keys: Sequence[int]) -> RawSQL:
    """Keys for ``__in``, be they a hundred thousand: one parameter."""
    return RawSQL("SELECT unnest(%s::bigint[])", [list(keys)])


def delete_held(keys: Sequence[int], *, actor: User | None) -> None:
    """Delete contacts that are held and can be deleted, with all that contacts keep of them."""
    drop_members(keys=keys, note=DELETED, actor=actor)
    with connection.cursor() as cursor:
        for statement in _DELETE:
            cursor.execute(statement, [list(keys)])


_HOLD = "SELECT FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR {}"
_DELETE = (
    "DELETE FROM contacts_contactevent WHERE contact_id = ANY(%s)",
    "DELETE FROM contacts_contact WHERE id = ANY(%s)",
)
