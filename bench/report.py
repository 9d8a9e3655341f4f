"""A benchmark's figures, as one table that names the machine and the bars."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Row:
    what: str
    value: float
    unit: str
    # What it should be at least, or at most; None: no bar, only told.
    bar: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        enough = self.bar is None or self.value >= self.bar
        return enough and (self.at_most is None or self.value <= self.at_most)

    @property
    def bar_in_words(self) -> str:
        bars = (("≥", self.bar), ("≤", self.at_most))
        return ", ".join(f"{sign} {bar:g} {self.unit}".rstrip() for sign, bar in bars if bar is not None)


@dataclass
class Report:
    name: str
    sizes: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, what: str, value: float, unit: str, bar: float | None = None, *, at_most: float | None = None
    ) -> None:
        self.rows.append(Row(what, value, unit, bar, at_most))

    @property
    def is_met(self) -> bool:
        return all(row.is_met for row in self.rows)

    def as_table(self) -> str:
        lines = [
            f"### {self.name}",
            "",
            f"{machine()}. {self.sizes}.",
            "",
            "| What | Measured | Bar | |",
            "|---|---:|---:|---|",
        ]
        for row in self.rows:
            bar = row.bar_in_words
            verdict = "" if not bar else ("met" if row.is_met else "**missed**")
            lines.append(f"| {row.what} | {row.value:,.4g} {row.unit} | {bar} | {verdict} |")
        return "\n".join([*lines, "", *self.notes])

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "machine": machine(),
            "sizes": self.sizes,
            "met": self.is_met,
            "figures": [vars(row) | {"met": row.is_met} for row in self.rows],
            "notes": self.notes,
        }


def machine() -> str:
    memory = "?"
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        kib = int(meminfo.read_text().split()[1])
        memory = f"{kib / 1024 / 1024:.0f} GiB"
    return f"{os.cpu_count()} cores, {memory}, Python {platform.python_version()}, {platform.system()}"
