"""Mappings that people confirmed, for the next file with the same columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contacts.importing.mapping import IGNORED, header_keys
from contacts.models import Import, RememberedMapping


def targets_by_header(columns: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """``Import.mapping`` by header instead of by position."""
    keys = header_keys(columns)
    return {key: mapping.get(str(position), IGNORED) for position, key in enumerate(keys) if key}


def mapping_by_header(columns: Sequence[str], targets: Mapping[str, str]) -> dict[str, str]:
    """The other way round: what the columns of a file are, as ``Import.mapping`` keeps it."""
    keys = header_keys(columns)
    return {str(position): targets.get(key, IGNORED) for position, key in enumerate(keys)}


def remember_mapping(*, purpose: str, columns: Sequence[str], mapping: Mapping[str, str]) -> None:
    """Keep what the columns of a file with a header were said to be; the last time counts."""
    RememberedMapping.objects.update_or_create(
        purpose=purpose,
        headers=_headers(columns),
        defaults={"targets": targets_by_header(columns, mapping)},
    )


def remembered_mapping(*, purpose: str, columns: Sequence[str]) -> RememberedMapping | None:
    """What was said of columns with these headers, in whatever order, the last time."""
    return RememberedMapping.objects.filter(purpose=purpose, headers=_headers(columns)).first()


def known_from(contact_import: Import, columns: Sequence[str]) -> dict[str, str] | None:
    """The mapping of another import, if it had these columns: its rejected rows come again."""
    before = contact_import.dialect.get("columns", ())
    if _headers(before) != _headers(columns):
        return None
    return mapping_by_header(columns, targets_by_header(before, contact_import.mapping))


def _headers(columns: Sequence[str]) -> list[str]:
    return sorted(key for key in header_keys(columns) if key)
