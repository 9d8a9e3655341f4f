"""Entry points of django-q2. Each may be delivered more than once."""

from __future__ import annotations

from contacts import housekeeping
from contacts.importing import running
from contacts.services import fields, undoing


def run_import(import_id: int) -> None:
    running.run_import(import_id)


def run_undoing(import_id: int) -> None:
    undoing.run_undoing(import_id)


def keep_house() -> None:
    housekeeping.keep_house()


def remove_field(name: str, after: int = 0) -> None:
    fields.remove_field(name, after)
