"""Deleting contacts: only those nobody called and no campaign knows; nothing else is lost by it."""

from __future__ import annotations

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns.models import Enrollment
from contacts.importing.saving import hold_contacts
from contacts.models import Contact, ContactEvent, DoNotContact, List, Membership, Tally
from contacts.queries import everybody, tally
from contacts.services import (
    Refused,
    add_to_do_not_contact,
    add_to_list,
    delete_contacts,
    deleting,
    edit_contact,
)
from dialer.erasing import erase_contact
from dialer.models import Call
from tests.contacts.test_import_pages import said
from tests.factories import ContactFactory, EnrollmentFactory, ListFactory
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
DELETE = "/contacts/chosen/delete/"


def test_contacts_go_with_their_places_on_lists_and_what_was_written_of_them(supervisor):
    ada, bo, cy = ContactFactory.create_batch(3)
    autumn, winter = ListFactory(members=[ada, bo, cy]), ListFactory(members=[ada])
    edit_contact(contact=ada, first_name="Ada", actor=supervisor)

    gone = delete_contacts(contacts=everybody().filter(pk__in=[ada.pk, bo.pk]), actor=supervisor)

    assert gone == 2
    assert list(Contact.objects.all()) == [cy]
    autumn.refresh_from_db()
    winter.refresh_from_db()
    assert (autumn.version, autumn.size, winter.size) == (2, 1, 0)
    version = autumn.versions.get(number=2)
    assert (version.removed, version.note, version.created_by) == (2, deleting.DELETED, supervisor)
    assert not ContactEvent.objects.exists()
    assert tally(Tally.Of.CONTACTS) == 1


def test_who_was_called_or_is_in_a_campaign_stays():
    called, enrolled, free = (
        CallFactory(contact=ContactFactory()).contact,
        EnrollmentFactory().contact,
        ContactFactory(),
    )
    both = ListFactory(members=[called, enrolled, free])

    assert delete_contacts(contacts=everybody(), actor=None) == 1

    assert set(Contact.objects.all()) == {called, enrolled}
    assert (Call.objects.count(), Enrollment.objects.count()) == (1, 1)
    both.refresh_from_db()
    assert both.size == 2
    with pytest.raises(Refused, match="None of them can be deleted"):
        delete_contacts(contacts=everybody(), actor=None)


def test_everything_outside_of_contacts_that_refers_to_them_keeps_them():
    """A kind of attempt that comes later must keep them as calls do, with nothing done here."""
    outside = {
        relation.related_model
        for relation in Contact._meta.related_objects
        if relation.related_model._meta.app_label != "contacts"
    }
    assert {Call, Enrollment} <= outside
    where = str(Contact.objects.filter(deleting.is_referred_to()).query)
    assert all(model._meta.db_table in where for model in outside)


def test_do_not_contact_stays():
    person = ContactFactory()
    add_to_do_not_contact(phone_number=person.phone_number, actor=None)

    delete_contacts(contacts=everybody(), actor=None)

    assert DoNotContact.objects.filter(phone_number=person.phone_number).exists()


def test_who_was_erased_is_not_deleted(supervisor):
    erase_contact(contact=ContactFactory(), actor=supervisor, keep_do_not_contact=True)

    with pytest.raises(Refused):
        delete_contacts(contacts=Contact.objects.all(), actor=None)
    assert Contact.objects.count() == 1


def test_no_more_than_somebody_was_told(monkeypatch):
    ContactFactory.create_batch(3)
    with pytest.raises(Refused, match="There are 3 of them by now, not 2"):
        delete_contacts(contacts=everybody(), expected=2, actor=None)
    monkeypatch.setattr(deleting, "MOST_DELETED", 2)
    with pytest.raises(Refused, match="more than 2 contacts"):
        delete_contacts(contacts=everybody(), actor=None)
    assert Contact.objects.count() == 3


# --- Pages -------------------------------------------------------------------------------------------------


def test_the_dialog_tells_who_goes_and_who_stays(as_supervisor):
    ContactFactory.create_batch(2, company="Acme")
    EnrollmentFactory(contact=ContactFactory(company="Acme"))
    other = ContactFactory(company="Other")
    url = f"{DELETE}?found=1&q=acme"

    dialog = as_supervisor.get(url, headers={"HX-Request": "true"})

    assert "2 contacts will be deleted, and taken off their lists." in said(dialog)
    assert "1 contact stays: called, or in a campaign" in said(dialog)
    assert "Erase the person" in said(dialog)
    assert '<input type="hidden" name="expected" value="2">' in dialog.text

    answer = as_supervisor.post(url, {"expected": "2"}, follow=True)
    assert "2 contacts deleted." in said(answer)
    assert answer.redirect_chain[-1][0] == "/contacts/?q=acme"
    assert set(Contact.objects.values_list("company", flat=True)) == {"Acme", "Other"}
    assert other in Contact.objects.all()


def test_sent_twice_nothing_else_goes(as_supervisor):
    person = ContactFactory()
    ContactFactory()
    url = f"{DELETE}?id={person.pk}"
    as_supervisor.post(url, {"expected": "1"})

    again = as_supervisor.post(url, {"expected": "1"})

    assert again.status_code == 422
    assert "They are gone already." in said(again)
    assert Contact.objects.count() == 1


def test_more_than_were_told_are_told_anew(as_supervisor):
    ContactFactory.create_batch(2, company="Acme")
    url = f"{DELETE}?found=1&q=acme"
    ContactFactory(company="Acme")

    answer = as_supervisor.post(url, {"expected": "2"})

    assert "There are 3 of them by now, not 2" in said(answer)
    assert 'name="expected" value="3"' in answer.text
    assert Contact.objects.count() == 3


@pytest.mark.parametrize("given", [{}, {"expected": "x"}, {"expected": "-1"}, {"expected": "9" * 30}])
def test_what_nobody_was_told_is_not_done(as_supervisor, given):
    person = ContactFactory()
    answer = as_supervisor.post(f"{DELETE}?id={person.pk}", given)

    assert answer.status_code in {302, 422}
    assert Contact.objects.exists() == (answer.status_code == 422)
    assert given == {"expected": "9" * 30} or answer.status_code == 422


def test_somebody_in_a_campaign_is_offered_no_button(as_supervisor):
    person = EnrollmentFactory().contact
    page = as_supervisor.get(f"{DELETE}?id={person.pk}")

    assert "This contact can’t be deleted: it was called, or is in a campaign" in said(page)
    assert 'class="button danger"' not in page.text


def test_several_in_campaigns_are_told_so(as_supervisor):
    first, second = EnrollmentFactory().contact, EnrollmentFactory().contact
    page = as_supervisor.get(f"{DELETE}?id={first.pk}&id={second.pk}")

    assert "None of these contacts can be deleted: all were called, or are in campaigns" in said(page)
    refused = as_supervisor.post(f"{DELETE}?id={first.pk}&id={second.pk}", {"expected": "2"})
    assert refused.status_code == 422
    assert Contact.objects.count() == 2


def test_nobody_chosen(as_supervisor):
    ContactFactory()
    assert as_supervisor.post(DELETE, {"expected": "1"}).status_code == 422
    assert Contact.objects.exists()


def test_it_is_offered_on_the_contacts_own_page(as_supervisor, as_viewer):
    person = ContactFactory()

    assert f"{DELETE}?id={person.pk}" in as_supervisor.get(person.get_absolute_url()).text
    assert DELETE not in as_viewer.get(person.get_absolute_url()).text
    assert as_viewer.post(f"{DELETE}?id={person.pk}", {"expected": "1"}).status_code == 403


# --- At once -----------------------------------------------------------------------------------------------


def at_once(*deeds) -> list[object]:
    """What each came to: its result, or what it raised."""
    came: list[object] = [None] * len(deeds)
    start = threading.Barrier(len(deeds))

    def run(place: int) -> None:
        start.wait()
        try:
            came[place] = deeds[place]()
        except (Refused, IntegrityError) as error:
            came[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


@pytest.mark.django_db(transaction=True)
def test_deleted_by_two_each_goes_once():
    people = ContactFactory.create_batch(40)
    autumn = ListFactory(members=people)

    came = at_once(*[lambda: delete_contacts(contacts=everybody(), actor=None)] * 3)

    assert sum(one for one in came if isinstance(one, int)) == 40
    assert not [one for one in came if isinstance(one, IntegrityError)]
    autumn.refresh_from_db()
    assert (autumn.size, autumn.versions.count()) == (0, 2)


@pytest.mark.django_db(transaction=True)
def test_put_on_a_list_while_deleted_one_of_both_holds():
    for _ in range(5):
        people = ContactFactory.create_batch(30)
        winter = ListFactory()
        keys = [one.pk for one in people]
        came = at_once(
            lambda keys=keys: delete_contacts(contacts=everybody().filter(pk__in=keys), actor=None),
            lambda keys=keys, to=winter: add_to_list(
                list=to, contacts=everybody().filter(pk__in=keys), actor=None
            ),
        )
        assert not [one for one in came if isinstance(one, IntegrityError)], came
        winter.refresh_from_db()
        members = Membership.objects.filter(list=winter).current().count()
        assert winter.size == members
        assert (
            Membership.objects.count() == Membership.objects.filter(contact__in=Contact.objects.all()).count()
        )


@pytest.mark.django_db(transaction=True)
def test_while_an_import_is_being_saved_nobody_waits_long(monkeypatch):
    person = ContactFactory()
    saving, done = threading.Event(), threading.Event()

    def save() -> None:
        with transaction.atomic():
            hold_contacts()
            saving.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=save)
    thread.start()
    saving.wait(20)
    try:
        with pytest.raises(Refused, match="An import is being saved"):
            delete_contacts(contacts=everybody(), actor=None)
    finally:
        done.set()
        thread.join()
    assert Contact.objects.get() == person
    assert List.objects.count() == 0
