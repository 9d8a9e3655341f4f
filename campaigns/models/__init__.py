from campaigns.models.activity import Activity
from campaigns.models.campaign import Campaign, CampaignExclusion
from campaigns.models.channel import Channel, ChannelDrive, ChannelKind, ChannelList, PauseReason
from campaigns.models.destinations import Assistant, AssistantKind, AssistantPool, CallerId, PoolMember
from campaigns.models.disposition import Disposition
from campaigns.models.enrollment import Enrollment, EnrollmentCount
from campaigns.models.rules import ReattemptRule, Schedule
from campaigns.models.voice import (
    AnnouncementSource,
    MachineAction,
    MachineDetection,
    SpeakingVoice,
    SpokenLanguage,
    TalkTo,
    VoiceDestination,
    VoiceSettings,
)

__all__ = [
    "Activity",
    "AnnouncementSource",
    "Assistant",
    "AssistantKind",
    "AssistantPool",
    "CallerId",
    "Campaign",
    "CampaignExclusion",
    "Channel",
    "ChannelDrive",
    "ChannelKind",
    "ChannelList",
    "Disposition",
    "Enrollment",
    "EnrollmentCount",
    "MachineAction",
    "MachineDetection",
    "PauseReason",
    "PoolMember",
    "ReattemptRule",
    "Schedule",
    "SpeakingVoice",
    "SpokenLanguage",
    "TalkTo",
    "VoiceDestination",
    "VoiceSettings",
]
