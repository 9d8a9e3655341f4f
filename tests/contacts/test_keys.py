"""Keys that are checked once a statement: a contact's zone set, a membership's list."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from contacts.models import Contact, List, Membership, ZoneSet
from contacts.zones import zone_set_for
from tests.factories import ContactFactory, ListFactory

pytestmark = pytest.mark.django_db
NOWHERE = 32_000


def by_hand(statement: str, *values: object) -> None:
    """A statement, and whatever its commit would check."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement, values)


def put(list_id: int, contact_id: int) -> None:
    by_hand(
        "INSERT INTO contacts_membership (list_id, contact_id, added_in) VALUES (%s, %s, 1)",
        list_id,
        contact_id,
    )


def test_a_contact_needs_a_zone_set_that_exists():
    contact = ContactFactory()
    now = timezone.now()
    with pytest.raises(IntegrityError, match="zone set that exists"), transaction.atomic():
        Contact.objects.bulk_create(
            Contact(phone_number=number, zone_set_id=zone_set, created_at=now, updated_at=now)
            for number, zone_set in (("+14155550101", contact.zone_set_id), ("+14155550102", NOWHERE))
        )
    assert Contact.objects.count() == 1


def test_a_contact_is_not_changed_to_a_zone_set_that_does_not_exist():
    contact = ContactFactory()
    Contact.objects.update(zone_set=zone_set_for(["Asia/Tokyo"]))
    with pytest.raises(IntegrityError, match="zone set that exists"), transaction.atomic():
        Contact.objects.update(zone_set=NOWHERE)
    contact.refresh_from_db()
    assert contact.zone_set.zones == ["Asia/Tokyo"]


def test_zone_sets_are_kept_also_where_nobody_is_enrolled():
    contact = ContactFactory()
    with pytest.raises(IntegrityError, match="Zone sets are kept"):
        by_hand("DELETE FROM contacts_zoneset WHERE id = %s", contact.zone_set_id)
    with pytest.raises(IntegrityError, match="contacts refer to them"):
        by_hand("TRUNCATE contacts_zoneset CASCADE")
    by_hand("TRUNCATE contacts_zoneset, contacts_contact CASCADE")
    assert not ZoneSet.objects.exists()


def test_a_membership_needs_a_list_and_a_contact_that_exist():
    contact, members = ContactFactory(), ListFactory(members=0)
    put(members.pk, contact.pk)
    for list_id, contact_id in ((NOWHERE, contact.pk), (members.pk, NOWHERE)):
        with pytest.raises(IntegrityError):
            put(list_id, contact_id)
    with pytest.raises(IntegrityError, match="list that exists"):
        by_hand("UPDATE contacts_membership SET list_id = %s", NOWHERE)
    assert Membership.objects.get().list == members


def test_a_list_that_has_contacts_is_kept():
    members = ListFactory(members=2)
    with pytest.raises(IntegrityError, match="still has contacts"):
        delete_by_hand(members.pk)
    with pytest.raises(IntegrityError, match="still have contacts"):
        by_hand("TRUNCATE contacts_list CASCADE")
    Membership.objects.all().delete()
    delete_by_hand(members.pk)
    assert not List.objects.exists()


def delete_by_hand(list_id: int) -> None:
    """Without Django, which would delete its memberships along with it."""
    by_hand("DELETE FROM contacts_listversion WHERE list_id = %s", list_id)
    by_hand("DELETE FROM contacts_list WHERE id = %s", list_id)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("puts_first", [True, False])
def test_a_list_is_not_deleted_while_somebody_is_put_on_it(puts_first):
    """By hand, without any of our locks: one of the two is refused, and nobody is on a list that is gone."""
    members, contact = ListFactory(members=0), ContactFactory()
    reached, go_on = threading.Event(), threading.Event()
    refused: list[str] = []

    def do(name: str, work: Callable[[], None], is_first: bool) -> None:
        try:
            with transaction.atomic():
                if not is_first:
                    reached.wait(10)
                    # The first one commits while this one waits for it, or just before.
                    threading.Timer(0.3, go_on.set).start()
                work()
                if is_first:
                    reached.set()
                    go_on.wait(10)
        except IntegrityError:
            refused.append(name)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=do, args=("put", lambda: put(members.pk, contact.pk), puts_first)),
        threading.Thread(target=do, args=("delete", lambda: delete_by_hand(members.pk), not puts_first)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert refused == (["delete"] if puts_first else ["put"])
    assert Membership.objects.count() == int(puts_first)
    assert List.objects.filter(pk=members.pk).exists() is puts_first
