"""Two people at one campaign at the same moment: whoever commits first, what is left is whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from campaigns import services
from campaigns.models import Campaign, Channel, Enrollment
from tests.at_once import Other
from tests.factories import ChannelFactory, EnrollmentFactory, ListFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def status(channel: Channel) -> str:
    channel.refresh_from_db()
    return channel.status


def test_a_campaign_that_is_started_while_it_is_archived_is_paused_with_it():
    channel = ChannelFactory(lists=[ListFactory(members=2)])
    with transaction.atomic():
        services.start_channel(channel=channel, actor=None)
        # Read before the start was committed.
        archive = Other(lambda: services.archive_campaign(campaign=channel.campaign, actor=None))
        assert archive.is_waiting()
    archive.done()
    assert status(channel) == "paused"
    assert Campaign.objects.get().archived_at is not None


def test_a_campaign_that_was_archived_meanwhile_is_not_started():
    channel = ChannelFactory(lists=[ListFactory(members=2)])
    with transaction.atomic():
        services.archive_campaign(campaign=channel.campaign, actor=None)
        start = Other(lambda: services.start_channel(channel=channel, actor=None))
        assert start.is_waiting()
    assert "archived" in str(start.done().refusal)
    assert status(channel) == "ready"


@pytest.mark.parametrize("deed", [services.retry_contacts, services.bring_back_contacts])
def test_a_campaign_that_was_archived_meanwhile_does_not_go_on(deed: Any, supervisor: User):
    channel = ChannelFactory(completed=True, lists=[ListFactory(members=1)])
    skipped = EnrollmentFactory(channel=channel, status="skipped", skipped_from="pending")
    whom = {
        services.retry_contacts: {"places": Enrollment.objects.filter(pk=skipped.pk)},
        services.bring_back_contacts: {"skipped_at": skipped.updated_at},
    }
    with transaction.atomic():
        services.archive_campaign(campaign=channel.campaign, actor=None)
        # Read before that was committed.
        again = Other(lambda: deed(channel=channel, actor=supervisor, **whom[deed]))
        assert again.is_waiting()
    assert "archived" in str(again.done().refusal)
    assert status(channel) == "completed"
    skipped.refresh_from_db()
    assert skipped.status == "skipped"


DEEDS: dict[str, Callable[[Channel, User], Any]] = {
    "start": lambda channel, person: services.start_channel(channel=channel, actor=person),
    "stop": lambda channel, person: services.stop_channel(channel=channel, actor=person),
    "resume all": lambda channel, person: services.resume_campaign(campaign=channel.campaign, actor=person),
    "archive": lambda channel, person: services.archive_campaign(campaign=channel.campaign, actor=person),
    "duplicate": lambda channel, person: services.duplicate_campaign(campaign=channel.campaign, actor=person),
    "delete": lambda channel, person: services.delete_campaign(
        campaign=channel.campaign, actor=person, name=channel.campaign.name
    ),
    "exclude": lambda channel, person: services.add_exclusion(
        campaign=channel.campaign, list=ListFactory(), actor=person
    ),
    "assign": lambda channel, person: services.assign_list(channel=channel, list=ListFactory(), actor=person),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_whatever_is_done_with_a_campaign_that_somebody_deletes_is_refused(deed: str, supervisor: User):
    channel = ChannelFactory(paused=True, lists=[ListFactory(members=2)])
    with transaction.atomic():
        services.delete_campaign(campaign=channel.campaign, actor=None, name=channel.campaign.name)
        # Read before that was committed.
        late = Other(lambda: DEEDS[deed](channel, supervisor))
        assert late.is_waiting()
    assert "gone" in str(late.done().refusal)
    assert not Campaign.objects.exists()


def test_a_campaign_archived_twice_is_archived_once():
    campaign = ChannelFactory().campaign
    with transaction.atomic():
        services.archive_campaign(campaign=campaign, actor=None)
        again = Other(lambda: services.archive_campaign(campaign=campaign, actor=None))
        assert again.is_waiting()
    assert "already" in str(again.done().refusal)
    assert campaign.activities.filter(verb="archive").count() == 1


def test_a_channel_that_completes_meanwhile_does_not_keep_the_others_from_being_paused():
    done = ChannelFactory(running=True)
    running = ChannelFactory(running=True, campaign=done.campaign, name="Second")
    EnrollmentFactory(channel=running)
    with transaction.atomic():
        services.complete_channel(channel=done)
        pause = Other(lambda: services.pause_campaign(campaign=done.campaign, actor=None))
        assert pause.is_waiting()
    assert pause.done().result == 1
    assert (status(done), status(running)) == ("completed", "paused")


def test_a_channel_that_is_stopped_meanwhile_does_not_keep_the_others_from_being_resumed():
    stopped = ChannelFactory(paused=True, lists=[ListFactory(members=1)])
    paused = ChannelFactory(
        paused=True, campaign=stopped.campaign, name="Second", lists=[ListFactory(members=1)]
    )
    with transaction.atomic():
        services.stop_channel(channel=stopped, actor=None)
        resume = Other(lambda: services.resume_campaign(campaign=stopped.campaign, actor=None))
        assert resume.is_waiting()
    assert resume.done().result == 1
    assert (status(stopped), status(paused)) == ("stopped", "running")
