"""How many calls may start now: pure functions, state in, number out.

Paces are kept by GCRA, the generic cell rate algorithm: one time each, the moment from which the next
call may start. Kept in the database, so that a takeover never bursts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# How far a pace may lag behind and still be caught up with. The engine's ticks have a grain, and claims
# take their time: a pace faster than that is served in small batches. A slow pace catches up with no
# more than the jitter of a tick, so that its calls stay evenly spaced, and nothing is ever a burst.
JITTER = timedelta(milliseconds=15)
LONGEST_BATCH = timedelta(milliseconds=100)


@dataclass(frozen=True)
class Pace:
    """At most one call in each ``interval``, evenly; ``next_at``: when the next one may start."""

    interval: timedelta
    next_at: datetime | None

    @classmethod
    def per_second(cls, rate: float, next_at: datetime | None) -> Pace:
        return cls(timedelta(seconds=1 / rate), next_at)

    @classmethod
    def per_minute(cls, rate: float, next_at: datetime | None) -> Pace:
        return cls(timedelta(minutes=1 / rate), next_at)

    def _since(self, now: datetime) -> datetime:
        """When the first of the calls that may start now was due."""
        earliest = now - max(JITTER, LONGEST_BATCH - self.interval)
        return max(self.next_at, earliest) if self.next_at else now

    def allows(self, now: datetime) -> int:
        """How many calls may start at this moment."""
        since = self._since(now)
        return 0 if since > now else 1 + int((now - since) / self.interval)

    def after(self, started: int, now: datetime) -> datetime | None:
        """``next_at`` once so many calls have started now."""
        return self._since(now) + started * self.interval if started else self.next_at


@dataclass(frozen=True)
class Headroom:
    """The state a decision is made on. Times are the database's."""

    now: datetime
    concurrent_calls: int
    live_calls: int
    paces: tuple[Pace, ...]
    # Free hands that would place the calls: what is claimed is placed at once.
    free_placers: int
    held_until: datetime | None = None
    # How many more calls the assistants can take; None: as many as come.
    assistants_room: int | None = None


def demand(headroom: Headroom) -> int:
    """The least of what each limit leaves."""
    if headroom.held_until and headroom.held_until > headroom.now:
        return 0
    limits = [headroom.concurrent_calls - headroom.live_calls, headroom.free_placers]
    if headroom.assistants_room is not None:
        limits.append(headroom.assistants_room)
    limits += [pace.allows(headroom.now) for pace in headroom.paces]
    return max(0, min(limits))


def next_look(headroom: Headroom, *, poll: timedelta) -> datetime:
    """When it is worth asking again: the next moment a pace opens, or after a poll."""
    moments = [pace.next_at for pace in headroom.paces if pace.next_at and pace.next_at > headroom.now]
    if headroom.held_until and headroom.held_until > headroom.now:
        moments.append(headroom.held_until)
    return max(moments) if moments else headroom.now + poll
