"""What a person narrows the contacts of a list down to: read from a page's address, and written back."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import QueryDict

from contacts.membership import contacts_of
from contacts.models import Contact, DoNotContact, List, ZoneSet
from contacts.queries import number_is_do_not_contact, only_do_not_contact, search_contacts
from contacts.time_zones import city_of, current_name, names_of

WITH, WITHOUT = "with", "without"
YES, NO = "yes", "no"
UNKNOWN_ZONE = "unknown"
MOST_CHARACTERS = 200


@dataclass(frozen=True)
class ContactFilters:
    """Empty texts filter nothing. ``zone`` is an IANA name, one of the zones a contact may be in, or
    "unknown"; ``do_not_contact`` is about calls."""

    q: str = ""
    email: str = ""
    number: str = ""
    do_not_contact: str = ""
    zone: str = ""

    @classmethod
    def of(cls, parameters: QueryDict) -> ContactFilters:
        """From an address; what makes no sense there filters nothing."""

        def one_of(name: str, *values: str) -> str:
            value = parameters.get(name, "")
            return value if value in values else ""

        return cls(
            q=" ".join(parameters.get("q", "").replace("\0", "").split())[:MOST_CHARACTERS],
            email=one_of("email", WITH, WITHOUT),
            number=one_of("number", WITH, WITHOUT),
            do_not_contact=one_of("do_not_contact", YES, NO),
            zone=current_name(parameters.get("zone", "").replace("\0", "")[:64]),
        )

    @property
    def is_empty(self) -> bool:
        return self == ContactFilters()

    @property
    def given(self) -> dict[str, str]:
        """What is narrowed down by, as the address has it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value}

    def apply(self, contacts: QuerySet[Contact]) -> QuerySet[Contact]:
        contacts = search_contacts(contacts, self.q, settings.DEFAULT_COUNTRY)
        if self.email:
            contacts = contacts.filter(email__isnull=self.email == WITHOUT)
        if self.number:
            contacts = contacts.filter(phone_number__isnull=self.number == WITHOUT)
        if self.do_not_contact:
            voice = DoNotContact.Scope.VOICE
            contacts = (
                only_do_not_contact(contacts, voice)
                if self.do_not_contact == YES
                else contacts.filter(~number_is_do_not_contact(voice))
            )
        if self.zone:
            of_zone = Q(zones=[]) if self.zone == UNKNOWN_ZONE else Q(zones__overlap=names_of(self.zone))
            # Few sets hold a zone; their keys let the database estimate how many contacts are meant.
            contacts = contacts.filter(
                zone_set__in=list(ZoneSet.objects.filter(of_zone).values_list("pk", flat=True))
            )
        return contacts

    def in_words(self) -> str:
        """What is left, as it ends "the contacts …": "that match “denver”, with an email address"."""
        words = []
        if self.q:
            words.append(f"that match “{self.q}”")
        if self.email:
            words.append(f"{self.email} an email address")
        if self.number:
            words.append(f"{self.number} a number")
        if self.do_not_contact:
            words.append("on do-not-contact" if self.do_not_contact == YES else "not on do-not-contact")
        if self.zone:
            words.append(
                "of unknown time zone" if self.zone == UNKNOWN_ZONE else f"in {city_of(self.zone)} time"
            )
        return ", ".join(words)

    def address(self, **changes: str) -> str:
        """The query string of these filters, with some changed: "?email=with", or "" for none."""
        query = urlencode(replace(self, **changes).given)
        return f"?{query}" if query else ""


MOST_CHOSEN = 1000


@dataclass(frozen=True)
class Selection:
    """Contacts of a list that a person chose: some by their keys, or everybody whom the filters leave."""

    list: List
    keys: tuple[int, ...] = ()
    is_everybody: bool = False
    filters: ContactFilters = ContactFilters()

    @classmethod
    def of(cls, list: List, parameters: QueryDict) -> Selection:
        """From an address; what makes no sense there chooses nobody."""
        keys = [key for key in parameters.getlist("id") if key.isascii() and key.isdigit() and len(key) < 19]
        return cls(
            list,
            tuple(int(key) for key in keys[:MOST_CHOSEN]),
            parameters.get("found") == "1",
            ContactFilters.of(parameters),
        )

    def __bool__(self) -> bool:
        return self.is_everybody or bool(self.keys)

    def contacts(self) -> QuerySet[Contact]:
        """Those who are on the list still."""
        members = contacts_of(self.list)
        return self.filters.apply(members) if self.is_everybody else members.filter(pk__in=self.keys)
