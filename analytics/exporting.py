"""CSV of calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Case, F, QuerySet, TextField, Value, When

from contacts.exporting import Iso, YesNo, csv_of, text
from dialer.models.call import ERASED_PERSON, Call

# Heading -> expression. Numbers are ours and checked by the database: "+" and digits.
COLUMNS: dict[str, Any] = {
    "Call": F("pk"),
    "Campaign": text("campaign_name"),
    "Channel": text("channel_name"),
    "Run": F("run"),
    "Contact": Case(
        When(to_number="", then=Value(ERASED_PERSON)), default=text("contact_name"), output_field=TextField()
    ),
    "Number": F("to_number"),
    "Caller ID": F("from_number"),
    "Assistant": text("assistant_name"),
    "Attempt": F("attempt"),
    "Placed": Iso("placed_at"),
    "Answered": Iso("answered_at"),
    "Ended": Iso("ended_at"),
    "Outcome": F("outcome"),
    "Seconds": F("duration_seconds"),
    "Billed seconds": F("billed_seconds"),
    "Cost (USD)": F("cost"),
    "Disposition": text("disposition__name"),
    "Win": YesNo("disposition__is_win"),
    "Key pressed": F("pressed"),
    "Key pressed for": F("pressed_for"),
    "Callback at": Iso("callback_at"),
    "Contact’s status now": F("enrollment__status"),
    "Due": Iso("enrollment__due_at"),
    "Machine": YesNo("is_machine"),
    "Message left": YesNo("message_left"),
    "Hang-up code": F("hangup_code"),
    "Hang-up cause": text("hangup_cause"),
    "Hung up by": text("hangup_by"),
    "Summary": text("summary"),
    "Notes": text("notes"),
    "Transcript": text("transcript__words"),
    "Carrier’s request": text("request_id"),
    "Carrier’s call": text("carrier_id"),
}


def calls_as_csv(calls: QuerySet[Call], *, time_zone: str) -> Iterator[bytes]:
    """The calls, newest first, as ``csv_of`` does; times in this zone (an IANA name)."""
    return csv_of(calls.order_by("-pk"), COLUMNS, time_zone=time_zone)
