"""The engine at work: drivers in threads, webhooks over real HTTP, the simulated carrier as a process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.models import Count, F

from campaigns.lifecycles import IN_PROGRESS, ChannelStatus
from campaigns.models import Channel, Enrollment
from campaigns.queries import channel_counts
from campaigns.services import start_channel
from dialer.driving.driver import Driver
from dialer.models import Call
from simulator.client import SimulatorClient
from tests.conftest import work_off
from tests.factories import ChannelFactory, ContactFactory, ListFactory, zone_set

TOKEN = "token-of-the-simulated-account"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def simulator(django_db_setup: None, live_server: Any) -> Iterator[SimulatorClient]:
    """As a process. It ends before the live server does, whose threads it keeps busy with its connections."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", str(port)],
        cwd=django_settings.BASE_DIR,
        env={
            **os.environ,
            "PLIVO_AUTH_ID": django_settings.SIMULATOR_AUTH_ID,
            "PLIVO_AUTH_TOKEN": TOKEN,
            "SIMULATOR_CALLS_PER_SECOND": "0",
            "SIMULATOR_API_LIMIT": "0",
            "SIMULATOR_SPEED": "20",
        },
    )
    client = SimulatorClient(f"http://127.0.0.1:{port}")
    client.wait_healthy()
    yield client
    process.terminate()
    process.wait(10)
    # The server's threads see their connections end, and close those to the database.
    until = time.monotonic() + 10
    while any("process_request_thread" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < until, "the live server still has requests"
        time.sleep(0.05)


@pytest.fixture
def carrier(simulator: SimulatorClient) -> SimulatorClient:
    """The simulated carrier, with a clean ledger, no faults, twenty times as fast as life."""
    simulator.reset()
    return simulator


@dataclass
class Engine:
    """Drivers and a worker, started and killed at will."""

    carrier: SimulatorClient
    threads: list[threading.Thread] = field(default_factory=list)
    drivers: list[Driver] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)

    def start(self, drivers: int = 1, *, has_worker: bool = True) -> Engine:
        for _ in range(drivers):
            driver = Driver(slice_seconds=600)
            self.drivers.append(driver)
            self._run(lambda driver=driver: driver.run(enqueue_successor=lambda: None))
        if has_worker:
            self._run(self._work)
        return self

    def _run(self, function: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                function()
            except BaseException as failure:
                self.failures.append(failure)
            finally:
                connection.close()

        thread = threading.Thread(target=guarded)
        thread.start()
        self.threads.append(thread)

    def _work(self) -> None:
        while not self._end.wait(0.05):
            work_off()

    def stop(self) -> None:
        self._end.set()
        for driver in self.drivers:
            driver._stopping = True
        for thread in self.threads:
            thread.join(30)
        self.threads.clear()
        self.drivers.clear()
        self._end.clear()
        assert not self.failures, repr(self.failures)

    def wait_for(self, condition: Callable[[], Any], seconds: float = 30, what: str = "") -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"waited {seconds} s for {what or condition}"
            assert not self.failures, repr(self.failures)
            time.sleep(0.05)

    def wait_completed(self, channel: Channel, seconds: float = 60) -> None:
        def completed() -> bool:
            channel.refresh_from_db()
            return channel.status == ChannelStatus.COMPLETED

        self.wait_for(completed, seconds, f"{channel} to complete: {Counted(channel)}")


class Counted:
    """Said only when asked: what a channel's enrollments are."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def __repr__(self) -> str:
        rows = Enrollment.objects.filter(channel=self.channel).values_list("status").annotate(n=Count("id"))
        calls = (
            Call.objects.filter(channel=self.channel).values_list("state", "outcome").annotate(n=Count("id"))
        )
        return f"{dict(rows)} {list(calls)}"


@pytest.fixture
def engine(carrier: SimulatorClient, live_server: Any, settings: Any) -> Iterator[Engine]:
    settings.PUBLIC_URL = live_server.url
    settings.PLIVO_API_URL = carrier.base_url
    settings.PLIVO_AUTH_ID = django_settings.SIMULATOR_AUTH_ID
    settings.PLIVO_AUTH_TOKEN = TOKEN
    settings.CARRIER_TIMEOUTS = (2, 3)
    settings.ACCOUNT_CALLS_PER_SECOND = 1000
    # Tests run at any hour of the day.
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24
    engine = Engine(carrier)
    yield engine
    engine.stop()
    # What is still on its way to a webhook must not meet the next test's tables.
    carrier.wait_idle(60)


def campaign_of(*numbers: str | int, **options: Any) -> Channel:
    """A channel whose list has these numbers, or so many contacts of the simulator's own choosing."""
    members = []
    for number in numbers:
        if isinstance(number, int):
            members += ContactFactory.create_batch(number, zone_set=zone_set())
        else:
            members.append(ContactFactory(phone_number=number, zone_set=zone_set()))
    defaults = {
        "voice__concurrent_calls": 50,
        "voice__calls_per_second": 100,
        "voice__destination": "hangup",
        "voice__max_attempts_per_day": None,
    }
    return ChannelFactory(lists=[ListFactory(members=members)], **{**defaults, **options})


def started(channel: Channel) -> Channel:
    start_channel(channel=channel, actor=None)
    channel.refresh_from_db()
    return channel


def age(call: Call, **ago: float) -> None:
    """Turn the clock: all that happened to this call happened so much earlier."""
    delta = timedelta(**ago)
    times = ("created_at", "placed_at", "accepted_at", "ringing_at", "answered_at", "deadline_at")
    Call.objects.filter(pk=call.pk).update(**{name: F(name) - delta for name in times})


def check_invariants(carrier: SimulatorClient) -> None:
    """What must hold of any campaign, from the database and from the carrier's own ledger."""
    summary = carrier.summary()
    assert not summary["duplicate_answer_urls"], "an attempt was dialed twice"
    assert not summary["overlapping_numbers"], "two live calls to one number"
    accepted = Call.objects.filter(accepted_at__isnull=False).exclude(
        hangup_by="carrier", carrier_id="", request_id=""
    )
    assert accepted.count() == summary["calls"], "we count other calls than the carrier"
    for channel in Channel.objects.all():
        recount = dict(
            Enrollment.objects.filter(channel=channel, run=channel.run)
            .values_list("status")
            .annotate(n=Count("id"))
        )
        assert channel_counts([channel])[channel.pk].by_status == recount, "the counts are not a recount"
    stray = Enrollment.objects.filter(status__in=IN_PROGRESS).exclude(
        pk__in=Call.objects.exclude(state="ended").values("enrollment")
    )
    assert not stray.exists(), "in progress, and no call is"
    for enrollment in Enrollment.objects.all():
        made = enrollment.calls.exclude(outcome="withdrawn").filter(state="ended").count()
        assert enrollment.attempts == made, f"{enrollment.attempts} attempts, {made} calls"
