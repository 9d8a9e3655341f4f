"""Who must not be contacted: for how long, by whose word, and what happens when it is taken back."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from contacts.models import DoNotContact, DoNotContactRemoval, Tally
from contacts.queries import is_do_not_contact, number_is_do_not_contact, tally
from contacts.services import (
    Refused,
    add_lines_to_do_not_contact,
    add_to_do_not_contact,
    remove_from_do_not_contact,
    remove_those_over,
)
from tests.factories import ContactFactory, DoNotContactFactory

pytestmark = pytest.mark.django_db

NUMBER = "+14155550142"


def ahead(days: float):
    return timezone.now() + timedelta(days=days)


def entry() -> DoNotContact:
    return DoNotContact.objects.get()


# --- For how long ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "holds"), [(None, True), (1, True), (-1, False)])
def test_an_entry_counts_until_its_time_is_over(days, holds):
    contact = ContactFactory(phone_number=NUMBER)
    DoNotContactFactory(phone_number=NUMBER, expires_at=None if days is None else ahead(days))
    assert is_do_not_contact(NUMBER, "voice") == holds
    found = type(contact).objects.annotate(forbidden=number_is_do_not_contact("voice")).get()
    assert found.forbidden == holds


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (None, None, "first"),
        (None, 5, "first"),
        (5, None, "second"),
        (5, 9, "second"),
        (9, 5, "first"),
    ],
)
def test_of_two_entries_the_one_that_holds_longer_holds(first, second, kept, supervisor):
    times = {"first": first and ahead(first), "second": second and ahead(second)}
    assert add_to_do_not_contact(
        phone_number=NUMBER, source="reply", reason="first", expires_at=times["first"]
    )
    assert not add_to_do_not_contact(
        phone_number=NUMBER, source="agent", reason="second", expires_at=times["second"], actor=supervisor
    )
    assert entry().expires_at == times[kept]
    assert (entry().reason, entry().source) == (kept, "reply" if kept == "first" else "agent")


def test_a_longer_time_without_a_reason_keeps_the_reason():
    add_to_do_not_contact(phone_number=NUMBER, reason="asked by letter", expires_at=ahead(1))
    add_to_do_not_contact(phone_number=NUMBER)
    assert (entry().reason, entry().expires_at) == ("asked by letter", None)


def test_an_entry_that_is_over_is_as_good_as_none():
    DoNotContactFactory(phone_number=NUMBER, expires_at=ahead(-1), reason="long ago")
    add_to_do_not_contact(phone_number=NUMBER, reason="again", expires_at=ahead(1))
    assert is_do_not_contact(NUMBER, "voice")
    assert entry().reason == "again"


def test_a_time_that_is_over_is_refused():
    with pytest.raises(Refused, match="That day is over"):
        add_to_do_not_contact(phone_number=NUMBER, expires_at=ahead(-0.001))
    assert not DoNotContact.objects.exists()


def test_each_scope_has_its_own_entry_and_its_own_time():
    add_to_do_not_contact(phone_number=NUMBER, scope="text", expires_at=ahead(1))
    assert add_to_do_not_contact(phone_number=NUMBER, scope="voice")
    assert is_do_not_contact(NUMBER, "voice")
    assert DoNotContact.objects.filter(scope="text", expires_at__isnull=False).exists()


@pytest.mark.parametrize("source", DoNotContact.Source.values)
def test_any_part_can_put_somebody_on_the_list_by_number_or_address(source):
    assert add_to_do_not_contact(phone_number=NUMBER, source=source, scope="text")
    assert add_to_do_not_contact(email="Anna@Example.com", source=source, scope="email")
    assert set(DoNotContact.objects.values_list("phone_number", "email", "source")) == {
        (NUMBER, None, source),
        (None, "anna@example.com", source),
    }


def test_lines_are_added_extended_known_or_wrong():
    DoNotContactFactory(phone_number="+14155550101", scope="all")
    DoNotContactFactory(phone_number="+14155550102", scope="all", expires_at=ahead(1))
    result = add_lines_to_do_not_contact(
        lines="415 555 0101\n415-555-0102\n(415) 555-0103\nANNA@example.com\nanna@example.com\nwho?\n\n",
        country="US",
        scope="all",
        reason="letter",
        actor=None,
    )
    assert (result.added, result.extended, result.known) == (2, 1, 1)
    assert [(wrong.line, wrong.text) for wrong in result.invalid] == [(6, "who?")]
    assert not DoNotContact.objects.filter(expires_at__isnull=False).exists()


# --- Two at once -----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_who_add_the_same_numbers_at_once_wait_for_each_other_and_both_succeed():
    numbers = [f"+1415555{n:04}" for n in range(100, 400)]
    added, failures = [], []

    def add(lines: list[str], days: int | None) -> None:
        try:
            for _ in range(5):
                result = add_lines_to_do_not_contact(
                    lines="\n".join(lines),
                    country="US",
                    scope="all",
                    expires_at=None if days is None else ahead(days),
                    actor=None,
                )
                added.append(result.added)
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    orders = [(numbers, 1), (numbers[::-1], 2), (numbers[150:] + numbers[:150], None)]
    threads = [threading.Thread(target=add, args=order) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(added) == len(numbers) == DoNotContact.objects.count()
    assert not DoNotContact.objects.filter(expires_at__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_an_entry_added_while_another_is_being_committed_is_not_lost():
    """The first one's transaction is still open: the second waits, and then extends it."""
    is_added = threading.Event()

    def second() -> None:
        is_added.wait(5)
        add_to_do_not_contact(phone_number=NUMBER, reason="second")
        connection.close()

    thread = threading.Thread(target=second)
    thread.start()
    with transaction.atomic():
        add_to_do_not_contact(phone_number=NUMBER, reason="first", expires_at=ahead(1))
        is_added.set()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join()
    assert (entry().expires_at, entry().reason) == (None, "second")


# --- Taken off -------------------------------------------------------------------------------------


def test_who_takes_an_entry_off_says_why_and_it_is_kept_as_it_was(supervisor):
    add_to_do_not_contact(
        phone_number=NUMBER, scope="voice", reason="asked", source="reply", actor=supervisor
    )
    before = entry()
    assert remove_from_do_not_contact(
        entries=DoNotContact.objects.all(), reason=" agreed\nby letter ", actor=supervisor
    )
    assert not DoNotContact.objects.exists()
    removal = DoNotContactRemoval.objects.get()
    assert (removal.phone_number, removal.email, removal.scope) == (NUMBER, "", "voice")
    assert (removal.reason, removal.source, removal.added_at) == ("asked", "reply", before.created_at)
    assert (removal.added_by, removal.removed_by) == (supervisor, supervisor)
    assert removal.removal_reason == "agreed by letter"
    assert removal.removed_at >= before.created_at


@pytest.mark.parametrize("reason", ["", "  ", "\u200b", "x" * 201])
def test_nothing_is_taken_off_without_a_reason(reason):
    DoNotContactFactory()
    with pytest.raises(Refused):
        remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason=reason, actor=None)
    assert DoNotContact.objects.count() == 1
    assert not DoNotContactRemoval.objects.exists()


def test_no_more_are_taken_off_than_a_person_was_told(supervisor):
    DoNotContactFactory.create_batch(3)
    with pytest.raises(Refused, match="There are 3 of them by now, not 2"):
        remove_from_do_not_contact(
            entries=DoNotContact.objects.all(), reason="mistake", actor=supervisor, expected=2
        )
    assert DoNotContact.objects.count() == 3
    assert (
        remove_from_do_not_contact(
            entries=DoNotContact.objects.all(), reason="mistake", actor=supervisor, expected=4
        )
        == 3
    )
    assert DoNotContactRemoval.objects.count() == 3


def test_more_than_the_most_are_not_taken_off_in_one_go(monkeypatch):
    monkeypatch.setattr("contacts.services.do_not_contact.MAX_REMOVED", 2)
    DoNotContactFactory.create_batch(3)
    with pytest.raises(Refused, match="more than 2 entries"):
        remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason="mistake", actor=None)
    assert DoNotContact.objects.count() == 3


def test_an_entry_taken_off_twice_at_once_is_kept_once():
    DoNotContactFactory()
    assert remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason="a", actor=None) == 1
    assert remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason="a", actor=None) == 0
    assert DoNotContactRemoval.objects.count() == 1


def test_entries_that_are_over_are_taken_off_by_themselves(monkeypatch):
    monkeypatch.setattr("contacts.services.do_not_contact.OVER_AT_ONCE", 2)
    over = DoNotContactFactory.create_batch(5, expires_at=ahead(-1))
    stay = [DoNotContactFactory(), DoNotContactFactory(expires_at=ahead(1))]
    assert remove_those_over() == 5
    assert set(DoNotContact.objects.all()) == set(stay)
    assert set(DoNotContactRemoval.objects.values_list("phone_number", "removal_reason", "removed_by")) == {
        (gone.phone_number, "Its time was over", None) for gone in over
    }
    assert remove_those_over() == 0


def test_the_tally_agrees_with_a_recount_whatever_was_added_and_taken_off():
    add_to_do_not_contact(phone_number=NUMBER, expires_at=ahead(1))
    add_to_do_not_contact(phone_number=NUMBER)
    add_lines_to_do_not_contact(lines="4155550101\na@b.example", country="US", scope="text", actor=None)
    remove_from_do_not_contact(entries=DoNotContact.objects.filter(scope="all"), reason="no", actor=None)
    assert tally(Tally.Of.DO_NOT_CONTACT) == DoNotContact.objects.count() == 2
