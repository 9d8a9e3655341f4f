"""Exporting: a list, and all calls there ever were, downloaded as CSV from the real web server.

Beside each, in turns with it: COPY TO of the same columns of the same rows, with nothing made harmless
and no web server in between. Memory is what a process of the web server held at most, over what it held
before the first export.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django
import psycopg

from bench.installation import ROOT, Installation, database, wait_for
from bench.report import Report

BAR_PER_SECOND = 50_000.0
BAR_MEGABYTES = 150.0
READ_BYTES = 256 * 1024

BARE_LIST = """
COPY (
    SELECT phone_number, first_name, last_name, email, company, time_zone, fields ->> 'balance',
           fields ->> 'plan', EXISTS (
               SELECT FROM contacts_donotcontact AS dnc
               WHERE dnc.phone_number = contact.phone_number AND dnc.scope IN ('all', 'voice')
           )
    FROM contacts_membership AS member JOIN contacts_contact AS contact ON contact.id = member.contact_id
    WHERE member.list_id = {list} AND member.removed_in IS NULL
    ORDER BY contact.id DESC
) TO STDOUT WITH (FORMAT csv)
"""
BARE_CALLS = """
COPY (
    SELECT call.id, call.campaign_name, call.channel_name, call.run, call.contact_name, call.to_number,
           call.from_number, call.assistant_name, call.attempt, call.placed_at, call.answered_at,
           call.ended_at, call.outcome, call.duration_seconds, call.billed_seconds, call.cost,
           disposition.name, disposition.is_win, call.callback_at, enrollment.status, enrollment.due_at,
           call.is_machine, call.message_left, call.hangup_code, call.hangup_cause, call.hangup_by,
           call.summary, call.notes, transcript.words, call.request_id, call.carrier_id
    FROM dialer_call AS call
    LEFT JOIN campaigns_disposition AS disposition ON disposition.id = call.disposition_id
    LEFT JOIN campaigns_enrollment AS enrollment ON enrollment.id = call.enrollment_id
    LEFT JOIN dialer_transcript AS transcript ON transcript.call_id = call.id
    WHERE call.state = 'ended'
    ORDER BY call.id DESC
) TO STDOUT WITH (FORMAT csv)
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--size", type=int, default=1_000_000, help="contacts, and about as many calls; default: 1M"
    )
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many; default: 3")


def run(options: argparse.Namespace) -> Report:
    report = Report(
        "export", f"{options.size:,} contacts in one list, about as many calls; medians of {options.rounds}"
    )
    with database("bench_export") as url, TemporaryDirectory() as folder:
        installation = Installation(url, variables={"DATA_DIR": folder, "WEB_WORKERS": "1"})
        installation.manage("migrate", "--verbosity", "0")
        installation.manage("collectstatic", "--no-input", "--verbosity", "0")
        _module(installation, "bench.data", str(options.size))
        known = json.loads(_module(installation, "bench.export"))
        gunicorn = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
        with installation.process(*gunicorn) as server:
            wait_for(f"http://127.0.0.1:{installation.web_port}/healthz")
            before = _peak_megabytes(server.pid)
            for name, path, bare in (
                ("A list", f"/contacts/lists/{known['list']}/export/", BARE_LIST.format(list=known["list"])),
                ("All calls", "/history/export/", BARE_CALLS),
            ):
                _measure(report, name, installation, known["cookie"], path, bare, options.rounds)
            more = _peak_megabytes(server.pid) - before
            report.add("Memory of the exports", more, "MB", at_most=BAR_MEGABYTES)
            report.add("Memory of the web server before", before, "MB")
    return report


def _module(installation: Installation, *command: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=installation.environment,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout


def _measure(
    report: Report, name: str, installation: Installation, cookie: str, path: str, bare: str, rounds: int
) -> None:
    ours, raw = [], []
    rows = 0
    for _ in range(rounds):
        began = time.perf_counter()
        rows = _download(installation.web_port, path, cookie)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        copied = _copy(installation.database_url, bare)
        raw.append(time.perf_counter() - began)
        if copied != rows:
            raise RuntimeError(f"{path}: {rows:,} rows were downloaded, of {copied:,}")
    seconds, bare_seconds = statistics.median(ours), statistics.median(raw)
    report.add(f"{name}: rows", rows, "")
    report.add(f"{name}: rows a second", rows / seconds, "/s", BAR_PER_SECOND)
    report.add(f"{name}: times as long as COPY TO", seconds / bare_seconds, "")


def _download(port: int, path: str, cookie: str) -> int:
    """How many rows a download has, without its heading; no cell of ours holds a line end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("GET", path, headers={"Cookie": cookie})
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status}")
    lines = 0
    while chunk := response.read(READ_BYTES):
        lines += chunk.count(b"\n")
    connection.close()
    return lines - 1


def _copy(url: str, statement: str) -> int:
    """How many rows a COPY TO has."""
    with psycopg.connect(url) as connection, connection.cursor().copy(statement.encode()) as copy:
        return sum(bytes(row).count(b"\n") for row in copy)


def _peak_megabytes(pid: int) -> float:
    """The most that a process of this group has held at any time, by the kernel's count."""
    peaks = [0.0]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            # It has ended meanwhile.
            continue
        if str(pid) in (lines["PPid"].strip(), lines["Pid"].strip()) and "VmHWM" in lines:
            peaks.append(int(lines["VmHWM"].split()[0]) / 1024)
    return max(peaks)


def describe() -> dict[str, Any]:
    """Somebody logged in, and the list of everybody, in the settings' database."""
    from django.conf import settings
    from django.test import Client

    from accounts.models import Role, User
    from contacts.models import List

    person, _ = User.objects.get_or_create(username="bench", defaults={"role": Role.SUPERVISOR})
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(person)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {
        "cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}",
        "list": List.objects.get(name="Everybody").pk,
    }


if __name__ == "__main__":
    django.setup()
    print(json.dumps(describe()))
