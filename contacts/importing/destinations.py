"""Where an import's rows go: what the runner asks of a destination; and one of them, contacts into a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

from contacts.importing import mapping
from contacts.importing.reading import Dialect, Row
from contacts.importing.rows import RowReader
from contacts.importing.saving import Merged, StagedContact, StagedRejection, Staging
from contacts.models import Import

Staged = TypeVar("Staged")


class Destination(Protocol[Staged]):
    """What an import's rows become, and where; made for one run of one import, by ``running``.

    The runner works on one connection, in this order:

    1. ``with destination:`` — outside any transaction. Makes its temporary tables, and drops them in the end,
       however the run ends (a lost connection, or a broken transaction, takes them along by itself).
       Nobody else must see anything yet: a run that is killed here must leave nothing behind.
    2. ``read(row)`` for every row of the file: what the row becomes, or a ``StagedRejection`` with the
       reason. Rows are many: no statement for each. Never raises for what a file can contain.
    3. ``add(batch)`` with what ``read`` made, some thousands at a time, never empty: stages them. Rejections
       are not among them; the runner stages and keeps those itself, and counts them as invalid.
    4. ``merge()`` once, in a transaction that the runner opened and commits: all that was added, into the
       database, as sets, waiting for nobody longer than it must. Must not touch the import's own row, which a
       person who cancels it writes to; the runner completes the import after it, or rolls all of it back.

    Of the sums that ``merge`` returns, ``created + updated + unchanged + duplicates`` is exactly how many
    were added. Run again over the same file, a destination changes nothing: all is unchanged or duplicates.
    """

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def read(self, row: Row) -> Staged | StagedRejection: ...

    def add(self, batch: Sequence[Staged]) -> None: ...

    def merge(self) -> Merged: ...


class ContactsIntoList:
    """Contacts, created or brought up to date, into the import's list."""

    def __init__(self, contact_import: Import) -> None:
        self._import = contact_import
        self._columns = Dialect.from_json(contact_import.dialect).columns
        self._targets = {int(position): target for position, target in contact_import.mapping.items()}
        self._reader = RowReader(
            self._targets,
            columns=len(self._columns),
            country=contact_import.country,
            email_is_enough=contact_import.email_is_enough,
        )
        self._staging = Staging()
        # Called for every row.
        self.read = self._reader.read

    def __enter__(self) -> Self:
        self._staging.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._staging.__exit__(*error)

    def add(self, batch: Sequence[StagedContact]) -> None:
        self._staging.add(batch)

    def merge(self) -> Merged:
        return self._staging.merge(
            list_id=self._import.list_id,
            list_name=self._import.list_name,
            note=f"Import of {self._import.file_name}",
            actor=self._import.created_by,
            fields=self._fields(),
        )

    def _fields(self) -> dict[str, tuple[str, str]]:
        """The custom fields that contacts of the file have: name -> (header, kind)."""
        labels = {
            target.removeprefix(mapping.FIELD): self._columns[position]
            for position, target in self._targets.items()
            if target.startswith(mapping.FIELD)
        }
        return {name: (labels[name], kind) for name, kind in self._reader.kinds().items()}
