"""A whole installation for a benchmark: its own database, ports and processes, gone afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psycopg

from config import postgres
from simulator.client import SimulatorClient

ROOT = Path(__file__).resolve().parent.parent
AUTH_ID, AUTH_TOKEN = "MABENCHMARKACCOUNT00", "a token of the simulated account"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def database(name: str) -> Iterator[str]:
    """A fresh, migrated database on the embedded server; its URL."""
    started = postgres.start()
    admin = postgres.url("postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield postgres.url(name)
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        if started:
            postgres.stop()


@dataclass
class Installation:
    database_url: str
    web_port: int = field(default_factory=free_port)
    simulator_port: int = field(default_factory=free_port)
    variables: dict[str, str] = field(default_factory=dict)
    log: Path = field(default_factory=lambda: Path(tempfile.mkstemp(suffix=".log")[1]))

    @property
    def environment(self) -> dict[str, str]:
        """What its processes, and this one, are told."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": self.database_url,
            "PORT": str(self.web_port),
            "PUBLIC_URL": f"http://127.0.0.1:{self.web_port}",
            "SIMULATOR_PORT": str(self.simulator_port),
            "PLIVO_API_URL": f"http://127.0.0.1:{self.simulator_port}",
            "PLIVO_AUTH_ID": AUTH_ID,
            "PLIVO_AUTH_TOKEN": AUTH_TOKEN,
            "SECRET_KEY": "of a benchmark",
            "QUIET_HOURS_END": "0",
            "QUIET_HOURS_START": "24",
            **self.variables,
        }

    @property
    def simulator(self) -> SimulatorClient:
        return SimulatorClient(f"http://127.0.0.1:{self.simulator_port}")

    def manage(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, check=True)

    @contextmanager
    def process(self, *command: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """One of its processes, in a group of its own, so that all of it ends with the group."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.environment, **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            end(process)

    @contextmanager
    def running_simulator(self, **settings: object) -> Iterator[SimulatorClient]:
        command = [sys.executable, "-m", "simulator", "--port", str(self.simulator_port)]
        with self.process(*command, SIMULATOR_CALLS_PER_SECOND="0", SIMULATOR_API_LIMIT="0"):
            self.simulator.wait_healthy()
            self.simulator.set(**settings)
            yield self.simulator

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Web, worker and dialer, as the Procfile runs them."""
        python = sys.executable
        gunicorn = [python, "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
        with ExitStack() as stack:
            stack.enter_context(self.process(*gunicorn))
            stack.enter_context(self.process(python, "-m", "config.worker"))
            stack.enter_context(self.process(python, "-m", "config.worker", "dialer"))
            wait_for(f"http://127.0.0.1:{self.web_port}/healthz")
            yield


def end(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """End a process and its group, gently at first."""
    for signal in (15, 9):
        try:
            os.killpg(process.pid, signal)
        except ProcessLookupError:
            break
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def wait_for(url: str, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
