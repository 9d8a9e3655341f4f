"""Addresses of assistants: WebSocket URLs that the carrier can open, and not our own network's."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa")


def check_websocket_address(url: str, *, allow_private: bool) -> None:
    """Raise ``ValidationError`` unless the address is one that an assistant can be reached at.

    Names are judged by how they read, not looked up: what a name points to can change at any time,
    and it is the carrier that opens the connection.
    """
    if any(character.isspace() for character in url):
        raise ValidationError("An address has no spaces.", code="invalid")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValidationError(
            "This is not an address. It looks like wss://assistant.example.com/calls."
        ) from None
    if parts.scheme not in {"ws", "wss"}:
        raise ValidationError("The address starts with wss:// (or ws:// without encryption).", code="scheme")
    if not host or port == 0:
        raise ValidationError("The address names no host. It looks like wss://assistant.example.com/calls.")
    if parts.username is not None or parts.password is not None:
        raise ValidationError(
            "Leave the user name and password out: everybody who sees this page would see them.",
            code="credentials",
        )
    if parts.fragment:
        raise ValidationError("Leave out what follows the #: it is never sent.", code="fragment")
    if not allow_private and is_private(host):
        raise ValidationError(
            f"{host} is an address inside a private network, which the carrier can’t reach. "
            "Use a public one, or set ALLOW_PRIVATE_ADDRESSES=true where that is meant.",
            code="private",
        )


def is_private(host: str) -> bool:
    """Whether a host reads as one of this machine or of a private network.

    Whatever a C library would take for a number is one: 127.1, 0x7f000001 and 2130706433 too.
    """
    host = host.rstrip(".").casefold()
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return "." not in host or host.endswith(tuple(f".{name}" for name in LOCAL_NAMES))
    mapped = getattr(address, "ipv4_mapped", None)
    return not (mapped or address).is_global
