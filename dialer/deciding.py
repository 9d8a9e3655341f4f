"""What a call that has ended means for its contact, with what is known of the calls before it."""

from __future__ import annotations

from datetime import datetime

from campaigns.outcomes import Decision, Ending, decide
from campaigns.rulebook import Rulebook
from contacts.models import zones_of
from dialer.models import Call


def decide_for_contact(
    ending: Ending,
    rules: Rulebook,
    *,
    call_id: int,
    enrollment_id: int,
    attempts: int,
    zone_set_id: int,
    now: datetime,
) -> Decision:
    """What becomes of the contact of call ``call_id``.

    ``attempts``: how many the contact has had in this run, this call included.
    """
    retries = 0
    if ending.outcome in rules.rules.by_outcome:
        # Each earlier call with this outcome led to another attempt, else there were no later one.
        earlier = Call.objects.filter(enrollment_id=enrollment_id, outcome=ending.outcome)
        retries = earlier.exclude(pk=call_id).count()
    return decide(
        ending,
        attempts=attempts,
        retries_of_this_outcome=retries,
        rules=rules.rules,
        hours=rules.hours,
        channel_zone=rules.zone,
        contact_zones=zones_of(zone_set_id),
        now=now,
    )
