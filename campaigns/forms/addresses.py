"""Addresses of assistants: WebSocket URLs that the carrier can open, and not our own network's."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from interface.addresses import is_private


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
