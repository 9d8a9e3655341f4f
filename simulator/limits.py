"""The account's limits: calls a second (the excess is queued, silently) and API requests (429)."""

from __future__ import annotations

from collections import deque

# More calls a second than this are not counted exactly.
MOST_REMEMBERED = 4096


class CallRate:
    """At most `per_second` calls in any second; for less than one a second, one in each 1/per_second."""

    def __init__(self) -> None:
        self._fired: deque[float] = deque(maxlen=MOST_REMEMBERED)

    def wait_seconds(self, per_second: float, now: float) -> float:
        """How long until another call may be fired; 0 is now."""
        if per_second <= 0:
            return 0.0
        burst = max(1, int(per_second))
        while len(self._fired) > burst:
            self._fired.popleft()
        if len(self._fired) < burst:
            return 0.0
        return max(0.0, self._fired[0] + burst / per_second - now)

    def fired(self, now: float) -> None:
        self._fired.append(now)

    def clear(self) -> None:
        self._fired.clear()


class RequestRate:
    """At most `limit` requests in each window of `seconds`."""

    def __init__(self) -> None:
        self._window_start = 0.0
        self._count = 0

    def allows(self, limit: int, seconds: float, now: float) -> bool:
        if limit <= 0:
            return True
        if now - self._window_start >= seconds:
            self._window_start = now
            self._count = 0
        self._count += 1
        return self._count <= limit

    def clear(self) -> None:
        self._window_start = 0.0
        self._count = 0
