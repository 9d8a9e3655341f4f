from campaigns.models.activity import Activity
from campaigns.models.campaign import Campaign, CampaignExclusion
from campaigns.models.channel import Channel, ChannelDrive, ChannelKind, ChannelList, PauseReason
from campaigns.models.destinations import Assistant, CallerId
from campaigns.models.disposition import Disposition
from campaigns.models.enrollment import Enrollment, EnrollmentCount
from campaigns.models.rules import ReattemptRule, Schedule
from campaigns.models.voice import MachineAction, MachineDetection, VoiceDestination, VoiceSettings

__all__ = [
    "Activity",
    "Assistant",
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
    "ReattemptRule",
    "Schedule",
    "VoiceDestination",
    "VoiceSettings",
]
