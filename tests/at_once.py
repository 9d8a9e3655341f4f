"""Something that somebody else does at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from contacts.refusals import Refused


class Other:
    """A deed of somebody else, on a connection of its own; ``done()`` waits for it."""

    def __init__(self, deed: Callable[[], Any]) -> None:
        self.deed = deed
        self.result: Any = None
        self.refusal: Refused | None = None
        self.failure: BaseException | None = None
        self._backend: int | None = None
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        try:
            connection.ensure_connection()
            self._backend = connection.connection.info.backend_pid
            self.result = self.deed()
        except Refused as refusal:
            self.refusal = refusal
        except BaseException as failure:
            self.failure = failure
        finally:
            connection.close()

    def is_waiting(self) -> bool:
        """Whether somebody holds what it needs, or it is not done after half a second for another reason."""
        for _ in range(25):
            self._thread.join(0.02)
            if not self._thread.is_alive() or self._is_held_up():
                break
        return self._thread.is_alive()

    def _is_held_up(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [self._backend])
            return bool(cursor.fetchone()[0])

    def done(self) -> Other:
        self._thread.join(20)
        assert not self._thread.is_alive()
        assert self.failure is None, repr(self.failure)
        return self
