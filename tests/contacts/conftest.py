from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from contacts.importing.running import run_import
from contacts.models import Import
from contacts.services import map_import, upload_import


def uploaded(text: str | bytes, list_name: str = "Autumn", country: str = "US") -> Import:
    data = text.encode() if isinstance(text, str) else text
    return upload_import(
        file=io.BytesIO(data), file_name="people.csv", list_name=list_name, country=country, actor=None
    )


def mapped(contact_import: Import) -> Import:
    map_import(
        contact_import=contact_import,
        mapping={int(position): target for position, target in contact_import.mapping.items()},
        has_header=contact_import.dialect["has_header"],
    )
    return contact_import


@pytest.fixture
def upload(db: None) -> Callable[..., Import]:
    """``upload(text)``: an import whose columns are guessed and nothing more."""
    return uploaded


@pytest.fixture
def import_text(db: None) -> Callable[..., Import]:
    """``import_text(text, "List", country="US")``: uploaded, mapped as guessed, run."""

    def imported(text: str | bytes, list_name: str = "Autumn", country: str = "US") -> Import:
        contact_import = mapped(uploaded(text, list_name, country))
        run_import(contact_import.pk)
        contact_import.refresh_from_db()
        return contact_import

    return imported


def sums(contact_import: Import) -> dict[str, int]:
    names = ("rows", "created", "updated", "unchanged", "duplicates", "invalid")
    return {name: getattr(contact_import, name) for name in names if getattr(contact_import, name)}
