"""A simulator in a process of its own, fast and without limits, and a customer to call back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import plivo
import plivo.rest.client
import pytest
import requests

from simulator.client import SimulatorClient
from tests.simulator.receiver import AUTH_ID, AUTH_TOKEN, Receiver

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_loop_of_the_browsers() -> Iterator[None]:
    """Playwright keeps an event loop running in the main thread; tests here run loops of their own."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


FIRST_SETTINGS = {
    "speed": 25,
    "calls_per_second": 0,
    "api_limit": 0,
    "record_lag_seconds": 0,
    "setup_seconds": 0.2,
    "no_answer_seconds": 12.0,
    "machine_record_seconds": 20.0,
    "answer_rate": 1.0,
    "machine_share": 0.0,
    "busy_rate": 0.0,
    "reject_rate": 0.0,
    "invalid_rate": 0.0,
    "carrier_error_rate": 0.0,
    "ring_sigma": 0.0,
    "ring_seconds": 2.0,
    "talk_sigma": 0.0,
    "talk_seconds": 20.0,
}
CALLER = "14155550100"


@contextmanager
def running(tmp_path: Path, settings: dict[str, Any], *flags: str) -> Iterator[SimulatorClient]:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(settings))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "simulator", "--port", "0", "--settings", str(path)),
            *("--auth-id", AUTH_ID, "--auth-token", AUTH_TOKEN, *flags),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().split()[-1]
        client = SimulatorClient(address)
        client.wait_healthy()
        yield client
    finally:
        process.terminate()
        code = process.wait(timeout=5)
        process.stdout.close()
    assert code == 0, "the simulator did not exit cleanly"


@pytest.fixture(scope="session")
def _process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorClient]:
    with running(tmp_path_factory.mktemp("simulator"), FIRST_SETTINGS) as client:
        yield client


@pytest.fixture
def simulator(_process: SimulatorClient) -> SimulatorClient:
    _process.reset()
    return _process


@pytest.fixture(scope="session")
def _receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def receiver(_receiver: Receiver, simulator: SimulatorClient) -> Receiver:
    _receiver.clear()
    return _receiver


@pytest.fixture
def sdk(simulator: SimulatorClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[plivo.RestClient]:
    """The carrier's own SDK, pointed at the simulator."""
    base = f"{simulator.base_url}/v1/Account"
    for constant in (
        "PLIVO_API_BASE_URI",
        "API_VOICE_BASE_URI",
        "API_VOICE_BASE_URI_FALLBACK_1",
        "API_VOICE_BASE_URI_FALLBACK_2",
    ):
        monkeypatch.setattr(plivo.rest.client, constant, base)
    with plivo.RestClient(AUTH_ID, AUTH_TOKEN) as client:
        yield client


class Api:
    """Bare requests, whose status and body can be looked at."""

    def __init__(self, base_url: str) -> None:
        self.base = f"{base_url}/v1/Account/{AUTH_ID}"
        self.session = requests.Session()
        self.session.auth = (AUTH_ID, AUTH_TOKEN)

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.session.get(self.base + path, params=query, timeout=5)

    def post(self, path: str, timeout: float = 5, **data: Any) -> requests.Response:
        return self.session.post(self.base + path, json=data, timeout=timeout)

    def delete(self, path: str) -> requests.Response:
        return self.session.delete(self.base + path, timeout=5)


@pytest.fixture
def api(simulator: SimulatorClient) -> Iterator[Api]:
    api = Api(simulator.base_url)
    yield api
    api.session.close()


@pytest.fixture
def dial(api: Api, receiver: Receiver) -> Callable[..., str]:
    """Place a call whose answer is `xml`; returns its id."""

    def place(to: str, xml: str = "<Speak>Hello</Speak><Hangup/>", **params: Any) -> str:
        receiver.answers("/answer", xml)
        asked = {
            "from": CALLER,
            "to": to,
            "answer_url": receiver.url("/answer"),
            "ring_url": receiver.url("/ring"),
            "hangup_url": receiver.url("/hangup"),
            **params,
        }
        response = api.post("/Call/", **asked)
        assert response.status_code == 201, response.text
        uuid = response.json()["request_uuid"]
        assert isinstance(uuid, str)
        return uuid

    return place
