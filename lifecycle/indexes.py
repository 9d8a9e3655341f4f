"""Indexes of large tables, made and dropped while calls go on, by migrations that may be run again.

Django's own operations stop at an index that an interrupted migration left behind: half of one, or a whole
one that was not written down yet. And who was killed while an index was made may still be at it in the
database: the next one waits for that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.postgres import operations
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

# Of the advisory locks: who works on an index.
_INDEX_LOCK = 770229
# Only ours: another schema may have one of the same name.
_IS_WHOLE = """
SELECT indisvalid FROM pg_index WHERE indexrelid = (
    SELECT oid FROM pg_class WHERE relkind = 'i' AND relname = %s AND pg_table_is_visible(oid)
)
"""


class AddIndexConcurrently(operations.AddIndexConcurrently):
    """Make an index unless it is there; half of one is made anew."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        with _alone(schema_editor, self.index.name):
            if _is_missing(schema_editor, model, self.index):
                super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        with _alone(schema_editor, self.index.name):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveIndexConcurrently(operations.RemoveIndexConcurrently):
    """Drop an index if it is there; made again when that is undone, as ``AddIndexConcurrently`` does."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        with _alone(schema_editor, self.name):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        index = to_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
        with _alone(schema_editor, self.name):
            if _is_missing(schema_editor, model, index):
                super().database_backwards(app_label, schema_editor, from_state, to_state)


@contextmanager
def _alone(schema_editor: Any, name: str) -> Iterator[None]:
    """Nobody else makes or drops the index meanwhile."""
    with schema_editor.connection.cursor() as cursor:
        # Asked again and again: a statement that waits is itself what who makes an index waits for.
        while not _is_true(cursor, "SELECT pg_try_advisory_lock(%s, hashtext(%s))", _INDEX_LOCK, name):
            time.sleep(0.2)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [_INDEX_LOCK, name])


def _is_missing(schema_editor: Any, model: type[models.Model], index: models.Index) -> bool:
    """Whether an index has to be made: it is not there, or no more, since there was but half of it."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_IS_WHOLE, [index.name])
        found = cursor.fetchone()
    if found == (False,):
        schema_editor.remove_index(model, index, concurrently=True)
    return bool(found != (True,))


def _is_true(cursor: Any, query: str, *parameters: object) -> bool:
    cursor.execute(query, parameters)
    return bool(cursor.fetchone()[0])
