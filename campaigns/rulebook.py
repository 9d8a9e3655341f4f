"""A channel's settings as the engine reads them: immutable values, read once a revision.

The engine asks for a channel's rules at every call; reading five tables each time would cost more
than the call. A channel's ``revision`` moves on with every change of its settings (see
campaigns/apps.py), so what was read for a revision stays true for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from zoneinfo import ZoneInfo

from django.conf import settings

from campaigns import hours as opening_hours
from campaigns.hours import OpeningHours
from campaigns.models import (
    AnnouncementSource,
    Assistant,
    AssistantKind,
    Channel,
    MachineAction,
    MachineDetection,
    TalkTo,
    VoiceDestination,
    VoiceSettings,
)
from campaigns.outcomes import Rules

# Where a day ends last on earth.
LAST_ZONE = ZoneInfo("Etc/GMT+12")


@dataclass(frozen=True)
class Talker:
    """An assistant that may take a channel's calls. ``most_calls`` None: as many at a time as come."""

    assistant_id: int
    name: str
    url: str
    has_sip: bool
    weight: int = 1
    most_calls: int | None = None

    @classmethod
    def of(cls, assistant: Assistant, weight: int = 1) -> Talker:
        has_sip = assistant.kind == AssistantKind.SIP
        return cls(assistant.pk, assistant.name, assistant.url, has_sip, weight, assistant.most_calls)


def _talkers(voice: VoiceSettings) -> tuple[Talker, ...]:
    """Who takes the calls: the assistant, or the active ones of the pool; of an announcement, those that
    a key leads to."""
    is_announced = voice.destination == VoiceDestination.ANNOUNCEMENT
    match voice.talk_to if is_announced else voice.destination:
        case VoiceDestination.ASSISTANT:
            return (Talker.of(voice.assistant),) if voice.assistant else ()
        case VoiceDestination.POOL if voice.pool is not None:
            members = voice.pool.members.filter(assistant__is_active=True).select_related("assistant")
            return tuple(Talker.of(member.assistant, member.weight) for member in members.order_by("pk"))
    return ()


@dataclass(frozen=True)
class Announcement:
    """What whoever answers hears, and what the keys do that they may press; "" for a key not offered."""

    # With fields of the contact to fill in; empty where a recording is played.
    text: str
    recording_url: str
    language: str
    voice: str
    talk_key: str
    opt_out_key: str
    repeat_key: str
    key_wait_seconds: int
    # E.164; empty: who talks is the assistant.
    talk_number: str
    nobody_text: str
    goodbye_text: str

    @classmethod
    def of(cls, voice: VoiceSettings) -> Announcement:
        is_text = voice.announcement_source == AnnouncementSource.TEXT
        return cls(
            text=voice.announcement_text if is_text else "",
            recording_url="" if is_text else voice.announcement_url,
            language=voice.language,
            voice=voice.speaking_voice,
            talk_key=voice.talk_key,
            opt_out_key=voice.opt_out_key,
            repeat_key=voice.repeat_key,
            key_wait_seconds=voice.key_wait_seconds,
            talk_number=voice.talk_number if voice.talk_to == TalkTo.NUMBER else "",
            nobody_text=voice.nobody_text,
            goodbye_text=voice.goodbye_text,
        )


@dataclass(frozen=True)
class Rulebook:
    channel_id: int
    revision: int
    campaign_name: str
    channel_name: str
    hours: OpeningHours
    # None: each contact's own zone.
    zone: ZoneInfo | None
    rules: Rules
    destination: VoiceDestination
    talkers: tuple[Talker, ...]
    announcement: Announcement
    from_number: str
    dial_timeout_seconds: int
    prompt: str
    concurrent_calls: int
    calls_per_second: int
    calls_per_minute: int | None
    record_calls: bool
    machine_detection: MachineDetection
    detection_timeout_ms: int
    speech_threshold_ms: int
    end_of_speech_ms: int
    initial_silence_ms: int
    on_machine: MachineAction
    voicemail_message: str
    max_attempts_per_day: int | None
    max_attempts_per_week: int | None

    @property
    def connects_assistant(self) -> bool:
        """Whether whoever answers talks to an assistant, from the beginning."""
        return self.destination in {VoiceDestination.ASSISTANT, VoiceDestination.POOL}

    def is_open(self, contact_zones: tuple[ZoneInfo, ...], now: datetime) -> bool:
        return opening_hours.is_open(self.hours, self.zone, contact_zones, now)

    def next_opening(self, contact_zones: tuple[ZoneInfo, ...], after: datetime) -> datetime | None:
        return opening_hours.next_opening(self.hours, self.zone, contact_zones, after)

    def opens_at(self, now: datetime) -> datetime | None:
        """When the schedule is open next, whoever is to be called; None: never again.

        Without a zone of its own it is read on each contact's clock: then it is taken as open for as long
        as it opens once more for those who come last. Quiet hours are always each contact's own.
        """
        schedule = replace(self.hours, quiet_end_hour=0, quiet_start_hour=24)
        if self.zone:
            return opening_hours.next_opening(schedule, self.zone, (), now)
        return now if opening_hours.next_opening(schedule, LAST_ZONE, (), now) else None


def load_rulebook(channel_id: int) -> Rulebook:
    """Read a channel's settings; raises ``Channel.DoesNotExist`` when it is gone."""
    channel = Channel.objects.select_related(
        "campaign", "schedule", "voice", "voice__assistant", "voice__pool", "voice__caller_id"
    ).get(pk=channel_id)
    voice, schedule, caller_id = channel.voice, channel.schedule, channel.voice.caller_id
    return Rulebook(
        channel_id=channel.pk,
        revision=channel.revision,
        campaign_name=channel.campaign.name,
        channel_name=channel.name,
        hours=OpeningHours.of(
            schedule, quiet_end_hour=settings.QUIET_HOURS_END, quiet_start_hour=settings.QUIET_HOURS_START
        ),
        zone=ZoneInfo(schedule.time_zone) if schedule.time_zone else None,
        rules=Rules.of(voice.attempts_per_contact, channel.reattempt_rules.all()),
        destination=VoiceDestination(voice.destination),
        talkers=_talkers(voice),
        announcement=Announcement.of(voice),
        from_number=caller_id.phone_number if caller_id else "",
        dial_timeout_seconds=voice.dial_timeout_seconds,
        prompt=voice.prompt,
        concurrent_calls=voice.concurrent_calls,
        calls_per_second=voice.calls_per_second,
        calls_per_minute=voice.calls_per_minute,
        record_calls=voice.record_calls,
        machine_detection=MachineDetection(voice.machine_detection),
        detection_timeout_ms=voice.detection_timeout_ms,
        speech_threshold_ms=voice.speech_threshold_ms,
        end_of_speech_ms=voice.end_of_speech_ms,
        initial_silence_ms=voice.initial_silence_ms,
        on_machine=MachineAction(voice.on_machine),
        voicemail_message=voice.voicemail_message,
        max_attempts_per_day=voice.max_attempts_per_day,
        max_attempts_per_week=voice.max_attempts_per_week,
    )


_kept: dict[int, Rulebook] = {}
_lock = Lock()
KEPT_AT_MOST = 2000


def rulebook(channel_id: int, revision: int) -> Rulebook:
    """The channel's settings as of ``revision``, or newer; read from the database once."""
    found = _kept.get(channel_id)
    if found is None or found.revision < revision:
        found = load_rulebook(channel_id)
        with _lock:
            if len(_kept) >= KEPT_AT_MOST:
                _kept.clear()
            _kept[channel_id] = found
    return found
