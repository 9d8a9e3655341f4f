"""Undoing an import: what it put on its list goes off it, and the contacts that it made are deleted.

All that an import saved carries one moment (``Import.merged_at``), and whom it added to its list is what its
version of the list added. So it is known exactly, row for row, for a million as for one. A contact that
somebody called, put into a campaign, on another list or on this one again, or changed since, stays; what the
import changed of contacts that were known before stays, too. Do-not-contact is not touched.

Of one thing there is no trace: that a later file of the same list had a contact, too, and nothing new about
it. Who undoes an import is told which files these may be.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django_q.tasks import async_task
from psycopg import errors

from accounts.models import User
from contacts.importing.running import alone
from contacts.importing.saving import hold_contacts
from contacts.membership import ListUse, uses_of
from contacts.models import Contact, Import, ImportStatus, List, Membership
from contacts.models.lists import MembershipQuerySet
from contacts.refusals import Refused
from contacts.services.deleting import deletable, delete_held, hold
from contacts.services.lists import keep_list, remove_from_list

logger = logging.getLogger(__name__)

# Deleted at a time: each is done in a second or two, and nobody who calls them waits longer.
BATCH = 10_000
# So many later imports are named.
MOST_LATER = 5
UNDO_TIMEOUT_SECONDS = 3600
# Of a batch that was held up by somebody whom it held up.
ATTEMPTS = 5


@dataclass(frozen=True)
class Undoing:
    """What undoing an import will do, to be shown before it is done.

    Of the contacts that it created and that are still there, ``deleted`` go and ``kept`` stay; ``taken_off``
    are on its list by it. ``uses``: where that list is used. ``later``: imports into the same list that came
    after it and found contacts unchanged, the newest few, and ``more_later`` others; who is deleted may have
    been in their files.
    """

    deleted: int
    kept: int
    taken_off: int
    uses: tuple[ListUse, ...]
    later: tuple[Import, ...]
    more_later: int


def extent_of_undoing(contact_import: Import) -> Undoing:
    """Of an import that may be undone."""
    members = _members(contact_import)
    created = _created(contact_import)
    goes = _undone_with(contact_import, only_on_its_list=True).count()
    later = _later(contact_import) if goes else Import.objects.none()
    named = tuple(later[:MOST_LATER])
    return Undoing(
        deleted=goes,
        kept=created.count() - goes,
        taken_off=members.current().count(),
        uses=tuple(uses_of(contact_import.list) if contact_import.list else ()),
        later=named,
        more_later=later.count() - len(named),
    )


@transaction.atomic
def undo_import(*, contact_import: Import, actor: User | None) -> None:
    """Have a worker undo an import. Raises ``Refused`` when it was undone, or nobody knows whom it added."""
    if contact_import.list is not None:
        # It is not deleted between the question and the answer; afterwards, it waits for the worker.
        keep_list(list=contact_import.list)
    may_be = Import.objects.filter(
        pk=contact_import.pk,
        status="completed",
        merged_at__isnull=False,
        list_version__isnull=False,
        list__isnull=False,
    )
    asked = may_be.filter(undo_asked_at=None).update(undo_asked_at=timezone.now(), undone_by=actor)
    if not asked:
        if may_be.exists():
            raise Refused("Somebody undid this import already.")
        raise Refused("This import can’t be undone: whom it added is not known any more.")
    contact_import.refresh_from_db()
    if actor:
        logger.info("%s undid import %s", actor.username, contact_import.pk)
    import_id = contact_import.pk
    transaction.on_commit(lambda: enqueue_undoing(import_id))


def enqueue_undoing(import_id: int) -> None:
    """Have a worker undo it, or go on where one that is gone left it."""
    async_task("contacts.tasks.run_undoing", import_id, timeout=UNDO_TIMEOUT_SECONDS)


def run_undoing(import_id: int) -> None:
    """Undo an import that somebody asked to undo. Delivered twice, or after a kill, it ends the same."""
    with alone(import_id) as is_alone:
        mine = Import.objects.filter(pk=import_id, undo_asked_at__isnull=False, undone_at=None)
        contact_import = mine.select_related("list", "undone_by").first() if is_alone else None
        if contact_import is None:
            return
        _take_off(contact_import)
        last = 0
        while keys := _next(contact_import, last):
            last = keys[-1]
            _delete_whatever_waits(contact_import, keys)
        mine.update(undone_at=timezone.now())


def _delete_whatever_waits(contact_import: Import, keys: list[int]) -> None:
    """Somebody who enrolls the same contacts, or types their numbers, may wait for us while we wait for them:
    then one of both begins again."""
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            return _delete(contact_import, keys)
        except OperationalError as error:
            if not attempts_left or not isinstance(error.__cause__, errors.DeadlockDetected):
                raise


@transaction.atomic
def _take_off(contact_import: Import) -> None:
    """Everybody whom it added and who is there by it, off the list, as one version."""
    chosen = Contact.objects.filter(pk__in=_members(contact_import).current().values("contact"))
    removed = remove_from_list(
        # It can't be deleted meanwhile (services/lists.py).
        list=List.objects.get(imports=contact_import),
        contacts=chosen,
        note=f"Import of {contact_import.file_name} undone",
        actor=contact_import.undone_by,
    )
    Import.objects.filter(pk=contact_import.pk).update(taken_off=F("taken_off") + removed)


def _next(contact_import: Import, after: int) -> list[int]:
    contacts = _undone_with(contact_import).filter(pk__gt=after)
    return list(contacts.order_by("pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _delete(contact_import: Import, keys: list[int]) -> None:
    hold_contacts()
    held = hold(keys)
    # Whom somebody changed, or put on a list, since they were looked up.
    contacts = _undone_with(contact_import).filter(pk__gte=keys[0], pk__lte=keys[-1])
    still = set(contacts.values_list("pk", flat=True))
    gone = [key for key in held if key in still]
    delete_held(gone, actor=contact_import.undone_by)
    Import.objects.filter(pk=contact_import.pk).update(deleted=F("deleted") + len(gone))


def _later(contact_import: Import) -> QuerySet[Import]:
    """Imports into the same list, after it, whose files may have had the same contacts and left no trace."""
    return Import.objects.filter(
        list=contact_import.list_id,
        status=ImportStatus.COMPLETED,
        finished_at__gt=contact_import.finished_at,
        unchanged__gt=0,
        undo_asked_at=None,
    ).order_by("-finished_at")


def _members(contact_import: Import) -> MembershipQuerySet:
    """Whom it added to its list, whether they are on it still or not."""
    return Membership.objects.filter(_by(contact_import))


def _by(contact_import: Import) -> Q:
    return Q(list=contact_import.list_id, added_in=contact_import.list_version)


def _created(contact_import: Import) -> QuerySet[Contact]:
    return Contact.objects.filter(
        Exists(_members(contact_import).filter(contact=OuterRef("pk"))),
        Q(created_at=contact_import.merged_at, erased_at=None),
    )


def _undone_with(contact_import: Import, *, only_on_its_list: bool = False) -> QuerySet[Contact]:
    """Contacts that it created and that are deleted with it: of nobody else's concern, and on no list; or,
    before they are taken off, on its own alone."""
    on = Membership.objects.filter(contact=OuterRef("pk")).current()
    if only_on_its_list:
        on = on.exclude(_by(contact_import))
    untouched = _created(contact_import).filter(Q(updated_at=contact_import.merged_at))
    return deletable(untouched).filter(~Exists(on))
