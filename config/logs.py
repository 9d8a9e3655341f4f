"""Logs name no one: phone numbers are masked wherever they turn up, tracebacks included."""

from __future__ import annotations

import logging
import re

# Identifiers of the carrier may end in twelve digits; they are needed to find a call again.
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_NUMBER = re.compile(
    rf"(?P<uuid>{_UUID})|(?P<hidden>\+[0-9]{{3,}}|[0-9]{{6,}})(?P<shown>[0-9]{{4}})(?![0-9])"
)
_formatter = logging.Formatter()


def masked(text: str) -> str:
    """E.164 numbers, and whatever else has ten digits in a row, but for the last four: ``+*******0101``."""
    return _NUMBER.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    if found["uuid"]:
        return found[0]
    return re.sub("[0-9]", "*", found["hidden"]) + found["shown"]


class MaskNumbers(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            # Arguments that do not fit: the handler reports it in its own words.
            return True
        record.msg, record.args = masked(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _formatter.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = masked(record.exc_text)
        if record.stack_info:
            record.stack_info = masked(record.stack_info)
        return True
