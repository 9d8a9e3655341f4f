"""Recordings: announced by the carrier, fetched once into our own storage, tried again when it fails."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.utils import timezone

from dialer import recordings
from dialer.models import Call, Recording, UnwantedFile
from dialer.plivo.webhooks import RecordingReady
from tests.conftest import work_off
from tests.engine.bare import Answer, BareServer, answering, half_an_answer, resetting, saying_nothing
from tests.engine.test_hooks import TOKEN, tell
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
SOUND = b"RIFF" + b"\x00" * 4000


@pytest.fixture(autouse=True)
def account(settings: Any) -> None:
    settings.PLIVO_AUTH_TOKEN = TOKEN
    settings.PUBLIC_URL = "https://calls.example.com"
    settings.CARRIER_TIMEOUTS = (0.5, 0.3)


@pytest.fixture
def server_that() -> Iterator[Callable[[Answer], BareServer]]:
    servers: list[BareServer] = []

    def made(answer: Answer) -> BareServer:
        servers.append(BareServer(answer))
        return servers[-1]

    yield made
    for server in servers:
        server.close()


@pytest.fixture
def told(django_capture_on_commit_callbacks: Any) -> Callable[..., None]:
    """``told(call, server)``: the carrier announces a recording that this server has."""

    def announced(call: Call, server: BareServer, **values: str) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            said = {"RecordUrl": f"{server.url}/r.wav", "RecordingID": "r-1", "RecordingDurationMs": "4200"}
            assert tell(call.pk, "recording", **{**said, **values}).status_code == 200

    return announced


def stored_files(settings: Any) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def announced(url: str) -> Recording:
    call = CallFactory()
    recordings.announce(
        call_id=call.pk, recording=RecordingReady(url=url, carrier_id="r-1", duration_ms=None)
    )
    return Recording.objects.get(pk=call.pk)


def test_an_announced_recording_is_fetched_into_our_storage(server_that, told, settings):
    server = server_that(answering("200 OK", SOUND))
    call = CallFactory()
    told(call, server)
    assert work_off() == 1
    recording = Recording.objects.get(pk=call.pk)
    assert (recording.status, recording.duration_ms, recording.carrier_id) == ("stored", 4200, "r-1")
    assert recording.file.read() == SOUND
    recording.file.close()
    assert recording.file.name.startswith("recordings/")


def test_a_recording_announced_five_times_is_fetched_once(server_that, told, settings):
    server = server_that(answering("200 OK", SOUND))
    call = CallFactory()
    for _ in range(5):
        told(call, server)
    assert work_off() == 1
    told(call, server)
    assert work_off() == 0
    assert len(server.requests) == 1
    assert len(stored_files(settings)) == 1


def test_the_words_of_recordings_started_by_the_api_are_understood(server_that, told):
    server = server_that(answering("200 OK", SOUND))
    call = CallFactory()
    told(call, server, RecordUrl="", RecordingID="", record_url=f"{server.url}/s.wav", recording_id="s-1")
    work_off()
    assert Recording.objects.get(pk=call.pk).carrier_id == "s-1"


def test_an_announcement_without_an_address_is_none(told, server_that):
    call = CallFactory()
    told(call, server_that(answering("200 OK")), RecordUrl="")
    assert not Recording.objects.exists()


def test_a_recording_of_an_unknown_call_is_none():
    ready = RecordingReady(url="https://carrier.example/r.wav", carrier_id="r", duration_ms=1)
    assert recordings.announce(call_id=10**12, recording=ready) is False


FAILURES: dict[str, Answer] = {
    "error": answering("500 Internal Server Error", SOUND),
    "not there yet": answering("404 Not Found", SOUND),
    "forbidden": answering("403 Forbidden"),
    "empty": answering("200 OK"),
    "silence": saying_nothing,
    "reset": resetting,
    "half of it": half_an_answer,
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_fetch_that_fails_is_tried_again_until_it_succeeds(server_that, settings, failure):
    fail = FAILURES[failure]
    answers = iter([fail, fail, answering("200 OK", SOUND)])

    def in_turn(conversation: socket.socket) -> None:
        next(answers)(conversation)

    recording = announced(f"{server_that(in_turn).url}/r.wav")
    for tries, pause in ((1, timedelta(minutes=1)), (2, timedelta(minutes=2))):
        assert recordings.fetch(call_id=recording.pk) is False
        recording.refresh_from_db()
        assert (recording.status, recording.tries) == ("announced", tries)
        assert recording.error
        assert not stored_files(settings)
        # Whose time has not come is left alone.
        assert timedelta(0) <= timezone.now() + pause - recording.try_again_at < timedelta(seconds=5)
        assert recordings.fetch_due() == 0
        assert recordings.fetch(call_id=recording.pk) is False
        Recording.objects.update(try_again_at=timezone.now())
    assert recordings.fetch_due() == 1
    recording.refresh_from_db()
    assert (recording.status, recording.error, recording.tries) == ("stored", "", 3)


def test_what_can_not_be_fetched_for_long_is_given_up(server_that):
    server = server_that(answering("404 Not Found"))
    recording = announced(f"{server.url}/r.wav")
    Recording.objects.update(tries=recordings.MOST_TRIES - 1)
    recordings.fetch(call_id=recording.pk)
    recording.refresh_from_db()
    assert recording.status == "failed"
    assert recordings.fetch(call_id=recording.pk) is False
    assert len(server.requests) == 1


def test_what_is_larger_than_any_recording_is_not_kept(server_that, monkeypatch, settings):
    monkeypatch.setattr(recordings, "MOST_BYTES", 1000)
    recording = announced(f"{server_that(answering('200 OK', SOUND)).url}/r.wav")
    assert recordings.fetch(call_id=recording.pk) is False
    recording.refresh_from_db()
    assert (recording.status, "larger" in recording.error) == ("announced", True)
    assert not stored_files(settings)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/r.wav", "//r.wav", "r.wav", "http://", "http://[::1"]
)
def test_an_address_that_is_not_of_the_web_is_not_opened(url):
    recording = announced(url)
    assert recordings.fetch(call_id=recording.pk) is False
    recording.refresh_from_db()
    assert recording.error


# --- Whom we trust ---------------------------------------------------------------------------------


def knows_the_account(server: BareServer) -> list[bool]:
    """Of each request, whether it told our credentials."""
    return ["authorization: basic" in head.lower() for head in server.heads]


def error_of(recording: Recording) -> str:
    assert recordings.fetch(call_id=recording.pk) is False
    recording.refresh_from_db()
    assert recording.status == "announced"
    return recording.error


def test_only_the_carrier_is_told_the_credentials(server_that, settings):
    server = server_that(answering("200 OK", SOUND))
    settings.PLIVO_API_URL = server.url
    assert recordings.fetch(call_id=announced(f"{server.url}/r.wav").pk)
    settings.PLIVO_API_URL = "https://api.plivo.com"
    assert recordings.fetch(call_id=announced(f"{server.url}/r.wav").pk)
    assert knows_the_account(server) == [True, False]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://api.plivo.com/r.wav", True),
        ("https://media.plivo.com/r.wav", True),
        ("https://MEDIA.PLIVO.COM./r.wav", True),
        ("http://media.plivo.com/r.wav", False),
        ("http://api.plivo.com/r.wav", False),
        ("https://notplivo.com/r.wav", False),
        ("https://media.plivo.com.evil.example/r.wav", False),
        ("https://media.plivo.com@evil.example/r.wav", False),
        ("https://evil.example/.plivo.com", False),
    ],
)
def test_the_carriers_hosts_are_known_by_their_names(settings, url, told):
    settings.PLIVO_API_URL = "https://api.plivo.com"
    assert bool(recordings._credentials_for(url)) is told


def test_a_redirect_is_followed_once_and_without_credentials(server_that, settings):
    storage = server_that(answering("200 OK", SOUND))
    carrier = server_that(answering("302 Found", b"", f"Location: {storage.url}/signed.wav"))
    settings.PLIVO_API_URL = carrier.url
    assert recordings.fetch(call_id=announced(f"{carrier.url}/r.wav").pk)
    assert (knows_the_account(carrier), knows_the_account(storage)) == ([True], [False])


def test_an_address_that_leads_on_and_on_is_given_up(server_that):
    server = server_that(answering("302 Found", b"", "Location: /r.wav"))
    assert "on and on" in error_of(announced(f"{server.url}/r.wav"))
    assert len(server.requests) == 2


def test_our_own_network_is_not_asked_for_recordings(server_that, settings):
    server = server_that(answering("200 OK", SOUND))
    settings.ALLOW_PRIVATE_ADDRESSES = False
    settings.PLIVO_API_URL = "https://api.plivo.com"
    for url in (server.url, server.url.replace("127.0.0.1", "localhost"), "http://169.254.169.254"):
        assert "private network" in error_of(announced(f"{url}/r.wav"))
    assert not server.requests


def test_a_name_that_points_into_our_own_network_is_not_asked(monkeypatch, settings):
    settings.ALLOW_PRIVATE_ADDRESSES = False
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.9", 0))]
    )
    assert "private network" in error_of(announced("https://recordings.example.com/r.wav"))


def test_a_redirect_does_not_lead_into_our_own_network(server_that, settings):
    inside = server_that(answering("200 OK", SOUND))
    carrier = server_that(answering("302 Found", b"", f"Location: {inside.url}/latest/meta-data"))
    settings.ALLOW_PRIVATE_ADDRESSES = False
    # Where the carrier itself is, its settings say.
    settings.PLIVO_API_URL = carrier.url
    assert "private network" in error_of(announced(f"{carrier.url}/r.wav"))
    assert not inside.requests


def test_a_fetch_delivered_again_does_nothing(server_that):
    server = server_that(answering("200 OK", SOUND))
    recording = announced(f"{server.url}/r.wav")
    assert recordings.fetch(call_id=recording.pk) is True
    assert recordings.fetch(call_id=recording.pk) is True
    assert len(server.requests) == 1


def test_pauses_grow_to_an_hour_and_spread_over_days(server_that):
    recording = announced(f"{server_that(answering('404 Not Found')).url}/r.wav")
    total = timedelta(0)
    for _ in range(recordings.MOST_TRIES):
        assert recordings.fetch(call_id=recording.pk) is False
        recording.refresh_from_db()
        pause = recording.try_again_at - timezone.now()
        assert pause <= timedelta(hours=1)
        total += pause
        Recording.objects.update(try_again_at=timezone.now())
    assert recording.status == "failed"
    assert timedelta(days=7) < total < timedelta(days=30)


class Elsewhere:
    """A deed in another worker, on a connection of its own."""

    def __init__(self, deed: Callable[[], Any]) -> None:
        self.deed = deed
        self.results: list[Any] = []
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.results.append(self.deed())
        finally:
            connection.close()

    def result(self) -> Any:
        self._thread.join(20)
        return self.results[0]


@pytest.fixture
def slow(server_that: Any) -> Iterator[tuple[BareServer, threading.Event, threading.Event]]:
    """A server that answers when told: (server, somebody asked, answer)."""
    asked, answer = threading.Event(), threading.Event()

    def waiting(conversation: socket.socket) -> None:
        asked.set()
        answer.wait(10)
        answering("200 OK", SOUND)(conversation)

    yield server_that(waiting), asked, answer
    answer.set()


@pytest.mark.django_db(transaction=True)
def test_a_recording_is_fetched_by_one_at_a_time(slow, settings):
    settings.CARRIER_TIMEOUTS = (5, 10)
    server, asked, answer = slow
    recording = announced(f"{server.url}/r.wav")
    first = Elsewhere(lambda: recordings.fetch(call_id=recording.pk))
    assert asked.wait(10)
    assert recordings.fetch(call_id=recording.pk) is False
    answer.set()
    assert first.result() is True
    assert recordings.fetch(call_id=recording.pk) is True
    assert len(server.requests) == 1
    recording.refresh_from_db()
    assert stored_files(settings) == [Path(recording.file.path)]
    work_off()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("workers", "fetching"), [(1, 1), (2, 1), (3, 2)])
def test_one_worker_stays_free_however_many_recordings_hang(slow, settings, workers, fetching):
    settings.CARRIER_TIMEOUTS = (5, 10)
    settings.WORKERS = workers
    server, _, answer = slow
    for _ in range(5):
        announced(f"{server.url}/r.wav")
    others = []
    for busy in range(1, fetching + 1):
        others.append(Elsewhere(recordings.fetch_due))
        until = time.monotonic() + 10
        while len(server.requests) < busy:
            assert time.monotonic() < until
            time.sleep(0.01)
    begun = time.monotonic()
    assert recordings.fetch_due() == 0
    assert time.monotonic() - begun < 1
    assert len(server.requests) == fetching
    answer.set()
    assert sum(other.result() for other in others) == 5
    # Whoever is done lets go.
    announced(f"{server.url}/r.wav")
    assert recordings.fetch_due() == 1
    work_off()


def test_one_task_fetches_for_a_while_and_then_makes_room(server_that, monkeypatch):
    def slowly(conversation: socket.socket) -> None:
        time.sleep(0.2)
        answering("200 OK", SOUND)(conversation)

    server = server_that(slowly)
    for _ in range(3):
        announced(f"{server.url}/r.wav")
    monkeypatch.setattr(recordings, "BUDGET_SECONDS", 0.1)
    assert [recordings.fetch_due() for _ in range(2)] == [1, 1]
    # Each asked for another to go on.
    assert work_off() == 2
    assert Recording.objects.filter(status="stored").count() == 3


class KilledAfterwards(FileSystemStorage):
    """Whoever stores a file is killed before anything is written down of it."""

    def save(self, *args: Any, **options: Any) -> str:
        super().save(*args, **options)
        raise SystemExit


def test_a_file_whose_fetching_was_killed_does_not_stay(server_that, settings, monkeypatch):
    recording = announced(f"{server_that(answering('200 OK', SOUND)).url}/r.wav")
    field = Recording._meta.get_field("file")
    with monkeypatch.context() as patch:
        patch.setattr(field, "storage", KilledAfterwards())
        with pytest.raises(SystemExit):
            recordings.fetch(call_id=recording.pk)
    (lost,) = stored_files(settings)
    # Whoever fetches may still be at it.
    assert recordings.delete_unwanted() == 0
    Recording.objects.update(try_again_at=timezone.now())
    UnwantedFile.objects.update(due_at=timezone.now())
    assert recordings.fetch(call_id=recording.pk)
    assert recordings.delete_unwanted() == 1
    recording.refresh_from_db()
    assert stored_files(settings) == [Path(recording.file.path)] != [lost]
    assert not UnwantedFile.objects.exists()


def test_a_file_that_a_recording_has_is_not_deleted(server_that, settings):
    recording = announced(f"{server_that(answering('200 OK', SOUND)).url}/r.wav")
    recordings.fetch(call_id=recording.pk)
    recording.refresh_from_db()
    UnwantedFile.objects.create(name=recording.file.name, due_at=timezone.now())
    recordings.delete_unwanted()
    assert stored_files(settings) == [Path(recording.file.path)]
