from __future__ import annotations

from datetime import timedelta

import factory
from django.utils import timezone

from campaigns.lifecycles import (
    DONE,
    REACHED,
    CampaignStatus,
    ChannelStatus,
    EnrollmentStatus,
    derive_campaign_status,
)
from campaigns.models import (
    Assistant,
    AssistantPool,
    CallerId,
    Campaign,
    Channel,
    ChannelDrive,
    ChannelList,
    Enrollment,
    PauseReason,
    PoolMember,
    ReattemptRule,
    Schedule,
    VoiceSettings,
)
from campaigns.models.rules import ALL_DAY
from tests.factories.contacts import ContactFactory

# What a contact is only after an attempt.
AFTER_AN_ATTEMPT = DONE - {EnrollmentStatus.SKIPPED, EnrollmentStatus.DO_NOT_CALL}


class AssistantFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Assistant

    name = factory.Sequence(lambda n: f"Assistant {n}")
    url = "ws://127.0.0.1:9/assistant"


class AssistantPoolFactory(factory.django.DjangoModelFactory):
    """A pool; ``AssistantPoolFactory(members={assistant: weight})``, or of one assistant."""

    class Meta:
        model = AssistantPool
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Pool {n}")

    @factory.post_generation
    def members(self, create, extracted, **kwargs):
        members = {AssistantFactory(): 1} if extracted is None else extracted
        for assistant, weight in members.items():
            PoolMember.objects.create(pool=self, assistant=assistant, weight=weight)


class CallerIdFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CallerId

    phone_number = factory.Sequence(lambda n: f"+1212555{1000 + n % 9000}")
    name = "Front desk"


class CampaignFactory(factory.django.DjangoModelFactory):
    """A campaign without channels; ``ChannelFactory`` makes one with its campaign."""

    class Meta:
        model = Campaign

    name = factory.Sequence(lambda n: f"Campaign {n}")
    status = CampaignStatus.DRAFT


class VoiceSettingsFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = VoiceSettings

    assistant = factory.SubFactory(AssistantFactory)
    caller_id = factory.SubFactory(CallerIdFactory)
    concurrent_calls = 20
    calls_per_second = 5


class ScheduleFactory(factory.django.DjangoModelFactory):
    """Always open, in each contact's own zone; quiet hours still hold."""

    class Meta:
        model = Schedule

    time_zone = ""
    hours = factory.LazyFunction(lambda: [ALL_DAY] * 7)


class ChannelDriveFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ChannelDrive


class ChannelFactory(factory.django.DjangoModelFactory):
    """An AI-voice channel, ready to start but for its lists: ``ChannelFactory(lists=[a_list])``.

    In another state: ``ChannelFactory(running=True)``, ``paused``, ``scheduled``, ``stopped`` or
    ``completed``; its campaign has the status that follows. Settings by
    ``ChannelFactory(voice__concurrent_calls=3, schedule__time_zone="America/Denver")``.
    """

    class Meta:
        model = Channel
        skip_postgeneration_save = True

    class Params:
        running = factory.Trait(
            status=ChannelStatus.RUNNING, run=1, started_at=factory.LazyFunction(timezone.now)
        )
        paused = factory.Trait(
            status=ChannelStatus.PAUSED,
            run=1,
            started_at=factory.LazyFunction(timezone.now),
            pause_reason=PauseReason.PERSON,
        )
        scheduled = factory.Trait(
            status=ChannelStatus.SCHEDULED,
            start_at=factory.LazyFunction(lambda: timezone.now() + timedelta(days=1)),
        )
        stopped = factory.Trait(
            status=ChannelStatus.STOPPED,
            run=1,
            started_at=factory.LazyFunction(timezone.now),
            finished_at=factory.LazyFunction(timezone.now),
        )
        completed = factory.Trait(
            status=ChannelStatus.COMPLETED,
            run=1,
            started_at=factory.LazyFunction(timezone.now),
            finished_at=factory.LazyFunction(timezone.now),
        )

    campaign = factory.SubFactory(
        CampaignFactory,
        status=factory.LazyAttribute(lambda c: derive_campaign_status([c.factory_parent.status])),
    )
    name = "Voice"
    status = ChannelStatus.READY
    voice = factory.RelatedFactory(VoiceSettingsFactory, factory_related_name="channel")
    schedule = factory.RelatedFactory(ScheduleFactory, factory_related_name="channel")
    drive = factory.RelatedFactory(ChannelDriveFactory, factory_related_name="channel")

    @factory.post_generation
    def lists(self, create, extracted, **kwargs):
        if create:
            for one in extracted or ():
                # Pinned, once it has started.
                ChannelList.objects.create(channel=self, list=one, version=one.version if self.run else None)


class ReattemptRuleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ReattemptRule

    channel = factory.SubFactory(ChannelFactory)
    outcome = ReattemptRule.Outcome.NO_ANSWER
    delay_minutes = 30
    max_times = 1


class EnrollmentFactory(factory.django.DjangoModelFactory):
    """A contact waiting its turn, due now, in the first run of a running channel."""

    class Meta:
        model = Enrollment

    channel = factory.SubFactory(ChannelFactory, running=True)
    contact = factory.SubFactory(ContactFactory)
    zone_set = factory.SelfAttribute("contact.zone_set")
    run = factory.LazyAttribute(lambda enrollment: enrollment.channel.run or 1)
    status = EnrollmentStatus.PENDING
    # As the calls that brought it there would have left it.
    attempts = factory.LazyAttribute(lambda enrollment: int(enrollment.status in AFTER_AN_ATTEMPT))
    is_reached = factory.LazyAttribute(lambda enrollment: enrollment.status in REACHED)
    due_at = factory.LazyFunction(timezone.now)
