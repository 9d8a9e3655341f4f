"""The import itself: from a mapped file to contacts in a list, once, whatever is killed or repeated."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from contacts.importing.destinations import ContactsIntoList, Destination
from contacts.importing.forbidding import OntoDoNotContact
from contacts.importing.reading import Dialect, UnreadableFile, rows
from contacts.importing.saving import StagedRejection, StagedRejections
from contacts.lifecycles import IMPORT
from contacts.models import Import, ImportStatus
from lifecycle import MoveRefused

logger = logging.getLogger(__name__)

_IMPORT_LOCK = 770217
BATCH_ROWS = 2000
_UNEXPECTED = (
    "Something went wrong on our side, and nothing was imported. Try again; if it happens again, tell "
    "your administrator: the log has the details."
)


def run_import(import_id: int) -> None:
    """Run a mapped import to its end. Delivered twice, or again after a kill, the end is the same.

    A row is created, updated, unchanged, a duplicate or invalid; the five add up to the rows.
    """
    with _alone(import_id) as alone:
        if not alone:
            return
        mine = Import.objects.filter(pk=import_id)
        # We are the only ones at it: who was running it is gone, and left nothing behind.
        IMPORT.apply(mine.filter(status=ImportStatus.RUNNING), "retry")
        try:
            IMPORT.apply(mine, "run", expect=1, rows=0, invalid=0, error="", finished_at=None)
        except MoveRefused:
            return
        contact_import = mine.select_related("created_by").get()
        try:
            _run(contact_import)
        except UnreadableFile as unreadable:
            IMPORT.apply(mine, "fail", error=str(unreadable)[:400], finished_at=timezone.now())
        except FileNotFoundError:
            IMPORT.apply(
                mine, "fail", error="The uploaded file is gone. Upload it again.", finished_at=timezone.now()
            )
        except Exception:
            logger.exception("import %s failed", import_id)
            IMPORT.apply(mine, "fail", error=_UNEXPECTED, finished_at=timezone.now())


def is_running_somewhere(import_id: int) -> bool:
    """Whether a process is at work on it right now; False for one that died over it."""
    with _alone(import_id) as alone:
        return not alone


def _run(contact_import: Import) -> None:
    mine = Import.objects.filter(pk=contact_import.pk)
    dialect = Dialect.from_json(contact_import.dialect)
    count = invalid = 0
    with (
        destination_of(contact_import) as destination,
        StagedRejections() as rejected,
        contact_import.file.open("rb") as stored,
    ):
        source = rows(stored.file, dialect)
        while batch := list(islice(source, BATCH_ROWS)):
            read = [destination.read(row) for row in batch]
            valid = [row for row in read if not isinstance(row, StagedRejection)]
            rejections = [row for row in read if isinstance(row, StagedRejection)]
            if valid:
                destination.add(valid)
            if rejections:
                rejected.add(rejections)
            count += len(batch)
            invalid += len(rejections)
            # For the progress bar.
            mine.update(rows=count, invalid=invalid)
        with transaction.atomic():
            merged = destination.merge()
            rejected.keep(contact_import.pk)
            IMPORT.apply(
                mine,
                "complete",
                expect=1,
                list=merged.list,
                rows=count,
                created=merged.created,
                updated=merged.updated,
                unchanged=merged.unchanged,
                duplicates=merged.duplicates,
                invalid=invalid,
                finished_at=timezone.now(),
            )


def destination_of(contact_import: Import) -> Destination[Any]:
    """Where the rows of an import go, by its purpose."""
    match contact_import.purpose:
        case Import.Purpose.CONTACTS:
            return ContactsIntoList(contact_import)
        case Import.Purpose.DO_NOT_CONTACT:
            return OntoDoNotContact(contact_import)
        case purpose:
            raise NotImplementedError(f"imports of {purpose}")


@contextmanager
def _alone(import_id: int) -> Iterator[bool]:
    """Whether this process is the only one at work on an import; the database lets go of who dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_IMPORT_LOCK, import_id])
        (taken,) = cursor.fetchone()
    try:
        yield taken
    finally:
        # A lost connection has let go already; a broken transaction lets go when it is over.
        if taken and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_IMPORT_LOCK, import_id])
