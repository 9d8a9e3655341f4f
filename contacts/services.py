"""What may be done with contacts, lists, imports and the do-not-contact list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import BinaryIO

from django.core.files import File
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django_q.tasks import async_task

from accounts.models import User
from contacts.importing import mapping as columns
from contacts.importing.reading import Inspection, Row, UnreadableFile, clean, inspect
from contacts.importing.rows import RowReader
from contacts.importing.running import is_running_somewhere
from contacts.importing.saving import StagedContact, StagedRejection, Staging
from contacts.lifecycles import IMPORT
from contacts.models import Contact, DoNotContact, Import, ImportStatus, List
from contacts.phone_numbers import Rejection, normalise, possible_zones
from contacts.zones import zone_set_for

MAX_TYPED_LINES = 10_000
# Services take a parameter called list, which is what it is.
list_ = list


class Refused(Exception):
    """What was asked for can't be done; the message tells a person why."""


# --- Lists -----------------------------------------------------------------------------------------


@transaction.atomic
def create_list(*, name: str, description: str = "", actor: User | None) -> List:
    """An empty list. Raises ``Refused`` without a name, or when another list has it."""
    name = _list_name(name)
    if List.objects.filter(name=name).exists():
        raise Refused(f"There is a list “{name}” already.")
    return List.objects.create(name=name, description=description[:400], created_by=actor)


@transaction.atomic
def rename_list(*, list: List, name: str, description: str) -> None:
    """Give a list another name or description. Raises ``Refused`` as ``create_list`` does."""
    name = _list_name(name)
    if List.objects.filter(name=name).exclude(pk=list.pk).exists():
        raise Refused(f"There is a list “{name}” already.")
    list.name, list.description = name, description[:400]
    list.save(update_fields=["name", "description"])


@transaction.atomic
def delete_list(*, list: List) -> None:
    """Remove a list and its versions; its contacts stay. Raises ``Refused`` while campaigns use it."""
    try:
        list.delete()
    except ProtectedError:
        raise Refused(
            f"“{list.name}” is used by a campaign. Take it off the campaign, or delete that, first."
        ) from None


def _list_name(name: str) -> str:
    name = clean(name)
    if not name:
        raise Refused("Give the list a name.")
    if len(name) > 120:
        raise Refused("A list’s name has 120 characters at most.")
    return name


# --- Imports ---------------------------------------------------------------------------------------


def upload_import(
    *,
    file: BinaryIO,
    file_name: str,
    list: List | None = None,
    list_name: str = "",
    country: str,
    actor: User | None,
) -> Import:
    """Keep an uploaded file, with what was found in it and a guess of its columns.

    Its contacts will go into ``list``, or the one called ``list_name``, which need not exist yet.
    Raises ``UnreadableFile`` when it holds no contacts, and ``Refused``; then nothing is kept.
    """
    name = list.name if list else _list_name(list_name)
    inspection = inspect(file)
    file.seek(0)
    file_name = PurePath(clean(file_name).replace("\\", "/")).name[-255:] or "contacts.csv"
    contact_import = Import(
        file_name=file_name,
        list=list or List.objects.filter(name=name).first(),
        list_name=name,
        country=country,
        dialect=inspection.dialect.as_json(),
        mapping=guessed_mapping(inspection, country),
        created_by=actor,
    )
    # The stored name is ours: people's file names may be anything.
    contact_import.file.save("contacts.csv", File(file), save=False)
    try:
        contact_import.save()
    except BaseException:
        contact_import.file.delete(save=False)
        raise
    return contact_import


def inspect_import(*, contact_import: Import, has_header: bool | None = None) -> Inspection:
    """Look at an import's file again. Raises ``UnreadableFile``, also when the file is gone."""
    try:
        with contact_import.file.open("rb") as stored:
            return inspect(stored.file, has_header=has_header)
    except FileNotFoundError:
        raise UnreadableFile("The uploaded file is gone. Upload it again.") from None


def guessed_mapping(inspection: Inspection, country: str) -> dict[str, str]:
    """The guess of an import's columns, as ``Import.mapping`` keeps it."""
    targets = columns.guess(inspection.dialect.columns, inspection.rows, country)
    return {str(position): target for position, target in enumerate(targets)}


@transaction.atomic
def map_import(
    *, contact_import: Import, mapping: Mapping[int, str], has_header: bool, actor: User | None = None
) -> None:
    """Say what the columns are, and let the import run in the background.

    ``mapping``: position of a column -> a target of ``importing.mapping``. Raises ``Refused`` when no
    column is the phone number or two are the same thing, and ``MoveRefused`` when it runs already.
    """
    if found := columns.problems(mapping):
        raise Refused(" ".join(found))
    changes = {}
    if has_header != contact_import.dialect["has_header"]:
        changes["dialect"] = inspect_import(
            contact_import=contact_import, has_header=has_header
        ).dialect.as_json()
    IMPORT.apply_to(
        contact_import,
        "map",
        mapping={str(position): target for position, target in mapping.items()},
        error="",
        **changes,
    )
    _enqueue(contact_import)


@transaction.atomic
def retry_import(*, contact_import: Import, actor: User | None = None) -> None:
    """Run a failed import again, or one whose process died; the end is the same as if nothing happened.

    Raises ``Refused`` while it is at work, and ``MoveRefused`` when it was never mapped or is done.
    """
    if contact_import.status == ImportStatus.RUNNING and is_running_somewhere(contact_import.pk):
        raise Refused("This import is at work.")
    IMPORT.apply_to(contact_import, "retry", error="")
    _enqueue(contact_import)


def _enqueue(contact_import: Import) -> None:
    import_id = contact_import.pk
    transaction.on_commit(lambda: async_task("contacts.tasks.run_import", import_id))


# --- Numbers typed or pasted -----------------------------------------------------------------------


@dataclass(frozen=True)
class InvalidLine:
    """``line`` counts from 1."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class NumbersAdded:
    """What became of typed lines; ``added`` of the contacts were new to the list."""

    added: int
    created: int
    updated: int
    unchanged: int
    duplicates: int
    invalid: tuple[InvalidLine, ...]


@transaction.atomic
def add_numbers(*, list: List, lines: str, country: str, actor: User | None) -> NumbersAdded:
    """Add typed or pasted numbers to a list: one a line, with a name before or after it if wanted,
    or several numbers with commas between them.

    Raises ``Refused`` for more than 10,000 lines. Invalid lines are told, the others are added.
    """
    split = lines.splitlines()
    if len(split) > MAX_TYPED_LINES:
        raise Refused(f"That is more than {MAX_TYPED_LINES:,} lines. Upload them as a CSV file instead.")
    contacts: list_[StagedContact] = []
    invalid: list_[InvalidLine] = []
    reader = RowReader({0: columns.PHONE, 1: columns.NAME}, columns=2, country=country)
    for number, text in enumerate(map(clean, split), start=1):
        for cells in _typed(text, country):
            read = reader.read(Row(number, cells))
            if isinstance(read, StagedRejection):
                invalid.append(InvalidLine(number, text, read.reason))
            else:
                contacts.append(read)
    # Each its own line, so that two of one line are told apart.
    contacts = [replace(contact, line=line) for line, contact in enumerate(contacts, start=1)]
    with Staging() as staging:
        staging.add(contacts)
        merged = staging.merge(list_id=list.pk, list_name=list.name, note="Typed in", actor=actor)
    list.refresh_from_db(fields=["version", "size"])
    return NumbersAdded(
        added=merged.added,
        created=merged.created,
        updated=merged.updated,
        unchanged=merged.unchanged,
        duplicates=merged.duplicates,
        invalid=tuple(invalid),
    )


_SEPARATORS = re.compile(r"[,;\t|]+")
_NUMBER_INSIDE = re.compile(r"[+(]?\d[\d\s().\-/]{5,}\d")
# Words around a number that are no name.
_NO_NAME = re.compile(r"\b(?:tel|phone|mobile|cell)\b[.:]?|(?:\bext\.?|\bx|#)\s*\d+", re.IGNORECASE)


def _typed(text: str, country: str) -> Sequence[list_[str]]:
    """The [number, name] pairs of one typed line."""
    if not text:
        return []
    parts = [part.strip() for part in _SEPARATORS.split(text) if part.strip()]
    read = [_number_and_name(part, country) for part in parts]
    numbers = [pair for pair in read if pair is not None]
    if len(numbers) == 1:
        # The other parts are the name, or the rest of it.
        number, name = numbers[0]
        others = [part for part, pair in zip(parts, read, strict=True) if pair is None]
        return [[number, ", ".join(filter(None, [name, *others]))]]
    if numbers and len(numbers) == len(parts):
        return numbers
    return [[text, ""]]


def _number_and_name(text: str, country: str) -> list_[str] | None:
    """The number in "Anna Svensson 415 555 0102", and the name around it; None without a number."""
    if (match := _NUMBER_INSIDE.search(text)) and isinstance(normalise(match[0], country), str):
        around = _NO_NAME.sub(" ", f"{text[: match.start()]} {text[match.end() :]}")
        return [match[0], " ".join(around.split()).strip(" :-<>()\"'=")]
    return [text, ""] if isinstance(normalise(text, country), str) else None


# --- Contacts --------------------------------------------------------------------------------------


@transaction.atomic
def edit_contact(
    *,
    contact: Contact,
    first_name: str,
    last_name: str,
    email: str,
    company: str,
    time_zone: str,
    fields: dict[str, str],
) -> None:
    """Change what is known of a person. Without ``time_zone`` (an IANA name), the number's zones count.

    Raises ``Refused`` when a person without a number takes the address of another one.
    """
    contact.first_name, contact.last_name, contact.company = first_name, last_name, company
    contact.email = email.lower() or None
    contact.fields = fields
    contact.time_zone = time_zone
    zones = (
        (time_zone,) if time_zone else possible_zones(contact.phone_number) if contact.phone_number else ()
    )
    contact.zone_set = zone_set_for(zones)
    try:
        with transaction.atomic():
            contact.save(
                update_fields=[
                    "first_name",
                    "last_name",
                    "company",
                    "email",
                    "fields",
                    "time_zone",
                    "zone_set",
                    "updated_at",
                ]
            )
    except IntegrityError:
        raise Refused("Another contact without a number has this email address.") from None


# --- Do not contact --------------------------------------------------------------------------------


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
    invalid: list_[InvalidLine] = []
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
