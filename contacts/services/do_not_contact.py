"""What may be done with the do-not-contact list.

An entry holds from the commit on, until its time is over. Whoever looks for entries asks
``contacts.queries``; whoever changes them comes here, or imports a file (contacts/importing/forbidding.py).
Both put them on the list by contacts/do_not_contact.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from contacts.do_not_contact import REASON_LENGTH, put
from contacts.email_addresses import is_email_address
from contacts.importing.reading import clean
from contacts.models import DoNotContact
from contacts.models.contact import E164
from contacts.phone_numbers import Rejection, dialable
from contacts.refusals import Refused
from contacts.services.numbers import MAX_TYPED_LINES, InvalidLine

# In one go, while a person waits.
MAX_REMOVED = 100_000
TIME_WAS_OVER = "Its time was over"
OVER_AT_ONCE = 10_000


@transaction.atomic
def add_to_do_not_contact(
    *,
    phone_number: str = "",
    email: str = "",
    scope: str = DoNotContact.Scope.ALL,
    source: str = DoNotContact.Source.PERSON,
    reason: str = "",
    expires_at: datetime | None = None,
    actor: User | None = None,
) -> bool:
    """Never reach this E.164 number, or this email address, again in this way; or not until ``expires_at``.

    Said twice, the one that holds longer holds, or else the first. Returns whether it was new. It holds
    from the commit on. Raises ``Refused`` for a time that is over, and for what is neither a number in E.164
    form nor an address: nobody is reached there (a text's short code, say).
    """
    _check(expires_at)
    address = (phone_number, None) if phone_number else (None, email.strip().lower())
    if not (re.fullmatch(E164, phone_number) if phone_number else is_email_address(address[1] or "")):
        raise Refused(f"“{phone_number or email}” is neither a phone number nor an email address.")
    done = put(
        addresses=[address],
        scope=scope,
        source=source,
        reason=clean(reason),
        expires_at=expires_at,
        actor=actor,
    )
    return bool(done.added)


@dataclass(frozen=True)
class DoNotContactAdded:
    """``extended`` were there, and hold for longer now; ``known`` were there for as long or longer."""

    added: int
    extended: int
    known: int
    invalid: tuple[InvalidLine, ...]


@transaction.atomic
def add_lines_to_do_not_contact(
    *,
    lines: str,
    country: str,
    scope: str,
    reason: str = "",
    expires_at: datetime | None = None,
    actor: User | None,
) -> DoNotContactAdded:
    """Numbers and email addresses, one a line, onto the do-not-contact list.

    Raises ``Refused`` for more than 10,000 lines, or a time that is over. Invalid lines are told, the
    others are added.
    """
    _check(expires_at)
    split = lines.splitlines()
    if len(split) > MAX_TYPED_LINES:
        raise Refused(f"That is more than {MAX_TYPED_LINES:,} lines. Import them as a file instead.")
    invalid: list[InvalidLine] = []
    addresses: dict[tuple[str | None, str | None], None] = {}
    for line, text in enumerate(map(clean, split), start=1):
        if not text:
            continue
        if is_email_address(text):
            addresses[None, text.lower()] = None
        elif isinstance(number := dialable(text, country), Rejection):
            invalid.append(InvalidLine(line, text, str(number)))
        else:
            addresses[number, None] = None
    done = put(
        addresses=addresses,
        scope=scope,
        source=DoNotContact.Source.PERSON,
        reason=clean(reason),
        expires_at=expires_at,
        actor=actor,
    )
    known = len(addresses) - done.added - done.extended
    return DoNotContactAdded(done.added, done.extended, known, tuple(invalid))


def _check(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise Refused("That day is over. Choose a later one, or none: then it holds for good.")


@transaction.atomic
def remove_from_do_not_contact(
    *, entries: QuerySet[DoNotContact], reason: str, actor: User | None, expected: int | None = None
) -> int:
    """Let these addresses be reached again, if nothing else forbids it; who did it and why is kept.

    ``expected``: how many a person was told. Raises ``Refused`` without a reason, for more than 100,000
    entries, and when there are more of them by now than expected. Returns how many there were.
    """
    reason = clean(reason)
    if not reason:
        raise Refused("Say why: it is kept with the entry.")
    if len(reason) > REASON_LENGTH:
        raise Refused(f"A reason has at most {REASON_LENGTH} characters.")
    removed = _remove(
        entries.order_by("phone_number", "email", "scope").select_for_update(of=("self",))[: MAX_REMOVED + 1],
        reason=reason,
        actor=actor,
    )
    if removed > MAX_REMOVED:
        raise Refused(
            f"These are more than {MAX_REMOVED:,} entries. Narrow the filters, and remove some at a time."
        )
    if expected is not None and removed > expected:
        raise Refused(
            f"There are {removed:,} of them by now, not {expected:,}. Look again before you remove them."
        )
    return removed


def remove_those_over() -> int:
    """Take off the entries whose time is over; return how many. Two at a time do no harm.

    They have not counted since that moment; this only keeps the list short.
    """
    total = 0
    while True:
        with transaction.atomic():
            over = DoNotContact.objects.filter(expires_at__lte=_now()).order_by("expires_at")
            removed = _remove(
                over.select_for_update(skip_locked=True)[:OVER_AT_ONCE], reason=TIME_WAS_OVER, actor=None
            )
        total += removed
        if removed < OVER_AT_ONCE:
            return total


def _now() -> datetime:
    """By the database's clock, which decides what is over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _remove(entries: QuerySet[DoNotContact], *, reason: str, actor: User | None) -> int:
    """Delete the entries, which are being locked, and keep them among the removals."""
    try:
        chosen, parameters = entries.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(REMOVE.format(chosen=chosen), [*parameters, actor.pk if actor else None, reason])
        return int(cursor.rowcount)


REMOVE = """
WITH chosen (id) AS MATERIALIZED ({chosen}), gone AS (
    DELETE FROM contacts_donotcontact AS entry USING chosen WHERE entry.id = chosen.id RETURNING entry.*
)
INSERT INTO contacts_donotcontactremoval (
    phone_number, email, scope, source, reason, added_at, added_by_id, removed_at, removed_by_id,
    removal_reason
)
SELECT coalesce(phone_number, ''), coalesce(email, ''), scope, source, reason, created_at, created_by_id,
       clock_timestamp(), %s, %s
FROM gone
"""
