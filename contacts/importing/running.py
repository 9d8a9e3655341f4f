"""The import itself: from a mapped file to contacts in a list, once, whatever is killed or repeated."""

from __future__ import annotations

import gc
import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from psycopg import errors

from contacts.importing.destinations import ContactsIntoList, Destination
from contacts.importing.forbidding import OntoDoNotContact
from contacts.importing.reading import Dialect, Row, UnreadableFile, rows
from contacts.importing.saving import StagedRejection, StagedRejections
from contacts.importing.uploads import delete_upload
from contacts.lifecycles import IMPORT
from contacts.models import Import, ImportStatus

logger = logging.getLogger(__name__)

_IMPORT_LOCK = 770217
BATCH_ROWS = 5000
# However long the rows are, so many bytes of memory at most, and a row more; each cell takes some beside
# its text.
BATCH_BYTES = 8_000_000
_CELL_BYTES = 50
# Whoever started it so often and never came to an end was most likely killed by it, as the next would be.
MOST_ATTEMPTS = 3
# How often the rows read are told, and looked whether somebody cancelled.
PROGRESS_SECONDS = 0.5
# Somebody else made one of the contacts, or two waited for each other: seldom once, hardly ever twice.
_GONE_WHEN_TRIED_AGAIN = (errors.UniqueViolation, errors.DeadlockDetected)
_MERGE_ATTEMPTS = 5
_UNEXPECTED = (
    "Something went wrong on our side, and nothing was imported. Try again; if it happens again, tell "
    "your administrator: the log has the details."
)
_STOPPED = (
    f"The process that imported it was stopped {MOST_ATTEMPTS} times before the end; nothing was imported. "
    "Perhaps the machine has too little memory for it: split the file, or tell your administrator. You can "
    "try again."
)
_GONE = "The uploaded file is gone. Upload it again."


class Cancelled(Exception):
    """Somebody cancelled the import while it ran."""


def run_import(import_id: int) -> None:
    """Run a mapped import to its end. Delivered twice, or again after a kill, the end is the same.

    A row is created, updated, unchanged, a duplicate or invalid; the five add up to the rows. Whoever is
    killed leaves nothing behind: the next one starts over, but only so often; then it has failed. With the
    connection to the database lost, the import stays running, with nobody at work, and is resumed as after
    a kill.
    """
    mine = Import.objects.filter(pk=import_id)
    connection.ensure_connection()
    session = connection.connection
    try:
        with alone(import_id) as is_alone:
            if is_alone:
                _run_alone(mine)
        if is_alone:
            # Last of all: with a file, it can be run again. Housekeeping deletes what is left here.
            for done in mine.filter(status__in=IMPORT.terminal).exclude(file="").values_list("pk", flat=True):
                delete_upload(done)
    except (OperationalError, InterfaceError, psycopg.Error):
        # The last of them from COPY, of which Django knows nothing.
        if _goes_on(session):
            raise
        logger.warning("import %s lost its connection to the database", import_id)
        connection.close()


def is_running_somewhere(import_id: int) -> bool:
    """Whether a process is at work on it right now; False for one that died over it."""
    # Looked up and not tried: whoever tried to lock it would be in the way of who wants to run it.
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({_AT_WORK})", [_IMPORT_LOCK, import_id])
        return bool(cursor.fetchone()[0])


def interrupt(import_id: int) -> None:
    """End the statement that a process is at on this import, so that it looks up and sees its end."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_cancel_backend(at_work.pid) FROM ({_AT_WORK}) AS at_work",  # noqa: S608
            [_IMPORT_LOCK, import_id],
        )


_AT_WORK = """
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 2 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _run_alone(mine: QuerySet[Import]) -> None:
    # We are the only ones at it: who was running it is gone, and left nothing behind.
    if _fail(mine.filter(attempts__gte=MOST_ATTEMPTS), _STOPPED):
        return
    IMPORT.apply(mine.filter(status=ImportStatus.RUNNING), "retry")
    moved = IMPORT.apply(
        mine,
        "run",
        attempts=F("attempts") + 1,
        rows=0,
        invalid=0,
        error="",
        enqueued_at=None,
        saving_since=None,
        finished_at=None,
    )
    if not moved:
        return
    contact_import = mine.select_related("created_by").get()
    session = connection.connection
    try:
        _run(contact_import)
    except Cancelled:
        logger.info("import %s was cancelled", contact_import.pk)
    except UnreadableFile as unreadable:
        _fail(mine, str(unreadable)[:400])
    except FileNotFoundError:
        _fail(mine, _GONE)
    except Exception as error:
        if not _goes_on(session):
            raise
        if mine.filter(status=ImportStatus.CANCELLED).exists():
            logger.info("import %s was cancelled while it was saved", contact_import.pk)
            return
        logger.error("import %s failed: %s", contact_import.pk, _without_data(error))
        _fail(mine, _UNEXPECTED)


def _goes_on(session: Any) -> bool:
    """Whether it is still the same connection: the end of a transaction makes a new one of one that was lost,
    and that one has no lock on anything."""
    return connection.connection is session and connection.is_usable()


def _without_data(error: BaseException) -> str:
    """What went wrong and where, for the log: messages tell of the row that it went wrong with."""
    told = []
    cause: BaseException | None = error
    while cause is not None:
        about = type(cause).__name__
        if isinstance(cause, psycopg.Error):
            about += f" {cause.sqlstate} {cause.diag.constraint_name or cause.diag.table_name or ''}".rstrip()
        told.append(about)
        cause = cause.__cause__
    return ", by ".join(told) + "\n" + "".join(traceback.format_tb(error.__traceback__))


def _fail(mine: QuerySet[Import], error: str) -> int:
    # Unless somebody cancelled it: then that is how it ended.
    return IMPORT.apply(mine, "fail", error=error, saving_since=None, finished_at=timezone.now())


def _run(contact_import: Import) -> None:
    mine = Import.objects.filter(pk=contact_import.pk)
    if not contact_import.file:
        raise FileNotFoundError
    dialect = Dialect.from_json(contact_import.dialect)
    count = invalid = 0
    told_at = time.monotonic()
    with (
        _without_old_objects(),
        destination_of(contact_import) as destination,
        StagedRejections() as rejected,
        contact_import.file.open("rb") as stored,
    ):
        source = rows(stored.file, dialect)
        for batch in _batches(source):
            read = [destination.read(row) for row in batch]
            rejections = [row for row in read if isinstance(row, StagedRejection)]
            if valid := [row for row in read if not isinstance(row, StagedRejection)]:
                destination.add(valid)
            if rejections:
                rejected.add(rejections)
            count += len(batch)
            invalid += len(rejections)
            if time.monotonic() - told_at >= PROGRESS_SECONDS:
                _tell(mine, rows=count, invalid=invalid)
                told_at = time.monotonic()
        _tell(mine, rows=count, invalid=invalid, saving_since=timezone.now())
        for attempts_left in reversed(range(_MERGE_ATTEMPTS)):
            try:
                _save(mine, destination, rejected, rows=count, invalid=invalid)
                break
            except (IntegrityError, OperationalError) as error:
                if not attempts_left or not isinstance(error.__cause__, _GONE_WHEN_TRIED_AGAIN):
                    raise


@contextmanager
def _without_old_objects() -> Iterator[None]:
    """Garbage is looked for among what the import makes, and not in all that the process had before.

    Rows are many and make no garbage that must be looked for; yet each some ten thousand of them had all
    modules and numbering plans looked through, for a tenth of the reading's time.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _batches(source: Iterator[Row]) -> Iterator[list[Row]]:
    """The rows, some thousands at a time; fewer where they are long, so that memory is bounded."""
    batch: list[Row] = []
    size = 0
    for row in source:
        batch.append(row)
        size += len("".join(row.cells)) + _CELL_BYTES * len(row.cells)
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _tell(mine: QuerySet[Import], **progress: Any) -> None:
    """Write down how far it is. Raises ``Cancelled``."""
    if not mine.filter(status=ImportStatus.RUNNING).update(**progress):
        raise Cancelled


@transaction.atomic
def _save(
    mine: QuerySet[Import],
    destination: Destination[Any],
    rejected: StagedRejections,
    *,
    rows: int,
    invalid: int,
) -> None:
    """All that was staged, and the import's end: all of it or nothing. Raises ``Cancelled``."""
    merged = destination.merge()
    rejected.keep(mine.get().pk)
    # Whatever the commit would check is checked now: from the next statement on, who cancels waits for us.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    moved = IMPORT.apply(
        mine,
        "complete",
        list=merged.list,
        rows=rows,
        created=merged.created,
        updated=merged.updated,
        unchanged=merged.unchanged,
        duplicates=merged.duplicates,
        invalid=invalid,
        finished_at=timezone.now(),
        merged_at=merged.at,
        list_version=merged.version,
    )
    if not moved:
        raise Cancelled


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
def alone(import_id: int) -> Iterator[bool]:
    """Whether this process is the only one at work on an import; the database lets go of who dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_IMPORT_LOCK, import_id])
        (taken,) = cursor.fetchone()
    session = connection.connection
    try:
        yield taken
    finally:
        # A lost connection has let go already; a broken transaction lets go when it is over.
        if taken and _goes_on(session):
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_IMPORT_LOCK, import_id])
            except OperationalError:
                # Interrupted a moment too late, by who cancelled: let go all the same.
                connection.close()
