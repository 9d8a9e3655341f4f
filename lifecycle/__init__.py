"""Lifecycles as tables: the states a thing can be in, the moves between them, and who makes them.

A lifecycle is declared once, beside its ``TextChoices``. Badges, buttons, guards in SQL, the
database's own trigger and the diagrams of the docs are all read from that table.

One function applies a move to one row or to a million: a guarded ``UPDATE`` whose ``WHERE`` names
the states the move may start from. It never reads, decides and saves.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet, TextChoices


class By(enum.Enum):
    """Who makes a move."""

    PERSON = "a person"
    ENGINE = "the engine"
    CARRIER = "the carrier"


@dataclass(frozen=True)
class Move:
    """One row of a lifecycle's table: ``sources -> target``."""

    name: str
    label: str
    sources: frozenset[str]
    target: str
    by: frozenset[By]
    note: str = ""


class MoveRefused(Exception):
    """A move found no row in a state it may start from. The message can be shown to a person."""

    def __init__(self, message: str, *, move: Move | None = None, found: str | None = None) -> None:
        super().__init__(message)
        self.move = move
        self.found = found


@dataclass(frozen=True)
class Lifecycle:
    """The states and moves of one kind of thing.

    ``noun`` is what a person calls it; ``column`` the model's field that holds the state.
    """

    noun: str
    states: type[TextChoices]
    moves: tuple[Move, ...]
    initial: str
    active: frozenset[str] = frozenset()
    terminal: frozenset[str] = frozenset()
    column: str = "status"
    _by_name: dict[str, Move] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = [move.name for move in self.moves]
        if len(names) != len(set(names)):
            raise ValueError(f"{self.noun}: two moves of one name")
        for move in self.moves:
            unknown = (move.sources | {move.target}) - set(self.states.values)
            if unknown:
                raise ValueError(f"{self.noun}, {move.name}: unknown states {sorted(unknown)}")
        object.__setattr__(self, "_by_name", {move.name: move for move in self.moves})

    def __getitem__(self, name: str) -> Move:
        return self._by_name[name]

    def label(self, state: str) -> str:
        return str(self.states(state).label)

    def moves_from(self, state: str, by: By | None = None) -> list[Move]:
        """The moves possible from a state, in the table's order."""
        return [move for move in self.moves if state in move.sources and (by is None or by in move.by)]

    def transitions(self) -> set[tuple[str, str]]:
        """Every pair (from, to) that some move makes; what the database's trigger allows."""
        return {
            (source, move.target) for move in self.moves for source in move.sources if source != move.target
        }

    def apply(self, rows: QuerySet[Any], move: str, /, *, expect: int | None = None, **changes: Any) -> int:
        """Make a move on every row that may make it, with other columns changed in the same UPDATE.

        Returns how many rows moved. With ``expect``, another number raises ``MoveRefused``, which
        names the state found; nothing is half done if the caller is in a transaction.
        """
        step = self[move]
        moved = rows.filter(**{f"{self.column}__in": step.sources}).update(
            **{self.column: step.target, **changes}
        )
        if expect is not None and moved != expect:
            raise self.refusal(step, rows.values_list(self.column, flat=True).first())
        return moved

    def apply_to(self, row: Model, move: str, /, **changes: Any) -> None:
        """Make a move on one row, in the database and then on the object in hand."""
        rows = type(row)._default_manager.filter(pk=row.pk)
        self.apply(rows, move, expect=1, **changes)
        setattr(row, self.column, self[move].target)
        for name, value in changes.items():
            setattr(row, name, value)

    def refusal(self, move: Move, found: str | None) -> MoveRefused:
        if found is None:
            return MoveRefused(f"This {self.noun} is gone.", move=move)
        return MoveRefused(
            f"{move.label} is not possible: this {self.noun} is {self.label(found).lower()}.",
            move=move,
            found=found,
        )

    def diagram(self) -> str:
        """The lifecycle as a Mermaid state diagram, for the docs."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        for move in self.moves:
            lines += [f"    {source} --> {move.target}: {move.label}" for source in sorted(move.sources)]
        lines += [f"    {state} --> [*]" for state in sorted(self.terminal)]
        return "\n".join(lines)


def move(name: str, label: str, sources: Iterable[str], target: str, *by: By, note: str = "") -> Move:
    """A table row, written without ceremony."""
    return Move(name, label, frozenset(str(s) for s in sources), str(target), frozenset(by), note)
