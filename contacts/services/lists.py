"""What may be done with lists.

Every change of who is on a list is one statement, however many they are, and makes a new version that
says what it added and removed. Campaigns that started keep the version they were started with.
"""

from __future__ import annotations

import logging
import secrets
import string
from collections.abc import Callable, Iterable, Sequence

from django.db import IntegrityError, connection, transaction
from django.db.models import F, QuerySet

from accounts.models import User
from contacts.do_not_contact import put
from contacts.exporting import sql_of
from contacts.filters import ContactFilters
from contacts.importing.reading import clean
from contacts.membership import contacts_of, on_any_of, on_both, only_on, take_off_erased, uses_of
from contacts.models import Contact, DoNotContact, List, ListVersion, Membership
from contacts.refusals import Refused

logger = logging.getLogger(__name__)

NOTE_LENGTH = 200
MOST_PARTS = 10
MOST_FORBIDDEN = 100_000
# Services take a parameter called list, which is what it is.
list_ = list


@transaction.atomic
def create_list(*, name: str, description: str = "", actor: User | None) -> List:
    """An empty list. Raises ``Refused`` without a name, or when another list has it."""
    name = checked_name(name)
    try:
        with transaction.atomic():
            return List.objects.create(name=name, description=description[:400], created_by=actor)
    except IntegrityError:
        raise Refused(f"There is a list “{name}” already.") from None


@transaction.atomic
def rename_list(*, list: List, name: str, description: str, actor: User | None) -> None:
    """Give a list another name or description. Raises ``Refused`` as ``create_list`` does, and when it was
    deleted."""
    name = checked_name(name)
    _lock(list)
    list.name, list.description = name, description[:400]
    try:
        with transaction.atomic():
            list.save(update_fields=["name", "description"])
    except IntegrityError:
        raise Refused(f"There is a list “{name}” already.") from None
    if actor:
        logger.info("%s renamed list %s “%s”", actor.username, list.pk, name)


@transaction.atomic
def delete_list(*, list: List, actor: User | None) -> None:
    """Remove a list and its versions; its contacts stay.

    Raises ``Refused`` while campaigns use it, and while an import into it is being undone, which has to know
    whom it had put there.
    """
    # Whoever adds to it or begins to use it comes before, or finds it gone.
    if List.objects.select_for_update().filter(pk=list.pk).first() is None:
        raise Refused(f"“{list.name}” was deleted already.")
    names = dict.fromkeys(f"“{use.campaign.name}”" for use in uses_of(list))
    if names:
        raise Refused(f"“{list.name}” is used by {_enumerated(list_(names))}. Take it off there first.")
    undone = list.imports.filter(undo_asked_at__isnull=False, undone_at=None).first()
    if undone is not None:
        raise Refused(f"The import of {undone.file_name} is being undone. Delete the list when that is done.")
    pk = list.pk
    list.delete()
    if actor:
        logger.info("%s deleted list %s “%s”", actor.username, pk, list.name)


@transaction.atomic
def copy_list(*, list: List, name: str, filters: ContactFilters | None = None, actor: User | None) -> List:
    """A new list with the contacts of another, or those of them that pass the filters.

    Raises ``Refused`` when the name is taken, and when nobody would be on the new list.
    """
    _lock(list)
    filters = filters or ContactFilters()
    only = f": those {filters.in_words()}" if not filters.is_empty else ""
    copy = create_list(name=name, actor=actor)
    if not _add(copy, filters.apply(contacts_of(list)), f"Copied from {_at(list)}{only}", actor):
        raise Refused(f"“{list.name}” has nobody to copy{f' {filters.in_words()}' if only else ''}.")
    return copy


@transaction.atomic
def merge_lists(
    *, lists: Sequence[List], into: List | None = None, name: str = "", actor: User | None
) -> List:
    """Put the contacts of several lists, each once, into one of them or another, or into a new one.

    Raises ``Refused`` when there is nothing to merge, or the new name is taken.
    """
    others = [one for one in dict.fromkeys(lists) if one != into]
    if len(others) + (into is not None) < 2:
        raise Refused("Choose at least one other list.")
    _lock(*others, *([into] if into else []))
    target = into or create_list(name=name, actor=actor)
    if not _add(target, on_any_of(others), f"Merged from {_enumerated(map(_at, others))}", actor):
        if into is None:
            raise Refused("These lists are empty.")
        raise Refused(f"Everybody on {_enumerated(map(_quoted, others))} is on “{into.name}” already.")
    return target


@transaction.atomic
def subtract_list(*, list: List, minus: List, name: str = "", actor: User | None) -> List:
    """The contacts of a list without those of another: as its new version, or as a new list by ``name``.

    Raises ``Refused`` when that changes nothing or leaves nobody, or the name is taken.
    """
    return _combine(
        list,
        minus,
        name,
        actor,
        keep=only_on,
        note=f"Without the contacts of {_at(minus)}",
        nobody=f"Everybody on “{list.name}” is on “{minus.name}” too. Nobody would be left.",
        no_change=f"Nobody on “{list.name}” is on “{minus.name}”. There is nothing to subtract.",
    )


@transaction.atomic
def intersect_lists(*, list: List, other: List, name: str = "", actor: User | None) -> List:
    """The contacts that two lists share: as a new version of the first, or as a new list by ``name``.

    Raises ``Refused`` when that changes nothing or leaves nobody, or the name is taken.
    """
    return _combine(
        list,
        other,
        name,
        actor,
        keep=on_both,
        note=f"Only those who are on {_at(other)} too",
        nobody=f"Nobody on “{list.name}” is on “{other.name}”. Nobody would be left.",
        no_change=f"Everybody on “{list.name}” is on “{other.name}” too. Nothing would change.",
    )


def _combine(
    list: List,
    other: List,
    name: str,
    actor: User | None,
    *,
    keep: Callable[[List, List], QuerySet[Contact]],
    note: str,
    nobody: str,
    no_change: str,
) -> List:
    if list == other:
        raise Refused("Choose another list.")
    _lock(list, other)
    if not list.size:
        raise Refused(f"“{list.name}” is empty.")
    if name:
        made = create_list(name=name, actor=actor)
        if not _add(made, keep(list, other), f"{_at(list)}. {note}"[:NOTE_LENGTH], actor):
            raise Refused(nobody)
        return made
    leave = only_on if keep is on_both else on_both
    if not _remove(list, leave(list, other), note, actor):
        raise Refused(no_change)
    if not list.size:
        raise Refused(nobody)
    return list


def part_sizes(total: int, shares: Sequence[int]) -> list_[int]:
    """How many of ``total`` each part gets; what is left over goes to those who lost most by rounding.

    >>> part_sizes(5, [50, 50]), part_sizes(1000, [10, 90]), part_sizes(10, [1, 1, 1])
    ([3, 2], [100, 900], [4, 3, 3])
    """
    whole = sum(shares)
    sizes = [total * share // whole for share in shares]
    by_loss = sorted(range(len(shares)), key=lambda part: (-(total * shares[part] % whole), part))
    for part in by_loss[: total - sum(sizes)]:
        sizes[part] += 1
    return sizes


def part_names(name: str, parts: int) -> list_[str]:
    """What the parts of a list are called: "Autumn A", "Autumn B"."""
    return [f"{name} {letter}" for letter in string.ascii_uppercase[:parts]]


_SPLIT = """
    INSERT INTO contacts_membership (list_id, contact_id, added_in)
    SELECT (%(parts)s::bigint[])[width_bucket(place, %(starts)s::bigint[])], contact_id, 1
    FROM (
        SELECT contact_id, row_number() OVER (
            ORDER BY hashint8extended(contact_id, %(seed)s), contact_id
        ) AS place
        FROM contacts_membership WHERE list_id = %(list)s AND removed_in IS NULL
    ) AS shuffled
    ORDER BY 1, 2
"""


@transaction.atomic
def split_list(
    *, list: List, shares: Sequence[int], name: str = "", seed: int | None = None, actor: User | None
) -> list_[List]:
    """New lists that have a list's contacts between them, drawn at random by shares such as 10 and 90.

    They are called as the list is, or ``name``, with A, B … after it. The same seed draws the same.
    Raises ``Refused`` for other than 2 to 10 parts, a part without anybody, or a name that is taken.
    """
    if not 2 <= len(shares) <= MOST_PARTS or min(shares) < 1:
        raise Refused(f"A list is split into 2 to {MOST_PARTS} parts.")
    _lock(list)
    sizes = part_sizes(list.size, shares)
    if not all(sizes):
        people = "1 contact" if list.size == 1 else f"{list.size:,} contacts"
        raise Refused(f"“{list.name}” has {people}: too few for these shares.")
    names = part_names(checked_name(name or list.name), len(shares))
    parts = [create_list(name=part, actor=actor) for part in names]
    starts = [1 + sum(sizes[:part]) for part in range(len(sizes))]
    with connection.cursor() as cursor:
        cursor.execute(
            _SPLIT,
            {
                "list": list.pk,
                "parts": [part.pk for part in parts],
                "starts": starts,
                "seed": secrets.randbits(62) if seed is None else seed,
            },
        )
    share = "/".join(map(str, shares))
    for part, size in zip(parts, sizes, strict=True):
        part.version, part.size = 1, size
        _write_version(part, added=size, note=f"Drawn at random from {_at(list)}, {share}", actor=actor)
    return parts


@transaction.atomic
def remove_from_list(*, list: List, contacts: QuerySet[Contact], note: str = "", actor: User | None) -> int:
    """Take contacts off a list, as a new version; return how many were on it."""
    _lock(list)
    return _remove(list, contacts, note or "Removed by hand", actor)


@transaction.atomic
def add_to_list(*, list: List, contacts: QuerySet[Contact], note: str = "", actor: User | None) -> int:
    """Put contacts on a list, as a new version; return how many were not on it yet."""
    _lock(list)
    return _add(list, contacts, note or "Added by hand", actor)


@transaction.atomic
def add_to_new_list(*, name: str, contacts: QuerySet[Contact], note: str = "", actor: User | None) -> List:
    """A new list of some contacts. Raises ``Refused`` when they are none, or the name is taken."""
    made = create_list(name=name, actor=actor)
    if not _add(made, contacts, note or "Added by hand", actor):
        raise Refused("These contacts are not on the list any more.")
    return made


@transaction.atomic
def forbid_contacts(*, contacts: QuerySet[Contact], reason: str, actor: User | None) -> int:
    """Never reach these contacts again, in any way: neither at their numbers nor at their email addresses.

    Returns how many numbers and addresses were not on the do-not-contact list yet. Raises ``Refused`` for
    more than 100,000 contacts.
    """
    found = list_(contacts.order_by().values_list("phone_number", "email")[: MOST_FORBIDDEN + 1])
    if len(found) > MOST_FORBIDDEN:
        raise Refused(
            f"These are more than {MOST_FORBIDDEN:,} contacts. Export them, and import the file "
            "to do-not-contact."
        )
    done = put(
        addresses={(number, None) for number, _ in found if number}
        | {(None, email) for _, email in found if email},
        scope=DoNotContact.Scope.ALL,
        source=DoNotContact.Source.PERSON,
        reason=reason,
        expires_at=None,
        actor=actor,
    )
    return done.added


def keep_list(*, list: List) -> None:
    """Keep a list from being deleted until the transaction ends; nothing else that is done with it waits.

    For whoever is about to refer to it. Raises ``Refused`` when it was deleted.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM contacts_list WHERE id = %s FOR KEY SHARE", [list.pk])
        if cursor.fetchone() is None:
            raise Refused(f"“{list.name}” was deleted meanwhile.")


def hold_lists_of(*, contact: Contact) -> None:
    """Hold the lists that a contact is on until the transaction ends: before the contact’s row is taken
    for itself alone. Who puts a contact on a list refers to that row last, while holding lists."""
    on = List.objects.filter(memberships__contact=contact, memberships__removed_in=None)
    list_(on.select_for_update(no_key=True, of=("self",)).order_by("pk").values_list("pk"))


def _lock(*lists: List) -> None:
    """Hold lists until the transaction ends, and bring them up to date.

    Always in one order, so that operations on the same lists wait for each other, and never in a circle.
    Imports hold their list in the same way. Raises ``Refused`` when one was deleted.
    """
    wanted = {one.pk for one in lists}
    # Campaigns that take the list meanwhile need not wait.
    held = List.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    found = {one.pk: one for one in held}
    for one in lists:
        if one.pk not in found:
            raise Refused(f"“{one.name}” was deleted meanwhile.")
        one.version, one.size = found[one.pk].version, found[one.pk].size


# Whoever is on it already stays as they are.
_ADD = """
    INSERT INTO contacts_membership (list_id, contact_id, added_in)
    SELECT %s, chosen.id, %s FROM ({chosen}) AS chosen (id)
    WHERE NOT EXISTS (
        SELECT FROM contacts_membership AS member
        WHERE member.list_id = %s AND member.contact_id = chosen.id AND member.removed_in IS NULL
    )
    ORDER BY chosen.id
"""


def _add(list: List, contacts: QuerySet[Contact], note: str, actor: User | None) -> int:
    """Of a list that is locked, or that nobody else sees yet."""
    chosen, parameters = sql_of(contacts.order_by().values_list("pk"))
    number = list.version + 1
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(chosen=chosen), [list.pk, number, *parameters, list.pk])
        added = int(cursor.rowcount)
    if added:
        added -= take_off_erased(list_id=list.pk, number=number)
    if added:
        list.version, list.size = number, list.size + added
        _write_version(list, added=added, note=note, actor=actor)
    return added


def _remove(list: List, contacts: QuerySet[Contact], note: str, actor: User | None) -> int:
    """Of a list that is locked."""
    number = list.version + 1
    members = Membership.objects.filter(list=list).current()
    removed = members.filter(contact__in=contacts.order_by().values("pk")).update(removed_in=number)
    if removed:
        list.version, list.size = number, list.size - removed
        _write_version(list, removed=removed, note=note, actor=actor)
    return removed


_DROP = """
    WITH dropped AS (DELETE FROM contacts_membership WHERE contact_id = ANY(%s) RETURNING list_id, removed_in)
    SELECT list_id, count(*) FROM dropped WHERE removed_in IS NULL GROUP BY list_id
"""


def drop_members(*, keys: Sequence[int], note: str, actor: User | None) -> None:
    """Contacts that are about to be deleted go off their lists, each of which gets a new version, with all
    traces of who was on earlier ones. Of lists that are held."""
    with connection.cursor() as cursor:
        cursor.execute(_DROP, [list_(keys)])
        removed = dict(cursor.fetchall())
    for one in List.objects.filter(pk__in=removed).order_by("pk"):
        one.version, one.size = one.version + 1, one.size - removed[one.pk]
        _write_version(one, removed=removed[one.pk], note=note, actor=actor)


def _write_version(list: List, *, added: int = 0, removed: int = 0, note: str, actor: User | None) -> None:
    List.objects.filter(pk=list.pk).update(version=list.version, size=F("size") + added - removed)
    ListVersion.objects.create(
        list=list,
        number=list.version,
        added=added,
        removed=removed,
        size=list.size,
        note=note if len(note) <= NOTE_LENGTH else f"{note[: NOTE_LENGTH - 1]}…",
        created_by=actor,
    )


def _quoted(list: List) -> str:
    return f"“{list.name}”"


def _at(list: List) -> str:
    return f"“{list.name}”, version {list.version}"


def _enumerated(names: Iterable[str], most: int = 3) -> str:
    """“A”, “B” and 3 more."""
    told = list_(names)
    if len(told) > most:
        told = [*told[: most - 1], f"{len(told) - most + 1:,} more"]
    return " and ".join(filter(None, [", ".join(told[:-1]), *told[-1:]]))


def checked_name(name: str) -> str:
    name = clean(name)
    if not name:
        raise Refused("Give the list a name.")
    if len(name) > 120:
        raise Refused("A list’s name has 120 characters at most.")
    return name
