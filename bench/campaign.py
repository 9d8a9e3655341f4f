"""``python -m bench.campaign N``: a running campaign of N contacts, without limits, in the database."""

from __future__ import annotations

import sys

import django
from django.db import connection


def make(contacts: int) -> None:
    from campaigns.models import Assistant, CallerId, Schedule, VoiceSettings
    from campaigns.models.rules import ALL_DAY
    from campaigns.services import assign_list, create_campaign, start_channel
    from contacts.models import List, ZoneSet

    zones = ZoneSet.objects.create(zones=["America/Los_Angeles"])
    members = List.objects.create(name="Everybody", version=1, size=contacts)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_contact (phone_number, first_name, last_name, company, fields, time_zone,"
            " zone_set_id, created_at, updated_at)"
            " SELECT '+1415' || (2000000 + n), 'Anna', 'Svensson', '', '{}', '', %s, now(), now()"
            " FROM generate_series(1, %s) AS n",
            [zones.pk, contacts],
        )
        cursor.execute(
            "INSERT INTO contacts_membership (list_id, contact_id, added_in)"
            " SELECT %s, id, 1 FROM contacts_contact ORDER BY id",
            [members.pk],
        )
        cursor.execute("ANALYZE")
    campaign = create_campaign(actor=None, name="Benchmark")
    channel = campaign.channels.get()
    VoiceSettings.objects.filter(channel=channel).update(
        destination="hangup",
        assistant=Assistant.objects.create(name="Nobody", url="ws://127.0.0.1:9/"),
        caller_id=CallerId.objects.create(phone_number="+14155550100"),
        concurrent_calls=5000,
        calls_per_second=2000,
        max_attempts_per_day=None,
    )
    Schedule.objects.filter(channel=channel).update(hours=[ALL_DAY] * 7)
    assign_list(channel=channel, list=members, actor=None)
    start_channel(channel=channel, actor=None)


if __name__ == "__main__":
    django.setup()
    make(int(sys.argv[1]))
