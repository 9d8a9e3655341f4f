"""What was not heard of by its deadline is asked for, and what is found is applied; nobody is redialed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils.timezone import now as clock
from django_q.models import OrmQ

from campaigns.models import Channel, Enrollment
from dialer import deadlines, progress, reconciling
from dialer.carrier import Ended, Ending
from dialer.models import Call, CarrierAccount
from dialer.plivo.client import PlivoClient
from tests.engine.bare import Answer, BareServer, answering, half_an_answer, resetting, saying_nothing
from tests.engine.conftest import free_port
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory, zone_set
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
AUTH_ID = "MATESTTESTTESTTEST00"
SECOND = timedelta(seconds=1)


@dataclass
class Books:
    """A carrier's books: what it says is live, waits in its queue, or is on record."""

    live: list[dict[str, Any]] = field(default_factory=list)
    queued: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    server: BareServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = BareServer(self.answer)

    def answer(self, conversation: socket.socket) -> None:
        target = urlsplit(self.server.requests[-1][0].split()[1])
        asked = {name: values[-1] for name, values in parse_qs(target.query).items()}
        name = target.path.removeprefix(f"/v1/Account/{AUTH_ID}/Call/").strip("/")
        shelf = {"live": self.live, "queued": self.queued}.get(asked.get("status", ""), self.records)
        if name:
            found = next((entry for entry in shelf if entry["call_uuid"] == name), None)
            return (
                answering("200 OK", found)(conversation)
                if found
                else answering("404 Not Found")(conversation)
            )
        if "status" in asked:
            return answering("200 OK", {"calls": [entry["call_uuid"] for entry in shelf]})(conversation)
        earliest = datetime.strptime(asked["end_time__gte"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        objects = [
            record
            for record in self.records
            if record["to_number"] == asked["to_number"]
            # The account's own time, where it says no offset.
            and datetime.fromisoformat(record["end_time"]).replace(tzinfo=UTC) >= earliest
        ]
        return answering("200 OK", {"objects": objects[: int(asked["limit"])]})(conversation)

    def has_live(self, call: Call, name: str = "c-1", status: str = "in-progress", **other: Any) -> None:
        entry = {
            "call_uuid": name,
            "call_status": status,
            "to": call.to_number.lstrip("+"),
            "from": call.from_number.lstrip("+"),
        }
        shelf = self.queued if status == "queued" else self.live
        shelf.append({**entry, **other})

    def has_record(
        self,
        call: Call,
        name: str = "c-1",
        *,
        began: timedelta = timedelta(0),
        answered: bool = True,
        code: int = 4000,
        zone: Any = UTC,
        **other: Any,
    ) -> None:
        """``began``: how long after we placed it, by the carrier's own clock."""
        begin = (call.placed_at + began).astimezone(zone).replace(microsecond=0)
        record = {
            "call_uuid": name,
            "to_number": call.to_number.lstrip("+"),
            "from_number": call.from_number.lstrip("+"),
            "initiation_time": begin.isoformat(sep=" "),
            "answer_time": (begin + 5 * SECOND).isoformat(sep=" ") if answered else None,
            "end_time": (begin + 30 * SECOND).isoformat(sep=" "),
            "call_duration": 25 if answered else 0,
            "bill_duration": 60 if answered else 0,
            "total_amount": "0.01000" if answered else "0",
            "call_state": "ANSWER" if answered else "",
            "hangup_cause_code": code,
            "hangup_cause_name": "Normal Hangup" if answered else "Busy Line",
            "hangup_source": "Callee",
        }
        self.records.append({**record, **other})


@pytest.fixture
def books() -> Iterator[Books]:
    found = Books()
    yield found
    found.server.close()


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    settings.PLIVO_AUTH_ID = AUTH_ID
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def carrier_at(url: str) -> PlivoClient:
    return PlivoClient(auth_id=AUTH_ID, auth_token="secret", api_url=url, timeouts=(0.5, 0.5))


def reconciled(books: Books) -> int:
    carrier = carrier_at(books.server.url)
    try:
        return reconciling.reconcile(carrier=carrier)
    finally:
        carrier.close()


def overdue(state: str, *, placed: float = 40, channel: Channel | None = None, **options: Any) -> Call:
    """A call past its deadline, placed so many seconds ago."""
    enrollment = EnrollmentFactory(
        channel=channel
        or ChannelFactory(running=True, schedule__time_zone="UTC", voice__dial_timeout_seconds=30),
        contact=ContactFactory(zone_set=zone_set()),
        status="connected" if state == "connected" else "calling",
        attempts=1 if state == "connected" else 0,
    )
    moment = clock() - timedelta(seconds=placed)
    known = state in {"ringing", "connected"}
    defaults = {
        "state": state,
        "created_at": moment,
        "placed_at": None if state == "intent" else moment,
        "accepted_at": moment if known else None,
        "answered_at": moment + 5 * SECOND if state == "connected" else None,
        "deadline_at": clock() - SECOND,
        "request_id": "r-1" if known else "",
    }
    return CallFactory(enrollment=enrollment, **{**defaults, **options})


def fresh(call: Call) -> Call:
    call.refresh_from_db()
    return call


def status_of(call: Call) -> str:
    return Enrollment.objects.get(pk=call.enrollment_id).status


def looks_in(call: Call) -> float:
    return (fresh(call).deadline_at - clock()).total_seconds()


# --- Claimed, and being placed ---------------------------------------------------------------------


def test_a_claim_whose_driver_is_gone_is_given_back_without_asking_anybody(books):
    call = overdue("intent")
    assert reconciled(books) == 1
    assert (fresh(call).state, call.outcome, status_of(call)) == ("ended", "withdrawn", "pending")
    assert not books.server.requests


def test_a_post_whose_driver_is_gone_is_in_doubt(books):
    call = overdue("placing")
    books.has_live(call)
    reconciled(books)
    assert fresh(call).state == "unknown"
    assert 0 < looks_in(call) <= deadlines.FIRST_LOOK.total_seconds()
    assert status_of(call) == "calling"


@pytest.mark.parametrize("state", ["intent", "placing", "unknown", "ringing", "connected"])
def test_before_its_deadline_a_call_is_left_alone(books, state):
    overdue(state, deadline_at=clock() + timedelta(seconds=2))
    assert reconciled(books) == 0
    assert not books.server.requests


# --- In doubt --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("carriers_status", "state"),
    [("ringing", "ringing"), ("in-progress", "connected"), ("queued", "ringing"), ("odd", "ringing")],
)
def test_a_call_in_doubt_that_is_live_goes_on(books, carriers_status, state):
    call = overdue("unknown")
    books.has_live(call, status=carriers_status)
    reconciled(books)
    assert (fresh(call).state, call.carrier_id) == (state, "c-1")
    assert call.accepted_at is not None
    assert status_of(call) == ("connected" if state == "connected" else "calling")
    assert looks_in(call) > 60


def test_a_call_in_doubt_that_is_on_record_ends_as_the_record_says(books):
    call = overdue("unknown")
    books.has_record(call)
    reconciled(books)
    assert (fresh(call).state, call.outcome, call.carrier_id) == ("ended", "completed", "c-1")
    assert (call.duration_seconds, call.billed_seconds, str(call.cost)) == (25, 60, "0.01000")
    assert status_of(call) == "completed"
    assert list(call.events.values_list("kind", flat=True)) == ["reconciled"]


def test_a_busy_line_on_record_is_busy(books):
    call = overdue("unknown")
    books.has_record(call, answered=False, code=3010)
    reconciled(books)
    assert (fresh(call).outcome, status_of(call)) == ("busy", "busy")


def test_a_call_in_doubt_that_nobody_knows_yet_is_looked_for_again_less_and_less_often(books):
    call = overdue("unknown", placed=10)
    pauses = []
    for _ in range(6):
        Call.objects.filter(pk=call.pk).update(deadline_at=clock() - SECOND)
        reconciled(books)
        assert fresh(call).state == "unknown"
        pauses.append(round(looks_in(call)))
    assert pauses == [10, 20, 40, 60, 60, 60]
    assert status_of(call) == "calling"


@pytest.mark.parametrize(
    ("placed", "looks", "is_given_up"),
    [(30 + 60 - 5, 9, False), (30 + 60 + 5, 3, True), (30 + 60 + 5, 2, False), (90_000, 1, False)],
)
def test_a_call_in_doubt_is_given_up_only_after_it_could_have_rung_and_several_looks(
    books, placed, looks, is_given_up
):
    call = overdue("unknown", placed=placed, checks=looks - 1)
    reconciled(books)
    expected = ("ended", "withdrawn", "pending") if is_given_up else ("unknown", "", "calling")
    assert (fresh(call).state, call.outcome, status_of(call)) == expected
    assert Enrollment.objects.get(pk=call.enrollment_id).attempts == 0


def test_a_call_in_doubt_that_still_waits_in_the_carriers_queue_is_never_given_up(books):
    call = overdue("unknown", placed=7200)
    books.has_live(call, status="queued")
    reconciled(books)
    assert fresh(call).state == "ringing"
    assert status_of(call) == "calling"


def test_records_come_late_and_are_found_then(books):
    call = overdue("unknown", placed=50)
    reconciled(books)
    assert fresh(call).state == "unknown"
    books.has_record(call)
    Call.objects.filter(pk=call.pk).update(deadline_at=clock() - SECOND)
    reconciled(books)
    assert fresh(call).outcome == "completed"


def test_a_call_in_doubt_of_a_deleted_campaign_is_resolved_as_well(books):
    call = overdue("unknown", placed=deadlines.LONGEST_RING_SECONDS + 70, checks=9)
    Channel.objects.filter(pk=call.channel_id).update(status="paused")
    call.campaign.delete()
    reconciled(books)
    assert (fresh(call).outcome, call.enrollment_id) == ("withdrawn", None)


# --- Whose record it is ----------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [-5, -1, 0, 1, 5])
def test_a_record_is_found_although_clocks_are_minutes_apart(books, apart):
    call = overdue("unknown", placed=200)
    books.has_record(call, began=timedelta(minutes=apart))
    reconciled(books)
    assert fresh(call).outcome == "completed"


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_a_record_is_found_in_whatever_zone_the_account_keeps_its_books(books, zone):
    call = overdue("unknown", placed=200)
    books.has_record(call, zone=ZoneInfo(zone))
    reconciled(books)
    assert fresh(call).outcome == "completed"


@pytest.mark.parametrize("known_by", ["carrier_id", "request_id"])
def test_the_record_of_another_attempt_is_not_taken_for_this_one(books, known_by):
    call = overdue("unknown", placed=50)
    CallFactory(to_number=call.to_number, outcome="busy", **{known_by: "c-0"})
    books.has_record(call, "c-0", began=-4 * timedelta(minutes=1), answered=False, code=3010)
    reconciled(books)
    assert fresh(call).state == "unknown"
    books.has_record(call, "c-1")
    Call.objects.filter(pk=call.pk).update(deadline_at=clock() - SECOND)
    reconciled(books)
    assert (fresh(call).carrier_id, call.outcome) == ("c-1", "completed")


@pytest.mark.parametrize("known_by", ["carrier_id", "request_id"])
def test_a_live_call_that_is_another_attempt_is_not_taken_for_this_one(books, known_by):
    call = overdue("unknown", placed=50)
    CallFactory(to_number=call.to_number, outcome="busy", **{known_by: "c-0"})
    books.has_live(call, "c-0")
    reconciled(books)
    assert (fresh(call).state, call.carrier_id) == ("unknown", "")
    books.has_live(call, "c-1")
    Call.objects.filter(pk=call.pk).update(deadline_at=clock() - SECOND)
    reconciled(books)
    assert (fresh(call).state, call.carrier_id) == ("connected", "c-1")


def test_a_record_of_long_before_is_not_this_calls(books):
    call = overdue("unknown", placed=50)
    books.has_record(call, began=timedelta(minutes=-10))
    reconciled(books)
    assert fresh(call).state == "unknown"


@pytest.mark.parametrize("other", [{"from_number": "12125559999"}, {"to_number": "14155559999"}])
def test_a_record_of_other_numbers_is_not_this_calls(books, other):
    call = overdue("unknown", placed=50)
    books.has_record(call, **other)
    reconciled(books)
    assert fresh(call).state == "unknown"


def test_a_live_call_from_another_number_of_ours_is_not_this_call(books):
    call = overdue("unknown", placed=50)
    books.has_live(call, **{"from": "12125559999"})
    reconciled(books)
    assert fresh(call).state == "unknown"


def test_two_calls_in_doubt_find_each_their_own(books):
    channel = ChannelFactory(running=True, schedule__time_zone="UTC")
    one, other = overdue("unknown", channel=channel), overdue("unknown", channel=channel)
    books.has_live(one, "c-one")
    books.has_record(other, "c-other", answered=False, code=3010)
    reconciled(books)
    assert (fresh(one).state, one.carrier_id) == ("connected", "c-one")
    assert (fresh(other).outcome, other.carrier_id) == ("busy", "c-other")


# --- Ringing and connected -------------------------------------------------------------------------


@pytest.mark.parametrize("known_as", [{"carrier_id": "c-1"}, {"request_id": "c-1"}, {}])
@pytest.mark.parametrize("state", ["ringing", "connected"])
def test_a_live_call_whose_end_was_not_heard_of_ends_as_on_record(books, state, known_as):
    call = overdue(state, placed=300, **{"request_id": "", **known_as})
    books.has_record(call)
    reconciled(books)
    assert (fresh(call).outcome, status_of(call)) == ("completed", "completed")
    assert Enrollment.objects.get(pk=call.enrollment_id).attempts == 1


@pytest.mark.parametrize("state", ["ringing", "connected"])
def test_a_call_that_goes_on_is_asked_for_again_in_a_while(books, state):
    call = overdue(state, placed=300, carrier_id="c-1")
    books.has_live(call, status="ringing" if state == "ringing" else "in-progress")
    reconciled(books)
    assert fresh(call).state == state
    assert 100 < looks_in(call) <= 120


def test_an_answer_that_was_not_heard_of_is_found(books):
    call = overdue("ringing", placed=300, carrier_id="c-1")
    books.has_live(call)
    reconciled(books)
    assert (fresh(call).state, status_of(call)) == ("connected", "connected")
    assert list(call.events.values_list("kind", flat=True)) == ["answer"]


def test_an_accepted_call_that_waits_in_the_carriers_queue_is_waited_for(books):
    call = overdue("ringing", placed=7200, request_id="r-9")
    books.has_live(call, "r-9", status="queued")
    reconciled(books)
    assert fresh(call).state == "ringing"
    assert 100 < looks_in(call) <= 120


@pytest.mark.parametrize(("state", "outcome"), [("ringing", "failed"), ("connected", "completed")])
def test_an_accepted_call_without_a_trace_is_given_up_late_and_never_redialed_for_it(books, state, outcome):
    call = overdue(state, placed=deadlines.NO_TRACE.total_seconds() - 20, carrier_id="c-1")
    for _ in range(4):
        reconciled(books)
        assert fresh(call).state == state
        Call.objects.filter(pk=call.pk).update(deadline_at=clock() - SECOND)
    long_ago = clock() - deadlines.NO_TRACE - timedelta(minutes=6)
    Call.objects.filter(pk=call.pk).update(accepted_at=long_ago)
    if state == "connected":
        Call.objects.filter(pk=call.pk).update(answered_at=long_ago)
    reconciled(books)
    assert (fresh(call).outcome, status_of(call)) == (outcome, outcome)
    assert Enrollment.objects.get(pk=call.enrollment_id).attempts == 1


def test_a_call_without_a_trace_is_looked_for_several_times_however_old_it_is(books):
    call = overdue("connected", placed=90_000, carrier_id="c-1")
    reconciled(books)
    assert fresh(call).state == "connected"


# --- The carrier can't be asked --------------------------------------------------------------------

UNREACHABLE: dict[str, Answer] = {
    "error": answering("500 Internal Server Error"),
    "busy": answering("503 Service Unavailable"),
    "too many": answering("429 Too Many Requests"),
    "no credentials": answering("401 Unauthorized"),
    "nonsense": answering("200 OK", b"<html>"),
    "silence": saying_nothing,
    "reset": resetting,
    "half an answer": half_an_answer,
}


@pytest.mark.parametrize("how", UNREACHABLE)
@pytest.mark.parametrize("state", ["unknown", "ringing", "connected"])
def test_while_the_carrier_can_not_be_asked_nothing_is_decided(state, how):
    # All of them long past any time after which they would be given up.
    calls = [overdue(state, placed=90_000, checks=9, request_id=f"r-{n}") for n in range(3)]
    server = BareServer(UNREACHABLE[how])
    carrier = carrier_at(server.url)
    reconciling.reconcile(carrier=carrier)
    carrier.close()
    server.close()
    for call in calls:
        assert fresh(call).state == state
        assert 0 < looks_in(call) <= 60
        # A look that could not be made is none.
        assert call.checks == 9
    # The others of the pass are not asked for: it would fail for them as well.
    assert len(server.requests) == 1


def test_a_carrier_that_is_not_there_postpones():
    call = overdue("unknown", placed=90_000)
    carrier = carrier_at(f"http://127.0.0.1:{free_port()}")
    reconciling.reconcile(carrier=carrier)
    carrier.close()
    assert fresh(call).state == "unknown"
    assert looks_in(call) > 0


# --- Asking for it ---------------------------------------------------------------------------------


def test_the_worker_is_asked_when_something_is_overdue_and_not_again_at_once():
    CarrierAccount.objects.create(auth_id=AUTH_ID)
    assert reconciling.ask_when_overdue() is False
    call = overdue("unknown")
    assert reconciling.ask_when_overdue() is True
    assert reconciling.ask_when_overdue() is False
    CarrierAccount.objects.update(reconciled_at=clock() - timedelta(seconds=3))
    assert reconciling.ask_when_overdue() is True
    assert OrmQ.objects.count() == 2
    CarrierAccount.objects.update(reconciled_at=None)
    Call.objects.filter(pk=call.pk).update(deadline_at=clock() + SECOND)
    assert reconciling.ask_when_overdue() is False


@pytest.mark.django_db(transaction=True)
def test_two_reconcilers_at_once_look_at_each_call_once(books):
    calls = [overdue("ringing", placed=300, carrier_id=f"c-{n}", request_id="") for n in range(20)]
    for n, call in enumerate(calls):
        books.has_record(call, f"c-{n}")
    counts: list[int] = []

    def work() -> None:
        try:
            counts.append(reconciled(books))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sum(counts) == 20
    assert not Call.objects.exclude(outcome="completed").exists()
    assert all(call.events.count() == 1 for call in calls)


@pytest.mark.parametrize("knows", ["live", "record", "nothing"])
@pytest.mark.parametrize("state", ["unknown", "ringing", "connected"])
def test_what_was_heard_meanwhile_is_not_overruled(books, state, knows):
    """The hang-up comes after the reconciler has read the call, and before it applies what it found."""
    call = overdue(state, placed=90_000, carrier_id="" if state == "unknown" else "c-1", checks=9)
    if knows == "live":
        books.has_live(call)
    elif knows == "record":
        books.has_record(call)
    read_before = Call.objects.select_related("channel__voice").get(pk=call.pk)
    progress.end(call_id=call.pk, ending=Ending(ended=Ended.BUSY, code=3010, cause="Busy"), data={})
    carrier = carrier_at(books.server.url)
    reconciling._Looker(carrier, clock()).look(read_before)
    carrier.close()
    assert (fresh(call).outcome, call.deadline_at) == ("busy", None)


def test_a_record_in_the_accounts_own_time_is_found_although_it_says_no_offset(books):
    call = overdue("unknown", placed=200)
    books.has_record(call, began=timedelta(hours=-8))
    for name in ("initiation_time", "answer_time", "end_time"):
        if books.records[-1].get(name):
            books.records[-1][name] = books.records[-1][name][:19]
    reconciled(books)
    assert fresh(call).outcome == "completed"
