"""Guessing passwords is made slow: too many wrong ones, and logging in is closed for a while.

Kept in the database, so that all web processes on all hosts count together.
"""

from __future__ import annotations

import datetime as dt
import ipaddress

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest

from accounts.models import LogInAttempt

# Wrong passwords for one name from one address before that pair has to wait, and for any names from
# one address. A name alone is never locked: that would let anybody lock anybody out.
TRIES = 5
TRIES_OF_AN_ADDRESS = 50
WINDOW = dt.timedelta(minutes=15)


def address_of(request: HttpRequest) -> str:
    """Where the request came from. Behind our own proxy, its last word on that is the trusted one."""
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return _counted_as(forwarded)
    return _counted_as(str(request.META.get("REMOTE_ADDR", "")))


def _counted_as(address: str) -> str:
    """An IPv6 address is counted as its /64: that is what one subscriber gets, to choose from freely."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def closed_until(*, username: str, address: str, now: dt.datetime) -> dt.datetime | None:
    """When logging in may be tried again; None: now."""
    recent = LogInAttempt.objects.filter(address=address, at__gt=now - WINDOW)
    moments = []
    for attempts, most in (
        (recent.filter(username=_folded(username)), TRIES),
        (recent, TRIES_OF_AN_ADDRESS),
    ):
        # The one that has to be forgotten before there is room for another try.
        oldest = attempts.order_by("-at").values_list("at", flat=True)[most - 1 : most].first()
        if oldest is not None:
            moments.append(oldest + WINDOW)
    return max(moments, default=None)


@transaction.atomic
def count_attempt(*, username: str, address: str, now: dt.datetime) -> dt.datetime | None:
    """Before the password is looked at. None: counted; otherwise when it may be tried again.

    Of many at once from one address, each waits until the one before is counted.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"log-in {address}"])
    until = closed_until(username=username, address=address, now=now)
    if until is None:
        LogInAttempt.objects.filter(at__lte=now - 4 * WINDOW).delete()
        LogInAttempt.objects.create(username=_folded(username), address=address, at=now)
    return until


def forget_attempts(*, username: str, address: str) -> None:
    """After the right password."""
    LogInAttempt.objects.filter(username=_folded(username), address=address).delete()


def _folded(username: str) -> str:
    return username.strip().casefold()[:150].replace("\x00", "")
