"""Entry points of django-q2. Each may be delivered more than once."""

from __future__ import annotations

from analytics import snapshots


def take_snapshot(snapshot_id: int) -> None:
    snapshots.take(snapshot_id)
