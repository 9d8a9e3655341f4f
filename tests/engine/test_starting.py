"""Scheduled channels: started by drivers, at their time and once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from campaigns.models import Campaign, Channel
from campaigns.services import channels, start_scheduled_channel, unschedule_channel
from dialer.driving.driver import Driver
from dialer.starting import Starters
from tests.engine.conftest import campaign_of, started
from tests.factories import ChannelFactory, ListFactory

A_MOMENT = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def due(since: timedelta = A_MOMENT, **options: Any) -> Channel:
    return ChannelFactory(
        scheduled=True, start_at=timezone.now() - since, lists=[ListFactory(members=3)], **options
    )


def status(channel: Channel) -> str:
    channel.refresh_from_db()
    return channel.status


def start(channel: Channel) -> bool:
    return start_scheduled_channel(channel_id=channel.pk)


def told(channel: Channel) -> str:
    return str(channel.campaign.activities.get(verb="start").text)


def wait_until(condition: Callable[[], Any], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} s"
        time.sleep(0.02)


# --- One channel -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_can_not_start_is_paused_with_the_reason():
    channel = due(voice__caller_id__is_active=False)

    assert start(channel)

    assert status(channel) == "paused"
    assert "not active" in channel.pause_note


@pytest.mark.django_db
def test_nothing_starts_before_its_time_or_without_a_schedule():
    later = ChannelFactory(scheduled=True, lists=[ListFactory(members=1)])
    ready = ChannelFactory(start_at=timezone.now() - A_MOMENT, lists=[ListFactory(members=1)])

    assert not start(later)
    assert not start(ready)
    assert not start_scheduled_channel(channel_id=0)

    assert (status(later), status(ready)) == ("scheduled", "ready")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("late", "said"),
    [
        (timedelta(seconds=40), "started Voice with 3 contacts"),
        (timedelta(minutes=12, seconds=5), "started Voice with 3 contacts, 12 min after its time"),
        (timedelta(days=2, minutes=7), "started Voice with 3 contacts, 48 h 7 min after its time"),
    ],
)
def test_a_start_that_is_late_says_so(late, said):
    channel = due(late)

    assert start(channel)

    assert told(channel) == said


@pytest.mark.django_db(transaction=True)
def test_told_in_several_places_at_once_each_channel_starts_once():
    for _ in range(3):
        scheduled = [due() for _ in range(3)]
        barrier = threading.Barrier(4)
        starts: list[bool] = []

        def start_all(
            barrier: threading.Barrier = barrier,
            starts: list[bool] = starts,
            scheduled: list[Channel] = scheduled,
        ) -> None:
            try:
                connection.ensure_connection()
                barrier.wait(10)
                starts.extend(start(channel) for channel in scheduled)
            finally:
                connection.close()

        threads = [threading.Thread(target=start_all) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sum(starts) == 3
        for channel in scheduled:
            assert (status(channel), channel.run, channel.enrollments.count()) == ("running", 1, 3)
            assert channel.campaign.activities.filter(verb="start").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_campaign_that_somebody_is_at_keeps_nobody_waiting():
    held = due()
    with transaction.atomic():
        Campaign.objects.select_for_update(no_key=True).get(pk=held.campaign_id)
        starts: list[bool] = []

        def try_it() -> None:
            try:
                starts.append(start(held))
            finally:
                connection.close()

        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join(10)
        assert starts == [False]
        unschedule_channel(channel=held, actor=None)
    assert not start(held)
    assert status(held) == "ready"


# --- What drivers do about it ----------------------------------------------------------------------


@pytest.fixture
def starters(transactional_db):
    starters = Starters(is_ending=lambda: False)
    yield starters
    starters.close()


def test_what_is_due_is_started_and_the_next_moment_is_known(starters):
    first, second = due(), due()
    ChannelFactory(scheduled=True, start_at=timezone.now() + timedelta(hours=1))

    assert 3590 < starters.start_due() < 3600

    wait_until(lambda: status(first) == status(second) == "running")


def test_with_nothing_scheduled_nothing_is_waited_for(starters):
    ChannelFactory(running=True)

    assert starters.start_due() == float("inf")


def test_an_error_of_one_channel_does_not_keep_the_others_and_is_tried_again(starters, monkeypatch):
    broken, whole = due(), due()
    enroll, tried = channels.enroll_lists, []

    def failing(*, channel: Channel, now: Any) -> int:
        if channel.pk == broken.pk:
            tried.append(channel.pk)
            raise RuntimeError("broken")
        return enroll(channel=channel, now=now)

    monkeypatch.setattr(channels, "enroll_lists", failing)
    starters.start_due()
    wait_until(lambda: status(whole) == "running")
    wait_until(lambda: tried and not starters._at_work)
    starters.start_due()
    assert not starters._at_work, "not at once: an error would fill the log"
    assert (status(broken), broken.run, len(tried)) == ("scheduled", 0, 1)

    monkeypatch.undo()
    starters._try_at.clear()
    starters.start_due()
    wait_until(lambda: status(broken) == "running")


def test_a_process_that_ends_does_not_wait_for_a_start(transactional_db, monkeypatch):
    channel, begun, go_on = due(), threading.Event(), threading.Event()

    def slow(*, channel: Channel, now: Any) -> int:
        begun.set()
        go_on.wait(20)
        raise RuntimeError("killed")

    monkeypatch.setattr(channels, "enroll_lists", slow)
    starters = Starters(is_ending=lambda: True)
    starters.start_due()
    assert begun.wait(10)

    starters.close()

    assert status(channel) == "scheduled", "nothing is half done"
    go_on.set()
    for thread in starters._threads:
        starters._tasks.put(None)
        thread.join(10)


def lateness(channel: Channel) -> float:
    """Seconds from its time until everybody saw it run."""
    wait_until(lambda: status(channel) != "scheduled")
    assert channel.started_at >= channel.start_at
    return (timezone.now() - channel.start_at).total_seconds()


@pytest.mark.parametrize("load", ["idle", "busy"])
def test_drivers_start_what_is_scheduled_to_the_second(engine, load):
    if load == "busy":
        busy = started(campaign_of(400, voice__concurrent_calls=20, voice__calls_per_second=20))
    # Nobody works the queue off: an import may be at work for minutes.
    engine.start(drivers=2, has_worker=False)
    if load == "busy":
        wait_until(lambda: busy.enrollments.filter(status="completed").exists())
    soon = timezone.now() + timedelta(seconds=2)
    scheduled = [
        ChannelFactory(
            scheduled=True, start_at=soon + timedelta(milliseconds=370 * n), lists=[ListFactory(members=2)]
        )
        for n in range(4)
    ]

    late = [lateness(channel) for channel in scheduled]

    assert max(late) < 1, late
    if load == "busy":
        assert status(busy) == "running"


def test_a_start_missed_while_no_driver_was_there_is_made_up_for(engine):
    channel = due(timedelta(minutes=3))

    engine.start(drivers=1, has_worker=False)

    wait_until(lambda: status(channel) != "scheduled")
    assert told(channel).endswith(", 3 min after its time")


def test_a_driver_looks_again_when_the_next_one_is_due(transactional_db):
    ChannelFactory(scheduled=True, start_at=timezone.now() + timedelta(milliseconds=200))
    driver = Driver(slice_seconds=1)

    now = time.monotonic()
    driver._keep(now)

    assert driver._keep_at - now < 0.25
