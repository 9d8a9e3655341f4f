"""Erasing a person: nothing of them is left anywhere, and nothing that was counted changes."""

from __future__ import annotations

import re
import shutil
import threading
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from campaigns.lifecycles import EnrollmentStatus
from campaigns.models import Activity, Channel, Disposition, Enrollment
from campaigns.queries import channel_counts
from campaigns.refusals import Refused
from contacts.importing.saving import StagedContact, Staging
from contacts.models import (
    Contact,
    ContactEvent,
    DoNotContact,
    DoNotContactRemoval,
    Import,
    List,
    RejectedRow,
    Tally,
)
from contacts.queries import everybody, search_contacts, tally
from contacts.services import add_numbers, add_to_do_not_contact, add_to_list, remove_from_do_not_contact
from dialer import assistants, progress, recordings, tasks
from dialer.carrier import Ended, Ending
from dialer.erasing import erase_contact, extent_of
from dialer.models import Call, CallCount, CallEvent, Recording, Transcript, UnwantedFile
from dialer.plivo.webhooks import RecordingReady
from dialer.services import set_disposition, set_notes
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory, ListFactory, zone_set
from tests.factories.dialer import CallFactory, RecordingFactory, TranscriptFactory

pytestmark = pytest.mark.django_db

NUMBER, EMAIL = "+14155550142", "xenia.quill@example.net"
DIGITS = "4155550142"


def everything_stored(apart_from: set[str] = frozenset()) -> list[tuple[str, str, str]]:
    """(table, column, value) of every text there is in the whole database."""
    kinds = ["text", "character varying", "character", "jsonb", "json", "ARRAY", "name", "bytea"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND data_type = ANY(%s)",
            [kinds],
        )
        found = []
        for table, column, kind in cursor.fetchall():
            if table in apart_from:
                continue
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(f'SELECT {text} FROM "{table}" WHERE "{column}" IS NOT NULL')
            found += [(table, column, value) for (value,) in cursor.fetchall()]
    return found


def traces(apart_from: set[str] = frozenset()) -> list[tuple[str, str, str]]:
    """Where the person still is: name, address, or number in any notation."""
    return [
        (table, column, value)
        for table, column, value in everything_stored(apart_from)
        if re.search("xenia|quill|example.net|globex", value, re.IGNORECASE)
        or DIGITS in re.sub(r"\D", "", value)
        or "5550142" in re.sub(r"\D", "", value)
    ]


def files() -> list[str]:
    root = django_settings.MEDIA_ROOT
    return [path.name for path in root.rglob("*") if path.is_file()] if root.exists() else []


@pytest.fixture
def person(supervisor) -> Contact:
    """Somebody with everything everywhere."""
    contact = ContactFactory(
        first_name="Xenia",
        last_name="Quill",
        company="Globex",
        email=EMAIL,
        phone_number=NUMBER,
        fields={"nickname": "Quilly"},
        time_zone="America/Denver",
    )
    other = ContactFactory()
    listed = ListFactory(members=[contact, other])
    ListFactory(members=[contact])
    channel = ChannelFactory(running=True, lists=[listed])
    enrollment = EnrollmentFactory(channel=channel, contact=contact)
    EnrollmentFactory(channel=channel, contact=other)
    done = EnrollmentFactory(
        channel=ChannelFactory(running=True), contact=contact, status=EnrollmentStatus.COMPLETED, attempts=1
    )
    call = CallFactory(enrollment=done, cost="0.02", carrier_id="c-1", summary="Xenia is at home.")
    set_disposition(call=call, disposition=Disposition.objects.get(slug="interested"), actor=supervisor)
    set_notes(call=call, notes="Call Xenia at 415 555 0142", actor=supervisor)
    CallEvent.objects.create(call=call, kind="ring", data={"To": NUMBER, "From": "+12125551000"})
    RecordingFactory(call=call, file=ContentFile(b"RIFF", name="1.wav"))
    TranscriptFactory(
        call=call, turns=[{"speaker": "contact", "text": "Quill here", "start_ms": 0, "end_ms": 1}]
    )
    # Of a campaign that is gone, before the person was a contact.
    CallFactory(contact=None, to_number=NUMBER, contact_name="X. Quill", outcome="no_answer")
    CallFactory(enrollment=enrollment, outcome="busy")
    ContactEvent.objects.create(contact=contact, text="changed the email from xq@example.net")
    add_to_do_not_contact(phone_number=NUMBER, scope="voice", reason="Xenia asked", actor=supervisor)
    add_to_do_not_contact(email=EMAIL, reason="Xenia asked", actor=supervisor)
    add_to_do_not_contact(phone_number=NUMBER, scope="text", actor=supervisor)
    remove_from_do_not_contact(
        entries=DoNotContact.objects.filter(scope="text"), reason="Xenia changed her mind", actor=supervisor
    )
    done_import = Import.objects.create(file_name="people.csv", list_name="Autumn", country="US")
    for line, cells in enumerate(
        (
            ["Xenia Quill", "(415) 555-0142", "Mars/Base"],
            ["X", "1", EMAIL.upper()],
            ["Bo", "415 555 0199", ""],
        )
    ):
        RejectedRow.objects.create(
            contact_import=done_import, line=line, reason=f"“{cells[1]}”: no", values=cells
        )
    LogEntry.objects.create(
        user=supervisor,
        content_type=ContentType.objects.get_for_model(Contact),
        object_id=str(contact.pk),
        object_repr=str(contact),
        action_flag=CHANGE,
        change_message="[]",
    )
    return contact


def figures() -> dict:
    return {
        "enrollments": Enrollment.objects.count(),
        "by channel": {
            channel: counts.total for channel, counts in channel_counts(Channel.objects.all()).items()
        },
        "calls": Call.objects.count(),
        "outcomes": sorted(Call.objects.values_list("outcome", "duration_seconds", "cost", "disposition")),
        "counted": list(
            CallCount.objects.values_list("campaign", "outcome")
            .annotate(Sum("calls"), Sum("seconds"), Sum("cost"))
            .order_by("campaign", "outcome")
        ),
        "events": CallEvent.objects.count(),
        "rejected": RejectedRow.objects.count(),
    }


@pytest.fixture
def erase(supervisor, django_capture_on_commit_callbacks):
    def erase(contact, keep=True):
        with django_capture_on_commit_callbacks(execute=True):
            erase_contact(contact=contact, actor=supervisor, keep_do_not_contact=keep)

    return erase


def test_the_search_for_traces_finds_the_person_before(person):
    assert len({(table, column) for table, column, _ in traces()}) >= 15
    assert files() == ["1.wav"]


def test_nothing_of_an_erased_person_is_left_anywhere(person, erase):
    erase(person, keep=False)
    assert traces() == []
    assert files() == []
    assert not DoNotContact.objects.exists()
    assert not DoNotContactRemoval.objects.exists()
    assert not Recording.objects.exists()
    assert not Transcript.objects.exists()


def test_do_not_contact_is_kept_with_nothing_but_number_and_address(person, erase):
    erase(person)
    assert traces(apart_from={"contacts_donotcontact"}) == []
    kept = set(DoNotContact.objects.values_list("phone_number", "email", "scope", "reason"))
    assert kept == {
        (NUMBER, None, "voice", "Erased person"),
        (NUMBER, None, "all", "Erased person"),
        (None, EMAIL, "all", "Erased person"),
    }


def test_counts_stay_as_they_were(person, erase):
    before = figures()
    erase(person)
    after = figures()
    assert after == before
    waiting = Enrollment.objects.get(contact=person, channel__channel_lists__isnull=False)
    assert (waiting.status, waiting.reason) == (EnrollmentStatus.SKIPPED, "Erased")


def test_lists_say_that_one_contact_left(person, erase):
    erase(person)
    for one in List.objects.all():
        assert one.version == 2
        assert one.size == one.memberships.current().count()
        version = one.versions.get(number=2)
        assert (version.added, version.removed, version.size) == (0, 1, one.size)
        assert one.memberships.of_version(1).count() == one.size + 1


def test_an_erased_person_is_found_and_counted_nowhere(person, erase):
    assert tally(Tally.Of.CONTACTS) == 2
    erase(person)
    assert tally(Tally.Of.CONTACTS) == everybody().count() == 1
    for asked in ("xenia", "quill", "415 555 0142", "erased", "a"):
        assert person not in search_contacts(Contact.objects.all(), asked, "US")
    assert str(Contact.objects.get(pk=person.pk)) == "Erased person"


def test_it_is_written_down_who_erased_and_when(person, erase, supervisor):
    erase(person)
    told = Activity.objects.get(verb="erased")
    assert told.actor == supervisor
    assert told.text == f"erased contact {person.pk} and what was known of them"
    assert Activity.objects.filter(verb="disposition").get().text == (
        "set the disposition of the call to an erased person to Interested"
    )


def test_other_people_stay_as_they_are(person, erase):
    namesake = ContactFactory(first_name="Xenia", last_name="Quill", email=EMAIL)
    call = CallFactory(contact=namesake)
    add_to_do_not_contact(phone_number=namesake.phone_number)
    erase(person, keep=False)
    namesake.refresh_from_db()
    call.refresh_from_db()
    assert (namesake.name, namesake.email) == ("Xenia Quill", EMAIL)
    assert (call.contact_name, call.to_number) == ("Xenia Quill", namesake.phone_number)
    # The address is the namesake's, too, and so is what was said of it.
    assert DoNotContact.objects.filter(email=EMAIL).exists()
    assert DoNotContact.objects.filter(phone_number=namesake.phone_number).exists()
    assert RejectedRow.objects.filter(values__contains=["Bo"]).get().reason != "Erased person"


@pytest.mark.parametrize(
    "written",
    [
        "+14155550142",
        "(415) 555-0142",
        "1-415-555.0142",
        "001 415 5550142 x12",
        "tel:+1 415 555 0142",
        "14155550142.0",
        "1.4155550142E+10",
        "415\u2011555\u20130142",
        "415/555/0142 or 303 555 0199",
        "Xenia <XENIA.QUILL@example.net>",
        "415:555:0142",
        "415 * 555 * 0142",
        "415_555_0142",
        "415\\555\t0142",
        "415\u200b555\u20600142",
        "\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff14\uff12",
        "\u0664\u0661\u0665 \u0665\u0665\u0665 \u0660\u0661\u0664\u0662",
    ],
)
def test_rejected_rows_are_erased_however_the_number_is_written(erase, written):
    contact = ContactFactory(phone_number=NUMBER, email=EMAIL, first_name="", last_name="")
    rows = [[written, "Ulm"], ["Ulm", "415 555 0143", "0142"], ["41", "5555", "0142"]]
    done = Import.objects.create(file_name="people.csv", list_name="Autumn", country="US")
    for line, values in enumerate(rows):
        RejectedRow.objects.create(contact_import=done, line=line, reason="no", values=values)
    erase(contact, keep=False)
    assert [row.values for row in RejectedRow.objects.order_by("line")] == [[], *rows[1:]]


def test_rejected_rows_are_erased_that_have_an_address_with_quotes(erase):
    contact = ContactFactory(phone_number=None, email='"xenia q"@example.net')
    done = Import.objects.create(file_name="people.csv", list_name="Autumn", country="US")
    values = ["Xenia", '"Xenia Q"@example.net']
    RejectedRow.objects.create(contact_import=done, line=1, reason="no", values=values)
    erase(contact, keep=False)
    assert RejectedRow.objects.get().values == []


def test_nobody_is_erased_while_a_call_to_them_is_under_way(person, erase):
    live = CallFactory(contact=None, to_number=NUMBER, state="ringing", outcome="")
    assert extent_of(person).has_live_call
    with pytest.raises(Refused, match="under way"):
        erase(person)
    live.refresh_from_db()
    person.refresh_from_db()
    assert person.phone_number == live.to_number == NUMBER


def test_nobody_is_erased_twice(person, erase):
    erase(person)
    with pytest.raises(Refused, match="already"):
        erase(person)


def test_the_extent_says_what_will_go(person):
    extent = extent_of(person)
    assert (extent.lists, extent.waiting, extent.calls) == (2, 1, 3)
    assert (extent.recordings, extent.transcripts) == (1, 1)
    assert extent.is_do_not_contact
    assert not extent.has_live_call


def test_a_person_known_by_address_alone_is_erased(erase):
    contact = ContactFactory(phone_number=None, email=EMAIL, first_name="Xenia")
    # A call whose number was erased before is not theirs.
    CallFactory(contact=None, to_number="", contact_name="")
    assert extent_of(contact).calls == 0
    erase(contact, keep=False)
    assert traces() == []


def test_what_is_told_late_of_a_call_brings_nobody_back(person, erase, supervisor):
    call = Call.objects.get(carrier_id="c-1")
    erase(person, keep=False)
    told = {"To": NUMBER, "Name": "Xenia"}
    progress.ring(call_id=call.pk, carrier_id="c-1", data=told)
    progress.answer(call_id=call.pk, carrier_id="c-1", data=told)
    progress.find_machine(call_id=call.pk, carrier_id="c-1", data=told)
    progress.note(call_id=call.pk, kind="stream", data=told)
    progress.end(
        call_id=call.pk, ending=Ending(ended=Ended.ANSWERED, code=4000, cause="Normal Hangup"), data=told
    )
    assert not recordings.announce(
        call_id=call.pk, recording=RecordingReady(url="https://x/14155550142", carrier_id="", duration_ms=1)
    )
    assert assistants.report(
        call_id=call.pk,
        report=assistants.Report(
            turns=[{"speaker": "contact", "text": "Xenia", "start_ms": 0, "end_ms": 1}],
            summary="Xenia wants it",
            disposition="do_not_call",
        ),
    )
    call.refresh_from_db()
    with pytest.raises(Refused, match="erased"):
        set_notes(call=call, notes="Xenia", actor=supervisor)
    with pytest.raises(Refused, match="erased"):
        set_disposition(call=call, disposition=None, actor=supervisor)
    assert traces() == []


def test_a_late_machine_does_not_let_an_erased_person_wait_again(person, erase):
    done = Enrollment.objects.get(contact=person, status=EnrollmentStatus.COMPLETED)
    call = CallFactory(enrollment=done)
    erase(person)
    progress.find_machine(call_id=call.pk, carrier_id="c", data={})
    done.refresh_from_db()
    assert done.status == EnrollmentStatus.COMPLETED


def test_the_next_import_does_not_bring_the_person_back_to_be_called(person, erase, supervisor):
    erase(person)
    back = ContactFactory(phone_number=NUMBER, first_name="Xenia")
    assert back.pk != person.pk
    assert DoNotContact.objects.filter(phone_number=NUMBER, scope="all").exists()


def recorded(contact, name: str) -> Recording:
    call = CallFactory(contact=contact, to_number=contact.phone_number, outcome="completed")
    return RecordingFactory(call=call, file=ContentFile(b"RIFF", name=name))


def test_a_file_that_cannot_be_deleted_keeps_no_other_and_goes_later(erase):
    contact = ContactFactory(phone_number=NUMBER)
    # It can't be deleted: as files, a folder that is not empty isn't.
    stuck = Path(recorded(contact, "1.wav").file.path)
    stuck.unlink()
    (stuck / "in_the_way").mkdir(parents=True)
    (stuck / "in_the_way" / "file").touch()
    recorded(contact, "2.wav")
    erase(contact)
    assert files() == ["file"]
    assert [unwanted.name.endswith("1.wav") for unwanted in UnwantedFile.objects.all()] == [True]
    shutil.rmtree(stuck)
    stuck.touch()
    assert recordings.delete_unwanted() == 0, "it was tried a moment ago"
    UnwantedFile.objects.update(due_at=timezone.now())
    tasks.fetch_recordings()
    assert files() == []
    assert not UnwantedFile.objects.exists()


def test_files_are_kept_when_the_erasing_is_not(person, supervisor, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        erase_contact(contact=person, actor=supervisor, keep_do_not_contact=False)
        transaction.set_rollback(True)
    assert recordings.delete_unwanted() == 0
    assert files() == ["1.wav"]


@pytest.mark.django_db(transaction=True)
def test_whoever_is_being_called_this_moment_is_not_erased(person, supervisor):
    """A claim holds the place: erasing doesn't wait for it, and leaves everything as it was."""
    held, let_go = threading.Event(), threading.Event()

    def claim():
        with transaction.atomic():
            list(Enrollment.objects.select_for_update().filter(contact=person))
            held.set()
            let_go.wait(10)
        connection.close()

    other = threading.Thread(target=claim)
    other.start()
    assert held.wait(10)
    try:
        with pytest.raises(Refused, match="Try again"):
            erase_contact(contact=person, actor=supervisor, keep_do_not_contact=True)
    finally:
        let_go.set()
        other.join()
    person.refresh_from_db()
    assert person.phone_number == NUMBER
    erase_contact(contact=person, actor=supervisor, keep_do_not_contact=True)
    person.refresh_from_db()
    assert person.phone_number is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["typed", "chosen", "imported", "by address"])
def test_nobody_comes_onto_a_list_while_being_erased(supervisor, how):
    contact = ContactFactory(phone_number=None if how == "by address" else NUMBER, email=EMAIL)
    listed, unknown = ListFactory(), zone_set()
    failures = []
    held, let_go = threading.Event(), threading.Event()

    def erasing():
        with transaction.atomic():
            erase_contact(contact=contact, actor=supervisor, keep_do_not_contact=False)
            held.set()
            let_go.wait(10)
        connection.close()

    def adding():
        try:
            add()
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    def add():
        if how == "typed":
            add_numbers(list=listed, lines=NUMBER, country="US", actor=None)
        elif how == "chosen":
            add_to_list(list=listed, contacts=Contact.objects.filter(pk=contact.pk), actor=None)
        else:
            with transaction.atomic(), Staging() as staging:
                number = "" if how == "by address" else NUMBER
                staging.add([StagedContact(1, number, unknown.pk, email=EMAIL)])
                staging.merge(list_id=listed.pk, list_name=listed.name, note="", actor=None)

    both = [threading.Thread(target=erasing), threading.Thread(target=adding)]
    both[0].start()
    assert held.wait(10)
    both[1].start()
    try:
        until = time.monotonic() + 10
        while not somebody_waits():
            assert time.monotonic() < until, "nobody waited for the erasing"
            time.sleep(0.02)
    finally:
        let_go.set()
        for one in both:
            one.join()
    assert failures == []
    listed.refresh_from_db()
    assert listed.size == listed.memberships.current().count()
    assert not listed.memberships.filter(contact__erased_at__isnull=False).exists()


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return cursor.fetchone()[0]


def test_an_erased_person_is_put_on_no_list(person, erase):
    erase(person)
    listed = ListFactory()
    assert add_to_list(list=listed, contacts=Contact.objects.filter(pk=person.pk), actor=None) == 0
    listed.refresh_from_db()
    assert (listed.version, listed.size) == (0, 0)
