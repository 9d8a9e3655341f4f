"""Addresses of the network: which hosts are inside our own."""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from urllib.parse import unquote

LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# What gateways translate (RFC 6052), and what old systems do.
_WITH_IPV4_AT_THE_END = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))


def is_private(host: str) -> bool:
    """Whether a host reads as one of this machine or of a private network.

    Whatever a C library would take for a number is one: 127.1, 0x7f000001 and 2130706433 too; and wide
    letters and percent signs are read as those do that follow addresses.
    """
    host = unicodedata.normalize("NFKC", unquote(host)).replace("。", ".").rstrip(".").casefold()
    try:
        address: Address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return "." not in host or host.endswith(tuple(f".{name}" for name in LOCAL_NAMES))
    led_to = _led_to(address)
    return led_to.is_multicast or not led_to.is_global


def _led_to(address: Address) -> Address:
    """Of an IPv6 address that stands for one of IPv4, that."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _WITH_IPV4_AT_THE_END):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


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
