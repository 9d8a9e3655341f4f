"""What may be done with the do-not-contact list."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from contacts.importing import mapping as columns
from contacts.importing.reading import clean
from contacts.models import DoNotContact
from contacts.phone_numbers import Rejection, normalise
from contacts.refusals import Refused
from contacts.services.numbers import MAX_TYPED_LINES, InvalidLine


def add_to_do_not_contact(
    *,
    phone_number: str = "",
    email: str = "",
    scope: str = DoNotContact.Scope.ALL,
    source: str = DoNotContact.Source.PERSON,
    reason: str = "",
    actor: User | None = None,
) -> bool:
    """Never reach this E.164 number, or this email address, again in this way.

    Said twice, the first time stays. Returns whether it was new. It holds from the commit on.
    """
    address = {"phone_number": phone_number} if phone_number else {"email": email.lower()}
    _, created = DoNotContact.objects.get_or_create(
        **address,
        scope=scope,
        defaults={"source": source, "reason": reason[:200], "created_by": actor},
    )
    return created


@dataclass(frozen=True)
class DoNotContactAdded:
    added: int
    known: int
    invalid: tuple[InvalidLine, ...]


@transaction.atomic
def add_lines_to_do_not_contact(
    *, lines: str, country: str, scope: str, reason: str = "", actor: User | None
) -> DoNotContactAdded:
    """Numbers and email addresses, one a line, onto the do-not-contact list.

    Raises ``Refused`` for more than 10,000 lines. Invalid lines are told, the others are added.
    """
    split = lines.splitlines()
    if len(split) > MAX_TYPED_LINES:
        raise Refused(f"That is more than {MAX_TYPED_LINES:,} lines.")
    invalid: list[InvalidLine] = []
    entries: dict[tuple[str, str], DoNotContact] = {}
    now = timezone.now()
    for line, text in enumerate(map(clean, split), start=1):
        if not text:
            continue
        if columns.EMAIL_FORM.fullmatch(text) and len(text) <= 254:
            address = ("email", text.lower())
        elif isinstance(number := normalise(text, country), Rejection):
            invalid.append(InvalidLine(line, text, str(number)))
            continue
        else:
            address = ("phone_number", number)
        entries[address] = DoNotContact(
            **{address[0]: address[1]}, scope=scope, reason=reason[:200], created_by=actor, created_at=now
        )
    numbers = [value for kind, value in entries if kind == "phone_number"]
    emails = [value for kind, value in entries if kind == "email"]
    same_scope = DoNotContact.objects.filter(scope=scope)
    known = same_scope.filter(phone_number__in=numbers).count() + same_scope.filter(email__in=emails).count()
    DoNotContact.objects.bulk_create(entries.values(), ignore_conflicts=True, batch_size=2000)
    return DoNotContactAdded(len(entries) - known, known, tuple(invalid))


def remove_from_do_not_contact(*, entry: DoNotContact) -> None:
    """Let this address be reached again, if nothing else forbids it."""
    entry.delete()
