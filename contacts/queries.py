"""What may be asked about contacts."""

from __future__ import annotations

import re

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Now

from contacts.models import Contact, DoNotContact, Tally
from contacts.phone_numbers import normalise

_NUMBER = re.compile(r"[\d\s().+\-/]*\d[\d\s().+\-/]*")
SEARCH_WORDS = 6
# For SQL, where a do-not-contact entry is called ``dnc``: that it is not over, by the database's clock.
DNC_HOLDS = "(dnc.expires_at IS NULL OR dnc.expires_at > statement_timestamp())"
# And that it forbids calls.
DNC_FORBIDS_CALLS = f"dnc.scope IN ('all', 'voice') AND {DNC_HOLDS}"


def search_contacts(contacts: QuerySet[Contact], text: str, country: str) -> QuerySet[Contact]:
    """Contacts by words of their name or company, by email, or by number in any notation, also part of it.

    ``country`` is where numbers without ``+`` are at home. Every word must be found somewhere.
    """
    text = text.replace("\0", "").strip()
    if not text:
        return contacts
    if _NUMBER.fullmatch(text):
        number = normalise(text, country)
        if isinstance(number, str):
            return contacts.filter(phone_number=number)
        # Part of a number: what stands in front of it within its country is not part of its E.164 form.
        digits = re.sub(r"\D", "", text)
        national = digits.lstrip("0") or digits
        return contacts.filter(Q(phone_number__contains=digits) | Q(phone_number__contains=national))
    for word in text.split()[:SEARCH_WORDS]:
        contacts = contacts.filter(
            Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(company__icontains=word)
            | Q(email__icontains=word)
        )
    return contacts


def do_not_contact() -> QuerySet[DoNotContact]:
    """Entries that count: those that are not over, by the database's clock."""
    return DoNotContact.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=Now()))


def do_not_contact_for(scope: str) -> QuerySet[DoNotContact]:
    """Entries that forbid one way of reaching people: those of that scope, and those of all."""
    return do_not_contact().filter(scope__in=[scope, DoNotContact.Scope.ALL])


def is_do_not_contact(phone_number: str, scope: str) -> bool:
    return do_not_contact_for(scope).filter(phone_number=phone_number).exists()


def number_is_do_not_contact(scope: str) -> Exists:
    """For filters and annotations of contacts: their number must not be reached in this way."""
    return Exists(do_not_contact_for(scope).filter(phone_number=OuterRef("phone_number")))


def tally(of: Tally.Of) -> int:
    """How many rows a large table has, without counting them."""
    return Tally.objects.filter(of=of).aggregate(sum=Sum("change"))["sum"] or 0
