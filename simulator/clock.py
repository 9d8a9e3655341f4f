"""Simulated time: as real time, but `speed` times faster, and changeable while timers run."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from typing import Any


class Timer:
    """One thing to do at a moment of simulated time."""

    __slots__ = ("args", "callback", "deadline")

    def __init__(self, deadline: float, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.deadline = deadline
        self.callback: Callable[..., object] | None = callback
        self.args = args

    def cancel(self) -> None:
        self.callback = None
        self.args = ()


class Clock:
    """Simulated seconds since the start, and timers in them.

    Timers live in a heap of our own, with one event-loop timer for the earliest, because the loop's
    own timers could not be stretched when the speed changes.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._real_base = self._loop.time()
        self._simulated_base = 0.0
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_deadline = float("inf")

    @property
    def speed(self) -> float:
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._simulated_base = self.now()
        self._real_base = self._loop.time()
        self._speed = speed
        self._arm()

    def now(self) -> float:
        return self._simulated_base + (self._loop.time() - self._real_base) * self._speed

    def real_seconds(self, simulated_seconds: float) -> float:
        return simulated_seconds / self._speed

    def call_later(self, seconds: float, callback: Callable[..., object], *args: Any) -> Timer:
        timer = Timer(self.now() + max(seconds, 0.0), callback, args)
        heapq.heappush(self._heap, (timer.deadline, next(self._order), timer))
        if timer.deadline < self._alarm_deadline:
            self._arm()
        return timer

    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = self._loop.create_future()
        timer = self.call_later(seconds, _wake, wake)
        try:
            await wake
        finally:
            timer.cancel()

    def clear(self) -> None:
        """Forget every timer."""
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        heap = self._heap
        while heap and heap[0][2].callback is None:
            heapq.heappop(heap)
        if not heap:
            self._alarm_deadline = float("inf")
            return
        self._alarm_deadline = heap[0][0]
        real = self._real_base + (self._alarm_deadline - self._simulated_base) / self._speed
        self._alarm = self._loop.call_at(real, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        heap = self._heap
        # Timers less than a millisecond apart share one wake-up.
        due = self.now() + 0.001 * self._speed
        while heap and heap[0][0] <= due:
            timer = heapq.heappop(heap)[2]
            callback = timer.callback
            if callback is not None:
                args = timer.args
                timer.cancel()
                # Through the loop, so that one failing callback takes no other timer with it.
                self._loop.call_soon(callback, *args)
        self._arm()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
