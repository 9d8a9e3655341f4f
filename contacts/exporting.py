"""CSV that leaves Carillon: streamed, and harmless to spreadsheets."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

# What spreadsheets skip before they look for a formula, as the inside of a bracket expression.
_BLANKS = " \t\n\v\f\r\x85\xa0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
# What begins one, and the wide forms that are taken for the same signs; tabs and line ends move what
# follows into a cell of its own.
_STARTS = "=+@＝＋＠－\t\r\n-"
# A cell that a spreadsheet would take for a formula (https://owasp.org/www-community/attacks/CSV_Injection).
# Numbers, E.164 ones among them, are none: they compute nothing. Python and PostgreSQL read this alike.
FORMULA = rf"\A(?![+-][0-9]*[.]?[0-9]+\Z)[{_BLANKS}]*[{_STARTS}]"


def neutral(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe in front, as spreadsheets do it.

    ``analytics.exporting.Harmless`` does the same in the database.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if re.match(FORMULA, text) else text


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
