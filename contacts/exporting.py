"""CSV that leaves Carillon: streamed, and harmless to spreadsheets.

Tables are exported by the database itself (``csv_of``), so that a million rows cost little memory.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import CharField, F, Func, QuerySet, TextField, Value
from django.db.models.functions import Coalesce
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

# So that spreadsheets read names as they are.
BOM = b"\xef\xbb\xbf"
CHUNK_BYTES = 64 * 1024

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

    ``Harmless`` does the same in the database.
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
    return download(csv_lines(header, rows), file_name)


# What systems do not have in the names of files.
_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


def download(content: Iterable[bytes] | Iterable[str], file_name: str) -> StreamingHttpResponse:
    """A CSV file that is made while it is sent, and that nothing on the way keeps."""
    response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    name = _NOT_IN_FILE_NAMES.sub("_", file_name)
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["Cache-Control"] = "private, no-store"
    return response


class Harmless(Func):
    """``neutral``, by the database.

    Most cells begin with a letter or a digit, and then are no formula: two comparisons by bytes, which
    cost a fraction of what the expression does.
    """

    template = (
        """(CASE WHEN (%(expressions)s) COLLATE "C" >= 'A' AND (%(expressions)s) COLLATE "C" < U&'\\007F'"""
        """ OR (%(expressions)s) COLLATE "C" >= '.' AND (%(expressions)s) COLLATE "C" < '='"""
        """ OR (%(expressions)s) = '' THEN (%(expressions)s)"""
        """ WHEN (%(expressions)s) ~ %%s THEN '''' || (%(expressions)s) ELSE (%(expressions)s) END)"""
    )
    output_field = TextField()

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        sql, parameters = super().as_sql(*args, **kwargs)
        return sql, [*parameters * 7, FORMULA, *parameters * 2]


class Iso(Func):
    """A moment in the session's time zone, to the second: 2026-11-21T14:06:09-06:00."""

    template = "to_char(%(expressions)s, 'YYYY-MM-DD\"T\"HH24:MI:SSTZH:TZM')"
    output_field = CharField()


class YesNo(Func):
    template = "(CASE WHEN %(expressions)s THEN 'yes' ELSE 'no' END)"
    output_field = CharField()


def text(name: str) -> Harmless:
    """A column of text for ``csv_of``: harmless, and empty for NULL."""
    return Harmless(Coalesce(F(name), Value(""), output_field=TextField()))


def sql_of(rows: QuerySet[Any]) -> tuple[str, Sequence[Any]]:
    """A query's SQL and its parameters, to be put into a statement of our own.

    Also of one that Django knows to find nothing, and would not ask the database for.
    """
    sql, parameters = rows.query.get_compiler(connection=connection, elide_empty=False).as_sql()
    return sql, parameters


def csv_of(rows: QuerySet[Any], columns: Mapping[str, Any], *, time_zone: str = "UTC") -> Iterator[bytes]:
    """The rows in their order, as UTF-8 CSV in chunks of bytes; made and streamed by the database.

    ``columns``: heading -> expression; whatever people write goes through ``text`` or ``Harmless``. Times
    are in ``time_zone``, an IANA name.
    """
    heading = io.StringIO()
    csv.writer(heading).writerow([neutral(name) for name in columns])
    yield BOM + heading.getvalue().encode()
    try:
        sql, parameters = sql_of(rows.values_list(*columns.values()))
    except EmptyResultSet:
        # Filters that nothing can pass: Django asks nothing of the database.
        return
    chunk = bytearray()
    # In one transaction: a cursor that outlives its statement, and a time zone for it alone.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [time_zone])
        with cursor.cursor.copy(f"COPY ({sql}) TO STDOUT WITH (FORMAT csv)", parameters) as copy:
            for row in copy:
                chunk += row
                if len(chunk) >= CHUNK_BYTES:
                    yield bytes(chunk)
                    chunk.clear()
    yield bytes(chunk)
