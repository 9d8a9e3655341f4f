"""When a machine answers: hang up, leave a message, or connect; once, and never too late."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from campaigns.models import Enrollment
from dialer import deadlines, machines, progress
from dialer.carrier import Ended, Ending
from dialer.models import Call
from tests.conftest import work_off
from tests.engine.bare import Answer, BareServer, answering, resetting
from tests.engine.test_hooks import TOKEN, document, tell
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory, ReattemptRuleFactory, zone_set
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
COMPLETED = Ending(ended=Ended.ANSWERED, code=4000, cause="Normal Hangup", by="us", duration_seconds=9)


@pytest.fixture(autouse=True)
def account(settings: Any) -> None:
    settings.PLIVO_AUTH_ID = "MATESTTESTTESTTEST00"
    settings.PLIVO_AUTH_TOKEN = TOKEN
    settings.PUBLIC_URL = "https://calls.example.com"
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


@pytest.fixture
def carrier_that(settings: Any) -> Iterator[Callable[[Answer], BareServer]]:
    servers: list[BareServer] = []

    def made(answer: Answer) -> BareServer:
        servers.append(BareServer(answer))
        settings.PLIVO_API_URL = servers[-1].url
        return servers[-1]

    yield made
    for server in servers:
        server.close()


@pytest.fixture
def carrier(carrier_that: Callable[[Answer], BareServer]) -> BareServer:
    return carrier_that(answering("202 Accepted", {"message": "call transferred"}))


@pytest.fixture
def heard(django_capture_on_commit_callbacks: Any) -> Callable[..., None]:
    """``heard(call)``: the carrier's verdict that a machine answered, and the task that follows."""

    def told(call: Call, times: int = 1, **values: str) -> None:
        for _ in range(times):
            with django_capture_on_commit_callbacks(execute=True):
                said = {"CallUUID": "c-1", "Machine": "true", **values}
                assert tell(call.pk, "machine", **said).status_code == 200
        work_off()

    return told


def answered(on_machine: str = "hang_up", message: str = "", ago: float = 1, **options: Any) -> Call:
    channel = ChannelFactory(
        running=True,
        schedule__time_zone="UTC",
        voice__machine_detection="detect",
        voice__on_machine=on_machine,
        voice__voicemail_message=message,
        **options,
    )
    enrollment = EnrollmentFactory(
        channel=channel, contact=ContactFactory(zone_set=zone_set()), status="connected", attempts=1
    )
    call = CallFactory(enrollment=enrollment, state="connected", carrier_id="c-1")
    Call.objects.filter(pk=call.pk).update(answered_at=timezone.now() - timedelta(seconds=ago))
    return call


def requests_of(carrier: BareServer) -> list[tuple[str, str]]:
    return [tuple(line.split()[:2]) for line, _ in carrier.requests]


CALL = "/v1/Account/MATESTTESTTESTTEST00/Call/c-1/"


def test_a_machine_is_hung_up_on(carrier, heard):
    heard(answered("hang_up"))
    assert requests_of(carrier) == [("DELETE", CALL)]


def test_a_machine_is_left_a_message(carrier, heard):
    call = answered("message", "Please call us back.")
    heard(call)
    assert requests_of(carrier) == [("POST", CALL)]
    sent = json.loads(carrier.requests[0][1])
    assert sent["legs"] == "aleg"
    assert f"/hooks/plivo/{call.pk}/message/" in sent["aleg_url"]
    assert document(tell(call.pk, "message")).find("Speak").text == "Please call us back."
    call.refresh_from_db()
    assert call.message_left


def test_without_words_there_is_no_message_to_leave(carrier, heard):
    heard(answered("message", "  \n "))
    assert requests_of(carrier) == [("DELETE", CALL)]


def test_a_machine_may_be_connected_all_the_same(carrier, heard):
    call = answered("connect")
    heard(call)
    assert requests_of(carrier) == []
    call.refresh_from_db()
    assert call.is_machine


def test_a_verdict_told_five_times_is_followed_once(carrier, heard):
    call = answered("hang_up")
    heard(call, times=5)
    assert len(carrier.requests) == 1
    assert call.events.filter(kind="machine").count() == 1


def test_a_verdict_that_comes_late_does_not_cut_off_who_talks(carrier, heard):
    late = 5 + deadlines.LATE_VERDICT.total_seconds() + 1
    call = answered("hang_up", ago=late)
    heard(call)
    assert requests_of(carrier) == []
    call.refresh_from_db()
    assert not call.is_machine
    assert list(call.events.values_list("kind", flat=True)) == ["machine_late"]
    progress.end(call_id=call.pk, ending=COMPLETED, data={})
    call.refresh_from_db()
    assert call.outcome == "completed"


def test_how_late_is_too_late_follows_the_detections_own_time(carrier, heard):
    heard(answered("hang_up", ago=12, voice__detection_timeout_ms=10_000))
    assert len(carrier.requests) == 1


def test_a_verdict_may_come_before_the_answer(carrier, heard):
    call = answered("hang_up")
    Call.objects.filter(pk=call.pk).update(answered_at=None)
    heard(call)
    assert len(carrier.requests) == 1


def test_a_person_is_no_machine(carrier, heard):
    call = answered("hang_up")
    heard(call, Machine="false")
    assert requests_of(carrier) == []
    call.refresh_from_db()
    assert not call.is_machine


def test_a_verdict_after_the_end_corrects_the_outcome_and_asks_nothing_of_the_carrier(carrier, heard):
    call = answered("hang_up")
    progress.end(call_id=call.pk, ending=COMPLETED, data={})
    heard(call)
    assert requests_of(carrier) == []
    call.refresh_from_db()
    assert (call.outcome, call.is_machine) == ("voicemail", True)


@pytest.mark.parametrize(
    "answer",
    [answering("500 Internal Server Error"), answering("404 Not Found"), answering("429 Slow"), resetting],
)
def test_a_carrier_that_can_not_send_the_call_on_is_no_error(carrier_that, heard, answer):
    carrier = carrier_that(answer)
    call = answered("message", "Please call us back.")
    heard(call)
    assert len(carrier.requests) == 1
    progress.end(call_id=call.pk, ending=COMPLETED, data={})
    assert Enrollment.objects.get(pk=call.enrollment_id).status == "voicemail"


def test_a_task_delivered_again_does_nothing_once_the_message_was_left(carrier, heard):
    call = answered("message", "Please call us back.")
    heard(call)
    tell(call.pk, "message")
    machines.handle(call_id=call.pk)
    assert len(carrier.requests) == 1


def test_a_task_delivered_after_the_end_does_nothing(carrier, heard):
    call = answered("hang_up")
    Call.objects.filter(pk=call.pk).update(is_machine=True)
    progress.end(call_id=call.pk, ending=COMPLETED, data={})
    machines.handle(call_id=call.pk)
    assert requests_of(carrier) == []


def test_a_repeated_question_for_the_message_gets_the_same_answer(carrier, heard):
    call = answered("message", "Please call us back.")
    heard(call)
    first = tell(call.pk, "message").content
    assert tell(call.pk, "message").content == first


def test_only_a_machine_is_left_a_message():
    call = answered("message", "Please call us back.")
    assert [element.tag for element in document(tell(call.pk, "message"))] == ["Hangup"]
    call.refresh_from_db()
    assert not call.message_left


def test_a_machine_ends_as_voicemail_and_may_be_tried_again(carrier, heard):
    call = answered("hang_up", voice__attempts_per_contact=2)
    ReattemptRuleFactory(channel=call.channel, outcome="voicemail", delay_minutes=60)
    heard(call)
    progress.end(call_id=call.pk, ending=COMPLETED, data={})
    call.refresh_from_db()
    assert call.outcome == "voicemail"
    assert Enrollment.objects.filter(
        pk=call.enrollment_id, status="retry", due_at__gt=F("updated_at")
    ).exists()
