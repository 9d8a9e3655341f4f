"""Preflight: who will be called and who won't, of lists with a million contacts, and of a run under way.

The draft of ``bench.data`` has everybody and a segment as its lists, an exclusion list of a fiftieth, and
caps for a day and a week; one in fifty numbers is on do-not-contact, and there are as many calls as contacts.
In turns with it, a bare count of the lists' memberships, which is the least that any answer has to read.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import django
from django.db import connection
from django.utils import timezone

from bench.installation import ROOT, Installation, database
from bench.report import Report

SIZES = (10_000, 100_000, 1_000_000)
BAR_SECONDS = 1.0
# So low that many calls have to be looked at.
CAPS = {"max_attempts_per_day": 1, "max_attempts_per_week": 2}

BARE = """
SELECT count(*) FROM contacts_membership WHERE list_id = ANY(%s) AND removed_in IS NULL
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="contacts; default: 10k 100k 1M")
    parser.add_argument("--rounds", type=int, default=7, help="medians of so many; default: 7")


def run(options: argparse.Namespace) -> Report:
    report = Report(
        "preflight", f"Two lists, do-not-contact, an exclusion list, caps; medians of {options.rounds}"
    )
    per_contact = []
    for size in options.sizes:
        with database("bench_preflight") as url:
            installation = Installation(url)
            installation.manage("migrate", "--verbosity", "0")
            figures = {}
            for module, argument in (("bench.data", size), ("bench.preflight", options.rounds)):
                done = subprocess.run(
                    [sys.executable, "-m", module, str(argument)],
                    cwd=ROOT,
                    env=installation.environment,
                    check=True,
                    stdout=subprocess.PIPE,
                )
                figures = json.loads(done.stdout or "{}")
        ours, under_way, bare = figures["ours"], figures["under_way"], figures["bare"]
        per_contact.append(ours / size)
        most = BAR_SECONDS if size == max(SIZES) else None
        report.add(f"{size:,} contacts", ours, "s", at_most=most)
        report.add(f"{size:,} contacts, bare count of memberships", bare, "s")
        report.add(f"{size:,} contacts, times the bare one", ours / bare, "×")
        report.add(
            f"{size:,} contacts, a run with {figures['waiting']:,} waiting", under_way, "s", at_most=most
        )
    if len(per_contact) > 1:
        first, last = options.sizes[0], options.sizes[-1]
        report.add(f"A contact of {last:,}, times one of {first:,}", per_contact[-1] / per_contact[0], "×")
    return report


def measure(rounds: int) -> dict[str, float]:
    """Seconds, medians, in the database of the settings. ``AssertionError``: somebody is missing."""
    from campaigns.models import Campaign, Channel, VoiceSettings
    from campaigns.preflight import preflight
    from contacts.models import List

    draft = Channel.objects.get(campaign=Campaign.objects.filter(status="draft").order_by("pk")[0])
    started = Channel.objects.get(campaign__status="active")
    VoiceSettings.objects.filter(channel__in=[draft, started]).update(**CAPS)
    lists = list(draft.channel_lists.values_list("list", flat=True))
    everybody = List.objects.get(name="Everybody").size

    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute(BARE, [lists])

    found = preflight(draft, timezone.now())
    waiting = preflight(started, timezone.now())
    if found.contacts != everybody or sum(reason.contacts for reason in found.reasons) == 0:
        raise AssertionError(f"{found.contacts} of {everybody} contacts are in the preflight.")
    taken: dict[str, list[float]] = {"ours": [], "under_way": [], "bare": []}
    asked: dict[str, Callable[[], object]] = {
        "ours": lambda: preflight(draft, timezone.now()),
        "under_way": lambda: preflight(started, timezone.now()),
        "bare": bare,
    }
    for _ in range(rounds):
        for name, ask in asked.items():
            began = time.perf_counter()
            ask()
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in taken.items()} | {"waiting": waiting.contacts}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(measure(int(sys.argv[1]))))
