"""The process itself, its parts without a network, and the lean HTTP client."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plivo.utils import validate_v3_signature

from simulator.clock import Clock
from simulator.connections import Connections, ReadTimeout, Response, Unreachable, target_of
from simulator.messages import segments
from simulator.settings import InvalidSetting, Settings
from simulator.signature import Signer
from tests.simulator.conftest import FIRST_SETTINGS, ROOT, running

# The process


def test_it_can_be_configured_by_the_environment_and_flags(tmp_path: Path) -> None:
    with running(tmp_path, FIRST_SETTINGS, "--seed", "5", "--calls-per-second", "3") as client:
        settings = client.settings()
        assert (settings["seed"], settings["calls_per_second"], settings["speed"]) == (5, 3.0, 25.0)


def test_wrong_settings_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"anser_rate": 1}')
    result = subprocess.run(
        [sys.executable, "-m", "simulator", "--settings", str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=10,
    )
    assert result.returncode == 2
    assert result.stderr == "simulator: there is no setting anser_rate\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_and_idles_quietly(number: int) -> None:
    environment = {**os.environ, "SIMULATOR_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator"], stdout=subprocess.PIPE, cwd=ROOT, env=environment
    )
    assert process.stdout is not None
    process.stdout.readline()
    before = sum(psutil.Process(process.pid).cpu_times()[:2])
    time.sleep(0.5)
    assert sum(psutil.Process(process.pid).cpu_times()[:2]) - before < 0.05
    process.send_signal(number)
    assert process.wait(timeout=5) == 0
    process.stdout.close()


def test_it_knows_nothing_of_the_product() -> None:
    check = "import sys, simulator.__main__; print([m for m in sys.modules if m.split('.')[0] in %r])"
    apart = ("django", "plivo", "campaigns", "contacts", "dialer", "config")
    result = subprocess.run(
        [sys.executable, "-c", check % (apart,)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert result.stdout == "[]\n"


# Signatures

ascii_text = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
pairs = st.dictionaries(ascii_text, st.text(max_size=12), max_size=5)
queries = st.sampled_from(["", "?a=1", "?b=2&a=1", "?a=b%20c&z=", "?a=1&a=0"])


@given(pairs, queries)
def test_every_form_post_is_signed_as_the_sdk_expects(params: dict[str, str], query: str) -> None:
    url = f"http://example.com:8000/hooks/1/{query}"
    signature, nonce = Signer("secret").post(url, params.items())
    assert validate_v3_signature("POST", url, nonce, "secret", signature, dict(params))
    assert not validate_v3_signature("POST", url, nonce, "other", signature, dict(params))


@given(queries)
def test_every_get_is_signed_as_the_sdk_expects(query: str) -> None:
    url = f"http://example.com/hooks/1/{query}"
    signature, nonce = Signer("secret").get(url)
    assert validate_v3_signature("GET", url, nonce, "secret", signature)


# Settings


@given(
    st.dictionaries(
        st.sampled_from([*Settings().as_json(), "nonsense"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text())),
        max_size=3,
    )
)
def test_settings_are_taken_or_refused_with_a_reason(changes: dict[str, Any]) -> None:
    settings, reason = Settings(), ""
    try:
        settings = settings.updated(changes)
    except InvalidSetting as refused:
        reason = str(refused)
    assert settings.speed > 0
    assert reason or settings.as_json().keys() >= changes.keys()


# Time


def on_a_clock(work: Callable[[Clock], Coroutine[Any, Any, None]], speed: float) -> None:
    async def run() -> None:
        await work(Clock(speed))

    asyncio.run(run())


def test_timers_ring_in_order_and_canceled_ones_never() -> None:
    rung: list[str] = []

    async def work(clock: Clock) -> None:
        clock.call_later(3, rung.append, "third")
        clock.call_later(1, rung.append, "first")
        clock.call_later(2, rung.append, "canceled").cancel()
        clock.call_later(2, rung.append, "second")
        await clock.sleep(4)

    on_a_clock(work, 100)
    assert rung == ["first", "second", "third"]


def test_a_change_of_speed_moves_timers_that_wait() -> None:
    async def work(clock: Clock) -> None:
        began = time.monotonic()
        asyncio.get_running_loop().call_later(0.05, setattr, clock, "speed", 1000)
        await clock.sleep(100)
        assert time.monotonic() - began < 0.5
        assert clock.now() >= 100

    on_a_clock(work, 1)


# The HTTP client


def asked_of(replies: list[bytes], requests: int, *, timeout: float = 0.5) -> list[Response | str]:
    """What the client makes of raw replies, one a request, sent in small pieces."""
    made: list[Response | str] = []

    serving: list[asyncio.Task[Any] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        while replies:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            raw = replies.pop(0)
            for start in range(0, len(raw), 7):
                writer.write(raw[start : start + 7])
                await writer.drain()
            if b"..." in raw:
                await asyncio.sleep(timeout * 2)
            if b"lose" in raw or not raw:
                break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        target = target_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        connections = Connections()
        for _ in range(requests):
            try:
                made.append(
                    await connections.request(
                        target,
                        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                        connect_timeout=1,
                        read_timeout=timeout,
                    )
                )
            except (Unreachable, ReadTimeout) as error:
                made.append(type(error).__name__)
        connections.close()
        server.close()
        await asyncio.gather(*(task for task in serving if task))

    asyncio.run(run())
    return made


def test_answers_are_read_however_they_are_framed() -> None:
    replies = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
        b"HTTP/1.0 200 OK\r\n\r\nold and closed",
    ]
    assert asked_of(replies, 6) == [
        Response(200, b"hello"),
        Response(200, b"hello"),
        Response(204, b""),
        Response(201, b""),
        Response(200, b"to the end"),
        Response(200, b"old and closed"),
    ]


def test_a_kept_connection_that_was_closed_is_replaced() -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert asked_of([ok, b"", ok], 2) == [Response(200, b""), Response(200, b"")]


def test_a_broken_answer_is_no_answer() -> None:
    assert asked_of([b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nlose"], 1) == ["Unreachable"]
    assert asked_of([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n..."], 1, timeout=0.1) == ["ReadTimeout"]


# Texts


@pytest.mark.parametrize(
    ("character", "length", "parts"),
    [("a", 160, 1), ("a", 161, 2), ("€", 80, 1), ("€", 81, 2), ("ł", 70, 1), ("ł", 71, 2), ("🙂", 36, 2)],
)
def test_texts_are_split_as_networks_do(character: str, length: int, parts: int) -> None:
    assert segments(character * length) == parts
