"""Plivo's webhooks: checked, parsed, applied by one call, answered. In its words, since it is its edge."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.models import MachineAction, VoiceDestination
from campaigns.rulebook import Rulebook
from dialer import announcements, assistants, machines, progress, recordings
from dialer.models import Deed
from dialer.plivo import documents, webhooks
from dialer.plivo.addresses import webhook_url
from dialer.plivo.signature import Parameters, is_signed
from dialer.statements import tried_twice

logger = logging.getLogger(__name__)

# A webhook has some dozens of short parameters; whatever is more is not the carrier's.
MOST_PARAMETERS = 200
MOST_VALUE_LENGTH = 4000


class Unsigned(Exception):
    """Not from the carrier, or not meant for us."""


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, call_id: int, event: str) -> HttpResponse:
    """One event of one call. Forged or unsigned: 403, and no trace but a line in the log."""
    handle = HANDLERS.get(event)
    if handle is None:
        return HttpResponse(status=404)
    try:
        values = _signed_values(request)
    except (Unsigned, SuspiciousOperation, UnicodeError, ValueError) as error:
        logger.warning("A webhook (%s of call %s) was refused: %s", event, call_id, error)
        return HttpResponse(status=403)
    if call_id > 2**63 - 1:
        return HttpResponse(status=404)
    # Every event may be applied again.
    return tried_twice(lambda: handle(call_id, values))


def _signed_values(request: HttpRequest) -> dict[str, str]:
    """The parameters of a request that the carrier signed; raises ``Unsigned``."""
    method = request.method or ""
    parameters: Parameters = dict(request.POST.lists()) if method == "POST" else {}
    if len(parameters) > MOST_PARAMETERS:
        raise Unsigned("too many parameters")
    # Behind a proxy it is the public address that was signed.
    url = f"{settings.PUBLIC_URL}{request.get_full_path()}"
    if not is_signed(
        method=method,
        url=url,
        parameters=parameters,
        nonce=request.headers.get("X-Plivo-Signature-V3-Nonce", ""),
        signatures=[
            request.headers.get("X-Plivo-Signature-V3", ""),
            request.headers.get("X-Plivo-Signature-Ma-V3", ""),
        ],
        token=settings.PLIVO_AUTH_TOKEN,
    ):
        raise Unsigned("the signature does not match")
    # What an address of ours carries is signed with it.
    source: Parameters = {**dict(request.GET.lists()), **parameters}
    return {
        name[:100].replace("\0", ""): values[-1][:MOST_VALUE_LENGTH].replace("\0", "")
        for name, values in source.items()
        if values
    }


def _done() -> HttpResponse:
    return HttpResponse(status=200)


def _document(body: bytes) -> HttpResponse:
    return HttpResponse(body, content_type=documents.CONTENT_TYPE)


def ring(call_id: int, values: Mapping[str, str]) -> HttpResponse:
    progress.ring(call_id=call_id, carrier_id=webhooks.carrier_call_id(values), data=values)
    return _done()


def answer(call_id: int, values: Mapping[str, str]) -> HttpResponse:
    rules = progress.answer(call_id=call_id, carrier_id=webhooks.carrier_call_id(values), data=values)
    return _document(_connect(call_id, rules))


def _connect(call_id: int, rules: Rulebook | None) -> bytes:
    if rules is None:
        return documents.hang_up()
    record_to = webhook_url(call_id, "recording") if rules.record_calls else None
    match rules.destination:
        case VoiceDestination.ASSISTANT | VoiceDestination.POOL:
            return _connect_assistant(call_id, rules, record_to)
        case VoiceDestination.ANNOUNCEMENT:
            return _announce(call_id, rules, turn=1, record_to=record_to)
        case VoiceDestination.HANGUP:
            return documents.hang_up()


def _connect_assistant(call_id: int, rules: Rulebook, record_to: str | None = None) -> bytes:
    talker = assistants.talker_of(call_id=call_id, rules=rules)
    if talker is None:
        return documents.hang_up()
    if talker.has_sip:
        return documents.connect_sip_assistant(
            address=talker.url,
            headers={"call": str(call_id), "token": assistants.token(call_id)},
            caller_id=rules.from_number,
            timeout_seconds=assistants.SIP_RING_SECONDS,
            result_url=webhook_url(call_id, "assistant"),
            record_to=record_to,
        )
    return documents.connect_assistant(
        url=talker.url,
        headers={
            "call": str(call_id),
            "callback": assistants.callback_url(call_id),
            "token": assistants.token(call_id),
        },
        status_url=webhook_url(call_id, "stream"),
        record_to=record_to,
    )


def _announce(call_id: int, rules: Rulebook, *, turn: int, record_to: str | None = None) -> bytes:
    """Say the announcement, and wait for a key where it offers any; ``turn``: for the how-manieth time."""
    announcement = rules.announcement
    text = announcements.spoken(call_id=call_id, template=announcement.text)
    message = _message(rules, text, announcement.recording_url)
    if message.is_silence:
        return documents.hang_up()
    keys = announcements.keys(announcement)
    return documents.announce(
        message,
        key_url=webhook_url(call_id, "key", turn=turn, **keys) if keys else "",
        key_wait_seconds=announcement.key_wait_seconds,
        record_to=record_to,
    )


def _message(rules: Rulebook, text: str, recording_url: str = "") -> documents.Message:
    said = rules.announcement
    return documents.Message(text, said.language, said.voice, recording_url)


def key(call_id: int, values: Mapping[str, str]) -> HttpResponse:
    """A key was pressed during the announcement, or while we waited for one after it."""
    heard = webhooks.key_pressed(values)
    pressed = announcements.press(
        call_id=call_id, turn=heard.turn, digit=heard.digit, meant=heard.meant, data=values
    )
    return _document(_after_a_key(call_id, heard.turn, pressed))


def _after_a_key(call_id: int, turn: int, pressed: announcements.Pressed | None) -> bytes:
    if pressed is None or pressed.rules is None:
        return documents.hang_up()
    rules = pressed.rules
    match pressed.deed:
        case Deed.OPT_OUT:
            goodbye = announcements.spoken(call_id=call_id, template=rules.announcement.goodbye_text)
            return documents.announce(_message(rules, goodbye))
        case Deed.TALK:
            return _talk(call_id, rules)
    if turn >= announcements.MOST_TURNS:
        return documents.hang_up()
    return _announce(call_id, rules, turn=turn + 1)


def _talk(call_id: int, rules: Rulebook) -> bytes:
    """Connect whoever asked for it to somebody to talk to. What is recorded goes on being recorded."""
    number = rules.announcement.talk_number
    if not number and assistants.talker_of(call_id=call_id, rules=rules):
        return _connect_assistant(call_id, rules)
    if not number:
        return _say_nobody_is_there(call_id, rules)
    return documents.connect_number(
        number=number,
        caller_id=rules.from_number,
        timeout_seconds=rules.dial_timeout_seconds,
        result_url=webhook_url(call_id, "talked"),
    )


def talked(call_id: int, values: Mapping[str, str]) -> HttpResponse:
    """Somebody who asked to talk has talked, or nobody answered them."""
    rules = announcements.end_talk(call_id=call_id, data=values)
    if rules is None or webhooks.was_connected(values):
        return _document(documents.hang_up())
    return _document(_say_nobody_is_there(call_id, rules))


def _say_nobody_is_there(call_id: int, rules: Rulebook) -> bytes:
    sorry = announcements.spoken(call_id=call_id, template=rules.announcement.nobody_text)
    return documents.announce(_message(rules, sorry))


def hangup(call_id: int, values: Mapping[str, str]) -> HttpResponse:
    progress.end(call_id=call_id, ending=webhooks.hangup(values), data=values)
    return _done()


def machine(call_id: int, values: Mapping[str, str]) -> HttpResponse:
    if webhooks.is_machine(values):
        found = progress.find_machine(
            call_id=call_id, carrier_id=webhooks.carrier_call_id(values), data=values
        )
        if found is not None and found.rules.on_machine != MachineAction.CONNECT:
            machines.handle_later(call_id=call_id)
    return _done()


def message(call_id: int, values: Mapping[str, str]) -> HttpResponse:
    """The document of a call that was sent on to leave a message on a machine."""
    rules = machines.leave_message(call_id=call_id)
    if rules is None:
        return _document(documents.hang_up())
    return _document(documents.leave_message(text=rules.voicemail_message))


def recording(call_id: int, values: Mapping[str, str]) -> HttpResponse:
    found = webhooks.recording(values)
    if found is not None:
        recordings.announce(call_id=call_id, recording=found)
    return _done()


def stream(call_id: int, values: Mapping[str, Any]) -> HttpResponse:
    """What becomes of the assistant's stream; kept among the call's events."""
    progress.note(call_id=call_id, kind="stream", data=values)
    if webhooks.was_dropped(values):
        progress.miss_assistant_without_stream(call_id=call_id, data=values)
    return _done()


def assistant(call_id: int, values: Mapping[str, str]) -> HttpResponse:
    """The assistant that was called by SIP has talked, or could not be reached."""
    why = webhooks.why_not_connected(values)
    if not why:
        progress.note(call_id=call_id, kind="assistant", data=values)
        return _document(documents.hang_up())
    progress.miss_assistant(call_id=call_id, why=why, data=values)
    rules = announcements.miss_assistant(call_id=call_id)
    return _document(_say_nobody_is_there(call_id, rules) if rules else documents.hang_up())


HANDLERS: dict[str, Callable[[int, Mapping[str, str]], HttpResponse]] = {
    "ring": ring,
    "answer": answer,
    "key": key,
    "talked": talked,
    "hangup": hangup,
    "machine": machine,
    "message": message,
    "recording": recording,
    "stream": stream,
    "assistant": assistant,
}
