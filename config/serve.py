"""``script/server``: everything on one machine, from nothing: database, migrations, demo, processes.

The same Procfile as in production; the simulated carrier only where no account is configured, the
embedded database only where no ``DATABASE_URL`` is. Ctrl-C stops everything, the database too.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

from config import environment, postgres

ROOT = Path(__file__).resolve().parent.parent
FIRST_ANSWER_SECONDS = 60


def main() -> int:
    options = _options()
    os.chdir(ROOT)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["PORT"] = str(options.port)
    if options.host:
        os.environ["HOST"] = options.host
    simulator_port = environment.whole("SIMULATOR_PORT", options.port + 1)
    os.environ["SIMULATOR_PORT"] = str(simulator_port)
    simulated = not environment.text("PLIVO_AUTH_ID")
    for port in (options.port, *((simulator_port,) if simulated else ())):
        if not _is_free(port):
            print(f"Port {port} is in use. Choose another: script/server --port {port + 10}", file=sys.stderr)
            return 1
    embedded = not environment.text("DATABASE_URL")
    try:
        if embedded:
            postgres.start()
        return _serve(options, simulated)
    except postgres.PostgresFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    finally:
        if embedded:
            postgres.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/server", description="Serve Carillon on this machine.")
    parser.add_argument("--port", type=int, default=environment.whole("PORT", 8000), help="default: 8000")
    parser.add_argument("--host", default="", help="address to listen on; default: 127.0.0.1")
    parser.add_argument("--no-demo", action="store_true", help="start empty: no people, no sample campaign")
    return parser.parse_args()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _serve(options: argparse.Namespace, simulated: bool) -> int:
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    greeting = []
    from config.demo import load_demo, may_load_demo, people_with_the_published_password

    host = environment.text("HOST", "127.0.0.1")
    if not may_load_demo(is_local=settings.IS_LOCAL, carrier_is_simulated=simulated, host=host):
        if known := people_with_the_published_password():
            greeting = [f"The demo's password is published. Change it, or delete: {', '.join(known)}."]
    elif not options.no_demo:
        greeting = load_demo()
    from django.db import connections

    from accounts.models import User

    if not User.objects.exists():
        greeting = ["Nobody can log in yet. In another shell: .venv/bin/python manage.py createsuperuser"]
    connections.close_all()

    from honcho.environ import parse_procfile
    from honcho.manager import Manager

    manager = Manager()
    procfile = parse_procfile((ROOT / "Procfile").read_text())
    for name, command in procfile.processes.items():
        variables = dict(os.environ)
        if name == "simulator":
            if not simulated:
                continue
            # The account that the product dials; only the simulated carrier is told of it this way.
            variables |= {
                "PLIVO_AUTH_ID": settings.PLIVO_AUTH_ID,
                "PLIVO_AUTH_TOKEN": settings.PLIVO_AUTH_TOKEN,
                "SIMULATOR_CALLS_PER_SECOND": str(settings.ACCOUNT_CALLS_PER_SECOND),
            }
        manager.add_process(name, command, env=variables, cwd=str(ROOT))
    address = settings.PUBLIC_URL
    Thread(target=_greet, args=(options.port, address, greeting, simulated), daemon=True).start()
    manager.loop()
    # Told to stop by a person is not a failure.
    return 0 if manager.returncode in {None, 0, 130, 143} else int(manager.returncode)


def _greet(port: int, address: str, greeting: list[str], simulated: bool) -> None:
    """Once it answers, say where it is."""
    until = monotonic() + FIRST_ANSWER_SECONDS
    while monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                break
        except OSError:
            sleep(0.1)
    carrier = "a simulated carrier: nothing is really dialed" if simulated else "Plivo"
    lines = ["", f"Carillon is at {address} (with {carrier}).", *greeting, "Ctrl-C stops everything.", ""]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except (KeyboardInterrupt, subprocess.CalledProcessError) as stopped:
        raise SystemExit(1) from stopped
