from __future__ import annotations

from typing import Any

from django.apps import AppConfig

from interface.schedules import each_minute

# Name → (function, queue or None for the default one). All of them run each minute.
SCHEDULES = {
    "Top up drivers": ("dialer.tasks.top_up_drivers", "dialer"),
    "Reconcile": ("dialer.tasks.reconcile", None),
    "Fetch recordings": ("dialer.tasks.fetch_recordings", None),
}


class DialerConfig(AppConfig):
    name = "dialer"

    def ready(self) -> None:
        from django_q.signals import post_spawn

        each_minute(self, SCHEDULES)
        post_spawn.connect(worker_spawned)


def worker_spawned(**kwargs: Any) -> None:
    """A worker of the dialer's queue has started, or started again after a kill: drivers may be missing."""
    from django_q.conf import Conf

    if Conf.CLUSTER_NAME == "dialer":
        from dialer.driving.driver import end_when_told
        from dialer.tasks import top_up_drivers

        end_when_told()
        top_up_drivers()
