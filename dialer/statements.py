"""Running the engine's SQL: statements with named parameters, values in, rows out.

Django binds parameters in the client and has every statement parsed and planned anew. The engine's few
statements run a thousand times a second: here they are bound by the server and prepared, in the same
connection and transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")


@contextmanager
def _cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


def rows(statement: str, parameters: Mapping[str, Any], *, prepare: bool = True) -> list[tuple[Any, ...]]:
    """Run a statement that returns rows.

    ``prepare=False`` for one whose best plan depends on its parameters.
    """
    with _cursor() as cursor:
        cursor.execute(statement.encode(), parameters, prepare=prepare)
        return cursor.fetchall()


def run(statement: str, parameters: Mapping[str, Any], *, prepare: bool = True) -> int:
    """Run a statement that returns none; tells how many it changed."""
    with _cursor() as cursor:
        cursor.execute(statement.encode(), parameters, prepare=prepare)
        return cursor.rowcount


def tried_twice(deed: Callable[[], T]) -> T:
    """Do it once more where the database was away, or two transactions met: for what may be repeated."""
    try:
        return deed()
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        # A new one is made: this one may be to a server that has restarted.
        connection.close()
        return deed()
