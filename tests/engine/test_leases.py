"""Who drives which channel: shared fairly, taken over when a driver dies, never driven by two."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from campaigns.models import Channel, ChannelDrive, Enrollment, VoiceSettings
from campaigns.services import pause_channel, resume_channel
from dialer import tasks
from dialer.driving import placing
from dialer.driving.claim import claim
from dialer.driving.driver import Driver
from dialer.driving.lease import Leases
from dialer.driving.placers import Placers
from dialer.models import Call
from dialer.models import Driver as LivingDriver
from tests.engine.bare import BareServer, answering
from tests.engine.conftest import Engine, campaign_of, check_invariants, started
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
    zone_set,
)

pytestmark = pytest.mark.django_db


def keep_all(*drivers: Leases, rounds: int = 3) -> None:
    for _ in range(rounds):
        for driver in drivers:
            driver.keep()


def held(*drivers: Leases) -> list[int]:
    """How many channels each holds; none is held twice, and the database says the same."""
    channels = [channel for driver in drivers for channel in driver.channels]
    assert len(channels) == len(set(channels))
    for driver in drivers:
        owned = ChannelDrive.objects.filter(owner=driver.driver).values_list("channel_id", flat=True)
        assert set(owned) == driver.channels
    return sorted(len(driver.channels) for driver in drivers)


# --- Sharing ---------------------------------------------------------------------------------------


def test_ten_channels_are_shared_fairly_and_anew_when_drivers_come_and_go():
    ChannelFactory.create_batch(10, running=True)
    one, two, three = Leases(), Leases(), Leases()
    keep_all(one)
    assert held(one) == [10]
    keep_all(one, two)
    assert held(one, two) == [5, 5]
    keep_all(one, two, three)
    assert held(one, two, three) == [2, 4, 4]
    two.end()
    keep_all(one, three)
    assert held(one, three) == [5, 5]
    one.end()
    keep_all(three)
    assert held(three) == [10]


def test_fewer_channels_than_drivers_are_each_driven_by_one():
    ChannelFactory.create_batch(2, running=True)
    drivers = [Leases() for _ in range(5)]
    keep_all(*drivers)
    assert held(*drivers) == [0, 0, 0, 1, 1]


def test_only_running_channels_are_leased():
    for status in ("paused", "scheduled", "stopped", "completed"):
        ChannelFactory(**{status: True})
    ChannelFactory()
    running = ChannelFactory(running=True)
    driver = Leases()
    keep_all(driver)
    assert driver.channels == {running.pk}


def test_a_paused_channel_is_let_go_and_taken_again_when_it_goes_on():
    list_ = ListFactory(members=1)
    one, other = (ChannelFactory(running=True, lists=[list_]) for _ in range(2))
    driver = Leases()
    keep_all(driver)
    pause_channel(channel=one, actor=None)
    driver.keep()
    assert driver.channels == {other.pk}
    assert ChannelDrive.objects.get(channel=one).owner == ""
    resume_channel(channel=one, actor=None)
    driver.keep()
    assert driver.channels == {one.pk, other.pk}


def test_a_lease_is_renewed_well_before_it_ends(settings):
    channel = ChannelFactory(running=True)
    driver = Leases()
    driver.keep()
    first = ChannelDrive.objects.get(channel=channel).leased_until
    assert first - timezone.now() > timedelta(seconds=settings.DRIVER_LEASE_SECONDS - 1)
    driver.keep()
    assert ChannelDrive.objects.get(channel=channel).leased_until > first


def test_a_driver_that_died_is_replaced_within_five_seconds():
    channel = ChannelFactory(running=True)
    dead, living = Leases(), Leases()
    dead.keep()
    died_at = time.monotonic()
    living.keep()
    assert not living.channels
    while channel.pk not in living.channels:
        assert time.monotonic() - died_at < 5
        time.sleep(0.1)
        living.keep()
    assert living.living == 1


def test_what_a_dead_driver_left_of_itself_is_forgotten(settings):
    dead, living = Leases(), Leases()
    keep_all(dead, living)
    long_ago = timezone.now() - timedelta(hours=1)
    LivingDriver.objects.filter(pk=dead.driver).update(seen_at=long_ago)
    living.end()
    assert not LivingDriver.objects.exists()


def test_a_successor_is_a_driver_that_came_later():
    one, other = Leases(), Leases()
    keep_all(one, other)
    # Another driver that was there all along is no successor.
    one.expect_successor()
    keep_all(one, other)
    assert not one.has_successor
    keep_all(Leases(), one)
    assert one.has_successor
    assert not other.has_successor


# --- Not any more ----------------------------------------------------------------------------------


def claimed(channel: Channel, driver: Leases) -> Any:
    return claim(channel_id=channel.pk, driver=driver.driver, free_placers=9, share=1)


def waiting_in(channel: Channel) -> Enrollment:
    return EnrollmentFactory(channel=channel, contact=ContactFactory(zone_set=zone_set()))


@pytest.fixture
def carrier_that_counts(settings: Any) -> Iterator[BareServer]:
    server = BareServer(answering("201 Created", {"request_uuid": "r-1"}))
    settings.PLIVO_AUTH_ID = "MATESTTESTTESTTEST00"
    settings.PLIVO_API_URL = server.url
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24
    yield server
    server.close()


def test_a_driver_stopped_beyond_its_lease_does_nothing_when_it_wakes(carrier_that_counts):
    channel = ChannelFactory(running=True)
    enrollment = waiting_in(channel)
    asleep, awake = Leases(), Leases()
    asleep.keep()
    orders = claimed(channel, asleep).orders
    assert len(orders) == 1
    # It sleeps; its lease runs out, and the channel is another's.
    ChannelDrive.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    LivingDriver.objects.filter(pk=asleep.driver).update(seen_at=timezone.now() - timedelta(seconds=9))
    awake.keep()
    assert awake.channels == {channel.pk}
    # It wakes: what it claimed is not placed, and nothing more is claimed.
    assert placing.begin(orders, driver=asleep.driver) == []
    assert claimed(channel, asleep).is_lost
    asleep.keep()
    assert asleep.channels == set()
    assert not carrier_that_counts.requests
    enrollment.refresh_from_db()
    assert enrollment.status == "pending"
    assert awake.channels == {channel.pk}


@pytest.mark.parametrize(("seconds_ago", "posts"), [(0.0, 1), (9.0, 1), (11.0, 0), (500.0, 0)])
def test_an_order_that_was_begun_too_long_ago_is_not_placed(carrier_that_counts, seconds_ago, posts):
    channel = ChannelFactory(running=True)
    waiting_in(channel)
    driver = Leases()
    driver.keep()
    (order,) = placing.begin(claimed(channel, driver).orders, driver=driver.driver)
    placing.place(order, begun=placing.now_awake_or_not() - seconds_ago)
    assert len(carrier_that_counts.requests) == posts
    assert Call.objects.get().state == ("ringing" if posts else "unknown")


@pytest.mark.parametrize("seconds_ago", [1.0, 11.0])
def test_an_order_that_waited_is_looked_at_once_more(carrier_that_counts, seconds_ago):
    channel = ChannelFactory(running=True)
    enrollment = waiting_in(channel)
    driver = Leases()
    driver.keep()
    (order,) = placing.begin(claimed(channel, driver).orders, driver=driver.driver)
    DoNotContactFactory(phone_number=order.to_number)
    placing.place(order, begun=placing.now_awake_or_not() - seconds_ago)
    assert not carrier_that_counts.requests
    assert Call.objects.get().outcome == "withdrawn"
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.attempts) == ("pending", 0)


def test_an_error_of_our_own_while_placing_leaves_the_call_in_doubt(carrier_that_counts, settings):
    channel = ChannelFactory(running=True)
    waiting_in(channel)
    driver = Leases()
    driver.keep()
    (order,) = placing.begin(claimed(channel, driver).orders, driver=driver.driver)
    settings.PLIVO_AUTH_ID = "too short for the SDK"
    placing.place(order, begun=placing.now_awake_or_not())
    call = Call.objects.get()
    assert call.state == "unknown"
    assert call.events.get().kind == "doubt"


# --- Drivers at work -------------------------------------------------------------------------------


@pytest.fixture
def hands() -> Iterator[Placers]:
    placers = Placers(2)
    yield placers
    placers.close()


@pytest.mark.django_db(transaction=True)
def test_one_channel_that_can_not_be_driven_does_not_stop_the_others(carrier_that_counts, hands):
    broken, sound = ChannelFactory(running=True), ChannelFactory(running=True)
    waiting_in(broken)
    waiting_in(sound)
    # Somebody took its settings away, behind everybody's back.
    VoiceSettings.objects.filter(channel=broken).delete()
    driver = Driver(slice_seconds=60)
    driver._keep(time.monotonic())
    driver._tick(hands)
    assert list(Call.objects.values_list("channel", flat=True)) == [sound.pk]
    # It is tried again, but not at every tick.
    assert driver._next_look[broken.pk] > time.monotonic() + 2
    driver.leases.end()


@pytest.mark.django_db(transaction=True)
def test_a_pause_noticed_by_a_driver_and_taken_back_costs_no_more_than_its_next_look(
    carrier_that_counts, hands
):
    channel = ChannelFactory(running=True, lists=[ListFactory(members=1)])
    waiting_in(channel)
    driver = Driver(slice_seconds=60)
    driver._keep(time.monotonic())
    pause_channel(channel=channel, actor=None)
    driver._tick(hands)
    assert not Call.objects.exists()
    resume_channel(channel=channel, actor=None)
    # As soon as leases are kept again, not only once the one it still has runs out.
    driver._keep_at = float("-inf")
    driver._keep(time.monotonic())
    driver._tick(hands)
    assert Call.objects.count() == 1
    driver.leases.end()


def drivers_in_turn(count: int, slice_seconds: float) -> list[threading.Thread]:
    """A driver that hands over to a successor, and that one to the next."""
    threads: list[threading.Thread] = []

    def start() -> None:
        if len(threads) < count:
            thread = threading.Thread(target=work)
            threads.append(thread)
            thread.start()

    def work() -> None:
        try:
            Driver(slice_seconds=slice_seconds).run(enqueue_successor=start)
        finally:
            connection.close()

    start()
    return threads


def test_calls_go_on_evenly_from_driver_to_driver(engine: Engine, settings, monkeypatch):
    settings.DRIVERS = 1
    # The last one has no successor to wait for.
    monkeypatch.setattr("dialer.driving.driver.HANDOVER_SECONDS", 2.0)
    started(campaign_of(40, voice__calls_per_second=5))
    threads = drivers_in_turn(3, slice_seconds=1.6)
    engine.wait_for(lambda: len(threads) == 3, 20, "the third driver")
    for thread in threads:
        thread.join(30)
    placed = list(
        Call.objects.filter(placed_at__isnull=False).order_by("id").values_list("placed_at", flat=True)
    )
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(placed)]
    assert len(placed) >= 15
    assert max(gaps) < 1
    # Never a burst, from one driver to the next either: 200 ms, less what a tick and a claim may take.
    assert min(gaps) > 0.12
    assert not LivingDriver.objects.exists()
    assert not ChannelDrive.objects.exclude(owner="").exists()


def test_a_driver_task_delivered_several_times_does_no_harm(engine: Engine, settings):
    settings.DRIVERS = 2
    settings.DRIVER_SLICE_SECONDS = 1.5
    channel = started(campaign_of(30))

    def deliver() -> None:
        try:
            tasks.drive()
        finally:
            connection.close()

    deliveries = [threading.Thread(target=deliver) for _ in range(5)]
    for delivery in deliveries:
        delivery.start()
    for delivery in deliveries:
        delivery.join(30)
    assert OrmQ.objects.filter(key="dialer").count() <= 5
    OrmQ.objects.filter(key="dialer").delete()
    engine.start()
    engine.wait_completed(channel)
    check_invariants(engine.carrier)
    assert not engine.carrier.summary()["duplicate_numbers"]


def test_with_enough_drivers_another_one_goes_home_at_once(settings):
    settings.DRIVERS = 2
    for _ in range(3):
        Leases().keep()
    begun = time.monotonic()
    tasks.drive()
    assert time.monotonic() - begun < 1
    assert LivingDriver.objects.count() == 3
    tasks.top_up_drivers()
    assert not OrmQ.objects.exists()


def test_missing_drivers_are_topped_up(settings):
    settings.DRIVERS = 3
    Leases().keep()
    tasks.top_up_drivers()
    assert OrmQ.objects.filter(key="dialer").count() == 2
