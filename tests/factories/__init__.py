"""Test data: one factory for each noun, each making the smallest whole thing of its kind."""

from tests.factories.accounts import UserFactory
from tests.factories.campaigns import (
    AssistantFactory,
    AssistantPoolFactory,
    CallerIdFactory,
    CampaignFactory,
    ChannelFactory,
    EnrollmentFactory,
    ReattemptRuleFactory,
    ScheduleFactory,
    VoiceSettingsFactory,
)
from tests.factories.contacts import (
    ContactFactory,
    DoNotContactFactory,
    ListFactory,
    ZoneSetFactory,
    zone_set,
)

__all__ = [
    "AssistantFactory",
    "AssistantPoolFactory",
    "CallerIdFactory",
    "CampaignFactory",
    "ChannelFactory",
    "ContactFactory",
    "DoNotContactFactory",
    "EnrollmentFactory",
    "ListFactory",
    "ReattemptRuleFactory",
    "ScheduleFactory",
    "UserFactory",
    "VoiceSettingsFactory",
    "ZoneSetFactory",
    "zone_set",
]
