"""What is told of one call: its panel beside the results, and its own page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import User
from analytics.forms import DispositionForm
from analytics.queries import Standing, standing_of
from campaigns.models import Disposition, VoiceDestination, VoiceSettings
from dialer.lifecycles import CallState
from dialer.models import Call, CallEvent, Deed, Outcome, Recording, Transcript

# A recording or transcript that has not come so long after the end is not waited for any more.
_AWAITED = timedelta(minutes=10)

EVENTS = {
    "ring": "Ringing",
    "answer": "Answered",
    "hangup": "Ended",
    "machine": "A machine answered",
    "machine_late": "A machine was told of too late",
    "refused": "Refused by the carrier",
    "doubt": "In doubt: the carrier’s answer didn’t come",
    "reconciled": "Settled from the carrier’s records",
    "withdrawn": "Not placed",
    "stream": "Audio stream",
    "assistant": "Connected to the assistant",
    "assistant_missed": "The assistant couldn’t be reached",
    "key": "A key was pressed",
    "talked": "Connected to a phone number",
    "report": "The assistant’s report",
    "disposition": "Disposition set",
    "notes": "Notes changed",
}


def clock(seconds: int) -> str:
    """ "0:18", "1:02:07"."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@dataclass(frozen=True)
class Turn:
    """A turn of the conversation; times in milliseconds from the recording's beginning."""

    speaker: str
    text: str
    start_ms: int
    end_ms: int
    is_contact: bool

    @property
    def clock(self) -> str:
        return clock(self.start_ms // 1000)


@dataclass(frozen=True)
class Event:
    """``words`` say what matters of it; ``data`` is all that was told, as it was told."""

    label: str
    words: str
    at: datetime
    data: list[tuple[str, str]]


@dataclass(frozen=True)
class Panel:
    call: Call
    standing: Standing | None
    recording: Recording | None
    turns: list[Turn]
    # Its recording or transcript may still come: the panel looks again.
    is_awaited: bool
    # Somebody talked to whoever answered who sends transcripts.
    had_assistant: bool
    is_over: bool
    dispositions: list[Disposition]
    form: DispositionForm
    events: list[Event]
    may_edit: bool

    @property
    def contact_url(self) -> str:
        return self.call.contact.get_absolute_url() if self.call.contact else ""

    @property
    def length_seconds(self) -> int:
        """The recording's length as far as it was told; the player knows better once it has the file."""
        told = self.recording.duration_ms if self.recording else None
        return round(told / 1000) if told else self.call.duration_seconds or 0

    @property
    def length_clock(self) -> str:
        return clock(self.length_seconds)

    @property
    def times(self) -> list[tuple[str, datetime]]:
        """When it was what, as far as it came."""
        call = self.call
        steps = [
            ("Placed", call.placed_at),
            ("Accepted", call.accepted_at),
            ("Rang", call.ringing_at),
            ("Answered", call.answered_at),
            ("Ended", call.ended_at),
        ]
        return [(label, at) for label, at in steps if at is not None]

    @property
    def callback_input(self) -> str:
        return self.form["callback_at"].as_widget(
            attrs={"id": "callback-at", "class": "input", "required": True}
        )


def first_word(name: str) -> str:
    return name.split()[0] if name.split() else "Contact"


def panel_of(call: Call, user: User | AnonymousUser, form: DispositionForm | None = None) -> Panel:
    """Everything of a call, in a handful of queries."""
    call = (
        Call.objects.select_related(
            "disposition", "enrollment__channel__campaign", "campaign", "contact", "channel__voice"
        )
        .prefetch_related("events")
        .get(pk=call.pk)
    )
    recording = Recording.objects.filter(pk=call.pk).first()
    transcript = Transcript.objects.filter(pk=call.pk).first()
    is_over = call.state == CallState.ENDED and call.outcome != Outcome.WITHDRAWN
    return Panel(
        call=call,
        standing=standing_of(call),
        recording=recording,
        turns=turns_of(call, transcript),
        is_awaited=_is_awaited(call, recording, transcript, timezone.now()),
        had_assistant=_had_assistant(call),
        is_over=is_over,
        dispositions=_offered(call),
        form=form or DispositionForm(initial={"callback_at": call.callback_at or _tomorrow()}),
        events=_events(call),
        may_edit=bool(getattr(user, "may_edit", False)) and is_over and not call.is_erased,
    )


def _tomorrow() -> datetime:
    """What most people mean by "call me back": tomorrow morning, in the zone of whoever asks."""
    return (timezone.localtime() + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)


def _offered(call: Call) -> list[Disposition]:
    offered = list(Disposition.objects.filter(is_active=True))
    if call.disposition and call.disposition not in offered:
        offered.append(call.disposition)
    return offered


def _is_awaited(
    call: Call, recording: Recording | None, transcript: Transcript | None, now: datetime
) -> bool:
    if call.is_erased:
        return False
    if call.state != CallState.ENDED:
        return True
    if call.answered_at is None or call.ended_at is None or now - call.ended_at > _AWAITED:
        return False
    is_coming = recording is not None and recording.status == Recording.Status.ANNOUNCED
    return is_coming or (transcript is None and _had_assistant(call))


# Where nobody talks to whoever answers, unless they press a key for it.
_WITHOUT_ASSISTANT = frozenset({VoiceDestination.ANNOUNCEMENT, VoiceDestination.HANGUP})


def _had_assistant(call: Call) -> bool:
    if call.assistant_name:
        return True
    voice: VoiceSettings | None = getattr(call.channel, "voice", None)
    return voice is None or voice.destination not in _WITHOUT_ASSISTANT


def turns_of(call: Call, transcript: Transcript | None) -> list[Turn]:
    """The transcript's turns in order; a turn without an end lasts to the next one's start."""
    if transcript is None or not isinstance(transcript.turns, list):
        return []
    said = [turn for turn in transcript.turns if isinstance(turn, dict) and turn.get("text")]
    starts = [_milliseconds(turn.get("start_ms"), 0) for turn in said]
    turns = []
    for place, turn in enumerate(said):
        is_contact = turn.get("speaker") == "contact"
        following = starts[place + 1] if place + 1 < len(starts) else starts[place] + 60_000
        turns.append(
            Turn(
                speaker=first_word(call.contact_name) if is_contact else "Assistant",
                text=str(turn["text"]),
                start_ms=starts[place],
                end_ms=_milliseconds(turn.get("end_ms"), following),
                is_contact=is_contact,
            )
        )
    return sorted(turns, key=lambda turn: turn.start_ms)


def _milliseconds(value: Any, otherwise: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**9:
        return otherwise
    return int(value)


def _events(call: Call) -> list[Event]:
    """In the order they were heard of; people by their names."""
    events = sorted(call.events.all(), key=lambda event: event.pk)
    told = [event.data.get("by") for event in events if isinstance(event.data, dict)]
    people = User.objects.in_bulk({key for key in told if isinstance(key, int)})
    return [_event(event, people) for event in events]


def _event(event: CallEvent, people: dict[int, User]) -> Event:
    label = EVENTS.get(event.kind) or event.kind.replace("_", " ").capitalize()
    data = event.data if isinstance(event.data, dict) else {"": event.data}
    told = {
        name: people.get(value, value) if name == "by" and isinstance(value, int) else value
        for name, value in data.items()
    }
    return Event(
        label,
        _words_of(event.kind, told),
        event.at,
        [(str(name), str(value)) for name, value in told.items() if value != ""],
    )


def _words_of(kind: str, told: dict[str, Any]) -> str:
    """What a person wants to know of an event, out of all that was told."""
    match kind:
        case "key":
            pressed = str(told.get("Digits") or "")[:8]
            does = str(told.get("does") or "")
            meant = Deed(does).label.lower() if does and does in Deed.values else ""
            return ", ".join(filter(None, (pressed, meant)))
        case "talked":
            return str(told.get("DialStatus") or "")[:40].replace("-", " ")
        case "hangup":
            return str(told.get("HangupCauseName") or "")[:120]
        case "disposition":
            name = str(told.get("disposition") or "taken back")
            return f"{name}, by {told['by']}" if told.get("by") else name
        case "notes":
            return f"by {told['by']}" if told.get("by") else ""
    return ""
