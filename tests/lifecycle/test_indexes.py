"""Migrations of large indexes that were interrupted, and are run again."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest
from django.db import connection, models
from django.db.migrations.state import ProjectState

from contacts.models import Contact
from lifecycle.indexes import AddIndexConcurrently, RemoveIndexConcurrently

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "contact_company_for_a_test"
INDEX = models.Index(fields=["company"], name=NAME)


@pytest.fixture
def states():
    """The state of the project without the index, and with it."""
    before = ProjectState.from_apps(Contact._meta.apps)
    after = before.clone()
    AddIndexConcurrently("contact", INDEX).state_forwards("contacts", after)
    yield before, after
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


def add(states) -> None:
    with connection.schema_editor(atomic=False) as editor:
        AddIndexConcurrently("contact", INDEX).database_forwards("contacts", editor, *states)


def validity() -> list[tuple[int, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::int, indisvalid FROM pg_index WHERE indexrelid::regclass::text = %s", [NAME]
        )
        return cursor.fetchall()


def leave_half_an_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {NAME} ON contacts_contact (company)")
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [NAME])


def test_an_index_is_made_and_dropped(states):
    before, after = states
    add(states)
    assert [whole for _, whole in validity()] == [True]
    with connection.schema_editor(atomic=False) as editor:
        AddIndexConcurrently("contact", INDEX).database_backwards("contacts", editor, after, before)
    assert validity() == []


def test_half_an_index_is_made_anew(states):
    leave_half_an_index()
    [(half, _)] = validity()
    add(states)
    [(made, whole)] = validity()
    assert whole
    assert made != half


def test_a_whole_index_that_was_not_written_down_is_kept(states):
    add(states)
    made = validity()
    add(states)
    assert validity() == made


def test_dropping_an_index_can_be_done_and_undone_again_after_an_interruption(states):
    before, after = states
    add(states)
    removal = RemoveIndexConcurrently("contact", NAME)
    with connection.schema_editor(atomic=False) as editor:
        removal.database_forwards("contacts", editor, after, before)
        removal.database_forwards("contacts", editor, after, before)
    assert validity() == []
    leave_half_an_index()
    with connection.schema_editor(atomic=False) as editor:
        removal.database_backwards("contacts", editor, before, after)
        removal.database_backwards("contacts", editor, before, after)
    assert [whole for _, whole in validity()] == [True]


def test_who_is_still_at_an_index_is_waited_for(states):
    settings = connection.get_connection_params()
    killed = psycopg.connect(**{k: settings[k] for k in ("dbname", "user", "host", "port") if k in settings})
    killed.autocommit = True
    killed.execute("SELECT pg_advisory_lock(770229, hashtext(%s))", [NAME])

    def work() -> None:
        try:
            add(states)
        finally:
            connection.close()

    again = threading.Thread(target=work)
    again.start()
    time.sleep(0.5)
    assert again.is_alive()
    # Which it can only if nobody's statement is open.
    killed.execute(f"CREATE INDEX CONCURRENTLY {NAME} ON contacts_contact (company)")
    made = validity()
    killed.close()
    again.join(20)
    assert not again.is_alive()
    assert validity() == made
