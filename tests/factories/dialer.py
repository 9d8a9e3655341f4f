from __future__ import annotations

from datetime import timedelta

import factory
from django.utils import timezone

from dialer.lifecycles import CallState
from dialer.models import Call, CallEvent, Outcome, Recording, Transcript
from tests.factories.contacts import phone_number


class CallFactory(factory.django.DjangoModelFactory):
    """A call that ended a minute ago, completed after 60 seconds, of no campaign: give ``enrollment``
    (its contact, channel and campaign follow) or ``campaign``. In another state: ``state=``;
    with another outcome: ``outcome="busy"`` (only completed and voicemail were answered)."""

    class Meta:
        model = Call

    class Params:
        answered = factory.LazyAttribute(
            lambda call: call.outcome in {Outcome.COMPLETED, Outcome.VOICEMAIL} or call.state == "connected"
        )
        ended = factory.LazyAttribute(lambda call: call.state == CallState.ENDED)

    enrollment = None
    contact = factory.LazyAttribute(lambda call: call.enrollment and call.enrollment.contact)
    channel = factory.LazyAttribute(lambda call: call.enrollment and call.enrollment.channel)
    campaign = factory.LazyAttribute(lambda call: call.channel and call.channel.campaign)
    campaign_name = factory.LazyAttribute(lambda call: call.campaign.name if call.campaign else "Gone")
    channel_name = factory.LazyAttribute(lambda call: call.channel.name if call.channel else "Voice")
    contact_name = factory.LazyAttribute(lambda call: call.contact.name if call.contact else "")
    to_number = factory.Maybe(
        "contact",
        factory.LazyAttribute(lambda call: call.contact.phone_number),
        factory.Sequence(lambda n: phone_number(2_000_000 + n)),
    )
    from_number = "+12125551000"
    run = 1
    attempt = 1
    state = CallState.ENDED
    outcome = factory.LazyAttribute(lambda call: Outcome.COMPLETED if call.state == "ended" else "")
    claimed_from = "pending"
    owner = "driver"
    ended_at = factory.LazyAttribute(
        lambda call: timezone.now() - timedelta(minutes=1) if call.ended else None
    )
    created_at = factory.LazyAttribute(lambda call: (call.ended_at or timezone.now()) - timedelta(seconds=75))
    placed_at = factory.SelfAttribute("created_at")
    accepted_at = factory.SelfAttribute("created_at")
    answered_at = factory.LazyAttribute(
        lambda call: call.created_at + timedelta(seconds=15) if call.answered else None
    )
    duration_seconds = factory.LazyAttribute(
        lambda call: (60 if call.answered else 0) if call.ended else None
    )
    deadline_at = factory.LazyAttribute(lambda call: None if call.ended else timezone.now())


class CallEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CallEvent

    call = factory.SubFactory(CallFactory)
    kind = "ring"


class RecordingFactory(factory.django.DjangoModelFactory):
    """Stored with ``file=ContentFile(...)``; without a file, still at the carrier."""

    class Meta:
        model = Recording

    call = factory.SubFactory(CallFactory)
    status = factory.LazyAttribute(
        lambda recording: Recording.Status.STORED if recording.file else Recording.Status.ANNOUNCED
    )
    file = ""
    source_url = "https://carrier.example/recording.wav"


class TranscriptFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Transcript

    call = factory.SubFactory(CallFactory)
    turns = factory.LazyFunction(
        lambda: [
            {"speaker": "assistant", "text": "Hi, is now a good time?", "start_ms": 0, "end_ms": 1800},
            {"speaker": "contact", "text": "Sure.", "start_ms": 2000, "end_ms": 2600},
        ]
    )
    words = factory.LazyAttribute(lambda transcript: " ".join(turn["text"] for turn in transcript.turns))
