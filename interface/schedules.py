"""What runs each minute, as rows of django-q2's schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


def each_minute(app: AppConfig, tasks: Mapping[str, tuple[str, str | None]]) -> None:
    """Have an app's tasks run each minute; call it when the app is ready.

    ``tasks``: name -> (dotted path of the function, queue or None for the default one). The rows are made
    after every migration, so that they are there; unless it was one to before the queue had its tables.
    """

    def make(*, using: str, **kwargs: Any) -> None:
        from django_q.models import Schedule

        if Schedule._meta.db_table not in connections[using].introspection.table_names():
            return
        for name, (function, cluster) in tasks.items():
            Schedule.objects.update_or_create(
                name=name,
                defaults={
                    "func": function,
                    "cluster": cluster,
                    "schedule_type": Schedule.MINUTES,
                    "minutes": 1,
                    "repeats": -1,
                },
            )

    post_migrate.connect(make, sender=app, weak=False, dispatch_uid=f"schedules of {app.name}")
