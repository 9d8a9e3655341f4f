"""CSV of calls: made and streamed by the database itself, so that a million rows cost little memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, F, Func, QuerySet, TextField, Value
from django.db.models.functions import Coalesce

from contacts.exporting import FORMULA
from dialer.models import Call

# So that spreadsheets read names as they are.
BOM = b"\xef\xbb\xbf"
CHUNK_BYTES = 64 * 1024


class Harmless(Func):
    """``contacts.exporting.neutral``, by the database."""

    template = "(CASE WHEN (%(expressions)s) ~ %%s THEN '''' || (%(expressions)s) ELSE (%(expressions)s) END)"
    output_field = TextField()

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        sql, parameters = super().as_sql(*args, **kwargs)
        return sql, [*parameters, FORMULA, *parameters, *parameters]


class Iso(Func):
    """A moment in the session's time zone, to the second: 2026-11-21T14:06:09-06:00."""

    template = "to_char(%(expressions)s, 'YYYY-MM-DD\"T\"HH24:MI:SSTZH:TZM')"
    output_field = CharField()


class YesNo(Func):
    template = "(CASE WHEN %(expressions)s THEN 'yes' ELSE 'no' END)"
    output_field = CharField()


def _text(name: str) -> Harmless:
    return Harmless(Coalesce(F(name), Value(""), output_field=TextField()))


# Heading -> expression. Numbers are ours and checked by the database: "+" and digits.
COLUMNS: dict[str, Any] = {
    "Call": F("pk"),
    "Campaign": _text("campaign_name"),
    "Channel": _text("channel_name"),
    "Run": F("run"),
    "Contact": _text("contact_name"),
    "Number": F("to_number"),
    "Caller ID": F("from_number"),
    "Assistant": _text("assistant_name"),
    "Attempt": F("attempt"),
    "Placed": Iso("placed_at"),
    "Answered": Iso("answered_at"),
    "Ended": Iso("ended_at"),
    "Outcome": F("outcome"),
    "Seconds": F("duration_seconds"),
    "Billed seconds": F("billed_seconds"),
    "Cost (USD)": F("cost"),
    "Disposition": _text("disposition__name"),
    "Win": YesNo("disposition__is_win"),
    "Callback at": Iso("callback_at"),
    "Contact’s status now": F("enrollment__status"),
    "Due": Iso("enrollment__due_at"),
    "Machine": YesNo("is_machine"),
    "Message left": YesNo("message_left"),
    "Hang-up code": F("hangup_code"),
    "Hang-up cause": _text("hangup_cause"),
    "Hung up by": _text("hangup_by"),
    "Summary": _text("summary"),
    "Notes": _text("notes"),
    "Transcript": _text("transcript__words"),
    "Carrier’s request": _text("request_id"),
    "Carrier’s call": _text("carrier_id"),
}


def csv_of(calls: QuerySet[Call], *, time_zone: str) -> Iterator[bytes]:
    """The calls, newest first, as UTF-8 CSV in chunks of bytes, times in this zone (an IANA name)."""
    heading = io.StringIO()
    csv.writer(heading).writerow(COLUMNS)
    yield BOM + heading.getvalue().encode()
    rows = calls.order_by("-pk").values_list(*COLUMNS.values())
    sql, parameters = rows.query.sql_with_params()
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
