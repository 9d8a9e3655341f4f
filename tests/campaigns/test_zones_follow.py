"""A contact's corrected time zone reaches its waiting enrollments, whatever path the correction takes."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.models import Enrollment
from contacts.importing.saving import StagedContact, Staging
from contacts.models import Contact
from contacts.services import edit_contact
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory, zone_set

pytestmark = pytest.mark.django_db
TOMORROW = timezone.now() + timedelta(days=1)
CLOSED = "Outside the contact’s hours"


def corrected(contact: Contact, time_zone: str) -> None:
    edit_contact(
        contact=contact,
        first_name="Anna",
        last_name="",
        email="",
        company="",
        time_zone=time_zone,
        fields={},
    )


def zones(enrollment: Enrollment) -> list[str]:
    enrollment.refresh_from_db()
    return list(enrollment.zone_set.zones)


@pytest.mark.parametrize("status", ["pending", "retry", "callback", "calling", "completed"])
def test_an_edited_time_zone_reaches_whoever_may_yet_be_called(status):
    enrollment = EnrollmentFactory(status=status, due_at=TOMORROW)
    corrected(enrollment.contact, "Asia/Tokyo")
    assert zones(enrollment) == ["Asia/Tokyo"]
    # When its turn comes was not a matter of hours.
    assert enrollment.due_at == TOMORROW


def test_who_was_put_off_for_the_old_zones_hours_is_judged_anew():
    enrollment = EnrollmentFactory(due_at=TOMORROW, reason=CLOSED)
    corrected(enrollment.contact, "Asia/Tokyo")
    enrollment.refresh_from_db()
    assert enrollment.due_at <= timezone.now()


def test_what_is_due_is_not_put_off_by_a_correction():
    before = timezone.now() - timedelta(hours=3)
    enrollment = EnrollmentFactory(due_at=before, reason=CLOSED)
    corrected(enrollment.contact, "Asia/Tokyo")
    enrollment.refresh_from_db()
    assert enrollment.due_at == before


def test_other_changes_and_other_contacts_and_past_runs_are_left_alone():
    channel = ChannelFactory(running=True, run=2)
    contact = ContactFactory()
    past = EnrollmentFactory(channel=channel, contact=contact, run=1, status="completed")
    other = EnrollmentFactory(channel=channel, due_at=TOMORROW, reason=CLOSED)
    now = EnrollmentFactory(channel=channel, contact=contact, due_at=TOMORROW, reason=CLOSED)
    Contact.objects.update(company="Ours")
    assert set(Enrollment.objects.filter(reason=CLOSED).values_list("due_at", flat=True)) == {TOMORROW}
    corrected(contact, "Asia/Tokyo")
    assert zones(past) == zones(other) == ["America/Los_Angeles"]
    assert zones(now) == ["Asia/Tokyo"]


def merge(contacts: list[Contact], zone: str) -> None:
    key = zone_set(zone).pk
    with Staging() as staging:
        staging.add(
            [
                StagedContact(
                    line=line, phone_number=contact.phone_number or "", zone_set_id=key, time_zone=zone
                )
                for line, contact in enumerate(contacts)
            ]
        )
        staging.merge(list_name="Corrections", list_id=None, note="", actor=None)


def test_an_import_corrects_them_all_at_once():
    channel = ChannelFactory(running=True)
    enrollments = [EnrollmentFactory(channel=channel, due_at=TOMORROW, reason=CLOSED) for _ in range(20)]
    left = EnrollmentFactory(channel=channel, due_at=TOMORROW, reason=CLOSED)
    merge([enrollment.contact for enrollment in enrollments], "Asia/Tokyo")
    found = Enrollment.objects.exclude(pk=left.pk)
    assert set(found.values_list("zone_set__zones", flat=True).distinct()[0]) == {"Asia/Tokyo"}
    assert not found.filter(due_at__gt=timezone.now()).exists()
    assert zones(left) == ["America/Los_Angeles"]
    assert left.due_at == TOMORROW


def test_a_large_import_after_a_small_correction_is_not_slow():
    """What was planned for one contact must not be done for each of many."""
    channel = ChannelFactory(running=True)
    home, other = zone_set("America/Los_Angeles"), zone_set("Asia/Tokyo")
    for _ in range(3):
        corrected(EnrollmentFactory(channel=channel).contact, "Asia/Tokyo")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_contact (phone_number, first_name, last_name, company, fields, time_zone,"
            " zone_set_id, created_at, updated_at)"
            " SELECT '+1650' || n, '', '', '', '{}', '', %s, now(), now()"
            " FROM generate_series(2000000, 2009999) AS n",
            [home.pk],
        )
        cursor.execute(
            "INSERT INTO campaigns_enrollment (channel_id, contact_id, zone_set_id, run, status, attempts,"
            " due_at, reason, updated_at)"
            " SELECT %s, id, zone_set_id, 1, 'pending', 0, now(), '', now() FROM contacts_contact"
            " WHERE phone_number LIKE '+16502%%'",
            [channel.pk],
        )
    begun = time.monotonic()
    changed = Contact.objects.filter(phone_number__startswith="+16502").update(zone_set=other)
    assert changed == 10_000
    assert time.monotonic() - begun < 5
    assert Enrollment.objects.filter(zone_set=other).count() == 10_003


def test_the_admin_corrects_them_too(as_admin: Any):
    enrollment = EnrollmentFactory(due_at=TOMORROW, reason=CLOSED)
    contact = enrollment.contact
    response = as_admin.post(
        f"/admin/contacts/contact/{contact.pk}/change/",
        {
            "phone_number": contact.phone_number,
            "email": "",
            "first_name": "",
            "last_name": "",
            "company": "",
            "fields": "{}",
            "time_zone": "Asia/Tokyo",
            "memberships-TOTAL_FORMS": "0",
            "memberships-INITIAL_FORMS": "0",
        },
    )
    assert response.status_code == 302, response.context["errors"]
    assert zones(enrollment) == ["Asia/Tokyo"]
