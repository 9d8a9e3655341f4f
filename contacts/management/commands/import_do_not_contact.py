"""``manage.py import_do_not_contact FILE [--scope all] [--reason …] [--country US] [--json]``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from contacts.do_not_contact import REASON_LENGTH
from contacts.management.commands import import_contacts
from contacts.models import DoNotContact, Import


class Command(import_contacts.Command):
    help = "Import a file of numbers and email addresses that must not be contacted, and print the sums."

    def add_destination(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--scope",
            choices=DoNotContact.Scope.values,
            default=DoNotContact.Scope.ALL.value,
            help="what they are never reached by, where a row does not say (default: %(default)s)",
        )
        parser.add_argument("--reason", default="", help="why, where a row does not say")

    def destination(self, options: dict[str, Any]) -> dict[str, Any]:
        if len(options["reason"]) > REASON_LENGTH:
            raise CommandError(f"A reason has at most {REASON_LENGTH} characters.")
        return {
            "purpose": Import.Purpose.DO_NOT_CONTACT,
            "scope": options["scope"],
            "reason": options["reason"],
        }
