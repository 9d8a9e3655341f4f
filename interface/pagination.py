"""Keyset pagination: a page of a million rows costs what a page of fifty does."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """``items`` in display order; ``next`` and ``previous`` are cursors for ?cursor=, empty at the ends."""

    items: list[Row]
    next: str
    previous: str

    def __iter__(self) -> Any:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def keyset_page(
    rows: QuerySet[Row],
    *,
    order: Sequence[str],
    cursor: str | None = "",
    size: int = 50,
    twin: str = "",
) -> Page[Row]:
    """One page of ``rows`` in ``order``, which starts after (or before) the row that ``cursor`` names.

    ``order`` names columns or annotations that are never NULL, "-" for descending; the last must make
    the order total (the primary key). A cursor that can't be read, from a link of another order or by
    hand, shows the first page.

    ``twin`` names a column of another joined table that always equals the first of ``order``: the bound is
    put on it, too, since the database carries equality over from table to table, and no bounds.
    """
    position = position_of(rows, order=order, cursor=cursor)
    backward = position is not None and position[0] == "before"
    wanted = [_reversed(name) for name in order] if backward else list(order)
    found = rows.order_by(*wanted)
    if position is not None:
        found = found.filter(_past(wanted, position[1]))
        if twin:
            found = found.filter(_bound(twin, wanted[0], position[1][0]))
    items = list(found[: size + 1])
    more = len(items) > size
    items = items[:size]
    if backward:
        items.reverse()
    if not items:
        # The rows around the cursor are gone: start again rather than show an empty page.
        return (
            keyset_page(rows, order=order, size=size, twin=twin) if position is not None else Page([], "", "")
        )
    has_next, has_previous = (True, more) if backward else (more, position is not None)
    return Page(
        items,
        _write("after", order, items[-1]) if has_next else "",
        _write("before", order, items[0]) if has_previous else "",
    )


def position_of(
    rows: QuerySet[Any], *, order: Sequence[str], cursor: str | None
) -> tuple[str, list[Any]] | None:
    """Where ``cursor`` stands: "after" or "before" a row, and that row's values in ``order``; None: at the
    first page. For rows that are looked for in another way than by ``order`` alone."""
    return _read(rows, order, cursor or "")


def _reversed(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _past(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows after ``values`` in ``order``: a bound on the first column, which the index can start at,
    then the exact comparison."""
    exact = Q()
    same = Q()
    for name, value in zip(order, values, strict=True):
        column, comparison = (name[1:], "lt") if name.startswith("-") else (name, "gt")
        exact |= same & Q(**{f"{column}__{comparison}": value})
        same &= Q(**{column: value})
    return _bound(order[0].lstrip("-"), order[0], values[0]) & exact if len(order) > 1 else exact


def _bound(column: str, order: str, value: Any) -> Q:
    return Q(**{f"{column}__{'lte' if order.startswith('-') else 'gte'}": value})


def _write(side: str, order: Sequence[str], row: Model) -> str:
    values = [_plain(row, name.lstrip("-")) for name in order]
    text = json.dumps([side, list(order), values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(row: Model, name: str) -> Any:
    """A column's value as JSON has it."""
    value: Any = row
    for part in name.split("__"):
        value = getattr(value, part)
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _read(rows: QuerySet[Any], order: Sequence[str], cursor: str) -> tuple[str, list[Any]] | None:
    if not cursor or len(cursor) > 2000:
        return None
    try:
        side, names, values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if side not in {"after", "before"} or names != list(order) or len(values) != len(order):
            return None
        read = [
            _field(rows, name.lstrip("-")).to_python(value) for name, value in zip(order, values, strict=True)
        ]
    except (ValueError, TypeError, KeyError, AttributeError, FieldDoesNotExist, ValidationError):
        return None
    # "\x00" is text to Python and an error to PostgreSQL.
    if any(value is None or (isinstance(value, str) and "\x00" in value) for value in read):
        return None
    if any(isinstance(value, int) and abs(value) >= 2**63 for value in read):
        return None
    return side, read


def _field(rows: QuerySet[Any], name: str) -> Any:
    annotation = rows.query.annotations.get(name)
    if annotation is not None:
        return annotation.output_field
    model: Any = rows.model
    *path, last = name.split("__")
    for part in path:
        model = model._meta.get_field(part).related_model
    return model._meta.pk if last == "pk" else model._meta.get_field(last)
