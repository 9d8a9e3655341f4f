"""Results in a real browser: listening, reading, deciding, while the page refreshes by itself."""

from __future__ import annotations

import array
import io
import math
import re
import wave
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from playwright.sync_api import expect

from campaigns.models import Disposition
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory
from tests.factories.dialer import CallFactory, RecordingFactory, TranscriptFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RATE = 8000


def sound(seconds: int) -> bytes:
    """A WAV file of a voice that swells and rests."""
    samples = array.array(
        "h",
        (
            int(12000 * math.sin(place / 9) * abs(math.sin(place / RATE * 1.3)))
            for place in range(RATE * seconds)
        ),
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE)
        recording.writeframes(samples.tobytes())
    return file.getvalue()


TURNS = [
    ("assistant", "Hi Anna, this is Renewals at Northline. Is now a good time?", 0, 5500),
    ("contact", "Sure, I have a few minutes.", 6000, 8500),
    (
        "assistant",
        "Your plan ends on the 30th. Would you like to keep the same rate for another year?",
        9000,
        17000,
    ),
    ("contact", "Same rate? Yes, if the fee stays away.", 18000, 22000),
    ("assistant", "It does. I’ll send the confirmation to your email.", 23000, 28000),
    ("contact", "Perfect, thanks.", 29000, 31000),
]


def a_call_to_listen_to(channel, seconds=32, **options):
    contact = ContactFactory(first_name="Anna", last_name="Svensson", phone_number="+14155550102")
    enrollment = EnrollmentFactory(channel=channel, contact=contact, status="completed", attempts=1)
    call = CallFactory(
        enrollment=enrollment,
        assistant_name="Renewals assistant",
        duration_seconds=192,
        billed_seconds=240,
        cost="0.02100",
        hangup_cause="Normal Hangup",
        hangup_code=4000,
        hangup_by="callee",
        carrier_id="9a1c1b1e-6f2e-4b43-9a8e-0d3b6f3d6a11",
        summary="Keeps the plan at the same rate; wants the fee confirmed in writing.",
        **options,
    )
    RecordingFactory(call=call, file=ContentFile(sound(seconds), "1.wav"), duration_ms=seconds * 1000)
    TranscriptFactory(
        call=call,
        turns=[
            {"speaker": speaker, "text": text, "start_ms": start, "end_ms": end}
            for speaker, text, start, end in TURNS
        ],
    )
    call.events.create(kind="ring", data={"status": "ringing"})
    call.events.create(kind="answer", data={})
    call.events.create(kind="hangup", data={"cause": "Normal Hangup", "code": 4000})
    return call


PEOPLE = [
    ("Bilal Khan", "no_answer", "retry", None, 0),
    ("Chloé Perrin", "completed", "callback", "callback", 108),
    ("Kwame Mensah", "failed", "failed", "wrong_number", 0),
    ("Inès Moreau", "completed", "completed", "not_interested", 51),
    ("José García", "voicemail", "voicemail", None, 34),
    ("Zoë Kim", "completed", "do_not_call", "do_not_call", 12),
    ("Olu Adeyemi", "completed", "completed", "interested", 242),
]


def a_campaign_of_all_kinds(channel):
    now = timezone.now()
    for place, (name, outcome, status, disposition, seconds) in enumerate(PEOPLE):
        first, last = name.split()
        contact = ContactFactory(first_name=first, last_name=last)
        enrollment = EnrollmentFactory(
            channel=channel, contact=contact, status=status, attempts=1, due_at=now + timedelta(hours=2)
        )
        CallFactory(
            enrollment=enrollment,
            outcome=outcome,
            disposition=Disposition.objects.get(slug=disposition) if disposition else None,
            callback_at=now + timedelta(days=2) if disposition == "callback" else None,
            duration_seconds=seconds,
            assistant_name="Renewals assistant",
            cost="0.01400",
            message_left=outcome == "voicemail",
            ended_at=now - timedelta(minutes=9 * place + 5),
        )
    return a_call_to_listen_to(channel)


@pytest.fixture
def channel(db):
    channel = ChannelFactory(running=True)
    channel.campaign.name = "Autumn renewals, West"
    channel.campaign.save()
    return channel


def test_pictures_of_results(open_browser, supervisor, channel, photograph):
    campaign = channel.campaign
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{campaign.pk}/results/")
    photograph(page, "results-empty")
    call = a_campaign_of_all_kinds(channel)
    page.goto(f"/campaigns/{campaign.pk}/results/")
    photograph(page, "results")
    page.get_by_role("link", name="Anna Svensson").click()
    page.get_by_text("Perfect, thanks.").wait_for()
    expect(page.locator("path.all")).to_have_attribute("d", re.compile("M.{500}"))
    page.locator(".turn", has_text="Same rate?").click()
    page.get_by_role("button", name="Pause").click()
    photograph(page, "results-call")
    page.get_by_text("Details").click()
    page.get_by_text("Events").click()
    photograph(page, "results-call-details")
    page.goto(f"/campaigns/{campaign.pk}/results/?q=nobody+of+this+name")
    photograph(page, "results-none-found")
    page.goto("/history/")
    photograph(page, "history")
    page.goto(f"/calls/{call.pk}/")
    photograph(page, "call")
    narrow = open_browser(supervisor, width=390, height=844)
    narrow.goto(f"/campaigns/{campaign.pk}/results/")
    photograph(narrow, "results-narrow")
    narrow.goto(f"/campaigns/{campaign.pk}/results/?call={call.pk}")
    photograph(narrow, "results-call-narrow")
