"""Who drives which channel: leases on the database's clock, shared out among the living drivers."""

from __future__ import annotations

import math
import os
import socket
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from dialer.statements import rows, run

# A driver without a sign of life for as long as a lease lasts is dead; its row goes a little later.
FORGET_AFTER_LEASES = 20


SIGN_OF_LIFE = """
INSERT INTO dialer_driver (id, host, pid, started_at, seen_at)
VALUES (%(driver)s, %(host)s, %(pid)s, clock_timestamp(), clock_timestamp())
ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()
"""

# Those that have been alive within a lease, and those of them that came since a successor is expected.
LIVING = """
SELECT count(*), count(*) FILTER (WHERE started_at > %(expected)s::timestamptz), clock_timestamp()
FROM dialer_driver
WHERE seen_at > clock_timestamp() - make_interval(secs => %(lease)s)
"""

LEASABLE = """
SELECT count(*) FROM campaigns_channel WHERE status = 'running'
"""

# Renews what is held, of running channels only; the others are let go.
RENEW = """
UPDATE campaigns_channeldrive AS drive SET leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
FROM campaigns_channel AS channel
WHERE drive.owner = %(driver)s AND channel.id = drive.channel_id AND channel.status = 'running'
RETURNING drive.channel_id
"""

TAKE = """
UPDATE campaigns_channeldrive SET
    owner = %(driver)s, leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE channel_id IN (
    SELECT drive.channel_id
    FROM campaigns_channeldrive AS drive JOIN campaigns_channel AS channel ON channel.id = drive.channel_id
    WHERE channel.status = 'running' AND (drive.owner = '' OR drive.leased_until < clock_timestamp())
    ORDER BY drive.leased_until NULLS FIRST, drive.channel_id
    LIMIT %(most)s
    FOR UPDATE OF drive SKIP LOCKED
)
RETURNING channel_id
"""

LET_GO = """
UPDATE campaigns_channeldrive SET owner = '', leased_until = NULL
WHERE owner = %(driver)s AND (%(channels)s::bigint[] IS NULL OR channel_id = ANY(%(channels)s))
"""

LET_GO_IDLE = """
UPDATE campaigns_channeldrive AS drive SET owner = '', leased_until = NULL
FROM campaigns_channel AS channel
WHERE drive.owner = %(driver)s AND channel.id = drive.channel_id AND channel.status <> 'running'
RETURNING drive.channel_id
"""

FORGET = """
DELETE FROM dialer_driver WHERE seen_at < clock_timestamp() - make_interval(secs => %(old)s)
"""


@dataclass
class Leases:
    """One driver's leases. ``channels`` are those it holds."""

    driver: str = field(
        default_factory=lambda: f"{socket.gethostname()[:24]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    )
    channels: set[int] = field(default_factory=set)
    living: int = 1
    # Whether a driver came since this one called for its successor.
    has_successor: bool = False
    # Channels that were just let go because they don't run any more.
    closed: set[int] = field(default_factory=set)
    _now: datetime | None = None
    _expected_since: datetime | None = None

    @property
    def _parameters(self) -> dict[str, Any]:
        return {
            "driver": self.driver,
            "host": socket.gethostname()[:100],
            "pid": os.getpid(),
            "lease": settings.DRIVER_LEASE_SECONDS,
            "old": settings.DRIVER_LEASE_SECONDS * FORGET_AFTER_LEASES,
        }

    def keep(self) -> None:
        """A sign of life; leases renewed, taken up to the fair share, and let go beyond it.

        To be called well within the time of a lease.
        """
        parameters = self._parameters
        with transaction.atomic():
            run(SIGN_OF_LIFE, parameters)
            parameters["expected"] = self._expected_since
            ((self.living, newer, self._now),) = rows(LIVING, parameters)
            self.has_successor = newer > 0
            ((running,),) = rows(LEASABLE, {})
            self.closed = set()
            if self.channels:
                self.closed = {channel_id for (channel_id,) in rows(LET_GO_IDLE, parameters)}
                self.channels = {channel_id for (channel_id,) in rows(RENEW, parameters)}
            share = math.ceil(running / max(self.living, 1))
            if len(self.channels) > share:
                self._let_go(sorted(self.channels)[share:])
            elif len(self.channels) < share:
                taken = rows(TAKE, {**parameters, "most": share - len(self.channels)})
                self.channels |= {channel_id for (channel_id,) in taken}

    def expect_successor(self) -> None:
        """From now on a new driver is taken for this one's successor."""
        self._expected_since = self._now

    def _let_go(self, channels: list[int] | None) -> None:
        run(LET_GO, {"driver": self.driver, "channels": channels})
        self.channels -= set(self.channels if channels is None else channels)

    def end(self) -> None:
        """Let go of everything, and be gone."""
        with transaction.atomic():
            self._let_go(None)
            run("DELETE FROM dialer_driver WHERE id = %(driver)s", {"driver": self.driver})
            run(FORGET, self._parameters)


LIVING_HERE = """
SELECT count(*) FROM dialer_driver
WHERE host = %(host)s AND seen_at > clock_timestamp() - make_interval(secs => %(lease)s)
"""


def living_drivers_here() -> int:
    """How many drivers of this host have been alive within a lease."""
    parameters = {"host": socket.gethostname()[:100], "lease": settings.DRIVER_LEASE_SECONDS}
    ((living,),) = rows(LIVING_HERE, parameters)
    return int(living)
