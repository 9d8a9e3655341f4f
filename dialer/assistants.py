"""What is said between Carillon and an assistant about a call: who it talks with, and what came of it.

The assistant gets the call's number, an address and a token with the stream (docs/assistants.md). The
token is made from the call's number and our secret: it opens this one call and nothing else, and that
only until a day after its end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from campaigns.models import Disposition, VoiceSettings
from campaigns.rulebook import Rulebook, Talker
from dialer.models import Call, Transcript
from dialer.services import lock_call, settle_disposition

TOKEN_SALT = "carillon.assistant.call"  # noqa: S105 - a salt, not a secret
FIELD = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
MOST_TURNS = 2000
# Who answered waits for the assistant so long: a machine picks up at once, or not at all.
SIP_RING_SECONDS = 20
MOST_TEXT = 4000
# Reports may come late; a token found in an old log opens nothing any more.
OPEN_AFTER_END = timedelta(hours=24)
# How far away a callback may be.
MOST_AHEAD = timedelta(days=366)
# What the database can't hold: JSON may write single halves of a surrogate pair.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
SPEAKERS = frozenset({"assistant", "contact"})


class InvalidReport(ValueError):
    """An assistant's report can't be understood; the message says what is wrong with it."""


def token(call_id: int) -> str:
    return salted_hmac(TOKEN_SALT, str(call_id), algorithm="sha256").hexdigest()[:48]


def is_token(call_id: int, given: str) -> bool:
    return constant_time_compare(token(call_id), given)


def is_closed(*, call_id: int, now: datetime) -> bool:
    """Whether the call ended so long ago that its token opens it no more."""
    return Call.objects.filter(pk=call_id, ended_at__lt=now - OPEN_AFTER_END).exists()


def callback_url(call_id: int) -> str:
    return f"{settings.PUBLIC_URL}/hooks/assistant/{call_id}/"


def fill_in(template: str, fields: Mapping[str, Any]) -> str:
    """A prompt with its ``{{ name }}`` fields filled in; unknown ones become nothing. No code runs."""
    return FIELD.sub(lambda found: str(fields.get(found[1], "")), template)


def talker_of(*, call_id: int, rules: Rulebook) -> Talker | None:
    """The assistant that takes a call: the one that was chosen for it, unless it left the pool meanwhile."""
    chosen = Call.objects.filter(pk=call_id).values_list("assistant_id", flat=True).first()
    found = next((talker for talker in rules.talkers if talker.assistant_id == chosen), None)
    is_due = chosen is not None or rules.connects_assistant
    return found or (rules.talkers[0] if rules.talkers and is_due else None)


def context(*, call_id: int) -> dict[str, Any] | None:
    """What the assistant may know of a call: {"call", "campaign", "prompt", "contact": {…}}.

    None: there is no such call.
    """
    call = Call.objects.select_related("contact").filter(pk=call_id).first()
    if call is None:
        return None
    fields = call.contact.template_fields() if call.contact else {"phone_number": call.to_number}
    prompt = (
        VoiceSettings.objects.filter(channel=call.channel_id).values_list("prompt", flat=True).first() or ""
    )
    return {
        "call": str(call.pk),
        "campaign": call.campaign_name,
        "prompt": fill_in(prompt, fields),
        "contact": fields,
    }


@dataclass(frozen=True)
class Report:
    """What an assistant says of a call that is over."""

    turns: list[dict[str, Any]]
    disposition: str = ""
    summary: str = ""
    callback_at: datetime | None = None

    @classmethod
    def parse(cls, body: Any) -> Report:
        """From the JSON of the webhook; raises ``InvalidReport``."""
        if not isinstance(body, dict):
            raise InvalidReport("The report should be a JSON object.")
        turns = body.get("transcript") or []
        if not isinstance(turns, list) or len(turns) > MOST_TURNS:
            raise InvalidReport(f"transcript should be a list of at most {MOST_TURNS} turns.")
        return cls(
            turns=[_turn(turn) for turn in turns],
            disposition=_text(body, "disposition", 40),
            summary=_text(body, "summary", 500),
            callback_at=_moment(body.get("callback_at")),
        )


def _text(body: Mapping[str, Any], name: str, most: int) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidReport(f"{name} should be a text.")
    return UNSTORABLE.sub("", value).strip()[:most]


def _moment(value: Any) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidReport("callback_at should be a time in ISO 8601.") from None
    if moment.tzinfo is None:
        raise InvalidReport("callback_at should say its offset from UTC.")
    if abs(moment - timezone.now()) > MOST_AHEAD:
        raise InvalidReport("callback_at should be within a year.")
    return moment


def _turn(turn: Any) -> dict[str, Any]:
    if not isinstance(turn, dict) or str(turn.get("speaker")) not in SPEAKERS:
        raise InvalidReport("Each turn should be an object with a speaker, assistant or contact.")
    start, end = turn.get("start_ms", 0), turn.get("end_ms", turn.get("start_ms", 0))
    for name, value in (("start_ms", start), ("end_ms", end)):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 86_400_000:
            raise InvalidReport(f"{name} should be a whole number of milliseconds since the answer.")
    return {
        "speaker": str(turn["speaker"]),
        "text": _text(turn, "text", MOST_TEXT),
        "start_ms": start,
        "end_ms": end,
    }


def report(*, call_id: int, report: Report) -> bool:
    """Keep what an assistant reports: transcript, disposition, summary, callback; False: no such call.

    May come before or after the call's end, and again: the last one holds. A disposition that a person
    has set is not overwritten.
    """
    with transaction.atomic():
        disposition = (
            Disposition.objects.filter(slug=report.disposition).first() if report.disposition else None
        )
        # The call's row first, always (or its channel before): what ends it takes it first, too.
        call = lock_call(call_id=call_id, disposition=disposition)
        if call is None:
            return False
        if call.is_erased:
            # Taken, so that it isn't sent again, and forgotten.
            return True
        if report.turns:
            words = " ".join(turn["text"] for turn in report.turns)
            Transcript.objects.update_or_create(call=call, defaults={"turns": report.turns, "words": words})
        if report.summary:
            Call.objects.filter(pk=call.pk).update(summary=report.summary)
        # Only what the transcript doesn't hold: it would be kept twice.
        call.events.create(
            kind="report", data={"disposition": report.disposition, "turns": len(report.turns)}
        )
        if disposition and not call.events.filter(kind="disposition").exists():
            settle_disposition(
                call=call, disposition=disposition, callback_at=report.callback_at, source="assistant"
            )
    return True
