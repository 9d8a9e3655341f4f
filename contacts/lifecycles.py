"""The lifecycle of an import: states, moves, who makes them."""

from __future__ import annotations

from contacts.models.imports import ImportStatus
from lifecycle import By, Lifecycle, move

_I = ImportStatus

IMPORT = Lifecycle(
    noun="import",
    states=ImportStatus,
    initial=_I.UPLOADED,
    active=frozenset({_I.MAPPED, _I.RUNNING}),
    terminal=frozenset({_I.COMPLETED, _I.CANCELLED}),
    moves=(
        move("map", "Import", [_I.UPLOADED, _I.FAILED], _I.MAPPED, By.PERSON, note="columns were chosen"),
        move("run", "Run", [_I.MAPPED], _I.RUNNING, By.ENGINE),
        move("complete", "Complete", [_I.RUNNING], _I.COMPLETED, By.ENGINE),
        move(
            "fail", "Fail", [_I.RUNNING], _I.FAILED, By.ENGINE, note="with the reason; nothing was imported"
        ),
        move(
            "retry",
            "Run again",
            [_I.RUNNING, _I.FAILED],
            _I.MAPPED,
            By.PERSON,
            By.ENGINE,
            note="nobody works on it any more",
        ),
        move(
            "cancel",
            "Cancel",
            [_I.UPLOADED, _I.MAPPED, _I.RUNNING, _I.FAILED],
            _I.CANCELLED,
            By.PERSON,
            note="nothing is imported",
        ),
    ),
)
