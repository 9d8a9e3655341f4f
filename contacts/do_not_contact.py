"""The upsert behind every opt-out, whether of one person or of a file of a million.

An address that is on the list already stays as it is, unless the new entry holds for longer; what was said
and is not the entry is kept as a ``DoNotContactEvent``. Whoever adds or removes several entries goes through
them in the order of their addresses, so that no two of them wait for each other in a circle.

Below what people do with the list (contacts/services/do_not_contact.py) and imports (contacts/importing).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts.models import User

REASON_LENGTH = 200


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


def put_statement(address: str) -> str:
    """Put what ``given`` holds on the list, by one of the columns ``phone_number`` and ``email``.

    Returns each that was added or extended, and whether it is new. Parameters: ``source``, ``actor``.
    """
    return _PUT.format(address=address)


def met_statement(address: str, *, given: str, put: str) -> str:
    """Write down what of the table ``given`` is not among what ``put_statement`` returned into ``put``."""
    return _MET.format(address=address, given=given, put=put)


TYPED_NUMBERS, TYPED_EMAILS = (
    _TYPED.format(put=put_statement(address), met=met_statement(address, given="given", put="put"))
    for address in ("phone_number", "email")
)


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
