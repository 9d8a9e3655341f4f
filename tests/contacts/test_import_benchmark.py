"""The benchmark of imports: what it compares its figures with."""

from __future__ import annotations

import pytest

from bench.imports import tell
from bench.report import Report

FINE = {
    "seconds": 20.0,
    "megabytes": 200.0,
    "again": 10.0,
    "changed": 20.0,
    "bare": 2.0,
    "alike": 10.0,
}


@pytest.mark.parametrize(
    ("rows", "figures", "is_met"),
    [
        (10_000, {"seconds": 59, "alike": 1}, True),
        (10_000, {"megabytes": 301}, False),
        (1_000_000, {}, True),
        (1_000_000, {"seconds": 61}, False),
        (1_000_000, {"alike": 1.5}, False),
        (2_000_000, {"seconds": 119, "alike": 11}, True),
        (2_000_000, {"seconds": 121, "alike": 11}, False),
        (2_000_000, {"alike": 1.5}, False),
    ],
)
def test_the_bars_hold_from_a_million_rows_on(rows, figures, is_met):
    report = Report("import", "")
    tell(report, rows, FINE | figures)
    assert report.is_met is is_met
