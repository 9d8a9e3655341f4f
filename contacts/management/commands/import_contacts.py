"""``manage.py import_contacts FILE --list NAME``: the upload form for a shell.

Exit status 1 with a sentence when the file can't be imported, 130 when it was cancelled (Ctrl-C).
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from contacts.importing import mapping
from contacts.importing.reading import UnreadableFile
from contacts.importing.running import run_import
from contacts.lifecycles import IMPORT
from contacts.models import Import, ImportStatus
from contacts.phone_numbers import countries
from contacts.services import Refused, cancel_import, map_import, upload_import
from lifecycle import MoveRefused

SUMS = ("rows", "created", "updated", "unchanged", "duplicates", "invalid")


class Command(BaseCommand):
    help = "Import a file of contacts (CSV, Excel) into a list, and print the sums."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the file")
        self.add_destination(parser)
        parser.add_argument(
            "--country",
            default=settings.DEFAULT_COUNTRY,
            help="where numbers without a country code are at home (two letters; default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="print the sums as one JSON object")

    def add_destination(self, parser: CommandParser) -> None:
        parser.add_argument("--list", required=True, dest="list_name", help="a new list, or one to add to")
        parser.add_argument(
            "--email-is-enough",
            action="store_true",
            help="take rows without a phone number, if they have an email address",
        )

    def destination(self, options: dict[str, Any]) -> dict[str, Any]:
        """Where the rows go, as ``upload_import`` takes it."""
        return {"list_name": options["list_name"], "email_is_enough": options["email_is_enough"]}

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        country = str(options["country"]).upper()
        if country not in dict(countries()):
            raise CommandError(f"There is no country {country!r}: give two letters, like US or DE.")
        try:
            with file.open("rb") as source:
                contact_import = upload_import(
                    file=source,
                    file_name=file.name,
                    country=country,
                    is_for_a_script=True,
                    actor=None,
                    **self.destination(options),
                )
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}") from error
        except (UnreadableFile, Refused) as error:
            raise CommandError(f"{file}: {error}") from error
        targets = {int(position): target for position, target in contact_import.mapping.items()}
        try:
            with cancelled_by_ctrl_c(contact_import):
                map_import(contact_import=contact_import, mapping=targets, is_run_here=True)
                done = finish(contact_import.pk)
        except Refused as refused:
            cancel(contact_import)
            contact_import.delete()
            names = ", ".join(contact_import.dialect["columns"])
            raise CommandError(f"{file}: {refused} Columns: {names}") from None
        except MoveRefused:
            # Cancelled before it began.
            done = Import.objects.get(pk=contact_import.pk)
        self._report(done, as_json=options["json"])

    def _report(self, contact_import: Import, *, as_json: bool) -> None:
        if contact_import.status == ImportStatus.CANCELLED:
            raise CommandError("Cancelled: nothing was imported.", returncode=130)
        if contact_import.status != ImportStatus.COMPLETED:
            raise CommandError(f"{contact_import.file_name}: {contact_import.error}")
        sums = {name: getattr(contact_import, name) for name in SUMS}
        if as_json:
            self.stdout.write(json.dumps(sums))
            return
        for target, position in _mapped(contact_import):
            self.stdout.write(f"{position} -> {target}")
        for name, value in sums.items():
            self.stdout.write(f"{name:>10}  {value:>9,}")
        for row in contact_import.rejected_rows.order_by("line")[:20]:
            self.stdout.write(f"  line {row.line}: {row.reason}")
        if contact_import.invalid > 20:
            self.stdout.write(f"  … and {contact_import.invalid - 20:,} more")


def finish(import_id: int) -> Import:
    """Run it to its end, here or, if a worker has taken it, there."""
    while True:
        run_import(import_id)
        contact_import = Import.objects.get(pk=import_id)
        if contact_import.status not in IMPORT.active:
            return contact_import
        time.sleep(0.2)


@contextmanager
def cancelled_by_ctrl_c(contact_import: Import) -> Iterator[None]:
    """Inside, Ctrl-C cancels the import as the button on its page does, from beside.

    An exception in the midst of it, as Ctrl-C raises by default, may leave the connection in the middle of a
    statement: then the import could not be cancelled, and a worker would go on with it. A second Ctrl-C
    raises that exception.
    """
    beside: list[threading.Thread] = []

    def work() -> None:
        try:
            cancel(contact_import)
        finally:
            connection.close()

    def pressed(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        beside.append(threading.Thread(target=work))
        beside[0].start()

    before = signal.signal(signal.SIGINT, pressed)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        for thread in beside:
            thread.join()


def cancel(contact_import: Import) -> None:
    """Give it up, unless it was over a moment before."""
    with suppress(MoveRefused):
        cancel_import(contact_import=Import.objects.get(pk=contact_import.pk), actor=None)


def _mapped(contact_import: Import) -> list[tuple[str, str]]:
    columns = contact_import.dialect["columns"]
    return [
        (mapping.label(target) or "left out", columns[int(position)])
        for position, target in contact_import.mapping.items()
    ]
