"""Which assistant takes a call: the one with the fewest for its weight, of those that have room.

One that could not be reached a moment ago rests, and the others take its calls; if all of them rest, all
of them are tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from campaigns.rulebook import Talker
from dialer.statements import rows

# In progress now, whatever channel the calls are of; a few rows of the index of live calls.
LOADS = """
SELECT assistant.id, (SELECT count(*) FROM dialer_call WHERE is_live AND assistant_id = assistant.id),
       COALESCE(assistant.resting_until > clock_timestamp(), false)
FROM campaigns_assistant AS assistant WHERE assistant.id = ANY(%(assistants)s)
"""


@dataclass(frozen=True)
class Load:
    """What an assistant has to do now."""

    live_calls: int = 0
    is_resting: bool = False


Loads = Mapping[int, Load]


def loads_of(talkers: Sequence[Talker]) -> Loads:
    """What these have to do; not asked for where there is nothing to choose, and no limit."""
    if len(talkers) <= 1 and all(talker.most_calls is None for talker in talkers):
        return {}
    found = rows(LOADS, {"assistants": [talker.assistant_id for talker in talkers]})
    return {assistant_id: Load(live, resting) for assistant_id, live, resting in found}


def room(talkers: Sequence[Talker], loads: Loads) -> int | None:
    """How many more calls they can take together; None: as many as come."""
    free = 0
    for talker in _awake(talkers, loads):
        if talker.most_calls is None:
            return None
        free += max(0, talker.most_calls - loads.get(talker.assistant_id, Load()).live_calls)
    return free


def spread(talkers: Sequence[Talker], loads: Loads, calls: int) -> list[Talker]:
    """Who takes each of so many further calls; fewer when they have no more room."""
    awake = _awake(talkers, loads)
    live = {talker.assistant_id: loads.get(talker.assistant_id, Load()).live_calls for talker in awake}
    chosen: list[Talker] = []
    for _ in range(calls):
        free = [t for t in awake if t.most_calls is None or live[t.assistant_id] < t.most_calls]
        if not free:
            break
        # As if the call were theirs already: so a heavy one that is idle comes before a light one.
        taker = min(free, key=lambda talker: (live[talker.assistant_id] + 1) / talker.weight)
        live[taker.assistant_id] += 1
        chosen.append(taker)
    return chosen


def _awake(talkers: Sequence[Talker], loads: Loads) -> Sequence[Talker]:
    awake = [talker for talker in talkers if not loads.get(talker.assistant_id, Load()).is_resting]
    return awake or talkers
