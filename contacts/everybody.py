"""What a person narrows all contacts down to: read from the page's address, and written back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from contacts.filters import ContactFilters
from contacts.membership import contacts_of, newest_first
from contacts.models import Contact, List, Tally
from contacts.queries import everybody, tally

MOST_CHOSEN = 1000


@dataclass(frozen=True)
class EverybodyFilters:
    """The filters of a list's contacts, and besides: on ``list``, and added on ``since`` or later."""

    of_contacts: ContactFilters = field(default_factory=ContactFilters)
    list: List | None = None
    since: date | None = None

    @classmethod
    def of(cls, parameters: QueryDict) -> EverybodyFilters:
        """From an address; what makes no sense there filters nothing."""
        key = parameters.get("list", "")
        is_key = key.isascii() and key.isdigit() and len(key) < 19
        try:
            since = date.fromisoformat(parameters.get("since", ""))
        except ValueError:
            since = None
        return cls(
            ContactFilters.of(parameters), List.objects.filter(pk=int(key)).first() if is_key else None, since
        )

    @property
    def is_empty(self) -> bool:
        return self == EverybodyFilters()

    @property
    def order(self) -> str:
        """The newest first, by the index that the contacts are read by."""
        return "-member" if self.list else "-id"

    def contacts(self) -> QuerySet[Contact]:
        contacts = contacts_of(self.list) if self.list else everybody()
        if self.since:
            midnight = timezone.make_aware(datetime.combine(self.since, time()))
            contacts = contacts.filter(created_at__gte=midnight)
        contacts = self.of_contacts.apply(contacts)
        return newest_first(self.list, contacts) if self.list else contacts

    def known_size(self) -> int | None:
        """How many are left, where that need not be counted."""
        if self.is_empty:
            return tally(Tally.Of.CONTACTS)
        if self.list and self == EverybodyFilters(list=self.list):
            return self.list.size
        return None

    @property
    def given(self) -> dict[str, str]:
        """What is narrowed down by, as the address has it."""
        given = dict(self.of_contacts.given)
        if self.list:
            given["list"] = str(self.list.pk)
        if self.since:
            given["since"] = self.since.isoformat()
        return given

    def in_words(self) -> str:
        """As it ends "contacts …"."""
        words = [self.of_contacts.in_words()]
        if self.list:
            words.append(f"on “{self.list.name}”")
        if self.since:
            words.append(f"added since {self.since:%b} {self.since.day}, {self.since.year}")
        return ", ".join(filter(None, words))

    def address(self) -> str:
        """The query string of these filters, or "" for none."""
        query = urlencode(self.given)
        return f"?{query}" if query else ""


@dataclass(frozen=True)
class Chosen:
    """Contacts that a person chose: some by their keys, or everybody whom the filters leave."""

    filters: EverybodyFilters
    keys: tuple[int, ...] = ()
    is_everybody: bool = False

    @classmethod
    def of(cls, parameters: QueryDict) -> Chosen:
        """From an address; what makes no sense there chooses nobody."""
        keys = [key for key in parameters.getlist("id") if key.isascii() and key.isdigit() and len(key) < 19]
        return cls(
            EverybodyFilters.of(parameters),
            tuple(int(key) for key in keys[:MOST_CHOSEN]),
            parameters.get("found") == "1",
        )

    def __bool__(self) -> bool:
        return self.is_everybody or bool(self.keys)

    def contacts(self) -> QuerySet[Contact]:
        return self.filters.contacts() if self.is_everybody else everybody().filter(pk__in=self.keys)
