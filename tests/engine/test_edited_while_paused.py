"""What a supervisor changes while a channel is paused, and what the engine does then: form, then claim."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from campaigns.models import Channel, ChannelDrive
from campaigns.services import assign_list, pause_channel, resume_channel
from dialer.driving.claim import Claim, claim
from dialer.models import CarrierAccount
from tests.campaigns.editing import at, typed
from tests.factories import CallerIdFactory, ChannelFactory, ContactFactory, EnrollmentFactory, ListFactory

DRIVER = "driver-of-the-test"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    settings.ACCOUNT_CALLS_PER_SECOND = 1000
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


@pytest.fixture
def channel() -> Channel:
    """Running, with three people waiting, one call at a time."""
    channel = ChannelFactory(
        running=True,
        lists=[ListFactory(members=1)],
        voice__concurrent_calls=1,
        voice__calls_per_second=5,
    )
    for contact in ContactFactory.create_batch(3):
        EnrollmentFactory(channel=channel, contact=contact, due_at=timezone.now() - timedelta(minutes=1))
    return channel


def claimed(channel: Channel) -> Claim:
    """What the engine would call now, after a pace that was idle for long."""
    before = timezone.now() - timedelta(hours=1)
    ChannelDrive.objects.filter(channel=channel).update(
        owner=DRIVER, leased_until=timezone.now() + timedelta(minutes=1), next_start_at=before
    )
    CarrierAccount.objects.update_or_create(
        auth_id=django_settings.PLIVO_AUTH_ID, defaults={"next_start_at": before, "held_until": None}
    )
    return claim(channel_id=channel.pk, driver=DRIVER, free_placers=100, share=1)


def test_what_is_changed_while_paused_holds_from_the_next_call_on(
    channel: Channel, as_supervisor: Client, supervisor: User
) -> None:
    (first,) = claimed(channel).orders
    pause_channel(channel=channel, actor=supervisor)
    number = CallerIdFactory()
    changes = typed(
        assistant=channel.voice.assistant_id,
        destination="assistant",
        caller_id=number.pk,
        concurrent_calls="3",
        calls_per_second="5",
        dial_timeout_seconds="20",
        hours=[f"{day}-{hour}" for day in range(7) for hour in range(24)],
    )
    assert as_supervisor.post(at("channel_edit", channel), changes).status_code == 302
    assert not claimed(channel).orders, "It is paused still."
    newcomers = ListFactory(members=1)
    assign_list(channel=channel, list=newcomers, actor=supervisor)
    resume_channel(channel=channel, actor=supervisor)
    # One at a time is what the pace allows, however often it is asked.
    orders = [order for _ in range(5) for order in claimed(channel).orders]
    assert {order.from_number for order in orders} == {number.phone_number} != {first.from_number}
    # One call of before is under way: of three at a time two are free.
    assert len(orders) == 2


def test_hours_closed_while_paused_keep_the_engine_from_calling(
    channel: Channel, as_supervisor: Client, supervisor: User
) -> None:
    pause_channel(channel=channel, actor=supervisor)
    now = timezone.localtime()
    later = [f"{(now.weekday() + 2) % 7}-12"]
    changes = typed(
        assistant=channel.voice.assistant_id,
        destination="assistant",
        caller_id=channel.voice.caller_id_id,
        time_zone="UTC",
        hours=later,
    )
    assert as_supervisor.post(at("channel_edit", channel), changes).status_code == 302
    resume_channel(channel=channel, actor=supervisor)
    assert not claimed(channel).orders
