"""``manage.py import_contacts FILE --list NAME [--country US] [--json]``: the upload form for a shell."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts.importing import mapping
from contacts.importing.reading import UnreadableFile
from contacts.importing.running import run_import
from contacts.models import Import, ImportStatus
from contacts.phone_numbers import countries
from contacts.services import Refused, map_import, upload_import

SUMS = ("rows", "created", "updated", "unchanged", "duplicates", "invalid")


class Command(BaseCommand):
    help = "Import a CSV file of contacts into a list, and print the sums."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the CSV file")
        parser.add_argument("--list", required=True, dest="list_name", help="a new list, or one to add to")
        parser.add_argument(
            "--country",
            default=settings.DEFAULT_COUNTRY,
            help="where numbers without a country code are at home (two letters; default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="print the sums as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        list_name: str = options["list_name"]
        country = str(options["country"]).upper()
        if country not in dict(countries()):
            raise CommandError(f"There is no country {country!r}: give two letters, like US or DE.")
        try:
            with file.open("rb") as source:
                contact_import = upload_import(
                    file=source, file_name=file.name, list_name=list_name, country=country, actor=None
                )
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}") from error
        except (UnreadableFile, Refused) as error:
            raise CommandError(f"{file}: {error}") from error
        targets = {int(position): target for position, target in contact_import.mapping.items()}
        if problems := mapping.problems(targets):
            contact_import.file.delete(save=False)
            contact_import.delete()
            names = ", ".join(contact_import.dialect["columns"])
            raise CommandError(f"{file}: {' '.join(problems)} Columns: {names}")
        map_import(
            contact_import=contact_import, mapping=targets, has_header=contact_import.dialect["has_header"]
        )
        self._report(finish(contact_import.pk), as_json=options["json"])

    def _report(self, contact_import: Import, *, as_json: bool) -> None:
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
        if contact_import.status in {ImportStatus.COMPLETED, ImportStatus.FAILED}:
            return contact_import
        time.sleep(0.2)


def _mapped(contact_import: Import) -> list[tuple[str, str]]:
    columns = contact_import.dialect["columns"]
    return [
        (mapping.label(target) or "left out", columns[int(position)])
        for position, target in contact_import.mapping.items()
    ]
