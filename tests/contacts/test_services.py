"""Numbers typed in, lists, and the do-not-contact list."""

from __future__ import annotations

import pytest

from contacts.models import Contact, DoNotContact, List
from contacts.queries import is_do_not_contact, number_is_do_not_contact, search_contacts
from contacts.services import (
    Refused,
    add_lines_to_do_not_contact,
    add_numbers,
    add_to_do_not_contact,
    create_list,
    delete_list,
    edit_contact,
    rename_list,
)
from tests.factories import ChannelFactory, ContactFactory, DoNotContactFactory, ListFactory, zone_set

pytestmark = pytest.mark.django_db


def typed(lines: str, country: str = "US"):
    target = List.objects.filter(name="Typed").first() or ListFactory(name="Typed")
    return add_numbers(list=target, lines=lines, country=country, actor=None)


@pytest.mark.parametrize(
    ("line", "number", "name"),
    [
        ("(415) 555-0142", "+14155550142", ""),
        ("415 555 0142, Anna Svensson", "+14155550142", "Anna Svensson"),
        ("Anna Svensson; 415 555 0142", "+14155550142", "Anna Svensson"),
        ("Anna Svensson 415-555-0142", "+14155550142", "Anna Svensson"),
        ("415-555-0142 Anna Svensson", "+14155550142", "Anna Svensson"),
        ("Anna\t4155550142", "+14155550142", "Anna"),
        ("Svensson, Anna, 415 555 0142", "+14155550142", "Anna Svensson"),
        ("tel: 415 555 0142 ext. 12", "+14155550142", ""),
        ("1-800-FLOWERS", "+18003569377", ""),
        ("Anna <415 555 0142>", "+14155550142", "Anna"),
        ("+44 20 7946 0958 Bilal", "+442079460958", "Bilal"),
    ],
)
def test_numbers_are_typed_with_names_as_people_do(line, number, name):
    assert typed(line).created == 1
    contact = Contact.objects.get()
    assert (contact.phone_number, contact.name) == (number, name)


def test_several_numbers_may_stand_on_one_line():
    assert typed("415 555 0142, 415 555 0143; +13035550144").created == 3


def test_wrong_lines_are_told_and_the_others_added():
    ContactFactory(phone_number="+14155550101")
    result = typed("415 555 0101\n\nnonsense\n415 555 0102\n4155550102\n911 Bo\n")
    assert (result.added, result.created, result.unchanged, result.duplicates) == (2, 1, 1, 1)
    assert [(wrong.line, wrong.text) for wrong in result.invalid] == [(3, "nonsense"), (6, "911 Bo")]
    assert List.objects.get(name="Typed").size == 2


def test_wrong_lines_are_numbered_as_a_box_shows_them():
    result = typed("\n\n415 555 0101\u2028\r\nnonsense\x0b\rmore nonsense\n\n")
    assert [(wrong.line, wrong.text) for wrong in result.invalid] == [(4, "nonsense"), (5, "more nonsense")]


def test_typing_the_same_again_changes_nothing():
    typed("415 555 0101")
    again = typed("415 555 0101")
    assert (again.added, again.unchanged) == (0, 1)
    assert List.objects.get(name="Typed").version == 1


def test_nothing_typed_adds_nothing():
    assert typed(" \n\n").added == 0


def test_too_much_typed_is_refused():
    with pytest.raises(Refused, match="10,000"):
        typed("1\n" * 10_001)


def test_two_lists_never_have_one_name():
    first = create_list(name=" Autumn ", actor=None)
    assert first.name == "Autumn"
    with pytest.raises(Refused, match="already"):
        create_list(name="Autumn", actor=None)
    other = create_list(name="Winter", actor=None)
    with pytest.raises(Refused, match="already"):
        rename_list(list=other, name="Autumn", description="", actor=None)
    for name in ("", " \u200b", "x" * 121):
        with pytest.raises(Refused):
            create_list(name=name, actor=None)


def test_a_list_in_use_is_not_deleted():
    used, free = ListFactory(members=1), ListFactory(members=1)
    ChannelFactory(lists=[used])
    with pytest.raises(Refused, match="is used by “"):
        delete_list(list=used, actor=None)
    delete_list(list=free, actor=None)
    assert Contact.objects.count() == 2


def test_do_not_contact_said_twice_is_said_once():
    first = add_to_do_not_contact(phone_number="+14155550101", source="assistant", reason="asked")
    again = add_to_do_not_contact(phone_number="+14155550101", source="person", reason="again")
    assert (first, again) == (True, False)
    entry = DoNotContact.objects.get()
    assert (entry.source, entry.reason) == ("assistant", "asked")


def test_do_not_contact_holds_for_its_scope():
    DoNotContactFactory(phone_number="+14155550101", scope="text")
    DoNotContactFactory(phone_number="+14155550102", scope="all")
    assert not is_do_not_contact("+14155550101", "voice")
    assert is_do_not_contact("+14155550101", "text")
    assert is_do_not_contact("+14155550102", "voice")
    for number in ("+14155550101", "+14155550102", "+14155550103"):
        ContactFactory(phone_number=number)
    forbidden = Contact.objects.filter(number_is_do_not_contact("voice"))
    assert [contact.phone_number for contact in forbidden] == ["+14155550102"]


def test_lines_of_numbers_and_addresses_go_on_the_do_not_contact_list():
    DoNotContactFactory(phone_number="+14155550101", scope="all")
    result = add_lines_to_do_not_contact(
        lines="415 555 0101\n(415) 555-0102\n4155550102\nAnna@Example.com\nwhat?\n",
        country="US",
        scope="all",
        actor=None,
    )
    assert (result.added, result.known) == (2, 1)
    assert [wrong.line for wrong in result.invalid] == [5]
    assert DoNotContact.objects.filter(email="anna@example.com").exists()


def test_a_given_zone_replaces_those_of_the_number_and_back():
    contact = ContactFactory(phone_number="+14155550101")
    values = {"first_name": "A", "last_name": "B", "email": "A@B.com", "company": "", "fields": {"x": "1"}}
    edit_contact(contact=contact, time_zone="America/Denver", **values)
    contact.refresh_from_db()
    assert contact.zone_set == zone_set("America/Denver")
    assert contact.email == "a@b.com"
    edit_contact(contact=contact, time_zone="", **values)
    contact.refresh_from_db()
    assert contact.zone_set == zone_set("America/Los_Angeles")


def test_an_address_is_one_persons_where_there_is_no_number():
    ContactFactory(phone_number=None, email="a@b.com")
    other = ContactFactory(phone_number=None, email="c@d.com")
    with pytest.raises(Refused, match="Another contact"):
        edit_contact(
            contact=other, first_name="", last_name="", email="a@b.com", company="", time_zone="", fields={}
        )


@pytest.mark.parametrize(
    "query",
    [
        "anna",
        "SVENS",
        "svensson anna",
        "acme",
        "anna@example",
        "+14155550142",
        "(415) 555-0142",
        "415-555-01",
        "5550142",
        "0142",
        "1 415 555 0142",
    ],
)
def test_contacts_are_found_by_words_address_and_number_in_any_notation(query):
    wanted = ContactFactory(
        first_name="Anna",
        last_name="Svensson",
        company="Acme",
        email="anna@example.com",
        phone_number="+14155550142",
    )
    ContactFactory(first_name="Bo", last_name="Ek", phone_number="+13035550199")
    assert list(search_contacts(Contact.objects.all(), query, "US")) == [wanted]


@pytest.mark.parametrize("query", ["%", "_", "\0", "'; DROP", "no one", "9" * 300, "+", "(((", "::"])
def test_odd_searches_find_nobody(query):
    ContactFactory(first_name="Anna", phone_number="+14155550142")
    found = search_contacts(Contact.objects.all(), query, "US")
    assert found.count() == (1 if query == "\0" else 0)


def test_a_number_is_found_as_its_own_country_writes_it():
    wanted = ContactFactory(phone_number="+442079460958")
    assert list(search_contacts(Contact.objects.all(), "020 7946 0958", "US")) == [wanted]


@pytest.mark.parametrize("lines", ["415 555 0101", "nothing"])
@pytest.mark.parametrize("is_there_another", [False, True])
def test_numbers_for_a_list_that_was_deleted_meanwhile_are_refused(lines, is_there_another):
    autumn = ListFactory(name="Autumn")
    List.objects.filter(pk=autumn.pk).delete()
    if is_there_another:
        ListFactory(name="Autumn")
    with pytest.raises(Refused, match="“Autumn” was deleted meanwhile"):
        add_numbers(list=autumn, lines=lines, country="US", actor=None)
    assert not Contact.objects.exists()
    assert list(List.objects.values_list("name", "size")) == [("Autumn", 0)] * is_there_another
