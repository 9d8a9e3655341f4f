"""Enrolling: Start is pressed on a channel with one list, until the run with all its contacts is committed.

Beside it, in turns with it: a bare INSERT … SELECT of the same contacts into a copy of the table with the
same indexes and checks, without triggers and foreign keys.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

import django
from django.db import connection

from bench.installation import ROOT, Installation, database
from bench.report import Report

SIZES = (10_000, 100_000, 1_000_000)
BAR_SECONDS = 15.0

BARE_TABLE = """
CREATE TABLE bare (LIKE campaigns_enrollment INCLUDING ALL) WITH (fillfactor = 80)
"""
BARE = """
INSERT INTO bare (channel_id, contact_id, zone_set_id, run, status, attempts, due_at, reason, updated_at)
SELECT %(channel)s, contact.id, contact.zone_set_id, 1, 'pending', 0, now(), '', now()
FROM contacts_membership AS member JOIN contacts_contact AS contact ON contact.id = member.contact_id
WHERE member.list_id = %(list)s
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="contacts; default: 10k 100k 1M")
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many; default: 3")


def run(options: argparse.Namespace) -> Report:
    report = Report("enroll", f"One list into a channel; medians of {options.rounds}")
    for size in options.sizes:
        with database("bench_enroll") as url:
            installation = Installation(url)
            installation.manage("migrate", "--verbosity", "0")
            figures = {}
            for module, *arguments in (
                ("bench.data", str(size), "--calls", "0", "--campaigns", "3"),
                ("bench.enroll", str(options.rounds)),
            ):
                done = subprocess.run(
                    [sys.executable, "-m", module, *arguments],
                    cwd=ROOT,
                    env=installation.environment,
                    check=True,
                    stdout=subprocess.PIPE,
                )
                figures = json.loads(done.stdout or "{}")
        ours, bare = figures["ours"], figures["bare"]
        most = BAR_SECONDS if size == max(SIZES) else None
        report.add(f"{size:,} contacts", ours, "s", at_most=most)
        report.add(f"{size:,} contacts, bare INSERT … SELECT", bare, "s")
        report.add(f"{size:,} contacts, times the bare one", ours / bare, "×")
    return report


def measure(rounds: int) -> dict[str, float]:
    """Seconds, medians, in the database of the settings."""
    from campaigns.models import Assistant, CallerId, Schedule, VoiceSettings
    from campaigns.models.rules import ALL_DAY
    from campaigns.services import assign_list, create_campaign, start_channel
    from contacts.models import List

    everybody = List.objects.get(name="Everybody")
    ours, bare = [], []
    with connection.cursor() as cursor:
        for n in range(rounds):
            channel = create_campaign(actor=None, name=f"Round {n}").channels.get()
            VoiceSettings.objects.filter(channel=channel).update(
                destination="hangup", assistant=Assistant.objects.get(), caller_id=CallerId.objects.get()
            )
            Schedule.objects.filter(channel=channel).update(hours=[ALL_DAY] * 7)
            assign_list(channel=channel, list=everybody, actor=None)
            cursor.execute("CHECKPOINT")
            began = time.perf_counter()
            start_channel(channel=channel, actor=None)
            ours.append(time.perf_counter() - began)
            enrolled = channel.enrollments.count()
            if enrolled != everybody.size:
                raise AssertionError(f"{enrolled} of {everybody.size} were enrolled.")
            cursor.execute("DROP TABLE IF EXISTS bare")
            cursor.execute(BARE_TABLE)
            cursor.execute("CHECKPOINT")
            began = time.perf_counter()
            cursor.execute(BARE, {"channel": channel.pk, "list": everybody.pk})
            bare.append(time.perf_counter() - began)
    return {"ours": statistics.median(ours), "bare": statistics.median(bare)}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(measure(int(sys.argv[1]))))
