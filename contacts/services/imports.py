"""What may be done with imports."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath
from typing import BinaryIO

from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from accounts.models import User
from contacts.importing import mapping as columns
from contacts.importing.reading import Dialect, Inspection, UnreadableFile, clean, inspect
from contacts.importing.remembering import known_from, mapping_by_header, remember_mapping, remembered_mapping
from contacts.importing.running import interrupt, is_running_somewhere
from contacts.importing.uploads import delete_upload
from contacts.lifecycles import IMPORT
from contacts.models import Import, ImportStatus, List
from contacts.refusals import Refused
from contacts.services.lists import checked_name, keep_list

logger = logging.getLogger(__name__)

# A file as large as is taken, into a database as slow as can be.
IMPORT_TIMEOUT_SECONDS = 3600


def upload_import(
    *,
    file: BinaryIO,
    file_name: str,
    list: List | None = None,
    list_name: str = "",
    country: str,
    email_is_enough: bool = False,
    purpose: str = Import.Purpose.CONTACTS,
    scope: str = "",
    reason: str = "",
    expires_at: datetime | None = None,
    corrects: Import | None = None,
    is_for_a_script: bool = False,
    actor: User | None,
) -> Import:
    """Keep an uploaded file, with what was found in it and what its columns probably are.

    Its contacts will go into ``list``, or the one called ``list_name``, which need not exist yet; what must
    not be contacted is entered with ``scope``, ``reason`` and ``expires_at``. ``corrects``: the import whose
    rejected rows these are. ``is_for_a_script``: nobody will look at the columns, and what somebody said of
    such ones last time must not change what they are. Raises ``UnreadableFile`` when the file holds nothing,
    and ``Refused``; then nothing is kept.
    """
    name = ""
    if purpose == Import.Purpose.CONTACTS:
        name = list.name if list else checked_name(list_name)
    inspection = inspect(file)
    file.seek(0)
    file_name = PurePath(clean(file_name).replace("\\", "/")).name[-255:] or "contacts.csv"
    contact_import = Import(
        purpose=purpose,
        file_name=file_name,
        list=list or List.objects.filter(name=name).first(),
        list_name=name,
        country=country,
        email_is_enough=email_is_enough,
        scope=scope,
        reason=reason,
        expires_at=expires_at,
        dialect=inspection.dialect.as_json(),
        created_by=actor,
    )
    contact_import.mapping = (
        (corrects and known_from(corrects, inspection.dialect.columns))
        or (not is_for_a_script and known_mapping(contact_import, inspection))
        or guessed_mapping(contact_import, inspection)
    )
    # The stored name is ours: people's file names may be anything.
    contact_import.file.save("contacts.csv", File(file), save=False)
    try:
        with transaction.atomic():
            if contact_import.list is not None:
                # It was there a moment ago: the file has been stored since.
                keep_list(list=contact_import.list)
            contact_import.save()
    except BaseException:
        contact_import.file.delete(save=False)
        raise
    return contact_import


def inspect_import(
    *,
    contact_import: Import,
    has_header: bool | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> Inspection:
    """Look at an import's file again: as before, but for what is given.

    Raises ``UnreadableFile``, also when the file is gone.
    """
    known = Dialect.from_json(contact_import.dialect)
    if has_header is None and known.is_read_by(encoding=encoding, delimiter=delimiter, sheet=sheet):
        has_header = known.has_header
    try:
        if not contact_import.file:
            raise FileNotFoundError
        with contact_import.file.open("rb") as stored:
            return inspect(
                stored.file,
                has_header=has_header,
                encoding=encoding or known.encoding,
                delimiter=delimiter or known.delimiter,
                sheet=sheet or known.sheet,
            )
    except FileNotFoundError:
        raise UnreadableFile("The uploaded file is gone. Upload it again.") from None


def guessed_mapping(contact_import: Import, inspection: Inspection) -> dict[str, str]:
    """A guess of an import's columns, as ``Import.mapping`` keeps it."""
    targets = columns.guess(
        inspection.dialect.columns,
        inspection.rows,
        contact_import.country,
        purpose=contact_import.purpose,
    )
    return {str(position): target for position, target in enumerate(targets)}


def known_mapping(contact_import: Import, inspection: Inspection) -> dict[str, str] | None:
    """What the columns of a file with these headers were said to be, if one was imported before."""
    names = inspection.dialect.columns
    if not inspection.dialect.has_header:
        return None
    before = remembered_mapping(purpose=contact_import.purpose, columns=names)
    return mapping_by_header(names, before.targets) if before else None


@transaction.atomic
def map_import(
    *,
    contact_import: Import,
    mapping: Mapping[int, str],
    has_header: bool | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    email_is_enough: bool | None = None,
    is_run_here: bool = False,
    actor: User | None = None,
) -> None:
    """Say what the columns are, and let the import run in the background; the next file is mapped alike.

    ``mapping``: position of a column -> a target of ``importing.mapping``. ``has_header`` and what follows
    correct how the file is read; ``email_is_enough``, what a row needs. ``is_run_here``: the caller, a
    script, runs it, and the next file learns nothing from it. Raises ``Refused`` when no column is the phone
    number or two are the same thing, ``UnreadableFile``, and ``MoveRefused`` when it runs already.
    """
    if email_is_enough is None:
        email_is_enough = contact_import.email_is_enough
    if found := columns.problems(mapping, purpose=contact_import.purpose, email_is_enough=email_is_enough):
        raise Refused(" ".join(found))
    dialect = Dialect.from_json(contact_import.dialect)
    if has_header not in {None, dialect.has_header} or not dialect.is_read_by(
        encoding=encoding, delimiter=delimiter, sheet=sheet
    ):
        dialect = inspect_import(
            contact_import=contact_import,
            has_header=has_header,
            encoding=encoding,
            delimiter=delimiter,
            sheet=sheet,
        ).dialect
    targets = {str(position): target for position, target in mapping.items()}
    IMPORT.apply_to(
        contact_import,
        "map",
        mapping=targets,
        email_is_enough=email_is_enough,
        attempts=0,
        error="",
        dialect=dialect.as_json(),
    )
    if dialect.has_header and not is_run_here:
        remember_mapping(purpose=contact_import.purpose, columns=dialect.columns, mapping=targets)
    if actor:
        logger.info("%s started import %s", actor.username, contact_import.pk)
    if not is_run_here:
        _enqueue(contact_import)


@transaction.atomic
def retry_import(*, contact_import: Import, actor: User | None = None) -> None:
    """Run a failed import again, or one whose process died; the end is the same as if nothing happened.

    Raises ``Refused`` while it is at work or when its file is gone, and ``MoveRefused`` when it was never
    mapped or has ended.
    """
    if contact_import.status == ImportStatus.RUNNING and is_running_somewhere(contact_import.pk):
        raise Refused("This import is at work.")
    if contact_import.status == ImportStatus.FAILED and not contact_import.file:
        raise Refused("The uploaded file is gone. Upload it again.")
    IMPORT.apply_to(contact_import, "retry", attempts=0, error="")
    if actor:
        logger.info("%s ran import %s again", actor.username, contact_import.pk)
    _enqueue(contact_import)


@transaction.atomic
def cancel_import(*, contact_import: Import, actor: User | None) -> None:
    """Give an import up, wherever it stands: nothing of it is imported, and its file is deleted.

    It holds at once, also while the import is being saved. Raises ``MoveRefused`` when it has ended.
    """
    IMPORT.apply_to(contact_import, "cancel", error="", saving_since=None, finished_at=timezone.now())
    contact_import.rejected_rows.all().delete()
    import_id = contact_import.pk
    if actor:
        logger.info("%s cancelled import %s", actor.username, import_id)
    transaction.on_commit(lambda: interrupt(import_id))
    transaction.on_commit(lambda: delete_upload(import_id))


def _enqueue(contact_import: Import) -> None:
    import_id = contact_import.pk
    transaction.on_commit(lambda: enqueue_import(import_id))


def enqueue_import(import_id: int) -> None:
    """Have a worker run a mapped import, or go on with one whose worker is gone."""
    with transaction.atomic():
        Import.objects.filter(pk=import_id, status__in=IMPORT.active).update(enqueued_at=timezone.now())
        async_task("contacts.tasks.run_import", import_id, timeout=IMPORT_TIMEOUT_SECONDS)
