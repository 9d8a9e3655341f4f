"""What may be done with custom fields."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import IntegrityError, connection, transaction
from django_q.tasks import async_task

from contacts.importing import mapping
from contacts.importing.reading import clean
from contacts.models import Contact, CustomField
from contacts.refusals import Refused

LABEL_LENGTH, DESCRIPTION_LENGTH = 120, 200
# Contacts looked at in one transaction: a fraction of a second, so that nobody waits for it.
BATCH = 20_000


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

    Raises ``Refused`` without a label.
    """
    field.label, field.kind = _checked(label), _kind(kind)
    field.description = clean(description)[:DESCRIPTION_LENGTH]
    field.save(update_fields=["label", "kind", "description"])


@transaction.atomic
def delete_field(*, field: CustomField, typed: str) -> None:
    """Take a field, and its values, off all contacts: a worker does that, for a million in a minute.

    ``typed``: the name, as the person wrote it to confirm. Raises ``Refused`` when it is another one.
    """
    if typed.strip() != field.name:
        raise Refused(f"Type {field.name} to delete it.")
    name = field.name
    field.delete()
    transaction.on_commit(lambda: async_task("contacts.tasks.remove_field", name))


def remove_field(name: str) -> int:
    """Take a deleted field's values off all contacts, batch by batch; return how many had one.

    Done twice, or killed in the middle and begun anew, it ends the same. It stops when there is a field of
    that name again: then the values are wanted.
    """
    removed = 0
    for first, last in _batches():
        with transaction.atomic():
            if CustomField.objects.filter(name=name).exists():
                break
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE contacts_contact SET fields = fields - %s"
                    " WHERE id BETWEEN %s AND %s AND jsonb_exists(fields, %s)",
                    [name, first, last, name],
                )
                removed += cursor.rowcount
    return removed


def contacts_with(name: str) -> int:
    """How many contacts have a value for a field. Reads all of them: a second for a million."""
    return Contact.objects.filter(fields__has_key=name).count()


def _batches() -> Iterator[tuple[int, int]]:
    """First and last keys of so many contacts at a time, whatever gaps there are between them."""
    after = 0
    while keys := list(
        Contact.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]
    ):
        yield keys[0], keys[-1]
        after = keys[-1]


def _checked(label: str) -> str:
    label = clean(label)
    if not label:
        raise Refused("Give the field a name.")
    if len(label) > LABEL_LENGTH:
        raise Refused(f"A field’s name has {LABEL_LENGTH} characters at most.")
    return label


def _kind(kind: str) -> str:
    return kind if kind in CustomField.Kind.values else CustomField.Kind.TEXT
