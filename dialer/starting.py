"""Scheduled channels start at their time: drivers look for what is due, and start it in threads of its own.

Starting enrolls a whole list, which takes seconds: too long for a driver itself, whose leases would run
out, and no work for the queue, where imports may be before it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.db import close_old_connections

from campaigns.services import start_scheduled_channel
from dialer.driving.hands import Hands
from dialer.statements import rows

logger = logging.getLogger(__name__)

# What is due, and when something will be, on the database's clock.
SCHEDULED = """
SELECT id, extract(epoch FROM start_at - clock_timestamp())::float, clock_timestamp()
FROM campaigns_channel WHERE status = 'scheduled' ORDER BY start_at, id LIMIT %(most)s
"""


class Starters(Hands[tuple[int, datetime]]):
    """All drivers try; the first one starts a channel, the others find it started, or being started."""

    name = "starter"
    # A list of a million holds up the next start, not the one after it.
    THREADS = 2
    MOST = 100
    # How soon a channel is tried again that could not be started for an error of ours.
    FAILED_SECONDS = 5.0

    def __init__(self, is_ending: Callable[[], bool]) -> None:
        super().__init__(self.THREADS)
        self._is_ending = is_ending
        # Channels that are being started, and, by this process's clock, when to try those that failed again.
        self._at_work: set[int] = set()
        self._try_at: dict[int, float] = {}

    def start_due(self) -> float:
        """Start what is due, in the background; return in how many seconds something else will be."""
        clock = time.monotonic()
        self._try_at = {channel: at for channel, at in self._try_at.items() if at > clock}
        for channel_id, seconds, now in rows(SCHEDULED, {"most": self.MOST}):
            if seconds > 0:
                return float(seconds)
            if channel_id not in self._at_work and channel_id not in self._try_at:
                self._at_work.add(channel_id)
                self.give((channel_id, now))
        return float("inf")

    def do(self, task: tuple[int, datetime]) -> None:
        channel_id, now = task
        try:
            start_scheduled_channel(channel_id=channel_id, now=now)
        except Exception:
            # It stays scheduled, and the others are not kept by it.
            logger.exception("Channel %s can't be started at its time.", channel_id)
            self._try_at = {**self._try_at, channel_id: time.monotonic() + self.FAILED_SECONDS}
            close_old_connections()
        finally:
            self._at_work.discard(channel_id)

    def close(self) -> None:
        """Wait for what is being started, unless the process ends: then it is undone, and another's."""
        if not self._is_ending():
            super().close()
