"""Audio streams, the demo assistant, and recordings of what was said."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
import requests
from aiohttp import web
from plivo.utils import validate_v3_signature

from simulator.client import SimulatorClient
from tests.simulator.conftest import Api
from tests.simulator.receiver import AUTH_TOKEN, Receiver, Reply, Told
from tests.simulator.sockets import Bot

Dial = Callable[..., str]
TOKEN = "c0ffee"


def stream(url: str, extra: str = "", **attributes: str) -> str:
    more = "".join(f" {name}='{value}'" for name, value in attributes.items())
    return (
        "<Stream bidirectional='true' keepCallAlive='true' contentType='audio/x-mulaw;rate=8000'"
        f" extraHeaders='{extra}'{more}>{url}</Stream><Hangup/>"
    )


# The protocol


def test_a_stream_speaks_the_carriers_protocol(dial: Dial, receiver: Receiver) -> None:
    heard: list[dict[str, Any]] = []

    async def talk(socket: web.WebSocketResponse) -> None:
        for _ in range(3):
            heard.append(await socket.receive_json())
        second = "f" * 10668  # a second of mu-law, in base64
        media = {"contentType": "audio/x-mulaw", "sampleRate": 8000, "payload": second}
        await socket.send_json({"event": "playAudio", "media": media})
        await socket.send_json({"event": "checkpoint", "streamId": "s", "name": "first"})
        while heard[-1]["event"] == "media":
            heard.append(await socket.receive_json())
        await socket.send_json({"event": "checkpoint", "streamId": "s", "name": "second"})
        await socket.send_json({"event": "clearAudio", "streamId": "s"})
        while heard[-1]["event"] != "clearedAudio":
            heard.append(await socket.receive_json())

    with Bot(talk) as bot:
        uuid = dial(
            "15005550018",
            stream(bot.url, "call=7,callback=http%3A%2F%2Fx", statusCallbackUrl=receiver.url("/stream")),
        )
        (hangup,) = receiver.wait_for("Hangup")
        receiver.wait_for("StopStream")
    start, first, second = heard[:3]
    assert start["event"] == "start"
    assert start["start"]["callId"] == uuid
    assert start["start"]["tracks"] == ["inbound"]
    assert start["start"]["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000}
    assert start["extra_headers"] == "call=7;callback=http%3A%2F%2Fx"
    assert (first["event"], first["media"]["track"], first["media"]["chunk"]) == ("media", "inbound", 1)
    assert second["streamId"] == start["start"]["streamId"]
    played = [message["name"] for message in heard if message["event"] == "playedStream"]
    assert "first" in played
    assert heard[-1]["event"] == "clearedAudio"
    assert hangup.params["HangupCauseCode"] == "4000"
    events = [told for told in receiver.told if told.path == "/stream"]
    assert [told.event for told in events] == ["StartStream", "StopStream"]
    assert {told.params["StreamID"] for told in events} == {start["start"]["streamId"]}


def test_the_upgrade_is_signed(dial: Dial, receiver: Receiver) -> None:
    async def leave(socket: web.WebSocketResponse) -> None:
        await socket.receive_json()

    with Bot(leave) as bot:
        dial("15005550018", stream(bot.url + "?a=1"))
        receiver.wait_for("Hangup")
        headers = bot.headers[0]
        assert validate_v3_signature(
            "GET",
            (bot.url + "?a=1").replace("ws://", "http://"),
            headers["X-Plivo-Signature-V3-Nonce"],
            AUTH_TOKEN,
            headers["X-Plivo-Signature-V3"],
        )


def test_twenty_millisecond_frames_can_be_had(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.set(speed=1, media_every_ms=20, setup_seconds=0)
    frames: list[dict[str, Any]] = []

    async def listen(socket: web.WebSocketResponse) -> None:
        await socket.receive_json()
        for _ in range(5):
            frames.append(await socket.receive_json())

    with Bot(listen) as bot:
        simulator.set(steady_numbers=["15005550100"])
        dial("15005550100", stream(bot.url))
        receiver.wait_for("Hangup")
    assert {len(frame["media"]["payload"]) for frame in frames} == {216}  # 160 bytes


def test_keys_pressed_are_heard_by_the_assistant(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    heard: list[dict[str, Any]] = []

    async def listen(socket: web.WebSocketResponse) -> None:
        while len(heard) < 3:
            message = await socket.receive_json()
            if message["event"] != "media":
                heard.append(message)

    with Bot(listen) as bot:
        uuid = dial("15005550018", stream(bot.url, statusCallbackUrl=receiver.url("/stream")))
        receiver.wait_for("StartStream")
        simulator.press(uuid, "1#")
        receiver.wait_for("Hangup")
    assert [message["dtmf"]["digit"] for message in heard[1:]] == ["1", "#"]


def test_a_socket_that_cannot_be_reached_is_dropped(dial: Dial, receiver: Receiver) -> None:
    dial("15005550018", stream("ws://127.0.0.1:9/", statusCallbackUrl=receiver.url("/stream")))
    (hangup,) = receiver.wait_for("Hangup")
    assert hangup.params["HangupCauseCode"] == "4000"
    assert receiver.events("/stream") == ["DroppedStream"]


def test_a_transfer_waits_for_the_stream_to_end(dial: Dial, api: Api, receiver: Receiver) -> None:
    async def listen(socket: web.WebSocketResponse) -> None:
        async for _ in socket:
            pass

    with Bot(listen) as bot:
        uuid = dial("15005550018", stream(bot.url, statusCallbackUrl=receiver.url("/stream")))
        receiver.wait_for("StartStream")
        moved = receiver.answers("/moved", "<Hangup reason='busy'/>")
        assert api.post(f"/Call/{uuid}/", legs="aleg", aleg_url=moved).status_code == 202
        assert receiver.events("/moved") == []
        assert api.delete(f"/Call/{uuid}/Stream/").status_code == 204
        (hangup,) = receiver.wait_for("Hangup")
    assert hangup.params["HangupCauseCode"] == "3010"


def test_the_api_starts_and_stops_a_stream(dial: Dial, api: Api, receiver: Receiver) -> None:
    async def listen(socket: web.WebSocketResponse) -> None:
        async for _ in socket:
            pass

    with Bot(listen) as bot:
        uuid = dial("15005550018", "<Wait length='1000'/>")
        receiver.wait_for("StartApp")
        asked = {"service_url": bot.url, "status_callback_url": receiver.url("/stream")}
        stream_id = api.post(f"/Call/{uuid}/Stream/", **asked).json()["stream_id"]
        receiver.wait_for("StartStream")
        assert api.get(f"/Call/{uuid}/Stream/").json()["objects"][0]["stream_id"] == stream_id
        assert api.post(f"/Call/{uuid}/Stream/", **asked).status_code == 409
        assert api.delete(f"/Call/{uuid}/Stream/{stream_id}/").status_code == 204
        receiver.wait_for("StopStream")


# The demo assistant


def assistant_xml(simulator: SimulatorClient, receiver: Receiver) -> str:
    callback = quote(receiver.url("/assistant/9"), safe="")
    url = f"{simulator.base_url.replace('http', 'ws')}/assistant/grace/"
    return stream(url, f"call=9,callback={callback},token={TOKEN}")


def conversation_with(
    digits: str, dial: Dial, receiver: Receiver, simulator: SimulatorClient, **context: Any
) -> tuple[dict[str, Any], dict[str, str], str]:
    """What the assistant reported, the hang-up, and the call's id."""
    about = {
        "call": "9",
        "campaign": "Spring renewals",
        "prompt": "Be kind.",
        "contact": {"first_name": "Anna", "last_name": "Berg", "phone_number": "+15005550000"},
        **context,
    }
    receiver.answers_by(
        "/assistant/9",
        lambda told: Reply(body=json.dumps(about)) if told.method == "GET" else Reply(status=204),
    )
    xml = f"<Record recordSession='true' callbackUrl='{receiver.url('/recorded')}'/>"
    uuid = dial(f"1500555{digits}", xml + assistant_xml(simulator, receiver))
    (hangup,) = receiver.wait_for("Hangup", seconds=15)
    receiver.wait_for("", 2, path="/assistant/9")
    (report,) = [told for told in receiver.told if told.path == "/assistant/9" and told.method == "POST"]
    assert report.headers["Authorization"] == f"Bearer {TOKEN}"
    return json.loads(report.raw), hangup.params, uuid


@pytest.mark.parametrize(
    ("digits", "disposition", "outcome"),
    [
        ("0021", "interested", "completed"),
        ("0022", "not_interested", "completed"),
        ("0020", "callback", "completed"),
        ("0019", "do_not_call", "completed"),
        ("0023", "no_decision", "unsuccessful"),
        ("0006", "voicemail", "unsuccessful"),
    ],
)
def test_the_assistant_reports_what_the_contact_wanted(
    dial: Dial,
    receiver: Receiver,
    simulator: SimulatorClient,
    digits: str,
    disposition: str,
    outcome: str,
) -> None:
    simulator.set(speed=60)
    report, hangup, _ = conversation_with(digits, dial, receiver, simulator)
    assert (report["disposition"], report["outcome"]) == (disposition, outcome)
    assert report["summary"]
    assert any("Anna" in turn["text"] for turn in report["transcript"])
    speakers = {turn["speaker"] for turn in report["transcript"]}
    assert speakers == ({"assistant"} if digits == "0023" else {"assistant", "contact"})
    if disposition == "callback":
        assert datetime.fromisoformat(report["callback_at"]).tzinfo
    else:
        assert report["callback_at"] is None
    assert hangup["HangupSource"] == "Answer XML"  # the assistant closed its socket, and the XML went on


def test_transcript_talk_time_and_recording_agree(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    report, hangup, _ = conversation_with("0021", dial, receiver, simulator)
    turns = report["transcript"]
    assert len(turns) >= 6
    for turn, following in pairwise(turns):
        assert 0 <= turn["start_ms"] < turn["end_ms"] <= following["start_ms"]
    assert turns[-1]["end_ms"] / 1000 <= int(hangup["Duration"]) + 1
    assert int(hangup["Duration"]) - turns[-1]["end_ms"] / 1000 < 5
    (recorded,) = receiver.wait_for("", path="/recorded")
    assert int(recorded.params["RecordingDuration"]) == pytest.approx(int(hangup["Duration"]), abs=1)
    sound = requests.get(recorded.params["RecordUrl"], timeout=5)
    with wave.open(io.BytesIO(sound.content)) as file:
        assert file.getnframes() / 8000 == pytest.approx(int(recorded.params["RecordingDurationMs"]) / 1000)
        first = turns[1]
        file.setpos(first["start_ms"] * 8)
        assert any(file.readframes((first["end_ms"] - first["start_ms"]) * 8))
    assert simulator.ledger()[0]["turns"] == turns


def test_a_contact_who_leaves_midway_is_reported_so_far(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    report, hangup, _ = conversation_with("0007", dial, receiver, simulator)
    assert (report["disposition"], report["outcome"]) == ("no_decision", "unsuccessful")
    assert 1 <= len(report["transcript"]) <= 3
    assert report["transcript"][-1]["end_ms"] <= 2600
    assert hangup["HangupSource"] == "Callee"


def test_an_assistant_without_context_talks_all_the_same(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    tries = []

    def reply(told: Told) -> Reply:
        tries.append(told.method)
        return Reply(status=204 if len(tries) > 2 else 503)

    receiver.answers_by("/assistant/9", reply)
    dial("15005550019", assistant_xml(simulator, receiver))
    receiver.wait_for("Hangup", seconds=10)
    assert tries == ["GET", "POST", "POST"]


def test_an_assistant_with_nobody_to_report_to_still_talks(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    url = f"{simulator.base_url.replace('http', 'ws')}/assistant/grace/"
    dial("15005550019", stream(url))
    receiver.wait_for("Hangup", seconds=10)
    assert simulator.ledger()[0]["turns"]


# Recordings


@pytest.fixture
def recording_url(dial: Dial, receiver: Receiver) -> str:
    dial(
        "15005550018",
        f"<Record recordSession='true' callbackUrl='{receiver.url('/recorded')}'/><Wait length='9'/>",
    )
    (told,) = receiver.wait_for("", path="/recorded")
    return told.params["RecordUrl"]


def test_a_recording_can_be_played(recording_url: str) -> None:
    response = requests.get(recording_url, timeout=5)
    assert response.headers["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(response.content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert file.getnframes() / 8000 == pytest.approx(9, abs=0.6)
        sound = file.readframes(file.getnframes())
    assert len(set(sound)) > 100
    assert requests.get(recording_url, timeout=5).content == response.content


def test_a_recording_can_be_read_in_ranges(recording_url: str) -> None:
    whole = requests.get(recording_url, timeout=5).content
    for asked, wanted in (
        ("bytes=0-99", whole[:100]),
        ("bytes=30-70000", whole[30:70001]),
        ("bytes=5000-", whole[5000:]),
        ("bytes=-700", whole[-700:]),
        ("bytes=100-999999999", whole[100:]),
    ):
        part = requests.get(recording_url, headers={"Range": asked}, timeout=5)
        assert part.status_code == 206
        assert part.content == wanted
        assert part.headers["Content-Range"].endswith(f"/{len(whole)}")
    beyond = requests.get(recording_url, headers={"Range": "bytes=999999999-"}, timeout=5)
    assert beyond.status_code == 416
    head = requests.head(recording_url, timeout=5)
    assert int(head.headers["Content-Length"]) == len(whole)


def test_a_recording_deleted_is_gone(recording_url: str, api: Api) -> None:
    recording_id = recording_url.rsplit("/", 1)[1].removesuffix(".wav")
    assert api.get(f"/Recording/{recording_id}/").json()["recording_url"] == recording_url
    assert api.delete(f"/Recording/{recording_id}/").status_code == 204
    assert requests.get(recording_url, timeout=5).status_code == 404
    assert api.get("/Recording/").json()["objects"] == []
