"""A call's life as the customer sees it: API, webhooks, records, ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import plivo
import pytest
from plivo.exceptions import AuthenticationError, ResourceNotFoundError, ValidationError

from simulator.client import SimulatorClient
from tests.simulator.conftest import CALLER, Api
from tests.simulator.receiver import Receiver

Dial = Callable[..., str]


def test_a_call_rings_is_answered_and_hangs_up(
    sdk: plivo.RestClient, receiver: Receiver, simulator: SimulatorClient
) -> None:
    answer = receiver.answers("/answer", "<Speak>Hello</Speak><Hangup/>")
    placed = sdk.calls.create(
        from_=CALLER,
        to_="+15005550001",
        answer_url=answer,
        ring_url=receiver.url("/ring"),
        hangup_url=receiver.url("/hangup"),
    )
    assert placed["message"] == "call fired"
    (hangup,) = receiver.wait_for("Hangup")
    assert receiver.events() == ["Ring", "StartApp", "Hangup"]
    assert [told.path for told in receiver.told] == ["/ring", "/answer", "/hangup"]
    assert [told.params["CallStatus"] for told in receiver.told] == ["ringing", "in-progress", "completed"]
    assert {told.params["CallUUID"] for told in receiver.told} == {placed["request_uuid"]}
    assert all(told.genuine for told in receiver.told)
    params = hangup.params
    assert (params["From"], params["To"], params["Direction"]) == (CALLER, "15005550001", "outbound")
    assert (params["HangupCauseCode"], params["HangupCauseName"]) == ("4000", "Normal Hangup")
    assert params["HangupSource"] == "Answer XML"
    assert params["HangupCause"] == "NORMAL_CLEARING"
    assert params.keys() >= {
        *("Duration", "BillDuration", "TotalCost", "BillRate", "StartTime", "AnswerTime", "EndTime"),
        *("SessionStart", "RequestUUID", "ALegUUID", "ParentAuthID", "STIRVerification"),
    }
    simulator.wait_idle()
    (entry,) = simulator.ledger()
    assert [webhook["event"] for webhook in entry["webhooks"]] == ["Ring", "StartApp", "Hangup"]
    assert {webhook["status"] for webhook in entry["webhooks"]} == {200}
    assert entry["webhooks"][2]["params"] == params


def test_webhooks_with_a_query_or_by_get_are_signed_too(dial: Dial, receiver: Receiver) -> None:
    dial(
        "15005550001",
        answer_url=receiver.url("/answer?name=Zo%20e&b=2&a=1"),
        answer_method="GET",
        ring_url=receiver.url("/ring?x=1&a=%2Fpath"),
        hangup_url=receiver.url("/hangup?y=2&empty="),
        hangup_method="GET",
    )
    receiver.wait_for("Hangup")
    assert [told.method for told in receiver.told] == ["POST", "GET", "GET"]
    assert all(told.genuine for told in receiver.told)


def test_hangup_goes_to_the_answer_url_where_no_other_is_given(dial: Dial, receiver: Receiver) -> None:
    dial("15005550002", hangup_url=None, ring_url=None)
    (hangup,) = receiver.wait_for("Hangup")
    assert hangup.path == "/answer"


def test_sip_headers_come_back_in_webhooks(dial: Dial, receiver: Receiver) -> None:
    dial("15005550001", sip_headers="Order=77,Kind=a")
    (ring,) = receiver.wait_for("Ring")
    assert (ring.params["X-PH-Order"], ring.params["X-PH-Kind"]) == ("77", "a")


@pytest.mark.parametrize(
    ("missing", "message"),
    [("to", "to parameter not present"), ("from", "from parameter"), ("answer_url", "answer_url parameter")],
)
def test_a_call_without_what_it_needs_is_refused(api: Api, missing: str, message: str) -> None:
    params = {"from": CALLER, "to": "15005550001", "answer_url": "http://127.0.0.1:9/"}
    response = api.post("/Call/", **{**params, missing: ""})
    assert response.status_code == 400
    assert message in response.json()["error"]
    assert response.json()["api_id"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"answer_url": "ftp://x/"},
        {"answer_method": "PUT"},
        {"to": "nobody"},
        {"to": CALLER},
        {"caller_name": "x" * 51},
        {"ring_timeout": -1},
        {"time_limit": "soon"},
        {"machine_detection": "perhaps"},
        {"machine_detection_time": 1000},
        {"machine_detection_silence": 9999},
        {"to": "<".join(str(15005000000 + n) for n in range(1001))},
    ],
)
def test_parameters_out_of_their_range_are_refused(
    api: Api, wrong: dict[str, Any], simulator: SimulatorClient
) -> None:
    params = {"from": CALLER, "to": "15005550001", "answer_url": "http://127.0.0.1:9/", **wrong}
    assert api.post("/Call/", **params).status_code == 400
    assert simulator.ledger() == []


def test_wrong_credentials_are_told(sdk: plivo.RestClient, api: Api) -> None:
    sdk.session.auth = (sdk.session.auth[0], "wrong")
    with pytest.raises(AuthenticationError):
        sdk.calls.live_call_list_ids()
    assert api.session.get(f"{api.base[:-1]}X/Call/", timeout=5).status_code == 401


def test_one_request_can_call_many(dial: Dial, api: Api, receiver: Receiver) -> None:
    receiver.answers("/answer", "<Hangup/>")
    response = api.post(
        "/Call/", **{"from": CALLER, "to": "15005550001<15005550101", "answer_url": receiver.url("/answer")}
    )
    assert len(response.json()["request_uuid"]) == 2
    assert {told.params["To"] for told in receiver.wait_for("Hangup", 2)} == {"15005550001", "15005550101"}


def test_a_live_call_is_listed_and_can_be_hung_up(
    dial: Dial, sdk: plivo.RestClient, receiver: Receiver
) -> None:
    uuid = dial("15005550018", "<Wait length='100'/>")
    receiver.wait_for("StartApp")
    assert uuid in sdk.calls.live_call_list_ids()["calls"]
    live = sdk.calls.live_call_get(uuid)
    assert (live["call_status"], live["to"]) == ("in-progress", "15005550018")
    with pytest.raises(ResourceNotFoundError):
        sdk.calls.get(uuid)
    with pytest.raises(ResourceNotFoundError):
        sdk.calls.queued_call_get(uuid)
    sdk.calls.hangup(uuid)
    (hangup,) = receiver.wait_for("Hangup")
    assert (hangup.params["HangupCauseCode"], hangup.params["HangupSource"]) == ("4000", "API Request")
    assert sdk.calls.live_call_list_ids()["calls"] == []
    with pytest.raises(ResourceNotFoundError):
        sdk.calls.hangup(uuid)


def test_a_call_hung_up_while_ringing_was_canceled(
    dial: Dial, sdk: plivo.RestClient, receiver: Receiver
) -> None:
    uuid = dial("15005550029")
    receiver.wait_for("Ring")
    sdk.calls.hangup(uuid)
    (hangup,) = receiver.wait_for("Hangup")
    assert (hangup.params["HangupCauseCode"], hangup.params["CallStatus"]) == ("1000", "cancel")
    assert hangup.params["Duration"] == "0"


def test_records_tell_of_ended_calls(dial: Dial, sdk: plivo.RestClient, receiver: Receiver) -> None:
    dial("15005550002")
    uuid = dial("15005550001", "<Wait length='12'/><Hangup/>")
    receiver.wait_for("Hangup", 2)
    record = sdk.calls.get(uuid)
    assert record["call_uuid"] == uuid
    assert record["call_duration"] == record["bill_duration"] == pytest.approx(12, abs=2)
    assert (record["hangup_cause_code"], record["hangup_source"]) == (4000, "Answer XML")
    assert (record["from_number"], record["to_number"]) == (CALLER, "15005550001")
    assert record["call_direction"] == "outbound"
    assert record["total_amount"] == "0.01000"
    assert record["answer_time"].endswith("+00:00")
    listing = sdk.calls.list(to_number="15005550001", limit=20)
    assert [call["call_uuid"] for call in listing.objects] == [uuid]
    busy = sdk.calls.list(hangup_cause_code=3010)
    assert [call["to_number"] for call in busy.objects] == ["15005550002"]


def test_records_are_paged_and_filtered_by_time(api: Api, dial: Dial, receiver: Receiver) -> None:
    before = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 2))
    for number in range(5):
        dial(f"1500{number:03}0002")
    receiver.wait_for("Hangup", 5)
    page = api.get("/Call/", limit=2, offset=2).json()
    assert len(page["objects"]) == 2
    assert page["meta"]["total_count"] == 5
    assert "offset=4" in page["meta"]["next"]
    assert "offset=0" in page["meta"]["previous"]
    assert api.get("/Call/", end_time__gte=before).json()["meta"]["total_count"] == 5
    assert api.get("/Call/", end_time__lte=before).json()["meta"]["total_count"] == 0
    assert api.get("/Call/", from_number="+19998887777").json()["meta"]["total_count"] == 0
    assert api.get("/Call/", limit=21).status_code == 400
    assert api.get("/Call/", end_time__gte="yesterday").status_code == 400


def test_records_lag_behind(dial: Dial, api: Api, receiver: Receiver, simulator: SimulatorClient) -> None:
    simulator.set(record_lag_seconds=10)  # half a real second
    uuid = dial("15005550002")
    receiver.wait_for("Hangup")
    assert api.get(f"/Call/{uuid}/").status_code == 404
    assert api.get(f"/Call/{uuid}/", status="live").status_code == 404
    assert api.get("/Call/", to_number="15005550002").json()["objects"] == []
    time.sleep(0.6)
    assert api.get(f"/Call/{uuid}/").status_code == 200


def test_records_are_in_the_accounts_time_zone(
    dial: Dial, sdk: plivo.RestClient, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.set(account_timezone="Asia/Kolkata")
    uuid = dial("15005550002")
    receiver.wait_for("Hangup")
    assert sdk.calls.get(uuid)["end_time"].endswith("+05:30")
    assert sdk.calls.get(uuid)["answer_time"] is None


def test_ring_timeout_and_time_limit_are_kept(dial: Dial, receiver: Receiver) -> None:
    dial("15005550029", ring_timeout=5)
    (hangup,) = receiver.wait_for("Hangup")
    assert (hangup.params["HangupCauseCode"], hangup.params["CallStatus"]) == ("6010", "timeout")
    dial("15005550018", "<Wait length='1000'/>", time_limit=6)
    hangup = receiver.wait_for("Hangup", 2)[1]
    assert (hangup.params["HangupCauseCode"], hangup.params["HangupCauseName"]) == (
        "6000",
        "Scheduled Hangup",
    )
    assert hangup.params["Duration"] == "6"


def test_a_call_can_be_ended_as_it_rings(dial: Dial, receiver: Receiver) -> None:
    dial("15005550001", hangup_on_ring=True)
    receiver.wait_for("Hangup")
    assert receiver.events() == ["Ring", "Hangup"]


def test_a_machine_is_told_of_only_where_asked(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    simulator.set(speed=80)
    dial("15005550006", "<Wait length='20'/><Hangup/>", machine_detection="true")
    receiver.wait_for("Hangup")
    assert "MachineDetection" not in receiver.events()
    assert receiver.told[1].params["Machine"] == "true"  # nowhere to call back: the answer says it
    receiver.clear()
    detection = {"machine_detection": "true", "machine_detection_url": receiver.url("/machine")}
    dial("15005550006", "<Wait length='20'/><Hangup/>", **detection)
    (machine,) = receiver.wait_for("MachineDetection")
    assert machine.params["Machine"] == "true"
    assert machine.genuine
    receiver.wait_for("Hangup")
    receiver.clear()
    dial("15005550001", "<Wait length='20'/><Hangup/>", **detection)
    receiver.wait_for("Hangup")
    assert "MachineDetection" not in receiver.events()


def test_machine_detection_can_hang_up(dial: Dial, receiver: Receiver) -> None:
    dial("15005550006", "<Wait length='100'/>", machine_detection="hangup")
    (hangup,) = receiver.wait_for("Hangup")
    assert (hangup.params["HangupCauseCode"], hangup.params["HangupSource"]) == ("9100", "Plivo")


def test_a_call_is_transferred(dial: Dial, sdk: plivo.RestClient, receiver: Receiver) -> None:
    uuid = dial("15005550018", "<Wait length='1000'/>")
    receiver.wait_for("StartApp")
    moved = sdk.calls.transfer(
        uuid, legs="aleg", aleg_url=receiver.answers("/moved", "<Wait length='2'/><Hangup/>")
    )
    assert moved["message"] == "call transferred"
    (hangup,) = receiver.wait_for("Hangup")
    assert receiver.events("/moved") == ["StartApp"]
    assert hangup.params["HangupSource"] == "Answer XML"


def test_a_call_is_transferred_only_so_often(dial: Dial, api: Api, receiver: Receiver) -> None:
    uuid = dial("15005550018", "<Wait length='1000'/>")
    receiver.wait_for("StartApp")
    url = receiver.url("/answer")
    statuses = [api.post(f"/Call/{uuid}/", legs="aleg", aleg_url=url).status_code for _ in range(71)]
    assert statuses == [202] * 70 + [400]


def test_a_call_can_be_recorded_by_the_api(dial: Dial, sdk: plivo.RestClient, receiver: Receiver) -> None:
    uuid = dial("15005550018", "<Wait length='10'/><Hangup/>")
    receiver.wait_for("StartApp")
    started = sdk.calls.start_recording(uuid, callback_url=receiver.url("/recorded"))
    receiver.wait_for("", path="/recorded")
    (told,) = [told for told in receiver.told if told.path == "/recorded"]
    assert told.genuine
    assert told.params["recording_id"] == started["recording_id"]
    assert told.params["record_url"] == started["url"]
    assert "CallUUID" not in told.params
    assert [item.recording_id for item in sdk.recordings.list(call_uuid=uuid)] == [started["recording_id"]]
    assert sdk.recordings.get(started["recording_id"]).recording_url == started["url"]


def test_sound_and_digits_are_accepted_on_a_live_call_only(
    dial: Dial, api: Api, receiver: Receiver, simulator: SimulatorClient
) -> None:
    uuid = dial("15005550018", "<Wait length='1000'/>")
    receiver.wait_for("StartApp")
    assert api.post(f"/Call/{uuid}/Play/", urls="http://x/a.mp3").status_code == 202
    assert api.post(f"/Call/{uuid}/Speak/", text="Hello").status_code == 202
    assert api.post(f"/Call/{uuid}/DTMF/", digits="12").status_code == 202
    assert api.delete(f"/Call/{uuid}/Play/").status_code == 204
    assert simulator.ledger()[0]["notes"] == ["played: http://x/a.mp3", "spoken: Hello", "digits sent: 12"]
    assert api.post("/Call/none/DTMF/", digits="1").status_code == 404


def test_the_account_and_what_it_owns_can_be_looked_at(sdk: plivo.RestClient) -> None:
    assert float(sdk.account.get().cash_credits) == 100
    assert CALLER in [number.number for number in sdk.numbers.list().objects]
    assert sdk.numbers.get(CALLER).voice_enabled is True
    endpoint = sdk.endpoints.create(username="ana", password="secret", alias="Ana")
    assert endpoint["username"].startswith("ana")
    assert len(endpoint["username"]) == len("ana") + 12
    assert sdk.applications.list()["objects"] == []
    assert sdk.token.create(iss="MATESTACCOUNTOFTESTS")["token"].count(".") == 2
    with pytest.raises(ResourceNotFoundError):
        sdk.numbers.get("15550001111")


def test_a_text_is_queued_sent_and_delivered(
    sdk: plivo.RestClient, receiver: Receiver, simulator: SimulatorClient
) -> None:
    sent = sdk.messages.create(src=CALLER, dst="15005551234", text="Hello " * 40, url=receiver.url("/status"))
    receiver.wait_for("", 3, path="/status")
    assert [told.params["Status"] for told in receiver.told] == ["queued", "sent", "delivered"]
    assert all(told.genuine for told in receiver.told)
    assert {told.params["MessageUUID"] for told in receiver.told} == set(sent.message_uuid)
    assert receiver.told[0].params["Units"] == "2"
    (entry,) = simulator.messages()
    assert (entry["status"], entry["units"]) == ("delivered", 2)
    with pytest.raises(ValidationError):
        sdk.messages.create(src=CALLER, dst="nobody", text="Hello")


def test_a_text_to_somebody_opted_out_fails(sdk: plivo.RestClient, receiver: Receiver) -> None:
    sdk.messages.create(src=CALLER, dst="15005550019", text="Hello", url=receiver.url("/status"))
    receiver.wait_for("", 2, path="/status")
    assert (receiver.told[-1].params["Status"], receiver.told[-1].params["ErrorCode"]) == ("failed", "200")
