"""The search index (``contact_words``) while very many contacts are inserted.

PostgreSQL puts what is inserted aside, in a list, and files it when the list is full; whoever inserts does
both. Here a second connection files, so that both processors work. What is put aside is found by searches all
along.
"""

from __future__ import annotations

import logging
import threading
from typing import Self

from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)

# From so many rows on, a merge is worth a connection that files.
_LARGE = 5000
# What is put aside meanwhile is looked through by each search: half a millisecond for a thousand rows.
_PAUSE_SECONDS = 1
# Only who owns the index may file.
_FILE = """
    SELECT gin_clean_pending_list(index.oid) FROM pg_class AS index
    WHERE index.oid = to_regclass('contact_words') AND pg_has_role(index.relowner, 'USAGE')
"""


def file_what_was_put_aside() -> bool:
    """File it now; searches are quicker afterwards. False: this database user may not."""
    with connection.cursor() as cursor:
        cursor.execute(_FILE)
        return cursor.fetchone() is not None


class Filing:
    """While the ``with`` lasts, in a transaction, another connection files what this one inserts."""

    def __init__(self, *, rows: int) -> None:
        self._is_worth_it = rows >= _LARGE
        self._is_over = False
        self._is_awake = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed = False

    def __enter__(self) -> Self:
        if self._is_worth_it and file_what_was_put_aside():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL gin_pending_list_limit = '2000MB'")
            self._thread = threading.Thread(target=self._work, name="filing", daemon=True)
            self._thread.start()
        return self

    def begin(self) -> None:
        """Most of what is inserted has been put aside: file it now, and not after a pause."""
        self._is_awake.set()

    def __exit__(self, *error: object) -> None:
        if self._thread is None:
            return
        self._is_over = True
        self._is_awake.set()
        self._thread.join()
        if connection.is_usable() and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL gin_pending_list_limit TO DEFAULT")
            if self._failed:
                file_what_was_put_aside()

    def _work(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET maintenance_work_mem = '256MB'")
            while not self._is_over:
                self._is_awake.wait(_PAUSE_SECONDS)
                self._is_awake.clear()
                file_what_was_put_aside()
            file_what_was_put_aside()
        except DatabaseError:
            logger.exception("the search index is not filed beside the import")
            self._failed = True
        finally:
            connection.close()
