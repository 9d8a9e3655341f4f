"""The carrier's webhooks: only what it signed is heard, and nothing it sends is an error of ours."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from plivo.utils import validate_v3_signature

from campaigns.models import Enrollment
from dialer import assistants
from dialer.models import Call, CallEvent, Recording
from dialer.plivo import documents
from dialer.plivo.addresses import webhook_path
from dialer.plivo.signature import is_signed, signature, signed_text
from dialer.plivo.webhooks import hangup
from tests.factories import AssistantFactory, ChannelFactory, ContactFactory, EnrollmentFactory, zone_set
from tests.factories.dialer import CallFactory

TOKEN = "token-of-the-test"
NONCE = "12345"
PUBLIC_URL = "https://calls.example.com"


@pytest.fixture(autouse=True)
def account(settings: Any) -> None:
    settings.PLIVO_AUTH_TOKEN = TOKEN
    settings.PUBLIC_URL = PUBLIC_URL
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


@pytest.fixture
def call(db: None) -> Call:
    """Placed just now, to be connected to an assistant, with every trap that contact data can hold."""
    contact = ContactFactory(first_name='<Ann\x01a & "Co">', last_name="\ufffe\x0b]]>", zone_set=zone_set())
    channel = ChannelFactory(
        running=True,
        schedule__time_zone="UTC",
        campaign__name="Bells \x02 & <whistles>",
        voice__assistant=AssistantFactory(url="wss://assistant.example/talk?a=1&b=<2>"),
        voice__record_calls=True,
        voice__voicemail_message="Hi \x0c<b>, call \x08us & \x1b[31m back",
        voice__on_machine="message",
    )
    enrollment = EnrollmentFactory(channel=channel, contact=contact, status="calling")
    return CallFactory(enrollment=enrollment, state="placing", accepted_at=None, deadline_at=timezone.now())


def headers(method: str, path: str, values: Mapping[str, Any], token: str = TOKEN) -> dict[str, str]:
    listed = {name: list(value) if isinstance(value, list) else [value] for name, value in values.items()}
    text = signed_text(method, f"{PUBLIC_URL}{path}", listed if method == "POST" else {}, NONCE)
    return {"X-Plivo-Signature-V3": signature(token, text), "X-Plivo-Signature-V3-Nonce": NONCE}


def tell(call_id: int, event: str, token: str = TOKEN, query: str = "", **values: Any) -> Any:
    """A webhook as the carrier sends it."""
    path = webhook_path(call_id, event) + query
    return Client().post(
        path,
        urlencode(values, doseq=True),
        content_type="application/x-www-form-urlencoded",
        headers=headers("POST", path, values, token),
    )


def everything(call: Call) -> Any:
    return (
        Call.objects.filter(pk=call.pk).values().get(),
        Enrollment.objects.filter(pk=call.enrollment_id).values().get(),
        CallEvent.objects.count(),
        Recording.objects.count(),
    )


# --- The signature ---------------------------------------------------------------------------------

# What a URL and a form can hold; half of a surrogate pair is no text at all.
texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
forms = st.dictionaries(texts.filter(bool), st.lists(texts, min_size=1, max_size=3), max_size=5)
paths = st.text("abcdefgh0123456789-_./~", max_size=20)


def sdk_says(method: str, url: str, sent_signature: str, values: Any) -> bool | None:
    """What the SDK thinks; None where it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(validate_v3_signature(method, url, NONCE, TOKEN, sent_signature, values))
        except Exception:
            return None


@given(path=paths, values=forms, query=forms)
@example(path="hooks/", values={}, query={})
@example(path="hooks/", values={"a": ["1"]}, query={})
@example(path="hooks/", values={}, query={"a": ["1"]})
@example(path="hooks/", values={"a": ["1", "0"], "B": [""]}, query={"z": ["", "y"]})
@settings(max_examples=150, deadline=None)
def test_what_is_signed_is_what_the_sdk_takes_for_signed(path, values, query):
    url = f"https://calls.example.com/{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
    for method, parameters in (("POST", values), ("GET", {})):
        ours = signature(TOKEN, signed_text(method, url, parameters, NONCE))
        said = sdk_says(method, url, ours, {name: list(value) for name, value in parameters.items()})
        assert said in {True, None}
        assert is_signed(
            method=method,
            url=url,
            parameters=parameters,
            nonce=NONCE,
            signatures=["", f"d3Jvbmc=, {ours}"],
            token=TOKEN,
        )


@given(
    values=forms,
    other=forms,
    given_signature=st.text(max_size=60),
)
@settings(max_examples=80, deadline=None)
def test_what_is_not_signed_is_not_taken_whatever_it_is(values, other, given_signature):
    url = "https://calls.example.com/hooks/"
    ours = signature(TOKEN, signed_text("POST", url, values, NONCE))

    def taken(**changed: Any) -> bool:
        asked = {
            "method": "POST",
            "url": url,
            "parameters": values,
            "nonce": NONCE,
            "signatures": [ours],
            "token": TOKEN,
        }
        return is_signed(**{**asked, **changed})

    assert taken()
    assert taken(signatures=[given_signature]) == (ours in [p.strip() for p in given_signature.split(",")])
    assert not taken(nonce="")
    assert not taken(nonce=f"{NONCE}0")
    assert not taken(url=f"{url}x/")
    assert not taken(token="another")
    assert not taken(signatures=[])
    pairs = lambda form: "".join(k + v for k in sorted(form) for v in sorted(form[k]))  # noqa: E731
    assert taken(parameters=other) == (pairs(other) == pairs(values))


def test_one_of_several_signatures_is_enough(call):
    path = webhook_path(call.pk, "ring")
    good = headers("POST", path, {"CallUUID": "c"})
    for name in ("X-Plivo-Signature-V3", "X-Plivo-Signature-Ma-V3"):
        sent = {
            "X-Plivo-Signature-V3-Nonce": NONCE,
            name: f"bm90IGl0,,é, {good['X-Plivo-Signature-V3']} ,bm9y".encode().decode("latin-1"),
        }
        form = {"content_type": "application/x-www-form-urlencoded"}
        assert Client().post(path, "CallUUID=c", headers=sent, **form).status_code == 200


def test_the_public_address_is_what_counts_not_how_the_request_came_in(call, settings):
    settings.ALLOWED_HOSTS = ["*"]
    path = webhook_path(call.pk, "ring")
    response = Client().post(
        path,
        "CallUUID=c",
        content_type="application/x-www-form-urlencoded",
        headers={**headers("POST", path, {"CallUUID": "c"}), "Host": "10.0.0.7:8000"},
    )
    assert response.status_code == 200


@pytest.mark.parametrize("query", ["", "?a=1&b=2", "?q=%C3%A9%20%26", "?empty=&empty=2"])
def test_a_query_belongs_to_what_is_signed(call, query):
    assert tell(call.pk, "ring", query=query, CallUUID="c").status_code == 200


def test_a_webhook_by_get_is_heard_as_well(call):
    path = f"{webhook_path(call.pk, 'ring')}?CallUUID=by-get&Event=Ring"
    assert Client().get(path, headers=headers("GET", path, {})).status_code == 200
    call.refresh_from_db()
    assert (call.state, call.carrier_id) == ("ringing", "by-get")


BAD_HEADERS: dict[str, dict[str, str]] = {
    "none": {},
    "no nonce": {"X-Plivo-Signature-V3": "d3Jvbmc="},
    "no signature": {"X-Plivo-Signature-V3-Nonce": NONCE},
    "wrong": {"X-Plivo-Signature-V3": "d3Jvbmc=", "X-Plivo-Signature-V3-Nonce": NONCE},
    "not base64": {"X-Plivo-Signature-V3": "%%%", "X-Plivo-Signature-V3-Nonce": NONCE},
    "only commas": {"X-Plivo-Signature-V3": ",,,", "X-Plivo-Signature-V3-Nonce": NONCE},
    "non-ascii": {"X-Plivo-Signature-V3": "ünsïgned☃", "X-Plivo-Signature-V3-Nonce": "ñ"},
    "huge": {"X-Plivo-Signature-V3": "a," * 30_000, "X-Plivo-Signature-V3-Nonce": "n" * 50_000},
}


@pytest.mark.parametrize("bad", BAD_HEADERS)
@pytest.mark.parametrize("event", ["ring", "answer", "hangup", "machine", "message", "recording", "stream"])
def test_what_the_carrier_did_not_sign_is_refused_and_changes_nothing(call, event, bad):
    before = everything(call)
    values = {"CallUUID": "c", "Machine": "true", "RecordUrl": "https://evil.example/x.wav", "Duration": "9"}
    response = Client().post(webhook_path(call.pk, event), values, headers=BAD_HEADERS[bad])
    assert response.status_code == 403
    assert everything(call) == before


def test_a_forged_webhook_is_refused(call):
    before = everything(call)
    assert tell(call.pk, "hangup", token="guessed", Duration="10").status_code == 403
    assert everything(call) == before


def test_a_webhook_replayed_at_another_call_is_refused(call):
    other = CallFactory(state="placing", accepted_at=None)
    sent = headers("POST", webhook_path(call.pk, "hangup"), {"Duration": "10"})
    form = {"content_type": "application/x-www-form-urlencoded", "headers": sent}
    assert Client().post(webhook_path(other.pk, "hangup"), "Duration=10", **form).status_code == 403
    assert Client().post(webhook_path(call.pk, "answer"), "Duration=10", **form).status_code == 403
    assert Client().post(webhook_path(call.pk, "hangup"), "Duration=11", **form).status_code == 403
    assert Client().post(webhook_path(call.pk, "hangup"), "Duration=10", **form).status_code == 200


def test_a_webhook_replayed_after_the_end_changes_nothing(call):
    said = {"CallUUID": "c", "HangupCauseCode": "4000", "Duration": "10", "AnswerTime": "2026-03-04 12:00:00"}
    assert tell(call.pk, "answer", CallUUID="c").status_code == 200
    assert tell(call.pk, "hangup", **said).status_code == 200
    before = everything(call)
    for _ in range(5):
        assert tell(call.pk, "hangup", **said).status_code == 200
        assert b"<Hangup" in tell(call.pk, "answer", CallUUID="c").content
    assert everything(call) == before


def test_percent_encoded_letters_that_make_the_sdk_raise_are_no_error_of_ours(call):
    # plivo.utils.validate_v3_signature raises UnicodeEncodeError here: anyone could cause an error 500.
    response = Client().post(
        f"{webhook_path(call.pk, 'ring')}?x=%C3%A9%FF",
        {},
        headers={"X-Plivo-Signature-V3": "x", "X-Plivo-Signature-V3-Nonce": "1"},
    )
    assert response.status_code == 403


# --- Addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/hooks/plivo/1/nothing/", 404),
        ("/hooks/plivo/1/RING/", 404),
        ("/hooks/plivo/-1/ring/", 404),
        ("/hooks/plivo/x/ring/", 404),
        (f"/hooks/plivo/{'9' * 5000}/ring/", 404),
        ("/hooks/plivo/1/ring%00/", 404),
        ("/hooks/plivo/1//", 404),
    ],
)
def test_an_address_that_is_none_is_not_found(db, path, status):
    assert Client().post(path, {}).status_code == status


@pytest.mark.parametrize("call_id", [0, 2**31, 2**62, 2**63, 2**64, 10**30])
@pytest.mark.parametrize("event", ["ring", "answer", "hangup", "machine", "message", "recording", "stream"])
def test_a_call_we_do_not_know_is_no_error(db, call_id, event):
    response = tell(
        call_id, event, CallUUID="c", Machine="true", RecordUrl="https://carrier.example/r.wav", Duration="3"
    )
    assert response.status_code == (404 if call_id >= 2**63 else 200)
    assert not CallEvent.objects.exists()
    assert not Recording.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "head"])
def test_other_methods_are_not_allowed(call, method):
    before = everything(call)
    assert getattr(Client(), method)(webhook_path(call.pk, "hangup")).status_code == 405
    assert everything(call) == before


def test_nobody_needs_to_be_logged_in_and_no_token_of_a_form_is_asked_for(call):
    client = Client(enforce_csrf_checks=True)
    path = webhook_path(call.pk, "ring")
    response = client.post(
        path,
        "CallUUID=c",
        content_type="application/x-www-form-urlencoded",
        headers=headers("POST", path, {"CallUUID": "c"}),
    )
    assert response.status_code == 200
    assert not response.cookies


# --- Parameters ------------------------------------------------------------------------------------


@given(values=st.dictionaries(texts.filter(bool), texts, max_size=8), number=st.text(max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_parameters_hold_is_no_error(call, values, number):
    known = {
        name: number.encode("utf-8", "ignore").decode()
        for name in (
            "CallUUID",
            "Duration",
            "BillDuration",
            "TotalCost",
            "HangupCauseCode",
            "HangupSource",
            "AnswerTime",
            "EndTime",
            "RecordingDurationMs",
        )
    }
    for event in ("ring", "answer", "machine", "stream", "hangup"):
        assert tell(call.pk, event, **{**values, **known}).status_code == 200


NUMBERS = [
    "",
    "-1",
    "-5",
    "1e9",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "12.7",
    "abc",
    "9" * 400,
    "0x10",
    "٣",
    "None",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_an_odd_number_in_a_hangup_ends_the_call_all_the_same(call, number):
    names = ("Duration", "BillDuration", "TotalCost", "HangupCauseCode")
    assert tell(call.pk, "hangup", **dict.fromkeys(names, number)).status_code == 200
    call.refresh_from_db()
    assert call.state == "ended"


@pytest.mark.parametrize("number", NUMBERS)
def test_an_odd_duration_of_a_recording_is_not_taken(call, number):
    response = tell(
        call.pk, "recording", RecordUrl="https://carrier.example/r.wav", RecordingDurationMs=number
    )
    assert response.status_code == 200
    duration = Recording.objects.get(pk=call.pk).duration_ms
    assert duration is None or duration >= 0


@pytest.mark.parametrize("event", ["ring", "answer", "hangup", "stream"])
def test_nuls_and_control_characters_are_stored_as_far_as_they_can_be(call, event):
    hostile = {"CallUUID": "c\0\x01", "HangupCause": "bad\0\x02\ufffe", "X-PH-\0a": "\0", "b\0": "\x7f"}
    assert tell(call.pk, event, **hostile).status_code == 200
    call.refresh_from_db()
    assert call.carrier_id == "c\x01" or event == "stream"


def test_of_a_parameter_given_twice_the_last_counts(call):
    assert tell(call.pk, "ring", CallUUID=["one", "two"]).status_code == 200
    call.refresh_from_db()
    assert call.carrier_id == "two"


def test_over_long_values_are_cut(call):
    said = {"CallUUID": "c" * 9000, "HangupCauseName": "n" * 9000, "HangupSource": "s" * 9000}
    assert tell(call.pk, "ring", **said).status_code == 200
    assert tell(call.pk, "hangup", **said).status_code == 200
    call.refresh_from_db()
    assert (len(call.carrier_id), len(call.hangup_cause), len(call.hangup_by)) == (64, 120, 40)


def test_too_many_parameters_and_too_large_bodies_are_refused(call, settings):
    before = everything(call)
    assert tell(call.pk, "ring", **{f"p{n}": "1" for n in range(300)}).status_code == 403
    assert tell(call.pk, "ring", **{f"p{n}": "1" for n in range(3000)}).status_code == 403
    assert tell(call.pk, "ring", p="x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)).status_code == 403
    assert everything(call) == before


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/json",
        "application/x-www-form-urlencoded; charset=utf-7",
        "text/plain; charset=nonsense",
        "",
    ],
)
def test_a_body_of_another_kind_is_no_error(call, content_type):
    before = everything(call)
    response = Client().generic(
        "POST", webhook_path(call.pk, "hangup"), b"--x\r\nnonsense\xff\0", content_type=content_type
    )
    assert response.status_code in {400, 403}
    assert everything(call) == before


# --- Answers ---------------------------------------------------------------------------------------


def document(response: Any) -> ElementTree.Element:
    assert response.headers["Content-Type"].startswith("text/xml")
    return ElementTree.fromstring(response.content)  # noqa: S314 - our own document


def test_an_answered_call_is_connected_to_its_assistant(call):
    stream = document(tell(call.pk, "answer", CallUUID="c")).find("Stream")
    assert stream.text == "wss://assistant.example/talk?a=1&b=<2>"
    assert stream.get("bidirectional") == "true"
    given_headers = dict(pair.split("=", 1) for pair in stream.get("extraHeaders").split(","))
    assert given_headers["call"] == str(call.pk)
    assert given_headers["token"] == assistants.token(call.pk)
    assert f"/hooks/plivo/{call.pk}/stream/" in stream.get("statusCallbackUrl")


def test_the_session_is_recorded_where_the_channel_says_so(call):
    record = document(tell(call.pk, "answer")).find("Record")
    assert record.get("recordSession") == "true"
    assert record.get("redirect") == "false"
    assert f"/hooks/plivo/{call.pk}/recording/" in record.get("callbackUrl")


def test_a_message_with_control_characters_is_still_valid_xml(call):
    tell(call.pk, "answer", CallUUID="c")
    tell(call.pk, "machine", CallUUID="c", Machine="true")
    assert document(tell(call.pk, "message")).find("Speak").text == "Hi <b>, call us & [31m back"


@given(text=st.text(max_size=40))
@settings(deadline=None)
def test_any_text_makes_a_document_that_xml_can_hold(text):
    for made in (
        documents.leave_message(text=text),
        documents.connect_assistant(url=text, headers={"a": "b"}, status_url="https://x.example/"),
    ):
        ElementTree.fromstring(made)  # noqa: S314 - our own document


@pytest.mark.parametrize(
    "public_url", ["https://c.example", f"https://{'calls.' * 40}example.com", "http://[2001:db8::1]:8000"]
)
def test_what_the_assistant_is_told_fits_the_carriers_512_bytes(settings, public_url):
    settings.PUBLIC_URL = public_url
    call_id = 2**63 - 1
    made = documents.connect_assistant(
        url="wss://assistant.example",
        headers={
            "call": str(call_id),
            "callback": assistants.callback_url(call_id),
            "token": assistants.token(call_id),
        },
        status_url="https://x.example/",
    )
    sent = ElementTree.fromstring(made).find("Stream").get("extraHeaders")  # noqa: S314 - our own document
    assert len(sent.encode()) <= 512
    assert "," not in sent.split("callback=")[1].split(",token=")[0]


def test_a_call_that_is_over_or_unknown_is_hung_up(call):
    tell(call.pk, "hangup", Duration="0")
    for call_id in (call.pk, 10**15):
        made = document(tell(call_id, "answer"))
        assert [element.tag for element in made] == ["Hangup"]


def test_a_hangup_is_classified_by_its_code_else_by_its_status():
    assert hangup({"HangupCauseCode": "3010"}).ended == "busy"
    assert hangup({"CallStatus": "busy"}).ended == "busy"
    assert hangup({"HangupCauseCode": "4000", "Duration": "3"}).ended == "answered"
    assert hangup({"HangupCauseCode": "4000"}).ended == "no_answer"
    assert hangup({"HangupCauseCode": "7777", "CallStatus": "no-answer"}).ended == "no_answer"
    assert hangup({"HangupCauseCode": "7777", "CallStatus": "unheard-of"}).ended == "failed"
    assert hangup({}).ended == "failed"
    assert hangup({"HangupCauseCode": "3050"}).permanent
