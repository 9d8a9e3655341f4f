"""Contacts into the database, as sets: staged by COPY, then merged in one transaction.

Staging may take its time: nobody else sees it. The merge is all or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from django.db import connection
from django.db.models import F

from accounts.models import User
from contacts.models import List, ListVersion

# Two merges never overlap, so that they can't wait for each other's rows in a circle.
_MERGE_LOCK = 770216


# Made a million times in a row: frozen ones take ten times as long to make.
@dataclass(slots=True)
class StagedContact:
    """One valid row. Empty texts (also as number) and missing fields are what the file does not give."""

    line: int
    phone_number: str
    zone_set_id: int
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    time_zone: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class StagedRejection:
    """One row that can't become a contact, and why."""

    line: int
    reason: str
    values: Sequence[str]


@dataclass(frozen=True)
class Merged:
    """What a merge did; the first four are the valid rows, each counted once."""

    created: int
    updated: int
    unchanged: int
    duplicates: int
    # Into the list, and the list itself: None when there was no contact to put into one.
    added: int = 0
    list: List | None = None


class Staging:
    """Temporary tables of one connection, as long as the ``with`` lasts."""

    def __enter__(self) -> Self:
        _make_temporary_table(
            "staged_contact",
            """
            line integer NOT NULL, phone_number varchar(16) NOT NULL, zone_set_id smallint NOT NULL,
            email varchar(254) NOT NULL, first_name varchar(100) NOT NULL,
            last_name varchar(100) NOT NULL, company varchar(200) NOT NULL,
            time_zone varchar(64) NOT NULL, fields jsonb NOT NULL
            """,
        )
        return self

    def __exit__(self, *error: object) -> None:
        _drop_temporary_table("staged_contact")

    def add(self, contacts: Iterable[StagedContact]) -> None:
        """Stage some rows more."""
        _copy(
            "staged_contact (line, phone_number, zone_set_id, email, first_name, last_name, company, "
            "time_zone, fields)",
            (
                (
                    contact.line,
                    contact.phone_number,
                    contact.zone_set_id,
                    contact.email,
                    contact.first_name,
                    contact.last_name,
                    contact.company,
                    contact.time_zone,
                    json.dumps(contact.fields),
                )
                for contact in contacts
            ),
        )

    def merge(self, *, list_name: str, list_id: int | None, note: str, actor: User | None) -> Merged:
        """Bring the staged contacts into the database and into a list; call it in a transaction.

        What a row does not give is left as it is. The list is the given one, or the one of that name,
        which is made if there is a contact to put into it. It gets a new version only if it grows.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_MERGE_LOCK])
            cursor.execute("ANALYZE staged_contact")
            duplicates = _execute(cursor, _DROP_DUPLICATES)
            updated = _execute(cursor, _UPDATE)
            created = _execute(cursor, _CREATE)
            cursor.execute("SELECT count(*) FROM staged_contact")
            unchanged = cursor.fetchone()[0] - updated - created
            if created + updated + unchanged == 0:
                return Merged(0, 0, 0, duplicates)
            target = _locked_list(list_name, list_id, actor)
            number = target.version + 1
            added = _execute(cursor, _ADD_TO_LIST, {"list": target.pk, "number": number})
        if added:
            List.objects.filter(pk=target.pk).update(version=number, size=F("size") + added)
            target.refresh_from_db(fields=["version", "size"])
            ListVersion.objects.create(
                list=target, number=number, added=added, size=target.size, note=note[:200], created_by=actor
            )
        return Merged(created, updated, unchanged, duplicates, added, target)


class StagedRejections:
    """The rows of an import that can't be used, in a temporary table, as long as the ``with`` lasts."""

    def __enter__(self) -> Self:
        _make_temporary_table(
            "staged_rejection",
            "line integer NOT NULL, reason varchar(200) NOT NULL, values jsonb NOT NULL",
        )
        return self

    def __exit__(self, *error: object) -> None:
        _drop_temporary_table("staged_rejection")

    def add(self, rejections: Iterable[StagedRejection]) -> None:
        """Stage some rows more."""
        _copy(
            "staged_rejection (line, reason, values)",
            (
                (rejection.line, rejection.reason[:200], json.dumps(list(rejection.values)))
                for rejection in rejections
            ),
        )

    def keep(self, import_id: int) -> int:
        """Write them to the import they belong to; return how many. Call it in a transaction."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM contacts_rejectedrow WHERE contact_import_id = %s", [import_id])
            return _execute(
                cursor,
                "INSERT INTO contacts_rejectedrow (contact_import_id, line, reason, values) "
                "SELECT %(import)s, line, reason, values FROM staged_rejection ORDER BY line",
                {"import": import_id},
            )


def _locked_list(name: str, pk: int | None, actor: User | None) -> List:
    found = List.objects.select_for_update().filter(pk=pk).first() if pk else None
    if found is None:
        found = List.objects.get_or_create(name=name, defaults={"created_by": actor})[0]
        found = List.objects.select_for_update().get(pk=found.pk)
    return found


def _make_temporary_table(name: str, columns: str) -> None:
    # One that a run on the same connection left behind is not ours.
    _drop_temporary_table(name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {name} ({columns})")


def _drop_temporary_table(name: str) -> None:
    # A lost connection took its temporary tables along.
    if connection.is_usable() and not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


def _copy(target: str, rows: Iterable[Sequence[Any]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _execute(cursor: Any, sql: str, values: dict[str, Any] | None = None) -> int:
    cursor.execute(sql, values)
    return int(cursor.rowcount)


# The first row of a number counts; later ones are duplicates.
_DROP_DUPLICATES = """
    DELETE FROM staged_contact USING (
        SELECT line, row_number() OVER (PARTITION BY phone_number ORDER BY line) AS place
        FROM staged_contact
    ) AS placed
    WHERE placed.line = staged_contact.line AND placed.place > 1
"""

_UPDATE = """
    UPDATE contacts_contact AS contact SET
        email = coalesce(nullif(staged.email, ''), contact.email),
        first_name = coalesce(nullif(staged.first_name, ''), contact.first_name),
        last_name = coalesce(nullif(staged.last_name, ''), contact.last_name),
        company = coalesce(nullif(staged.company, ''), contact.company),
        time_zone = coalesce(nullif(staged.time_zone, ''), contact.time_zone),
        zone_set_id = CASE staged.time_zone WHEN '' THEN contact.zone_set_id ELSE staged.zone_set_id END,
        fields = contact.fields || staged.fields,
        updated_at = now()
    FROM staged_contact AS staged
    WHERE contact.phone_number = staged.phone_number AND (
        staged.email NOT IN ('', coalesce(contact.email, ''))
        OR staged.first_name NOT IN ('', contact.first_name)
        OR staged.last_name NOT IN ('', contact.last_name)
        OR staged.company NOT IN ('', contact.company)
        OR staged.time_zone NOT IN ('', contact.time_zone)
        OR contact.fields || staged.fields <> contact.fields
    )
"""

# In the order of the file; a contact that someone else makes meanwhile is left as it is.
_CREATE = """
    INSERT INTO contacts_contact (phone_number, email, first_name, last_name, company, time_zone,
                                  zone_set_id, fields, created_at, updated_at)
    SELECT phone_number, nullif(email, ''), first_name, last_name, company, time_zone,
           zone_set_id, fields, now(), now()
    FROM staged_contact AS staged
    WHERE NOT EXISTS (
        SELECT FROM contacts_contact AS contact WHERE contact.phone_number = staged.phone_number
    )
    ORDER BY line
    ON CONFLICT (phone_number) DO NOTHING
"""

_ADD_TO_LIST = """
    INSERT INTO contacts_membership (list_id, contact_id, added_in)
    SELECT %(list)s, contact.id, %(number)s
    FROM staged_contact AS staged JOIN contacts_contact AS contact USING (phone_number)
    WHERE NOT EXISTS (
        SELECT FROM contacts_membership AS membership
        WHERE membership.list_id = %(list)s AND membership.contact_id = contact.id
            AND membership.removed_in IS NULL
    )
    ORDER BY staged.line
"""
