"""Lists: copied, merged, subtracted, split, exported; their pages; two hands at once."""

from __future__ import annotations

import csv
import html
import io
import re
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.urls import reverse

from campaigns.services import (
    add_channel,
    add_exclusion,
    assign_list,
    make_channel_from,
    remove_exclusion,
    unassign_list,
)
from contacts.admin.lists import ListAdmin
from contacts.contact_csv import contacts_as_csv
from contacts.filters import ContactFilters
from contacts.importing.saving import Merged, StagedContact, Staging
from contacts.membership import contacts_of, contacts_of_version, uses_of
from contacts.models import Contact, DoNotContact, Import, List, ListVersion, Membership
from contacts.services import (
    Refused,
    add_numbers,
    add_to_list,
    copy_list,
    create_list,
    delete_list,
    intersect_lists,
    merge_lists,
    remove_from_list,
    rename_list,
    split_list,
    subtract_list,
    upload_import,
)
from contacts.services.lists import part_names, part_sizes
from dialer.erasing import erase_contact
from tests.at_once import Other
from tests.factories import (
    CampaignFactory,
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    ListFactory,
    zone_set,
)

pytestmark = pytest.mark.django_db


def people(list: List) -> set[str]:
    """Who is on a list, by first name; and its size and versions agree with that."""
    list.refresh_from_db()
    names = [contact.first_name for contact in contacts_of(list)]
    assert len(names) == len(set(names)) == list.size
    versions = ListVersion.objects.filter(list=list).order_by("number")
    assert [version.number for version in versions] == [*range(1, list.version + 1)]
    size = 0
    for version in versions:
        size += version.added - version.removed
        assert version.size == size == contacts_of_version(list, version.number).count()
    return set(names)


def make_list(name: str, *names: str) -> List:
    """A list of contacts by these first names, who are the same on every list."""
    members = [
        Contact.objects.filter(first_name=one).first() or ContactFactory(first_name=one, last_name="")
        for one in names
    ]
    return ListFactory(name=name, members=members)


def note_of(list: List) -> str:
    return ListVersion.objects.get(list=list, number=list.version).note


# --- Copy, merge, subtract, intersect --------------------------------------------------------------------


def test_a_copy_has_the_same_contacts_and_says_where_from(supervisor):
    autumn = make_list("Autumn", "Anna", "Bo")
    copy = copy_list(list=autumn, name="Winter", actor=supervisor)
    assert people(copy) == people(autumn) == {"Anna", "Bo"}
    assert note_of(copy) == "Copied from “Autumn”, version 1"
    assert copy.versions.get().created_by == supervisor


def test_only_those_who_match_are_copied():
    autumn = make_list("Autumn", "Anna", "Bo", "Cem")
    Contact.objects.filter(first_name__in=["Anna", "Bo"]).update(email="one@example.com")
    copy = copy_list(list=autumn, name="Winter", filters=ContactFilters(q="bo", email="with"), actor=None)
    assert people(copy) == {"Bo"}
    assert note_of(copy) == "Copied from “Autumn”, version 1: those that match “bo”, with an email address"


def test_lists_are_merged_into_a_new_one_with_each_contact_once():
    first, second = make_list("First", "Anna", "Bo"), make_list("Second", "Bo", "Cem")
    merged = merge_lists(lists=[first, second, first], name="Both", actor=None)
    assert people(merged) == {"Anna", "Bo", "Cem"}
    assert note_of(merged) == "Merged from “First”, version 1 and “Second”, version 1"
    assert (people(first), people(second)) == ({"Anna", "Bo"}, {"Bo", "Cem"})


def test_lists_are_merged_into_one_of_them_as_its_next_version():
    first, second = make_list("First", "Anna", "Bo"), make_list("Second", "Bo", "Cem")
    merge_lists(lists=[first, second], into=first, actor=None)
    assert people(first) == {"Anna", "Bo", "Cem"}
    version = first.versions.get(number=2)
    assert (version.added, version.removed, version.size) == (1, 0, 3)


def test_a_list_is_subtracted_as_a_new_version_or_as_a_new_list():
    first, second = make_list("First", "Anna", "Bo"), make_list("Second", "Bo", "Cem")
    rest = subtract_list(list=first, minus=second, name="Rest", actor=None)
    assert (people(rest), people(first)) == ({"Anna"}, {"Anna", "Bo"})
    assert subtract_list(list=first, minus=second, actor=None) == first
    assert people(first) == {"Anna"}
    version = first.versions.get(number=2)
    assert (version.added, version.removed, version.note) == (
        0,
        1,
        "Without the contacts of “Second”, version 1",
    )


def test_what_two_lists_share_is_kept():
    first, second = make_list("First", "Anna", "Bo"), make_list("Second", "Bo", "Cem")
    assert people(intersect_lists(list=first, other=second, name="Shared", actor=None)) == {"Bo"}
    assert people(intersect_lists(list=first, other=second, actor=None)) == {"Bo"}


def test_what_makes_no_sense_is_refused_and_leaves_everything_as_it_was():
    full, other, same = make_list("Full", "Anna"), make_list("Other", "Bo"), make_list("Same", "Anna")
    empty, nobody = ListFactory(name="Empty"), ContactFilters(q="zz")
    for message, attempt in [
        ("nobody to copy", lambda: copy_list(list=empty, name="X", actor=None)),
        (
            "nobody to copy",
            lambda: copy_list(list=full, name="X", filters=nobody, actor=None),
        ),
        ("already", lambda: copy_list(list=full, name="Other", actor=None)),
        ("name", lambda: copy_list(list=full, name=" ", actor=None)),
        ("at least one other", lambda: merge_lists(lists=[full, full], name="X", actor=None)),
        ("at least one other", lambda: merge_lists(lists=[full], into=full, actor=None)),
        ("is on “Full” already", lambda: merge_lists(lists=[same, empty], into=full, actor=None)),
        ("are empty", lambda: merge_lists(lists=[empty, ListFactory()], name="X", actor=None)),
        ("another list", lambda: subtract_list(list=full, minus=full, actor=None)),
        ("nothing to subtract", lambda: subtract_list(list=full, minus=other, actor=None)),
        ("Nobody would be left", lambda: subtract_list(list=full, minus=same, actor=None)),
        ("Nobody would be left", lambda: subtract_list(list=full, minus=same, name="X", actor=None)),
        ("is empty", lambda: subtract_list(list=empty, minus=full, actor=None)),
        ("Nobody would be left", lambda: intersect_lists(list=full, other=other, actor=None)),
        ("Nothing would change", lambda: intersect_lists(list=full, other=same, actor=None)),
        ("too few", lambda: split_list(list=full, shares=[50, 50], actor=None)),
        ("2 to 10", lambda: split_list(list=full, shares=[100], actor=None)),
        ("2 to 10", lambda: split_list(list=full, shares=[1] * 11, actor=None)),
        ("2 to 10", lambda: split_list(list=full, shares=[1, 0], actor=None)),
    ]:
        with pytest.raises(Refused, match=message):
            attempt()
    assert not List.objects.filter(name="X").exists()
    for one, members in ((full, {"Anna"}), (other, {"Bo"}), (same, {"Anna"}), (empty, set())):
        assert people(one) == members


def test_a_list_deleted_meanwhile_is_told():
    first, second = make_list("First", "Anna"), make_list("Second", "Bo")
    List.objects.filter(pk=second.pk).delete()
    with pytest.raises(Refused, match="“Second” was deleted"):
        merge_lists(lists=[first, second], name="X", actor=None)


def test_long_names_and_many_lists_fit_into_a_note():
    lists = [ListFactory(name=f"{n}" * 120, members=1) for n in range(4)]
    merged = merge_lists(lists=lists, name="All", actor=None)
    assert len(note_of(merged)) == 200


def test_who_came_back_is_on_the_list_once():
    autumn = make_list("Autumn", "Anna", "Bo")
    anna = Contact.objects.filter(first_name="Anna")
    assert remove_from_list(list=autumn, contacts=anna, actor=None) == 1
    assert people(autumn) == {"Bo"}
    assert add_to_list(list=autumn, contacts=anna, actor=None) == 1
    assert add_to_list(list=autumn, contacts=anna, actor=None) == 0
    assert people(autumn) == {"Anna", "Bo"}
    assert autumn.version == 3
    assert {one.first_name for one in contacts_of_version(autumn, 2)} == {"Bo"}


def test_removing_who_is_not_on_it_makes_no_version():
    autumn = make_list("Autumn", "Anna")
    assert remove_from_list(list=autumn, contacts=Contact.objects.exclude(first_name="Anna"), actor=None) == 0
    assert people(autumn) == {"Anna"}


def test_a_channel_keeps_the_version_it_was_started_with():
    first, second = make_list("First", "Anna", "Bo"), make_list("Second", "Bo")
    channel = ChannelFactory(lists=[first], running=True)
    pinned = channel.channel_lists.get()
    assert pinned.version == 1
    subtract_list(list=first, minus=second, actor=None)
    pinned.refresh_from_db()
    assert pinned.version == 1
    assert contacts_of_version(first, pinned.version).count() == 2


# --- Split -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "shares", "sizes"),
    [
        (5, [50, 50], [3, 2]),
        (1000, [10, 90], [100, 900]),
        (10, [1, 1, 1], [4, 3, 3]),
        (7, [1] * 7, [1] * 7),
        (3, [1, 1000], [0, 3]),
        (999_999, [33, 33, 34], [330_000, 330_000, 339_999]),
    ],
)
def test_parts_have_the_sizes_of_their_shares(total, shares, sizes):
    assert part_sizes(total, shares) == sizes
    assert sum(sizes) == total


def test_a_split_gives_everybody_to_exactly_one_part():
    everybody = ListFactory(name="Autumn", members=101)
    parts = split_list(list=everybody, shares=[10, 90], actor=None)
    assert [(part.name, part.size) for part in parts] == [("Autumn A", 10), ("Autumn B", 91)]
    members = Counter(Membership.objects.filter(list__in=parts).values_list("contact", flat=True))
    assert set(members.values()) == {1}
    assert len(members) == 101
    assert note_of(parts[0]) == "Drawn at random from “Autumn”, version 1, 10/90"
    everybody.refresh_from_db()
    assert (everybody.size, everybody.version) == (101, 1)


def test_a_split_is_drawn_anew_unless_the_seed_is_the_same():
    everybody = ListFactory(members=60)

    def drawn(seed: int | None) -> frozenset[int]:
        with transaction.atomic():
            first, _ = split_list(list=everybody, shares=[1, 1], seed=seed, actor=None)
            found = frozenset(first.memberships.values_list("contact", flat=True))
            transaction.set_rollback(True)
        return found

    assert drawn(7) == drawn(7)
    assert len({drawn(seed) for seed in range(5)} | {drawn(None)}) == 6


def test_a_split_favours_nobody():
    everybody = ListFactory(members=400)
    oldest = set(everybody.memberships.order_by("contact").values_list("contact", flat=True)[:200])
    first, _ = split_list(list=everybody, shares=[1, 1], seed=1, actor=None)
    share = len(oldest & set(first.memberships.values_list("contact", flat=True)))
    # Of 200 draws: 100 expected, standard deviation 5.
    assert 75 < share < 125


def test_a_split_refuses_names_that_are_taken_and_makes_nothing():
    everybody = ListFactory(name="Autumn", members=4)
    ListFactory(name="Autumn B")
    with pytest.raises(Refused, match="“Autumn B” already"):
        split_list(list=everybody, shares=[1, 1], actor=None)
    assert not List.objects.filter(name="Autumn A").exists()
    assert split_list(list=everybody, shares=[1, 1], name="Test", actor=None)[1].name == "Test B"


def test_parts_are_lettered():
    assert part_names("X", 3) == ["X A", "X B", "X C"]


# --- Used by ---------------------------------------------------------------------------------------------


def test_a_list_says_where_it_is_used_and_is_not_deleted_there():
    used = ListFactory(name="Autumn", members=1)
    channel = ChannelFactory(lists=[used], campaign__name="Sale")
    excluding = CampaignFactory(name="Survey")
    excluding.exclusions.add(used)
    assert [(use.campaign, use.channel, use.version) for use in uses_of(used)] == [
        (channel.campaign, channel, None),
        (excluding, None, None),
    ]
    with pytest.raises(Refused, match="used by “Sale” and “Survey”"):
        delete_list(list=used, actor=None)


# --- At once ---------------------------------------------------------------------------------------------


def at_once(*deeds) -> list[object]:
    """What each returned or raised; each in a thread with a connection of its own."""
    outcomes: list[object] = [None] * len(deeds)

    def run(place, deed):
        try:
            outcomes[place] = deed()
        except Exception as error:
            outcomes[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_operations_on_the_same_lists_wait_for_each_other_and_not_in_a_circle():
    first = make_list("First", *(f"a{n}" for n in range(30)), "both")
    second = make_list("Second", *(f"b{n}" for n in range(30)), "both")

    def again(deed):
        def repeat():
            for _ in range(5):
                deed()

        return repeat

    def fresh(list: List) -> List:
        return List.objects.get(pk=list.pk)

    def swap(source: List, target: List):
        def deed():
            add_to_list(list=fresh(target), contacts=contacts_of(source), actor=None)
            remove_from_list(
                list=fresh(target),
                contacts=contacts_of(source).filter(first_name__startswith="a"),
                actor=None,
            )

        return deed

    def merge(into: List, other: List):
        def deed():
            with suppress(Refused):
                merge_lists(lists=[fresh(other)], into=fresh(into), actor=None)

        return deed

    outcomes = at_once(
        again(swap(first, second)),
        again(swap(second, first)),
        again(merge(first, second)),
        again(merge(second, first)),
        again(lambda: add_numbers(list=fresh(first), lines="415 555 0142 Typed", country="US", actor=None)),
    )
    assert outcomes == [None] * 5
    people(first)
    people(second)


@pytest.mark.django_db(transaction=True)
def test_an_operation_waits_for_an_import_into_its_list():
    target, other = make_list("First", "Anna"), make_list("Second", "Bo")
    holding, done = threading.Event(), threading.Event()

    def importing():
        with transaction.atomic():
            List.objects.select_for_update().get(pk=target.pk)
            holding.set()
            # Long enough for the other to run into the lock, if it looked without waiting.
            assert not done.wait(0.5)
            add_numbers(list=List.objects.get(pk=target.pk), lines="4155550142 Cem", country="US", actor=None)

    def merging():
        holding.wait(10)
        merge_lists(lists=[List.objects.get(pk=other.pk)], into=List.objects.get(pk=target.pk), actor=None)
        done.set()

    assert at_once(importing, merging) == [None, None]
    assert people(target) == {"Anna", "Bo", "Cem"}
    assert list(target.versions.order_by("number").values_list("note", flat=True))[1:] == [
        "Typed in",
        "Merged from “Second”, version 1",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_person_is_erased_while_their_list_is_copied(supervisor):
    autumn = make_list("Autumn", "Anna", "Bo")
    anna = Contact.objects.get(first_name="Anna")
    copied, done = threading.Event(), threading.Event()

    def copying():
        with transaction.atomic():
            copy_list(list=List.objects.get(pk=autumn.pk), name="Copy", actor=None)
            copied.set()
            # The database looks at who was copied when this commits; by then the other waits for the list.
            assert not done.wait(0.5)

    def erasing():
        copied.wait(10)
        erase_contact(contact=anna, actor=supervisor, keep_do_not_contact=False)
        done.set()

    assert at_once(copying, erasing) == [None, None]
    assert people(autumn) == people(List.objects.get(name="Copy")) == {"Bo"}
    assert Contact.objects.get(pk=anna.pk).erased_at


@pytest.mark.django_db(transaction=True)
def test_of_two_lists_made_by_one_name_at_once_one_is_refused():
    outcomes = at_once(*[lambda: create_list(name="Autumn", actor=None)] * 2)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["List", "Refused"]


@pytest.mark.django_db(transaction=True)
def test_campaigns_take_a_list_while_it_changes():
    autumn = make_list("Autumn", "Anna", "Bo")
    channel = ChannelFactory()
    with transaction.atomic():
        remove_from_list(list=autumn, contacts=Contact.objects.filter(first_name="Bo"), actor=None)
        began = time.monotonic()
        assert at_once(lambda: channel.channel_lists.create(list_id=autumn.pk) and None) == [None]
        assert time.monotonic() - began < 10


# --- Pages -----------------------------------------------------------------------------------------------


def said(response) -> str:
    """What a page says, without markup."""
    text = re.sub(r"<(script|style|template)\b.*?</\1>", "", response.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def operation(list: List, name: str, query: str = "") -> str:
    return reverse("contacts:list_operation", args=[list.pk, name]) + query


def test_a_list_is_copied_as_it_is_filtered(as_supervisor):
    autumn = make_list("Autumn", "Anna", "Bo")
    url = operation(autumn, "copy", "?q=anna")
    assert "The new list will have those that match “anna”: 1 contact." in said(as_supervisor.get(url))
    response = as_supervisor.post(url, {"name": "Annas"}, follow=True)
    assert "1 contact was copied to “Annas”." in said(response)
    assert people(List.objects.get(name="Annas")) == {"Anna"}


def test_merging_is_previewed_and_done(as_supervisor):
    first, second = make_list("First", "Anna", "Bo"), make_list("Second", "Bo", "Cem")
    url = operation(first, "merge")
    values = {"lists": [second.pk], "into": "this", "name": "X"}
    preview = as_supervisor.get(url, {**values, "preview": "1"}, headers={"HX-Request": "true"})
    assert said(preview) == (
        "“First” has 2, “Second” 2; 1 comes more than once, and will be there once. "
        "The result has 3 contacts."
    )
    as_supervisor.post(url, values)
    assert people(first) == {"Anna", "Bo", "Cem"}
    as_supervisor.post(url, {"lists": [second.pk], "into": "new", "name": "Both"})
    assert people(List.objects.get(name="Both")) == {"Anna", "Bo", "Cem"}


@pytest.mark.parametrize(
    ("how", "left", "said_left"), [("without", {"Anna"}, 1), ("shared", {"Bo", "Cem"}, 2)]
)
def test_subtracting_is_previewed_and_done(as_supervisor, how, left, said_left):
    first, second = make_list("First", "Anna", "Bo", "Cem"), make_list("Second", "Bo", "Cem")
    url = operation(first, "subtract")
    values = {"other": second.pk, "how": how, "into": "new", "name": "Rest"}
    preview = said(as_supervisor.get(url, {**values, "preview": "1"}, headers={"HX-Request": "true"}))
    assert preview.startswith(f"“First” has 3, “Second” 2; 2 in both. The result has {said_left} contact")
    as_supervisor.post(url, values)
    assert people(List.objects.get(name="Rest")) == left


def test_splitting_is_previewed_and_done(as_supervisor):
    autumn = ListFactory(name="Autumn", members=10)
    url = operation(autumn, "split")
    assert "Autumn A: 5 contacts Autumn B: 5 contacts" in said(as_supervisor.get(url))
    query = {"shares": "10 %, 90 %", "name": "Test", "preview": "1"}
    assert "Test A: 1 contact Test B: 9 contacts" in said(
        as_supervisor.get(url, query, headers={"HX-Request": "true"})
    )
    response = as_supervisor.post(url, {"shares": "1/1/1", "name": "Third"}, follow=True)
    assert "New lists: “Third A” (4), “Third B” (3), “Third C” (3)." in said(response)


@pytest.mark.parametrize(
    "shares", ["", "50", "a/b", "0/100", "-1/2", "1/1/1/1/1/1/1/1/1/1/1", "99999/1", "½/½", "²/1"]
)
def test_shares_that_make_no_sense_are_told(as_supervisor, shares):
    autumn = ListFactory(name="Autumn", members=10)
    response = as_supervisor.post(operation(autumn, "split"), {"shares": shares, "name": "X"})
    assert response.status_code == 422
    assert List.objects.count() == 1
    preview = {"shares": shares, "name": "X", "preview": "1"}
    told = said(as_supervisor.get(operation(autumn, "split"), preview, headers={"HX-Request": "true"}))
    if not shares:
        assert told == "Fill in shares and a name to see the parts."
    else:
        assert told in {"Write shares like 50/50 or 10/45/45.", "A list is split into 2 to 10 parts."}


def test_a_refusal_is_said_where_it_was_asked_and_keeps_what_was_typed(as_supervisor):
    first, second = make_list("First", "Anna"), make_list("Second", "Bo")
    values = {"other": second.pk, "how": "without", "into": "new", "name": "Second"}
    response = as_supervisor.post(operation(first, "subtract"), values)
    assert response.status_code == 422
    assert "There is a list “Second” already." in said(response)
    assert f'<option value="{second.pk}" selected>' in response.content.decode()


def test_chosen_contacts_are_removed_added_elsewhere_and_forbidden(as_supervisor):
    autumn, winter = make_list("Autumn", "Anna", "Bo", "Cem", "Dan"), make_list("Winter", "Bo")
    keys = {contact.first_name: contact.pk for contact in Contact.objects.all()}

    url = operation(autumn, "add", f"?id={keys['Anna']}&id={keys['Bo']}")
    assert "Choose a list, or give a new one a name." in said(as_supervisor.post(url, {"to": "", "name": ""}))
    assert "1 contact was added to “Winter”." in said(as_supervisor.post(url, {"to": winter.pk}, follow=True))
    assert people(winter) == {"Anna", "Bo"}
    as_supervisor.post(url, {"to": "", "name": "Spring"})
    assert people(List.objects.get(name="Spring")) == {"Anna", "Bo"}

    url = operation(autumn, "remove", f"?id={keys['Anna']}")
    assert "1 contact of 4 will be taken off “Autumn”; 3 contacts stay." in said(as_supervisor.get(url))
    as_supervisor.post(url)
    assert people(autumn) == {"Bo", "Cem", "Dan"}
    assert Contact.objects.filter(pk=keys["Anna"]).exists()

    Contact.objects.filter(pk=keys["Cem"]).update(phone_number=None, email="cem@example.com")
    url = operation(autumn, "do-not-contact", f"?id={keys['Bo']}&id={keys['Cem']}")
    assert "2 numbers and addresses were added to do-not-contact." in said(
        as_supervisor.post(url, {"reason": "asked"}, follow=True)
    )
    assert set(DoNotContact.objects.values_list("phone_number", "email", "reason")) == {
        (Contact.objects.get(pk=keys["Bo"]).phone_number, None, "asked"),
        (None, "cem@example.com", "asked"),
    }


def test_everybody_who_matches_is_removed_and_nobody_else(as_supervisor):
    autumn = make_list("Autumn", "Anna", "Annabel", "Bo")
    url = operation(autumn, "remove", "?found=1&q=anna")
    assert "2 contacts of 3 will be taken off" in said(as_supervisor.get(url))
    as_supervisor.post(url)
    assert people(autumn) == {"Bo"}


@pytest.mark.parametrize(
    ("name", "values"), [("remove", {}), ("add", {"name": "Annas"}), ("do-not-contact", {"reason": "asked"})]
)
def test_what_was_done_with_some_leads_back_to_the_list_as_it_was_filtered(as_supervisor, name, values):
    autumn = make_list("Autumn", "Anna", "Annabel", "Bo")
    one = Contact.objects.get(first_name="Annabel")
    url = operation(autumn, name, f"?id={one.pk}&q=anna&number=with")
    filtered = f"{autumn.get_absolute_url()}?q=anna&number=with"
    assert f'href="{filtered}">Cancel' in html.unescape(as_supervisor.get(url).content.decode())
    assert as_supervisor.post(url, values).url == filtered


@pytest.mark.parametrize(
    "query", ["", "?id=", "?id=x", "?id=-1", "?id=99999999999999999999999", "?found=2", "?id=%00"]
)
@pytest.mark.parametrize("name", ["remove", "add", "do-not-contact"])
def test_without_a_choice_nothing_is_done(as_supervisor, name, query):
    autumn = make_list("Autumn", "Anna")
    assert "Choose at least one contact first." in said(as_supervisor.get(operation(autumn, name, query)))
    response = as_supervisor.post(operation(autumn, name, query), {"name": "X"})
    assert response.status_code == 422
    assert people(autumn) == {"Anna"}
    assert not DoNotContact.objects.exists()


def test_people_of_other_lists_are_not_chosen_by_their_key(as_supervisor):
    autumn, other = make_list("Autumn", "Anna"), make_list("Other", "Bo")
    stranger = Contact.objects.get(first_name="Bo")
    as_supervisor.post(operation(autumn, "do-not-contact", f"?id={stranger.pk}"))
    as_supervisor.post(operation(autumn, "remove", f"?id={stranger.pk}"))
    assert not DoNotContact.objects.exists()
    assert people(other) == {"Bo"}


def test_an_unknown_operation_is_not_found(as_supervisor):
    assert as_supervisor.get(operation(ListFactory(), "explode")).status_code == 404


def test_contacts_of_a_list_are_filtered(as_viewer):
    DoNotContactFactory(phone_number="+14155550101", scope="voice")
    members = [
        ContactFactory(first_name="Anna", phone_number="+14155550101"),
        ContactFactory(first_name="Bo", email="bo@example.com", zone_set=zone_set("America/Denver")),
        ContactFactory(first_name="Cem", phone_number=None, email="cem@example.com", zone_set=zone_set()),
    ]
    autumn = ListFactory(members=members)
    ContactFactory(first_name="Dan")
    for query, names in {
        "": "Cem Bo Anna",
        "email=with": "Cem Bo",
        "email=without": "Anna",
        "number=with": "Bo Anna",
        "number=without": "Cem",
        "do_not_contact=yes": "Anna",
        "do_not_contact=no": "Cem Bo",
        "zone=America/Denver": "Bo",
        "zone=unknown": "Cem",
        "zone=Mars/Crater": "",
        "email=with&number=with&q=bo": "Bo",
        "email=rubbish&cursor=rubbish": "Cem Bo Anna",
        "q=%00": "Cem Bo Anna",
    }.items():
        response = as_viewer.get(autumn.get_absolute_url() + f"?{query}")
        assert " ".join(row.contact.first_name for row in response.context["rows"]) == names, query
        assert response.context["total"].value == len(names.split()), query


def test_people_without_a_number_are_shown_with_their_address(as_viewer):
    cem = ContactFactory(first_name="Cem", last_name="", phone_number=None, email="cem@example.com")
    nobody = ContactFactory(first_name="", last_name="", phone_number=None, email="no@example.com")
    page = as_viewer.get(ListFactory(members=[cem, nobody]).get_absolute_url())
    assert "Number or email" in said(page)
    cells = re.findall(r'<td class="number">(.*?)</td>', page.content.decode())
    # Without a name, the address stands for it already.
    assert [re.sub(r"<[^>]+>", "", cell) for cell in cells] == ["–", "cem@example.com"]


def test_pages_of_a_list_hold_everybody_once(as_viewer):
    autumn = ListFactory(members=120)
    remove_from_list(
        list=autumn, contacts=Contact.objects.filter(pk=Contact.objects.earliest("pk").pk), actor=None
    )
    seen, address = [], autumn.get_absolute_url() + "?number=with"
    while address:
        page = as_viewer.get(address).context["page"]
        seen += [contact.pk for contact in page]
        cursor, address = page.next, ""
        if cursor:
            address = autumn.get_absolute_url() + f"?number=with&cursor={cursor}"
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) == 119


def test_a_long_list_says_that_there_are_more_than_are_counted(as_viewer):
    autumn = ListFactory(members=220)
    page = said(as_viewer.get(autumn.get_absolute_url() + "?number=with"))
    assert "More than 200 contacts" in page
    assert "220 contacts" in said(as_viewer.get(autumn.get_absolute_url()))


def test_lists_are_sorted_and_their_pages_take_few_queries(as_viewer, django_assert_max_num_queries):
    for name, size in (("Bees", 2), ("Ants", 3), ("Cats", 1)):
        ListFactory(name=name, members=size)
    for sort, names in {
        "name": "Ants Bees Cats",
        "-name": "Cats Bees Ants",
        "-size": "Ants Bees Cats",
        "size": "Cats Bees Ants",
        "-changed": "Cats Ants Bees",
        "": "Cats Ants Bees",
        "rubbish": "Cats Ants Bees",
    }.items():
        with django_assert_max_num_queries(10):
            response = as_viewer.get(reverse("contacts:lists") + f"?sort={sort}")
        assert " ".join(list.name for list in response.context["page"]) == names, sort
    with django_assert_max_num_queries(20):
        as_viewer.get(List.objects.latest("pk").get_absolute_url() + "?number=with&do_not_contact=no")


def test_what_a_version_changed_is_shown(as_viewer, supervisor):
    autumn = make_list("Autumn", "Anna", "Bo")
    remove_from_list(list=autumn, contacts=Contact.objects.filter(first_name="Anna"), actor=supervisor)
    url = reverse("contacts:list_version", args=[autumn.pk, 1])
    assert [row.contact.first_name for row in as_viewer.get(url).context["rows"]] == ["Bo", "Anna"]
    response = as_viewer.get(reverse("contacts:list_version", args=[autumn.pk, 2]))
    assert [row.contact.first_name for row in response.context["rows"]] == ["Anna"]
    assert "1 contact then · Removed by hand" in said(response)
    assert f"by {supervisor}" in said(response)
    assert "+2 2" in said(as_viewer.get(reverse("contacts:list_versions", args=[autumn.pk])))
    assert as_viewer.get(reverse("contacts:list_version", args=[autumn.pk, 3])).status_code == 404


def test_readers_are_offered_nothing_that_changes(as_viewer):
    autumn = make_list("Autumn", "Anna")
    main = as_viewer.get(autumn.get_absolute_url()).content.decode()
    main = main[main.index("<main") : main.index("</main>")]
    assert "checkbox" not in main
    assert "/remove/" not in main
    assert "/export/" in main


# --- Export ----------------------------------------------------------------------------------------------


def exported(client, list: List, query: str = "") -> list[dict[str, str]]:
    response = client.get(reverse("contacts:list_export", args=[list.pk]) + query)
    return [*csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig")))]


def test_what_is_shown_is_exported_with_a_column_for_each_field(as_viewer):
    DoNotContactFactory(phone_number="+14155550101")
    anna = ContactFactory(
        first_name="Anna",
        last_name="=1+1",
        phone_number="+14155550101",
        fields={"plan": "pro", "size": "+1+1"},
    )
    bo = ContactFactory(first_name="Bo", last_name="Ek", email="bo@example.com", time_zone="America/Denver")
    autumn = ListFactory(name="Autumn / “Ü”", members=[anna, bo])
    ContactFactory(fields={"other": "x"})
    second, first = exported(as_viewer, autumn)
    assert first == {
        "Phone number": "+14155550101",
        "First name": "Anna",
        "Last name": "'=1+1",
        "Email": "",
        "Company": "",
        "Time zone": "",
        "plan": "pro",
        "size": "'+1+1",
        "Do not contact": "yes",
    }
    assert (second["Time zone"], second["plan"], second["Do not contact"]) == ("America/Denver", "", "no")
    assert [row["First name"] for row in exported(as_viewer, autumn, "?do_not_contact=yes")] == ["Anna"]
    headers = as_viewer.head(reverse("contacts:list_export", args=[autumn.pk])).headers
    assert "filename*=utf-8''Autumn%20_%20%E2%80%9C%C3%9C%E2%80%9D-" in headers["Content-Disposition"]


NASTY = [
    "=cmd|' /C calc'!A0",
    "-2+3",
    "a,b;c",
    'say "hi"',
    "O’Neil",
    "عمر",
    "👩‍🚀 Zoë",
    "x\\y",
    "100%",
    "{{ name }}",
    "<b>",
]


def test_an_export_imports_again_and_changes_nothing(as_viewer, import_text):
    DoNotContactFactory(phone_number="+14155550101")
    members = [
        ContactFactory(
            phone_number=f"+141555501{n:02}",
            first_name=nasty,
            last_name=NASTY[-n],
            company=nasty,
            email=f"someone{n}@example.com" if n % 2 else None,
            time_zone="America/Denver" if n % 3 else "",
            zone_set=zone_set("America/Denver") if n % 3 else zone_set("America/Los_Angeles"),
            fields={"plan_ends_on": "2027-01-15", "notes": nasty, "second_email": f"other{n}@example.com"}
            if n
            else {},
        )
        for n, nasty in enumerate(NASTY)
    ]
    autumn = ListFactory(name="Autumn", members=members)
    before = list(Contact.objects.order_by("pk").values())
    response = as_viewer.get(reverse("contacts:list_export", args=[autumn.pk]))
    done = import_text(b"".join(response.streaming_content), list_name="Autumn")
    assert (done.rows, done.unchanged, done.invalid) == (len(NASTY), len(NASTY), 0)
    assert list(Contact.objects.order_by("pk").values()) == before
    autumn.refresh_from_db()
    assert autumn.version == 1


@pytest.mark.parametrize("query", ["?zone=Mars/Crater", "?q=%3F%3F", "?q=nobody"])
def test_nobody_is_exported_as_a_heading_and_copied_never(as_supervisor, query):
    autumn = make_list("Autumn", "Anna")
    assert exported(as_supervisor, autumn, query) == []
    assert "has nobody to copy" in said(as_supervisor.post(operation(autumn, "copy", query), {"name": "X"}))


def test_an_export_that_nobody_waits_for_leaves_the_connection_as_it_was(as_viewer):
    autumn = ListFactory(members=3)
    content = contacts_as_csv(contacts_of(autumn))
    next(content)
    content.close()
    assert Contact.objects.count() == 3
    assert b"".join(contacts_as_csv(contacts_of(autumn))).count(b"\r\n") == 1


def test_more_fields_than_a_table_has_columns_are_refused(as_viewer):
    many = {f"field_{n}": "x" for n in range(1501)}
    autumn = ListFactory(members=[ContactFactory(fields=many)])
    response = as_viewer.get(reverse("contacts:list_export", args=[autumn.pk]), follow=True)
    assert "1,501 custom fields between them" in said(response)


# --- Admin -----------------------------------------------------------------------------------------------


def test_the_admin_renames_a_list_and_leaves_its_versions_alone(as_admin):
    autumn = make_list("Autumn", "Anna")
    url = reverse("admin:contacts_list_change", args=[autumn.pk])
    versions = {"versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0}
    assert as_admin.post(url, {"name": "Fall", "description": "leaves", **versions}).status_code == 302
    autumn.refresh_from_db()
    assert (autumn.name, autumn.description) == ("Fall", "leaves")
    assert people(autumn) == {"Anna"}


def test_the_admin_deletes_lists_without_reading_their_members(as_admin, django_assert_max_num_queries):
    free, used = ListFactory(name="Free", members=30), ListFactory(name="Used", members=30)
    ChannelFactory(lists=[used], campaign__name="Renewals")
    with django_assert_max_num_queries(15):
        page = said(as_admin.get(reverse("admin:contacts_list_delete", args=[used.pk])))
    assert "Used is used by Renewals" in page
    as_admin.post(reverse("admin:contacts_list_delete", args=[used.pk]), {"post": "yes"})
    as_admin.post(reverse("admin:contacts_list_delete", args=[free.pk]), {"post": "yes"})
    assert list(List.objects.values_list("name", flat=True)) == ["Used"]
    assert Contact.objects.count() == 60


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("use", ["assign", "exclude", "add"])
@pytest.mark.parametrize("deletes_first", [True, False])
def test_a_list_that_is_taken_up_while_it_is_deleted_is_one_of_both(use, deletes_first):
    list_, contact, channel = ListFactory(members=1), ContactFactory(), ChannelFactory()
    deeds = {
        "assign": lambda: assign_list(channel=channel, list=list_, actor=None),
        "exclude": lambda: add_exclusion(campaign=channel.campaign, list=list_, actor=None),
        "add": lambda: add_to_list(list=list_, contacts=Contact.objects.filter(pk=contact.pk), actor=None),
    }

    def delete() -> None:
        delete_list(list=List.objects.get(), actor=None)

    first, second = (delete, deeds[use]) if deletes_first else (deeds[use], delete)
    with transaction.atomic():
        first()
        other = Other(second)
        assert other.is_waiting()
    refused = str(other.done().refusal)
    if deletes_first:
        assert "was deleted meanwhile" in refused
        assert not List.objects.exists()
    elif use == "add":
        assert not List.objects.exists()
    else:
        assert "is used by" in refused
        assert list_.size == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("use", ["channel", "left alone", "file", "typed", "renamed"])
def test_what_is_about_to_use_a_list_that_is_deleted_meanwhile_is_refused_in_words(use, supervisor):
    list_ = ListFactory(name="Autumn", members=1)
    like, elsewhere = ChannelFactory(), ChannelFactory()
    upload = {"file": io.BytesIO(b"Phone\n+12015550123\n"), "file_name": "people.csv", "country": "US"}
    made_from = {"contacts": Contact.objects.all(), "what": "all", "in_full": "all", "source": "Autumn"}
    deeds = {
        "channel": lambda: add_channel(
            campaign=elsewhere.campaign, actor=None, name="Second", like=like, with_lists=True
        ),
        "left alone": lambda: make_channel_from(
            **made_from,
            source_campaign=like.campaign,
            new_campaign="Winter",
            name="Voice",
            page="page",
            actor=supervisor,
        ),
        "file": lambda: upload_import(**upload, list=list_, actor=None),
        "typed": lambda: upload_import(**upload, list_name="Autumn", actor=None),
        "renamed": lambda: rename_list(list=list_, name="Fall", description="", actor=None),
    }
    if use == "channel":
        assign_list(channel=like, list=list_, actor=None)
    if use == "left alone":
        add_exclusion(campaign=like.campaign, list=list_, actor=None)
    with transaction.atomic():
        if use == "channel":
            unassign_list(channel=like, list=list_, actor=None)
        if use == "left alone":
            remove_exclusion(campaign=like.campaign, list=list_, actor=None)
        delete_list(list=List.objects.get(name="Autumn"), actor=None)
        other = Other(deeds[use])
        assert other.is_waiting()
    assert str(other.done().refusal) == "“Autumn” was deleted meanwhile."
    assert not Import.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_import_into_a_list_that_is_deleted_meanwhile_makes_it_again():
    zones = zone_set().pk
    ListFactory(name="Autumn", members=1)

    def merge() -> Merged:
        with transaction.atomic(), Staging() as staging:
            staging.add([StagedContact(1, "+12015550123", zones)])
            return staging.merge(list_name="Autumn", list_id=None, note="people.csv", actor=None)

    with transaction.atomic():
        delete_list(list=List.objects.get(), actor=None)
        merging = Other(merge)
        assert merging.is_waiting()
    assert merging.done().result.list == List.objects.get(name="Autumn", size=1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["page", "chosen"])
def test_the_admin_says_that_a_list_was_taken_up_between_the_page_and_the_press(how, as_admin, monkeypatch):
    list_, channel = ListFactory(name="Autumn"), ChannelFactory(campaign__name="Renewals")
    asked = ListAdmin.get_deleted_objects

    def taken_up_then(self, objs, request):
        free = asked(self, objs, request)
        assign_list(channel=channel, list=list_, actor=None)
        return free

    monkeypatch.setattr(ListAdmin, "get_deleted_objects", taken_up_then)
    if how == "page":
        url, data = reverse("admin:contacts_list_delete", args=[list_.pk]), {"post": "yes"}
    else:
        url = reverse("admin:contacts_list_changelist")
        data = {"post": "yes", "action": "delete_selected", "_selected_action": [list_.pk]}

    page = said(as_admin.post(url, data, follow=True))

    assert "“Autumn” is used by “Renewals”. Take it off there first." in page
    assert "uccessfully" not in page
    assert List.objects.filter(pk=list_.pk).exists()
    assert not LogEntry.objects.exists()
