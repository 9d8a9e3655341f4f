"""The XML that tells the carrier what to do with a call that was answered."""

from __future__ import annotations

import re
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
