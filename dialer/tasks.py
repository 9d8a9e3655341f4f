"""Entry points for django-q2. Each may be delivered twice; each is safe to repeat."""

from __future__ import annotations

from django.conf import settings
from django_q.tasks import async_task

from dialer import cancelling, machines, reconciling, recordings
from dialer.driving.driver import Driver
from dialer.driving.lease import living_drivers_here


def drive() -> None:
    """One driver, for one slice; not more of them than this host should have, but for a handover."""
    if living_drivers_here() <= settings.DRIVERS:
        Driver(slice_seconds=settings.DRIVER_SLICE_SECONDS).run(enqueue_successor=enqueue_driver)


def enqueue_driver() -> None:
    async_task("dialer.tasks.drive", cluster="dialer", save=False)


def top_up_drivers() -> None:
    """As many drivers as are missing on this host: when a worker starts, and each minute."""
    for _ in range(settings.DRIVERS - living_drivers_here()):
        enqueue_driver()


def reconcile() -> None:
    reconciling.reconcile()


def fetch_recordings() -> None:
    recordings.delete_unwanted()
    recordings.fetch_due()


def handle_machine(call_id: int) -> None:
    machines.handle(call_id=call_id)


def cancel_queued(channel_id: int) -> None:
    cancelling.cancel_queued(channel_id=channel_id)
