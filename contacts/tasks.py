"""Entry points of django-q2. Each may be delivered more than once."""

from __future__ import annotations

from contacts import housekeeping
from contacts.importing import running


def run_import(import_id: int) -> None:
    running.run_import(import_id)


def keep_house() -> None:
    housekeeping.keep_house()
