"""The embedded server: whose cluster is whose, who may write where, and what is never removed."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from config import postgres

IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root keeps clusters outside of checkouts")


@pytest.fixture
def machine(monkeypatch) -> Iterator[Path]:
    """A machine of its own; what runs there can be reached by the server's user."""
    folder = Path(tempfile.mkdtemp(prefix="carillon-", dir="/tmp"))
    folder.chmod(0o755)
    monkeypatch.setattr(postgres, "SYSTEM_HOME", folder / "system")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def go_to(machine, monkeypatch) -> Callable[[str], Path]:
    """``go_to("a")``: be the checkout a."""

    def be(name: str) -> Path:
        root = machine / name
        root.mkdir(exist_ok=True)
        monkeypatch.setattr(postgres, "ROOT", root)
        monkeypatch.setattr(postgres, "DATA", root / ".data")
        return root

    return be


def have_cluster(name: str | None = None) -> Path:
    """As if a server had been set up and stopped; its folder."""
    home = postgres._home_of(name or postgres._name())
    (home / "cluster").mkdir(parents=True)
    (home / "checkout").write_text(str(postgres.ROOT))
    return home


# --- Names -----------------------------------------------------------------------------------------


def test_a_checkout_keeps_the_name_of_its_cluster(go_to):
    root = go_to("a")
    name = postgres._name()
    assert postgres.NAME.fullmatch(name)
    assert (root / ".data" / "cluster").read_text().strip() == name == postgres._name()
    go_to("b")
    assert postgres._name() != name


def test_a_cluster_named_after_its_checkouts_path_is_taken_over(go_to):
    root = go_to("a")
    have_cluster(postgres._hash_of(root))
    assert postgres._name() == postgres._hash_of(root)


def test_a_checkout_that_was_moved_finds_its_cluster_again(go_to):
    root = go_to("a")
    have_cluster()
    name = postgres._name()
    root.rename(root.with_name("b"))
    go_to("b")
    assert postgres._name() == name


def test_something_else_at_the_old_place_does_not_take_the_cluster_away(go_to):
    root = go_to("a")
    have_cluster()
    name = postgres._name()
    root.rename(root.with_name("b"))
    go_to("a")
    assert postgres._name() != name
    go_to("b")
    assert postgres._name() == name


def test_a_copy_gets_a_cluster_of_its_own(go_to):
    root = go_to("a")
    have_cluster()
    name = postgres._name()
    shutil.copytree(root, root.with_name("b"), symlinks=True)
    go_to("b")
    copied = postgres._name()
    assert copied != name
    assert postgres._name() == copied
    go_to("a")
    assert postgres._name() == name


def test_the_same_checkout_seen_through_a_link_is_no_copy(go_to):
    root = go_to("a")
    have_cluster()
    name = postgres._name()
    root.with_name("b").symlink_to(root)
    go_to("b")
    assert postgres._name() == name


@as_root
def test_a_copy_of_a_checkout_from_before_there_were_names_gets_its_own(go_to):
    root = go_to("a")
    home = have_cluster(postgres._hash_of(root))
    (root / ".data").mkdir()
    (root / ".data" / "postgres").symlink_to(home)
    shutil.copytree(root, root.with_name("b"), symlinks=True)
    root.rename(root.with_name("c"))
    go_to("b")
    found_by_the_first = postgres._name()
    assert found_by_the_first == home.name, "its checkout is gone: whoever comes first was moved"
    (home / "checkout").write_text(str(postgres.ROOT))
    go_to("c")
    assert postgres._name() != home.name


@pytest.mark.parametrize("written", ["", "../../etc", "ABCDEF123456", "x" * 12, "abc"])
def test_a_name_that_is_none_is_made_anew(go_to, written):
    root = go_to("a")
    (root / ".data").mkdir()
    (root / ".data" / "cluster").write_text(written)
    assert postgres.NAME.fullmatch(postgres._name())


# --- Who may write where ---------------------------------------------------------------------------


def test_links_are_not_read_through(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    assert postgres._read(tmp_path / "secret") == "secret"
    assert postgres._read(tmp_path / "secret", 3) == "ret"
    for name in ("link", "pipe", "nothing", "."):
        assert postgres._read(tmp_path / name) == ""


def test_links_are_not_written_through(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        postgres._write(tmp_path / "link", "x")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("what", ["link", "file"])
def test_only_a_real_folder_is_given_to_the_server(tmp_path, what):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    if what == "link":
        (tmp_path / "cluster").symlink_to(elsewhere)
    else:
        (tmp_path / "cluster").write_text("")
    before = elsewhere.stat()
    with pytest.raises(postgres.PostgresFailed, match="should be a folder of ours"):
        postgres._servers_folder(tmp_path / "cluster")
    assert (elsewhere.stat().st_uid, elsewhere.stat().st_mode) == (before.st_uid, before.st_mode)


@as_root
def test_a_folder_of_somebody_else_is_not_taken_over(tmp_path):
    (tmp_path / "cluster").mkdir()
    os.chown(tmp_path / "cluster", 4242, 4242)
    with pytest.raises(postgres.PostgresFailed, match="somebody else"):
        postgres._servers_folder(tmp_path / "cluster")


def owned(path: Path) -> tuple[bool, int]:
    """Whether it is the server's, and its mode."""
    found = path.lstat()
    return found.st_uid == postgres._server_owner()[0], stat.S_IMODE(found.st_mode)


def check_ownership(home: Path) -> None:
    for name in ("cluster", "socket", "log"):
        assert owned(home / name) == (True, 0o700), name
    if IS_ROOT:
        assert owned(home) == (False, 0o711)
        for name in ("checkout", "binaries", "embedded_postgres"):
            assert not owned(home / name)[0], name


@pytest.mark.processes
def test_a_cluster_is_set_up_moved_taken_over_and_removed(go_to, machine):
    root = go_to("a")
    assert postgres.start() is True
    home = postgres._home()
    try:
        check_ownership(home)
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            assert connection.execute("SHOW max_connections").fetchone() == ("120",)
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
            connection.execute("CREATE DATABASE kept")
        (cluster,) = postgres.clusters()
        assert (cluster.checkout, cluster.is_running, cluster.is_this_checkouts) == (str(root), True, True)
        assert cluster.size_bytes() > 10**6
        with pytest.raises(postgres.PostgresFailed, match="is running"):
            postgres.remove(cluster.name, yes=True)
    finally:
        postgres.stop()
    if IS_ROOT:
        lay_out_as_it_was(home, machine)
    root.rename(root.with_name("b"))
    root = go_to("b")
    assert postgres.start() is True
    try:
        home = postgres._home()
        check_ownership(home)
        assert (home / "checkout").read_text() == str(root)
        if IS_ROOT:
            assert (home / "log.old").read_text() == "an old line\n"
            assert (machine / "elsewhere").read_text() == "untouched"
            assert (root / ".data" / "postgres").readlink() == home
        with psycopg.connect(postgres.url("kept")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        postgres.stop()
    with pytest.raises(postgres.PostgresFailed, match="this checkout"):
        postgres.remove(cluster.name)
    postgres.remove(cluster.name, yes=True)
    assert not home.exists()


def lay_out_as_it_was(home: Path, machine: Path) -> None:
    """All of it nobody's, the log a file; and links laid by whoever that is."""
    uid, gid = postgres._server_owner()
    shutil.rmtree(home / "log")
    (home / "log").write_text("an old line\n")
    os.chown(home / "log", uid, gid)
    (machine / "elsewhere").write_text("untouched")
    for name in ("checkout", "binaries"):
        (home / name).unlink()
        (home / name).symlink_to(machine / "elsewhere")
    os.chown(home, uid, gid)
    home.chmod(0o700)


# --- All there are ---------------------------------------------------------------------------------


def test_nothing_is_removed_by_looking(go_to):
    root = go_to("a")
    have_cluster()
    name = postgres._name()
    assert [cluster.name for cluster in postgres.clusters()] == [name]
    if IS_ROOT:
        shutil.rmtree(root)
        go_to("b")
        assert [cluster.name for cluster in postgres.clusters()] == [name]


def test_the_cluster_of_this_checkout_is_removed_only_when_it_is_meant(go_to):
    go_to("a")
    home = have_cluster()
    with pytest.raises(postgres.PostgresFailed, match="--yes"):
        postgres.remove(postgres._name())
    assert home.exists()
    postgres.remove(postgres._name(), yes=True)
    assert not home.exists()


@as_root
def test_a_cluster_whose_checkout_is_gone_can_be_removed(go_to):
    root = go_to("a")
    home = have_cluster()
    go_to("b")
    with pytest.raises(postgres.PostgresFailed, match=f"database of {root}"):
        postgres.remove(home.name)
    shutil.rmtree(root)
    postgres.remove(home.name)
    assert not home.exists()


@pytest.mark.parametrize("name", ["", "..", "../system", "0" * 12])
def test_what_is_no_cluster_is_not_removed(go_to, machine, name):
    go_to("a")
    have_cluster()
    with pytest.raises(postgres.PostgresFailed, match="no cluster"):
        postgres.remove(name, yes=True)


def test_the_command_lists_and_refuses_in_words(go_to, monkeypatch, capsys):
    root = go_to("a")
    have_cluster()
    monkeypatch.setattr("sys.argv", ["postgres", "list"])
    assert postgres.main() == 0
    told = capsys.readouterr().out
    assert f"{postgres._name()}  stopped" in told
    assert f"{root} (this one)" in told
    monkeypatch.setattr("sys.argv", ["postgres", "remove"])
    assert postgres.main() == 2
