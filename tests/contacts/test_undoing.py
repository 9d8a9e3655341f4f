"""Undoing an import: exactly what it put there goes, and nothing that anybody else did."""

from __future__ import annotations

import io
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Enrollment
from contacts import housekeeping
from contacts.importing.running import run_import
from contacts.models import Contact, DoNotContact, Import, List, Membership, Tally
from contacts.queries import tally
from contacts.services import (
    Refused,
    add_numbers,
    add_to_do_not_contact,
    add_to_list,
    delete_list,
    edit_contact,
    extent_of_undoing,
    map_import,
    remove_from_list,
    undo_import,
    undoing,
    upload_import,
)
from contacts.services.undoing import run_undoing
from tests.at_once import Other
from tests.contacts.conftest import mapped, uploaded
from tests.contacts.test_import_pages import said
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory, ListFactory
from tests.factories.contacts import phone_number
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db


def people(*numbers: int, name: str = "Anna") -> str:
    return "Name,Phone\n" + "".join(f"{name},{phone_number(n)}\n" for n in numbers)


def undone(contact_import: Import, actor=None) -> Import:
    undo_import(contact_import=contact_import, actor=actor)
    run_undoing(contact_import.pk)
    contact_import.refresh_from_db()
    return contact_import


def numbers() -> set[str]:
    return set(Contact.objects.values_list("phone_number", flat=True))


def contact(n: int) -> Contact:
    return Contact.objects.get(phone_number=phone_number(n))


def test_what_it_created_is_gone_and_the_list_is_as_before(import_text):
    known = ContactFactory(phone_number=phone_number(9), first_name="Bo", last_name="Ek")
    autumn = ListFactory(name="Autumn", members=[ContactFactory(phone_number=phone_number(8))])
    made = import_text(people(1, 2, 9))
    extent = extent_of_undoing(made)
    assert (extent.deleted, extent.kept, extent.taken_off) == (2, 0, 3)

    undone(made)

    assert numbers() == {phone_number(8), phone_number(9)}
    known.refresh_from_db()
    assert known.first_name == "Anna"
    autumn.refresh_from_db()
    assert (autumn.version, autumn.size) == (3, 1)
    assert autumn.versions.get(number=3).note == "Import of people.csv undone"
    assert (made.taken_off, made.deleted) == (3, 2)
    assert tally(Tally.Of.CONTACTS) == Contact.objects.count()


def test_who_concerns_somebody_else_by_now_stays(import_text, supervisor):
    made = import_text(people(*range(7)))
    EnrollmentFactory(contact=contact(1))
    CallFactory(contact=contact(2))
    ListFactory(members=[contact(3)])
    edit_contact(contact=contact(4), first_name="Olu", actor=supervisor)
    gone = ListFactory(members=[contact(5)])
    remove_from_list(list=gone, contacts=Contact.objects.all(), actor=None)
    extent = extent_of_undoing(made)
    assert (extent.deleted, extent.kept, extent.taken_off) == (3, 4, 7)

    undone(made)

    assert numbers() == {phone_number(n) for n in (1, 2, 3, 4)}
    assert made.list.size == 0
    assert Enrollment.objects.count() == 1


def test_who_was_put_on_the_list_again_by_another_hand_stays_there(import_text):
    made = import_text(people(1, 2))
    first = Contact.objects.filter(phone_number=phone_number(1))
    remove_from_list(list=made.list, contacts=first, actor=None)
    add_to_list(list=made.list, contacts=first, actor=None)

    undone(made)

    assert numbers() == {phone_number(1)}
    made.list.refresh_from_db()
    assert made.list.size == 1


def test_a_second_import_of_the_same_is_no_concern_of_the_first_and_back(import_text):
    first = import_text(people(1, 2))
    second = import_text(people(2, 3))

    undone(second)
    assert numbers() == {phone_number(1), phone_number(2)}

    undone(first)
    assert numbers() == set()


@pytest.mark.django_db(transaction=True)  # each import has a moment of its own
def test_whom_a_later_import_changed_stays_and_whom_it_found_unchanged_does_not(import_text):
    first = import_text(people(1, 2, 3))
    later = import_text(f"Name,Phone,Company\nAnna,{phone_number(1)},Acme\nAnna,{phone_number(2)},\n")
    assert (later.updated, later.unchanged) == (1, 1)
    extent = extent_of_undoing(first)
    assert (extent.deleted, extent.kept, extent.later, extent.more_later) == (2, 1, (later,), 0)

    undone(first)

    assert numbers() == {phone_number(1)}
    # What it says to do about it works.
    again = import_text(f"Name,Phone,Company\nAnna,{phone_number(1)},Acme\nAnna,{phone_number(2)},\n")
    assert again.created == 1
    assert again.list.size == 2


def test_later_imports_are_told_of_only_if_they_may_have_had_the_same_contacts(import_text):
    import_text(people(1, 2))
    made = import_text(people(1, 3, 4))
    import_text(people(5))  # nobody unchanged
    undone(import_text(people(3, 6)))  # undone
    elsewhere = import_text(people(3))
    Import.objects.filter(pk=elsewhere.pk).update(list=ListFactory())
    assert extent_of_undoing(made).later == ()

    same = [import_text(people(3)) for _ in range(7)]

    extent = extent_of_undoing(made)
    assert extent.later == tuple(reversed(same[2:]))
    assert extent.more_later == 2
    # Nobody is deleted: there is nothing to be told.
    ListFactory(members=[contact(3), contact(4)])
    assert extent_of_undoing(made).later == ()


def test_the_same_file_can_be_imported_again(import_text):
    undone(import_text(people(1, 2)))

    again = import_text(people(1, 2))

    assert (again.created, again.list.size) == (2, 2)
    undone(again)
    assert not numbers()


def test_do_not_contact_stays(import_text):
    made = import_text(people(1))
    add_to_do_not_contact(phone_number=phone_number(1), actor=None)

    undone(made)

    assert tally(Tally.Of.DO_NOT_CONTACT) == 1


def test_a_channel_that_started_keeps_its_contacts(import_text):
    made = import_text(people(1, 2))
    channel = ChannelFactory(paused=True, lists=[made.list])
    EnrollmentFactory(channel=channel, contact=contact(1))

    extent = extent_of_undoing(made)
    undone(made)

    assert [use.version for use in extent.uses] == [1]
    assert numbers() == {phone_number(1)}


def test_it_is_undone_once(import_text):
    made = import_text(people(1))
    undo_import(contact_import=made, actor=None)

    with pytest.raises(Refused, match="already"):
        undo_import(contact_import=made, actor=None)


@pytest.mark.parametrize("lost", ["merged_at", "list_version"])
def test_imports_of_before_are_not_undone(import_text, as_supervisor, lost):
    made = import_text(people(1))
    Import.objects.update(**{lost: None})

    with pytest.raises(Refused, match="not known"):
        undo_import(contact_import=made, actor=None)
    assert "Undo this import" not in said(as_supervisor.get(made.get_absolute_url()))


def test_an_import_whose_list_is_gone_is_not_undone(import_text):
    made = import_text(people(1))
    delete_list(list=made.list, actor=None)

    with pytest.raises(Refused, match="not known"):
        undo_import(contact_import=Import.objects.get(), actor=None)
    assert numbers()


def test_an_import_that_is_not_done_is_not_undone(upload):
    with pytest.raises(Refused):
        undo_import(contact_import=upload(people(1)), actor=None)


def test_killed_midway_it_goes_on_and_ends_the_same(import_text, monkeypatch):
    monkeypatch.setattr(undoing, "BATCH", 2)
    made = import_text(people(*range(7)))
    undo_import(contact_import=made, actor=None)
    deleted = undoing._delete
    calls = []

    def killed(contact_import, keys):
        calls.append(keys)
        if len(calls) == 3:
            raise KeyboardInterrupt
        deleted(contact_import, keys)

    monkeypatch.setattr(undoing, "_delete", killed)
    with pytest.raises(KeyboardInterrupt):
        run_undoing(made.pk)
    made.refresh_from_db()
    assert (made.deleted, made.is_being_undone) == (4, True)
    monkeypatch.setattr(undoing, "_delete", deleted)

    run_undoing(made.pk)
    run_undoing(made.pk)

    made.refresh_from_db()
    assert (made.deleted, made.taken_off, made.is_being_undone) == (7, 7, False)
    assert not numbers()
    assert made.list.versions.count() == 2


def test_housekeeping_has_an_undoing_go_on_that_nobody_is_at(import_text, queued):
    made = import_text(people(1))
    undo_import(contact_import=made, actor=None)
    queued.clear()
    now = timezone.now()
    housekeeping.resume_undoing(now=now)
    assert not queued

    housekeeping.resume_undoing(now=now + timedelta(minutes=5))

    assert queued == [("contacts.tasks.run_undoing", made.pk)]


@pytest.fixture
def queued(monkeypatch):
    told: list[tuple[str, int]] = []
    monkeypatch.setattr(undoing, "async_task", lambda task, pk, **options: told.append((task, pk)))
    return told


# --- At once -----------------------------------------------------------------------------------------------


def elsewhere(do) -> threading.Thread:
    def run() -> None:
        try:
            do()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_asked_twice_at_once_it_is_undone_once():
    made = mapped(uploaded(people(*range(50))))
    run_import(made.pk)
    refused: list[str] = []

    def ask() -> None:
        try:
            undo_import(contact_import=Import.objects.get(), actor=None)
        except Refused as why:
            refused.append(str(why))

    for thread in [elsewhere(ask) for _ in range(3)]:
        thread.join()
    for thread in [elsewhere(lambda: run_undoing(made.pk)) for _ in range(3)]:
        thread.join()
    run_undoing(made.pk)

    made.refresh_from_db()
    assert len(refused) == 2
    assert (made.deleted, made.taken_off) == (50, 50)
    assert List.objects.get().versions.count() == 2


@pytest.mark.django_db(transaction=True)
def test_numbers_typed_while_it_is_undone_are_on_their_list_or_refused(monkeypatch):
    monkeypatch.setattr(undoing, "BATCH", 10)
    typed = ListFactory()
    made = mapped(uploaded(people(*range(200))))
    run_import(made.pk)
    undo_import(contact_import=made, actor=None)
    outcomes: list[int | str] = []

    def add() -> None:
        for n in range(0, 200, 20):
            lines = "\n".join(phone_number(m) for m in range(n, n + 20))
            try:
                outcomes.append(add_numbers(list=typed, lines=lines, country="US", actor=None).added)
            except Refused as refused:
                outcomes.append(str(refused))

    thread = elsewhere(add)
    run_undoing(made.pk)
    thread.join()

    typed.refresh_from_db()
    assert len(outcomes) == 10
    assert typed.size == sum(one for one in outcomes if isinstance(one, int))
    assert typed.size == Membership.objects.filter(list=typed).current().count()


def test_the_list_is_kept_until_it_is_undone(import_text, as_admin):
    made = import_text(people(1, 2))
    undo_import(contact_import=made, actor=None)

    with pytest.raises(Refused, match="being undone"):
        delete_list(list=made.list, actor=None)
    page = as_admin.get(reverse("admin:contacts_list_delete", args=[made.list.pk]))
    assert "the import of people.csv into Autumn is being undone" in said(page)

    run_undoing(made.pk)
    assert not numbers()
    delete_list(list=made.list, actor=None)


@pytest.mark.django_db(transaction=True)
def test_undone_while_its_list_is_deleted_it_is_one_of_both():
    made = mapped(uploaded(people(1, 2)))
    run_import(made.pk)
    made.refresh_from_db()
    with transaction.atomic():
        undo_import(contact_import=made, actor=None)
        delete = Other(lambda: delete_list(list=List.objects.get(), actor=None))
        assert delete.is_waiting()
    assert "is being undone" in str(delete.done().refusal)

    run_undoing(made.pk)
    assert not numbers()


@pytest.mark.django_db(transaction=True)
def test_deleted_first_the_list_is_gone_and_nothing_is_undone():
    made = mapped(uploaded(people(1, 2)))
    run_import(made.pk)
    with transaction.atomic():
        delete_list(list=List.objects.get(), actor=None)
        undo = Other(lambda: undo_import(contact_import=Import.objects.get(), actor=None))
        assert undo.is_waiting()
    assert "was deleted meanwhile" in str(undo.done().refusal)
    assert len(numbers()) == 2
    assert not Import.objects.get().is_being_undone


@pytest.mark.django_db(transaction=True)
def test_held_up_by_somebody_whom_it_holds_up_it_is_undone_all_the_same():
    made = mapped(uploaded(people(1, 2)))
    run_import(made.pk)
    made.refresh_from_db()
    undo_import(contact_import=made, actor=None)
    first, last = Contact.objects.order_by("pk")
    with transaction.atomic():
        Contact.objects.select_for_update().get(pk=last.pk)
        undo = Other(lambda: run_undoing(made.pk))
        assert undo.is_waiting()
        Contact.objects.select_for_update().get(pk=first.pk)
    undo.done()
    assert not numbers()


# --- Pages -------------------------------------------------------------------------------------------------


def test_the_dialog_says_what_will_happen_and_the_page_what_did(as_supervisor, import_text):
    ContactFactory(phone_number=phone_number(9))
    made = import_text(people(1, 2, 9))
    ListFactory(members=[contact(2)])
    channel = ChannelFactory(lists=[made.list])
    page = as_supervisor.get(made.get_absolute_url())
    url = reverse("contacts:import_undo", args=[made.pk])
    assert url in page.content.decode()

    dialog = said(as_supervisor.get(url, headers={"HX-Request": "true"}))

    assert "1 contact that it created is deleted:" in dialog
    assert "1 contact that it created stays:" in dialog
    assert "3 contacts that it put on “Autumn” go off that list, as its next version." in dialog
    assert "What it changed on 1 contact known before stays as it is" in dialog
    assert f"{channel.campaign.name} ({channel.name}) uses this list, and has not started" in dialog

    assert as_supervisor.post(url).url == made.get_absolute_url()
    waiting = as_supervisor.get(made.get_absolute_url())
    assert "Undoing…" in said(waiting)
    assert 'hx-trigger="live"' in waiting.content.decode()
    run_undoing(made.pk)
    done = as_supervisor.get(made.get_absolute_url())
    assert "1 contact deleted, 3 taken off the list" in said(done)
    assert 'hx-trigger="live"' not in done.content.decode()
    assert "Undone" in said(as_supervisor.get(reverse("contacts:imports")))


def test_the_dialog_names_later_imports_that_may_have_had_the_same_contacts(as_supervisor, import_text):
    made = import_text(people(1, 2))
    url = reverse("contacts:import_undo", args=[made.pk])
    assert "Later imports" not in said(as_supervisor.get(url))
    later = import_text(people(2, 3))

    dialog = as_supervisor.get(url, headers={"HX-Request": "true"})

    assert "Later imports into this list found contacts as they were: people.csv (1)." in said(dialog)
    assert f'href="{later.get_absolute_url()}"' in dialog.content.decode()


def test_sent_twice_it_says_so(as_supervisor, import_text):
    made = import_text(people(1))
    url = reverse("contacts:import_undo", args=[made.pk])
    as_supervisor.post(url)

    again = as_supervisor.post(url, follow=True)

    assert "Somebody undid this import already." in said(again)
    assert as_supervisor.get(url).url == made.get_absolute_url()
    late = as_supervisor.get(url, headers={"HX-Request": "true"})
    assert late.headers["HX-Redirect"] == made.get_absolute_url()


def test_who_reads_along_is_offered_nothing(as_viewer, import_text):
    made = import_text(people(1))

    assert "Undo this import" not in said(as_viewer.get(made.get_absolute_url()))


def test_opt_outs_are_not_undone_and_the_page_says_where_they_are_removed(as_supervisor, supervisor):
    made = upload_import(
        file=io.BytesIO(f"Phone\n{phone_number(1)}\n".encode()),
        file_name="dnc.csv",
        country="US",
        purpose=Import.Purpose.DO_NOT_CONTACT,
        scope=DoNotContact.Scope.ALL,
        actor=supervisor,
    )
    map_import(contact_import=made, mapping={0: "phone_number"})
    run_import(made.pk)
    page = as_supervisor.get(made.get_absolute_url())

    assert "not undone as a whole" in said(page)
    assert "Undo this import" not in said(page)
    day = timezone.localdate().isoformat()
    assert f"source=import&amp;since={day}&amp;until={day}" in page.content.decode()
    with pytest.raises(Refused):
        undo_import(contact_import=made, actor=None)
