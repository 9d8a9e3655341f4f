"""Contacts as the rows of a table show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from contacts.local_time import LocalTime, local_time
from contacts.models import Contact, DoNotContact
from contacts.queries import forbidden_numbers


@dataclass(frozen=True)
class Row:
    """A contact with what its row says beside it: the time where it is, None: unknown; whether it must not
    be called."""

    contact: Contact
    local: LocalTime | None
    is_do_not_call: bool


def rows_of(contacts: Sequence[Contact]) -> list[Row]:
    """One query, whatever the number of contacts; their zone sets are to be there already."""
    now = timezone.now()
    forbidden = forbidden_numbers(contacts, DoNotContact.Scope.VOICE)
    return [Row(contact, local_time(contact, now), contact.phone_number in forbidden) for contact in contacts]
