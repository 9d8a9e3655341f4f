"""The whole story, on the product's own processes: from a CSV on disk to finished calls, in a browser,
while the dialer is killed again and again.

``STORY_ROWS=1000 STORY_KILLS=10 script/test tests/engine/test_story.py`` tells it at full length.
"""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from playwright.sync_api import Page, expect

from bench.installation import ROOT, Installation, database, wait_for
from tests.factories.contact_files import contact_file

ROWS = int(os.environ.get("STORY_ROWS", "120"))
KILLS = int(os.environ.get("STORY_KILLS", "4"))
SPEED = float(os.environ.get("STORY_SPEED", "20"))
# A call in doubt after a kill is given up only after it could have rung out, and a minute: real time.
SECONDS = ROWS / 5 + 240

pytestmark = [pytest.mark.browser, pytest.mark.processes]


class Killable:
    """The dialer's processes: killed without warning, and started again."""

    def __init__(self, installation: Installation, stack: ExitStack) -> None:
        self.installation = installation
        self.stack = stack
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        return self.stack.enter_context(
            self.installation.process(sys.executable, "-m", "config.worker", "dialer")
        )

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = self.start()


@pytest.fixture
def installation(tmp_path) -> Iterator[tuple[Installation, psycopg.Connection, Killable]]:
    with ExitStack() as stack:
        url = stack.enter_context(database(f"story_{os.getpid()}"))
        installation = Installation(
            url,
            variables={
                "DATA_DIR": str(tmp_path / "data"),
                "ALLOW_PRIVATE_ADDRESSES": "1",
                "SIMULATOR_SPEED": str(SPEED),
                "WEB_WORKERS": "1",
                "WORKERS": "1",
            },
            log=tmp_path / "processes.log",
        )
        for command in (
            ["manage.py", "migrate", "--verbosity", "0"],
            ["manage.py", "collectstatic", "--no-input", "--verbosity", "0"],
            ["-c", "import django; django.setup(); from config.demo import load_demo; load_demo()"],
        ):
            subprocess.run([sys.executable, *command], cwd=ROOT, env=installation.environment, check=True)
        # Nobody asks to be called tomorrow: a channel with a callback goes on until then.
        stack.enter_context(installation.running_simulator(callback_rate=0.0, forced_digits=False))
        web = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
        stack.enter_context(installation.process(*web))
        stack.enter_context(installation.process(sys.executable, "-m", "config.worker"))
        dialer = Killable(installation, stack)
        wait_for(f"http://127.0.0.1:{installation.web_port}/healthz")
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        yield installation, connection, dialer


@pytest.fixture
def page(browser, installation) -> Iterator[Page]:
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{installation[0].web_port}", viewport={"width": 1360, "height": 860}
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(0.2)


def test_a_csv_becomes_finished_calls_whatever_happens_to_the_dialer(installation, page, tmp_path):
    _, connection, dialer = installation
    simulator = installation[0].simulator

    def one(statement: str):
        return connection.execute(statement).fetchone()[0]

    # Log in, and upload a file of realistic rows.
    page.goto("/")
    page.get_by_label("User name").fill("supervisor")
    page.get_by_label("Password").fill("carillon-demo")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Campaigns")).to_be_visible()
    file = contact_file(ROWS, seed=7)
    path = tmp_path / "Autumn leads.csv"
    path.write_text(file.text, encoding="utf-8")
    page.goto("/contacts/import/")
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name=re.compile("Import about")).click()
    page.locator("[data-sum=rows]").wait_for(timeout=60_000)
    imported = "SELECT rows || '=' || created || '+' || duplicates || '+' || invalid FROM contacts_import"
    sums = one(f"{imported} ORDER BY id DESC LIMIT 1")
    assert sums == f"{ROWS}={file.valid}+{file.duplicates}+{file.invalid}"

    # An AI-voice campaign: 20 concurrent calls, 5 a second, recorded.
    page.goto("/campaigns/new/")
    page.get_by_label("Name", exact=True).fill("Autumn story")
    page.get_by_label("Dial timeout").fill("15")
    page.get_by_role("tab", name="Schedule").click()
    page.get_by_role("button", name="Always").click()
    page.get_by_role("tab", name="Advanced").click()
    page.get_by_label("Concurrent calls").fill("20")
    page.get_by_label("Calls per second").fill("5")
    page.get_by_label("Record calls").check()
    page.get_by_role("button", name="Continue to contacts").click()
    page.get_by_role("combobox", name="A list you have").fill("Autumn")
    page.get_by_role("option", name=re.compile("Autumn leads")).click()
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_text(re.compile(f"{file.valid:,} of {file.valid:,}")).first).to_be_visible()

    # Press Start, on the campaign's badge, and watch.
    page.goto("/campaigns/")
    badge = page.get_by_role("row", name=re.compile("Autumn story")).locator("button.badge")
    expect(badge).to_have_text("Draft")
    badge.click()
    expect(badge).to_have_text("Active")
    page.get_by_role("link", name="Autumn story").click()
    channel = one("SELECT id FROM campaigns_channel ORDER BY id DESC LIMIT 1")
    calls = f"SELECT count(*) FROM dialer_call WHERE channel_id = {channel}"
    until(lambda: one(calls) > 3, 20, "the first calls")

    # Pause: no new calls at once, those in progress finish. Resume goes on.
    page.get_by_role("button", name=re.compile("^Pause")).first.click()
    expect(page.get_by_role("button", name=re.compile("^Resume")).first).to_be_visible()
    placed = one(f"SELECT count(*) FROM dialer_call WHERE channel_id = {channel} AND accepted_at IS NOT NULL")
    time.sleep(2)
    started = f"SELECT count(*) FROM dialer_call WHERE channel_id = {channel} AND placed_at IS NOT NULL"
    assert one(f"{started} AND outcome <> 'withdrawn'") <= placed + 1
    page.get_by_role("button", name=re.compile("^Resume")).first.click()
    expect(page.get_by_role("button", name=re.compile("^Pause")).first).to_be_visible()

    # The dialer is killed, at moments of its own choosing, and nothing changes.
    for number in range(1, KILLS + 1):
        share = file.valid * number // (KILLS + 1)
        until(lambda least=share: one(calls) >= least, SECONDS, f"{share} calls")
        dialer.kill()
    status = f"SELECT status FROM campaigns_channel WHERE id = {channel}"
    until(lambda: one(status) == "completed", SECONDS, "the channel to complete")
    summary = simulator.wait_idle(60)

    # Every contact ended; the carrier's ledger shows one call for each attempt, none twice.
    assert not summary["duplicate_answer_urls"]
    assert not summary["overlapping_numbers"]
    mine = f"FROM dialer_call WHERE channel_id = {channel} AND outcome <> 'withdrawn'"
    assert one(f"SELECT count(*) {mine} AND accepted_at IS NOT NULL") == summary["calls"]
    enrolled = f"FROM campaigns_enrollment WHERE channel_id = {channel}"
    assert one(f"SELECT count(*) {enrolled}") == file.valid
    waiting = "('pending', 'retry', 'callback', 'calling', 'connected')"
    assert one(f"SELECT count(*) {enrolled} AND status IN {waiting}") == 0

    # Cards, results and a recount agree.
    completed = one(f"SELECT count(*) {enrolled} AND is_reached")
    assert completed == one(f"SELECT count(DISTINCT enrollment_id) {mine} AND outcome = 'completed'")
    counted = f"FROM campaigns_enrollmentcount WHERE channel_id = {channel}"
    assert completed == one(f"SELECT sum(reached) {counted}")
    dialed = one(f"SELECT count(DISTINCT enrollment_id) {mine} AND accepted_at IS NOT NULL")
    assert dialed == one(f"SELECT sum(dialed) {counted}")
    page.reload()
    cards = page.locator(".cards")
    expect(cards).to_contain_text(re.compile(rf"Total\s*{file.valid:,}"))
    expect(cards).to_contain_text(re.compile(rf"Completed\s*{completed:,}"))
    expect(cards).to_contain_text(re.compile(rf"Failed\s*{file.valid - completed:,}"))
    page.get_by_role("link", name=re.compile("^Results")).click()
    results = one(f"SELECT count(*) {mine}")
    expect(page.locator(".cards")).to_contain_text(re.compile(rf"Calls\s*{results:,}"))

    # Recordings play and transcripts show.
    announced = "SELECT count(*) FROM dialer_recording WHERE status <> 'stored'"
    until(lambda: one(announced) == 0, 60, "the recordings")
    call = one(
        f"SELECT id {mine} AND id IN (SELECT call_id FROM dialer_recording)"
        " AND id IN (SELECT call_id FROM dialer_transcript) ORDER BY duration_seconds DESC LIMIT 1"
    )
    page.goto(f"/calls/{call}/")
    expect(page.locator(".turn").first).to_be_visible()
    page.wait_for_function("document.querySelector('audio').readyState >= 1")
    assert page.evaluate("document.querySelector('audio').duration") > 0
    sound = page.request.get(f"/calls/{call}/recording/")
    with wave.open(io.BytesIO(sound.body())) as audio:
        assert audio.getnframes() > 0
