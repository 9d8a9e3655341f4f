"""Every call ever placed, so that tests can compare what was dialed with what the product believes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import Any

from simulator.calls import Call


class Ledger:
    """Calls in the order placed, by id, by number, and, once ended, in the order ended."""

    def __init__(self) -> None:
        self.placed: list[Call] = []
        self.by_uuid: dict[str, Call] = {}
        self.by_number: dict[str, list[Call]] = {}
        self.live: dict[str, Call] = {}
        self.ended: list[Call] = []
        self.times_called: Counter[str] = Counter()
        self.by_answer_url: Counter[str] = Counter()
        self.by_cause: Counter[int] = Counter()
        self.requests: Counter[str] = Counter()
        self.responses: Counter[int] = Counter()
        self.overlapping: Counter[str] = Counter()
        self.live_by_number: Counter[str] = Counter()
        self.most_live = 0
        self.sequence = 0
        self.legs = 0

    def add(self, call: Call) -> None:
        self.by_uuid[call.uuid] = call
        if call.parent is not None:
            self.legs += 1
            return
        self.placed.append(call)
        self.by_number.setdefault(call.to, []).append(call)
        self.by_answer_url[str(call.params.get("answer_url", ""))] += 1

    def went_live(self, call: Call) -> None:
        self.live[call.uuid] = call
        self.most_live = max(self.most_live, len(self.live))
        if call.parent is None:
            self.live_by_number[call.to] += 1
            if self.live_by_number[call.to] > 1:
                self.overlapping[call.to] += 1

    def has_ended(self, call: Call, *, keep: int) -> list[Call]:
        """Take note, and say which calls were forgotten for it, to `keep` the newest alone."""
        if self.live.pop(call.uuid, None) is not None and call.parent is None:
            self.live_by_number[call.to] -= 1
        self.ended.append(call)
        if call.cause is not None and call.parent is None:
            self.by_cause[call.cause.code] += 1
        if keep and len(self.ended) > keep + keep // 4:
            return self._forget(len(self.ended) - keep)
        return []

    def after(self, sequence: int, limit: int | None) -> list[Call]:
        start = bisect_right(self.placed, sequence, key=lambda call: call.sequence)
        return self.placed[start : None if limit is None else start + limit]

    def ended_between(self, earliest: float | None, latest: float | None) -> list[Call]:
        """Ended calls by the real time of their end, oldest first; both bounds included."""

        def epoch(call: Call) -> float:
            return call.ended_epoch or 0.0

        start = 0 if earliest is None else bisect_left(self.ended, earliest, key=epoch)
        stop = len(self.ended) if latest is None else bisect_right(self.ended, latest, key=epoch)
        return self.ended[start:stop]

    def summary(self, *, queued: int, webhooks_under_way: int) -> dict[str, Any]:
        numbers = {number: times for number, times in self.times_called.items() if times}
        return {
            "calls": self.sequence,
            "queued": queued,
            "webhooks_under_way": webhooks_under_way,
            "live": len(self.live),
            "most_live": self.most_live,
            "ended": sum(self.by_cause.values()),
            "dialed_legs": self.legs,
            "by_number": numbers,
            "by_answer_url": dict(self.by_answer_url),
            "duplicate_numbers": {number: times for number, times in numbers.items() if times > 1},
            "duplicate_answer_urls": {url: n for url, n in self.by_answer_url.items() if n > 1},
            "overlapping_numbers": dict(self.overlapping),
            "by_cause": {str(code): n for code, n in sorted(self.by_cause.items())},
            "requests": dict(self.requests),
            "responses": {str(status): n for status, n in sorted(self.responses.items())},
        }

    def _forget(self, how_many: int) -> list[Call]:
        oldest = self.ended[:how_many]
        for call in oldest:
            self.by_uuid.pop(call.uuid, None)
            same_number = self.by_number.get(call.to)
            if same_number and call in same_number:
                same_number.remove(call)
                if not same_number:
                    del self.by_number[call.to]
        forgotten = set(oldest)
        del self.ended[:how_many]
        self.placed = [call for call in self.placed if call not in forgotten]
        return oldest
