"""Rows of a file onto the do-not-contact list: an import's other destination.

What becomes of an address that is there already: see contacts/do_not_contact.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Self

from django.db import connection
from django.utils import timezone

from contacts import do_not_contact
from contacts.do_not_contact import REASON_LENGTH
from contacts.email_addresses import as_email_address, is_email_address
from contacts.importing import mapping
from contacts.importing.cells import NOTHING, is_nothing
from contacts.importing.reading import Dialect, Row
from contacts.importing.saving import Merged, StagedRejection
from contacts.models import DoNotContact, Import
from contacts.models.do_not_contact import LAST_ZONE, end_of
from contacts.phone_numbers import Rejection, dialable

Scope = DoNotContact.Scope

_SCOPES = {
    Scope.ALL: "all everything any every both total global dnc donotcontact alles",
    Scope.VOICE: "voice call calls calling phone telephone dnd donotcall",
    Scope.TEXT: "text texts sms mms message messages texting whatsapp",
    Scope.EMAIL: "email emails mail mails",
}
_SCOPE_OF = {word: scope for scope, words in _SCOPES.items() for word in words.split()}
_FOR_EVER = NOTHING | {"for ever", "forever", "for good", "never", "permanent", "permanently", "always"}
# Of a date: how other products write "never".
_NO_YEAR = "9999"
_NUMERIC_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
# Google Contacts, and people, write several into one cell; what else may follow a number is part of it.
_BETWEEN_NUMBERS = re.compile(r":::|;(?=\s*[+(\d])")
_BETWEEN_EMAILS = re.compile(r":::|[;,\s]")


def scope_of(text: str) -> Scope | None:
    """The scope that somebody wrote, in our words or in usual others; None: nobody knows."""
    return _SCOPE_OF.get(mapping.plain(text))


def moment_of(text: str, country: str) -> datetime | None:
    """A day, which is meant to its end, or a moment; None: it is neither.

    Of a moment without its zone, the last one on earth at which clocks show it, as of a day.

    3/4/2027 is in March in the United States and in April elsewhere.
    """
    if match := _NUMERIC_DATE.fullmatch(text):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        is_month_first = match[2] != "." and (second > 12 or (country == "US" and first <= 12))
        month, day = (first, second) if is_month_first else (second, first)
        text = f"{year:04}-{month:02}-{day:02}"
    try:
        if len(text) == 10:
            return end_of(date.fromisoformat(text))
        moment = datetime.fromisoformat(text)
        # A spreadsheet's way of writing a day.
        if moment.tzinfo is None and moment.time() == time():
            return end_of(moment.date())
        return moment if moment.tzinfo else moment.replace(tzinfo=LAST_ZONE)
    except (ValueError, OverflowError):
        return None


# Made a million times in a row: frozen ones take several times as long to make.
@dataclass(slots=True)
class Forbidden:
    """One valid row; a number, an address, or both. ``expires_at`` None: for good.

    ``others``: what else the row has, each (number, None) or (None, email).
    """

    line: int
    phone_number: str | None
    email: str | None
    scope: str
    reason: str
    expires_at: datetime | None
    others: Sequence[tuple[str | None, str | None]] = ()


class OntoDoNotContact:
    """The rows of a file, each a number or an email address or both, onto the do-not-contact list."""

    def __init__(self, dnc_import: Import) -> None:
        self._import = dnc_import
        self._targets = [
            (int(position), target)
            for position, target in dnc_import.mapping.items()
            if target in mapping.DO_NOT_CONTACT_TARGETS
        ]
        self._columns = len(Dialect.from_json(dnc_import.dialect).columns)
        self._now = timezone.now()
        self._rows = 0

    def __enter__(self) -> Self:
        self._drop()
        with connection.cursor() as cursor:
            cursor.execute(STAGED)
        return self

    def __exit__(self, *error: object) -> None:
        # A lost connection took its temporary tables along.
        if connection.is_usable() and not connection.needs_rollback:
            self._drop()

    @staticmethod
    def _drop() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS staged_forbidden, chosen_forbidden, put_forbidden")

    def read(self, row: Row) -> Forbidden | StagedRejection:
        try:
            return self._read(row)
        except _Wrong as wrong:
            return StagedRejection(row.line, str(wrong), row.cells)

    def _read(self, row: Row) -> Forbidden:
        cells = row.cells
        if len(cells) > self._columns and any(cells[self._columns :]):
            raise _Wrong(
                f"more values than the {self._columns} columns: is a value with the separator in it "
                "missing its quotation marks?"
            )
        given = {target: cells[position] for position, target in self._targets if position < len(cells)}
        numbers = [
            self._number(part)
            for cell in self._all(cells, mapping.PHONE)
            for part in _BETWEEN_NUMBERS.split(cell)
            if not is_nothing(part)
        ]
        emails = [
            self._email(part)
            for cell in self._all(cells, mapping.EMAIL)
            for part in _BETWEEN_EMAILS.split(cell)
            if not is_nothing(part)
        ]
        if not numbers and not emails:
            raise _Wrong("neither a number nor an email address")
        reason = given.get(mapping.REASON, "")
        if len(reason) > REASON_LENGTH:
            raise _Wrong(f"reason is longer than {REASON_LENGTH} characters")
        return Forbidden(
            line=row.line,
            phone_number=numbers[0] if numbers else None,
            email=emails[0] if emails else None,
            scope=self._scope(given.get(mapping.SCOPE, "")),
            reason=reason or self._import.reason,
            expires_at=self._until(given.get(mapping.UNTIL, "")),
            others=[*((number, None) for number in numbers[1:]), *((None, email) for email in emails[1:])],
        )

    def _all(self, cells: Sequence[str], target: str) -> list[str]:
        """What the columns hold that are the same thing: a person may have several numbers."""
        return [cells[position] for position, its in self._targets if its == target and position < len(cells)]

    def _number(self, text: str) -> str:
        found = dialable(text, self._import.country)
        if isinstance(found, Rejection):
            raise _Wrong(str(found))
        return found

    @staticmethod
    def _email(text: str) -> str:
        address = as_email_address(text)
        if not is_email_address(address):
            raise _Wrong(f"“{text[:60]}”: not an email address")
        return address

    def _scope(self, text: str) -> str:
        if is_nothing(text):
            return self._import.scope
        scope = scope_of(text)
        if scope is None:
            raise _Wrong(f"“{text[:40]}”: write all, voice, text or email")
        return scope

    def _until(self, text: str) -> datetime | None:
        if not text:
            return self._import.expires_at
        if text.lower() in _FOR_EVER or _NO_YEAR in text:
            return None
        until = moment_of(text, self._import.country)
        if until is None:
            raise _Wrong(f"“{text[:40]}”: no date (write it like 2027-12-31)")
        if until <= self._now:
            raise _Wrong(f"“{text[:40]}”: that is over")
        return until

    def add(self, batch: Sequence[Forbidden]) -> None:
        self._rows += len(batch)
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for row in batch:
                if row.phone_number:
                    copy.write_row((row.line, row.phone_number, None, row.scope, row.reason, row.expires_at))
                if row.email:
                    copy.write_row((row.line, None, row.email, row.scope, row.reason, row.expires_at))
                for number, email in row.others:
                    copy.write_row((row.line, number, email, row.scope, row.reason, row.expires_at))

    def merge(self) -> Merged:
        """All that was added, onto the list; call it in a transaction.

        Of several rows with one address and scope the one that holds longest counts, and belongs to the
        first of them; a row whose addresses all came in earlier rows is a duplicate.
        """
        parameters = {"source": DoNotContact.Source.IMPORT, "actor": self._import.created_by_id}
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE staged_forbidden")
            cursor.execute(CHOOSE)
            cursor.execute("ANALYZE chosen_forbidden")
            for statement in (PUT_NUMBERS, PUT_EMAILS):
                cursor.execute(statement, parameters)
            cursor.execute("ANALYZE put_forbidden")
            for statement in (MET_NUMBERS, MET_EMAILS):
                cursor.execute(statement, parameters)
            cursor.execute(SUMS)
            created, updated, unchanged = cursor.fetchone()
        return Merged(created, updated, unchanged, self._rows - created - updated - unchanged)


class _Wrong(Exception):
    pass


_PUT = """
WITH given AS (SELECT * FROM chosen_forbidden), put AS ({put}) INSERT INTO put_forbidden SELECT * FROM put
"""
# Files are imported again: what they said before, or put there themselves, is no news.
_MET = """
{met} AND NOT EXISTS (
    SELECT FROM contacts_donotcontact AS known
    WHERE known.{address} = given.{address} AND known.scope = given.scope AND known.source = %(source)s
) AND NOT EXISTS (
    SELECT FROM contacts_donotcontactevent AS known
    WHERE known.{address} = given.{address} AND known.scope = given.scope AND known.source = %(source)s
)
"""
PUT_NUMBERS, PUT_EMAILS = (
    _PUT.format(put=do_not_contact.put_statement(address)) for address in ("phone_number", "email")
)
MET_NUMBERS, MET_EMAILS = (
    _MET.format(
        met=do_not_contact.met_statement(address, given="chosen_forbidden", put="put_forbidden"),
        address=address,
    )
    for address in ("phone_number", "email")
)

STAGED = """
CREATE TEMPORARY TABLE staged_forbidden (
    line integer NOT NULL, phone_number varchar(16), email varchar(254), scope varchar(8) NOT NULL,
    reason varchar(200) NOT NULL, expires_at timestamptz
);
CREATE TEMPORARY TABLE chosen_forbidden (LIKE staged_forbidden);
CREATE TEMPORARY TABLE put_forbidden (
    phone_number varchar(16), email varchar(254), scope varchar(8) NOT NULL, is_new boolean NOT NULL
)
"""
COPY = "COPY staged_forbidden (line, phone_number, email, scope, reason, expires_at) FROM STDIN"

CHOOSE = """
INSERT INTO chosen_forbidden (line, phone_number, email, scope, reason, expires_at)
SELECT first_line, phone_number, email, scope, reason, expires_at
FROM (
    SELECT *,
        min(line) OVER (PARTITION BY phone_number, email, scope) AS first_line,
        row_number() OVER (
            PARTITION BY phone_number, email, scope ORDER BY expires_at DESC NULLS FIRST, line
        ) AS place
    FROM staged_forbidden
) AS staged
WHERE place = 1
"""

# Each row that brought an address first, by the most that came of it.
SUMS = """
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new),
       count(*) FILTER (WHERE is_new IS NULL)
FROM (
    SELECT chosen.line, bool_or(put.is_new) AS is_new
    FROM chosen_forbidden AS chosen
    LEFT JOIN (
        SELECT coalesce(phone_number, email) AS address, scope, is_new FROM put_forbidden
    ) AS put ON put.address = coalesce(chosen.phone_number, chosen.email) AND put.scope = chosen.scope
    GROUP BY chosen.line
) AS rows
"""
