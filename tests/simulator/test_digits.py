"""The last four digits of a number decide what happens."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests

from simulator.client import SimulatorClient
from tests.simulator.conftest import CALLER, Api
from tests.simulator.receiver import Receiver

Dial = Callable[..., str]


@pytest.mark.parametrize(
    ("digits", "code", "status", "events"),
    [
        ("0001", "4000", "completed", ["Ring", "StartApp", "Hangup"]),
        ("0002", "3010", "busy", ["Hangup"]),
        ("0003", "3000", "no-answer", ["Ring", "Hangup"]),
        ("0004", "3020", "busy", ["Ring", "Hangup"]),
        ("0005", "3050", "failed", ["Hangup"]),
        ("0006", "4000", "completed", ["Ring", "StartApp", "Hangup"]),
        ("0008", "3080", "failed", ["Hangup"]),
        ("0018", "4000", "completed", ["Ring", "StartApp", "Hangup"]),
    ],
)
def test_digits_decide_the_outcome(
    dial: Dial, receiver: Receiver, digits: str, code: str, status: str, events: list[str]
) -> None:
    dial(f"1500555{digits}")
    (hangup,) = receiver.wait_for("Hangup")
    assert (hangup.params["HangupCauseCode"], hangup.params["CallStatus"]) == (code, status)
    assert receiver.events() == events


def test_0007_answers_and_leaves_after_two_seconds(dial: Dial, receiver: Receiver) -> None:
    dial("15005550007", "<Wait length='100'/>")
    (hangup,) = receiver.wait_for("Hangup")
    assert (hangup.params["Duration"], hangup.params["HangupSource"]) == ("2", "Callee")


def test_0018_talks_for_ten_minutes(dial: Dial, receiver: Receiver, simulator: SimulatorClient) -> None:
    simulator.set(speed=2000)
    dial("15005550018", "<Wait length='10000'/>")
    (hangup,) = receiver.wait_for("Hangup")
    assert int(hangup.params["Duration"]) == pytest.approx(600, abs=15)


@pytest.mark.parametrize(
    ("digits", "status", "accepted"),
    [("0009", 400, 0), ("0010", 500, 1), ("0011", 500, 0), ("0024", 429, 0), ("0025", 402, 0)],
)
def test_digits_decide_the_response(
    api: Api, receiver: Receiver, simulator: SimulatorClient, digits: str, status: int, accepted: int
) -> None:
    answer = receiver.answers("/answer", "<Hangup/>")
    response = api.post("/Call/", **{"from": CALLER, "to": f"1500555{digits}", "answer_url": answer})
    assert response.status_code == status
    assert response.json()["error"]
    assert len(simulator.ledger()) == accepted
    if accepted:
        receiver.wait_for("Hangup")


def test_0012_accepts_and_never_responds(api: Api, receiver: Receiver, simulator: SimulatorClient) -> None:
    answer = receiver.answers("/answer", "<Hangup/>")
    with pytest.raises(requests.ReadTimeout):
        api.post("/Call/", timeout=0.3, **{"from": CALLER, "to": "15005550012", "answer_url": answer})
    receiver.wait_for("Hangup")
    assert simulator.summary()["by_number"] == {"15005550012": 1}


def test_0013_accepts_and_resets_the_connection(
    api: Api, receiver: Receiver, simulator: SimulatorClient
) -> None:
    answer = receiver.answers("/answer", "<Hangup/>")
    with pytest.raises(requests.ConnectionError):
        api.post("/Call/", **{"from": CALLER, "to": "15005550013", "answer_url": answer})
    receiver.wait_for("Hangup")
    assert simulator.summary()["by_number"] == {"15005550013": 1}


def test_0014_loses_the_hangup(dial: Dial, receiver: Receiver, simulator: SimulatorClient) -> None:
    dial("15005550014")
    receiver.wait_for("StartApp")
    simulator.wait_idle()
    time.sleep(0.1)
    assert receiver.events() == ["Ring", "StartApp"]
    assert simulator.ledger()[0]["hangup_cause_code"] == 4000


def test_0015_tells_everything_twice(dial: Dial, receiver: Receiver) -> None:
    dial("15005550015")
    receiver.wait_for("Hangup", 2)
    assert receiver.events() == ["Ring", "Ring", "StartApp", "StartApp", "Hangup", "Hangup"]


def test_0016_tells_of_the_ring_after_the_end(dial: Dial, receiver: Receiver) -> None:
    dial("15005550016")
    receiver.wait_for("Ring")
    assert receiver.events() == ["StartApp", "Hangup", "Ring"]
    assert receiver.told[-1].params["CallStatus"] == "ringing"


def test_0017_tells_before_it_responds(api: Api, receiver: Receiver) -> None:
    answer = receiver.answers("/answer", "<Hangup/>")
    asked = {"from": CALLER, "to": "15005550017", "answer_url": answer, "ring_url": receiver.url("/ring")}
    api.post("/Call/", **asked)
    assert receiver.events()[:1] == ["Ring"]


def test_0026_stays_until_hung_up_on(dial: Dial, api: Api, receiver: Receiver) -> None:
    uuid = dial("15005550026", "<Wait length='1000'/>")
    receiver.wait_for("StartApp")
    time.sleep(0.3)
    assert api.get(f"/Call/{uuid}/", status="live").status_code == 200


def test_machines_and_people_can_be_mistaken(dial: Dial, receiver: Receiver) -> None:
    detection = {"machine_detection": "true", "machine_detection_url": receiver.url("/machine")}
    dial("15005550027", "<Wait length='10'/>", **detection)
    receiver.wait_for("Hangup")
    assert "MachineDetection" not in receiver.events()
    dial("15005550028", "<Wait length='10'/>", **detection)
    receiver.wait_for("MachineDetection")


def test_digits_mean_nothing_where_switched_off(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.set(forced_digits=False)
    dial("15005550002")
    receiver.wait_for("Hangup")
    assert receiver.events() == ["Ring", "StartApp", "Hangup"]


def test_steady_numbers_answer_and_stay(dial: Dial, receiver: Receiver, simulator: SimulatorClient) -> None:
    simulator.set(steady_numbers=["15005550002"])
    dial("15005550002", "<Wait length='1000'/>")
    receiver.wait_for("StartApp")


def _outcomes(simulator: SimulatorClient, api: Api, numbers: list[int]) -> dict[str, tuple[object, ...]]:
    simulator.reset()
    simulator.set(
        speed=2000, forced_digits=False, answer_rate=0.5, machine_share=0.3, busy_rate=0.2, ring_sigma=0.4
    )
    for number in numbers:
        api.post("/Call/", **{"from": CALLER, "to": str(number), "answer_url": "http://127.0.0.1:9/"})
    return {
        f"{call['to']}/{call['times_called']}": tuple(sorted(call["decided"].items()))
        for call in simulator.ledger()
    }


def test_the_same_seed_gives_the_same_outcomes_in_any_order(simulator: SimulatorClient, api: Api) -> None:
    numbers = [15005551000 + n for n in range(40)] + [15005551000]
    first = _outcomes(simulator, api, numbers)
    assert _outcomes(simulator, api, numbers[::-1]) == first
    assert len(set(first.values())) > 30
    assert first["15005551000/1"] != first["15005551000/2"]
    simulator.reset()


def test_another_seed_gives_others(simulator: SimulatorClient, api: Api) -> None:
    simulator.set(forced_digits=False, answer_rate=0.5)
    decided = []
    for seed in (1, 2):
        simulator.set(seed=seed)
        simulator.reset()
        simulator.set(seed=seed, forced_digits=False, answer_rate=0.5, ring_sigma=0.5)
        for number in range(15):
            asked = {"from": CALLER, "to": str(15005551000 + number), "answer_url": "http://127.0.0.1:9/"}
            api.post("/Call/", **asked)
        decided.append([call["decided"] for call in simulator.ledger()])
    assert decided[0] != decided[1]
