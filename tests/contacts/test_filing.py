"""The search index of what an import inserts: filed beside it, and complete when it is."""

from __future__ import annotations

import pytest
from django.db import connection

from contacts.importing import searching
from contacts.importing.running import run_import
from contacts.models import Contact, Import, ImportStatus
from contacts.queries import search_contacts
from tests.contacts.conftest import mapped, uploaded
from tests.factories.contacts import phone_number

pytestmark = pytest.mark.django_db(transaction=True)


def imported(rows: int, name: str = "Chloé") -> Import:
    people = "".join(f"{phone_number(n)},{name} {n}\n" for n in range(rows))
    waiting = mapped(uploaded(f"Phone,First name\n{people}"))
    run_import(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.status == ImportStatus.COMPLETED
    assert waiting.created + waiting.updated == rows
    return waiting


def pages_put_aside() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('contact_words')")
        return int(cursor.fetchone()[0])


def found(words: str) -> set[str]:
    return set(search_contacts(Contact.objects.all(), words, "US").values_list("first_name", flat=True))


def test_nothing_is_left_aside_by_a_large_import():
    imported(searching._LARGE + 10)
    assert pages_put_aside() == 0
    assert "Chloé 5001" in found("chloe 5001")


def test_what_a_small_import_put_aside_is_found():
    imported(20)
    assert "Chloé 11" in found("chloe 11")
    assert pages_put_aside() > 0
    assert "Chloé 11" in found("chloe 11")
