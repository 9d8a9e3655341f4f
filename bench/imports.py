"""Importing files of contacts: uploaded, read, validated, deduplicated, saved, a list's version made.

Each in a process of its own, whose memory is measured, with a database of its own. Beside it the same valid
rows by a raw COPY, into a table without indexes, and into one with the columns, indexes and checks of the
real one; and the same import with django-import-export, at a smaller size.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django
import psycopg

from bench.contact_file import Made, write_contact_file
from bench.installation import ROOT, Installation, database
from bench.report import Report

SIZES = (10_000, 100_000, 1_000_000)
PEER_ROWS = 20_000
OURS, PEER = "ours", "django-import-export"
# Of a million rows; more of them may take as much longer.
BAR_ROWS = 1_000_000
BAR_SECONDS = 60.0
BAR_MEGABYTES = 300.0
BAR_OF_COPY = 12.0
BAR_OF_PEER = 20.0
# Of the seconds a row takes: a million's to ten thousand's.
BAR_GROWTH = 1.25

COLUMNS = ", ".join(
    (
        *("phone_number", "email", "first_name", "last_name", "company"),
        *("fields", "time_zone", "zone_set_id", "created_at", "updated_at"),
    )
)
BARE = "CREATE TABLE bare AS SELECT {columns} FROM contacts_contact LIMIT 0"
ALIKE = "CREATE TABLE alike (LIKE contacts_contact INCLUDING ALL)"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rows", type=int, nargs="+", default=SIZES, help="of the files; default: 10k 100k 1M"
    )
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many; default: 3")
    parser.add_argument("--seed", type=int, default=1, help="of the files; default: 1")


def run(options: argparse.Namespace) -> Report:
    report = Report("import", f"Files of seed {options.seed}; medians of {options.rounds}")
    with tempfile.TemporaryDirectory() as folder:
        a_row = {}
        for rows in options.rows:
            rounds = [measure(Path(folder), rows, options.seed) for _ in range(options.rounds)]
            figures = {name: statistics.median(round_[name] for round_ in rounds) for name in rounds[0]}
            a_row[rows] = figures["seconds"] / rows
            tell(report, rows, figures)
        if min(a_row) < max(a_row):
            growth = a_row[max(a_row)] / a_row[min(a_row)]
            report.add(
                f"A row of {max(a_row):,}, times one of {min(a_row):,}", growth, "×", at_most=BAR_GROWTH
            )
        rounds = [measure_peers(Path(folder), options.seed) for _ in range(options.rounds)]
        seconds = {name: statistics.median(round_[name] for round_ in rounds) for name in rounds[0]}
        for name, its in seconds.items():
            report.add(f"{PEER_ROWS:,} rows, {name}", PEER_ROWS / its, "rows/s")
        ours = seconds.pop(OURS)
        for name, its in seconds.items():
            bar = BAR_OF_PEER if name == PEER else None
            report.add(f"Times as fast as {name}", its / ours, "×", bar)
    report.notes += [
        "“Bare” is a table of the same columns and nothing else; “alike” has the indexes, checks and "
        "generated column of the real one, without triggers and foreign keys. The bar is against “alike”: "
        "what the same rows take to be stored so that they can be found. Seconds are from the upload to the "
        "commit, in a process that has imported a hundred rows before.",
        "",
        "django-import-export reads numbers by the phonenumbers library. The bar is against its defaults, as "
        "its guide begins: one lookup and one INSERT for each row, in one transaction, and a report of what "
        "each row changed. “Without a report” leaves that out. “In bulk” is with known contacts loaded at "
        "once, bulk create and update, and no report either: what it can be built into, told without a bar.",
    ]
    return report


def tell(report: Report, rows: int, figures: dict[str, float]) -> None:
    is_large = rows >= BAR_ROWS
    what = f"{rows:,} rows"
    report.add(what, figures["seconds"], "s", at_most=BAR_SECONDS * rows / BAR_ROWS if is_large else None)
    report.add(f"{what}, a second", rows / figures["seconds"], "rows/s")
    report.add(f"{what}, peak memory", figures["megabytes"], "MB", at_most=BAR_MEGABYTES)
    report.add(f"{what}, the same file again", figures["again"], "s")
    report.add(f"{what}, everybody changed", figures["changed"], "s")
    report.add(f"{what}, COPY into bare", figures["bare"], "s")
    report.add(f"{what}, COPY into alike", figures["alike"], "s")
    report.add(f"{what}, times COPY into bare", figures["seconds"] / figures["bare"], "×")
    report.add(
        f"{what}, times COPY into alike",
        figures["seconds"] / figures["alike"],
        "×",
        at_most=BAR_OF_COPY if is_large else None,
    )


def measure(folder: Path, rows: int, seed: int) -> dict[str, float]:
    """One size, once: into an empty database, again, with everybody changed; and by COPY."""
    path, changed = folder / "contacts.csv", folder / "changed.csv"
    made = write_contact_file(path, rows, seed=seed)
    write_contact_file(changed, rows, seed=seed + 1)
    with database("bench_import") as url, tempfile.TemporaryDirectory() as data:
        installation = Installation(url, variables={"DATA_DIR": data})
        installation.manage("migrate", "--verbosity", "0")
        first = in_a_process(installation, "bench.imports", str(path))
        check(made, first)
        copied = copy(url, folder / "valid.copy")
        again = in_a_process(installation, "bench.imports", str(path))
        if again["created"] or again["updated"]:
            raise AssertionError(f"the same file again: {again}")
        other = in_a_process(installation, "bench.imports", str(changed))
    return {
        "seconds": first["seconds"],
        "megabytes": max(figures["megabytes"] for figures in (first, again, other)),
        "again": again["seconds"],
        "changed": other["seconds"],
        **copied,
    }


def measure_peers(folder: Path, seed: int) -> dict[str, float]:
    """Seconds of the same small file: ours, and django-import-export's."""
    path = folder / "small.csv"
    made = write_contact_file(path, PEER_ROWS, seed=seed)
    seconds = {}
    for name, module, *arguments in (
        (OURS, "bench.imports"),
        (PEER, "bench.peers.import_export", "defaults"),
        (f"{PEER} without a report", "bench.peers.import_export", "unreported"),
        (f"{PEER} in bulk", "bench.peers.import_export", "bulk"),
    ):
        with database("bench_import") as url, tempfile.TemporaryDirectory() as data:
            installation = Installation(url, variables={"DATA_DIR": data})
            installation.manage("migrate", "--verbosity", "0")
            figures = in_a_process(installation, module, str(path), *arguments)
            if figures["created"] != made.valid:
                raise AssertionError(f"{module}: {figures} of {made}")
            seconds[name] = figures["seconds"]
    return seconds


def in_a_process(installation: Installation, module: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=installation.environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    return dict(json.loads(done.stdout))


def check(made: Made, figures: dict[str, Any]) -> None:
    found = Made(figures["rows"], figures["created"], figures["duplicates"], figures["invalid"])
    if found != made:
        raise AssertionError(f"{figures} instead of {made}")


def copy(url: str, path: Path) -> dict[str, float]:
    """Seconds of a raw COPY of all contacts, from a file, into each of the two tables."""
    seconds = {}
    with psycopg.connect(url, autocommit=True) as connection:
        with (
            path.open("wb") as file,
            connection.cursor().copy(
                f"COPY (SELECT {COLUMNS} FROM contacts_contact ORDER BY id) TO STDOUT"
            ) as rows,
        ):
            for block in rows:
                file.write(block)
        for table, create in (("bare", BARE.format(columns=COLUMNS)), ("alike", ALIKE)):
            connection.execute(create)
            connection.execute("CHECKPOINT")
            began = time.monotonic()
            with (
                path.open("rb") as file,
                connection.cursor().copy(f"COPY {table} ({COLUMNS}) FROM STDIN") as into,
            ):
                while block := file.read(256 * 1024):
                    into.write(block)
            seconds[table] = time.monotonic() - began
            connection.execute(f"DROP TABLE {table}")
        connection.execute("CHECKPOINT")
    path.unlink()
    return seconds


def import_here(path: Path) -> dict[str, float]:
    """Import a file in this process, as a worker that has imported before; seconds, memory, sums."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as small:
        # Not of the file, as long as that has fewer than ten million rows.
        write_contact_file(Path(small.name), 100, skipped=10_000_000)
        _import(Path(small.name), "Before")
    began = time.monotonic()
    sums = _import(path, "Benchmark")
    seconds = time.monotonic() - began
    return {
        **sums,
        "seconds": seconds,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _import(path: Path, list_name: str) -> dict[str, int]:
    from contacts.importing.running import run_import
    from contacts.models import ImportStatus
    from contacts.services import map_import, upload_import

    with path.open("rb") as file:
        made = upload_import(
            file=file, file_name="contacts.csv", list_name=list_name, country="US", actor=None
        )
    map_import(
        contact_import=made,
        mapping={int(position): target for position, target in made.mapping.items()},
        is_run_here=True,
    )
    run_import(made.pk)
    made.refresh_from_db()
    if made.status != ImportStatus.COMPLETED:
        raise AssertionError(made.error)
    names = ("rows", "created", "updated", "unchanged", "duplicates", "invalid")
    return {name: getattr(made, name) for name in names}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(import_here(Path(sys.argv[1]))))
