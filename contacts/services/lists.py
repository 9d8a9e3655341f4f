"""What may be done with lists."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError

from accounts.models import User
from contacts.importing.reading import clean
from contacts.models import List
from contacts.refusals import Refused


@transaction.atomic
def create_list(*, name: str, description: str = "", actor: User | None) -> List:
    """An empty list. Raises ``Refused`` without a name, or when another list has it."""
    name = checked_name(name)
    if List.objects.filter(name=name).exists():
        raise Refused(f"There is a list “{name}” already.")
    return List.objects.create(name=name, description=description[:400], created_by=actor)


@transaction.atomic
def rename_list(*, list: List, name: str, description: str) -> None:
    """Give a list another name or description. Raises ``Refused`` as ``create_list`` does."""
    name = checked_name(name)
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


def checked_name(name: str) -> str:
    name = clean(name)
    if not name:
        raise Refused("Give the list a name.")
    if len(name) > 120:
        raise Refused("A list’s name has 120 characters at most.")
    return name
