"""The hands that place calls, and those that hang up on people whom nobody may call any more."""

from __future__ import annotations

import logging

from django.db import close_old_connections

from dialer import cancelling
from dialer.carrier import CallOrder
from dialer.driving import placing
from dialer.driving.hands import Hands

logger = logging.getLogger(__name__)


class Placers(Hands[tuple[CallOrder, float]]):
    name = "placer"

    def place(self, order: CallOrder, *, begun: float) -> None:
        self.give((order, begun))

    def do(self, task: tuple[CallOrder, float]) -> None:
        order, begun = task
        try:
            placing.place(order, begun=begun)
        except Exception:
            # What came of the POST could not be written: it stays "placing", and is reconciled.
            logger.exception("What came of call %s could not be written.", order.call_id)
            close_old_connections()


class HangersUp(Hands[int]):
    """Beside the placers, so that a phone that must not ring waits neither for calls nor for imports."""

    name = "hanger-up"
    THREADS = 4
    # So many may wait for a thread; the others are found again a moment later.
    MOST = 100

    def hang_up_on_forbidden(self) -> None:
        for call_id in cancelling.forbidden_calls(most=self.MOST - self._busy):
            self.give(call_id)

    def do(self, call_id: int) -> None:
        try:
            cancelling.hang_up_on_forbidden(call_id=call_id)
        except Exception:
            # It is asked for again, as long as it rings.
            logger.exception("Call %s could not be hung up on.", call_id)
            close_old_connections()
