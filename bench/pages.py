"""Pages: what people look at all day, with a million contacts and calls, and with ten thousand.

A web server as in production, one person logged in, each page asked for again and again; the same for
the parts that refresh themselves. Queries are counted apart, by Django's own client on the same data.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import django
from django.db import connection

from bench.data import FULL_PAGE
from bench.installation import ROOT, Installation, database, wait_for
from bench.report import Report, machine

SIZES = (10_000, 1_000_000)
P95_MS = 100.0
QUERIES = 20
TIMES_SMALL = 1.5
UNCHANGED_MS = 10.0
UNCHANGED_QUERIES = 3
# Asked for before anything is measured, so that both sizes have what they need in memory.
WARM_UP = 8


@dataclass(frozen=True)
class Page:
    """A page, or the part of it that is asked for again; ``unchanged``: with what it has already."""

    name: str
    path: str
    is_part: bool = False
    unchanged: bool = False


def pages(known: dict[str, Any]) -> Iterator[Page]:
    """What is asked for, in a database that ``bench.data`` filled."""
    big, draft, one = known["big"], known["draft"], known["one"]
    yield Page("campaigns", "/campaigns/")
    yield Page("campaigns, by contacts", "/campaigns/?sort=-contacts")
    yield Page("campaigns, search", "/campaigns/?q=survey")
    yield Page("campaigns, refresh", "/campaigns/", is_part=True)
    for name, campaign in (("running", big), ("draft", draft), ("completed", one)):
        yield Page(f"campaign, {name}", f"/campaigns/{campaign}/")
        for tab in ("contacts", "lists", "activity", "results", "analytics"):
            yield Page(f"campaign, {name}: {tab}", f"/campaigns/{campaign}/{tab}/")
    yield Page("two campaigns", f"/campaigns/compare/?a={big}&b={one}")
    yield Page("campaign, refresh", f"/campaigns/{big}/", is_part=True)
    yield Page("campaign, refresh, unchanged", f"/campaigns/{big}/", is_part=True, unchanged=True)
    yield Page("campaign, contacts, refresh", f"/campaigns/{big}/contacts/", is_part=True)
    yield Page("campaign, contacts: remaining", f"/campaigns/{big}/contacts/?status=remaining")
    yield Page("campaign, contacts: no answer", f"/campaigns/{big}/contacts/?status=no_answer")
    yield Page("campaign, contacts: search a name", f"/campaigns/{big}/contacts/?q={quote('chloe martinez')}")
    yield Page("campaign, contacts: search a number", f"/campaigns/{big}/contacts/?q={known['digits']}")
    yield Page("campaign, channel’s pace", f"/channels/{big}/pace/", is_part=True)
    yield Page("campaign, number of results", f"/campaigns/{big}/results/count/", is_part=True)
    # A campaign of this data and its channel have the same key.
    draft_channel = f"/campaigns/{draft}/channels/{draft}"
    yield Page("editor", f"{draft_channel}/edit/")
    yield Page("contacts and start", f"{draft_channel}/launch/")
    yield Page("preflight, settings changed", f"{draft_channel}/preflight/?settings", is_part=True)
    for reason in ("called", "later", "do_not_contact", "excluded", "without_number", "duplicates"):
        yield Page(f"preflight, people: {reason}", f"{draft_channel}/preflight/people/?reason={reason}")
    yield Page(
        "preflight, people: search a name",
        f"{draft_channel}/preflight/people/?reason=called&q={quote('chloe martinez')}",
    )
    yield Page("results: one outcome", f"/campaigns/{big}/results/?outcome=busy")
    yield Page("results: search a name", f"/campaigns/{big}/results/?q={quote('chloe martinez')}")
    yield Page("results: search a common word", f"/campaigns/{big}/results/?q=anna")
    yield Page("results: search a number", f"/campaigns/{big}/results/?q={known['digits']}")
    yield Page("history", "/history/")
    yield Page("history: search a name", f"/history/?q={quote('chloe martinez')}")
    yield Page("history: search a common word", "/history/?q=anna")
    yield Page("history: search three digits", "/history/?q=415")
    yield Page("history: search four digits", f"/history/?q={known['four']}")
    yield Page("history: search a number", f"/history/?q={known['digits']}")
    yield Page("a call", f"/calls/{known['call']}/")
    yield Page("contacts", "/contacts/")
    yield Page("contacts: search a name", f"/contacts/?q={quote('chloe martinez')}")
    yield Page("contacts: search a common word", "/contacts/?q=anna")
    yield Page("contacts: search a number", f"/contacts/?q={known['digits']}")
    yield Page("contacts: search an address", f"/contacts/?q={quote(known['email'])}")
    yield Page("contacts: search nobody", "/contacts/?q=zzyzx")
    yield Page("a contact", f"/contacts/{known['contact']}/")
    yield Page("a contact’s calls", f"/contacts/{known['contact']}/history/", is_part=True)
    yield Page("a contact, edit", f"/contacts/{known['contact']}/edit/")
    yield Page("a contact, erase", f"/contacts/{known['contact']}/erase/")
    yield Page("custom fields", "/contacts/fields/")
    yield Page("lists", "/contacts/lists/")
    yield Page("a list", f"/contacts/lists/{known['everybody']}/")
    yield Page("a list: search a name", f"/contacts/lists/{known['everybody']}/?q={quote('chloe martinez')}")
    yield Page("a list: on do-not-contact", f"/contacts/lists/{known['everybody']}/?do_not_contact=yes")
    yield Page("a list: in a zone", f"/contacts/lists/{known['everybody']}/?zone=America/Denver")
    yield Page("a list’s versions", f"/contacts/lists/{known['everybody']}/versions/")
    yield Page("a version of a list", f"/contacts/lists/{known['everybody']}/versions/1/")
    yield Page("do-not-contact", "/contacts/do-not-contact/")
    yield Page("do-not-contact: search", f"/contacts/do-not-contact/?q={known['refused']}")
    yield Page("do-not-contact: removed", "/contacts/do-not-contact/removed/")
    yield Page("imports", "/contacts/imports/")
    yield Page("an import", f"/contacts/imports/{known['import']}/")
    yield Page("settings", "/settings/")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sizes", type=int, nargs=2, default=SIZES, help="contacts and calls; default: 10k and 1M"
    )
    parser.add_argument("--times", type=int, default=40, help="each page so often; default: 40")


@dataclass(frozen=True)
class Figures:
    """Of one page: milliseconds, and how many times those with little data that the middle one is."""

    page: Page
    p50: float
    p95: float
    queries: int
    times_small: float

    @property
    def is_met(self) -> bool:
        slowest, queries = (UNCHANGED_MS, UNCHANGED_QUERIES) if self.page.unchanged else (P95_MS, QUERIES)
        return self.p95 <= slowest and self.queries <= queries and self.times_small <= TIMES_SMALL


@dataclass
class PagesReport(Report):
    """A row for each page instead of one for each figure."""

    pages: list[Figures] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        return all(each.is_met for each in self.pages)

    def as_table(self) -> str:
        lines = [
            f"### {self.name}",
            "",
            f"{machine()}. {self.sizes}.",
            "",
            "| Page | p50, ms | p95, ms | Queries | Times the small one | |",
            "|---|---:|---:|---:|---:|---|",
        ]
        for each in self.pages:
            lines.append(
                f"| {each.page.name} | {each.p50:.1f} | {each.p95:.1f} | {each.queries} "
                f"| {each.times_small:.2f} | {'met' if each.is_met else '**missed**'} |"
            )
        return "\n".join([*lines, "", *self.notes])

    def as_json(self) -> dict[str, Any]:
        return {
            **super().as_json(),
            "figures": [{**asdict(each), "met": each.is_met} for each in self.pages],
        }


def run(options: argparse.Namespace) -> Report:
    with ExitStack() as stack:
        sites = [Site(stack.enter_context(filled(size))) for size in options.sizes]
        return compare(*sites, times=options.times, sizes=options.sizes)


@contextmanager
def filled(size: int) -> Iterator[Installation]:
    """An installation with so many contacts and calls."""
    with database(f"bench_pages_{size}") as url:
        installation = Installation(url)
        installation.manage("migrate", "--verbosity", "0")
        command = [sys.executable, "-m", "bench.data", str(size)]
        subprocess.run(command, cwd=ROOT, env=installation.environment, check=True)
        yield installation


@dataclass
class Site:
    installation: Installation
    known: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def serving(self) -> Iterator[Visitor]:
        """A web server, and somebody logged in; ``known`` is what there is to look at."""
        installation = self.installation
        with TemporaryDirectory() as folder:
            installation.variables["DATA_DIR"] = folder
            installation.manage("collectstatic", "--no-input", "--verbosity", "0")
            said = subprocess.run(
                [sys.executable, "-m", "bench.pages"],
                cwd=ROOT,
                env=installation.environment,
                check=True,
                stdout=subprocess.PIPE,
            )
            self.known = json.loads(said.stdout)
            gunicorn = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
            with installation.process(*gunicorn):
                wait_for(f"http://127.0.0.1:{installation.web_port}/healthz")
                yield Visitor(installation.web_port, self.known["cookie"])


def compare(small: Site, large: Site, *, times: int, sizes: Sequence[int]) -> PagesReport:
    """Each page of both in turns, so that whatever else the machine does is done to both."""
    report = PagesReport(
        "pages",
        f"{sizes[1]:,} contacts and calls, times the same with {sizes[0]:,}; each page {times} times, "
        f"bars: p95 {P95_MS:g} ms, {QUERIES} queries, {TIMES_SMALL:g} times "
        f"(unchanged: {UNCHANGED_MS:g} ms, {UNCHANGED_QUERIES} queries)",
    )
    with small.serving() as few, large.serving() as many:
        for page, same in zip(pages(large.known), pages(small.known), strict=True):
            taken: tuple[list[float], list[float]] = [], []
            for n in range(times + WARM_UP):
                for visitor, asked, into in ((few, same, taken[0]), (many, page, taken[1])):
                    milliseconds = visitor.visit(asked)
                    if n >= WARM_UP:
                        into.append(milliseconds)
            ours = sorted(taken[1])
            report.pages.append(
                Figures(
                    page=page,
                    p50=statistics.median(ours),
                    p95=ours[round(0.95 * (len(ours) - 1))],
                    queries=large.known["queries"][page.name],
                    times_small=statistics.median(ours) / statistics.median(taken[0]),
                )
            )
    return report


class Visitor:
    """A logged-in browser with one connection, as far as a server sees."""

    def __init__(self, port: int, cookie: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookie = cookie
        self.versions: dict[str, str] = {}

    def visit(self, page: Page) -> float:
        """How long a visit took, in ms. Raises ``RuntimeError`` when it is not what was asked for."""
        if page.unchanged and page.name not in self.versions:
            _, _, content = self.ask(page)
            self.versions[page.name] = version_in(content.decode())
        taken, status, _ = self.ask(page)
        if status != (304 if page.unchanged else 200):
            raise RuntimeError(f"{page.name} ({page.path}): {status}")
        return taken

    def ask(self, page: Page) -> tuple[float, int, bytes]:
        headers = {"Cookie": self.cookie}
        if page.is_part:
            headers["HX-Request"] = "true"
        if page.name in self.versions:
            headers["If-None-Match"] = f'"{self.versions[page.name]}"'
        began = time.perf_counter()
        self.connection.request("GET", page.path, headers=headers)
        response = self.connection.getresponse()
        content = response.read()
        return (time.perf_counter() - began) * 1000, response.status, content


def version_in(page: str) -> str:
    return page.partition('data-version="')[2].partition('"')[0]


def digits_of_many(number: str) -> str:
    """Four digits of a number, the last ones that are part of so many that they fill a page."""
    from dialer.models import Call

    found = [number[end - 4 : end] for end in range(len(number), 4, -1)]
    for digits in found:
        if Call.objects.filter(to_number__contains=digits)[:FULL_PAGE].count() == FULL_PAGE:
            return digits
    return found[-1]


def describe() -> dict[str, Any]:
    """Somebody logged in, what there is to look at, and each page's queries, in the settings' database."""
    from django.conf import settings
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from accounts.models import Role, User
    from analytics import snapshots
    from analytics.models import Snapshot
    from campaigns.models import Campaign
    from contacts.models import Contact, DoNotContact, Import, List
    from dialer.models import Call

    person, _ = User.objects.get_or_create(username="bench", defaults={"role": Role.SUPERVISOR})
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(person)
    call = Call.objects.filter(outcome="completed").order_by("-id")[0]
    contact = call.contact or Contact.objects.order_by("-id")[0]
    known: dict[str, Any] = {
        "cookie": f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}",
        "big": Campaign.objects.get(status="active").pk,
        "draft": Campaign.objects.filter(status="draft").order_by("pk")[0].pk,
        "one": Campaign.objects.filter(status="completed", archived_at=None).order_by("-pk")[0].pk,
        "call": call.pk,
        "contact": contact.pk,
        "digits": call.to_number[-7:],
        "four": digits_of_many(call.to_number),
        "email": Contact.objects.filter(email__isnull=False).order_by("-id")[100].email,
        "refused": DoNotContact.objects.filter(phone_number__isnull=False)[0].phone_number,
        "everybody": List.objects.get(name="Everybody").pk,
        "import": Import.objects.order_by("id")[0].pk,
        "queries": {},
    }
    for page in pages(known):
        headers = {"HX-Request": "true"} if page.is_part else {}
        if page.unchanged:
            seen = client.get(page.path, headers=headers).content.decode()
            headers["If-None-Match"] = f'"{version_in(seen)}"'
        # What is read once a process is not a page's. Nor is what a worker does, which is not there to do it.
        client.get(page.path, headers=headers)
        for snapshot in Snapshot.objects.filter(taken_at=None):
            snapshots.take(snapshot.pk)
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(page.path, headers=headers)
        if answer.status_code != (304 if page.unchanged else 200):
            raise RuntimeError(f"{page.name} ({page.path}): {answer.status_code}")
        known["queries"][page.name] = len(captured)
    return known


if __name__ == "__main__":
    django.setup()
    print(json.dumps(describe()))
