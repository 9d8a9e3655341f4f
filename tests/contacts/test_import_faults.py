"""Imports while things go wrong: killed, cut off, cancelled, run twice. The end is all of it or nothing."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from contacts import housekeeping
from contacts.importing import running, saving
from contacts.importing.reading import Row
from contacts.importing.running import is_running_somewhere, run_import
from contacts.importing.saving import StagedContact, Staging
from contacts.lifecycles import IMPORT
from contacts.models import (
    Contact,
    CustomField,
    Import,
    ImportStatus,
    List,
    ListVersion,
    Membership,
    RejectedRow,
    Tally,
)
from contacts.queries import tally
from contacts.services import Refused, add_numbers, cancel_import, map_import, retry_import
from lifecycle import MoveRefused
from tests.contacts.conftest import mapped, sums, uploaded
from tests.factories import ContactFactory, ListFactory, zone_set
from tests.factories.contact_files import contact_file

ROOT = Path(__file__).resolve().parents[2]
# Runs an import in a process of its own, in which something happens before or after its nth statement.
RUNNER = """
import os, signal, sys
import django
django.setup()
import psycopg
from django.db import connection
from contacts.importing import running
running.BATCH_ROWS, running.PROGRESS_SECONDS = 300, 0
import_id, deed, fatal, when = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
count = 0

def happen():
    if deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "cut":
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])

def counted(execute, sql, parameters, many, context):
    global count
    count += 1
    if count == fatal and when == "before":
        happen()
    result = execute(sql, parameters, many, context)
    if count == fatal and when == "after":
        happen()
    return result

connection.ensure_connection()
with connection.execute_wrapper(counted):
    running.run_import(import_id)
print(count)
"""
ROWS = 3000
# How many are killed or cut off by each of the tests that do so; by hand, more than by default.
KILLED_IMPORTS = int(os.environ.get("KILLED_IMPORTS", "0"))


def environment() -> dict[str, str]:
    """What a process is told, to work on the database and the files of the test."""
    database = connection.settings_dict
    host, name = quote(database["HOST"], safe=""), quote(database["NAME"])
    address = f"{host}:{database['PORT']}" if database["PORT"] else host
    user = quote(database["USER"]) + (f":{quote(database['PASSWORD'])}" if database["PASSWORD"] else "")
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"postgresql://{user}@{address}/{name}",
        "DATA_DIR": str(Path(django_settings.MEDIA_ROOT).parent),
    }


def start(
    contact_import: Import, deed: str = "", fatal: int = 0, when: str = "before"
) -> subprocess.Popen[str]:
    """A process that runs the import; what it prints is how many statements that took."""
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(contact_import.pk), deed, str(fatal), when],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def until_nobody_is_at_work(contact_import: Import) -> None:
    """The database notices a killed process at the end of the statement it is at."""
    until = time.monotonic() + 20
    while is_running_somewhere(contact_import.pk):
        assert time.monotonic() < until
        time.sleep(0.02)


def known_people(rows: int) -> None:
    """Some of the file's people are known: a third of them to be updated, one as the file says."""
    file = contact_file(rows, seed=11)
    zones = zone_set("America/New_York")
    Contact.objects.bulk_create(
        Contact(phone_number=number, first_name="Before", zone_set=zones) for number in file.numbers[::3]
    )
    ListFactory(name="Autumn", members=list(Contact.objects.order_by("id")[:50]))


def empty() -> None:
    Import.objects.all().delete()
    List.objects.all().delete()
    Contact.objects.all().delete()
    CustomField.objects.all().delete()


def ready(rows: int = ROWS) -> Import:
    """The known people, and the import of the file that waits to be run."""
    empty()
    known_people(rows)
    contact_import = uploaded(contact_file(rows, seed=11).text)
    map_import(
        contact_import=contact_import,
        mapping={int(position): target for position, target in contact_import.mapping.items()},
        is_run_here=True,
    )
    return contact_import


def everything() -> dict[str, list[Any]]:
    """All that an import leaves behind, row for row, without keys and times."""
    return {
        "contacts": list(
            Contact.objects.order_by("id").values_list(
                "phone_number",
                "email",
                "first_name",
                "last_name",
                "company",
                "time_zone",
                "zone_set__zones",
                "fields",
                "search_text",
            )
        ),
        "members": list(
            Membership.objects.order_by("id").values_list(
                "list__name", "contact__phone_number", "added_in", "removed_in"
            )
        ),
        "versions": list(
            ListVersion.objects.order_by("list__name", "number").values_list(
                "list__name", "number", "added", "removed", "size", "note"
            )
        ),
        "lists": list(List.objects.order_by("name").values_list("name", "version", "size")),
        "rejected": list(RejectedRow.objects.order_by("line").values_list("line", "reason", "values")),
        "fields": list(CustomField.objects.order_by("name").values_list("name", "label", "kind")),
        "imports": [(done.status, sums(done), done.file.name, done.error) for done in Import.objects.all()],
        "tally": [tally(Tally.Of.CONTACTS)],
    }


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", ["kill", "cut"])
def test_an_import_that_is_killed_or_cut_off_anywhere_ends_the_same(deed, run_tasks):
    # The first one makes sets of zones that the others find.
    run_import(ready().pk)
    output, _ = start(ready()).communicate(timeout=60)
    statements = int(output)
    undisturbed = everything()
    assert undisturbed["imports"][0][0] == ImportStatus.COMPLETED
    assert undisturbed["imports"][0][1]["updated"] > 900
    chance = random.Random(f"killed {deed}")
    died_while = []
    for _ in range(KILLED_IMPORTS or 4):
        contact_import = ready()
        before = everything()
        for _ in range(chance.choice([1, 1, 2])):
            fatal, when = chance.randint(1, statements), chance.choice(["before", "after"])
            process = start(contact_import, deed, fatal, when)
            process.communicate(timeout=60)
            assert process.returncode == (-9 if deed == "kill" else 0), (fatal, when)
            until_nobody_is_at_work(contact_import)
            contact_import.refresh_from_db()
            died_while.append((contact_import.status, contact_import.saving_since is not None))
            if contact_import.status == ImportStatus.COMPLETED:
                break
            assert {**everything(), "imports": before["imports"]} == before, (fatal, when)
        # Nobody asks for it: housekeeping finds it.
        housekeeping.keep_house()
        run_tasks()
        assert everything() == undisturbed, (fatal, when, died_while)
    # Both while it read and while it saved.
    assert {(ImportStatus.RUNNING, False), (ImportStatus.RUNNING, True)} <= set(died_while)


# As many as make the database work on single statements for some time, and a second connection file the
# search index.
MANY_ROWS = 20_500
# Says when it begins and when it has ended, and is known to the database by its name.
TIMED_RUNNER = """
import sys, time
import django
django.setup()
from django.db import connection
from contacts.importing import running
connection.ensure_connection()
print("begins", flush=True)
before = time.monotonic()
running.run_import(int(sys.argv[1]))
print(time.monotonic() - before)
"""
NAMED = "carillon import that is killed"


def start_timed(contact_import: Import) -> subprocess.Popen[str]:
    """A process that runs the import and is about to begin."""
    process = subprocess.Popen(
        [sys.executable, "-c", TIMED_RUNNER, str(contact_import.pk)],
        cwd=ROOT,
        env=environment() | {"PGAPPNAME": NAMED},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "begins\n"
    return process


def cut_off(chance: random.Random) -> None:
    """End one of the import's connections, or all of them, in the middle of whatever they do."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [NAMED])
        backends = sorted(pid for (pid,) in cursor.fetchall())
        for backend in chance.sample(backends, k=chance.randint(min(1, len(backends)), len(backends))):
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend])


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_killed_or_cut_off_within_a_statement_ends_the_same(run_tasks):
    rounds = KILLED_IMPORTS or 2
    process = start_timed(ready(MANY_ROWS))
    seconds = float(process.communicate(timeout=120)[0])
    undisturbed = everything()
    assert undisturbed["imports"][0][0] == ImportStatus.COMPLETED
    chance = random.Random("within statements")
    for number in range(rounds):
        contact_import = ready(MANY_ROWS)
        before = everything()
        deed = ["kill", "cut"][number % 2]
        # Spread over the whole of it: each round has its part.
        delay = seconds * (number + chance.random()) / rounds
        process = start_timed(contact_import)
        time.sleep(delay)
        if deed == "kill":
            process.kill()
        else:
            cut_off(chance)
        process.communicate(timeout=120)
        until_nobody_is_at_work(contact_import)
        contact_import.refresh_from_db()
        said = (number, deed, f"{delay:.2f} of {seconds:.2f} s", contact_import.status, contact_import.error)
        if contact_import.status != ImportStatus.COMPLETED:
            assert {**everything(), "imports": before["imports"]} == before, said
        housekeeping.keep_house()
        run_tasks()
        assert everything() == undisturbed, said


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_two_processes_that_run_one_import_at_once_run_it_once():
    run_import(ready().pk)
    alone = everything()
    contact_import = ready()
    for process in [start(contact_import), start(contact_import), start(contact_import)]:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert everything() == alone


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["reading", "saving"])
def test_ctrl_c_cancels_an_import_from_a_shell(tmp_path, settings, step):
    path = tmp_path / "people.csv"
    path.write_text(contact_file(25_000, seed=2).text)
    command = [sys.executable, "manage.py", "import_contacts", str(path), "--list", "Autumn"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    running_now = Import.objects.filter(status=ImportStatus.RUNNING)
    wanted = running_now if step == "reading" else running_now.exclude(saving_since=None)
    until = time.monotonic() + 60
    while not wanted.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said.endswith("CommandError: Cancelled: nothing was imported.\n")
    assert "Traceback" not in said
    cancelled = Import.objects.get()
    assert cancelled.status == ImportStatus.CANCELLED
    assert not cancelled.file
    assert stored(settings) == []
    assert not Contact.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_ctrl_c_between_any_two_statements_cancels_the_import(tmp_path):
    """Where an exception would leave the connection in the middle of something, too."""
    path = tmp_path / "people.csv"
    path.write_text(contact_file(60, seed=2).text)

    def told() -> str:
        try:
            call_command("import_contacts", path, list_name="Autumn", stdout=io.StringIO())
        except CommandError as error:
            return f"{error.returncode} {error}"
        return ""

    with on_statement(0, lambda: None) as statements:
        assert told() == ""
    runs = next(number for number, sql in enumerate(statements) if "pg_try_advisory_lock" in sql)
    ends = set()
    for number in range(runs, len(statements), 3):
        empty()
        with on_statement(number, lambda: signal.raise_signal(signal.SIGINT)):
            said = told()
        status = Import.objects.get().status
        ends.add((said, status))
        assert Contact.objects.exists() == (status == ImportStatus.COMPLETED)
    assert ends == {
        ("130 Cancelled: nothing was imported.", ImportStatus.CANCELLED),
        ("", ImportStatus.COMPLETED),
    }
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@contextmanager
def on_statement(number: int, happen: Callable[[], None]) -> Iterator[list[str]]:
    """Let something happen before the nth statement of this connection; the statements, as they come."""
    statements: list[str] = []

    def counted(execute, sql, parameters, many, context):
        statements.append(sql)
        if len(statements) == number:
            happen()
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(counted):
        yield statements


def beside(deed: Callable[[], None], *, wait_seconds: float) -> threading.Thread:
    """Do something on a connection of its own, and wait a while for it."""

    def work() -> None:
        try:
            deed()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(wait_seconds)
    return thread


@pytest.mark.django_db(transaction=True)
def test_an_import_cancelled_at_any_moment_is_cancelled_or_completed_and_never_half(monkeypatch):
    monkeypatch.setattr(running, "BATCH_ROWS", 40)
    monkeypatch.setattr(running, "PROGRESS_SECONDS", 0)
    text = contact_file(120, seed=4).text
    with on_statement(0, lambda: None) as all_statements:
        run_import(mapped(uploaded(text)).pk)
    ends = set()
    for number in range(1, len(all_statements) + 1):
        empty()
        contact_import = mapped(uploaded(text))
        outcome: list[str] = []

        def cancel(contact_import=contact_import, outcome=outcome):
            try:
                cancel_import(contact_import=Import.objects.get(pk=contact_import.pk), actor=None)
                outcome.append("cancelled")
            except MoveRefused:
                outcome.append("refused")

        threads: list[threading.Thread] = []

        def happen(cancel=cancel, threads=threads):
            threads.append(beside(cancel, wait_seconds=0.4))

        with on_statement(number, happen) as statements:
            run_import(contact_import.pk)
        for thread in threads:
            thread.join(10)
        contact_import.refresh_from_db()
        ends.add(contact_import.status)
        assert not contact_import.file
        if contact_import.status == ImportStatus.CANCELLED:
            assert outcome == ["cancelled"]
            assert not Contact.objects.exists(), statements[-1]
            assert not List.objects.exists()
            assert not RejectedRow.objects.exists()
            assert not CustomField.objects.exists()
        else:
            assert contact_import.status == ImportStatus.COMPLETED, statements[-1]
            assert not threads or outcome == ["refused"]
            assert Contact.objects.count() == contact_file(120, seed=4).valid
    assert ends == {ImportStatus.CANCELLED, ImportStatus.COMPLETED}


@pytest.mark.django_db(transaction=True)
def test_who_cancels_does_not_wait_for_a_statement_that_takes_long(monkeypatch):
    contact_import = mapped(uploaded(contact_file(50, seed=4).text))
    monkeypatch.setattr(saving, "_DROP_DUPLICATES", "SELECT pg_sleep(30)")
    importing = beside(lambda: run_import(contact_import.pk), wait_seconds=0)
    until = time.monotonic() + 10
    while Import.objects.filter(saving_since=None).exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(0.2)
    began = time.monotonic()
    cancel_import(contact_import=contact_import, actor=None)
    importing.join(20)
    assert not importing.is_alive()
    assert time.monotonic() - began < 10
    contact_import.refresh_from_db()
    assert contact_import.status == ImportStatus.CANCELLED
    assert contact_import.error == ""
    assert not is_running_somewhere(contact_import.pk)


@pytest.mark.django_db(transaction=True)
def test_an_import_whose_contacts_somebody_else_made_meanwhile_is_saved_all_the_same():
    contact_import = mapped(uploaded("Phone,Name\n4155550101,Anna\n4155550102,Bo\n"))
    autumn = ListFactory(name="Typed")

    def type_it() -> None:
        add_numbers(list=autumn, lines="415 555 0102 Bob", country="US", actor=None)

    sets: list[str] = []

    def before_contacts_are_created(execute, sql, parameters, many, context):
        if sql.lstrip().startswith("INSERT INTO contacts_contact") and not sets:
            sets.append(sql)
            # Seen by nobody until it commits: the snapshot of the statement is older.
            thread = beside(type_it, wait_seconds=10)
            assert not thread.is_alive()
        return execute(sql, parameters, many, context)

    real = saving._CREATE
    try:
        # Takes its snapshot, then lets the other one in.
        saving._CREATE = real.replace("WHERE phone", "WHERE (SELECT pg_sleep(0.3)) IS NOT NULL AND phone")
        importing = beside(lambda: run_import(contact_import.pk), wait_seconds=0.25)
        type_it()
        importing.join(20)
    finally:
        saving._CREATE = real
    contact_import.refresh_from_db()
    assert contact_import.status == ImportStatus.COMPLETED, contact_import.error
    assert contact_import.rows == 2
    assert Contact.objects.count() == 2
    assert Membership.objects.filter(list__name="Autumn").count() == 2


@pytest.mark.django_db(transaction=True)
def test_what_is_typed_does_not_wait_behind_an_import_that_is_saved(monkeypatch):
    monkeypatch.setattr(saving, "PATIENCE_SECONDS", 0.3)
    known = ContactFactory(phone_number="+14155550101")
    autumn, typed = ListFactory(name="Autumn"), ListFactory(name="Typed")
    let_go, staged = threading.Event(), threading.Event()

    def save_long() -> None:
        from django.db import transaction

        with Staging() as staging, transaction.atomic():
            staging.add([StagedContact(1, known.phone_number, known.zone_set_id, first_name="Long")])
            staging.merge(list_id=autumn.pk, list_name="", note="", actor=None)
            staged.set()
            let_go.wait(20)

    long = beside(save_long, wait_seconds=0)
    assert staged.wait(10)
    try:
        # Another contact, another list: at once.
        assert add_numbers(list=typed, lines="415 555 0199", country="US", actor=None).created == 1
        # The same list, or the same contact: refused, in words.
        with pytest.raises(Refused, match="is being saved right now"):
            add_numbers(list=autumn, lines="415 555 0198", country="US", actor=None)
        with pytest.raises(Refused, match="is being saved right now"):
            add_numbers(list=typed, lines="415 555 0101 Zoltan", country="US", actor=None)
    finally:
        let_go.set()
        long.join(20)
    assert add_numbers(list=autumn, lines="415 555 0198", country="US", actor=None).added == 1


def test_an_import_that_waits_in_the_queue_is_not_put_there_again(
    upload, run_tasks, django_capture_on_commit_callbacks
):
    from django_q.models import OrmQ

    waiting = upload("Phone\n4155550101\n")
    with django_capture_on_commit_callbacks(execute=True):
        mapped(waiting)
    now = timezone.now()
    housekeeping.resume_imports(now=now)
    housekeeping.resume_imports(now=now + timedelta(minutes=2))
    assert OrmQ.objects.count() == 1
    # The queue may have lost it.
    housekeeping.resume_imports(now=now + timedelta(minutes=11))
    assert OrmQ.objects.count() == 2
    assert run_tasks() == 2
    waiting.refresh_from_db()
    assert (waiting.status, sums(waiting)) == (ImportStatus.COMPLETED, {"rows": 1, "created": 1})


def test_an_import_whose_task_was_never_enqueued_is_found(upload, run_tasks):
    waiting = upload("Phone\n4155550101\n")
    IMPORT.apply_to(waiting, "map")
    housekeeping.resume_imports(now=timezone.now())
    run_tasks()
    waiting.refresh_from_db()
    assert waiting.status == ImportStatus.COMPLETED


def stored(settings: Any) -> list[str]:
    return [path.name for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_the_file_of_an_import_is_gone_when_it_has_completed(import_text, settings):
    done = import_text("Phone\n4155550101\n")
    assert done.status == ImportStatus.COMPLETED
    assert not done.file
    assert stored(settings) == []


@pytest.mark.parametrize("status", [ImportStatus.UPLOADED, ImportStatus.MAPPED, ImportStatus.FAILED])
def test_a_cancelled_import_keeps_neither_file_nor_rows(
    upload, settings, status, django_capture_on_commit_callbacks
):
    waiting = upload("Phone\n4155550101\n")
    if status != ImportStatus.UPLOADED:
        IMPORT.apply_to(waiting, "map")
    if status == ImportStatus.FAILED:
        IMPORT.apply_to(waiting, "run")
        IMPORT.apply_to(waiting, "fail")
    RejectedRow.objects.create(contact_import=waiting, line=2, reason="n/a", values=["n/a"])
    with django_capture_on_commit_callbacks(execute=True):
        cancel_import(contact_import=waiting, actor=None)
    run_import(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.status == ImportStatus.CANCELLED
    assert not waiting.file
    assert stored(settings) == []
    assert not RejectedRow.objects.exists()
    assert not Contact.objects.exists()


def test_a_completed_import_is_not_cancelled(import_text):
    done = import_text("Phone\n4155550101\n")
    with pytest.raises(MoveRefused, match="completed"):
        cancel_import(contact_import=done, actor=None)
    assert Contact.objects.count() == 1


def test_uploads_that_nobody_came_back_to_are_given_up(upload, import_text, settings):
    old = upload("Phone\n4155550101\n")
    fresh = upload("Phone\n4155550102\n")
    failed = import_text("Phone,Name\n" + "4155550101,Anna\n" * 3000 + '4155550102,"Bo\n')
    assert failed.status == ImportStatus.FAILED
    assert len(stored(settings)) == 3
    long_ago = timezone.now() - timedelta(days=settings.CONTACTS_UPLOAD_KEPT_DAYS + 1)
    Import.objects.filter(pk=old.pk).update(created_at=long_ago)
    Import.objects.filter(pk=failed.pk).update(finished_at=long_ago)
    housekeeping.delete_uploads(now=timezone.now())
    for found in (old, fresh, failed):
        found.refresh_from_db()
    assert (old.status, bool(old.file)) == (ImportStatus.CANCELLED, False)
    assert (fresh.status, bool(fresh.file)) == (ImportStatus.UPLOADED, True)
    assert (failed.status, bool(failed.file)) == (ImportStatus.FAILED, False)
    assert len(stored(settings)) == 1
    with pytest.raises(Refused, match="gone"):
        retry_import(contact_import=failed)


def test_rejected_rows_are_kept_as_long_as_uploads_are(import_text, as_supervisor, settings):
    old, fresh = (import_text(f"Phone\n415555010{n}\n911\n", f"List {n}") for n in range(2))
    long_ago = timezone.now() - timedelta(days=settings.CONTACTS_UPLOAD_KEPT_DAYS + 1)
    Import.objects.filter(pk=old.pk).update(finished_at=long_ago)
    housekeeping.delete_uploads(now=timezone.now())
    assert [one.rejected_rows.count() for one in (old, fresh)] == [0, 1]
    page = as_supervisor.get(old.get_absolute_url()).content.decode()
    assert "The rows that were not imported are not kept any more" in page
    assert "Every row was taken" not in page


def test_a_stored_file_that_no_import_knows_is_deleted(upload, settings):
    known = upload("Phone\n4155550101\n")
    lost = Path(known.file.path).with_name("lost.csv")
    lost.write_text("Phone\n4155550102\n")
    housekeeping.delete_uploads(now=timezone.now())
    assert lost.exists(), "it may belong to an upload of this moment"
    housekeeping.delete_uploads(now=timezone.now() + timedelta(hours=2))
    assert stored(settings) == [Path(known.file.name).name]


@pytest.mark.django_db(transaction=True)
def test_a_person_erased_while_an_import_knows_it_by_the_address_stays_erased():
    anna = ContactFactory(phone_number=None, email="anna@a.com")
    contact_import = uploaded("Email,Name,Company\nanna@a.com,Anna,Blue\nbo@a.com,Bo,Blue\n")
    Import.objects.filter(pk=contact_import.pk).update(email_is_enough=True)
    contact_import.refresh_from_db()

    def erase() -> None:
        Contact.objects.filter(pk=anna.pk).update(
            email=None, first_name="", last_name="", company="", erased_at=timezone.now()
        )

    def erased_before_the_update(execute, sql, parameters, many, context):
        if sql == saving._UPDATE_BY_ADDRESS:
            beside(erase, wait_seconds=5)
        return execute(sql, parameters, many, context)

    mapped(contact_import)
    with connection.execute_wrapper(erased_before_the_update):
        run_import(contact_import.pk)
    contact_import.refresh_from_db()
    assert contact_import.status == ImportStatus.COMPLETED, contact_import.error
    anna.refresh_from_db()
    assert (anna.email, anna.company) == (None, "")
    assert Contact.objects.get(email="bo@a.com").company == "Blue"


@pytest.mark.django_db(transaction=True)
def test_the_log_tells_what_went_wrong_and_of_nobody(monkeypatch, caplog):
    contact_import = mapped(uploaded("Phone,Name\n4155550101,Anna Svensson\n"))
    # The database tells of the row that it did not take.
    monkeypatch.setattr(
        saving, "_DROP_DUPLICATES", "INSERT INTO staged_contact (first_name) SELECT 'Anna Svensson'"
    )
    run_import(contact_import.pk)
    contact_import.refresh_from_db()
    assert contact_import.status == ImportStatus.FAILED
    logged = "".join(caplog.handler.format(record) for record in caplog.records)
    assert f"import {contact_import.pk} failed" in logged
    assert "NotNullViolation 23502 staged_contact" in logged
    assert "in merge" in logged
    assert "Failing row" not in logged
    assert "Anna" not in logged


class Killed(BaseException):
    """As sudden as a signal: no handler of the import sees it."""


@pytest.mark.django_db(transaction=True)
def test_an_import_that_kills_whoever_runs_it_fails_after_some_attempts(monkeypatch, run_tasks):
    def dies(*args, **kwargs):
        raise Killed

    contact_import = mapped(uploaded("Phone\n4155550101\n"))
    with monkeypatch.context() as patch:
        patch.setattr(saving.Staging, "merge", dies)
        for attempt in range(1, 4):
            with pytest.raises(Killed):
                run_import(contact_import.pk)
            contact_import.refresh_from_db()
            assert (contact_import.status, contact_import.attempts) == (ImportStatus.RUNNING, attempt)
        # Housekeeping has it run once more, which does not come to its file.
        housekeeping.resume_imports(now=timezone.now())
        run_tasks()
    contact_import.refresh_from_db()
    assert contact_import.status == ImportStatus.FAILED
    assert "was stopped 3 times" in contact_import.error
    assert contact_import.finished_at
    # A person may try again, as often as before.
    retry_import(contact_import=contact_import)
    run_import(contact_import.pk)
    contact_import.refresh_from_db()
    assert (contact_import.status, contact_import.attempts) == (ImportStatus.COMPLETED, 1)


def test_rows_are_taken_some_thousands_at_a_time_and_fewer_where_they_are_long():
    short = [Row(line, ["+14155550101", "Anna", "anna@a.com"]) for line in range(12_000)]
    assert [len(batch) for batch in running._batches(iter(short))] == [5000, 5000, 2000]
    wide = [Row(line, ["+14155550101"] + ["x" * 100] * 450) for line in range(500)]
    narrow = [Row(line, ["", "x" * 900_000]) for line in range(20)]
    full_of_nothing = [Row(line, [""] * 500) for line in range(5000)]
    for rows in (wide, narrow, full_of_nothing):
        batches = list(running._batches(iter(rows)))
        assert [row for batch in batches for row in batch] == rows
        for batch in batches:
            assert sum(len(cell) for row in batch[:-1] for cell in row.cells) < running.BATCH_BYTES
            assert sum(len(row.cells) for row in batch) <= 200_000
