"""What is done each minute, by a worker, for contacts: small things that nobody waits for."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from contacts.importing.rejections import delete_old_rejections
from contacts.importing.running import is_running_somewhere
from contacts.importing.searching import file_what_was_put_aside
from contacts.importing.uploads import delete_lost_uploads, delete_upload
from contacts.lifecycles import IMPORT
from contacts.models import Import, ImportStatus, Tally
from contacts.services import enqueue_import, enqueue_undoing, remove_those_over

# An import that was told to the queue so long ago is told again, in case the queue lost it.
LONGEST_QUEUE = timedelta(minutes=10)
# What somebody asked to undo so long ago is most likely at work, or done; told again it is done once.
SOON_DONE = timedelta(minutes=1)
# Between a file and the import that knows of it lies a moment.
LONGEST_UPLOAD = timedelta(hours=1)

# So many changes are added up quickly; more than these, and they are made one.
TALLY_ROWS = 100


def keep_house() -> None:
    """Do all of it. Two at a time do no harm."""
    now = timezone.now()
    resume_imports(now=now)
    resume_undoing(now=now)
    add_up_tallies()
    remove_those_over()
    delete_uploads(now=now)
    file_what_was_put_aside()


def resume_imports(*, now: datetime) -> None:
    """Have those run that should, with nobody at work and nobody told: their worker was killed."""
    waiting = Import.objects.filter(status__in=IMPORT.active)
    untold = waiting.filter(Q(enqueued_at=None) | Q(enqueued_at__lt=now - LONGEST_QUEUE))
    for import_id in untold.order_by("pk").values_list("pk", flat=True):
        if not is_running_somewhere(import_id):
            enqueue_import(import_id)


def resume_undoing(*, now: datetime) -> None:
    """Have those go on that somebody asked to undo, and at which nobody is at work."""
    waiting = Import.objects.filter(undo_asked_at__lt=now - SOON_DONE, undone_at=None)
    for import_id in waiting.order_by("pk").values_list("pk", flat=True):
        if not is_running_somewhere(import_id):
            enqueue_undoing(import_id)


def delete_uploads(*, now: datetime) -> None:
    """Delete files of contacts that nobody needs any more, or came back to; rejected rows, too."""
    before = now - timedelta(days=settings.CONTACTS_UPLOAD_KEPT_DAYS)
    IMPORT.apply(
        Import.objects.filter(status=ImportStatus.UPLOADED, created_at__lt=before), "cancel", finished_at=now
    )
    ended = Q(status__in=IMPORT.terminal) | Q(status=ImportStatus.FAILED, finished_at__lt=before)
    for import_id in Import.objects.filter(ended).exclude(file="").values_list("pk", flat=True):
        delete_upload(import_id)
    delete_lost_uploads(before=now - LONGEST_UPLOAD)
    delete_old_rejections(before=before)


def add_up_tallies() -> None:
    """Replace many changes of a tally by their sum."""
    for of in Tally.Of.values:
        if Tally.objects.filter(of=of).count() > TALLY_ROWS:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    """
                    WITH gone AS (
                        DELETE FROM contacts_tally WHERE id IN (
                            SELECT id FROM contacts_tally WHERE "of" = %s FOR UPDATE SKIP LOCKED
                        ) RETURNING change
                    )
                    INSERT INTO contacts_tally ("of", change)
                    SELECT %s, sum(change) FROM gone HAVING count(*) > 0
                    """,
                    [of, of],
                )
