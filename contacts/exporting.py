"""CSV that leaves Carillon: streamed, and harmless to spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

# A cell that begins with one of these is run as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutral(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe in front, as spreadsheets do it.

    Numbers, E.164 ones among them, are left: they compute nothing.
    """
    text = "" if value is None else str(value)
    if text.startswith(FORMULA_STARTS) and not text[1:].replace(".", "", 1).isdigit():
        return f"'{text}"
    return text


class _Echo:
    def write(self, line: str) -> str:
        return line


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Lines of a CSV file that Excel, too, reads as UTF-8."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([neutral(cell) for cell in header])
    for row in rows:
        yield writer.writerow([neutral(cell) for cell in row])


def csv_response(
    file_name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """A download of any size."""
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    safe = "".join(
        char if char.isascii() and (char.isalnum() or char in "-_. ") else "_" for char in file_name
    )
    response["Content-Disposition"] = f'attachment; filename="{safe}"'
    return response
