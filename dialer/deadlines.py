"""How long a call may be in a state before the reconciler asks the carrier about it."""

from __future__ import annotations

from datetime import timedelta

# A claimed call is placed within milliseconds, unless its driver is gone.
INTENT = timedelta(seconds=15)
# The longest a POST takes before it is given up, and some more.
PLACING_MARGIN = timedelta(seconds=10)
# The first look after a doubtful answer; the carrier's own records lag by some seconds.
FIRST_LOOK = timedelta(seconds=5)
# A call that rang out should be told of shortly after; then it is asked for.
RINGING_MARGIN = timedelta(seconds=30)
LONGEST_RING_SECONDS = 120
# A live call is looked for this often: a lost hang-up costs a slot for no longer.
CONNECTED = timedelta(seconds=120)
# After the longest time it could ring, and this, a call the carrier knows nothing of was never placed.
NEVER_PLACED_MARGIN = timedelta(seconds=60)
# So many looks at the carrier, some while apart, must have found nothing before a call is given up.
LOOKS_BEFORE_GIVING_UP = 3
# An accepted call without a trace, neither live nor on record: given up after this.
NO_TRACE = timedelta(minutes=3)
# A machine's verdict later than this after the detection's own time is about somebody who talks.
LATE_VERDICT = timedelta(seconds=4)
# One that was timely may be heard of after the end; of a call that ended longer ago nothing is changed.
VERDICT_AFTER_THE_END = timedelta(seconds=60)


def ringing(ring_timeout_seconds: int) -> timedelta:
    return timedelta(seconds=ring_timeout_seconds) + RINGING_MARGIN


def placing(timeouts: tuple[float, float]) -> timedelta:
    return timedelta(seconds=sum(timeouts)) + PLACING_MARGIN


def next_look(checks: int) -> timedelta:
    """The pause before the next look, longer each time: 5, 10, 20 s …, at most a minute."""
    return min(FIRST_LOOK * (1 << min(checks, 6)), timedelta(minutes=1))
