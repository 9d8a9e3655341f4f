"""Hands: a few threads of a driver that talk to the carrier, each with a database connection and a client."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Generic, TypeVar

from django.db import connection

Task = TypeVar("Task")


class Hands(Generic[Task]):
    """Not an executor, because each thread must close its database connection when it ends.

    A thread starts when it is first needed.
    """

    name = "hand"

    def __init__(self, count: int) -> None:
        self._count = count
        self._tasks: SimpleQueue[tuple[Task] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._busy = 0
        self._threads: list[threading.Thread] = []

    def do(self, task: Task) -> None:
        """What a thread does with a task. It must not raise."""
        raise NotImplementedError

    @property
    def free(self) -> int:
        """How many have nothing to do; below zero, tasks wait."""
        return self._count - self._busy

    def give(self, task: Task) -> None:
        with self._lock:
            self._busy += 1
            if len(self._threads) < min(self._busy, self._count):
                name = f"{self.name}-{len(self._threads)}"
                self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
                self._threads[-1].start()
        self._tasks.put((task,))

    def close(self) -> None:
        """What was begun is finished; then the threads end."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        try:
            while (given := self._tasks.get()) is not None:
                try:
                    self.do(*given)
                finally:
                    with self._lock:
                        self._busy -= 1
        finally:
            connection.close()
