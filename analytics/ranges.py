"""Parts of a file over HTTP (RFC 9110, *Range Requests*), so that a player can seek."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

CHUNK_BYTES = 64 * 1024
_ONE_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """Bytes ``first`` to ``last``, both included."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """The range asked for begins behind the end: answer 416."""


def part_of(header: str, size: int) -> Part | None:
    """The part that a Range header asks for; None where the whole is to be sent.

    Several ranges at once, other units and what can't be read are answered with the whole, which the
    RFC allows. Raises ``Unsatisfiable``.
    """
    match = _ONE_RANGE.fullmatch(header.strip()) if header else None
    if match is None or match[0].strip() == "" or match[1] == match[2] == "":
        return None
    if len(match[1]) > 18 or len(match[2]) > 18:
        # Longer than any file; int() of a long text is slow.
        raise Unsatisfiable
    if match[1] == "":
        wanted = int(match[2])
        if wanted == 0 or size == 0:
            raise Unsatisfiable
        return Part(max(0, size - wanted), size - 1)
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if match[2] and int(match[2]) < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return Part(first, last)


def read(file: IO[bytes], part: Part) -> Iterator[bytes]:
    """The part in chunks; closes the file at the end, or when nobody reads on."""
    try:
        file.seek(part.first)
        left = len(part)
        while left and (chunk := file.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
    finally:
        file.close()
