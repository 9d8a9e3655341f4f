"""The full life of a call: claim, POST, ring, answer, hang-up, outcome, counters; all of it over real
HTTP with real signatures, on one machine.

Ours: one campaign as fast as it goes, through the product's own processes. The floor, in the same run,
before and after: the same simulated carrier, the same web server and the same requests, with nothing in
between but one POST for each call and a transaction of two statements for each webhook.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from typing import Any

import psycopg

from bench.installation import ROOT, Installation, database, wait_for
from bench.report import Report

# Everybody answers after a moment; the document they are given hangs up.
PEOPLE = {
    "speed": 20.0,
    "forced_digits": False,
    "answer_rate": 1.0,
    "machine_share": 0.0,
    "busy_rate": 0.0,
    "reject_rate": 0.0,
    "invalid_rate": 0.0,
    "carrier_error_rate": 0.0,
    "ring_seconds": 6.0,
    "ring_sigma": 0.3,
}
BAR_PER_SECOND = 160.0
BAR_OF_FLOOR = 0.5
WARM_UP_SECONDS = 5.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60, help="how long each is measured; default: 60")
    parser.add_argument("--floor-seconds", type=float, default=15, help="each of the two; default: 15")


def run(options: argparse.Namespace) -> Report:
    floors = [measure_floor(options.floor_seconds)]
    ours = measure_ours(options.seconds)
    floors.append(measure_floor(options.floor_seconds))
    floor = statistics.mean(floors)
    report = Report(
        "call-life",
        f"One campaign for {options.seconds:g} s; floor {options.floor_seconds:g} s before and after",
    )
    report.add("Calls a second, full life", ours["rate"], "/s", BAR_PER_SECOND)
    report.add("Share of the floor", ours["rate"] / floor, "", BAR_OF_FLOOR)
    report.add("Floor, before", floors[0], "/s")
    report.add("Floor, after", floors[1], "/s")
    report.add("CPU of a call, all processes", ours["cpu_ms"], "ms")
    report.add("Attempts dialed twice", ours["duplicates"], "")
    if ours["duplicates"]:
        report.add("No attempt dialed twice", 0, "", 1)
    return report


def measure_floor(seconds: float) -> float:
    """Bare calls a second."""
    with database("bench_floor") as url:
        installation = Installation(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE call (id bigint PRIMARY KEY, state text, changed_at timestamptz)"
            )
            connection.execute("CREATE TABLE event (call_id bigint, kind text, at timestamptz)")
            connection.execute("INSERT INTO call SELECT n, '', now() FROM generate_series(1, 100000) AS n")
        gunicorn = [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "config/gunicorn.py",
            "bench.floor:application",
        ]
        poster = [sys.executable, "-m", "bench.floor"]
        with (
            installation.running_simulator(**PEOPLE) as carrier,
            installation.process(*gunicorn),
        ):
            wait_for(f"http://127.0.0.1:{installation.web_port}/")
            with installation.process(*poster):
                time.sleep(WARM_UP_SECONDS / 2)
                return _rate(carrier, seconds)


def _rate(carrier: Any, seconds: float) -> float:
    first, began = carrier.summary()["ended"], time.monotonic()
    time.sleep(seconds)
    last, ended = carrier.summary()["ended"], time.monotonic()
    return float((last - first) / (ended - began))


def measure_ours(seconds: float) -> dict[str, float]:
    contacts = int((seconds + WARM_UP_SECONDS + 10) * 450)
    with database("bench_call_life") as url:
        installation = Installation(
            url,
            variables={
                "ACCOUNT_CALLS_PER_SECOND": "2000",
                "WORKERS": "1",
                "DRIVERS": "1",
                "PLACING_THREADS": "12",
            },
        )
        installation.manage("migrate", "--verbosity", "0")
        subprocess.run(
            [sys.executable, "-m", "bench.campaign", str(contacts)],
            cwd=ROOT,
            env=installation.environment,
            check=True,
        )
        with installation.running_simulator(**PEOPLE) as carrier, installation.serving():
            time.sleep(WARM_UP_SECONDS)
            with psycopg.connect(url, autocommit=True) as connection:
                finished = "SELECT count(*) FROM dialer_call WHERE state = 'ended'"
                cpu = _cpu_seconds()
                (first,), began = connection.execute(finished).fetchone(), time.monotonic()  # type: ignore[misc]
                time.sleep(seconds)
                (last,), ended = connection.execute(finished).fetchone(), time.monotonic()  # type: ignore[misc]
                cpu = _cpu_seconds() - cpu
            summary = carrier.summary()
        calls = last - first
        return {
            "rate": calls / (ended - began),
            "cpu_ms": cpu / max(calls, 1) * 1000,
            "duplicates": len(summary["duplicate_answer_urls"]) + len(summary["overlapping_numbers"]),
        }


def _cpu_seconds() -> float:
    """What all processes of the machine have used, where the system tells."""
    try:
        with open("/proc/stat") as stat:
            user, nice, system = map(int, stat.readline().split()[1:4])
    except OSError:
        return 0.0
    return (user + nice + system) / 100
