"""The lifecycle of a call. States only ever move forward; ``unknown`` is left by reconciliation only."""

from __future__ import annotations

from django.db import models

from lifecycle import By, Lifecycle, move


class CallState(models.TextChoices):
    INTENT = "intent", "Claimed"
    PLACING = "placing", "Placing"
    UNKNOWN = "unknown", "In doubt"
    RINGING = "ringing", "Ringing"
    CONNECTED = "connected", "Connected"
    ENDED = "ended", "Ended"


_S = CallState

LIVE = frozenset(_S) - {_S.ENDED}

CALL = Lifecycle(
    noun="call",
    column="state",
    states=CallState,
    initial=_S.INTENT,
    active=LIVE,
    terminal=frozenset({_S.ENDED}),
    moves=(
        move("place", "Place", [_S.INTENT], _S.PLACING, By.ENGINE, note="just before the one POST"),
        move(
            "doubt",
            "Doubt",
            [_S.PLACING],
            _S.UNKNOWN,
            By.ENGINE,
            note="nobody knows whether the carrier acted",
        ),
        # A webhook, or the carrier's own records, may be ahead of the answer to the POST.
        move("ring", "Ring", [_S.PLACING, _S.UNKNOWN], _S.RINGING, By.CARRIER, By.ENGINE, note="accepted"),
        move("answer", "Answer", [_S.PLACING, _S.UNKNOWN, _S.RINGING], _S.CONNECTED, By.CARRIER),
        move(
            "end", "End", [_S.PLACING, _S.UNKNOWN, _S.RINGING, _S.CONNECTED], _S.ENDED, By.CARRIER, By.ENGINE
        ),
        move(
            "withdraw",
            "Withdraw",
            [_S.INTENT, _S.PLACING, _S.UNKNOWN],
            _S.ENDED,
            By.ENGINE,
            note="never placed",
        ),
    ),
)
