"""Limits, retries and faults: the carrier on a bad day."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import plivo
import pytest
import requests

from simulator.client import SimulatorClient, SimulatorError
from tests.simulator.conftest import CALLER, Api
from tests.simulator.receiver import Receiver, Reply, Told

Dial = Callable[..., str]


# Limits


def test_calls_above_the_rate_are_queued_and_fired_later(
    dial: Dial, api: Api, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.set(calls_per_second=4)
    answer = receiver.answers("/answer", "<Hangup/>")
    said = [
        api.post("/Call/", **{"from": CALLER, "to": f"1500{n:03}0001", "answer_url": answer}).json()[
            "message"
        ]
        for n in range(6)
    ]
    assert said == ["call fired"] * 4 + ["call queued"] * 2
    queued = api.get("/Call/", status="queued").json()["calls"]
    assert len(queued) == 2
    assert api.get(f"/Call/{queued[0]}/", status="queued").json()["call_status"] == "queued"
    receiver.wait_for("Hangup", 6)
    fired = [call["fired_at"] - simulator.ledger()[0]["fired_at"] for call in simulator.ledger()]
    assert fired[3] < 0.5
    assert fired[4] == pytest.approx(1.0, abs=0.2)


def test_a_queued_call_can_be_canceled(
    sdk: plivo.RestClient, dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.set(calls_per_second=0.1)
    dial("15005550001")
    uuid = dial("15005550101")
    assert sdk.queued_calls.list_ids()["calls"] == [uuid]
    sdk.calls.cancel(uuid)
    receiver.wait_for("Hangup", 2)
    (canceled,) = [told for told in receiver.told if told.params["CallUUID"] == uuid]
    assert (canceled.params["HangupCauseCode"], canceled.params["CallStatus"]) == ("1000", "cancel")
    assert simulator.summary()["queued"] == 0


def test_a_raised_rate_takes_effect_at_once(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.set(calls_per_second=0.01)
    dial("15005550001")
    dial("15005550101")
    simulator.set(calls_per_second=0)
    receiver.wait_for("Hangup", 2)


def test_too_many_requests_are_throttled(api: Api, simulator: SimulatorClient) -> None:
    simulator.set(api_limit=5)
    statuses = Counter(api.get("/Number/").status_code for _ in range(8))
    assert statuses == {200: 5, 429: 3}
    assert simulator.summary()["responses"] == {"200": 5, "429": 3}


def test_calls_above_the_concurrency_limit_fail(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.set(concurrency_limit=1)
    dial("15005550026", "<Wait length='100'/>")
    dial("15005550126", "<Wait length='100'/>")
    (hangup,) = receiver.wait_for("Hangup")
    assert hangup.params["HangupCauseName"] == "Concurrency Limit Breached"


# Retries


def test_a_webhook_that_times_out_is_repeated_once(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    slow = iter((0.4, 0.0))
    url = receiver.answers_by("/ring", lambda told: Reply(delay=next(slow)))
    simulator.set(webhook_read_timeout_seconds=0.2)
    dial("15005550001", ring_url=url)
    receiver.wait_for("Ring", 2)
    simulator.wait_idle()
    assert receiver.events("/ring") == ["Ring", "Ring"]


def test_a_webhook_answered_with_an_error_is_not_repeated(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    dial("15005550001", ring_url=receiver.answers("/ring", status=500))
    receiver.wait_for("Hangup")
    simulator.wait_idle()
    (ring, *_) = simulator.ledger()[0]["webhooks"]
    assert (ring["status"], ring["attempts"]) == (500, 1)


def test_a_broken_connection_is_tried_again(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    dial("15005550001", ring_url=receiver.answers("/ring", drop=True))
    receiver.wait_for("Ring", 2)
    dial("15005550001", ring_url="http://127.0.0.1:9/ring")
    simulator.wait_idle()
    refused = simulator.ledger()[1]["webhooks"][0]
    assert refused["attempts"] == 2
    assert "cannot connect" in refused["error"]


def test_the_fragment_of_a_url_tunes_its_retries(dial: Dial, receiver: Receiver) -> None:
    receiver.answers("/ring", status=500)
    receiver.answers("/slow", delay=0.3)
    dial(
        "15005550001",
        ring_url=receiver.url("/ring#rc=2&rp=5xx"),
        hangup_url=receiver.url("/slow#rt=100&rc=0"),
    )
    receiver.wait_for("Ring", 3)
    receiver.wait_for("Hangup")
    assert all("#" not in told.url and told.genuine for told in receiver.told)


# Faults


@pytest.mark.parametrize(
    ("rule", "status", "accepted"),
    [
        ({"kind": "error_before", "status": 503}, 503, 0),
        ({"kind": "error_after", "status": 502}, 502, 1),
        ({"kind": "rate_limited"}, 429, 0),
        ({"kind": "unauthorized"}, 401, 0),
        ({"kind": "payment_required"}, 402, 0),
        ({"kind": "bad_json"}, 201, 1),
        ({"kind": "slow", "seconds": 0.2}, 201, 1),
    ],
)
def test_requests_go_wrong_as_told(
    api: Api, simulator: SimulatorClient, rule: dict[str, Any], status: int, accepted: int
) -> None:
    simulator.add_fault(**rule, path="/Call/", method="POST", times=1)
    asked = {"from": CALLER, "to": "15005550002", "answer_url": "http://127.0.0.1:9/"}
    response = api.post("/Call/", **asked)
    assert response.status_code == status
    assert len(simulator.ledger()) == accepted
    if rule["kind"] == "bad_json":
        with pytest.raises(requests.JSONDecodeError):
            response.json()
    assert api.get("/Number/").status_code == 200
    assert simulator.faults()[0]["struck"] == 1
    assert api.post("/Call/", **asked).status_code == 201


def test_a_fault_can_leave_the_customer_in_the_dark(api: Api, simulator: SimulatorClient) -> None:
    asked = {"from": CALLER, "to": "15005550002", "answer_url": "http://127.0.0.1:9/"}
    simulator.add_fault("timeout_after", times=1)
    with pytest.raises(requests.ReadTimeout):
        api.post("/Call/", timeout=0.2, **asked)
    simulator.add_fault("reset_after", times=1)
    with pytest.raises(requests.ConnectionError):
        api.post("/Call/", **asked)
    assert simulator.summary()["duplicate_numbers"] == {"15005550002": 2}


def test_webhooks_are_lost_doubled_and_late_as_told(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.add_fault("webhook_lost", event="Ring")
    simulator.add_fault("webhook_doubled", event="StartApp", copies=5)
    simulator.add_fault("webhook_late", event="Hangup", seconds=20)
    dial("15005550001")
    (hangup,) = receiver.wait_for("Hangup")
    assert receiver.events() == ["StartApp"] * 5 + ["Hangup"]
    assert hangup.at - receiver.told[-2].at > 0.7


def test_a_late_answer_arrives_after_the_end(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.add_fault("webhook_late", event="StartApp", seconds=10)
    dial("15005550007")
    receiver.wait_for("StartApp")
    assert receiver.events() == ["Ring", "Hangup", "StartApp"]
    assert receiver.told[-1].params["CallStatus"] == "in-progress"


def test_a_lost_answer_ends_the_call(dial: Dial, receiver: Receiver, simulator: SimulatorClient) -> None:
    simulator.add_fault("webhook_lost", event="StartApp")
    dial("15005550001")
    (hangup,) = receiver.wait_for("Hangup")
    assert hangup.params["HangupCauseCode"] == "7011"


def test_webhooks_come_in_any_order(dial: Dial, receiver: Receiver, simulator: SimulatorClient) -> None:
    simulator.add_fault("webhook_reordered", seconds=20)
    for number in range(12):
        dial(f"1500{number:03}0007", "<Wait length='100'/>")
    receiver.wait_for("Hangup", 12)
    receiver.wait_for("StartApp", 12)
    receiver.wait_for("Ring", 12)
    orders = {
        tuple(told.event for told in receiver.told if told.params["CallUUID"] == call["call_uuid"])
        for call in simulator.ledger()
    }
    assert len(orders) > 2


def test_webhooks_can_come_before_the_response(
    api: Api, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.add_fault("webhook_before_response")
    api.post("/Call/", **{"from": CALLER, "to": "15005550002", "answer_url": receiver.url("/answer")})
    assert receiver.events() == ["Hangup"]


def test_faults_strike_by_chance_and_the_same_chance_again(simulator: SimulatorClient, api: Api) -> None:
    def statuses() -> list[int]:
        simulator.reset()
        simulator.add_fault("error_before", probability=0.5)
        return [api.get("/Number/").status_code for _ in range(30)]

    first = statuses()
    assert {200, 500} == set(first)
    assert statuses() == first


def test_faults_are_cleared(simulator: SimulatorClient, api: Api) -> None:
    simulator.add_fault("error_before")
    assert api.get("/Number/").status_code == 500
    simulator.clear_faults()
    assert api.get("/Number/").status_code == 200


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kind": "bad_mood"}, "kind must be one of"),
        ({"kind": "slow", "colour": "red"}, "a fault has no colour"),
        ({"kind": "slow", "seconds": "long"}, "seconds must be a number"),
    ],
)
def test_a_fault_without_sense_is_refused(
    simulator: SimulatorClient, rule: dict[str, Any], message: str
) -> None:
    with pytest.raises(SimulatorError, match=message):
        simulator.add_fault(**rule)
    assert simulator.faults() == []


# Settings and ledger


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sped": 2}, "there is no setting sped"),
        ({"speed": 0}, "speed must be above 0"),
        ({"speed": "fast"}, "speed must be a number"),
        ({"answer_rate": 1.5}, "answer_rate must be between 0 and 1"),
        ({"talk_seconds": -1}, "talk_seconds must not be negative"),
        ({"account_timezone": "Mars/Olympus"}, "no such zone"),
    ],
)
def test_settings_without_sense_are_refused(
    simulator: SimulatorClient, changes: dict[str, Any], message: str
) -> None:
    before = simulator.settings()
    with pytest.raises(SimulatorError, match=message):
        simulator.set(**changes)
    assert simulator.settings() == before


def test_speed_can_change_under_way(dial: Dial, receiver: Receiver, simulator: SimulatorClient) -> None:
    simulator.set(speed=1)
    dial("15005550018", "<Wait length='120'/><Hangup/>")
    simulator.set(speed=100)
    (hangup,) = receiver.wait_for("Hangup", seconds=3)
    assert int(hangup.params["Duration"]) == pytest.approx(120, abs=10)


def test_the_summary_shows_what_was_dialed_twice(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    for to in ("15005550026", "15005550026", "15005550126"):
        dial(to, "<Wait length='100'/>", answer_url=receiver.answers(f"/{to}", "<Wait length='1'/><Hangup/>"))
    receiver.wait_for("Hangup", 3)
    summary = simulator.summary()
    assert summary["by_number"] == {"15005550026": 2, "15005550126": 1}
    assert summary["duplicate_numbers"] == {"15005550026": 2}
    assert summary["duplicate_answer_urls"] == {receiver.url("/15005550026"): 2}
    assert summary["overlapping_numbers"] == {"15005550026": 1}
    assert summary["by_cause"] == {"4000": 3}
    assert (summary["calls"], summary["ended"], summary["live"], summary["most_live"]) == (3, 3, 0, 3)


def test_the_ledger_can_be_read_on_from_a_call(dial: Dial, simulator: SimulatorClient) -> None:
    for number in range(4):
        dial(f"1500{number:03}0002")
    assert [call["n"] for call in simulator.ledger(after=2)] == [3, 4]
    assert [call["n"] for call in simulator.ledger(after=1, limit=2)] == [2, 3]
    assert [call["to"] for call in simulator.ledger(number="+15000020002")] == ["15000020002"]


def test_the_ledger_forgets_where_told_to(dial: Dial, receiver: Receiver, simulator: SimulatorClient) -> None:
    simulator.set(ledger_limit=4)
    for number in range(12):
        dial(f"1500{number:03}0002")
    receiver.wait_for("Hangup", 12)
    assert len(simulator.ledger()) <= 5
    assert simulator.summary()["calls"] == 12


def test_a_reset_forgets_everything(dial: Dial, receiver: Receiver, simulator: SimulatorClient) -> None:
    dial("15005550026", "<Wait length='100'/>")
    receiver.wait_for("StartApp")
    simulator.set(speed=3)
    simulator.add_fault("slow")
    simulator.reset()
    assert simulator.ledger() == []
    assert simulator.faults() == []
    assert simulator.settings()["speed"] == 25
    assert simulator.summary()["live"] == 0
    time.sleep(0.1)
    assert receiver.events() == ["Ring", "StartApp"]


def test_the_status_page_can_be_looked_at(simulator: SimulatorClient) -> None:
    page = requests.get(f"{simulator.base_url}/_simulator/", headers={"Accept": "text/html"}, timeout=5)
    assert "<h1>Simulated carrier</h1>" in page.text
    assert simulator.status()["counts"]["calls"] == 0


def test_webhooks_get_through_whatever_the_answer_looks_like(dial: Dial, receiver: Receiver) -> None:
    def empty(told: Told) -> Reply:
        return Reply(status=204)

    dial("15005550001", ring_url=receiver.answers_by("/ring", empty))
    receiver.wait_for("Hangup")
