"""The uploaded files of imports: full of personal data, so that none is kept longer than it is needed."""

from __future__ import annotations

from datetime import datetime

from contacts.models import Import


def delete_upload(import_id: int) -> None:
    """Delete an import's file, and then forget where it was: killed in between, it is found again."""
    name = Import.objects.filter(pk=import_id).values_list("file", flat=True).first()
    if name:
        Import.file.field.storage.delete(name)
        Import.objects.filter(pk=import_id, file=name).update(file="")


def delete_lost_uploads(*, before: datetime) -> None:
    """Delete stored files from before then that no import knows: whoever kept them was killed over it."""
    storage = Import.file.field.storage
    names = [
        f"{folder}/{name}"
        for folder in _folders("imports")
        for name in storage.listdir(folder)[1]
        if storage.get_modified_time(f"{folder}/{name}") < before
    ]
    for name in set(names) - set(Import.objects.filter(file__in=names).values_list("file", flat=True)):
        storage.delete(name)


def _folders(top: str) -> list[str]:
    """A folder and all below it."""
    storage = Import.file.field.storage
    if not storage.exists(top):
        return []
    found = [top]
    for folder in found:
        found += [f"{folder}/{name}" for name in storage.listdir(folder)[0]]
    return found
