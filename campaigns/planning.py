"""How statements about a million rows are planned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

MANY = 20_000


@contextmanager
def planned_for(rows: int) -> Iterator[None]:
    """Statements inside are planned for many rows, if there are many, whatever the statistics say.

    Those of a list that was imported a moment ago are not there yet, and a look-up for each row of it
    takes minutes. In a transaction, which the settings don't outlive.
    """
    if rows < MANY:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute("SET LOCAL jit = off")
        yield
        # An error would end the transaction, and the settings with it.
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
        cursor.execute("SET LOCAL work_mem TO DEFAULT")
        cursor.execute("SET LOCAL jit TO DEFAULT")
