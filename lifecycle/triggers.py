"""The database's own guard: a trigger that refuses a change of state that no move makes.

The Python side never tries one; this is for everything else (SQL by hand, a future bug). A test
compares what is installed with the tables, so that they can't drift apart.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import migrations


def guard_sql(table: str, column: str, transitions: Iterable[tuple[str, str]]) -> str:
    """SQL that (re)installs the guard of one table for the given pairs (from, to)."""
    pairs = ", ".join(f"'{source}>{target}'" for source, target in sorted(transitions))
    function = f"{table}_{column}_guard"
    return f"""
        CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.{column} || '>' || NEW.{column} NOT IN ({pairs}) THEN
                RAISE EXCEPTION '{table}: no move from % to %', OLD.{column}, NEW.{column}
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        DROP TRIGGER IF EXISTS {function} ON {table};
        CREATE TRIGGER {function} BEFORE UPDATE OF {column} ON {table}
            FOR EACH ROW WHEN (OLD.{column} IS DISTINCT FROM NEW.{column})
            EXECUTE FUNCTION {function}();
    """


def drop_sql(table: str, column: str) -> str:
    function = f"{table}_{column}_guard"
    return f"DROP TRIGGER IF EXISTS {function} ON {table}; DROP FUNCTION IF EXISTS {function}();"


def guard(table: str, column: str, transitions: Iterable[tuple[str, str]]) -> migrations.RunSQL:
    """The migration operation; a later change of the table is a new migration with the new pairs."""
    return migrations.RunSQL(guard_sql(table, column, transitions), drop_sql(table, column))
