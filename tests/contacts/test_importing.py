"""Imports: sums that add up, nothing twice, nothing half done."""

from __future__ import annotations

import csv
import io
from itertools import product
from pathlib import Path

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.importing import running, saving
from contacts.importing.running import is_running_somewhere, run_import
from contacts.lifecycles import IMPORT
from contacts.models import Contact, CustomField, Import, ImportStatus, List, ListVersion, Membership
from contacts.services import Refused, map_import, retry_import, upload_import
from tests.contacts.conftest import mapped, sums, uploaded
from tests.factories import ContactFactory, ListFactory, zone_set
from tests.factories.contact_files import contact_file

HEAD = "Name,Phone,Email,Plan\n"


def test_each_row_is_counted_once(import_text):
    ContactFactory(phone_number="+14155550101", first_name="Anna", last_name="Svensson")
    ContactFactory(phone_number="+14155550102", first_name="Bo", last_name="Ek", fields={"plan": "Basic"})
    done = import_text(
        HEAD + "Anna Svensson,415 555 0101,,\n"  # unchanged
        "Bo Ek,415 555 0102,,Family\n"  # updated
        "Cy Young,415 555 0103,,\n"  # created
        "Cy Old,+1 415-555-0103,,\n"  # a duplicate of the row before
        "Di Ott,911,,\n"  # invalid
        ",,,\n"  # not a row
    )
    assert done.status == ImportStatus.COMPLETED
    assert sums(done) == {
        "rows": 5,
        "created": 1,
        "updated": 1,
        "unchanged": 1,
        "duplicates": 1,
        "invalid": 1,
    }
    assert Contact.objects.get(phone_number="+14155550103").name == "Cy Young"
    assert Contact.objects.get(phone_number="+14155550102").fields == {"plan": "Family"}


def test_a_realistic_file_comes_out_as_foretold(import_text):
    file = contact_file(1000, seed=7)
    done = import_text(file.text)
    assert sums(done) == {
        "rows": 1000,
        "created": file.valid,
        "duplicates": file.duplicates,
        "invalid": file.invalid,
    }
    assert tuple(Contact.objects.order_by("id").values_list("phone_number", flat=True)) == file.numbers
    assert done.list.size == file.valid
    assert done.rejected_rows.count() == file.invalid


def test_the_sample_of_the_docs_imports(import_text):
    sample = Path(__file__).parents[2] / "docs/examples/contacts.csv"
    assert sums(import_text(sample.read_bytes())) == {
        "rows": 39,
        "created": 37,
        "duplicates": 1,
        "invalid": 1,
    }


def test_the_same_number_in_six_notations_is_one_contact(import_text):
    written = ["+14155550142", "(415) 555-0142", "415.555.0142", "1 415 555 0142", "tel:+1-415-555-0142"]
    done = import_text("Phone\n" + "\n".join([*written, "14155550142.0"]) + "\n")
    assert sums(done) == {"rows": 6, "created": 1, "duplicates": 5}


def test_importing_a_file_again_changes_nothing(import_text):
    text = contact_file(200, seed=3).text
    first = import_text(text)
    before = list(Contact.objects.order_by("id").values())
    again = import_text(text)
    assert again.created == again.updated == 0
    assert again.unchanged == first.created
    assert list(Contact.objects.order_by("id").values()) == before
    assert List.objects.get().version == 1
    assert ListVersion.objects.count() == 1


def test_a_file_fills_only_what_it_gives(import_text):
    known = ContactFactory(
        phone_number="+14155550101",
        first_name="Anna",
        last_name="Svensson",
        email="anna@example.com",
        company="Acme",
        fields={"plan": "Basic", "since": "2020"},
    )
    import_text("First name,Phone,Email,Plan,Company\nAnn,4155550101,,Family,\n")
    known.refresh_from_db()
    assert (known.first_name, known.last_name) == ("Ann", "Svensson")
    assert (known.email, known.company) == ("anna@example.com", "Acme")
    assert known.fields == {"plan": "Family", "since": "2020"}


def test_a_given_time_zone_wins_over_the_number(import_text):
    import_text("Phone,Time zone\n4155550101,America/New_York\n4155550102,\n3035550103,Pacific Time\n")
    zones = dict(Contact.objects.values_list("phone_number", "zone_set__zones"))
    assert zones == {
        "+14155550101": ["America/New_York"],
        "+14155550102": ["America/Los_Angeles"],
        "+13035550103": ["America/Los_Angeles"],
    }


def test_a_contact_keeps_its_given_zone_when_a_file_says_nothing(import_text):
    known = ContactFactory(
        phone_number="+14155550101", time_zone="America/New_York", zone_set=zone_set("America/New_York")
    )
    import_text("Phone,Name\n4155550101,Anna\n")
    known.refresh_from_db()
    assert known.time_zone == "America/New_York"
    assert known.zone_set.zones == ["America/New_York"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",Anna,,", "no phone number"),
        ("1.4155E+10,Anna,,", "rounded by a spreadsheet"),
        ("4155550101,Anna,anna@,", "not an email address"),
        ("4155550101," + "x" * 101 + ",,", "last name is longer than 100 characters"),
        ("4155550101,Anna,,,,surplus", "6 values for 5 columns"),
        ("4155550101,Anna,,Mars/Base", "no such time zone"),
        ("4155550101,Anna,,,x" + "y" * 2000, "longer than 2,000 characters"),
    ],
)
def test_invalid_rows_are_kept_with_their_reason(import_text, row, reason):
    if "last name" in reason:
        row = row.replace("4155550101,", "4155550101,A ")
    done = import_text("Phone,Name,Email,Time zone,Note\n4155550199,Bo,,,n\n" + row + "\n")
    (rejected,) = done.rejected_rows.all()
    assert rejected.line == 3
    assert reason in rejected.reason
    assert rejected.values[0] == row.split(",")[0]
    assert sums(done) == {"rows": 2, "created": 1, "invalid": 1}


def test_people_of_one_office_share_its_email(import_text):
    done = import_text("Phone,Email\n4155550101,Info@Acme.com\n4155550102,info@acme.com\n")
    assert sums(done) == {"rows": 2, "created": 2}
    assert set(Contact.objects.values_list("email", flat=True)) == {"info@acme.com"}


def test_a_list_grows_by_a_version_that_says_what_it_added(import_text):
    import_text("Phone\n4155550101\n4155550102\n")
    import_text("Phone\n4155550102\n4155550103\n")
    grown = List.objects.get(name="Autumn")
    assert (grown.version, grown.size) == (2, 3)
    versions = grown.versions.order_by("number").values_list("number", "added", "size", "note")
    assert list(versions) == [(1, 2, 2, "Import of people.csv"), (2, 1, 3, "Import of people.csv")]
    assert Membership.objects.of_version(1).count() == 2
    assert Membership.objects.of_version(2).count() == 3


def test_known_people_join_another_list_without_being_doubled(import_text):
    import_text("Phone\n4155550101\n", "One")
    done = import_text("Phone\n4155550101\n", "Two")
    assert sums(done) == {"rows": 1, "unchanged": 1}
    assert Contact.objects.get().memberships.count() == 2


def test_who_was_removed_from_a_list_comes_back_with_a_file(import_text):
    import_text("Phone\n4155550101\n")
    autumn = List.objects.get()
    Membership.objects.update(removed_in=2)
    List.objects.update(version=2, size=0)
    import_text("Phone\n4155550101\n")
    autumn.refresh_from_db()
    assert (autumn.version, autumn.size) == (3, 1)
    assert Membership.objects.of_version(3).count() == 1
    assert Membership.objects.of_version(2).count() == 0


def test_a_file_of_nothing_but_invalid_rows_makes_no_list(import_text):
    done = import_text("Phone,Name\n911,Anna\nn/a,Bo\n")
    assert done.status == ImportStatus.COMPLETED
    assert done.list is None
    assert not List.objects.exists()


def test_a_list_that_was_deleted_meanwhile_is_made_again(upload):
    autumn = ListFactory(name="Autumn")
    waiting = mapped(upload("Phone\n4155550101\n"))
    autumn.delete()
    run_import(waiting.pk)
    assert List.objects.get(name="Autumn").size == 1


def test_a_file_that_breaks_off_fails_with_its_reason_and_leaves_nothing(import_text):
    text = "Phone,Name\n" + "4155550101,Anna\n" * 3000 + '4155550102,"Bo\n'
    failed = import_text(text)
    assert failed.status == ImportStatus.FAILED
    assert "never closed" in failed.error
    assert not Contact.objects.exists()
    assert not List.objects.exists()


def test_a_file_that_is_gone_fails_with_its_reason(upload):
    waiting = mapped(upload("Phone\n4155550101\n"))
    waiting.file.delete(save=False)
    run_import(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.status == ImportStatus.FAILED
    assert "gone" in waiting.error


def test_an_import_delivered_twice_runs_once(upload):
    waiting = mapped(upload("Phone\n4155550101\n4155550102\n"))
    run_import(waiting.pk)
    run_import(waiting.pk)
    waiting.refresh_from_db()
    assert sums(waiting) == {"rows": 2, "created": 2}
    assert List.objects.get().version == 1


def test_an_import_that_was_never_mapped_does_not_run(upload):
    waiting = upload("Phone\n4155550101\n")
    run_import(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.status == ImportStatus.UPLOADED
    run_import(987654)


@pytest.mark.django_db(transaction=True)
def test_an_import_that_dies_anywhere_leaves_nothing_and_ends_the_same_when_run_again(monkeypatch):
    class Killed(BaseException):
        """As sudden as a signal: no handler of the import sees it."""

    text = contact_file(120, seed=5).text
    monkeypatch.setattr(running, "BATCH_ROWS", 50)
    steps = (
        (saving.Staging, "add"),
        (saving.StagedRejections, "add"),
        (saving.Staging, "merge"),
        (saving.StagedRejections, "keep"),
    )
    for round_, ((owner, step), before) in enumerate(product(steps, (True, False))):
        Contact.objects.all().delete()
        List.objects.all().delete()
        waiting = mapped(uploaded(text))
        with monkeypatch.context() as patch:
            real = getattr(owner, step)

            def dies(self, *args, real=real, before=before, **kwargs):
                if not before:
                    real(self, *args, **kwargs)
                raise Killed

            patch.setattr(owner, step, dies)
            with pytest.raises(Killed):
                run_import(waiting.pk)
        waiting.refresh_from_db()
        assert waiting.status == ImportStatus.RUNNING, (owner, step, before)
        assert not Contact.objects.exists()
        assert not List.objects.exists()
        assert not waiting.rejected_rows.exists()
        assert not is_running_somewhere(waiting.pk)
        if round_ % 2:
            # Delivered again by the queue …
            run_import(waiting.pk)
        else:
            # … or asked for by a person.
            retry_import(contact_import=waiting)
            run_import(waiting.pk)
        waiting.refresh_from_db()
        file = contact_file(120, seed=5)
        assert sums(waiting) == {
            "rows": 120,
            "created": file.valid,
            "duplicates": file.duplicates,
            "invalid": file.invalid,
        }
        assert waiting.rejected_rows.count() == file.invalid


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_run_one_import_together():
    waiting = mapped(uploaded("Phone\n4155550101\n"))
    options = connection.get_connection_params()
    options.pop("cursor_factory", None)
    options.pop("context", None)
    with psycopg.connect(**options) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [running._IMPORT_LOCK, waiting.pk])
        run_import(waiting.pk)
        waiting.refresh_from_db()
        assert waiting.status == ImportStatus.MAPPED
        assert is_running_somewhere(waiting.pk)
        # Now, and not when the server has noticed that the connection is gone.
        other.execute("SELECT pg_advisory_unlock_all()")
    run_import(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.status == ImportStatus.COMPLETED


@pytest.mark.django_db(transaction=True)
def test_an_import_at_work_is_not_run_again():
    waiting = mapped(uploaded("Phone\n4155550101\n"))
    IMPORT.apply_to(waiting, "run")
    options = connection.get_connection_params()
    options.pop("cursor_factory", None)
    options.pop("context", None)
    with psycopg.connect(**options) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [running._IMPORT_LOCK, waiting.pk])
        with pytest.raises(Refused, match="at work"):
            retry_import(contact_import=waiting)


@pytest.fixture
def import_addresses(db):
    """``import_addresses(text)``: imported, an email address being enough."""

    def imported(text: str) -> Import:
        waiting = upload_import(
            file=io.BytesIO(text.encode()),
            file_name="people.csv",
            list_name="Autumn",
            country="US",
            email_is_enough=True,
            actor=None,
        )
        run_import(mapped(waiting).pk)
        waiting.refresh_from_db()
        assert waiting.status == ImportStatus.COMPLETED, waiting.error
        return waiting

    return imported


ADDRESSES = "Phone,Email,First name\n"


def test_who_has_no_number_is_known_by_the_address(import_addresses):
    text = ADDRESSES + (
        ",anna@a.com,Anna\n"
        ",ANNA@a.com,Annie\n"  # the same address again
        "415 555 0101,bo@a.com,Bo\n"
        "n/a,,Nobody\n"  # neither number nor address
    )
    assert sums(import_addresses(text)) == {"rows": 4, "created": 2, "duplicates": 1, "invalid": 1}
    assert list(Membership.objects.order_by("id").values_list("contact__first_name", flat=True)) == [
        "Anna",
        "Bo",
    ]
    again = import_addresses(text)
    assert sums(again) == {"rows": 4, "unchanged": 2, "duplicates": 1, "invalid": 1}
    assert again.list.version == 1
    changed = import_addresses(ADDRESSES + ",anna@a.com,Ann\n")
    assert sums(changed) == {"rows": 1, "updated": 1}
    assert Contact.objects.get(email="anna@a.com").first_name == "Ann"


def test_an_address_that_one_person_with_a_number_has_is_that_person(import_addresses):
    ContactFactory(phone_number="+14155550101", email="anna@a.com", first_name="Anna")
    done = import_addresses(ADDRESSES + ",anna@a.com,Ann\n")
    assert sums(done) == {"rows": 1, "updated": 1}
    anna = Contact.objects.get()
    assert (anna.phone_number, anna.first_name) == ("+14155550101", "Ann")
    assert done.list.size == 1


def test_an_address_that_several_people_with_numbers_share_is_nobody_of_them(import_addresses):
    ContactFactory.create_batch(2, email="info@a.com", first_name="Known")
    done = import_addresses(ADDRESSES + ",info@a.com,Front desk\n")
    assert sums(done) == {"rows": 1, "created": 1}
    assert Contact.objects.get(phone_number=None).first_name == "Front desk"
    assert Contact.objects.filter(first_name="Known").count() == 2
    assert sums(import_addresses(ADDRESSES + ",info@a.com,Front desk\n")) == {"rows": 1, "unchanged": 1}


@pytest.mark.parametrize("rows", [("415 555 0101,anna@a.com,Anna\n", ",anna@a.com,Ann\n"), None])
def test_a_person_of_the_file_with_and_without_number_is_one(import_addresses, rows):
    rows = rows or (",anna@a.com,Ann\n", "415 555 0101,anna@a.com,Anna\n")
    text = ADDRESSES + "".join(rows)
    assert sums(import_addresses(text)) == {"rows": 2, "created": 1, "duplicates": 1}
    anna = Contact.objects.get()
    assert (anna.phone_number, anna.first_name) == ("+14155550101", "Anna")
    assert sums(import_addresses(text)) == {"rows": 2, "unchanged": 1, "duplicates": 1}


def test_who_was_known_by_the_address_is_given_a_number(import_addresses):
    before = import_addresses(ADDRESSES + ",anna@a.com,Anna\n,bo@a.com,Bo\n,bo@b.com,Bob\n").list
    Contact.objects.filter(email="bo@b.com").update(
        time_zone="Europe/Rome", zone_set=zone_set("Europe/Rome"), company="Blue"
    )
    text = ADDRESSES + "415 555 0101,anna@a.com,Anna\n,anna@a.com,\n212 555 0102,bo@b.com,Robert\n"
    assert sums(import_addresses(text)) == {"rows": 3, "updated": 2, "duplicates": 1}
    assert sums(import_addresses(text)) == {"rows": 3, "unchanged": 2, "duplicates": 1}
    assert sums(import_addresses(ADDRESSES + ",anna@a.com,Anna\n")) == {"rows": 1, "unchanged": 1}
    people = Contact.objects.order_by("first_name").select_related("zone_set")
    assert [(one.phone_number, one.first_name, one.company, one.zone_set.zones) for one in people] == [
        ("+14155550101", "Anna", "", ["America/Los_Angeles"]),
        (None, "Bo", "", []),
        ("+12125550102", "Robert", "Blue", ["Europe/Rome"]),
    ]
    before.refresh_from_db()
    assert (before.size, before.version) == (3, 1)


@pytest.mark.parametrize(
    "row",
    [
        # Somebody has that number.
        "415 555 0100,office@a.com,Anna\n",
        # Two are of that address.
        "415 555 0101,office@a.com,Anna\n415 555 0102,office@a.com,Bo\n",
        # Somebody with a number is of that address, too.
        "415 555 0101,shared@a.com,Anna\n",
    ],
)
def test_nobody_is_given_a_number_who_may_be_somebody_else(import_addresses, row):
    ContactFactory(phone_number="+14155550100", email="other@a.com")
    ContactFactory(phone_number="+14155550199", email="shared@a.com")
    ContactFactory(phone_number=None, email="shared@a.com")
    office = ContactFactory(phone_number=None, email="office@a.com", first_name="Office")
    import_addresses(ADDRESSES + row)
    office.refresh_from_db()
    assert (office.phone_number, office.first_name) == (None, "Office")
    assert Contact.objects.filter(phone_number=None).count() == 2


def test_an_import_makes_its_custom_fields_known(import_text):
    import_text("Phone,Plan ends on,Seats,Nothing\n4155550101,2027-03-01,12,\n4155550102,2027-04-01,7,\n")
    assert list(CustomField.objects.values_list("name", "label", "kind")) == [
        ("plan_ends_on", "Plan ends on", "date"),
        ("seats", "Seats", "number"),
    ]
    import_text("Phone,Seats\n4155550101,a dozen\n")
    assert CustomField.objects.get(name="seats").kind == CustomField.Kind.TEXT
    # What was text stays text: there are contacts with such values.
    import_text("Phone,Seats\n4155550101,12\n")
    assert CustomField.objects.get(name="seats").kind == CustomField.Kind.TEXT


def test_what_copy_would_take_for_its_own_signs_is_text(import_text):
    done = import_text('Phone,Name,Note\n4155550101,Back\\slash \\N,"C:\\temp ""x"""\n4155550102,Bo,\\.\n')
    assert sums(done) == {"rows": 2, "created": 2}
    first, second = Contact.objects.order_by("id")
    assert (first.first_name, first.last_name) == ("Back\\slash", "\\N")
    assert first.fields == {"note": 'C:\\temp "x"'}
    assert second.fields == {"note": "\\."}


def test_the_queue_is_told_once_the_columns_are_chosen(upload, run_tasks, django_capture_on_commit_callbacks):
    waiting = upload("Phone\n4155550101\n")
    with django_capture_on_commit_callbacks(execute=True):
        mapped(waiting)
    assert run_tasks() == 1
    waiting.refresh_from_db()
    assert waiting.status == ImportStatus.COMPLETED


def test_a_mapping_without_a_phone_number_is_refused(upload):
    waiting = upload("Phone,Name\n4155550101,Anna\n")
    with pytest.raises(Refused, match="phone number"):
        map_import(contact_import=waiting, mapping={1: "name"}, has_header=True)


def test_a_header_taken_back_becomes_a_row(upload):
    waiting = upload("Phone,Name\n4155550101,Anna\n")
    map_import(contact_import=waiting, mapping={0: "phone_number", 1: "name"}, has_header=False)
    run_import(waiting.pk)
    waiting.refresh_from_db()
    assert sums(waiting) == {"rows": 2, "created": 1, "invalid": 1}


@pytest.mark.parametrize(("source", "target"), list(product(ImportStatus.values, repeat=2)))
def test_the_database_allows_the_moves_of_the_lifecycle_and_no_others(source, target, db):
    made = Import.objects.create(status=source, list_name="Autumn", country="US", file_name="people.csv")
    moved = Import.objects.filter(pk=made.pk)
    if source == target or (source, target) in IMPORT.transitions():
        assert moved.update(status=target) == 1
    else:
        with pytest.raises(IntegrityError, match="no move"), transaction.atomic():
            moved.update(status=target)


PHONES = st.sampled_from([*(f"41555501{n:02d}" for n in range(12)), "911", ""])
FIRST_NAMES = st.sampled_from(["Anna", "Bo", ""])
ROWS = st.lists(st.tuples(PHONES, FIRST_NAMES, st.text(max_size=8)), min_size=1, max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=ROWS, second=ROWS)
@pytest.mark.django_db
def test_sums_add_up_and_repeating_changes_nothing(first, second, import_text):
    def as_text(found):
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["Phone", "First name", "Note"])
        writer.writerows(found)
        # A row without any content is no row; there must be one.
        writer.writerow(["4155550199", "Zoë", ""])
        return out.getvalue()

    with transaction.atomic():
        for text in map(as_text, (first, second, second)):
            done = import_text(text)
            assert done.status == ImportStatus.COMPLETED, done.error
            parts = done.created + done.updated + done.unchanged + done.duplicates + done.invalid
            assert done.rows == parts
        assert done.created == done.updated == 0
        autumn = List.objects.get()
        assert autumn.size == Membership.objects.current().count() == Contact.objects.count()
        transaction.set_rollback(True)
