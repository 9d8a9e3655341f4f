"""Rows of a file onto the do-not-contact list: an import's other destination; and the upsert behind it.

An address that is on the list already stays as it is, unless the new entry holds for longer; what was said
and is not the entry is kept as a ``DoNotContactEvent``. Whoever adds
or removes several entries goes through them in the order of their addresses, so that no two of them wait
for each other in a circle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Self

from django.db import connection
from django.utils import timezone

from accounts.models import User
from contacts.importing import mapping
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
_NOTHING = frozenset({"", "n/a", "#n/a", "na", "none", "null", "nil", "-", "--", "nan"})
_FOR_EVER = _NOTHING | {"for ever", "forever", "for good", "never", "permanent", "permanently", "always"}
# Of a date: how other products write "never".
_NO_YEAR = "9999"
_NUMERIC_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
# Google Contacts, and people, write several into one cell; what else may follow a number is part of it.
_BETWEEN_NUMBERS = re.compile(r":::|;(?=\s*[+(\d])")
_BETWEEN_EMAILS = re.compile(r":::|[;,\s]")
REASON_LENGTH = 200
EMAIL_LENGTH = 254


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
            if not _is_nothing(part)
        ]
        emails = [
            self._email(part)
            for cell in self._all(cells, mapping.EMAIL)
            for part in _BETWEEN_EMAILS.split(cell)
            if not _is_nothing(part)
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
        address = text.strip().lower().removeprefix("mailto:")
        if len(address) > EMAIL_LENGTH or not mapping.EMAIL_FORM.fullmatch(address):
            raise _Wrong(f"“{text[:60]}”: not an email address")
        return address

    def _scope(self, text: str) -> str:
        if text.lower() in _NOTHING:
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
            for statement in (MERGE_NUMBERS, MERGE_EMAILS):
                cursor.execute(statement, parameters)
            cursor.execute("ANALYZE put_forbidden")
            for statement in (MET_NUMBERS, MET_EMAILS):
                cursor.execute(statement, parameters)
            cursor.execute(SUMS)
            created, updated, unchanged = cursor.fetchone()
        return Merged(created, updated, unchanged, self._rows - created - updated - unchanged)


class _Wrong(Exception):
    pass


def _is_nothing(text: str) -> bool:
    return text.strip().lower() in _NOTHING


@dataclass(frozen=True)
class Put:
    """What became of entries that were put on the list; the others were there, for as long or longer."""

    added: int
    extended: int


def put(
    *,
    addresses: Iterable[tuple[str | None, str | None]],
    scope: str,
    source: str,
    reason: str,
    expires_at: datetime | None,
    actor: User | None,
) -> Put:
    """Put some addresses, each (number, None) or (None, email), on the list; in a transaction.

    Each address once.
    """
    pairs = list(addresses)
    parameters = {
        "numbers": [number for number, _ in pairs],
        "emails": [email for _, email in pairs],
        "scope": scope,
        "source": source,
        "reason": reason[:REASON_LENGTH],
        "until": expires_at,
        "actor": actor.pk if actor else None,
    }
    are_new: list[bool] = []
    with connection.cursor() as cursor:
        for statement, is_meant in (
            (TYPED_NUMBERS, any(number for number, _ in pairs)),
            (TYPED_EMAILS, any(email for _, email in pairs)),
        ):
            if is_meant:
                cursor.execute(statement, parameters)
                are_new += [row[-1] for row in cursor.fetchall()]
    return Put(added=sum(are_new), extended=len(are_new) - sum(are_new))


# The one that holds longer holds. Each entry with a moment of its own, so that pages of them have an order.
# Whoever is on the list already is locked, also where nothing changes: a removal that is not committed yet
# is waited for, and then the entry is a new one.
_PUT = """
INSERT INTO contacts_donotcontact AS entry (
    phone_number, email, scope, source, reason, expires_at, created_at, created_by_id
)
SELECT given.phone_number, given.email, given.scope, %(source)s, given.reason, given.expires_at,
       clock_timestamp(), %(actor)s
FROM given
WHERE given.{address} IS NOT NULL
ORDER BY given.{address}, given.scope
ON CONFLICT ({address}, scope) DO UPDATE SET
    source = EXCLUDED.source,
    reason = EXCLUDED.reason,
    expires_at = EXCLUDED.expires_at,
    created_at = EXCLUDED.created_at,
    created_by_id = EXCLUDED.created_by_id
WHERE entry.expires_at < COALESCE(EXCLUDED.expires_at, 'infinity')
RETURNING phone_number, email, scope, xmax = 0
"""
# What met an entry that holds for as long or longer is written down beside it.
_MET = """
INSERT INTO contacts_donotcontactevent (
    phone_number, email, scope, source, reason, expires_at, said_at, said_by_id
)
SELECT coalesce(given.phone_number, ''), coalesce(given.email, ''), given.scope, %(source)s, given.reason,
       given.expires_at, clock_timestamp(), %(actor)s
FROM {given} AS given
WHERE given.{address} IS NOT NULL AND NOT EXISTS (
    SELECT FROM {put} AS put WHERE put.{address} = given.{address} AND put.scope = given.scope
)
"""
_TYPED = """
WITH given AS (
    SELECT typed.phone_number, typed.email, %(scope)s AS scope, %(reason)s AS reason,
           %(until)s::timestamptz AS expires_at
    FROM unnest(%(numbers)s::varchar[], %(emails)s::varchar[]) AS typed (phone_number, email)
), put AS ({put}), met AS ({met})
SELECT * FROM put
"""
_MERGE = """
WITH given AS (SELECT * FROM chosen_forbidden), put AS ({put}) INSERT INTO put_forbidden SELECT * FROM put
"""
# Files are imported again: what they said before, or put there themselves, is no news.
_MERGE_MET = """
{met} AND NOT EXISTS (
    SELECT FROM contacts_donotcontact AS known
    WHERE known.{address} = given.{address} AND known.scope = given.scope AND known.source = %(source)s
) AND NOT EXISTS (
    SELECT FROM contacts_donotcontactevent AS known
    WHERE known.{address} = given.{address} AND known.scope = given.scope AND known.source = %(source)s
)
"""


def _typed(address: str) -> str:
    met = _MET.format(address=address, given="given", put="put")
    return _TYPED.format(put=_PUT.format(address=address), met=met)


def _met_by_file(address: str) -> str:
    met = _MET.format(address=address, given="chosen_forbidden", put="put_forbidden")
    return _MERGE_MET.format(met=met, address=address)


TYPED_NUMBERS, TYPED_EMAILS = _typed("phone_number"), _typed("email")
MERGE_NUMBERS, MERGE_EMAILS = (
    _MERGE.format(put=_PUT.format(address=address)) for address in ("phone_number", "email")
)
MET_NUMBERS, MET_EMAILS = _met_by_file("phone_number"), _met_by_file("email")

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
