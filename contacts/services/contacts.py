"""What may be done with contacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from contacts.email_addresses import is_email_address
from contacts.importing.saving import hold_fields
from contacts.models import Contact, ContactEvent, CustomField, DoNotContact, List, ListVersion
from contacts.models.contact import E164
from contacts.phone_numbers import Rejection, dialable, possible_zones
from contacts.queries import do_not_contact
from contacts.refusals import Refused
from contacts.services.lists import add_to_list, remove_from_list
from contacts.zones import zone_set_for

CALLED = (
    "This person was called at this number, and the records of the calls stay with it. Add a contact with "
    "the right number instead: it takes this one’s place on its lists."
)
_EVENT_LENGTH = 300
NOTE_LENGTH: int = ListVersion._meta.get_field("note").max_length or 0
_SHOWN = 40


class KnownAlready(Refused):
    """There is such a contact: ``contact``."""

    def __init__(self, message: str, contact: Contact) -> None:
        super().__init__(message)
        self.contact = contact


class NumberStays(Refused):
    """A contact's number can't be changed to what was asked for."""


@transaction.atomic
def create_contact(
    *,
    phone_number: str = "",
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    company: str = "",
    country: str,
    list: List | None = None,
    actor: User | None,
) -> Contact:
    """A new contact, by its number in any notation, or an email address, or both; into a list if wanted.

    Raises ``KnownAlready`` when the number, or the address of one without a number, is another contact's,
    and ``Refused`` when the number or the address is none, or neither is given.
    """
    number: str | None = None
    if phone_number.strip():
        read = dialable(phone_number, country)
        if isinstance(read, Rejection):
            raise Refused(f"{read}.")
        number = read
    email = email.strip().lower()
    if not number and not email:
        raise Refused("Give a phone number or an email address.")
    _check(email)
    known = Contact.objects.filter(phone_number=number, **({} if number else {"email": email})).first()
    if known is None:
        try:
            with transaction.atomic():
                made = Contact.objects.create(
                    phone_number=number,
                    email=email or None,
                    first_name=first_name,
                    last_name=last_name,
                    company=company,
                    zone_set=zone_set_for(possible_zones(number) if number else ()),
                )
        except IntegrityError:
            # Somebody was faster.
            known = Contact.objects.get(phone_number=number, **({} if number else {"email": email}))
    if known is not None:
        what = "number" if number else "address"
        raise KnownAlready(f"This {what} is {known.name or 'a contact'}’s already.", known)
    _record(made, ContactEvent.ADDED_BY_HAND, actor)
    if list is not None:
        add_to_list(list=list, contacts=Contact.objects.filter(pk=made.pk), actor=actor)
    return made


@transaction.atomic
def replace_contact(
    *,
    contact: Contact,
    phone_number: str,
    country: str,
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    company: str = "",
    actor: User | None,
) -> Contact:
    """The same person at the right number: a new contact with this one's zone and fields, in its place on its
    lists. What was done at the old number stays with it.

    Raises what ``create_contact`` raises, and ``NumberStays`` where the old number is on do-not-contact and
    the new one is not.
    """
    if not phone_number.strip():
        raise Refused("Enter the right number.")
    made = create_contact(
        phone_number=phone_number,
        email=email,
        first_name=first_name,
        last_name=last_name,
        company=company,
        country=country,
        actor=actor,
    )
    _check_forbidden(contact, made.phone_number or "")
    edit_contact(contact=made, time_zone=contact.time_zone or None, fields=contact.fields, actor=actor)
    note = f"The right number of {contact}"[:NOTE_LENGTH]
    # In one order, so that two at once don't wait for each other.
    for on in lists_of(contact).order_by("pk"):
        add_to_list(list=on, contacts=Contact.objects.filter(pk=made.pk), note=note, actor=actor)
        remove_from_list(list=on, contacts=Contact.objects.filter(pk=contact.pk), note=note, actor=actor)
    return made


def lists_of(contact: Contact) -> QuerySet[List]:
    """The lists that a contact is on."""
    return List.objects.filter(memberships__contact=contact, memberships__removed_in__isnull=True)


@transaction.atomic
def edit_contact(
    *,
    contact: Contact,
    phone_number: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    email: str | None = None,
    company: str | None = None,
    time_zone: str | None = None,
    fields: Mapping[str, str] = MappingProxyType({}),
    actor: User | None = None,
) -> None:
    """Change what is given of a person; the rest stays as it is by now, whatever the caller saw.

    ``phone_number``: in E.164 form. ``time_zone``: an IANA name, or empty: then the number's zones count.
    ``fields``: the custom fields to change, by name; an empty value takes a field off. What changed is
    written into the time line.

    Raises ``Refused`` when a person without a number takes the address of another one, for what is no
    address, and when the person was erased or deleted; ``KnownAlready`` for another contact's number; and
    ``NumberStays`` where the number is none, the old one was called, or is on do-not-contact.
    """
    if fields:
        hold_fields()
    before = Contact.objects.select_for_update(no_key=True).filter(pk=contact.pk, erased_at=None).first()
    if before is None:
        raise Refused("This person was erased or deleted, and can’t be changed any more.")
    details = {
        "phone_number": phone_number,
        "first_name": first_name,
        "last_name": last_name,
        "email": None if email is None else email.lower(),
        "company": company,
        "time_zone": time_zone,
    }
    changed: dict[str, Any] = {
        name: value
        for name, value in details.items()
        if value is not None and value != (getattr(before, name) or "")
    }
    gone = {name for name, value in fields.items() if not value}
    values = {name: value for name, value in {**before.fields, **fields}.items() if name not in gone}
    if values != before.fields:
        changed["fields"] = values
    if not changed:
        return
    if "email" in changed:
        _check(changed["email"])
        changed["email"] = changed["email"] or None
    if phone_number is not None and "phone_number" in changed:
        _check_number(before, phone_number)
    if "time_zone" in changed or "phone_number" in changed:
        number, zone = (changed.get(name, getattr(before, name)) for name in ("phone_number", "time_zone"))
        changed["zone_set"] = zone_set_for((zone,) if zone else possible_zones(number) if number else ())
    try:
        with transaction.atomic():
            Contact.objects.filter(pk=contact.pk).update(**changed, updated_at=timezone.now())
    except IntegrityError as error:
        if "phone_number" in changed and (taken := Contact.objects.filter(phone_number=phone_number).first()):
            raise KnownAlready(f"This number is {taken.name or 'a contact'}’s already.", taken) from error
        raise Refused("Another contact without a number has this email address.") from None
    know_fields(names=values.keys() - before.fields.keys())
    _record(contact, f"changed {'; '.join(_changes(before, changed))}", actor)
    for name, value in changed.items():
        setattr(contact, name, value)


def _check_number(contact: Contact, number: str) -> None:
    if not re.fullmatch(E164, number):
        raise NumberStays("A number can be changed, and not taken away.")
    # Whoever is about to call holds the row, too: from here on no call to the old number comes up.
    Contact.objects.select_for_update().get(pk=contact.pk)
    # Contacts know of calls by this relation alone.
    if Contact.objects.filter(pk=contact.pk, calls__isnull=False).exists():
        raise NumberStays(CALLED)
    _check_forbidden(contact, number)


def _check_forbidden(contact: Contact, number: str) -> None:
    """Whoever must not be reached at one number is not reached at another one."""
    if contact.phone_number and not _forbidden(number) >= _forbidden(contact.phone_number):
        raise NumberStays(
            f"{contact.phone_number} is on do-not-contact, and the new one would be called. "
            f"Put {number} on do-not-contact too, or take the old one off, and then try again."
        )


def _forbidden(number: str) -> set[str]:
    """The ways in which a number must not be reached."""
    scopes = set(do_not_contact().filter(phone_number=number).values_list("scope", flat=True))
    return {*DoNotContact.Scope.values} if DoNotContact.Scope.ALL in scopes else scopes


def _check(email: str) -> None:
    if email and not is_email_address(email):
        raise Refused(f"“{email}” is not an email address.")


def know_fields(*, names: Iterable[str]) -> None:
    """See to it that custom fields which contacts have are known by these names."""
    CustomField.objects.bulk_create(
        (CustomField(name=name, label=name.replace("_", " ").capitalize()) for name in sorted(names)),
        ignore_conflicts=True,
    )


_LABELS = {
    "phone_number": "the number",
    "first_name": "the first name",
    "last_name": "the last name",
    "email": "the email address",
    "company": "the company",
    "time_zone": "the time zone",
}


def _changes(before: Contact, after: Mapping[str, Any]) -> Iterable[str]:
    for name, label in _LABELS.items():
        if name in after:
            yield _change(label, getattr(before, name), after[name])
    old_fields, new_fields = before.fields, after.get("fields", before.fields)
    for name in sorted(old_fields.keys() | new_fields.keys()):
        if old_fields.get(name) != new_fields.get(name):
            yield _change(name, old_fields.get(name), new_fields.get(name))


def _change(label: str, old: object, new: object) -> str:
    return f"{label} from {_value(old)} to {_value(new)}"


def _value(value: object) -> str:
    text = str(value or "")
    if not text:
        return "nothing"
    return f"“{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}”"


def _record(contact: Contact, text: str, actor: User | None) -> None:
    shown = text if len(text) <= _EVENT_LENGTH else f"{text[: _EVENT_LENGTH - 1]}…"
    ContactEvent.objects.create(contact=contact, text=shown, actor=actor)
