"""Scheduled channels: noticed by drivers, started by the worker, at their time and once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from campaigns.models import Campaign, Channel, Enrollment
from campaigns.services import channels, start_scheduled_channels, unschedule_channel
from dialer import starting
from dialer.models import CarrierAccount
from tests.conftest import work_off
from tests.factories import ChannelFactory, ListFactory

pytestmark = pytest.mark.django_db
A_MOMENT = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def due(**options: Any) -> Channel:
    return ChannelFactory(
        scheduled=True, start_at=timezone.now() - A_MOMENT, lists=[ListFactory(members=3)], **options
    )


def status(channel: Channel) -> str:
    channel.refresh_from_db()
    return channel.status


def test_the_worker_is_asked_when_a_channel_is_due_and_not_twice_at_once():
    channel = ChannelFactory(scheduled=True, lists=[ListFactory(members=3)])
    assert not starting.ask_when_due()
    Channel.objects.filter(pk=channel.pk).update(start_at=timezone.now() - A_MOMENT)
    assert starting.ask_when_due()
    assert not starting.ask_when_due()
    assert OrmQ.objects.count() == 1
    CarrierAccount.objects.update(starts_asked_at=timezone.now() - 2 * A_MOMENT)
    assert starting.ask_when_due()
    assert status(channel) == "scheduled"
    assert work_off() == 2
    assert status(channel) == "running"
    assert Enrollment.objects.count() == 3
    CarrierAccount.objects.update(starts_asked_at=None)
    assert not starting.ask_when_due()


def test_an_error_of_one_channel_does_not_keep_the_others(monkeypatch):
    broken, whole = due(), due()
    enroll = channels.enroll_lists

    def failing(*, channel: Channel, now: Any) -> int:
        if channel.pk == broken.pk:
            raise RuntimeError("broken")
        return enroll(channel=channel, now=now)

    monkeypatch.setattr(channels, "enroll_lists", failing)
    assert start_scheduled_channels() == 1
    assert (status(broken), status(whole)) == ("scheduled", "running")
    assert broken.run == 0
    monkeypatch.undo()
    assert start_scheduled_channels() == 1
    assert status(broken) == "running"


def test_what_can_not_start_is_paused_with_the_reason():
    channel = due(voice__caller_id__is_active=False)
    assert start_scheduled_channels() == 1
    assert status(channel) == "paused"
    assert "not active" in channel.pause_note


@pytest.mark.django_db(transaction=True)
def test_told_in_several_places_at_once_each_channel_starts_once():
    for _ in range(3):
        scheduled = [due() for _ in range(3)]
        barrier = threading.Barrier(4)
        started: list[int] = []

        def start(barrier: threading.Barrier = barrier, started: list[int] = started) -> None:
            try:
                connection.ensure_connection()
                barrier.wait(10)
                started.append(start_scheduled_channels())
            finally:
                connection.close()

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        # Whom another was at is left to the next look.
        assert sum(started) + start_scheduled_channels() == 3
        for channel in scheduled:
            assert (status(channel), channel.run, channel.enrollments.count()) == ("running", 1, 3)
            assert channel.campaign.activities.filter(verb="start").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_campaign_that_somebody_is_at_keeps_nobody_waiting():
    held, free = due(), due()
    with transaction.atomic():
        Campaign.objects.select_for_update(no_key=True).get(pk=held.campaign_id)
        started: list[int] = []

        def start() -> None:
            try:
                started.append(start_scheduled_channels())
            finally:
                connection.close()

        thread = threading.Thread(target=start)
        thread.start()
        thread.join(10)
        assert started == [1]
        unschedule_channel(channel=held, actor=None)
    assert (status(held), status(free)) == ("ready", "running")
    assert start_scheduled_channels() == 0
