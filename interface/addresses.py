"""Addresses of the network: which hosts are inside our own."""

from __future__ import annotations

import ipaddress
import socket

LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa")


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


def leads_inside(host: str) -> bool:
    """Whether a host that we are about to connect to reads as private, or is looked up to be.

    A name that can't be looked up does not: where a proxy connects for us, only it may know names.
    """
    if is_private(host):
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(is_private(str(address[0])) for *_, address in found)
