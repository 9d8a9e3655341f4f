"""How many calls may start: spacing, limits, and when to look again. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.driving.demand import JITTER, LONGEST_BATCH, Headroom, Pace, demand, next_look

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TICK = timedelta(milliseconds=20)
POLL = timedelta(milliseconds=100)


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def starts(rate: float, looks: list[datetime], next_at: datetime | None = None) -> list[datetime]:
    """When calls start, if a channel of this pace is looked at in these moments."""
    found = []
    for look in looks:
        pace = Pace.per_second(rate, next_at)
        started = pace.allows(look)
        next_at = pace.after(started, look)
        found += [look] * started
    return found


def looks_every(step: timedelta, length: timedelta, jitter: list[float] | None = None) -> list[datetime]:
    moments, at, turn = [], NOW, 0
    while at < NOW + length:
        moments.append(at)
        at += step + seconds(jitter[turn % len(jitter)] if jitter else 0)
        turn += 1
    return moments


jitters = st.lists(st.floats(0, 0.015), min_size=5, max_size=40)


@given(jitters)
def test_five_a_second_are_two_hundred_milliseconds_apart_give_or_take_a_tick(jitter):
    found = starts(5, looks_every(seconds(0.005), seconds(5), jitter))
    gaps = [later - earlier for earlier, later in pairwise(found)]
    assert gaps
    assert min(gaps) >= seconds(0.2) - TICK
    assert max(gaps) <= seconds(0.2) + 2 * TICK


@given(st.floats(0.1, 5), st.floats(0.3, 100_000), jitters)
def test_a_slow_pace_is_never_a_burst_however_long_it_was_idle(rate, idle_seconds, jitter):
    looks = looks_every(seconds(0.005), seconds(1.5), jitter)
    found = starts(rate, looks, next_at=NOW - seconds(idle_seconds))
    gaps = [later - earlier for earlier, later in pairwise(found)]
    assert all(gap >= seconds(1 / rate) - TICK for gap in gaps)


@given(st.floats(0.2, 500), st.floats(0.05, 100), st.lists(st.floats(0.001, 2), min_size=5, max_size=60))
def test_over_any_time_no_more_starts_than_the_pace_and_one_batch(rate, idle_seconds, steps):
    looks = [NOW]
    for step in steps:
        looks.append(looks[-1] + seconds(step))
    found = starts(rate, looks, next_at=NOW - seconds(idle_seconds))
    batch = 1 + max(JITTER, LONGEST_BATCH - seconds(1 / rate)) / seconds(1 / rate)
    for place, first in enumerate(found):
        for later, moment in enumerate(found[place:]):
            assert later <= (moment - first).total_seconds() * rate + batch


@pytest.mark.parametrize("rate", [5, 10, 20, 50, 100, 200])
def test_a_pace_is_reached_although_looks_have_a_grain(rate):
    found = starts(rate, looks_every(seconds(0.025), seconds(10)))
    assert rate * 10 * 0.85 <= len(found) <= rate * 10 + 1


def test_a_takeover_goes_on_at_the_pace_that_was():
    # All that a driver knows of a pace is one time in the database: the next one starts no sooner.
    before = Pace.per_second(5, NOW + seconds(0.15))
    assert before.allows(NOW) == 0
    assert before.allows(NOW + seconds(0.15)) == 1


def test_what_was_never_started_may_start_at_once():
    pace = Pace.per_second(2, None)
    assert pace.allows(NOW) == 1
    assert pace.after(1, NOW) == NOW + seconds(0.5)


def test_nothing_started_moves_no_pace():
    assert Pace.per_second(2, None).after(0, NOW) is None
    assert Pace.per_minute(2, NOW).after(0, NOW + seconds(5)) == NOW


def test_ten_a_minute_are_six_seconds_apart():
    pace = Pace.per_minute(10, NOW - seconds(1000))
    assert pace.allows(NOW) == 1
    assert seconds(6) - TICK <= pace.after(1, NOW) - NOW <= seconds(6)


moments = st.none() | st.floats(-100, 100).map(lambda value: NOW + seconds(value))
headrooms = st.builds(
    Headroom,
    now=st.just(NOW),
    concurrent_calls=st.integers(1, 100),
    live_calls=st.integers(0, 120),
    paces=st.lists(
        st.builds(Pace.per_second, st.floats(0.1, 1000), moments)
        | st.builds(Pace.per_minute, st.floats(1, 1000), moments),
        min_size=1,
        max_size=3,
    ).map(tuple),
    free_placers=st.integers(0, 32),
    held_until=moments,
)


@given(headrooms)
def test_demand_is_the_least_of_the_limits_and_never_below_nothing(headroom):
    found = demand(headroom)
    limits = [
        max(0, headroom.concurrent_calls - headroom.live_calls),
        headroom.free_placers,
        *(pace.allows(NOW) for pace in headroom.paces),
    ]
    if headroom.held_until and headroom.held_until > NOW:
        limits.append(0)
    assert found == min(limits)


@given(headrooms)
def test_looking_again_is_worth_it_only_later_and_not_before_the_slowest_limit_opens(headroom):
    look = next_look(headroom, poll=POLL)
    assert look > NOW
    for pace in headroom.paces:
        assert not pace.next_at or look >= pace.next_at
        # Nothing that is allowed then was allowed all along: no look is too late by a whole interval.
    closed = [pace.next_at for pace in headroom.paces if pace.next_at and pace.next_at > NOW]
    if headroom.held_until and headroom.held_until > NOW:
        closed.append(headroom.held_until)
    assert look == (max(closed) if closed else NOW + POLL)


def test_a_channel_at_its_limit_of_calls_is_polled():
    headroom = Headroom(
        now=NOW,
        concurrent_calls=2,
        live_calls=2,
        paces=(Pace.per_second(5, NOW - seconds(9)),),
        free_placers=3,
    )
    assert demand(headroom) == 0
    assert next_look(headroom, poll=POLL) == NOW + POLL
