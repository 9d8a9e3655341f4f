"""What may be done with custom fields."""

from __future__ import annotations

import time

from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django_q.tasks import async_task

from contacts.importing import mapping
from contacts.importing.reading import clean
from contacts.importing.saving import fields_are_free
from contacts.models import Contact, CustomField
from contacts.refusals import Refused

LABEL_LENGTH, DESCRIPTION_LENGTH = 120, 200
# Contacts looked at in one transaction, so that nobody waits for it long.
BATCH = 10_000
# One task works for so long, and then makes room for whatever else waits.
BUDGET_SECONDS = 20.0
# Between two looks whether imports that bring values are saved.
PAUSE_SECONDS = 0.5


@transaction.atomic
def add_field(*, label: str, kind: str, description: str = "") -> CustomField:
    """A field of contacts, before any of them has it. Its name, as prompts write it, follows from the label.

    Raises ``Refused`` without a label, or when there is such a field.
    """
    label = _checked(label)
    name = mapping.field_name(label)
    try:
        with transaction.atomic():
            return CustomField.objects.create(
                name=name, label=label, kind=_kind(kind), description=clean(description)[:DESCRIPTION_LENGTH]
            )
    except IntegrityError:
        raise Refused(f"There is a field “{name}” already.") from None


@transaction.atomic
def edit_field(*, field: CustomField, label: str, kind: str, description: str) -> None:
    """Change what people read of a field. Its name stays: prompts and files know it by that.

    Raises ``Refused`` without a label, and when the field was deleted.
    """
    field.label, field.kind = _checked(label), _kind(kind)
    field.description = clean(description)[:DESCRIPTION_LENGTH]
    found = CustomField.objects.filter(pk=field.pk).update(
        label=field.label, kind=field.kind, description=field.description
    )
    if not found:
        raise Refused("This field was deleted meanwhile.")


@transaction.atomic
def delete_field(*, field: CustomField, typed: str) -> None:
    """Take a field, and its values, off all contacts: a worker does that.

    ``typed``: the name, as the person wrote it to confirm. Raises ``Refused`` when it is another one.
    """
    if typed.strip() != field.name:
        raise Refused(f"Type {field.name} to delete it.")
    name = field.name
    field.delete()
    transaction.on_commit(lambda: async_task("contacts.tasks.remove_field", name))


def remove_field(name: str, after: int = 0) -> int:
    """Take a deleted field's values off all contacts with a key above ``after``; return how many had one.

    Batch by batch for ``BUDGET_SECONDS``; then another task goes on, so that the worker is free meanwhile.
    Done twice, or killed in the middle and begun anew, it ends the same. It stops when there is a field of
    that name again: then the values are wanted.
    """
    removed = 0
    until = time.monotonic() + BUDGET_SECONDS
    while last := _last_of_batch(after):
        with transaction.atomic():
            # Whoever saves values holds the fields until they are known by name again, too. Not waited for
            # in a queue, in which others would wait behind this.
            if is_free := fields_are_free():
                if CustomField.objects.filter(name=name).exists():
                    break
                removed += _remove_values(name, after, last)
        if is_free:
            after = last
        else:
            time.sleep(PAUSE_SECONDS)
        if time.monotonic() >= until:
            async_task("contacts.tasks.remove_field", name, after)
            break
    return removed


def _remove_values(name: str, after: int, last: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_contact SET fields = fields - %s"
            " WHERE id > %s AND id <= %s AND jsonb_exists(fields, %s)",
            [name, after, last, name],
        )
        return int(cursor.rowcount)


def contacts_with(name: str) -> int:
    """How many contacts have a value for a field. Reads all of them: a second for a million."""
    return Contact.objects.filter(fields__has_key=name).count()


def _last_of_batch(after: int) -> int | None:
    """The key up to which the next batch goes, whatever gaps there are; None: nobody is left."""
    keys = Contact.objects.filter(pk__gt=after).order_by("pk").values("pk")[:BATCH]
    last: int | None = keys.aggregate(last=Max("pk"))["last"]
    return last


def _checked(label: str) -> str:
    label = clean(label)
    if not label:
        raise Refused("Give the field a name.")
    if len(label) > LABEL_LENGTH:
        raise Refused(f"A field’s name has {LABEL_LENGTH} characters at most.")
    return label


def _kind(kind: str) -> str:
    return kind if kind in CustomField.Kind.values else CustomField.Kind.TEXT
