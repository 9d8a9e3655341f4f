"""What the tests of the editor share: what its form posts, and a draft to edit."""

from __future__ import annotations

from django.urls import reverse

NEW = "/campaigns/new/"
BUSINESS = [f"{day}-{hour}" for day in range(5) for hour in range(9, 17)]


def typed(**changes):
    """What the form posts when nothing but ``changes`` was touched; None leaves a field out."""
    posted = {
        "name": "Autumn renewals",
        "description": "",
        "destination": "hangup",
        "assistant": "",
        "pool": "",
        "caller_id": "",
        "dial_timeout_seconds": "60",
        "prompt": "",
        "announcement_source": "text",
        "announcement_text": "",
        "announcement_url": "",
        "language": "en-US",
        "speaking_voice": "woman",
        "talk_key": "",
        "opt_out_key": "9",
        "repeat_key": "",
        "key_wait_seconds": "10",
        "talk_to": "assistant",
        "talk_number": "",
        "nobody_text": "Nobody can take your call just now. Please try again later. Goodbye.",
        "goodbye_text": "You will not be called again. Goodbye.",
        "time_zone": "",
        "start_date": "",
        "end_date": "",
        "hours": BUSINESS,
        "closed_days": "",
        "start_at": "",
        "concurrent_calls": "1",
        "calls_per_second": "1",
        "calls_per_minute": "",
        "attempts_per_contact": "1",
        "machine_detection": "off",
        "detection_timeout_ms": "5000",
        "speech_threshold_ms": "5000",
        "end_of_speech_ms": "800",
        "initial_silence_ms": "4500",
        "on_machine": "hang_up",
        "voicemail_message": "",
        "max_attempts_per_day": "3",
        "max_attempts_per_week": "",
        **changes,
    }
    return {name: value for name, value in posted.items() if value is not None}


def edit(campaign):
    """Where the settings of a campaign's first channel are changed."""
    return at("channel_edit", campaign.channels.first())


def launch(campaign):
    return at("channel_launch", campaign.channels.first())


def at(name, channel, *further):
    return reverse(f"campaigns:{name}", args=[channel.campaign_id, channel.pk, *further])


def errors_of(response):
    return response.context["form"].errors
