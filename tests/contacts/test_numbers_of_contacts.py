"""A wrong number of a contact is mended, unless somebody was called by it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.urls import reverse

from contacts.models import Contact
from contacts.services import (
    KnownAlready,
    NumberStays,
    Refused,
    add_to_do_not_contact,
    delete_contacts,
    edit_contact,
    lists_of,
    replace_contact,
)
from tests.contacts.test_import_pages import said
from tests.factories import ContactFactory, EnrollmentFactory, ListFactory
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
WRONG, RIGHT, NEW_YORK = "+14155550101", "+14155550102", "+12125550101"


@pytest.fixture
def anna():
    return ContactFactory(phone_number=WRONG, first_name="Anna", last_name="Svensson")


def sent(contact, **values):
    shown = {
        "phone_number": "(415) 555-0101",
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": "",
        "company": "",
        "time_zone": "",
    }
    return {**{f"initial-{name}": value for name, value in shown.items()}, **shown, **values}


def edit(client, contact, **values):
    return client.post(reverse("contacts:edit", args=[contact.pk]), sent(contact, **values), follow=True)


@pytest.mark.parametrize("written", ["415-555-0102", RIGHT, "+1 (415) 555 0102"])
def test_the_number_of_who_was_never_called_is_mended_in_any_notation(as_supervisor, anna, written):
    answer = edit(as_supervisor, anna, phone_number=written)

    anna.refresh_from_db()
    assert anna.phone_number == RIGHT
    assert "Anna Svensson was saved." in said(answer)
    assert anna.events.get().text == f"changed the number from “{WRONG}” to “{RIGHT}”"


def test_the_zones_follow_the_number_and_so_does_the_place_in_a_campaign(as_supervisor, anna):
    place = EnrollmentFactory(contact=anna)

    edit(as_supervisor, anna, phone_number=NEW_YORK)

    anna.refresh_from_db()
    place.refresh_from_db()
    assert anna.zone_set.zones == ["America/New_York"]
    assert place.zone_set == anna.zone_set


def test_a_zone_that_was_given_stays(anna):
    edit_contact(contact=anna, time_zone="Europe/Berlin")
    edit_contact(contact=anna, phone_number=NEW_YORK)

    anna.refresh_from_db()
    assert anna.zone_set.zones == ["Europe/Berlin"]


def test_a_number_without_a_country_is_at_home_where_the_old_one_was(as_supervisor):
    hanna = ContactFactory(phone_number="+493012345670")
    edit(as_supervisor, hanna, **{"initial-phone_number": "+49 30 12345670", "phone_number": "030 12345671"})

    hanna.refresh_from_db()
    assert hanna.phone_number == "+493012345671"


def test_who_had_none_is_given_one(as_supervisor):
    bo = ContactFactory(phone_number=None, email="bo@example.com")
    values = {"initial-phone_number": "", "phone_number": "415 555 0102"}
    edit(as_supervisor, bo, **{"initial-email": "bo@example.com", "email": "bo@example.com"}, **values)

    bo.refresh_from_db()
    assert bo.phone_number == RIGHT


def test_who_was_called_keeps_the_number_and_the_page_says_what_to_do(as_supervisor, anna):
    CallFactory(contact=anna)
    form = as_supervisor.get(reverse("contacts:edit", args=[anna.pk]))
    assert "the records of the calls stay with it. Add a contact with" in said(form)

    edit(as_supervisor, anna, phone_number=RIGHT, first_name="Ana")

    anna.refresh_from_db()
    assert (anna.phone_number, anna.first_name) == (WRONG, "Ana")
    with pytest.raises(NumberStays, match="was called at this number"):
        edit_contact(contact=anna, phone_number=RIGHT)


def test_another_contacts_number_is_not_taken(as_supervisor, anna):
    other = ContactFactory(phone_number=RIGHT, first_name="Bo", last_name="Ek")

    answer = edit(as_supervisor, anna, phone_number=RIGHT)

    assert answer.status_code == 422
    assert "This number is Bo Ek’s already." in said(answer)
    assert f'<a class="link" href="{other.get_absolute_url()}">' in answer.text
    with pytest.raises(KnownAlready):
        edit_contact(contact=anna, phone_number=RIGHT)


@pytest.mark.parametrize(
    ("written", "why"),
    [("", "A number can be changed, and not taken away."), ("911", "911"), ("x" * 41, "at most 40")],
)
def test_what_is_no_number_is_refused(as_supervisor, anna, written, why):
    answer = edit(as_supervisor, anna, phone_number=written)

    assert answer.status_code == 422
    assert why in said(answer)
    anna.refresh_from_db()
    assert anna.phone_number == WRONG


def test_a_service_takes_no_number_away(anna):
    with pytest.raises(NumberStays, match="not taken away"):
        edit_contact(contact=anna, phone_number="")


def test_an_opt_out_is_not_lost_by_another_number(as_supervisor, anna):
    add_to_do_not_contact(phone_number=WRONG, scope="voice", actor=None)
    add_to_do_not_contact(phone_number=RIGHT, scope="text", actor=None)

    refused = edit(as_supervisor, anna, phone_number=RIGHT)
    assert f"{WRONG} is on do-not-contact" in said(refused)

    add_to_do_not_contact(phone_number=RIGHT, scope="all", actor=None)
    edit(as_supervisor, anna, phone_number=RIGHT)
    anna.refresh_from_db()
    assert anna.phone_number == RIGHT


def test_what_the_page_showed_and_nobody_changed_is_left_alone(as_supervisor, anna):
    values = sent(anna, first_name="Ana")
    edit_contact(contact=anna, phone_number=RIGHT)

    as_supervisor.post(reverse("contacts:edit", args=[anna.pk]), values)

    anna.refresh_from_db()
    assert (anna.phone_number, anna.first_name) == (RIGHT, "Ana")


def test_who_was_deleted_meanwhile_is_not_brought_back(anna):
    delete_contacts(contacts=Contact.objects.all(), actor=None)

    with pytest.raises(Refused, match="erased or deleted"):
        edit_contact(contact=anna, phone_number=RIGHT)
    assert not Contact.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_given_to_two_at_once_one_gets_it():
    people = ContactFactory.create_batch(2)
    start = threading.Barrier(2)
    refused: list[str] = []

    def give(contact: Contact) -> None:
        start.wait()
        try:
            edit_contact(contact=contact, phone_number=RIGHT)
        except KnownAlready as known:
            refused.append(str(known))
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=(one,)) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert Contact.objects.filter(phone_number=RIGHT).count() == 1


def test_who_was_called_at_a_wrong_number_is_replaced_on_its_lists(as_supervisor, anna):
    CallFactory(contact=anna)
    edit_contact(contact=anna, email="anna@example.com", time_zone="Europe/Berlin", fields={"plan": "gold"})
    first, second = ListFactory(members=[anna]), ListFactory(members=[anna, ContactFactory()])
    address = f"{reverse('contacts:new')}?instead_of={anna.pk}"
    assert address in as_supervisor.get(reverse("contacts:edit", args=[anna.pk])).text
    page = as_supervisor.get(address)
    shown = page.context["form"]
    assert [shown[name].value() for name in ("first_name", "last_name", "email", "country")] == [
        "Anna",
        "Svensson",
        "anna@example.com",
        "US",
    ]
    assert first.name in said(page)

    details = {"country": "US", "first_name": "Anna", "last_name": "Svensson", "email": "anna@example.com"}
    as_supervisor.post(address, {**details, "phone_number": "415 555 0102"})

    made = Contact.objects.get(phone_number=RIGHT)
    assert (made.time_zone, made.fields, made.email) == (
        "Europe/Berlin",
        {"plan": "gold"},
        "anna@example.com",
    )
    assert set(lists_of(made)) == {first, second}
    assert not lists_of(anna)
    first.refresh_from_db()
    assert first.size == 1
    anna.refresh_from_db()
    assert anna.phone_number == WRONG
    assert anna.calls.exists()


@pytest.mark.parametrize("written", ["", "911", "(212) 555-0101"])
def test_a_replacement_that_cannot_be_changes_nothing(as_supervisor, anna, written):
    ContactFactory(phone_number=NEW_YORK)
    on = ListFactory(members=[anna])
    address = f"{reverse('contacts:new')}?instead_of={anna.pk}"

    answer = as_supervisor.post(address, {"country": "US", "first_name": "Anna", "phone_number": written})

    assert answer.status_code == 422
    assert list(lists_of(anna)) == [on]
    assert Contact.objects.count() == 2


def test_who_must_not_be_called_is_not_called_at_the_right_number_either(as_supervisor, anna):
    add_to_do_not_contact(phone_number=WRONG, scope="voice", actor=None)
    with pytest.raises(NumberStays, match="on do-not-contact"):
        replace_contact(contact=anna, phone_number=RIGHT, country="US", actor=None)
    assert not Contact.objects.filter(phone_number=RIGHT).exists()


@pytest.mark.parametrize("key", ["0", "9" * 18])
def test_nobody_is_replaced_who_is_not_there(as_supervisor, key):
    assert as_supervisor.get(f"{reverse('contacts:new')}?instead_of={key}").status_code == 404
