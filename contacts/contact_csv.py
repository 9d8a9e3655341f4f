"""Contacts as CSV that can be imported again, and then changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from contacts.exporting import Harmless, YesNo, csv_of, sql_of, text
from contacts.importing import mapping
from contacts.models import Contact, DoNotContact
from contacts.queries import number_is_do_not_contact
from contacts.refusals import Refused

# PostgreSQL returns 1,664 columns at most.
MOST_FIELDS = 1500


def contacts_as_csv(contacts: QuerySet[Contact]) -> Iterator[bytes]:
    """The contacts in their order, each custom field that one of them has in a column of its own.

    A time zone is told where it was given; one that was worked out from the number is so again. Raises
    ``Refused`` for more than 1,500 custom fields, before anything is sent.
    """
    names = field_names(contacts)
    if len(names) > MOST_FIELDS:
        raise Refused(
            f"These contacts have {len(names):,} custom fields between them; {MOST_FIELDS:,} can be exported "
            "at most. Export a part of the list."
        )
    columns: dict[str, Any] = {
        mapping.TARGETS[mapping.PHONE]: F("phone_number"),
        mapping.TARGETS[mapping.FIRST]: text("first_name"),
        mapping.TARGETS[mapping.LAST]: text("last_name"),
        mapping.TARGETS[mapping.EMAIL]: text("email"),
        mapping.TARGETS[mapping.COMPANY]: text("company"),
        mapping.TARGETS[mapping.ZONE]: text("time_zone"),
    }
    for name in names:
        value = Coalesce(KeyTextTransform(name, "fields"), Value(""), output_field=TextField())
        columns[name] = Harmless(value)
    columns[mapping.FORBIDDEN_COLUMN] = YesNo(number_is_do_not_contact(DoNotContact.Scope.VOICE))
    return csv_of(contacts, columns)


def field_names(contacts: QuerySet[Contact]) -> list[str]:
    """The custom fields that contacts have, in one look at each of them."""
    rows, parameters = sql_of(contacts.order_by().values_list("fields"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT jsonb_object_keys(contact.fields) FROM ({rows}) AS contact (fields) ORDER BY 1",  # noqa: S608
            parameters,
        )
        return [name for (name,) in cursor.fetchall()]
