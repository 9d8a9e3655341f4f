"""Forgetting a person: what of them is kept with the contacts themselves.

Whoever knows of calls erases them first (dialer/erasing.py); nothing else calls this.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable

import phonenumbers
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from contacts.do_not_contact import put
from contacts.importing.waiting import waiting_with
from contacts.models import (
    Contact,
    DoNotContact,
    DoNotContactEvent,
    DoNotContactRemoval,
    Import,
    List,
    RejectedRow,
)
from contacts.services.lists import remove_from_list
from contacts.zones import zone_set_for

ERASED = "Erased person"


def forget_contact(
    *, contact: Contact, actor: User | None, keep_do_not_contact: bool, rejected: Iterable[int] = ()
) -> None:
    """Take everything personal off a contact whose row is locked, and out of what tells of it.

    Its lists say in a new version that one contact left. With ``keep_do_not_contact``, number and address
    go on, or stay on, the do-not-contact list, with nothing but themselves: without them there, the next
    file would bring the person back to be called. ``rejected``: rows of files that hold no more than the
    person's name, of which somebody said that it is this person (``rejected_by_name``).
    """
    by_name = [row.pk for row in rejected_by_name(contact) if row.pk in set(rejected)]
    RejectedRow.objects.filter(pk__in=by_name).update(values=[], reason=ERASED)
    number, email = contact.phone_number or "", contact.email or ""
    for one in List.objects.filter(memberships__contact=contact, memberships__removed_in=None).order_by("pk"):
        remove_from_list(list=one, contacts=Contact.objects.filter(pk=contact.pk), actor=None)
    contact.events.all().delete()
    # An address may be shared: then it tells of somebody else.
    is_shared = bool(email) and Contact.objects.filter(email=email).exclude(pk=contact.pk).exists()
    _forget_entries(number, "" if is_shared else email, actor, keep=keep_do_not_contact)
    _forget_rejected_rows(number, "" if is_shared else email)
    _forget_log_entries(contact, number, "" if is_shared else email)
    now = timezone.now()
    Contact.objects.filter(pk=contact.pk).update(
        phone_number=None,
        email=None,
        first_name="",
        last_name="",
        company="",
        fields={},
        time_zone="",
        zone_set=zone_set_for(()),
        erased_at=now,
        updated_at=now,
    )


def _addressed(number: str, email: str) -> Q:
    found = Q(pk__in=[])
    if number:
        found |= Q(phone_number=number)
    if email:
        found |= Q(email=email)
    return found


def _forget_entries(number: str, email: str, actor: User | None, *, keep: bool) -> None:
    DoNotContactRemoval.objects.filter(_addressed(number, email)).delete()
    entries = DoNotContact.objects.filter(_addressed(number, email))
    if keep:
        # What people wrote there may name the person.
        entries.update(reason=ERASED)
        # As they are stored: what was taken for an address once may be none by today's rule.
        put(
            addresses=[*([(number, None)] if number else []), *([(None, email)] if email else [])],
            scope=DoNotContact.Scope.ALL,
            source=DoNotContact.Source.PERSON,
            reason=ERASED,
            expires_at=None,
            actor=actor,
        )
    else:
        entries.delete()
    # Last: to put an address on the list that is there already leaves one too.
    DoNotContactEvent.objects.filter(_addressed(number, email)).delete()


# The digits of all scripts but our own, in runs of ten: numbers are read in all of them.
_OTHER_DIGITS = "".join(
    f"{chr(zero)}-{chr(zero + 9)}"
    for zero in range(128, sys.maxunicode)
    if unicodedata.decimal(chr(zero), None) == 0
)
# Those that may name the person: quick, and true of all that do. Most have other digits, and no others.
_MAY_BE_REJECTED = """
    SELECT id, values FROM contacts_rejectedrow
    WHERE (
        %(digits)s <> '' AND (
            values::text LIKE %(in_order)s
            OR octet_length(values::text) <> char_length(values::text) AND values::text ~ %(other_digits)s
        )
    ) OR (%(email)s <> '' AND strpos(lower(values::text), %(email)s) > 0)
"""


def _forget_rejected_rows(number: str, email: str) -> None:
    """Rows of files that could not be imported and name the person; their reasons quote them."""
    # What is there of a number in every notation.
    digits = str(phonenumbers.parse(number).national_number) if number else ""
    if not digits and not email:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _MAY_BE_REJECTED,
            {
                "digits": digits,
                "in_order": f"%{'%'.join(digits)}%",
                "other_digits": f"[{_OTHER_DIGITS}]",
                # As it is written inside a list of texts.
                "email": json.dumps(email, ensure_ascii=False)[1:-1],
            },
        )
        found = [pk for pk, values in cursor if _names(json.loads(values), digits, email)]
    RejectedRow.objects.filter(pk__in=found).update(values=[], reason=ERASED)


# Of those that have the same name, so many are shown, to be told apart by a person.
MOST_BY_NAME = 20
_MAY_BE_OF_NAME = """
    SELECT id, values FROM contacts_rejectedrow
    WHERE strpos(lower(values::text), lower(%s)) > 0 AND strpos(lower(values::text), lower(%s)) > 0
    ORDER BY id DESC
"""


def rejected_by_name(contact: Contact) -> list[RejectedRow]:
    """Rows that were rejected and hold exactly the person's first and last name: perhaps somebody else's.

    Those that hold the number or the address are not among them: it is known whose they are, and they go.
    """
    if not contact.first_name or not contact.last_name:
        return []
    number, email = contact.phone_number or "", contact.email or ""
    digits = str(phonenumbers.parse(number).national_number) if number else ""
    with connection.cursor() as cursor:
        cursor.execute(
            _MAY_BE_OF_NAME,
            [json.dumps(name, ensure_ascii=False)[1:-1] for name in (contact.first_name, contact.last_name)],
        )
        found = [
            pk
            for pk, values in cursor
            if _has_name(json.loads(values), contact) and not _names(json.loads(values), digits, email)
        ]
    rows = RejectedRow.objects.filter(pk__in=found[:MOST_BY_NAME]).select_related("contact_import")
    return list(rows.order_by("-pk"))


def _has_name(cells: Iterable[str], contact: Contact) -> bool:
    """Whether cells hold a person's whole name, in one of them or in two."""
    first, last = _as_compared(contact.first_name), _as_compared(contact.last_name)
    written = {_as_compared(cell) for cell in cells}
    return {first, last} <= written or bool(
        written & {f"{first} {last}", f"{last} {first}", f"{last}, {first}"}
    )


def _as_compared(name: str) -> str:
    return " ".join(name.split()).casefold()


def waiting_uploads(contact: Contact) -> list[Import]:
    """Imports that were not run yet and whose files hold the person: once run, they add the person again."""
    number = str(phonenumbers.parse(contact.phone_number).national_number) if contact.phone_number else ""
    return waiting_with(national_number=number, email=contact.email or "")


def _names(cells: Iterable[str], digits: str, email: str) -> bool:
    """Whether one of these cells has a number, whatever is between its digits, or an address.

    >>> _names(["Anna", "415:555:0142"], "4155550142", ""), _names(["415555", "0142"], "4155550142", "")
    (True, False)
    """
    return any((digits and digits in _digits_of(cell)) or (email and email in cell.lower()) for cell in cells)


def _digits_of(text: str) -> str:
    return "".join([str(unicodedata.decimal(sign)) for sign in text if sign.isdecimal()])


def _forget_log_entries(contact: Contact, number: str, email: str) -> None:
    """The admin's own log names what was changed."""
    about = Q(content_type=ContentType.objects.get_for_model(Contact), object_id=str(contact.pk))
    for address in filter(None, (number, email)):
        about |= Q(object_repr__icontains=address)
    LogEntry.objects.filter(about).update(object_repr=ERASED)
