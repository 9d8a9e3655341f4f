"""What may be asked about contacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    Exists,
    Expression,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Concat, Now
from django.utils import timezone

from contacts.models import Contact, DoNotContact, Tally
from contacts.phone_numbers import dialable

# What a person may have typed of a phone number; the dashes are those that pages and documents use.
_NUMBER = re.compile(r"[\d\s().+/\-\u2010-\u2015]*\d[\d\s().+/\-\u2010-\u2015]*")
SEARCH_WORDS = 6
SEARCH_LENGTH = 200
# Beyond, a page says "more than 200": counting on would take longer than all else it does.
MOST_COUNTED = 200
# A search looks for so many matches among so many of the newest contacts before it decides how to go on.
_MANY = 50
_NEWEST = 10_000
# So many are remembered by their keys: as many as there are among a million, were they as rare as that.
_FEW = 5_000
# Fewer entries of do-not-contact than that are looked for among the contacts; more would need much memory.
_ENTRIES_READ_AT_ONCE = (2_000, 50_000)
# What folding leaves out (migrations/0004), before a word's length says how to look for it.
_APOSTROPHES = str.maketrans("", "", "'`´’‘‛ʼʻ′")
# A pattern that has a trigram for the index: three letters in a row, a word's beginning, or its end.
_TRIGRAM = re.compile(r"\w{3}|\W\w|\w\w\W")
# Three characters are what an index of parts of words begins with.
SHORTEST_PART = 3
# For SQL, where a do-not-contact entry is called ``dnc``: that it is not over, by the database's clock.
DNC_HOLDS = "(dnc.expires_at IS NULL OR dnc.expires_at > statement_timestamp())"
# And that it forbids calls.
DNC_FORBIDS_CALLS = f"dnc.scope IN ('all', 'voice') AND {DNC_HOLDS}"


def everybody() -> QuerySet[Contact]:
    """All contacts but those that were erased, which no page shows."""
    return Contact.objects.filter(erased_at__isnull=True)


@dataclass(frozen=True)
class Count:
    """``value`` rows; ``is_capped``: there are more of them than that, and nobody counted how many."""

    value: int
    is_capped: bool = False

    def __str__(self) -> str:
        return f"{self.value:,}{'+' if self.is_capped else ''}"


def count_of(rows: QuerySet[Any], most: int | None = None) -> Count:
    """How many rows there are, counted up to ``most``; None: as far as pages count."""
    most = MOST_COUNTED if most is None else most
    found = rows.order_by()[: most + 1].count()
    return Count(min(found, most), found > most)


class Folded(Func):
    """Text as searches compare it: without case, accents and apostrophes."""

    function = "contacts_fold"
    output_field = TextField()


class _Pattern(Func):
    """What holds a word anywhere, for LIKE; the database folds it as it folded the text."""

    output_field = TextField()
    template = (
        "'%%%%' || replace(replace(replace(contacts_fold(%(expressions)s),"
        r" '\', '\\'), '%%%%', '\%%%%'), '_', '\_') || '%%%%'"
    )


class Holds(Func):
    """Whether ``folded`` text holds these words anywhere, however they are written."""

    output_field = BooleanField()
    template = "(%(expressions)s)"
    arg_joiner = " LIKE "

    def __init__(self, folded: Expression | F, words: str) -> None:
        super().__init__(folded, _Pattern(Value(words, output_field=TextField())))


def without_apostrophes(text: str) -> str:
    """What of a text is looked for: where nothing is left, everything would hold it."""
    return text.translate(_APOSTROPHES)


class IsOneOf(Func):
    """Whether a row has one of some keys, or one of those that a query finds.

    The query is run first: the planner can't merge the two.
    """

    output_field = BooleanField()
    template = "%(expressions)s)"
    arg_joiner = " = ANY("

    def __init__(self, keys: Sequence[int] | QuerySet[Any]) -> None:
        array = (
            ArraySubquery(keys.values("pk"))
            if isinstance(keys, QuerySet)
            else Value(list(keys), output_field=ArrayField(BigIntegerField()))
        )
        super().__init__(F("pk"), array)


def search_contacts(contacts: QuerySet[Contact], text: str, country: str) -> QuerySet[Contact]:
    """Contacts by words of their name or company, by email, or by number in any notation, also part of it.

    ``country`` is where numbers without ``+`` are at home. Every word must be found somewhere; case,
    accents and apostrophes make no difference. One or two letters stand for words that begin with them.

    Quick for few matches and for many. Pages want the newest: where many of the newest match, reading on
    from them soon has a page. But a planner, which knows no more than how many match, would read everything
    so where all of them are old (a company imported years ago). Hence the look at the newest, and else the
    index: once for all that is asked of what was found, the page and its count, if they are few.
    """
    text = text.replace("\0", "").strip()[:SEARCH_LENGTH]
    if not text:
        return contacts
    text = without_apostrophes(text).strip()
    if not any(char.isalnum() or not char.isascii() for char in text):
        return contacts.none()
    before = Contact.objects.order_by("-pk").values_list("pk", flat=True)[_NEWEST : _NEWEST + 1].first() or 0
    by_index = _matching(text, country, by_index=True)
    by_reading = _matching(text, country, by_index=False)
    newest = Contact.objects.filter(by_reading, pk__gt=before).order_by("-pk")
    if len(newest.values_list("pk")[:_MANY]) == _MANY:
        # The planner may take the index all the same, where it expects few.
        return contacts.filter(by_index)
    matching = Contact.objects.filter(by_index).order_by()
    # Ordered by what no index has: the planner, who knows of the bound, would else read everything for many.
    keys = list(matching.order_by(F("pk") + 0).values_list("pk", flat=True)[: _FEW + 1])
    return contacts.filter(IsOneOf(keys if len(keys) <= _FEW else matching))


def search_by_contact(rows: QuerySet[Any], text: str, country: str) -> QuerySet[Any]:
    """Rows of another table whose ``contact`` is found by ``search_contacts``."""
    if not text.strip():
        return rows
    # Joined, and not by the keys themselves: for those the planner reads through all rows of a large run.
    found = search_contacts(Contact.objects.all(), text, country)
    return rows.filter(contact__in=found.order_by().values("pk"))


def _matching(text: str, country: str, *, by_index: bool) -> Q:
    if _NUMBER.fullmatch(text):
        number = dialable(text, country)
        part = _number(text, by_index)
        return part | Q(phone_number=number) if isinstance(number, str) else part
    matching = Q()
    for word in text.split()[:SEARCH_WORDS]:
        matching &= _number(word, by_index) if _NUMBER.fullmatch(word) else _word(word, by_index)
    return matching


def _word(word: str, by_index: bool) -> Q:
    return _holds(f" {word}" if len(word) < 3 and word.isascii() else word, by_index)


def _number(written: str, by_index: bool) -> Q:
    """Digits of a number, or what looks like one: 24/7."""
    digits = "".join(str(int(char)) for char in written if char.isdecimal())
    # What stands in front of a number within its country is not part of its E.164 form.
    part = f"+{digits}" if written.startswith("+") else digits.lstrip("0") or digits
    found = _holds(part, by_index)
    return found if part in written else found | _holds(written, by_index)


def _holds(part: str, by_index: bool) -> Q:
    # Else an expression that no index has. For a word without a trigram the whole index would be read,
    # which takes longer than reading all rows.
    is_indexed = by_index and bool(_TRIGRAM.search(part))
    text = F("search_text") if is_indexed else Concat("search_text", Value(""), output_field=TextField())
    return Q(Holds(text, part))


def do_not_contact() -> QuerySet[DoNotContact]:
    """Entries that count: those that are not over, by the database's clock."""
    return DoNotContact.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=Now()))


def do_not_contact_for(scope: str) -> QuerySet[DoNotContact]:
    """Entries that forbid one way of reaching people: those of that scope, and those of all."""
    return do_not_contact().filter(scope__in=[scope, DoNotContact.Scope.ALL])


def is_do_not_contact(phone_number: str, scope: str) -> bool:
    return do_not_contact_for(scope).filter(phone_number=phone_number).exists()


def number_is_do_not_contact(scope: str) -> Exists:
    """For filters of contacts: their number must not be reached in this way."""
    return Exists(do_not_contact_for(scope).filter(phone_number=OuterRef("phone_number")))


def only_do_not_contact(contacts: QuerySet[Contact], scope: str) -> QuerySet[Contact]:
    """Those whose number must not be reached in this way; quick for a page and a bounded count of them.

    The planner reads on from the newest contacts, looking each up, as if a search of few entries were all
    it could do. Where a page is found soon so, and the entries fit into memory, they are read once instead.
    """
    if not _ENTRIES_READ_AT_ONCE[0] <= tally(Tally.Of.DO_NOT_CONTACT) <= _ENTRIES_READ_AT_ONCE[1]:
        return contacts.filter(number_is_do_not_contact(scope))
    numbers = do_not_contact_for(scope).filter(phone_number__isnull=False).values("phone_number")
    # A condition of its own: as IN alone it would be merged into the query, and looked up again.
    is_forbidden = Case(When(phone_number__in=numbers, then=True), default=False, output_field=BooleanField())
    return contacts.filter(is_forbidden)


def forbidden_numbers(contacts: Iterable[Contact], scope: str) -> set[str]:
    """Which of their numbers must not be reached in this way; for the few of a page.

    As an annotation the planner would read all of do-not-contact for them.
    """
    numbers = [contact.phone_number for contact in contacts if contact.phone_number]
    found = do_not_contact_for(scope).filter(phone_number__in=numbers)
    return {number for number in found.values_list("phone_number", flat=True) if number}


@dataclass(frozen=True)
class DoNotContactFilters:
    """What entries are looked for; what is empty narrows nothing. Days are in the current zone."""

    text: str = ""
    scope: str = ""
    source: str = ""
    # "later": those that end some day; "never": those for good.
    ends: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_empty(self) -> bool:
        return self == DoNotContactFilters()

    @property
    def is_too_short(self) -> bool:
        """Too little to look for: it would be found nearly everywhere."""
        return 0 < len(self.text) < SHORTEST_PART


def find_do_not_contact(filters: DoNotContactFilters, country: str) -> QuerySet[DoNotContact]:
    """Entries that count, by number in any notation or part of it, by part of the email address, and more.

    ``country`` is where numbers without ``+`` are at home.
    """
    found = do_not_contact()
    if filters.is_too_short:
        return found.none()
    if filters.text:
        found = found.filter(address_matches(filters.text, country))
    if filters.scope:
        found = found.filter(scope=filters.scope)
    if filters.source:
        found = found.filter(source=filters.source)
    if filters.ends:
        found = found.filter(expires_at__isnull=filters.ends == "never")
    if filters.since:
        found = found.filter(created_at__gte=_midnight(filters.since))
    if filters.until:
        found = found.filter(created_at__lt=_midnight(filters.until + timedelta(days=1)))
    return found


def address_matches(text: str, country: str) -> Q:
    """Of do-not-contact: the number in any notation, or part of the number or of the email address."""
    if not _NUMBER.fullmatch(text):
        # They are kept in lower case.
        return Q(email__contains=text.lower())
    number = dialable(text, country)
    if isinstance(number, str):
        return Q(phone_number=number)
    digits = re.sub(r"\D", "", text)
    # What stands in front of a number within its country is not part of its E.164 form.
    return Q(phone_number__contains=digits.lstrip("0") or digits) | Q(email__contains=text)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def tally(of: Tally.Of) -> int:
    """How many rows a large table has, without counting them."""
    return Tally.objects.filter(of=of).aggregate(sum=Sum("change"))["sum"] or 0
