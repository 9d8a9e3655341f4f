"""Contacts into the database, as sets: staged by COPY, then merged in one transaction.

Staging may take its time: nobody else sees it. The merge is all or nothing.

Who is who: a row with a number is the contact of that number; if there is none, the only contact that has
its email address, if that has no number yet and no row of another number has the address. A row without one
is the contact without a number that has its email address; if there is none, the only contact with a number
that has it; if several have it (an office's, a household's), a contact of its own, so that nobody is taken
for somebody else. Of several rows of one file for one contact the first counts, one with a number before one
without.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from json.encoder import encode_basestring as quoted
from typing import Any, Self

from django.db import OperationalError, connection
from django.db.models import F
from psycopg import errors

from accounts.models import User
from contacts.importing.searching import Filing
from contacts.membership import take_off_erased
from contacts.models import List, ListVersion

# Two imports are never merged at the same time: each may hold a million rows.
_MERGE_LOCK = 770216
# Held together by all who save values of custom fields, and alone by who takes a field off all contacts.
_FIELDS_LOCK = 770219
# How long what a person waits for may wait for what an import is saving.
PATIENCE_SECONDS = 3


class Busy(Exception):
    """Somebody else, an import most likely, is saving the same contacts or the same list right now."""


# Made a million times in a row: frozen ones take ten times as long to make.
@dataclass(slots=True)
class StagedContact:
    """One valid row. Empty texts (also no number) and missing fields are what the file does not give."""

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
    # What all that was created or changed carries, and the list's version, if it grew.
    at: datetime | None = None
    version: int | None = None


class Staging:
    """A temporary table of one connection, as long as the ``with`` lasts."""

    def __init__(self) -> None:
        self._rows = 0
        self._some_without_number = False
        self._some_with_both = False

    def __enter__(self) -> Self:
        _make_temporary_table(
            "staged_contact",
            """
            line integer NOT NULL, phone_number varchar(16), zone_set_id smallint NOT NULL,
            email varchar(254) NOT NULL, first_name varchar(100) NOT NULL,
            last_name varchar(100) NOT NULL, company varchar(200) NOT NULL,
            time_zone varchar(64) NOT NULL, fields jsonb NOT NULL, contact_id bigint
            """,
            _SAMPLE_LITTLE,
        )
        return self

    def __exit__(self, *error: object) -> None:
        _drop_temporary_table("staged_contact")

    def add(self, contacts: Sequence[StagedContact]) -> None:
        """Stage some rows more."""
        self._rows += len(contacts)
        without_number = [contact.phone_number for contact in contacts].count("")
        self._some_without_number = self._some_without_number or without_number > 0
        if not self._some_with_both:
            self._some_with_both = any(contact.email and contact.phone_number for contact in contacts)
        _copy(
            "staged_contact (line, phone_number, zone_set_id, email, first_name, last_name, company, "
            "time_zone, fields)",
            # As rows of cells below, in half the time.
            [
                f"{contact.line}\t{contact.phone_number or _NULL}\t{contact.zone_set_id}\t{contact.email}\t"
                f"{contact.first_name}\t{contact.last_name}\t{contact.company}\t{contact.time_zone}\t"
                f"{_fields_as_json(contact.fields)}"
                for contact in contacts
            ],
            nulls=without_number,
            rows=(
                (
                    str(contact.line),
                    contact.phone_number or None,
                    str(contact.zone_set_id),
                    contact.email,
                    contact.first_name,
                    contact.last_name,
                    contact.company,
                    contact.time_zone,
                    _fields_as_json(contact.fields),
                )
                for contact in contacts
            ),
        )

    def merge(
        self,
        *,
        list_name: str,
        list_id: int | None,
        note: str,
        actor: User | None,
        fields: Mapping[str, tuple[str, str]] | None = None,
        is_awaited: bool = False,
    ) -> Merged:
        """Bring the staged contacts into the database and into a list; call it in a transaction.

        What a row does not give is left as it is. The list is the given one, or the one of that name,
        which is made if there is a contact to put into it. It gets a new version only if it grows.
        ``fields``: name of a custom field -> (label, kind), as they were found.

        A person waits for an ``is_awaited`` one: it does not queue behind an import that is being saved,
        unless both have the same contacts, and then only for seconds; raises ``Busy``. Otherwise, raises
        ``IntegrityError`` when somebody else made one of the contacts meanwhile, and ``OperationalError``
        when two waited for each other: both are gone when it is tried again.
        """
        with impatience() if is_awaited else _one_at_a_time(), connection.cursor() as cursor:
            if self._rows >= _MANY:
                cursor.execute(_MEMORY_FOR_MANY)
            if fields:
                hold_fields()
            at = _now(cursor)
            cursor.execute(_ANALYZE)
            duplicates = _execute(cursor, _DROP_DUPLICATES)
            with Filing(rows=self._rows) as filing:
                # Seldom is anybody known without a number, which is seen at once.
                updated = _execute(cursor, _GIVE_NUMBERS) if self._may_give_numbers(cursor) else 0
                updated += _execute(cursor, _UPDATE)
                # What a person types is little, and somebody else may be typing the same.
                created = _execute(cursor, _CREATE + (_UNLESS_MADE if is_awaited else ""))
                filing.begin()
                if self._some_without_number:
                    duplicates += _execute(cursor, _DROP_DUPLICATE_ADDRESSES)
                    _execute(cursor, _FIND_BY_ADDRESS)
                    duplicates += _execute(cursor, _DROP_FOUND_WITH_NUMBER)
                    updated += _execute(cursor, _UPDATE_BY_ADDRESS)
                    created += _execute(cursor, _CREATE_BY_ADDRESS)
                    _execute(cursor, _FIND_CREATED)
                unchanged = self._rows - duplicates - updated - created
                if created + updated + unchanged == 0:
                    return Merged(0, 0, 0, duplicates)
                target = _locked_list(list_name, list_id, actor)
                number = target.version + 1
                added = _execute(cursor, _ADD_TO_LIST, {"list": target.pk, "number": number})
                # It waits now, and not at the commit: the search index is at work beside it.
                added -= take_off_erased(list_id=target.pk, number=number)
            _keep_fields(cursor, fields or {})
        if not added:
            return Merged(created, updated, unchanged, duplicates, 0, target, at)
        List.objects.filter(pk=target.pk).update(version=number, size=F("size") + added)
        target.refresh_from_db(fields=["version", "size"])
        ListVersion.objects.create(
            list=target, number=number, added=added, size=target.size, note=note[:200], created_by=actor
        )
        return Merged(created, updated, unchanged, duplicates, added, target, at, number)

    def _may_give_numbers(self, cursor: Any) -> bool:
        if self._some_with_both:
            cursor.execute(_SOME_ARE_WITHOUT_NUMBER)
        return self._some_with_both and cursor.fetchone() is not None


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
        rows = [
            (str(rejection.line), rejection.reason[:200], _as_json(list(rejection.values)))
            for rejection in rejections
        ]
        _copy("staged_rejection (line, reason, values)", ["\t".join(row) for row in rows], rows=rows)

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


def _now(cursor: Any) -> datetime:
    """The transaction's moment, as the statements below write it."""
    cursor.execute("SELECT now()")
    moment: datetime = cursor.fetchone()[0]
    return moment


def hold_contacts() -> None:
    """Wait until no import is being saved; then none is until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_MERGE_LOCK])


def hold_fields() -> None:
    """Values of custom fields are about to be saved: until the transaction ends, no field's are taken off.

    Before any contact's row is held, so that nobody waits in a circle.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_FIELDS_LOCK])


def fields_are_free() -> bool:
    """Whether nobody is saving values of custom fields; then nobody does until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_FIELDS_LOCK])
        return bool(cursor.fetchone()[0])


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Imports are merged one after the other."""
    hold_contacts()
    yield


@contextmanager
def impatience() -> Iterator[None]:
    """What a person waits for: it waits for others no longer than seconds. Raises ``Busy``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{PATIENCE_SECONDS}s"])
        try:
            yield
        except OperationalError as error:
            if isinstance(error.__cause__, errors.LockNotAvailable | errors.DeadlockDetected):
                raise Busy from error
            raise
        # Of the rest of the transaction, if this was only a part of it.
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def _locked_list(name: str, pk: int | None, actor: User | None) -> List:
    # Not FOR UPDATE, for which everybody would wait who puts the list into a campaign.
    unlocked = List.objects.select_for_update(no_key=True)
    found = unlocked.filter(pk=pk).first() if pk else None
    while found is None:
        # It may be gone again, or at last, by the time it is held.
        made = List.objects.get_or_create(name=name, defaults={"created_by": actor})[0]
        found = unlocked.filter(pk=made.pk).first()
    return found


def _keep_fields(cursor: Any, fields: Mapping[str, tuple[str, str]]) -> None:
    """Make custom fields known. One that was something else so far is text from now on."""
    for name, (label, kind) in sorted(fields.items()):
        cursor.execute(_KEEP_FIELD, {"name": name, "label": label[:120], "kind": kind})


def _make_temporary_table(name: str, columns: str, *then: str) -> None:
    # One that a run on the same connection left behind is not ours. All in one transaction, since each waits
    # for the disk.
    statements = (f"DROP TABLE IF EXISTS {name}", f"CREATE TEMPORARY TABLE {name} ({columns})", *then)
    with connection.cursor() as cursor:
        cursor.execute("; ".join(statements))


def _drop_temporary_table(name: str) -> None:
    # A lost connection took its temporary tables along.
    if connection.is_usable() and not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {name}")


_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# NULL, as COPY reads it.
_NULL = r"\N"


def _fields_as_json(fields: Mapping[str, str]) -> str:
    """As ``_as_json``, which makes an encoder anew for each."""
    if not fields:
        return "{}"
    return f"{{{','.join([f'{quoted(name)}:{quoted(value)}' for name, value in fields.items()])}}}"


def _copy(target: str, lines: Sequence[str], *, rows: Iterable[Sequence[str | None]], nulls: int = 0) -> None:
    """Rows of texts into a table.

    ``lines``: the rows with tabs between their cells, and ``_NULL`` so many times; taken if nothing in them
    needs to be escaped. ``rows``: the same rows by their cells; None is NULL.
    """
    if not lines:
        return
    text = "\n".join(lines)
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        if (
            text.count("\t") == len(lines) * target.count(",")
            and text.count("\n") == len(lines) - 1
            and text.count("\\") == nulls
            and "\r" not in text
        ):
            # So it is nearly always, and a third of the time.
            copy.write(text.encode(errors="replace"))
        else:
            for row in rows:
                copy.write_row([value and value.encode(errors="replace").decode() for value in row])


def _execute(cursor: Any, sql: str, values: dict[str, Any] | None = None) -> int:
    cursor.execute(sql, values)
    return int(cursor.rowcount)


# From so many rows on, a merge is worth more memory.
_MANY = 20_000
_MEMORY_FOR_MANY = "SET LOCAL work_mem = '192MB'; SET LOCAL hash_mem_multiplier = 2"

# What the planner asks of them: how many there are, and how many of them are alike. All columns, looked at as
# closely as usual, took a tenth of the time of twenty thousand rows.
_SAMPLE_LITTLE = """
    ALTER TABLE staged_contact ALTER line SET STATISTICS 10, ALTER phone_number SET STATISTICS 10,
        ALTER email SET STATISTICS 10, ALTER contact_id SET STATISTICS 10
"""
_ANALYZE = "ANALYZE staged_contact (line, phone_number, email, contact_id)"

# The first row of a number counts; later ones are duplicates.
_DROP_DUPLICATES = """
    DELETE FROM staged_contact AS staged USING (
        SELECT phone_number, min(line) AS first FROM staged_contact
        WHERE phone_number IS NOT NULL
        GROUP BY phone_number HAVING count(*) > 1
    ) AS repeated
    WHERE staged.phone_number = repeated.phone_number AND staged.line > repeated.first
"""

_SAID = """
        email = coalesce(nullif(staged.email, ''), contact.email),
        first_name = coalesce(nullif(staged.first_name, ''), contact.first_name),
        last_name = coalesce(nullif(staged.last_name, ''), contact.last_name),
        company = coalesce(nullif(staged.company, ''), contact.company),
        time_zone = coalesce(nullif(staged.time_zone, ''), contact.time_zone),
        fields = contact.fields || staged.fields,
        updated_at = now()
"""
_CHANGES = f"""
        {_SAID},
        zone_set_id = CASE staged.time_zone WHEN '' THEN contact.zone_set_id ELSE staged.zone_set_id END
"""
_SAYS_SOMETHING_NEW = """
        staged.email NOT IN ('', coalesce(contact.email, ''))
        OR staged.first_name NOT IN ('', contact.first_name)
        OR staged.last_name NOT IN ('', contact.last_name)
        OR staged.company NOT IN ('', contact.company)
        OR staged.time_zone NOT IN ('', contact.time_zone)
        OR NOT contact.fields @> staged.fields
"""
_SOME_ARE_WITHOUT_NUMBER = """
    SELECT FROM contacts_contact WHERE phone_number IS NULL AND email IS NOT NULL LIMIT 1
"""
# The zones are the number's from now on, if the contact was not given one.
_GIVE_NUMBERS = f"""
    UPDATE contacts_contact AS contact SET {_SAID},
        phone_number = staged.phone_number,
        zone_set_id = CASE
            WHEN staged.time_zone = '' AND contact.time_zone <> '' THEN contact.zone_set_id
            ELSE staged.zone_set_id
        END
    FROM staged_contact AS staged
    WHERE contact.phone_number IS NULL AND contact.email = staged.email AND contact.erased_at IS NULL
        AND staged.phone_number IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM staged_contact AS other
            WHERE other.email = staged.email AND other.phone_number <> staged.phone_number
        )
        AND NOT EXISTS (
            SELECT FROM contacts_contact AS other WHERE other.phone_number = staged.phone_number
        )
        AND NOT EXISTS (
            SELECT FROM contacts_contact AS other
            WHERE other.email = staged.email AND other.phone_number IS NOT NULL
        )
"""  # noqa: S608
_UPDATE = f"""
    UPDATE contacts_contact AS contact SET {_CHANGES}
    FROM staged_contact AS staged
    WHERE contact.phone_number = staged.phone_number AND ({_SAYS_SOMETHING_NEW})
"""  # noqa: S608

# In the order of the file.
_CREATE = """
    INSERT INTO contacts_contact (phone_number, email, first_name, last_name, company, time_zone,
                                  zone_set_id, fields, created_at, updated_at)
    SELECT phone_number, nullif(email, ''), first_name, last_name, company, time_zone,
           zone_set_id, fields, now(), now()
    FROM staged_contact AS staged
    WHERE phone_number IS NOT NULL AND NOT EXISTS (
        SELECT FROM contacts_contact AS contact WHERE contact.phone_number = staged.phone_number
    )
    ORDER BY line
"""
# Costs a fifth of the time: an import is rather tried again.
_UNLESS_MADE = "ON CONFLICT (phone_number) DO NOTHING"

_DROP_DUPLICATE_ADDRESSES = """
    DELETE FROM staged_contact AS staged USING (
        SELECT email, min(line) AS first FROM staged_contact
        WHERE phone_number IS NULL
        GROUP BY email HAVING count(*) > 1
    ) AS repeated
    WHERE staged.phone_number IS NULL AND staged.email = repeated.email AND staged.line > repeated.first
"""

# After those with a number are made: they may be the ones who have the address.
_FIND_BY_ADDRESS = """
    UPDATE staged_contact AS staged SET contact_id = known.id
    FROM (
        SELECT contact.email,
            CASE
                WHEN count(*) FILTER (WHERE contact.phone_number IS NULL) > 0
                THEN min(contact.id) FILTER (WHERE contact.phone_number IS NULL)
                WHEN count(*) = 1 THEN min(contact.id)
            END AS id
        FROM contacts_contact AS contact
        WHERE contact.email IN (SELECT email FROM staged_contact WHERE phone_number IS NULL)
        GROUP BY contact.email
    ) AS known
    WHERE staged.phone_number IS NULL AND staged.email = known.email
"""

_DROP_FOUND_WITH_NUMBER = """
    DELETE FROM staged_contact AS staged USING contacts_contact AS contact, staged_contact AS other
    WHERE staged.phone_number IS NULL AND contact.id = staged.contact_id
        AND other.phone_number = contact.phone_number
"""

# Unless somebody else, whom this waited for, erased the person or changed the address.
_UPDATE_BY_ADDRESS = f"""
    UPDATE contacts_contact AS contact SET {_CHANGES}
    FROM staged_contact AS staged
    WHERE contact.id = staged.contact_id AND ({_SAYS_SOMETHING_NEW})
        AND contact.email = staged.email AND contact.erased_at IS NULL
"""  # noqa: S608

_CREATE_BY_ADDRESS = """
    INSERT INTO contacts_contact (email, first_name, last_name, company, time_zone,
                                  zone_set_id, fields, created_at, updated_at)
    SELECT email, first_name, last_name, company, time_zone, zone_set_id, fields, now(), now()
    FROM staged_contact
    WHERE phone_number IS NULL AND contact_id IS NULL
    ORDER BY line
"""

_FIND_CREATED = """
    UPDATE staged_contact AS staged SET contact_id = contact.id
    FROM contacts_contact AS contact
    WHERE staged.phone_number IS NULL AND staged.contact_id IS NULL
        AND contact.phone_number IS NULL AND contact.email = staged.email
"""

_ADD_TO_LIST = """
    INSERT INTO contacts_membership (list_id, contact_id, added_in)
    SELECT %(list)s, found.id, %(number)s
    FROM (
        SELECT contact.id, staged.line
        FROM staged_contact AS staged JOIN contacts_contact AS contact USING (phone_number)
        UNION ALL
        SELECT contact_id, line FROM staged_contact WHERE contact_id IS NOT NULL
    ) AS found
    WHERE NOT EXISTS (
        SELECT FROM contacts_membership AS membership
        WHERE membership.list_id = %(list)s AND membership.contact_id = found.id
            AND membership.removed_in IS NULL
    )
    ORDER BY found.line
"""

_KEEP_FIELD = """
    INSERT INTO contacts_customfield AS field (name, label, kind, description, created_at)
    VALUES (%(name)s, %(label)s, %(kind)s, '', now())
    ON CONFLICT (name) DO UPDATE SET kind = 'text' WHERE field.kind NOT IN ('text', excluded.kind)
"""
