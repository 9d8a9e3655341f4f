"""Addresses that the carrier opens or fetches: assistants' and recordings', and not our own network's."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError

from interface.addresses import is_private

# A user, a host or an IPv6 address in brackets, and nothing that other SIP parties would take for more.
SIP = re.compile(
    r"sip:[A-Za-z0-9._~+%-]{1,64}@(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(:(?P<port>[0-9]{1,5}))?(;transport=(udp|tcp|tls))?"
)


def check_websocket_address(url: str, *, allow_private: bool) -> None:
    """Raise ``ValidationError`` unless the address is one that an assistant can be reached at.

    Names are judged by how they read, not looked up: what a name points to can change at any time,
    and it is the carrier that opens the connection.
    """
    parts = _parts(url, like="wss://assistant.example.com/calls")
    if parts.scheme not in {"ws", "wss"}:
        raise ValidationError("The address starts with wss:// (or ws:// without encryption).", code="scheme")
    _check_host(parts, like="wss://assistant.example.com/calls", allow_private=allow_private)


def check_recording_address(url: str, *, allow_private: bool) -> None:
    """Raise ``ValidationError`` unless the carrier can fetch a recording there; names are judged likewise."""
    like = "https://files.example.com/hello.mp3"
    parts = _parts(url, like=like)
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise ValidationError("The address starts with https://.", code="scheme")
    _check_host(parts, like=like, allow_private=allow_private)
    if not parts.path.lower().endswith((".mp3", ".wav")):
        raise ValidationError(
            "The address is one of an MP3 or WAV file: it ends in .mp3 or .wav.", code="kind"
        )


def check_sip_address(address: str, *, allow_private: bool) -> None:
    """Raise ``ValidationError`` unless an assistant can be reached at this SIP address; names are judged
    likewise."""
    found = SIP.fullmatch(address)
    if found is None:
        raise ValidationError(
            "This is not a SIP address. It looks like sip:grace@assistant.example.com, with a port "
            "(:5061) and ;transport=tls, tcp or udp after it if need be.",
            code="invalid",
        )
    if found["port"] and not 0 < int(found["port"]) < 65536:
        raise ValidationError("The port is a number from 1 to 65535.", code="port")
    if not allow_private:
        refuse_private(found["host"].strip("[]"))


def _parts(url: str, *, like: str) -> SplitResult:
    if any(character.isspace() for character in url):
        raise ValidationError("An address has no spaces.", code="invalid")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        raise ValidationError(f"This is not an address. It looks like {like}.") from None
    return parts


def _check_host(parts: SplitResult, *, like: str, allow_private: bool) -> None:
    host = parts.hostname or ""
    if not host or parts.port == 0:
        raise ValidationError(f"The address names no host. It looks like {like}.")
    if parts.username is not None or parts.password is not None:
        raise ValidationError(
            "Leave the user name and password out: everybody who sees this page would see them.",
            code="credentials",
        )
    if parts.fragment:
        raise ValidationError("Leave out what follows the #: it is never sent.", code="fragment")
    if not allow_private:
        refuse_private(host)


def refuse_private(host: str) -> None:
    """Raise ``ValidationError`` for a host that reads as one of a private network."""
    if is_private(host):
        raise ValidationError(
            f"{host} is an address inside a private network, which the carrier can’t reach. "
            "Use a public one, or set ALLOW_PRIVATE_ADDRESSES=true where that is meant.",
            code="private",
        )
