"""Files that were uploaded and not imported yet: whether they hold a person who is to be erased.

A file may be of a hundred megabytes, and somebody waits: it is not read row by row, but looked through as
text, a block at a time, for the digits of the number, whatever stands between them within a cell, and for the
address. Rather one file too many is named than one too few.
"""

from __future__ import annotations

import codecs
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO

from contacts.importing import workbooks
from contacts.importing.reading import Dialect
from contacts.lifecycles import IMPORT
from contacts.models import Import

_BLOCK = 1024 * 1024
# More than a number or an address takes, however it is written.
_OVERLAP = 600
# Of one file, as it is unpacked: workbooks that unpack to more are named unseen.
MOST_BYTES = 500 * 1024 * 1024
# What ends a cell, in text and in a workbook's markup.
_ENDS = b'\n\r\t,;|<>"'
_NOT_OF_NUMBERS = bytes(sorted(set(range(256)) - set(b"0123456789") - set(_ENDS)))


def waiting_with(*, national_number: str, email: str) -> list[Import]:
    """Imports that have not ended and whose files hold a number, or an address; newest first.

    ``national_number``: its digits within its country.
    """
    if not national_number and not email:
        return []
    waiting = Import.objects.exclude(status__in=IMPORT.terminal).exclude(file="").order_by("-pk")
    return [one for one in waiting if _holds(one, national_number.encode(), email.lower().encode())]


def _holds(one: Import, digits: bytes, email: bytes) -> bool:
    encoding = Dialect.from_json(one.dialect).encoding
    before, seen = b"", 0
    try:
        with one.file.open("rb") as stored:
            for block in _text_of(stored.file, encoding):
                seen += len(block)
                text = before + block
                if email and email in text.lower():
                    return True
                if digits and digits in text.translate(None, _NOT_OF_NUMBERS):
                    return True
                if seen > MOST_BYTES:
                    return True
                before = text[-_OVERLAP:]
    except FileNotFoundError:
        return False
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError):
        # Nobody can say what is in it.
        return True
    return False


def _text_of(file: BinaryIO, encoding: str) -> Iterator[bytes]:
    """What a file says, as UTF-8, block by block; of a workbook, the markup of its sheets and texts."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    with ExitStack() as opened:
        parts: list[BinaryIO] = [file]
        if workbooks.is_archive(start):
            archive = opened.enter_context(zipfile.ZipFile(file))
            names = [name for name in archive.namelist() if name.startswith("xl/") and name.endswith(".xml")]
            parts = [opened.enter_context(archive.open(name)) for name in names]  # type: ignore[misc]
            encoding = "utf-8"
        for part in parts:
            decoder = codecs.getincrementaldecoder(_known(encoding))(errors="replace")
            while block := part.read(_BLOCK):
                yield _plain(decoder.decode(block))
            yield b"\n"


def _known(encoding: str) -> str:
    """What is no encoding by itself is mixed, and mostly UTF-8."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "utf-8"


def _plain(text: str) -> bytes:
    """With the digits of all scripts as our own, as numbers are read."""
    if not text.isascii():
        text = text.translate(_Digits())
    return text.encode(errors="replace")


class _Digits(dict[int, str]):
    """For ``translate``: each character is looked up once."""

    def __missing__(self, code: int) -> str:
        digit = unicodedata.decimal(chr(code), None)
        self[code] = chr(code) if digit is None else str(digit)
        return self[code]
