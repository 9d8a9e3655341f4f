"""What may be done with campaigns: keyword-only, atomic, one function a use case.

Whatever is refused raises ``Refused`` (or the lifecycle's ``MoveRefused``, turned into one) with a
message for the person who asked.
"""

from campaigns.refusals import Refusal, Refused
from campaigns.services.activity import done_by_way_of, record_access, record_activity
from campaigns.services.campaigns import (
    archive_campaign,
    create_campaign,
    delete_campaign,
    duplicate_campaign,
    pause_campaign,
    press_campaign,
    restore_campaign,
    resume_campaign,
)
from campaigns.services.channels import (
    complete_channel,
    lock_channel,
    pause_channel,
    reopen_channel,
    rerun_channel,
    resume_channel,
    save_channel_settings,
    schedule_channel,
    start_channel,
    start_now,
    start_refusals,
    start_scheduled_channel,
    stop_channel,
    unschedule_channel,
)
from campaigns.services.composition import add_channel, delete_channel, rename_channel
from campaigns.services.erasing import forget_activities, leave_campaigns
from campaigns.services.exclusions import add_exclusion, bring_back_excluded, remove_exclusion
from campaigns.services.lists import assign_list, take_newest_version, unassign_list
from campaigns.services.places import (
    bring_back_contacts,
    forbid_places,
    retry_contacts,
    skip_contacts,
)
from campaigns.services.remarketing import Made, make_channel_from

__all__ = [
    "Made",
    "Refusal",
    "Refused",
    "add_channel",
    "add_exclusion",
    "archive_campaign",
    "assign_list",
    "bring_back_contacts",
    "bring_back_excluded",
    "complete_channel",
    "create_campaign",
    "delete_campaign",
    "delete_channel",
    "done_by_way_of",
    "duplicate_campaign",
    "forbid_places",
    "forget_activities",
    "leave_campaigns",
    "lock_channel",
    "make_channel_from",
    "pause_campaign",
    "pause_channel",
    "press_campaign",
    "record_access",
    "record_activity",
    "remove_exclusion",
    "rename_channel",
    "reopen_channel",
    "rerun_channel",
    "restore_campaign",
    "resume_campaign",
    "resume_channel",
    "retry_contacts",
    "save_channel_settings",
    "schedule_channel",
    "skip_contacts",
    "start_channel",
    "start_now",
    "start_refusals",
    "start_scheduled_channel",
    "stop_channel",
    "take_newest_version",
    "unassign_list",
    "unschedule_channel",
]
