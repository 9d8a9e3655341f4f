"""The XML that tells the carrier what to do with a call that was answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

CONTENT_TYPE = "text/xml; charset=utf-8"
# What XML 1.0 can't hold, from whatever a contact's file had in it.
UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A recording ends with the call; the carrier's default would be after 60 s.
RECORDING_SECONDS = "14400"
AUDIO = "audio/x-mulaw;rate=8000"


def clean(text: str) -> str:
    return UNPRINTABLE.sub("", text)


def hang_up() -> bytes:
    """End the call."""
    response = Element("Response")
    SubElement(response, "Hangup")
    return _text(response)


def connect_assistant(
    *, url: str, headers: dict[str, str], status_url: str, record_to: str | None = None
) -> bytes:
    """Connect the call to an assistant's WebSocket; when that closes, the call ends.

    ``headers`` reach the assistant in the stream's start; values are percent-encoded, since the
    carrier joins them with commas and equal signs (512 bytes in all).
    """
    response = Element("Response")
    if record_to:
        _record(response, record_to)
    stream = SubElement(
        response,
        "Stream",
        {
            "bidirectional": "true",
            "keepCallAlive": "true",
            "contentType": AUDIO,
            "extraHeaders": ",".join(f"{name}={quote(value, safe='')}" for name, value in headers.items()),
            "statusCallbackUrl": status_url,
            "statusCallbackMethod": "POST",
        },
    )
    stream.text = clean(url)
    SubElement(response, "Hangup")
    return _text(response)


@dataclass(frozen=True)
class Message:
    """What is said to somebody: a text that is read aloud, or else a recording that is played."""

    text: str
    language: str = ""
    voice: str = ""
    recording_url: str = ""

    @property
    def is_silence(self) -> bool:
        """Nothing is left to say, when the fields are filled in."""
        return not (self.recording_url or clean(self.text).strip())

    def add_to(self, element: Element) -> None:
        if self.recording_url:
            SubElement(element, "Play").text = clean(self.recording_url)
            return
        how = {"voice": self.voice.upper(), "language": self.language}
        said = SubElement(element, "Speak", {name: value for name, value in how.items() if value})
        said.text = clean(self.text)


def announce(
    message: Message, *, key_url: str = "", key_wait_seconds: int = 0, record_to: str | None = None
) -> bytes:
    """Say something and hang up. With ``key_url``, one key that is pressed meanwhile, or so many seconds
    after it, goes on there; without a key the call ends."""
    response = Element("Response")
    if record_to:
        _record(response, record_to)
    around = response
    if key_url:
        around = SubElement(
            response,
            "GetInput",
            {
                "action": key_url,
                "method": "POST",
                "inputType": "dtmf",
                "numDigits": "1",
                "executionTimeout": str(key_wait_seconds),
                "redirect": "true",
            },
        )
    if not message.is_silence:
        message.add_to(around)
    SubElement(response, "Hangup")
    return _text(response)


def connect_number(*, number: str, caller_id: str, timeout_seconds: int, result_url: str) -> bytes:
    """Connect the call to another phone. What came of it, and what is next, is asked at ``result_url``."""
    response = Element("Response")
    dial = SubElement(
        response,
        "Dial",
        {
            "callerId": caller_id.lstrip("+"),
            "timeout": str(timeout_seconds),
            "action": result_url,
            "method": "POST",
            "redirect": "true",
        },
    )
    SubElement(dial, "Number").text = number.lstrip("+")
    return _text(response)


def connect_sip_assistant(
    *,
    address: str,
    headers: dict[str, str],
    caller_id: str,
    timeout_seconds: int,
    result_url: str,
    record_to: str | None = None,
) -> bytes:
    """Connect the call to an assistant's SIP address. What came of it is asked at ``result_url``.

    ``headers`` reach the assistant as X-PH-…; the carrier takes letters and digits only, in names and in
    values, the latter of at most 48.
    """
    response = Element("Response")
    if record_to:
        _record(response, record_to)
    dial = SubElement(
        response,
        "Dial",
        {
            "callerId": caller_id.lstrip("+"),
            "timeout": str(timeout_seconds),
            "sipHeaders": ",".join(f"{name}={value}" for name, value in headers.items()),
            "action": result_url,
            "method": "POST",
            "redirect": "true",
        },
    )
    SubElement(dial, "User").text = clean(address)
    return _text(response)


def leave_message(*, text: str) -> bytes:
    """Wait for the end of a machine's greeting, say something, hang up."""
    response = Element("Response")
    # The greeting's end: two seconds of silence, or half a minute at the longest.
    SubElement(response, "Wait", {"length": "30", "silence": "true", "minSilence": "2000"})
    SubElement(response, "Speak").text = clean(text)
    SubElement(response, "Hangup")
    return _text(response)


def _record(response: Element, url: str) -> None:
    SubElement(
        response,
        "Record",
        {
            "recordSession": "true",
            "redirect": "false",
            "fileFormat": "wav",
            "maxLength": RECORDING_SECONDS,
            "callbackUrl": url,
            "callbackMethod": "POST",
        },
    )


def _text(response: Element) -> bytes:
    document: bytes = tostring(response, encoding="utf-8", xml_declaration=True)
    return document
