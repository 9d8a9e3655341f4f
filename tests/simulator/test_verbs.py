"""What each XML element does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from plivo import plivoxml

from simulator.client import SimulatorClient, SimulatorError
from tests.simulator.conftest import CALLER, Api
from tests.simulator.receiver import Receiver, Reply, Told

Dial = Callable[..., str]


def ended(receiver: Receiver) -> dict[str, str]:
    return receiver.wait_for("Hangup")[-1].params


@pytest.mark.parametrize(
    ("xml", "seconds"),
    [
        ("<Wait length='5'/>", 5),
        (f"<Speak>{'word ' * 30}</Speak>", 10),
        ("<Speak loop='3'>Fifteen letters</Speak>", 3),
        ("<Play>http://127.0.0.1/a.mp3</Play>", 8),
        ("<DTMF>1234567890</DTMF>", 3),
        ("<PreAnswer><Wait length='3'/></PreAnswer><Wait length='3'/>", 6),
    ],
)
def test_elements_take_their_time_and_the_end_hangs_up(
    dial: Dial, receiver: Receiver, xml: str, seconds: int
) -> None:
    dial("15005550001", xml)
    params = ended(receiver)
    assert (params["HangupCauseCode"], params["HangupSource"]) == ("4010", "Plivo")
    # A busy machine makes them longer, never shorter.
    assert seconds - 1 <= int(params["Duration"]) <= seconds + 5


def test_what_the_sdk_writes_is_understood(dial: Dial, receiver: Receiver) -> None:
    document = plivoxml.ResponseElement()
    document.add(plivoxml.SpeakElement("Hello"))
    document.add(plivoxml.WaitElement(length=2))
    document.add(plivoxml.HangupElement(reason="rejected"))
    receiver.answers("/sdk", body=document.to_string())
    dial("15005550001", answer_url=receiver.url("/sdk"))
    assert ended(receiver)["HangupCauseCode"] == "3020"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "<Response><Speak>unclosed</Response>",
        "<Response><Reject/></Response>",
        "<Reply/>",
        "<Response><Speak></Speak></Response>",
        "<Response><Dial/></Response>",
        "<Response><Stream>http://x/</Stream></Response>",
        "<Response><GetInput><Dial>1</Dial></GetInput></Response>",
        f"<Response><Speak>{'x' * 110_000}</Speak></Response>",
    ],
)
def test_wrong_xml_ends_the_call(dial: Dial, receiver: Receiver, body: str) -> None:
    receiver.answers("/wrong", body=body)
    dial("15005550001", answer_url=receiver.url("/wrong"))
    assert ended(receiver)["HangupCauseName"] == "Invalid Answer XML"


def test_an_answer_url_that_fails_ends_the_call(dial: Dial, receiver: Receiver) -> None:
    receiver.answers("/broken", status=503)
    dial("15005550001", answer_url=receiver.url("/broken"))
    assert ended(receiver)["HangupCauseCode"] == "7011"
    assert receiver.events("/broken") == ["StartApp"]


def test_the_fallback_url_is_asked_instead(dial: Dial, receiver: Receiver) -> None:
    receiver.answers("/broken", status=503)
    dial(
        "15005550001",
        answer_url=receiver.url("/broken"),
        fallback_url=receiver.answers("/fallback", "<Hangup/>"),
    )
    assert ended(receiver)["HangupCauseCode"] == "4000"
    assert receiver.events("/fallback") == ["StartApp"]


def test_redirect_goes_on_elsewhere(dial: Dial, receiver: Receiver) -> None:
    receiver.answers("/next", "<Hangup/>")
    dial("15005550001", f"<Redirect>{receiver.url('/next')}</Redirect><Speak>never</Speak>")
    assert ended(receiver)["HangupSource"] == "Answer XML"
    receiver.clear()
    dial("15005550001", f"<Redirect>{receiver.url('/next')}</Redirect>")
    assert ended(receiver)["HangupCauseCode"] == "8014"


def test_hangup_can_be_scheduled(dial: Dial, receiver: Receiver) -> None:
    dial("15005550001", "<Hangup schedule='5'/><Wait length='30'/>")
    assert ended(receiver)["Duration"] == "5"


def test_a_person_presses_a_key(dial: Dial, receiver: Receiver) -> None:
    action = receiver.answers("/pressed", "<Hangup/>")
    dial(
        "15005550019",
        f"<GetInput action='{action}' inputType='dtmf'><Speak>Press nine</Speak></GetInput>",
    )
    (told,) = receiver.wait_for("", path="/pressed")
    assert (told.params["Digits"], told.params["InputType"]) == ("9", "dtmf")
    assert told.genuine
    ended(receiver)


def test_a_person_says_what_they_want(dial: Dial, receiver: Receiver) -> None:
    action = receiver.answers("/said", "<Hangup/>")
    dial("15005550020", f"<GetInput action='{action}' inputType='speech'><Speak>Yes?</Speak></GetInput>")
    (told,) = receiver.wait_for("", path="/said")
    assert told.params["Speech"] == "call me back later"


def test_nobody_presses_and_the_xml_goes_on(dial: Dial, receiver: Receiver) -> None:
    action = receiver.url("/pressed")
    dial("15005550022", f"<GetInput action='{action}' executionTimeout='5'/><Hangup/>")
    assert 4 <= int(ended(receiver)["Duration"]) <= 10
    assert receiver.events("/pressed") == []


def test_keys_can_be_pressed_by_hand(dial: Dial, receiver: Receiver, simulator: SimulatorClient) -> None:
    action = receiver.answers("/pressed", "<Hangup/>")
    uuid = dial("15005550022", f"<GetInput action='{action}' executionTimeout='60'/>")
    receiver.wait_for("StartApp")
    simulator.press(uuid, "4")
    (told,) = receiver.wait_for("", path="/pressed")
    assert told.params["Digits"] == "4"
    with pytest.raises(SimulatorError, match="digits are"):
        simulator.press(dial("15005550026", "<Wait length='90'/>"), "x")


def test_the_person_can_be_made_to_hang_up(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    uuid = dial("15005550026", "<Wait length='1000'/>")
    receiver.wait_for("StartApp")
    simulator.hang_up(uuid)
    assert ended(receiver)["HangupSource"] == "Callee"


def test_somebody_calls_in(receiver: Receiver, simulator: SimulatorClient) -> None:
    answer = receiver.answers("/inbound", "<Speak>Hello</Speak><Hangup/>")
    simulator.call_in(from_="+15005550001", to=CALLER, answer_url=answer, hangup_url=receiver.url("/hangup"))
    params = ended(receiver)
    assert receiver.events() == ["StartApp", "Hangup"]
    assert (params["Direction"], params["From"], params["To"]) == ("inbound", "15005550001", CALLER)


@pytest.mark.parametrize(("text", "intent"), [("stop ", "optout"), ("Help", "help"), ("Thanks", "")])
def test_somebody_texts_in(receiver: Receiver, simulator: SimulatorClient, text: str, intent: str) -> None:
    uuid = simulator.text_in(from_="+15005550001", to=CALLER, text=text, url=receiver.url("/text"))
    (told,) = receiver.wait_for("", path="/text")
    assert told.genuine
    assert told.params["MessageUUID"] == uuid
    assert (told.params["Text"], told.params["MessageIntent"]) == (text, intent)


def test_a_voicemail_is_waited_for_until_it_beeps(dial: Dial, receiver: Receiver) -> None:
    dial("15005550006", "<Wait length='30' beep='true'/><Hangup/>")
    assert 5 <= int(ended(receiver)["Duration"]) <= 11


def test_an_agent_is_dialed_and_the_action_goes_on(
    dial: Dial, receiver: Receiver, simulator: SimulatorClient
) -> None:
    action = receiver.answers("/after", "<Hangup/>")
    dial(
        "15005550018",
        f"<Dial action='{action}' callbackUrl='{receiver.url('/dial')}' callerId='14155550101'>"
        "<Number>+1 500 555 0007</Number></Dial>",
    )
    (after,) = receiver.wait_for("", path="/after")
    assert after.params["DialStatus"] == "completed"
    actions = [told.params["DialAction"] for told in receiver.told if told.path == "/dial"]
    assert actions == ["answer", "connected", "hangup"]
    legs = {told.params["DialBLegUUID"] for told in receiver.told if told.path == "/dial"}
    assert legs == {after.params["DialBLegUUID"]}
    ended(receiver)
    summary = simulator.summary()
    assert (summary["calls"], summary["dialed_legs"]) == (1, 1)


def test_both_sides_of_a_dial_end_together(dial: Dial, api: Api, receiver: Receiver) -> None:
    action = receiver.url("/after")
    dial(
        "15005550001",
        f"<Dial action='{action}' callbackUrl='{receiver.url('/dial')}'><User>sip:ana@x</User></Dial>",
    )
    receiver.wait_for("DialConnected")
    assert len(api.get("/Call/", status="live").json()["calls"]) == 2
    params = ended(receiver)
    assert params["HangupSource"] == "Callee"
    receiver.wait_for("DialHangup")
    receiver.wait_for("DialAction")
    assert api.get("/Call/", status="live").json()["calls"] == []


def test_an_agent_who_does_not_answer_is_told_of(dial: Dial, receiver: Receiver) -> None:
    action = receiver.answers("/after", "<Hangup/>")
    dial("15005550018", f"<Dial action='{action}' timeout='10'><Number>15005550003</Number></Dial>")
    (after,) = receiver.wait_for("", path="/after")
    assert after.params["DialStatus"] == "no-answer"


def test_the_first_of_several_to_answer_wins(dial: Dial, receiver: Receiver, api: Api) -> None:
    dial(
        "15005550018",
        f"<Dial callbackUrl='{receiver.url('/dial')}'>"
        "<Number>15005550029</Number><Number>15005550026</Number></Dial>",
    )
    (connected,) = receiver.wait_for("DialConnected")
    assert connected.params["DialBLegTo"] == "15005550026"
    lost = api.get("/Call/", hangup_cause_code=9000).json()["objects"]
    assert [record["to_number"] for record in lost] == ["15005550029"]


def test_a_message_is_recorded_after_the_tone(dial: Dial, receiver: Receiver) -> None:
    action = receiver.answers("/recorded", "<Hangup/>")
    dial("15005550018", f"<Record action='{action}' maxLength='5'/>")
    (told,) = receiver.wait_for("", path="/recorded")
    assert int(told.params["RecordingDurationMs"]) == pytest.approx(5000, abs=500)
    assert told.params["RecordUrl"].endswith(".wav")


def test_a_session_is_recorded_to_its_end(dial: Dial, receiver: Receiver) -> None:
    dial(
        "15005550018",
        f"<Record recordSession='true' action='{receiver.url('/started')}'"
        f" callbackUrl='{receiver.url('/recorded')}'/><Wait length='10'/><Hangup/>",
    )
    (told,) = receiver.wait_for("", path="/recorded")
    (started,) = receiver.wait_for("", path="/started")
    assert started.params["RecordingDuration"] == "-1"
    assert started.params["RecordingID"] == told.params["RecordingID"]
    duration = int(ended(receiver)["Duration"])
    assert int(told.params["RecordingDuration"]) == pytest.approx(duration, abs=1)


def test_two_calls_meet_in_a_conference(dial: Dial, api: Api, receiver: Receiver) -> None:
    url = receiver.url("/room")
    xml = f"<Conference callbackUrl='{url}' endConferenceOnExit='true'>blue</Conference><Hangup/>"
    first = dial("15005550026", xml)
    dial("15005550126", xml)
    receiver.wait_for("ConferenceEnter", 2)
    api.delete(f"/Call/{first}/")
    # Told apart from the hang-ups, in any order.
    receiver.wait_for("ConferenceExit", 2)
    rooms = {
        (told.params["ConferenceName"], told.params["ConferenceUUID"])
        for told in receiver.told[2:]
        if told.path == "/room"
    }
    assert len(rooms) == 1
    assert receiver.events("/room") == ["ConferenceEnter"] * 2 + ["ConferenceExit"] * 2


def test_xml_can_depend_on_what_was_told(dial: Dial, receiver: Receiver) -> None:
    def answer(told: Told) -> Reply:
        return Reply(body="<Response><Hangup reason='busy'/></Response>" if told.params["To"] else "")

    dial("15005550001", answer_url=receiver.answers_by("/asked", answer))
    assert ended(receiver)["HangupCauseCode"] == "3010"
