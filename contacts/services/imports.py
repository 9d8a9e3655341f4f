"""What may be done with imports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import BinaryIO

from django.core.files import File
from django.db import transaction
from django_q.tasks import async_task

from accounts.models import User
from contacts.importing import mapping as columns
from contacts.importing.reading import Inspection, UnreadableFile, clean, inspect
from contacts.importing.running import is_running_somewhere
from contacts.lifecycles import IMPORT
from contacts.models import Import, ImportStatus, List
from contacts.refusals import Refused
from contacts.services.lists import checked_name


def upload_import(
    *,
    file: BinaryIO,
    file_name: str,
    list: List | None = None,
    list_name: str = "",
    country: str,
    actor: User | None,
) -> Import:
    """Keep an uploaded file, with what was found in it and a guess of its columns.

    Its contacts will go into ``list``, or the one called ``list_name``, which need not exist yet.
    Raises ``UnreadableFile`` when it holds no contacts, and ``Refused``; then nothing is kept.
    """
    name = list.name if list else checked_name(list_name)
    inspection = inspect(file)
    file.seek(0)
    file_name = PurePath(clean(file_name).replace("\\", "/")).name[-255:] or "contacts.csv"
    contact_import = Import(
        file_name=file_name,
        list=list or List.objects.filter(name=name).first(),
        list_name=name,
        country=country,
        dialect=inspection.dialect.as_json(),
        mapping=guessed_mapping(inspection, country),
        created_by=actor,
    )
    # The stored name is ours: people's file names may be anything.
    contact_import.file.save("contacts.csv", File(file), save=False)
    try:
        contact_import.save()
    except BaseException:
        contact_import.file.delete(save=False)
        raise
    return contact_import


def inspect_import(*, contact_import: Import, has_header: bool | None = None) -> Inspection:
    """Look at an import's file again. Raises ``UnreadableFile``, also when the file is gone."""
    try:
        with contact_import.file.open("rb") as stored:
            return inspect(stored.file, has_header=has_header)
    except FileNotFoundError:
        raise UnreadableFile("The uploaded file is gone. Upload it again.") from None


def guessed_mapping(inspection: Inspection, country: str) -> dict[str, str]:
    """The guess of an import's columns, as ``Import.mapping`` keeps it."""
    targets = columns.guess(inspection.dialect.columns, inspection.rows, country)
    return {str(position): target for position, target in enumerate(targets)}


@transaction.atomic
def map_import(
    *, contact_import: Import, mapping: Mapping[int, str], has_header: bool, actor: User | None = None
) -> None:
    """Say what the columns are, and let the import run in the background.

    ``mapping``: position of a column -> a target of ``importing.mapping``. Raises ``Refused`` when no
    column is the phone number or two are the same thing, and ``MoveRefused`` when it runs already.
    """
    if found := columns.problems(mapping):
        raise Refused(" ".join(found))
    changes = {}
    if has_header != contact_import.dialect["has_header"]:
        changes["dialect"] = inspect_import(
            contact_import=contact_import, has_header=has_header
        ).dialect.as_json()
    IMPORT.apply_to(
        contact_import,
        "map",
        mapping={str(position): target for position, target in mapping.items()},
        error="",
        **changes,
    )
    _enqueue(contact_import)


@transaction.atomic
def retry_import(*, contact_import: Import, actor: User | None = None) -> None:
    """Run a failed import again, or one whose process died; the end is the same as if nothing happened.

    Raises ``Refused`` while it is at work, and ``MoveRefused`` when it was never mapped or is done.
    """
    if contact_import.status == ImportStatus.RUNNING and is_running_somewhere(contact_import.pk):
        raise Refused("This import is at work.")
    IMPORT.apply_to(contact_import, "retry", error="")
    _enqueue(contact_import)


def _enqueue(contact_import: Import) -> None:
    import_id = contact_import.pk
    transaction.on_commit(lambda: async_task("contacts.tasks.run_import", import_id))
