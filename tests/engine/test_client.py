"""What each answer of the carrier means, and that it was asked exactly once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dialer.carrier import (
    Accepted,
    AccountRefused,
    Ambiguous,
    CallOrder,
    CallRefused,
    NotFound,
    NotSent,
    SlowDown,
)
from dialer.plivo.client import PlivoClient
from tests.engine.bare import (
    Answer,
    BareServer,
    answering,
    closing,
    half_an_answer,
    resetting,
    saying_nothing,
)
from tests.engine.conftest import free_port

ORDER = CallOrder(call_id=7, to_number="+14155552671", from_number="+12125551000", ring_timeout_seconds=30)


@pytest.fixture
def asked() -> Iterator[Callable[[Answer], tuple[PlivoClient, BareServer]]]:
    """``client, carrier = asked(answer)``: a client of a carrier that answers so."""
    open_ones: list[Any] = []

    def made(answer: Answer) -> tuple[PlivoClient, BareServer]:
        carrier = BareServer(answer)
        client = PlivoClient(
            auth_id="MATESTTESTTESTTEST00", auth_token="secret", api_url=carrier.url, timeouts=(0.5, 0.3)
        )
        open_ones.extend((client, carrier))
        return client, carrier

    yield made
    for one in open_ones:
        one.close()


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        (answering("201 Created", {"message": "call fired", "request_uuid": "r-1"}), Accepted("r-1")),
        (answering("200 OK", {"message": "call fired", "request_uuid": "r-1"}), Accepted("r-1")),
        (
            answering("201 Created", {"message": "call queued", "request_uuid": "r-1"}),
            Accepted("r-1", is_queued=True),
        ),
        (
            answering("201 Created", {"message": "calls fired", "request_uuid": ["r-1"]}),
            Accepted("r-1"),
        ),
    ],
)
def test_an_accepted_call_has_the_carriers_name_for_it(asked, answer, accepted):
    client, carrier = asked(answer)
    assert client.place(ORDER) == accepted
    assert carrier.posts == 1


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (answering("400 Bad Request", {"error": "to is wrong"}), CallRefused),
        (answering("404 Not Found", {"error": "not found"}), CallRefused),
        (answering("405 Method Not Allowed"), CallRefused),
        (answering("409 Conflict"), CallRefused),
        (answering("422 Unprocessable Entity", b"<html>"), CallRefused),
        (answering("401 Unauthorized", b"who are you"), AccountRefused),
        (answering("402 Payment Required"), AccountRefused),
        (answering("403 Forbidden"), AccountRefused),
        (answering("429 Too Many Requests"), SlowDown),
        (answering("500 Internal Server Error", {"error": "oops"}), Ambiguous),
        (answering("502 Bad Gateway", b"<html>"), Ambiguous),
        (answering("503 Service Unavailable"), Ambiguous),
        (answering("504 Gateway Timeout"), Ambiguous),
        (answering("201 Created", b'{"request_uuid": "abc'), Ambiguous),
        (answering("201 Created", b"<html>fired</html>"), Ambiguous),
        (answering("201 Created", b"[1, 2]"), Ambiguous),
        (answering("201 Created", b'"fired"'), Ambiguous),
        (answering("201 Created", b"\xff\xfe\xfd"), Ambiguous),
        (answering("201 Created"), Ambiguous),
        (answering("204 No Content"), Ambiguous),
        (answering("201 Created", {"message": "call fired"}), Ambiguous),
        (answering("201 Created", {"request_uuid": None}), Ambiguous),
        (answering("201 Created", {"request_uuid": ""}), Ambiguous),
        (answering("201 Created", {"request_uuid": []}), Ambiguous),
        (answering("201 Created", {"request_uuid": {"a": 1}}), Ambiguous),
        (answering("301 Moved Permanently", b"", "Location: /elsewhere/"), Ambiguous),
        (answering("302 Found", b"", "Location: /elsewhere/"), Ambiguous),
        (answering("307 Temporary Redirect", b"", "Location: /elsewhere/"), Ambiguous),
        (answering("308 Permanent Redirect", b"", "Location: /elsewhere/"), Ambiguous),
        (saying_nothing, Ambiguous),
        (resetting, Ambiguous),
        (closing, Ambiguous),
        (half_an_answer, Ambiguous),
    ],
)
def test_any_other_answer_has_one_meaning_and_is_asked_for_once(asked, answer, meaning):
    client, carrier = asked(answer)
    with pytest.raises(meaning) as raised:
        client.place(ORDER)
    assert type(raised.value) is meaning
    assert str(raised.value)
    assert [line.split()[0] for line, _ in carrier.requests] == ["POST"]


def test_the_carriers_own_words_reach_the_person_who_reads_why(asked):
    client, _ = asked(answering("400 Bad Request", {"error": "to is not a valid phone number"}))
    with pytest.raises(CallRefused, match="to is not a valid phone number"):
        client.place(ORDER)


@pytest.mark.parametrize(
    ("status", "out_of_credit"),
    [("401 Unauthorized", False), ("402 Payment Required", True), ("403 Forbidden", False)],
)
def test_no_credit_is_told_from_no_permission(asked, status, out_of_credit):
    client, _ = asked(answering(status))
    with pytest.raises(AccountRefused) as raised:
        client.place(ORDER)
    assert raised.value.out_of_credit is out_of_credit


def test_a_refused_connection_is_known_not_to_have_been_sent():
    client = PlivoClient(
        auth_id="MATESTTESTTESTTEST00",
        auth_token="secret",
        api_url=f"http://127.0.0.1:{free_port()}",
        timeouts=(0.5, 0.3),
    )
    with pytest.raises(NotSent):
        client.place(ORDER)
    client.close()


def test_an_unknown_host_is_known_not_to_have_been_sent(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    client = PlivoClient(
        auth_id="MATESTTESTTESTTEST00",
        auth_token="secret",
        api_url="http://carrier.invalid",
        timeouts=(0.5, 0.3),
    )
    with pytest.raises(NotSent):
        client.place(ORDER)
    client.close()


def test_a_connection_that_the_carrier_closed_meanwhile_is_made_anew(asked):
    client, carrier = asked(answering("201 Created", {"request_uuid": "r"}, "Connection: close"))
    for _ in range(3):
        client.place(ORDER)
    assert carrier.posts == 3


def test_five_hundred_a_hundred_times_is_a_hundred_posts(asked):
    client, carrier = asked(answering("500 Internal Server Error"))
    for _ in range(100):
        with pytest.raises(Ambiguous):
            client.place(ORDER)
    assert carrier.posts == 100


def test_an_order_says_who_calls_whom_and_where_to_tell_of_it(asked, settings):
    settings.PUBLIC_URL = "https://calls.example.com"
    client, carrier = asked(answering("201 Created", {"request_uuid": "r"}))
    client.place(ORDER)
    line, body = carrier.requests[0]
    sent = json.loads(body)
    assert line == "POST /v1/Account/MATESTTESTTESTTEST00/Call/ HTTP/1.1"
    assert (sent["from"], sent["to"], sent["ring_timeout"]) == ("12125551000", "14155552671", 30)
    for event in ("answer", "ring", "hangup"):
        assert sent[f"{event}_url"].startswith(f"https://calls.example.com/hooks/plivo/7/{event}/")
        assert sent[f"{event}_method"] == "POST"
    assert "machine_detection" not in sent


def test_machine_detection_is_asked_for_with_its_times(asked):
    client, carrier = asked(answering("201 Created", {"request_uuid": "r"}))
    order = CallOrder(
        call_id=7,
        to_number="+14155552671",
        from_number="+12125551000",
        ring_timeout_seconds=30,
        detect_machine=True,
        detection_timeout_ms=6000,
        speech_threshold_ms=2500,
        end_of_speech_ms=900,
        initial_silence_ms=3000,
    )
    client.place(order)
    sent = json.loads(carrier.requests[0][1])
    assert sent["machine_detection"] == "true"
    assert sent["machine_detection_time"] == 6000
    assert sent["machine_detection_maximum_speech_length"] == 2500
    assert sent["machine_detection_silence"] == 900
    assert sent["machine_detection_initial_silence"] == 3000
    assert "/hooks/plivo/7/machine/" in sent["machine_detection_url"]


def test_what_has_ended_already_is_hung_up_and_cancelled_without_complaint(asked):
    client, carrier = asked(answering("404 Not Found"))
    client.hang_up("c-1")
    client.cancel("r-1")
    assert [line.split()[:2] for line, _ in carrier.requests] == [
        ["DELETE", "/v1/Account/MATESTTESTTESTTEST00/Call/c-1/"],
        ["DELETE", "/v1/Account/MATESTTESTTESTTEST00/Request/r-1/"],
    ]


def test_a_call_that_has_ended_can_not_be_sent_on(asked):
    client, _ = asked(answering("404 Not Found"))
    with pytest.raises(NotFound):
        client.transfer("c-1", "https://calls.example.com/")


def test_what_the_carrier_does_not_know_is_no_live_call_and_no_record(asked):
    client, _ = asked(answering("404 Not Found"))
    assert client.live_call("c-1") is None
    assert client.record("c-1") is None
    assert client.is_queued("r-1") is False


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable"])
def test_a_carrier_that_can_not_answer_is_not_one_that_knows_of_no_call(asked, status):
    client, _ = asked(answering(status))
    for question in (
        lambda: client.live_call("c-1"),
        lambda: client.record("c-1"),
        lambda: client.is_queued("r-1"),
        client.live_calls,
    ):
        with pytest.raises(Ambiguous):
            question()


def test_the_token_is_in_no_message(asked):
    client, _ = asked(resetting)
    with pytest.raises(Ambiguous) as raised:
        client.place(ORDER)
    assert "secret" not in str(raised.value)
