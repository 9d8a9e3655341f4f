"""Who must not be contacted: for how long, by whose word, and what happens when it is taken back."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from django.contrib.admin import site
from django.db import connection, transaction
from django.db.models import Q
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from contacts.admin.do_not_contact import DoNotContactAdmin
from contacts.importing.forbidding import Forbidden, OntoDoNotContact
from contacts.importing.reading import Dialect
from contacts.models import DoNotContact, DoNotContactEvent, DoNotContactRemoval, Import, Tally
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


def merge_file(rows: list[Forbidden]) -> None:
    dialect = Dialect("utf-8", ",", True, ("Phone",), 1).as_json()
    with OntoDoNotContact(Import(mapping={}, dialect=dialect, scope="all", country="US")) as destination:
        destination.add(rows)
        with transaction.atomic():
            destination.merge()


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


@pytest.mark.parametrize(
    "address",
    [
        {},
        {"phone_number": "", "email": ""},
        {"phone_number": "4155550101"},
        {"phone_number": "12345"},
        {"phone_number": "+1415555010\n"},
        {"email": "anna"},
        {"email": f"{'a' * 250}@b.example"},
    ],
    ids=str,
)
def test_what_reaches_nobody_is_refused(address):
    with pytest.raises(Refused, match="neither a phone number nor an email address"):
        add_to_do_not_contact(**address)
    assert not DoNotContact.objects.exists()


def test_a_reason_of_any_kind_is_kept_in_one_line():
    add_to_do_not_contact(phone_number=NUMBER, reason="nul\x00, two\nlines " + "x" * 300)
    assert entry().reason.startswith("nul, two lines xxx")
    assert len(entry().reason) == 200


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


@pytest.mark.django_db(transaction=True)
def test_files_lines_and_removals_at_once_never_wait_in_a_circle():
    """Each goes through the same addresses in another order, some by number, some by email."""
    numbers = [f"+1415555{n:04}" for n in range(100, 300)]
    emails = [f"user{n}@example.com" for n in range(200)]
    failures: list[BaseException] = []

    def shuffled(chance: random.Random) -> list[str]:
        return chance.sample(numbers + emails, 150)

    def lines(chance: random.Random) -> None:
        until = chance.choice([None, ahead(chance.randint(1, 99))])
        add_lines_to_do_not_contact(
            lines="\n".join(shuffled(chance)), country="US", scope="all", expires_at=until, actor=None
        )

    def file(chance: random.Random) -> None:
        merge_file(
            [
                Forbidden(line, *((None, address) if "@" in address else (address, None)), "all", "", None)
                for line, address in enumerate(shuffled(chance))
            ]
        )

    def remove(chance: random.Random) -> None:
        chosen = shuffled(chance)
        entries = DoNotContact.objects.filter(Q(phone_number__in=chosen) | Q(email__in=chosen))
        remove_from_do_not_contact(entries=entries, reason="test", actor=None)

    def over(chance: random.Random) -> None:
        for known in list(DoNotContact.objects.filter(expires_at__isnull=False)[:20]):
            DoNotContact.objects.filter(pk=known.pk).update(expires_at=ahead(-1))
        remove_those_over()

    def work(deed, seed: str) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(12):
                deed(chance)
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=work, args=(deed, f"{deed.__name__} {n}"))
        for deed in (lines, file, remove, over)
        for n in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert tally(Tally.Of.DO_NOT_CONTACT) == DoNotContact.objects.count()


@pytest.mark.django_db(transaction=True)
def test_an_opt_out_that_comes_while_its_entry_is_taken_off_is_not_lost():
    """The removal's transaction is still open: the opt-out waits, and then is on the list by itself."""
    add_to_do_not_contact(phone_number=NUMBER, reason="first")
    is_removed = threading.Event()

    def opt_out() -> None:
        is_removed.wait(5)
        add_to_do_not_contact(phone_number=NUMBER, source="keypress")
        connection.close()

    thread = threading.Thread(target=opt_out)
    thread.start()
    with transaction.atomic():
        remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason="agreed", actor=None)
        is_removed.set()
        thread.join(0.3)
    thread.join()
    assert entry().source == "keypress"


@pytest.mark.django_db(transaction=True)
def test_a_file_that_comes_while_an_entry_is_taken_off_puts_it_on_again():
    add_to_do_not_contact(phone_number=NUMBER, reason="first")
    is_removed = threading.Event()

    def put_file() -> None:
        is_removed.wait(5)
        merge_file([Forbidden(1, NUMBER, None, "all", "", None)])
        connection.close()

    thread = threading.Thread(target=put_file)
    thread.start()
    with transaction.atomic():
        remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason="agreed", actor=None)
        is_removed.set()
        thread.join(0.3)
    thread.join()
    assert entry().source == "import"


# --- What was said besides -------------------------------------------------------------------------


def test_an_opt_out_of_somebody_who_is_on_the_list_already_is_written_down(supervisor):
    add_to_do_not_contact(phone_number=NUMBER, reason="typed", actor=supervisor)
    add_to_do_not_contact(phone_number=NUMBER, source="reply", reason="STOP")
    add_to_do_not_contact(phone_number=NUMBER, source="keypress")
    assert (entry().source, entry().reason) == ("person", "typed")
    said = list(DoNotContactEvent.objects.order_by("pk"))
    assert [(each.phone_number, each.email, each.scope, each.source, each.reason) for each in said] == [
        (NUMBER, "", "all", "reply", "STOP"),
        (NUMBER, "", "all", "keypress", ""),
    ]
    assert said[0].said_at >= entry().created_at
    remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason="agreed", actor=supervisor)
    assert DoNotContactEvent.objects.count() == 2


def test_an_entry_that_is_extended_is_kept_as_it_was(supervisor):
    until = ahead(5)
    add_to_do_not_contact(
        email="anna@example.com", source="unsubscribe", reason="asked", expires_at=until, actor=supervisor
    )
    before = entry()
    add_to_do_not_contact(email="anna@example.com", source="agent")
    # Nobody is said to have said what others did.
    assert (entry().source, entry().reason, entry().created_by, entry().expires_at) == (
        "agent",
        "",
        None,
        None,
    )
    kept = DoNotContactEvent.objects.get()
    assert (kept.phone_number, kept.email, kept.source, kept.reason) == (
        "",
        "anna@example.com",
        "unsubscribe",
        "asked",
    )
    assert (kept.expires_at, kept.said_at, kept.said_by) == (until, before.created_at, supervisor)


def test_lines_and_files_that_meet_an_entry_are_written_down_once_a_file():
    add_to_do_not_contact(phone_number=NUMBER, source="reply")
    add_lines_to_do_not_contact(
        lines=f"{NUMBER}\n4155550199", country="US", scope="all", reason="letter", actor=None
    )
    rows = [
        Forbidden(1, NUMBER, None, "all", "list of May", None),
        Forbidden(2, "+14155550177", "anna@example.com", "all", "", None),
    ]
    for _ in range(2):
        merge_file(rows)
    said = DoNotContactEvent.objects.order_by("pk").values_list("phone_number", "source", "reason")
    assert list(said) == [(NUMBER, "person", "letter"), (NUMBER, "import", "list of May")]


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


# --- The page --------------------------------------------------------------------------------------

PAGE = "contacts:do_not_contact"
REMOVE = "contacts:do_not_contact_remove"


def shown(client, **query) -> set[str]:
    page = client.get(reverse(PAGE), query).context["page"]
    return {entry.phone_number or entry.email for entry in page}


@pytest.fixture
def three(supervisor):
    """A call, a text for a while, an address; the newest last."""
    add_to_do_not_contact(phone_number="+14155550101", scope="voice", source="reply", actor=supervisor)
    add_to_do_not_contact(phone_number="+442079460102", scope="text", expires_at=ahead(5))
    add_to_do_not_contact(email="anna.103@example.com", source="unsubscribe", reason="asked")
    old = DoNotContact.objects.filter(phone_number="+14155550101")
    old.update(created_at=timezone.now() - timedelta(days=40))


NUMBER_US, NUMBER_UK, ADDRESS = "+14155550101", "+442079460102", "anna.103@example.com"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {NUMBER_US, NUMBER_UK, ADDRESS}),
        ({"q": "(415) 555-0101"}, {NUMBER_US}),
        ({"q": "+44 20 7946 0102"}, {NUMBER_UK}),
        ({"q": "555 01"}, {NUMBER_US}),
        ({"q": "0207"}, {NUMBER_UK}),
        ({"q": "103"}, {ADDRESS}),
        ({"q": "ANNA"}, {ADDRESS}),
        ({"q": "@example.com"}, {ADDRESS}),
        ({"q": "nobody"}, set()),
        ({"q": "%_%"}, set()),
        ({"q": "an"}, set()),
        ({"scope": "voice"}, {NUMBER_US}),
        ({"source": "unsubscribe"}, {ADDRESS}),
        ({"ends": "later"}, {NUMBER_UK}),
        ({"ends": "never"}, {NUMBER_US, ADDRESS}),
        ({"scope": "all", "source": "unsubscribe", "ends": "never", "q": "anna"}, {ADDRESS}),
        ({"scope": "all", "source": "reply"}, set()),
        # What can't be read narrows nothing.
        ({"scope": "pigeon", "ends": "x", "since": "soon"}, {NUMBER_US, NUMBER_UK, ADDRESS}),
        ({"until": "9999-12-31"}, {NUMBER_US, NUMBER_UK, ADDRESS}),
        ({"since": "0001-01-01"}, {NUMBER_US, NUMBER_UK, ADDRESS}),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),
)
def test_entries_are_found_and_filtered(as_viewer, three, query, found):
    assert shown(as_viewer, **query) == found


def test_entries_are_filtered_by_the_day_they_were_added(as_viewer, three):
    today, before = timezone.localdate(), timezone.localdate() - timedelta(days=40)
    assert shown(as_viewer, since=today) == {NUMBER_UK, ADDRESS}
    assert shown(as_viewer, until=before) == {NUMBER_US}
    assert shown(as_viewer, since=before, until=today) == {NUMBER_US, NUMBER_UK, ADDRESS}


def test_what_is_over_is_not_shown_even_before_it_is_taken_off(as_viewer, three):
    DoNotContact.objects.filter(scope="text").update(expires_at=ahead(-1))
    assert shown(as_viewer) == {NUMBER_US, ADDRESS}


def test_what_is_over_counts_nowhere(as_admin, three):
    DoNotContact.objects.filter(scope="text").update(expires_at=ahead(-1))
    page = as_admin.get(reverse(PAGE))
    assert page.context["total"] == "2 entries"
    assert as_admin.get(reverse(PAGE), {"ends": "never"}).context["total"] == "2 entries"
    export = b"".join(as_admin.get(reverse("contacts:do_not_contact_export")).streaming_content).decode()
    admin = as_admin.get(reverse("admin:contacts_donotcontact_changelist")).text
    for text in (page.text, export, admin):
        assert ADDRESS in text
        assert NUMBER_UK not in text


def test_the_newest_entries_come_first_page_by_page(as_viewer):
    numbers = "\n".join(f"4155550{n:03}" for n in range(100, 220))
    add_lines_to_do_not_contact(lines=numbers, country="US", scope="all", actor=None)
    found, cursor = [], ""
    for _ in range(3):
        page = as_viewer.get(reverse(PAGE), {"cursor": cursor}).context["page"]
        found += [entry.phone_number for entry in page]
        cursor = page.next
    assert not cursor
    assert found == [f"+14155550{n:03}" for n in range(219, 99, -1)]


def test_searches_say_how_many_there_are_up_to_two_hundred(as_viewer, three):
    assert as_viewer.get(reverse(PAGE)).context["total"] == "3 entries"
    assert as_viewer.get(reverse(PAGE), {"scope": "voice"}).context["total"] == "1 entry"
    numbers = "\n".join(f"415555{n:04}" for n in range(1000, 2100))
    add_lines_to_do_not_contact(lines=numbers, country="US", scope="email", actor=None)
    assert as_viewer.get(reverse(PAGE)).context["total"] == "1,103 entries"
    assert as_viewer.get(reverse(PAGE), {"scope": "email"}).context["total"] == "More than 200 entries"


def test_an_end_is_given_as_the_last_day(as_supervisor):
    day = timezone.localdate() + timedelta(days=3)
    values = {"lines": "4155550101", "scope": "all", "country": "US", "until": day.isoformat()}
    as_supervisor.post(reverse(PAGE), values)
    assert entry().last_day == day
    assert f"until {day:%b} {day.day}, {day.year}" in as_supervisor.get(reverse(PAGE)).text
    again = as_supervisor.post(reverse(PAGE), {**values, "until": ""}, follow=True)
    assert "1 entry holds for longer now." in again.text
    assert entry().expires_at is None


@pytest.mark.parametrize("until", ["2020-01-01", "soon", "9999-12-31"])
def test_an_end_that_cannot_be_is_refused_in_place(as_supervisor, until):
    values = {"lines": "4155550101", "scope": "all", "country": "US", "until": until}
    response = as_supervisor.post(reverse(PAGE), values)
    assert response.status_code == 422
    assert response.context["form"].errors["until"]
    assert not DoNotContact.objects.exists()


def test_one_entry_is_taken_off_with_a_reason(as_supervisor, three, supervisor):
    chosen = DoNotContact.objects.get(email=ADDRESS)
    url = f"{reverse(REMOVE)}?id={chosen.pk}"
    asked = as_supervisor.get(url, headers={"HX-Request": "true"}).text
    assert f"Reach {ADDRESS} again?" in asked
    refused = as_supervisor.post(url, {"reason": " ", "expected": "1"})
    assert refused.status_code == 422
    assert "Say why" in refused.text
    as_supervisor.post(url, {"reason": "agreed by letter", "expected": "1"})
    assert not DoNotContact.objects.filter(pk=chosen.pk).exists()
    assert DoNotContact.objects.count() == 2
    removed = as_supervisor.get(reverse("contacts:do_not_contact_removed")).text
    for told in (ADDRESS, "agreed by letter", str(supervisor), "Unsubscribed", "asked"):
        assert told in removed


def test_all_that_was_found_is_taken_off_and_nothing_else(as_supervisor, three):
    url = f"{reverse(REMOVE)}?found=1&ends=never"
    asked = as_supervisor.get(url)
    assert asked.context["count"] == 2
    assert "Reach 2 addresses again?" in asked.text
    as_supervisor.post(url, {"reason": "a mistake", "expected": "2"})
    assert set(DoNotContact.objects.values_list("phone_number", flat=True)) == {NUMBER_UK}


def test_who_takes_an_entry_off_is_told_what_was_said_besides(as_supervisor, three):
    chosen = DoNotContact.objects.get(phone_number=NUMBER_UK)
    url = f"{reverse(REMOVE)}?id={chosen.pk}"
    assert "This was said too" not in as_supervisor.get(url).text
    add_to_do_not_contact(phone_number=NUMBER_UK, scope="text", source="reply", expires_at=ahead(1))
    assert "Replied STOP (Texts)" in as_supervisor.get(url).text


def test_when_more_came_meanwhile_it_is_asked_once_more(as_supervisor, three):
    url = f"{reverse(REMOVE)}?found=1&ends=never"
    add_to_do_not_contact(phone_number=NUMBER)
    again = as_supervisor.post(url, {"reason": "a mistake", "expected": "2"})
    assert again.status_code == 422
    assert "There are 3 of them by now, not 2" in again.text
    assert 'name="expected" value="3"' in again.text
    assert DoNotContact.objects.count() == 4


@pytest.mark.parametrize("query", ["", "id=", "id=x", "id=999999", "id=" + "9" * 30, "found=1&q=nobody"])
def test_taking_off_nothing_says_so(as_supervisor, three, query):
    url = f"{reverse(REMOVE)}?{query}"
    assert "Nothing is chosen" in as_supervisor.get(url).text
    as_supervisor.post(url, {"reason": "a mistake", "expected": "1"})
    assert DoNotContact.objects.count() == 3


def test_what_was_removed_is_found_by_number_and_address(as_viewer, three):
    remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason="test", actor=None)
    url = reverse("contacts:do_not_contact_removed")
    for query, found in (("415 555 0101", {NUMBER_US}), (ADDRESS.upper(), {ADDRESS}), ("nobody", set())):
        page = as_viewer.get(url, {"q": query}).context["page"]
        assert {removal.phone_number or removal.email for removal in page} == found


@pytest.mark.parametrize(
    "query", [{"q": "nul\x00"}, {"q": "\\"}, {"q": "an"}, {"q": "'" * 300}, {"cursor": "nonsense"}]
)
def test_odd_questions_get_an_answer(as_viewer, three, query):
    for name in (PAGE, "contacts:do_not_contact_removed", "contacts:do_not_contact_export"):
        response = as_viewer.get(reverse(name), query)
        assert response.status_code == 200
        assert response.streaming == (b"Number,Email" in response.getvalue())


# --- In the admin ----------------------------------------------------------------------------------


@pytest.mark.parametrize("term", ["(415) 555-0101", "5550101", "ANNA", "an", "nul\x00", "%"])
def test_the_admin_finds_entries_and_removals(as_support, three, term):
    remove_from_do_not_contact(entries=DoNotContact.objects.filter(scope="text"), reason="test", actor=None)
    for model in ("donotcontact", "donotcontactremoval"):
        assert as_support.get(reverse(f"admin:contacts_{model}_changelist"), {"q": term}).status_code == 200
    found = as_support.get(reverse("admin:contacts_donotcontact_changelist"), {"q": term}).text
    # What is too short, or no text at all, narrows nothing.
    assert ("+14155550101" in found) == ("555" in term or len(term) < 3 or "\0" in term)


def test_the_admin_says_never_by_as_the_pages_do(as_admin, three):
    for model in ("donotcontact", "donotcontactremoval", "donotcontactevent"):
        page = as_admin.get(reverse(f"admin:contacts_{model}_changelist")).text
        assert "“Never by”" in page
        assert "scope</a>" not in page.lower()
        assert ">scope<" not in page.lower()
    form = as_admin.get(reverse("admin:contacts_donotcontact_add")).text
    assert "Never by:" in form
    assert "Scope" not in form


def test_the_admin_mends_what_was_said_and_takes_nothing_off(as_admin, three):
    chosen = DoNotContact.objects.get(email=ADDRESS)
    url = reverse("admin:contacts_donotcontact_change", args=[chosen.pk])
    assert f"{reverse(REMOVE)}?id={chosen.pk}" in as_admin.get(url).text
    as_admin.post(url, {"reason": "asked by letter", "email": "other@example.com", "scope": "voice"})
    chosen.refresh_from_db()
    assert (chosen.reason, chosen.email, chosen.scope) == ("asked by letter", ADDRESS, "all")
    delete = reverse("admin:contacts_donotcontact_delete", args=[chosen.pk])
    assert as_admin.post(delete, {"post": "yes"}).status_code == 403
    assert DoNotContact.objects.count() == 3


def test_the_admin_can_not_end_an_entry(as_admin, three):
    for chosen in DoNotContact.objects.all():
        url = reverse("admin:contacts_donotcontact_change", args=[chosen.pk])
        past = {"expires_at_0": "2020-01-01", "expires_at_1": "00:00:00"}
        assert as_admin.post(url, {"reason": "mended", **past}).status_code == 302
        again = DoNotContact.objects.get(pk=chosen.pk)
        assert (again.reason, again.expires_at) == ("mended", chosen.expires_at)


def test_the_admin_mends_only_what_is_there_still_and_leaves_the_rest_as_it_is(as_admin, three):
    """Its form was opened before the entry was extended, or taken off."""
    chosen = DoNotContact.objects.get(phone_number=NUMBER_UK)
    request = RequestFactory().post("/")
    admin = DoNotContactAdmin(DoNotContact, site)
    form = admin.get_form(request, chosen, change=True)({"reason": "mended"}, instance=chosen)
    assert form.is_valid()
    add_to_do_not_contact(phone_number=NUMBER_UK, scope="text", source="reply")
    admin.save_model(request, form.save(commit=False), form, change=True)
    again = DoNotContact.objects.get(phone_number=NUMBER_UK)
    assert (again.reason, again.source, again.expires_at) == ("mended", "reply", None)
    remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason="agreed", actor=None)
    admin.save_model(request, chosen, form, change=True)
    assert not DoNotContact.objects.exists()


@pytest.mark.parametrize(("year", "is_added"), [("2020", False), ("2099", True)])
def test_what_is_added_in_the_admin_is_not_over(as_admin, year, is_added):
    values = {"phone_number": "(415) 555-0142", "scope": "all", "source": "agent"}
    until = {"expires_at_0": f"{year}-01-01", "expires_at_1": "00:00:00"}
    response = as_admin.post(reverse("admin:contacts_donotcontact_add"), {**values, **until})
    assert response.status_code == (302 if is_added else 200)
    assert DoNotContact.objects.filter(phone_number=NUMBER).exists() == is_added


def test_removals_are_read_only_in_the_admin(as_admin, three):
    remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason="test", actor=None)
    removal = DoNotContactRemoval.objects.first()
    assert as_admin.get(reverse("admin:contacts_donotcontactremoval_add")).status_code == 403
    for action in ("change", "delete"):
        url = reverse(f"admin:contacts_donotcontactremoval_{action}", args=[removal.pk])
        assert as_admin.post(url, {"post": "yes", "removal_reason": "x"}).status_code == 403
    page = reverse("admin:contacts_donotcontactremoval_change", args=[removal.pk])
    assert as_admin.get(page).status_code == 200
