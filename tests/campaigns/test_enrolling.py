"""Contacts of lists become enrollments: who, in which order, once; and the keys that the database keeps."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from campaigns import planning, services
from campaigns.models import Activity, Channel, ChannelList, Enrollment
from campaigns.refusals import Refused
from campaigns.services.enrolling import enroll_lists
from contacts.models import Contact, List, Membership, ZoneSet
from contacts.services import add_to_list, delete_contacts, remove_from_list
from tests.at_once import Other
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory, ListFactory, zone_set

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, params=["few", "many"])
def planned_for(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test both as the planner likes it, and as for a million."""
    if request.param == "many":
        monkeypatch.setattr(planning, "MANY", 0)


def started(*lists: List) -> Channel:
    channel = ChannelFactory(lists=lists)
    return services.start_channel(channel=channel, actor=None)


def enrolled(channel: Channel) -> list[Contact]:
    rows = Enrollment.objects.filter(channel=channel, run=channel.run).select_related("contact")
    return [row.contact for row in rows.order_by("id")]


def test_everybody_is_enrolled_once_in_the_order_of_the_lists():
    anna, bo, cy, di = ContactFactory.create_batch(4)
    first, second = ListFactory(members=[cy, anna]), ListFactory(members=[di, anna, bo, cy])
    assert enrolled(started(first, second)) == [cy, anna, di, bo]


def test_only_the_pinned_version_is_enrolled():
    stayed, left = ContactFactory.create_batch(2)
    one = ListFactory(members=[stayed, left])
    Membership.objects.filter(list=one, contact=left).update(removed_in=2)
    came = ContactFactory()
    Membership.objects.create(list=one, contact=came, added_in=2)
    List.objects.filter(pk=one.pk).update(version=2)
    assert enrolled(started(one)) == [stayed, came]


def test_who_came_back_into_a_list_is_enrolled_once():
    back = ContactFactory()
    one = ListFactory(members=[back])
    Membership.objects.filter(list=one).update(removed_in=2)
    Membership.objects.create(list=one, contact=back, added_in=3)
    List.objects.filter(pk=one.pk).update(version=3, size=1)
    assert enrolled(started(one)) == [back]


def test_who_has_no_number_is_skipped_with_the_reason():
    channel = started(
        ListFactory(members=[ContactFactory(), ContactFactory(phone_number=None, email="bo@example.com")])
    )
    rows = Enrollment.objects.filter(channel=channel).order_by("id").values_list("status", "reason")
    assert list(rows) == [("pending", ""), ("skipped", "Has no phone number")]


def test_a_list_added_later_enrolls_only_who_is_new():
    anna, bo, cy = ContactFactory.create_batch(3)
    channel = started(ListFactory(members=[anna, bo]))
    services.pause_channel(channel=channel, actor=None)
    services.assign_list(channel=channel, list=ListFactory(members=[bo, cy]), actor=None)
    assert enrolled(channel) == [anna, bo, cy]


def test_other_channels_and_earlier_runs_do_not_stand_in_the_way():
    anna = ContactFactory()
    one = ListFactory(members=[anna])
    earlier = started(one)
    assert enrolled(started(one)) == [anna]
    Enrollment.objects.filter(channel=earlier).update(status="skipped")
    services.complete_channel(channel=earlier)
    again = services.rerun_channel(channel=earlier, actor=None)
    assert (again.run, enrolled(again)) == (2, [anna])


def test_settings_of_the_planner_end_with_the_enrolling():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('enable_nestloop', 'work_mem', 'jit')"
        )
        before = cursor.fetchall()
        started(ListFactory(members=2))
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('enable_nestloop', 'work_mem', 'jit')"
        )
        assert cursor.fetchall() == before


# --- Keys ------------------------------------------------------------------------------------------------


def insert(**keys: int) -> None:
    contact, channel = ContactFactory(), ChannelFactory(running=True)
    values = {"channel": channel.pk, "contact": contact.pk, "zone_set": contact.zone_set_id, **keys}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO campaigns_enrollment"
            " (channel_id, contact_id, zone_set_id, run, status, attempts, due_at, reason, updated_at)"
            " VALUES (%(channel)s, %(contact)s, %(zone_set)s, 1, 'pending', 0, now(), '', now())",
            values,
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("key", ["channel", "zone_set", "contact"])
def test_the_database_refuses_an_enrollment_whose_key_leads_nowhere(key):
    insert()
    with pytest.raises(IntegrityError):
        insert(**{key: 32_000})


@pytest.mark.parametrize("key", ["channel_id", "zone_set_id"])
def test_the_database_refuses_a_key_changed_to_nowhere(key):
    row = EnrollmentFactory()
    Enrollment.objects.filter(pk=row.pk).update(zone_set=zone_set("Asia/Tokyo"))
    with pytest.raises(IntegrityError):
        Enrollment.objects.filter(pk=row.pk).update(**{key: 32_000})


def delete_by_hand(channel_id: int) -> None:
    """The channel and what else refers to it, without Django, and without a look at its enrollments."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in ("schedule", "voicesettings", "channeldrive", "enrollmentcount", "channellist"):
            cursor.execute(f"DELETE FROM campaigns_{table} WHERE channel_id = %s", [channel_id])
        cursor.execute("DELETE FROM campaigns_channel WHERE id = %s", [channel_id])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_keeps_a_channel_that_has_enrollments():
    row = EnrollmentFactory(channel=ChannelFactory(running=True))
    with pytest.raises(IntegrityError, match="still has enrollments"):
        delete_by_hand(row.channel_id)
    row.delete()
    delete_by_hand(row.channel_id)
    assert not Channel.objects.filter(pk=row.channel_id).exists()


def test_channels_are_not_truncated_from_under_their_enrollments():
    EnrollmentFactory()
    with pytest.raises(IntegrityError, match="still have enrollments"), transaction.atomic():
        truncate("campaigns_channel")
    assert Enrollment.objects.count() == Channel.objects.count() == 1
    truncate("campaigns_channel, campaigns_enrollment")
    assert not Enrollment.objects.exists()
    assert not Channel.objects.exists()


def truncate(tables: str) -> None:
    with connection.cursor() as cursor:
        # What was inserted a moment ago is looked at first.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"TRUNCATE {tables} CASCADE")


def test_the_database_keeps_zone_sets():
    unused = zone_set("Asia/Tokyo")
    with pytest.raises(IntegrityError, match="Zone sets are kept"):
        ZoneSet.objects.filter(pk=unused.pk).delete()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("enrolls_first", [True, False])
def test_a_channel_is_not_deleted_while_somebody_is_enrolled_in_it(enrolls_first):
    """By hand, without any of our locks: one of the two is refused, and nobody is left without a channel."""
    channel, contact = ChannelFactory(running=True), ContactFactory()
    reached, go_on = threading.Event(), threading.Event()
    refused: list[str] = []

    def do(name: str, work: Any, is_first: bool) -> None:
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

    def enroll() -> None:
        Enrollment.objects.create(
            channel=channel, contact=contact, zone_set_id=contact.zone_set_id, run=1, due_at=timezone.now()
        )

    threads = [
        threading.Thread(target=do, args=("enroll", enroll, enrolls_first)),
        threading.Thread(target=do, args=("delete", lambda: delete_by_hand(channel.pk), not enrolls_first)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert refused == (["delete"] if enrolls_first else ["enroll"])
    assert Enrollment.objects.count() == int(enrolls_first)
    assert Channel.objects.filter(pk=channel.pk).exists() is enrolls_first


# --- A newer version of a list ------------------------------------------------------------------------


@pytest.fixture
def newer(db, supervisor):
    """A paused channel whose list has lost one and gained two contacts since."""
    stays, leaves, called = ContactFactory.create_batch(3)
    a_list = ListFactory(members=[stays, leaves, called])
    channel = ChannelFactory(paused=True, lists=[a_list])
    enroll_lists(channel=channel, now=timezone.now())
    Enrollment.objects.filter(contact=called).update(status="calling")
    Enrollment.objects.filter(contact=called).update(status="no_answer", attempts=1)
    remove_from_list(list=a_list, contacts=Contact.objects.filter(pk__in=[leaves.pk, called.pk]), actor=None)
    add_to_list(
        list=a_list,
        contacts=Contact.objects.filter(pk__in=[one.pk for one in ContactFactory.create_batch(2)]),
        actor=None,
    )
    a_list.refresh_from_db()
    return channel, a_list


def test_a_newer_version_brings_who_was_added_and_loses_who_was_removed_and_waits(newer, supervisor):
    channel, a_list = newer
    came, left = services.take_newest_version(channel=channel, list=a_list, actor=supervisor)

    assert (came, left) == (2, 1)
    statuses = Counter(Enrollment.objects.filter(channel=channel).values_list("status", flat=True))
    assert statuses == {"pending": 3, "no_answer": 1}
    assert channel.channel_lists.get().version == a_list.version
    told = Activity.objects.get(verb="take_newest").text
    assert told.endswith("2 more contacts, 1 fewer")
    with pytest.raises(Refused, match="has the newest version"):
        services.take_newest_version(channel=channel, list=a_list, actor=supervisor)


def test_who_another_list_brought_stays_when_a_newer_version_lost_them(newer, supervisor):
    channel, a_list = newer
    gone = Contact.objects.filter(enrollments__channel=channel).exclude(
        memberships__list=a_list, memberships__removed_in=None
    )
    other = ListFactory(members=list(gone))
    ChannelList.objects.create(channel=channel, list=other, version=other.version)

    assert services.take_newest_version(channel=channel, list=a_list, actor=supervisor) == (2, 0)


def test_a_running_channel_takes_no_newer_version(newer, supervisor):
    channel, a_list = newer
    Channel.objects.filter(pk=channel.pk).update(status="running", pause_reason="")
    with pytest.raises(Refused, match="Voice is running; pause it"):
        services.take_newest_version(channel=channel, list=a_list, actor=supervisor)


# --- Contacts that are deleted meanwhile ---------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_who_is_deleted_while_a_channel_starts_is_left_out_and_the_others_are_called():
    people = ContactFactory.create_batch(4)
    channel = ChannelFactory(lists=[ListFactory(members=people)])
    gone = Contact.objects.filter(pk__in=[people[1].pk, people[2].pk])
    with transaction.atomic():
        delete_contacts(contacts=gone, actor=None)
        # Sees the contacts still, and waits for whoever deletes them.
        start = Other(lambda: services.start_channel(channel=channel, actor=None))
        assert start.is_waiting()
    start.done()
    assert start.refusal is None
    channel.refresh_from_db()
    assert channel.status == "running"
    assert enrolled(channel) == [people[0], people[3]]
    assert Activity.objects.get(verb="start").text == f"started {channel.name} with 2 contacts"


@pytest.mark.django_db(transaction=True)
def test_who_was_enrolled_first_is_not_deleted():
    people = ContactFactory.create_batch(3)
    channel = ChannelFactory(lists=[ListFactory(members=people)])
    with transaction.atomic():
        services.start_channel(channel=channel, actor=None)
        delete = Other(lambda: delete_contacts(contacts=Contact.objects.all(), actor=None))
        assert delete.is_waiting()
    assert "None of them can be deleted" in str(delete.done().refusal)
    assert enrolled(Channel.objects.get()) == people


@pytest.mark.django_db(transaction=True)
def test_a_start_and_a_deletion_that_wait_for_each_other_both_come_to_an_end():
    """The one goes by the order of the list, the other by that of the contacts."""
    first, last = ContactFactory.create_batch(2)
    backwards = ListFactory(members=[last, first])
    channel = ChannelFactory(lists=[backwards])
    with transaction.atomic():
        hold_alone(first)
        start = Other(lambda: services.start_channel(channel=channel, actor=None))
        assert start.is_waiting()
        hold_alone(last)
    start.done()
    assert start.refusal is None
    assert enrolled(Channel.objects.get()) == [last, first]


def hold_alone(contact: Contact) -> None:
    """As who deletes a contact holds it."""
    Contact.objects.select_for_update().get(pk=contact.pk)
