"""Recordings: announced by the carrier, fetched into our own storage, with retries."""

from __future__ import annotations

import logging
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import requests
from django.conf import settings
from django.core.files import File
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django_q.tasks import async_task
from requests.utils import get_environ_proxies

from dialer.models import Call, Recording, UnwantedFile
from dialer.plivo.webhooks import RecordingReady
from interface.addresses import leads_inside

logger = logging.getLogger(__name__)

_FETCH_LOCK = 770218

# After a try that failed: 1, 2, 4 … minutes, then each hour. A recording that could not be fetched in so
# many tries, about ten days, is given up; the carrier keeps it for 30.
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MOST_TRIES = 250
# While one try lasts there is no other: longer than a task may take, so that one that was killed is over.
TRYING = timedelta(seconds=settings.TASK_TIMEOUT_SECONDS) + timedelta(minutes=1)
# A file that could not be deleted is tried again so much later.
DELETE_AGAIN = timedelta(minutes=10)
# One task fetches for so long, then makes room for whatever else waits.
BUDGET_SECONDS = 30.0
CHUNK_BYTES = 64 * 1024
# Four hours of 8 kHz, 16-bit stereo audio is well below this.
MOST_BYTES = 1024**3


def announce(*, call_id: int, recording: RecordingReady) -> bool:
    """The carrier has a recording of a call; it is fetched soon. Told twice, it is fetched once."""
    with transaction.atomic():
        # Held: whoever erases the person waits for this, or is waited for.
        call = Call.objects.select_for_update(no_key=True).only("to_number").filter(pk=call_id).first()
        if call is None or call.is_erased:
            return False
        _, created = Recording.objects.get_or_create(
            call_id=call_id,
            defaults={
                "source_url": recording.url,
                "carrier_id": recording.carrier_id,
                "duration_ms": recording.duration_ms,
            },
        )
        if created:
            transaction.on_commit(lambda: async_task("dialer.tasks.fetch_recordings"))
    return created


def fetch_due() -> int:
    """Bring what is due into our storage, for ``BUDGET_SECONDS``; return how many recordings came.

    However slow the host that has them is, one worker always stays free for the rest, reconciling above
    all: of the ``WORKERS`` of an installation at most all but one fetch at the same time. A task that finds
    them at it leaves the work to them.
    """
    stored = 0
    with _worker_to_spare() as spare:
        until = time.monotonic() + BUDGET_SECONDS
        while spare and (recording := _due().order_by("try_again_at").first()):
            if time.monotonic() >= until:
                async_task("dialer.tasks.fetch_recordings")
                break
            stored += fetch(call_id=recording.pk)
    return stored


def _due() -> QuerySet[Recording]:
    return Recording.objects.filter(status=Recording.Status.ANNOUNCED, try_again_at__lte=timezone.now())


@contextmanager
def _worker_to_spare() -> Iterator[bool]:
    """Hold one of the places for those who fetch; nothing is held if all are taken, or after a kill."""
    with connection.cursor() as cursor:
        for place in range(max(1, settings.WORKERS - 1)):
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_FETCH_LOCK, place])
            if cursor.fetchone()[0]:
                break
        else:
            yield False
            return
    try:
        yield True
    finally:
        # A lost connection let go by itself.
        if connection.is_usable() and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_FETCH_LOCK, place])


def fetch(*, call_id: int) -> bool:
    """Bring a recording into our storage, if it is due; whether it is there now.

    Failures are tried again later. Nobody else fetches it meanwhile.
    """
    mine = _due().filter(pk=call_id).update(tries=F("tries") + 1, try_again_at=timezone.now() + TRYING)
    recording = Recording.objects.filter(pk=call_id).first()
    if not mine or recording is None:
        return recording is not None and recording.status == Recording.Status.STORED
    try:
        with tempfile.TemporaryFile() as file:
            _download(recording.source_url, file)
            name = _store(recording, File(file))
    except (requests.RequestException, OSError, ValueError) as error:
        _failed(recording, str(error))
        return False
    with transaction.atomic():
        stored = Recording.objects.filter(pk=call_id, status=Recording.Status.ANNOUNCED).update(
            status=Recording.Status.STORED, file=name, error=""
        )
        if stored:
            UnwantedFile.objects.filter(pk=name).delete()
        else:
            # It took longer than a task may, and another was faster; or the person was erased meanwhile.
            delete_later(names=[name])
    return True


def _store(recording: Recording, file: File[bytes]) -> str:
    """Store a file that nobody wants yet: whoever is killed before its name is kept leaves no trace of it."""
    # A name that is nobody else's, so that it is the one that the storage takes.
    written = f"{recording.pk}-{secrets.token_hex(8)}.wav"
    name = recording.file.field.generate_filename(recording, written)
    UnwantedFile.objects.create(name=name, due_at=timezone.now() + TRYING)
    stored: str = recording.file.storage.save(name, file)
    return stored


def delete_later(*, names: Iterable[str]) -> None:
    """Delete stored files once this transaction commits; what can't be deleted then is tried again."""
    unwanted = [UnwantedFile(name=name, due_at=timezone.now()) for name in names]
    UnwantedFile.objects.bulk_create(
        unwanted, update_conflicts=True, unique_fields=["name"], update_fields=["due_at"]
    )
    if unwanted:
        transaction.on_commit(delete_unwanted, robust=True)


def delete_unwanted() -> int:
    """Delete the files that are due to go; return how many went. Two at a time do no harm."""
    storage = Recording.file.field.storage
    deleted = 0
    for unwanted in UnwantedFile.objects.filter(due_at__lte=timezone.now()).order_by("due_at"):
        try:
            if not Recording.objects.filter(file=unwanted.name).exists():
                storage.delete(unwanted.name)
        except Exception:
            # Whatever a storage raises, the next file is another one.
            logger.exception("The file %s could not be deleted. It is tried again.", unwanted.name)
            UnwantedFile.objects.filter(pk=unwanted.pk).update(due_at=timezone.now() + DELETE_AGAIN)
        else:
            unwanted.delete()
            deleted += 1
    return deleted


def _download(url: str, file: File[bytes] | object) -> None:
    with requests.Session() as session:
        # Neither passwords from the environment (.netrc), nor redirects that nobody has looked at.
        session.trust_env = False
        response = _ask(session, url, _credentials_for(url))
        if response.is_redirect:
            response.close()
            # One, checked like the first, and without credentials.
            response = _ask(session, urljoin(url, response.headers["Location"]), None)
        with response:
            if response.is_redirect:
                raise OSError("The recording's address leads on and on.")
            response.raise_for_status()
            size = 0
            for chunk in response.iter_content(CHUNK_BYTES):
                size += len(chunk)
                if size > MOST_BYTES:
                    raise OSError("The recording is larger than any call's can be.")
                file.write(chunk)  # type: ignore[union-attr]
    if not size:
        raise OSError("The recording is empty.")


def _ask(session: requests.Session, url: str, auth: tuple[str, str] | None) -> requests.Response:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"}:
        raise OSError("The recording's address is not one of the web.")
    # The carrier's own address was set by whoever runs this, wherever it is.
    is_ours = (parts.scheme, parts.netloc) == urlsplit(settings.PLIVO_API_URL)[:2]
    if not settings.ALLOW_PRIVATE_ADDRESSES and not is_ours and leads_inside(host):
        raise OSError("The recording's address is inside a private network.")
    return session.get(
        url,
        auth=auth,
        stream=True,
        allow_redirects=False,
        timeout=settings.CARRIER_TIMEOUTS,
        proxies=get_environ_proxies(url),
    )


def _credentials_for(url: str) -> tuple[str, str] | None:
    """The account's, for the carrier's own hosts; nobody else is told them, whatever a webhook names."""
    parts, api = urlsplit(url), urlsplit(settings.PLIVO_API_URL)
    host = (parts.hostname or "").rstrip(".")
    is_api = host == api.hostname and parts.scheme == api.scheme
    if is_api or (parts.scheme == "https" and host.endswith(".plivo.com")):
        return settings.PLIVO_AUTH_ID, settings.PLIVO_AUTH_TOKEN
    return None


def _failed(recording: Recording, error: str) -> None:
    given_up = recording.tries >= MOST_TRIES
    pause = min(FIRST_PAUSE * 2 ** min(recording.tries - 1, 10), LONGEST_PAUSE)
    logger.warning("The recording of call %s could not be fetched: %s", recording.pk, error)
    Recording.objects.filter(pk=recording.pk, status=Recording.Status.ANNOUNCED).update(
        error=error[:300],
        status=Recording.Status.FAILED if given_up else Recording.Status.ANNOUNCED,
        try_again_at=timezone.now() + pause,
    )
