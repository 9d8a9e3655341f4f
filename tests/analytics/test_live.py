"""What the command center asks of the calls: a channel's pace, and how many results there are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analytics.queries import pace_of
from dialer.models import Outcome
from tests.factories import ChannelFactory
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db


def call(channel, *, seconds_ago, answered):
    at = timezone.now() - timedelta(seconds=seconds_ago)
    return CallFactory(
        channel=channel,
        campaign=channel.campaign,
        accepted_at=at,
        answered_at=at if answered else None,
        ended_at=at,
        outcome=Outcome.COMPLETED if answered else Outcome.NO_ANSWER,
    )


def test_the_rate_is_that_of_the_last_ten_seconds():
    channel = ChannelFactory(running=True)
    for seconds in (1, 2, 3, 11, 4000):
        call(channel, seconds_ago=seconds, answered=False)
    assert pace_of(channel, timezone.now()).calls_per_second == "0.3"


def test_the_answer_rate_is_that_of_the_last_hour():
    channel = ChannelFactory(running=True)
    for seconds, answered in ((10, True), (20, False), (30, False), (40, False), (4000, True)):
        call(channel, seconds_ago=seconds, answered=answered)
    assert pace_of(channel, timezone.now()).answered_percent == 25


def test_a_channel_without_calls_has_no_answer_rate():
    assert pace_of(ChannelFactory(running=True), timezone.now()).answered_percent is None


def test_the_pages_parts_are_shown(as_viewer):
    channel = ChannelFactory(running=True)
    call(channel, seconds_ago=5, answered=True)
    page = as_viewer.get(reverse("analytics:pace", args=[channel.pk]))
    assert "0.1" in page.content.decode()
    assert "100 %" in page.content.decode()
    page = as_viewer.get(reverse("analytics:results_count", args=[channel.campaign_id]))
    assert page.content.decode().strip() == "1"
    assert as_viewer.get(reverse("analytics:pace", args=[0])).status_code == 404
