"""A driver: for a slice of time, it drives the channels it holds leases of.

It carries no meaning of its own: killed at any moment, it leaves leases that run out, intents that are
withdrawn, and calls in doubt that are reconciled. It may run twice; the database decides everything.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, close_old_connections

from campaigns.models import Channel, PauseReason
from campaigns.refusals import Refused
from campaigns.services import complete_channel, pause_channel
from dialer import cancelling, reconciling
from dialer.carrier import CallOrder
from dialer.driving import placing
from dialer.driving.claim import claim, put_off
from dialer.driving.errors import LAST_ATTEMPTS, erring_channels
from dialer.driving.lease import Leases, living_drivers_here
from dialer.driving.placers import HangersUp, Placers
from dialer.starting import Starters

logger = logging.getLogger(__name__)

# The grain of the engine: it never sleeps shorter, so that fast channels are served in small batches.
TICK_SECONDS = 0.02
# How often leases are kept (well within their time), and schedules and deadlines looked at.
KEEP_SECONDS = 0.5
# After its slice a driver goes on until its successor is alive, at most this long.
HANDOVER_SECONDS = 5.0
# The database restarts, is read-only for a while, or two transactions met: tried again, as opposed to
# an error of ours, which ends the driver and is told of.
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)
RECOVER_SECONDS = 1.0
# How soon a channel is tried again that could not be driven for an error of ours.
FAILED_SECONDS = 5.0


# Set for good once this process was told to end: drivers finish what they began, and no other starts.
_told_to_end = threading.Event()


def end_when_told() -> None:
    """SIGTERM comes to the whole process group: from now on this process's drivers listen for it."""

    def end(number: int, frame: FrameType | None) -> None:
        _told_to_end.set()

    signal.signal(signal.SIGTERM, end)


class Driver:
    def __init__(self, *, slice_seconds: float) -> None:
        self.slice_seconds = slice_seconds
        self.leases = Leases()
        # Channel → when to look at it again, by this process's clock.
        self._next_look: dict[int, float] = {}
        # Channel → when it last started calls, by this process's clock.
        self._started_at: dict[int, float] = {}
        self._stopping = False
        self._keep_at = float("-inf")
        self._hangers_up = HangersUp(HangersUp.THREADS)
        self._starters = Starters(is_ending=_told_to_end.is_set)

    def run(self, *, enqueue_successor: Callable[[], None]) -> None:
        """Drive for the slice, hand over, let go. ``enqueue_successor()`` is called once, near the end."""
        placers = Placers(settings.PLACING_THREADS)
        until = time.monotonic() + self.slice_seconds
        successor_called = False
        try:
            while not (self._stopping or _told_to_end.is_set()):
                now = time.monotonic()
                if successor_called and (self.leases.has_successor or now >= until + HANDOVER_SECONDS):
                    break
                try:
                    if now >= until and not successor_called:
                        if self._is_superfluous():
                            break
                        self.leases.expect_successor()
                        enqueue_successor()
                        successor_called = True
                    self._keep(now)
                    self._tick(placers)
                except DATABASE_AWAY:
                    logger.exception("The database did not answer; trying again.")
                    close_old_connections()
                    time.sleep(RECOVER_SECONDS)
                    continue
                self._sleep()
        finally:
            try:
                self.leases.end()
            except DATABASE_AWAY:
                logger.warning("Leases could not be let go; they run out by themselves.")
            placers.close()
            self._hangers_up.close()
            self._starters.close()

    def _is_superfluous(self) -> bool:
        """Whether this host has enough drivers without a successor of this one."""
        return living_drivers_here() > settings.DRIVERS

    def _keep(self, now: float) -> None:
        if now < self._keep_at:
            return
        self._keep_at = now + KEEP_SECONDS
        self.leases.keep()
        for channel_id in self.leases.closed:
            # Paused or stopped: what the carrier has in its own queue must not ring hours later.
            cancelling.cancel_queued_later(channel_id=channel_id)
        self._next_look = {channel: self._next_look.get(channel, now) for channel in self.leases.channels}
        self._hangers_up.hang_up_on_forbidden()
        # To the moment: what is scheduled starts when its time comes, not when somebody looks next.
        self._keep_at = now + min(max(self._starters.start_due(), TICK_SECONDS), KEEP_SECONDS)
        reconciling.ask_when_overdue()
        self._pause_those_with_errors()

    def _tick(self, placers: Placers) -> None:
        now = time.monotonic()
        due = [channel for channel, look in self._next_look.items() if look <= now]
        # Who started a call longest ago first: where the account's pace is what limits them, by turns.
        due.sort(key=lambda channel: self._started_at.get(channel, 0.0))
        for place, channel_id in enumerate(due):
            try:
                self._drive(channel_id, placers, share=len(due) - place)
            except DATABASE_AWAY:
                raise
            except Exception:
                # Something is wrong with this channel: the others go on.
                logger.exception("Channel %s can't be driven.", channel_id)
                self._next_look[channel_id] = time.monotonic() + FAILED_SECONDS

    def _drive(self, channel_id: int, placers: Placers, *, share: int) -> None:
        """Start what may be started of one channel now. ``share``: see ``claim``."""
        asked = time.monotonic()
        result = claim(
            channel_id=channel_id, driver=self.leases.driver, free_placers=placers.free, share=share
        )
        if result.is_lost:
            # Until leases are kept again, which tells whether it is ours still, or once more.
            self._next_look.pop(channel_id, None)
            return
        if result.orders:
            self._started_at[channel_id] = asked
            self._place(placers, result.orders)
        self._next_look[channel_id] = asked + result.wait_seconds
        if result.closed and put_off(channel_id=channel_id, found=result):
            self._next_look[channel_id] = asked
        if result.is_closed:
            cancelling.cancel_queued_later(channel_id=channel_id)
        if result.is_exhausted:
            self._complete(channel_id)
        elif result.is_past_its_end:
            self._pause_at_the_end(channel_id)

    def _place(self, placers: Placers, orders: list[CallOrder]) -> None:
        begun = placing.now_awake_or_not()
        placed = placing.begin(orders, driver=self.leases.driver)
        for order in placed:
            placers.place(order, begun=begun)

    def _complete(self, channel_id: int) -> None:
        channel = Channel.objects.filter(pk=channel_id).first()
        if channel is None:
            return
        try:
            complete_channel(channel=channel)
        except Refused:
            # Somebody was enrolled, asked for a callback, or paused it: not over.
            return

    def _pause_those_with_errors(self) -> None:
        for channel_id, errors, cause in erring_channels(self.leases.channels):
            channel = Channel.objects.filter(pk=channel_id).first()
            if channel is None:
                continue
            note = f"{errors} of its last {LAST_ATTEMPTS} calls failed, the newest with: {cause}"
            try:
                pause_channel(channel=channel, actor=None, reason=PauseReason.ERRORS, note=note)
            except Refused:
                continue

    def _pause_at_the_end(self, channel_id: int) -> None:
        channel = Channel.objects.filter(pk=channel_id).first()
        if channel is None:
            return
        try:
            pause_channel(
                channel=channel,
                actor=None,
                reason=PauseReason.END_DATE,
                note="Its schedule does not open again: the last day has passed, or no hour is open.",
            )
        except Refused:
            return

    def _sleep(self) -> None:
        now = time.monotonic()
        wake = min([self._keep_at, *self._next_look.values()])
        time.sleep(min(max(wake - now, TICK_SECONDS), KEEP_SECONDS))
