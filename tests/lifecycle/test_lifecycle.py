"""The lifecycles: the tables, the database's own guards, and nobody writing a status past them."""

from __future__ import annotations

import ast
import itertools
import random
import re
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum, TextChoices
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from campaigns.lifecycles import (
    CHANNEL,
    DONE,
    ENROLLMENT,
    IN_PROGRESS,
    MOVE_AFTER_A_CALL,
    REACHED,
    WAITING,
    CampaignStatus,
    ChannelStatus,
    EnrollmentStatus,
    derive_campaign_status,
)
from campaigns.models import Channel, Enrollment, EnrollmentCount
from contacts.lifecycles import IMPORT
from contacts.models import Import
from dialer.lifecycles import CALL, LIVE, CallState
from dialer.models import Call
from lifecycle import By, Lifecycle, MoveRefused, move
from lifecycle.triggers import guard_sql
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory
from tests.factories.dialer import CallFactory

LIFECYCLES = {
    "campaigns_channel_status_guard": CHANNEL,
    "campaigns_enrollment_status_guard": ENROLLMENT,
    "dialer_call_state_guard": CALL,
    "contacts_import_status_guard": IMPORT,
}


# --- The tables themselves -------------------------------------------------------------------------


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=lambda lifecycle: lifecycle.noun)
def test_every_state_can_be_come_to_and_none_is_a_dead_end_unless_it_is_terminal(lifecycle):
    seen = {str(lifecycle.initial)}
    for _ in lifecycle.states:
        seen |= {target for source, target in lifecycle.transitions() if source in seen}
    assert seen == set(lifecycle.states.values)
    dead_ends = {state for state in lifecycle.states.values if not lifecycle.moves_from(state)}
    assert dead_ends <= set(lifecycle.terminal)


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=lambda lifecycle: lifecycle.noun)
def test_every_move_says_what_it_is_called_and_who_makes_it(lifecycle):
    for step in lifecycle.moves:
        assert step.label
        assert step.by
        assert step.sources
        assert lifecycle[step.name] is step


def test_the_moves_of_a_channel_are_those_of_the_product():
    assert CHANNEL.transitions() == {
        ("ready", "running"),
        ("ready", "scheduled"),
        ("scheduled", "running"),
        ("scheduled", "ready"),
        ("running", "paused"),
        ("paused", "running"),
        ("running", "stopped"),
        ("paused", "stopped"),
        ("scheduled", "stopped"),
        ("running", "completed"),
        ("completed", "running"),
    }


def test_what_is_stopped_stays_stopped():
    assert CHANNEL.moves_from(ChannelStatus.STOPPED) == []


def test_people_make_these_moves_and_no_others():
    def offered(status):
        return [step.name for step in CHANNEL.moves_from(status, By.PERSON)]

    assert offered(ChannelStatus.READY) == ["start", "schedule"]
    assert offered(ChannelStatus.SCHEDULED) == ["start", "unschedule", "stop"]
    assert offered(ChannelStatus.RUNNING) == ["pause", "stop"]
    assert offered(ChannelStatus.PAUSED) == ["resume", "stop"]
    assert offered(ChannelStatus.COMPLETED) == ["rerun"]


def test_every_status_of_a_contact_belongs_to_one_group():
    assert set(EnrollmentStatus) == WAITING | IN_PROGRESS | DONE
    assert not WAITING & IN_PROGRESS
    assert not (WAITING | IN_PROGRESS) & DONE
    assert REACHED < DONE


def test_every_way_a_call_leaves_a_contact_is_a_move_from_calling_and_connected():
    for status, name in MOVE_AFTER_A_CALL.items():
        assert ENROLLMENT[name].target == status
        assert ENROLLMENT[name].sources >= IN_PROGRESS
    # Whatever is left: done without a call, or back to waiting because none was placed.
    after_a_call = {
        target for source, target in ENROLLMENT.transitions() if source == EnrollmentStatus.CONNECTED
    }
    assert after_a_call == set(MOVE_AFTER_A_CALL)


def test_a_call_never_moves_backwards():
    order = ["intent", "placing", "unknown", "ringing", "connected", "ended"]
    assert order == CallState.values
    for source, target in CALL.transitions():
        assert order.index(source) < order.index(target)
    assert set(CallState) - LIVE == {CallState.ENDED}


def test_a_table_with_a_mistake_is_refused():
    class Door(TextChoices):
        OPEN = "open"
        SHUT = "shut"

    with pytest.raises(ValueError, match="two moves of one name"):
        Lifecycle("door", Door, (move("a", "A", ["open"], "shut"), move("a", "B", ["shut"], "open")), "open")
    with pytest.raises(ValueError, match="unknown states"):
        Lifecycle("door", Door, (move("a", "A", ["ajar"], "shut"),), "open")


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=lambda lifecycle: lifecycle.noun)
def test_the_diagram_draws_every_move(lifecycle):
    drawn = set(re.findall(r"^ +(\w+) --> (\w+):", lifecycle.diagram(), re.MULTILINE))
    assert drawn == {(source, step.target) for step in lifecycle.moves for source in step.sources}


# --- A campaign's status ---------------------------------------------------------------------------


def by_the_products_table(channels: list[str]) -> str:
    """product.md, *Statuses*, row by row. "Activated" is what ever left ready by start or stop."""
    activated = [status for status in channels if status not in {"ready", "scheduled"}]
    finished = [status for status in channels if status in {"stopped", "completed"}]
    if "running" in channels:
        return "active"
    if "scheduled" in channels and "paused" not in channels:
        return "scheduled"
    if not activated:
        return "draft"
    if len(finished) == len(channels):
        return "ended" if "stopped" in channels else "completed"
    return "paused"


@given(st.lists(st.sampled_from(ChannelStatus.values), max_size=5))
def test_a_campaigns_status_follows_from_its_channels(channels):
    assert derive_campaign_status(channels) == by_the_products_table(channels)
    assert derive_campaign_status(reversed(channels)) == derive_campaign_status(channels)


@pytest.mark.parametrize(
    ("channels", "status"),
    [
        ([], CampaignStatus.DRAFT),
        (["ready"], CampaignStatus.DRAFT),
        (["ready", "scheduled"], CampaignStatus.SCHEDULED),
        (["running", "paused", "stopped"], CampaignStatus.ACTIVE),
        (["paused", "scheduled"], CampaignStatus.PAUSED),
        (["completed", "ready"], CampaignStatus.PAUSED),
        (["completed", "scheduled"], CampaignStatus.SCHEDULED),
        (["completed", "completed"], CampaignStatus.COMPLETED),
        (["completed", "stopped"], CampaignStatus.ENDED),
    ],
)
def test_a_campaigns_status_by_example(channels, status):
    assert derive_campaign_status(channels) == status


# --- Applying moves --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_move_changes_the_row_and_the_object_in_hand():
    enrollment = EnrollmentFactory()
    ENROLLMENT.apply_to(enrollment, "skip", reason="Over the cap.")
    assert (enrollment.status, enrollment.reason) == ("skipped", "Over the cap.")
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.reason) == ("skipped", "Over the cap.")


@pytest.mark.django_db
def test_a_move_of_many_takes_those_that_may_make_it_and_says_how_many():
    channel = ChannelFactory(running=True)
    for status in ("pending", "retry", "callback", "calling", "completed"):
        EnrollmentFactory(channel=channel, status=status)
    assert ENROLLMENT.apply(Enrollment.objects.filter(channel=channel), "skip") == 3
    assert Counter(Enrollment.objects.values_list("status", flat=True)) == {
        "skipped": 3,
        "calling": 1,
        "completed": 1,
    }


@pytest.mark.django_db
def test_a_move_from_the_wrong_state_is_refused_and_names_the_state():
    channel = ChannelFactory(stopped=True)
    with pytest.raises(MoveRefused, match=r"^Resume is not possible: this channel is stopped\.$") as refused:
        CHANNEL.apply_to(channel, "resume")
    assert refused.value.found == "stopped"
    assert refused.value.move is CHANNEL["resume"]
    assert channel.status == "stopped"


@pytest.mark.django_db
def test_a_move_of_something_that_is_gone_says_so():
    channel = ChannelFactory()
    Channel.objects.all().delete()
    with pytest.raises(MoveRefused, match=r"^This channel is gone\.$") as refused:
        CHANNEL.apply_to(channel, "start")
    assert refused.value.found is None


@pytest.mark.django_db
def test_a_move_that_expects_more_rows_than_it_finds_is_refused():
    channel = ChannelFactory(running=True)
    EnrollmentFactory(channel=channel)
    done = EnrollmentFactory(channel=channel, status="completed")
    with pytest.raises(MoveRefused, match="this contact is"), transaction.atomic():
        ENROLLMENT.apply(Enrollment.objects.filter(channel=channel), "skip", expect=2)
    assert Enrollment.objects.filter(status="skipped").count() == 0
    done.refresh_from_db()
    assert done.status == "completed"


def test_a_stale_object_in_hand_moves_nothing(db):
    enrollment = EnrollmentFactory()
    stale = Enrollment.objects.get(pk=enrollment.pk)
    ENROLLMENT.apply_to(enrollment, "call")
    with pytest.raises(MoveRefused, match="this contact is calling"):
        ENROLLMENT.apply_to(stale, "skip")


# What the database asks of a row beside its state (constraints), so that any move may be tried.
def any_channel() -> Channel:
    now = timezone.now()
    return ChannelFactory(run=1, started_at=now, start_at=now)


def an_import() -> Import:
    return Import.objects.create(file_name="spring.csv", list_name="Spring", country="US")


def a_call() -> Call:
    return CallFactory(state=CallState.INTENT)


MAKE = {"channel": any_channel, "contact": EnrollmentFactory, "call": a_call, "import": an_import}


def also_set(lifecycle: Lifecycle, name: str) -> dict[str, object]:
    if lifecycle is CALL and lifecycle[name].target == CallState.ENDED:
        return {"ended_at": timezone.now(), "outcome": "completed", "deadline_at": None}
    return {}


@pytest.mark.django_db
@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=lambda lifecycle: lifecycle.noun)
def test_random_moves_never_leave_the_table(lifecycle):
    names = st.sampled_from([step.name for step in lifecycle.moves])

    @hypothesis_settings(deadline=None, max_examples=40)
    @given(st.lists(names, max_size=25))
    def walk(steps):
        row = MAKE[lifecycle.noun]()
        state = str(lifecycle.initial)
        for name in steps:
            allowed = state in lifecycle[name].sources
            if allowed:
                lifecycle.apply_to(row, name, **also_set(lifecycle, name))
                state = lifecycle[name].target
            else:
                with pytest.raises(MoveRefused) as refused:
                    lifecycle.apply_to(row, name, **also_set(lifecycle, name))
                assert refused.value.found == state
            assert getattr(row, lifecycle.column) == state
        row.refresh_from_db()
        assert getattr(row, lifecycle.column) == state
        row.delete()

    walk()


# --- The database's own guards ---------------------------------------------------------------------


def installed_transitions(function: str) -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [function])
        (definition,) = cursor.fetchone()
    return {(before, after) for before, after in re.findall(r"'(\w+)>(\w+)'", definition)}


@pytest.mark.django_db
@pytest.mark.parametrize("function", LIFECYCLES)
def test_the_installed_guard_is_the_table(function):
    assert installed_transitions(function) == LIFECYCLES[function].transitions()


@pytest.mark.django_db
def test_every_installed_guard_is_one_of_a_lifecycle():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE '%%\\_guard' ORDER BY 1"
        )
        assert {name for (name,) in cursor.fetchall()} == set(LIFECYCLES)


@pytest.mark.django_db
@pytest.mark.parametrize("function", LIFECYCLES)
def test_the_database_refuses_by_itself_what_no_move_makes(function):
    lifecycle = LIFECYCLES[function]
    row = MAKE[lifecycle.noun]()
    model = type(row)
    column = lifecycle.column
    ending = {"ended_at": timezone.now(), "outcome": "completed", "deadline_at": None}
    living = {"ended_at": None, "outcome": "", "deadline_at": timezone.now()}
    for source, target in itertools.permutations(lifecycle.states.values, 2):
        rows = model.objects.filter(pk=row.pk)
        extra = {} if model is not Call else ending if target == "ended" else living
        before = {} if model is not Call else ending if source == "ended" else living
        with connection.cursor() as cursor:
            # As a replica would write it: past the triggers.
            cursor.execute("SET LOCAL session_replication_role = replica")
            rows.update(**{column: source, **before})
            cursor.execute("SET LOCAL session_replication_role = origin")
        if (source, target) in lifecycle.transitions():
            rows.update(**{column: target, **extra})
        else:
            with (
                pytest.raises(DatabaseError, match=f"no move from {source} to {target}"),
                transaction.atomic(),
            ):
                rows.update(**{column: target, **extra})


def test_guards_are_written_in_one_order_whatever_order_the_pairs_have():
    pairs = [("a", "b"), ("b", "c"), ("a", "c")]
    assert guard_sql("t", "s", pairs) == guard_sql("t", "s", reversed(pairs))


# --- Nobody writes a status past its lifecycle -----------------------------------------------------

APPS = ("accounts", "analytics", "campaigns", "contacts", "dialer", "interface")
COLUMNS = {"status", "state"}
# The campaign's status is derived, and a recording's has no lifecycle.
DERIVED = {"derive_campaign_status"}
UNGUARDED = ("Recording.Status.",)


def sources() -> list[Path]:
    root = Path(settings.BASE_DIR)
    return [
        path for app in APPS for path in sorted((root / app).rglob("*.py")) if "migrations" not in path.parts
    ]


def writes(path: Path) -> list[str]:
    """Places in a module where a status is written: update(status=…), x.status = …, save of it."""
    tree = ast.parse(path.read_text())
    found = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        for node in ast.walk(function):
            value: ast.expr | None = None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "update":
                    value = next((k.value for k in node.keywords if k.arg in COLUMNS), None)
                elif node.func.attr in {"save", "bulk_update"}:
                    written = {
                        item.value
                        for part in [*node.args, *(keyword.value for keyword in node.keywords)]
                        for item in ast.walk(part)
                        if isinstance(item, ast.Constant)
                    }
                    value = node if written & COLUMNS else None
            elif isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Attribute) and target.attr in COLUMNS for target in node.targets
            ):
                value = node.value
            if value is None or names & DERIVED:
                continue
            text = ast.unparse(value)
            if not text.startswith(UNGUARDED):
                found.append(f"{path.name}, {function.name}: {ast.unparse(node)[:120]}")
    return found


def test_only_lifecycles_write_statuses():
    assert [place for path in sources() for place in writes(path)] == []


def test_the_search_for_writes_finds_them(tmp_path):
    module = tmp_path / "module.py"
    module.write_text(
        "def a(rows): rows.update(status='running')\n"
        "def b(row):\n    row.state = 'ended'\n    row.save(update_fields=['state'])\n"
        "def c(rows): rows.update(status=Recording.Status.STORED)\n"
        "def d(rows): rows.filter(status='running').update(name='x')\n"
    )
    assert [place.split(":")[0] for place in writes(module)] == [
        "module.py, a",
        "module.py, b",
        "module.py, b",
    ]


SQL_WRITE = re.compile(
    r"\bUPDATE\s+(campaigns_channel|campaigns_enrollment|campaigns_campaign|dialer_call|contacts_import)\b"
)
# A column of the SET list, not one compared in WHERE or CASE.
SETS_A_STATUS = re.compile(r"\bSET\b(?:(?!\bWHERE\b).)*?(?:\bSET|,)\s+(?:status|state)\s*=", re.DOTALL)
SETS_IT_FIRST = re.compile(r"\bSET\s+(?:status|state)\s*=")


@pytest.mark.parametrize(
    ("statement", "sets"),
    [
        ("UPDATE dialer_call SET state = 'ended' WHERE id = 1", True),
        ("UPDATE dialer_call SET checks = 0,\n    state = CASE WHEN id = 1 THEN 'ended' END", True),
        ("UPDATE dialer_call SET checks = 0 WHERE state = 'ended'", False),
        ("UPDATE dialer_call SET checks = CASE WHEN state = 'ended' THEN 1 END", False),
    ],
)
def test_the_search_for_sql_tells_setting_from_asking(statement, sets):
    assert bool(SETS_A_STATUS.search(statement) or SETS_IT_FIRST.search(statement)) == sets


TABLES = {
    "dialer_call": CALL,
    "campaigns_channel": CHANNEL,
    "campaigns_enrollment": ENROLLMENT,
    "contacts_import": IMPORT,
}


def is_a_move(statement: str) -> bool:
    """Whether SQL that names its states literally goes from where to where a move does."""
    lifecycle = TABLES.get(SQL_WRITE.search(statement)[1])
    if lifecycle is None:
        return False
    before, _, condition = statement.partition("WHERE")
    targets = re.findall(rf"\b{lifecycle.column}\s*=\s*'(\w+)'", before)
    sources = re.findall(rf"(?<!channel\.)\b{lifecycle.column}\s*=\s*'(\w+)'", condition)
    pairs = set(itertools.product(sources, targets))
    return bool(pairs) and pairs <= lifecycle.transitions()


def test_sql_that_sets_a_status_makes_a_move_of_the_table():
    for path in sources():
        text = path.read_text()
        # As written in the module: unparse() spells line ends.
        strings = [
            ast.unparse(node).replace("\\n", "\n")
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Constant | ast.JoinedStr)
        ]
        for string in strings:
            if SQL_WRITE.search(string) and (SETS_A_STATUS.search(string) or SETS_IT_FIRST.search(string)):
                reads_the_table = re.search(r"\b(ENROLLMENT|CHANNEL|CALL|IMPORT)\b", text)
                assert reads_the_table or is_a_move(string), f"{path} writes a status by itself:\n{string}"


def test_literal_sql_is_held_against_the_table():
    write = "UPDATE dialer_call AS call SET state = '{}' FROM x WHERE call.state = '{}'"
    assert is_a_move(write.format("placing", "intent"))
    assert not is_a_move(write.format("intent", "placing"))
    assert not is_a_move("UPDATE dialer_call SET state = 'ended' WHERE id = 1")


# --- Counts by status ------------------------------------------------------------------------------


def recount() -> dict[tuple[int, int, str], int]:
    return Counter(Enrollment.objects.values_list("channel_id", "run", "status"))


def counted(kind: str = "count") -> dict[tuple[int, int, str], int]:
    rows = EnrollmentCount.objects.values_list("channel_id", "run", "status").annotate(total=Sum(kind))
    return {(channel, run, status): total for channel, run, status, total in rows if total}


def counts_equal_a_recount() -> bool:
    """Those by status, and of each how many were dialed and reached."""
    keys = ("channel_id", "run", "status")
    dialed = Counter(Enrollment.objects.filter(attempts__gt=0).values_list(*keys))
    reached = Counter(Enrollment.objects.filter(is_reached=True).values_list(*keys))
    return (counted(), counted("dialed"), counted("reached")) == (recount(), dialed, reached)


@pytest.mark.django_db
def test_who_was_dialed_and_reached_is_counted_whatever_became_of_them():
    channel = ChannelFactory(running=True)
    spoken_to, rung = EnrollmentFactory.create_batch(2, channel=channel, status="calling")
    EnrollmentFactory(channel=channel, status="do_not_call")
    Enrollment.objects.filter(pk=spoken_to.pk).update(status="do_not_call", attempts=1, is_reached=True)
    Enrollment.objects.filter(pk=rung.pk).update(status="retry", attempts=1)

    assert counted("dialed") == {(channel.pk, 1, "do_not_call"): 1, (channel.pk, 1, "retry"): 1}
    assert counted("reached") == {(channel.pk, 1, "do_not_call"): 1}
    Enrollment.objects.filter(pk=rung.pk).update(attempts=2)
    Enrollment.objects.filter(pk=spoken_to.pk).update(is_reached=False, attempts=0)
    assert counts_equal_a_recount()
    assert counted("reached") == {}


@pytest.mark.django_db
def test_counts_follow_every_insert_update_and_delete():
    channel = ChannelFactory(running=True)
    EnrollmentFactory.create_batch(5, channel=channel)
    assert counted() == {(channel.pk, 1, "pending"): 5}
    ENROLLMENT.apply(Enrollment.objects.filter(pk__in=Enrollment.objects.values("pk")[:2]), "call")
    assert counted() == {(channel.pk, 1, "pending"): 3, (channel.pk, 1, "calling"): 2} == recount()
    Enrollment.objects.filter(status="pending").delete()
    assert counted() == {(channel.pk, 1, "calling"): 2}
    Enrollment.objects.update(run=2)
    assert counted() == {(channel.pk, 2, "calling"): 2} == recount()


@pytest.mark.django_db
def test_a_deleted_channel_leaves_no_counts():
    channel = ChannelFactory(running=True)
    EnrollmentFactory.create_batch(3, channel=channel)
    other = EnrollmentFactory()
    channel.delete()
    assert counted() == {(other.channel_id, 1, "pending"): 1}
    assert not EnrollmentCount.objects.filter(channel_id=channel.pk).exists()


@pytest.mark.django_db
def test_nobody_is_counted_where_everybody_is_gone_at_once():
    EnrollmentFactory.create_batch(3)
    with connection.cursor() as cursor:
        # The keys' checks are due at the commit.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE campaigns_enrollment CASCADE")
    assert counted() == {}


@pytest.mark.django_db
def test_a_rolled_back_change_is_not_counted():
    channel = ChannelFactory(running=True)
    with transaction.atomic():
        EnrollmentFactory.create_batch(3, channel=channel)
        transaction.set_rollback(True)
    assert counted() == {}


@pytest.mark.django_db(transaction=True)
def test_counts_equal_a_recount_whatever_several_connections_do_at_once():
    channels = [ChannelFactory(running=True) for _ in range(2)]
    contacts = [contact.pk for contact in ContactFactory.create_batch(60)]
    zone_set = ContactFactory().zone_set
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        # Each thread has contacts of its own, so that none waits for another's uncommitted key.
        mine = contacts[seed * 10 : seed * 10 + 10]
        try:
            for _ in range(40):
                channel = chance.choice(channels)
                rows = Enrollment.objects.filter(channel=channel, contact__in=mine)
                with transaction.atomic():
                    for _ in range(chance.randint(1, 3)):
                        deed = chance.randrange(6)
                        if deed == 0:
                            rows.filter(contact__in=chance.sample(mine, 4)).delete()
                        elif deed == 1:
                            changes = {"attempts": chance.randrange(3), "is_reached": chance.random() < 0.5}
                            name = chance.choice([step.name for step in ENROLLMENT.moves])
                            ENROLLMENT.apply(rows, name, **changes)
                        elif deed == 2:
                            ENROLLMENT.apply(rows, "call")
                        else:
                            Enrollment.objects.bulk_create(
                                (
                                    Enrollment(
                                        channel=channel,
                                        contact_id=contact,
                                        zone_set=zone_set,
                                        run=chance.choice([1, 2]),
                                        due_at=timezone.now() + timedelta(minutes=1),
                                    )
                                    for contact in chance.sample(mine, 5)
                                ),
                                ignore_conflicts=True,
                            )
                    if chance.random() < 0.2:
                        transaction.set_rollback(True)
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert recount()
    assert counts_equal_a_recount()
    # A count below zero would mean that some slot took away what another had counted twice.
    assert all(total > 0 for total in counted().values())
