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
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.result = self.deed()
        except Refused as refusal:
            self.refusal = refusal
        except BaseException as failure:
            self.failure = failure
        finally:
            connection.close()

    def is_waiting(self) -> bool:
        self._thread.join(0.5)
        return self._thread.is_alive()

    def done(self) -> Other:
        self._thread.join(20)
        assert not self._thread.is_alive()
        assert self.failure is None, repr(self.failure)
        return self
