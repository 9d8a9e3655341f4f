"""``manage.py import_do_not_contact FILE [--scope all] [--reason …] [--country US] [--json]``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts.importing import mapping
from contacts.importing.reading import UnreadableFile
from contacts.management.commands.import_contacts import SUMS, finish
from contacts.models import DoNotContact, Import, ImportStatus
from contacts.phone_numbers import countries
from contacts.services import Refused, map_import, upload_import

SHOWN_REJECTIONS = 20


class Command(BaseCommand):
    help = "Import a file of numbers and email addresses that must not be contacted, and print the sums."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the file: CSV or Excel")
        parser.add_argument(
            "--scope",
            choices=DoNotContact.Scope.values,
            default=DoNotContact.Scope.ALL.value,
            help="never reach them by, where a row does not say (default: %(default)s)",
        )
        parser.add_argument("--reason", default="", help="why, where a row does not say")
        parser.add_argument(
            "--country",
            default=settings.DEFAULT_COUNTRY,
            help="where numbers without a country code are at home (two letters; default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="print the sums as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        country = str(options["country"]).upper()
        if country not in dict(countries()):
            raise CommandError(f"There is no country {country!r}: give two letters, like US or DE.")
        if len(options["reason"]) > 200:
            raise CommandError("A reason has at most 200 characters.")
        try:
            with file.open("rb") as source:
                dnc_import = upload_import(
                    file=source,
                    file_name=file.name,
                    purpose=Import.Purpose.DO_NOT_CONTACT,
                    scope=options["scope"],
                    reason=options["reason"],
                    country=country,
                    actor=None,
                )
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}") from error
        except (UnreadableFile, Refused) as error:
            raise CommandError(f"{file}: {error}") from error
        targets = {int(position): target for position, target in dnc_import.mapping.items()}
        if problems := mapping.problems(targets, purpose=Import.Purpose.DO_NOT_CONTACT):
            dnc_import.file.delete(save=False)
            dnc_import.delete()
            names = ", ".join(dnc_import.dialect["columns"])
            raise CommandError(f"{file}: {' '.join(problems)} Columns: {names}")
        map_import(contact_import=dnc_import, mapping=targets, has_header=dnc_import.dialect["has_header"])
        self._report(finish(dnc_import.pk), as_json=options["json"])

    def _report(self, dnc_import: Import, *, as_json: bool) -> None:
        if dnc_import.status != ImportStatus.COMPLETED:
            raise CommandError(f"{dnc_import.file_name}: {dnc_import.error}")
        sums = {name: getattr(dnc_import, name) for name in SUMS}
        if as_json:
            self.stdout.write(json.dumps(sums))
            return
        for name, value in sums.items():
            self.stdout.write(f"{name:>10}  {value:>9,}")
        for row in dnc_import.rejected_rows.order_by("line")[:SHOWN_REJECTIONS]:
            self.stdout.write(f"  line {row.line}: {row.reason}")
        if dnc_import.invalid > SHOWN_REJECTIONS:
            self.stdout.write(f"  … and {dnc_import.invalid - SHOWN_REJECTIONS:,} more")
