"""``script/bench NAME``: one benchmark, one table. Without a name: which there are.

Exit status 1 when a bar of quality is missed. ``--json`` prints the figures instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module

from bench.report import Report

BENCHMARKS = {
    "call-life": ("bench.call_life", "the full life of a call, against the floor of bare requests"),
    "enroll": ("bench.enroll", "a list into a channel, against a bare INSERT … SELECT"),
    "export": ("bench.export", "a list and all calls as CSV, against COPY TO"),
    "import": ("bench.imports", "files of contacts, against raw COPY and django-import-export"),
    "pages": ("bench.pages", "the pages with a million contacts and calls, against ten thousand"),
    "preflight": ("bench.preflight", "who of a million will be called, against a bare count of the lists"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", add_help=False)
    parser.add_argument("name", nargs="?")
    options, rest = parser.parse_known_args()
    if options.name not in BENCHMARKS:
        print("Benchmarks:")
        for name, (_, what) in BENCHMARKS.items():
            print(f"  {name:12} {what}")
        return 0 if options.name is None else 2
    module = import_module(BENCHMARKS[options.name][0])
    parser = argparse.ArgumentParser(prog=f"script/bench {options.name}", description=module.__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    module.add_options(parser)
    chosen = parser.parse_args(rest)
    report: Report = module.run(chosen)
    print(json.dumps(report.as_json(), indent=2) if chosen.json else report.as_table())
    return 0 if report.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
