"""The rows of imports that were not taken: as a table to correct and upload again, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, Func, IntegerField, Max, OuterRef, QuerySet

from contacts.importing import mapping
from contacts.lifecycles import IMPORT
from contacts.models import Import, ImportStatus, RejectedRow


def kept_rejections(contact_import: Import) -> QuerySet[RejectedRow]:
    """Rejected rows by their lines, but those of people who were erased: nothing is left of these."""
    return contact_import.rejected_rows.exclude(values=[]).order_by("line")


def rejected_table(contact_import: Import) -> tuple[list[str], Iterator[list[Any]]]:
    """(the header, the rows by their lines): all that a row said, its line, and why it was rejected.

    Values beyond the file's columns have columns of their own. Uploaded again, a row with one of them is
    rejected again: nobody knows which of its values belong together.
    """
    columns = contact_import.dialect.get("columns", ())
    own = [position for position, name in enumerate(columns) if not mapping.is_added(name)]
    rows = kept_rejections(contact_import)
    length = Func(F("values"), function="jsonb_array_length", output_field=IntegerField())
    widest = rows.aggregate(widest=Max(length))["widest"] or 0
    beyond = min(max(0, widest - len(columns)), mapping.MOST_BEYOND)

    def table() -> Iterator[list[Any]]:
        found = rows.values_list("line", "reason", "values")
        for line, reason, values in found.iterator(chunk_size=2000):
            cells = [values[position] if position < len(values) else "" for position in own]
            more = values[len(columns) :]
            if len(more) > beyond:
                more = [*more[: beyond - 1], ", ".join(filter(None, more[beyond - 1 :]))]
            yield [*cells, *more, *[""] * (beyond - len(more)), line, reason]

    header = [
        *(columns[position] for position in own),
        *mapping.beyond_columns(beyond),
        mapping.LINE_COLUMN,
        mapping.REASON_COLUMN,
    ]
    return header, table()


def delete_old_rejections(*, before: datetime) -> None:
    """Delete the rejected rows of imports that ended before then: they are personal data, too."""
    ended = Import.objects.filter(status__in=[*IMPORT.terminal, ImportStatus.FAILED], finished_at__lt=before)
    with_some = ended.filter(Exists(RejectedRow.objects.filter(contact_import=OuterRef("pk"))))
    for import_id in with_some.values_list("pk", flat=True):
        RejectedRow.objects.filter(contact_import=import_id).delete()
