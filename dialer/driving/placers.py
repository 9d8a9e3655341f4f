"""The hands that place calls: a few threads, each with a database connection and a carrier client."""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue

from django.db import close_old_connections, connection

from dialer.carrier import CallOrder
from dialer.driving import placing

logger = logging.getLogger(__name__)


class Placers:
    """Not an executor, because each thread must close its database connection when it ends."""

    def __init__(self, count: int) -> None:
        self._orders: SimpleQueue[tuple[CallOrder, float] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._free = count
        self._threads = [
            threading.Thread(target=self._work, name=f"placer-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def free(self) -> int:
        return self._free

    def place(self, order: CallOrder, *, begun: float) -> None:
        with self._lock:
            self._free -= 1
        self._orders.put((order, begun))

    def close(self) -> None:
        """What was begun is finished; then the threads end."""
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        try:
            while (task := self._orders.get()) is not None:
                order, begun = task
                try:
                    placing.place(order, begun=begun)
                except Exception:
                    # What came of the POST could not be written: it stays "placing", and is reconciled.
                    logger.exception("What came of call %s could not be written.", order.call_id)
                    close_old_connections()
                finally:
                    with self._lock:
                        self._free += 1
        finally:
            connection.close()
