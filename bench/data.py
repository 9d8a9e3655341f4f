"""``python -m bench.data``: an installation after years of work, by SQL: the same for the same seed.

Contacts in many zones with names, addresses and two custom fields; one list of all of them and fifty
of a fiftieth each; do-not-contact; exclusions; campaigns that are over, one that runs through everybody,
one that waits to be started; their enrollments and calls. Fills an empty, migrated database.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import django
from django.db import connection, transaction
from django.utils import timezone

SEGMENTS = 50
# More than a page shows.
FULL_PAGE = 70
# How many have the name that is searched for, at least.
NAMESAKES = 200
# Area, its digits, and the zones it may be in.
PLACES = (
    ("+1212", ["America/New_York"]),
    ("+1617", ["America/New_York"]),
    ("+1404", ["America/New_York"]),
    ("+1312", ["America/Chicago"]),
    ("+1214", ["America/Chicago"]),
    ("+1303", ["America/Denver"]),
    ("+1602", ["America/Phoenix"]),
    ("+1415", ["America/Los_Angeles"]),
    ("+1213", ["America/Los_Angeles"]),
    ("+1208", ["America/Boise", "America/Los_Angeles"]),
    ("+1850", ["America/Chicago", "America/New_York"]),
    ("+1808", ["Pacific/Honolulu"]),
    ("+1416", ["America/Toronto"]),
    ("+44207", ["Europe/London"]),
    ("+4930", ["Europe/Berlin"]),
    ("+6129", ["Australia/Sydney"]),
)
# fmt: off
FIRST_NAMES = (
    "Anna", "Maria", "James", "Wei", "Fatima", "Olu", "José", "Linda", "Robert", "Aisha", "Jürgen",
    "Sofia", "Noah", "Mei", "Carlos", "Emma", "Liam", "Priya", "David", "Zoë", "Ahmed", "Chloe",
    "Daniel", "Ines", "Hiro", "Laura", "Peter", "Nadia", "Omar", "Ruth", "Stefan", "Tara", "Ursula",
    "Victor", "Wanda", "Yusuf",
)
LAST_NAMES = (
    "Svensson", "Smith", "Johnson", "García", "Müller", "Nguyen", "Okafor", "Brown", "Davis",
    "Martínez", "Lee", "Wilson", "Anderson", "Khan", "Rossi", "Dubois", "Novak", "Yamada", "Silva",
    "Clark", "Lewis", "Walker", "Hall", "Young", "King", "Wright", "Lopez", "Hill", "Green", "Adams",
    "Baker", "Nelson", "O’Neill", "Murphy", "Schmidt", "Weber", "Fischer", "Meyer", "Kowalski",
    "Jansen", "Andersen", "Popov", "Haddad", "Cohen", "Levy", "Singh", "Patel",
)
# fmt: on
COMPANIES = ("Acme Tools", "Blue Harbor", "Northwind Foods", "Old Town Dental", "Pine & Sons", "Quarry Bank")

# Of everything that is left to chance: the same for the same row, seed and question.
CHANCE = """
CREATE FUNCTION pg_temp.chance(n bigint, question integer) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (hashint8extended(n * 64 + question, {seed}) & 2147483647) / 2147483648.0
$$
"""

# One in 200 has an address only, one in 2,000 was erased. One name is frequent enough everywhere to be found
# on a full page, of contacts and of the running campaign's calls.
CONTACTS = """
INSERT INTO contacts_contact (
    phone_number, email, first_name, last_name, company, fields, time_zone, zone_set_id,
    created_at, updated_at, erased_at
)
SELECT
    CASE WHEN person.number THEN place.prefix || (2000000 + n * 611953 %% 7999993) END,
    CASE WHEN person.address
        THEN lower(name.first || '.' || name.last) || n || '@example.'
            || (ARRAY['com', 'org', 'net'])[n %% 3 + 1]
    END,
    CASE WHEN person.erased THEN '' ELSE name.first END,
    CASE WHEN person.erased THEN '' ELSE name.last END,
    CASE WHEN person.erased OR pg_temp.chance(n, 3) < 0.7 THEN ''
        ELSE (%(companies)s::text[])[n %% %(company_count)s + 1] END,
    CASE WHEN person.erased THEN '{}'::jsonb
        ELSE jsonb_build_object(
            'plan', (ARRAY['Basic', 'Plus', 'Family'])[n %% 3 + 1],
            'balance', floor(pg_temp.chance(n, 4) * 900)
        )
    END,
    '', place.zone_set_id, %(now)s - interval '1 year', %(now)s - interval '1 year',
    CASE WHEN person.erased THEN %(now)s END
FROM generate_series(1, %(contacts)s::bigint) AS n
CROSS JOIN LATERAL (
    SELECT n %% 2000 = 77 AS erased, n %% 2000 <> 77 AND n %% 200 <> 7 AS number,
           n %% 2000 <> 77 AND (n %% 200 = 7 OR pg_temp.chance(n, 1) < 0.7) AS address
) AS person
CROSS JOIN LATERAL (
    SELECT CASE WHEN n %% %(namesakes)s = 1 THEN 'Chloe'
               ELSE (%(first_names)s::text[])[floor(pg_temp.chance(n, 5) * %(first_count)s)::int + 1]
           END AS first,
           CASE WHEN n %% %(namesakes)s = 1 THEN 'Martínez'
               ELSE (%(last_names)s::text[])[floor(pg_temp.chance(n, 6) * %(last_count)s)::int + 1]
           END AS last
) AS name
JOIN bench_place AS place ON place.id = floor(pg_temp.chance(n, 2) * %(places)s)::int
ORDER BY n
"""

LISTS = """
INSERT INTO contacts_list (name, description, version, size, created_at)
SELECT CASE n WHEN 0 THEN 'Everybody' ELSE 'Segment ' || n END, '', 1, 0, %(now)s - interval '1 year'
FROM generate_series(0, %(segments)s) AS n ORDER BY n;
INSERT INTO contacts_membership (list_id, contact_id, added_in)
SELECT list.id, contact.id, 1 FROM contacts_list AS list, contacts_contact AS contact
WHERE list.name = 'Everybody' ORDER BY contact.id;
INSERT INTO contacts_membership (list_id, contact_id, added_in)
SELECT list.id, contact.id, 1
FROM contacts_list AS list
JOIN contacts_contact AS contact ON list.name = 'Segment ' || (contact.id %% %(segments)s + 1)
ORDER BY list.id, contact.id;
UPDATE contacts_list SET size = (SELECT count(*) FROM contacts_membership WHERE list_id = contacts_list.id);
INSERT INTO contacts_listversion (list_id, number, added, removed, size, note, created_at)
SELECT id, 1, size, 0, size, '', created_at FROM contacts_list;
INSERT INTO contacts_customfield (name, label, kind, description, created_at)
VALUES ('plan', 'Plan', 'text', '', %(now)s), ('balance', 'Balance', 'number', '', %(now)s);
INSERT INTO contacts_import (
    file, file_name, status, list_id, list_name, country, dialect, mapping, rows, created, updated, unchanged,
    duplicates, invalid, error, created_at, finished_at, email_is_enough, purpose, reason, scope, attempts,
    taken_off, deleted
)
SELECT '', lower(replace(name, ' ', '-')) || '.csv', 'completed', id, name, 'US', %(dialect)s, %(mapping)s,
       size + size / 100, size, 0, 0, size / 100 - size / 300, size / 300, '', created_at, created_at,
       true, 'contacts', '', '', 1, 0, 0
FROM contacts_list;
"""

# Two in a hundred; most of them for everything, some for texts only, some of them over.
DO_NOT_CONTACT = """
INSERT INTO contacts_donotcontact (phone_number, scope, source, reason, expires_at, created_at)
SELECT phone_number, (ARRAY['all', 'all', 'voice', 'text'])[floor(pg_temp.chance(id, 10) * 4)::int + 1],
       (ARRAY['import', 'person', 'assistant'])[id %% 3 + 1], '',
       CASE WHEN pg_temp.chance(id, 11) < 0.1 THEN %(now)s + (id %% 21 - 10) * interval '1 day' END,
       %(now)s - interval '30 days'
FROM contacts_contact WHERE phone_number IS NOT NULL AND pg_temp.chance(id, 9) < 0.02 ORDER BY id;
"""

# The first runs through everybody, the second waits to be started with everybody and a segment.
CAMPAIGNS = """
INSERT INTO campaigns_callerid (phone_number, name, is_active, created_at)
VALUES ('+14155550100', 'Front desk', true, %(now)s);
INSERT INTO campaigns_assistant (name, description, url, is_active, created_at)
VALUES ('Ava', '', 'ws://127.0.0.1:9/', true, %(now)s);
INSERT INTO campaigns_campaign (name, description, direction, status, archived_at, created_at, updated_at)
SELECT (ARRAY['Renewals', 'Welcome', 'Survey', 'Appointments', 'Win-back'])[n %% 5 + 1] || ' ' || n, '',
       'outbound', CASE WHEN n = 1 THEN 'active' WHEN n = 2 OR n %% 10 = 3 THEN 'draft'
           WHEN n %% 10 = 4 THEN 'paused' WHEN n %% 10 = 5 THEN 'ended' ELSE 'completed' END,
       CASE WHEN n %% 10 = 6 THEN %(now)s END,
       %(now)s - (%(campaigns)s - n) * interval '2 hours', %(now)s
FROM generate_series(1, %(campaigns)s) AS n ORDER BY n;
INSERT INTO campaigns_channel (
    campaign_id, kind, name, status, run, started_at, finished_at, pause_reason, pause_note, created_at,
    revision
)
SELECT id, 'ai_voice', 'AI voice',
       CASE status WHEN 'active' THEN 'running' WHEN 'draft' THEN 'ready' WHEN 'ended' THEN 'stopped'
           ELSE status END,
       (status <> 'draft')::int, CASE WHEN status <> 'draft' THEN created_at END,
       CASE WHEN status IN ('completed', 'ended') THEN created_at + interval '1 day' END,
       CASE WHEN status = 'paused' THEN 'person' ELSE '' END, '', created_at, 1
FROM campaigns_campaign ORDER BY id;
INSERT INTO campaigns_channeldrive (channel_id, owner, waiting_for) SELECT id, '', '' FROM campaigns_channel;
INSERT INTO campaigns_schedule (channel_id, time_zone, hours, closed_days)
SELECT id, '', array_fill(16777215, ARRAY[7]), '{}' FROM campaigns_channel;
INSERT INTO campaigns_voicesettings (
    channel_id, destination, dial_timeout_seconds, prompt, concurrent_calls, calls_per_second,
    attempts_per_contact, record_calls, machine_detection, detection_timeout_ms, speech_threshold_ms,
    end_of_speech_ms, initial_silence_ms, on_machine, voicemail_message, max_attempts_per_day,
    assistant_id, caller_id_id
)
SELECT channel.id, 'assistant', 60, '', 50, 5, 2, false, 'off', 5000, 2400, 1200, 4500, 'hang_up', '', 3,
       assistant.id, caller.id
FROM campaigns_channel AS channel, campaigns_assistant AS assistant, campaigns_callerid AS caller;
INSERT INTO campaigns_channellist (channel_id, list_id, version)
SELECT channel.id, list.id, CASE WHEN channel.run > 0 THEN 1 END
FROM campaigns_channel AS channel JOIN contacts_list AS list
    ON list.name = 'Segment ' || (channel.id %% %(segments)s + 1) AND channel.id <> 1
    OR list.name = 'Everybody' AND channel.id <= 2
ORDER BY channel.id, list.id;
INSERT INTO campaigns_campaignexclusion (campaign_id, list_id)
SELECT campaign.id, list.id FROM campaigns_campaign AS campaign JOIN contacts_list AS list
    ON list.name = 'Segment ' || ((campaign.id + 7) %% %(segments)s + 1)
WHERE campaign.id = 2 OR campaign.id %% 10 = 0;
INSERT INTO campaigns_activity (campaign_id, channel_id, campaign_name, channel_name, verb, text, at)
SELECT campaign.id, channel.id, campaign.name, channel.name, 'start', 'started AI voice', channel.started_at
FROM campaigns_campaign AS campaign JOIN campaigns_channel AS channel ON channel.campaign_id = campaign.id
WHERE channel.run > 0 ORDER BY channel.id;
"""

# Who has been called in the first one: those enrolled first. In the others: an equal part each, but in the
# newest enough for a page.
ENROLLMENTS = """
INSERT INTO campaigns_enrollment (
    channel_id, contact_id, zone_set_id, run, status, is_reached, attempts, due_at, reason, updated_at
)
SELECT place.channel_id, contact.id, contact.zone_set_id, 1,
       CASE WHEN contact.phone_number IS NULL THEN 'skipped' WHEN NOT place.is_done THEN 'pending'
           ELSE (ARRAY['no_answer', 'no_answer', 'no_answer', 'no_answer', 'completed', 'completed',
                       'completed', 'voicemail', 'busy', 'failed'])[
                   floor(pg_temp.chance(place.n, 20) * 10)::int + 1] END,
       place.is_done AND contact.phone_number IS NOT NULL
           AND floor(pg_temp.chance(place.n, 20) * 10)::int IN (4, 5, 6),
       CASE WHEN place.is_done AND contact.phone_number IS NOT NULL
           THEN 1 + (pg_temp.chance(place.n, 21) < 0.15)::int ELSE 0 END,
       %(now)s - interval '1 day',
       CASE WHEN contact.phone_number IS NULL THEN 'Has no phone number' ELSE '' END,
       %(now)s - pg_temp.chance(place.n, 22) * interval '90 days'
FROM (
    SELECT 1::bigint AS channel_id, n AS contact_id, n, n <= %(first)s AS is_done
    FROM generate_series(1, %(contacts)s::bigint) AS n
    UNION ALL
    SELECT channel.id, (channel.id * 31 + n) %% %(in_segment)s * %(segments)s + channel.id %% %(segments)s,
           channel.id * 1000003 + n, n <= part.called
    FROM campaigns_channel AS channel
    CROSS JOIN LATERAL (
        SELECT CASE WHEN channel.id > %(campaigns)s - 10 THEN %(newest)s ELSE %(each)s END AS called
    ) AS part
    CROSS JOIN LATERAL generate_series(
        1, (part.called * CASE WHEN channel.status IN ('paused', 'stopped') THEN 1.2 ELSE 1 END)::bigint
    ) AS n
    WHERE channel.id > 2 AND channel.run > 0
) AS place
JOIN contacts_contact AS contact ON contact.id = place.contact_id
ORDER BY place.channel_id, place.n
"""

CALLS = """
INSERT INTO dialer_call (
    enrollment_id, channel_id, campaign_id, contact_id, assistant_id, campaign_name, channel_name,
    contact_name, assistant_name, to_number, from_number, run, attempt, state, outcome, claimed_from, owner,
    checks, request_id, carrier_id, created_at, placed_at, accepted_at, ringing_at, answered_at, ended_at,
    duration_seconds, billed_seconds, cost, is_machine, message_left, hangup_code, hangup_cause, hangup_by,
    summary, notes, disposition_id
)
SELECT enrollment.id, channel.id, campaign.id, contact.id, assistant.id, campaign.name, channel.name,
       contact.first_name || ' ' || contact.last_name, assistant.name, contact.phone_number, '+14155550100',
       1, attempt, 'ended', part.outcome, CASE attempt WHEN 1 THEN 'pending' ELSE 'retry' END, '', 0,
       'request-' || enrollment.id || '-' || attempt, 'call-' || enrollment.id || '-' || attempt,
       part.at, part.at, part.at, part.at + interval '1 second',
       CASE WHEN part.answered THEN part.at + interval '9 seconds' END, part.at + interval '1 minute',
       CASE WHEN part.answered THEN 5 + floor(pg_temp.chance(enrollment.id, 30) * 200) ELSE 0 END,
       CASE WHEN part.answered THEN 60 ELSE 0 END, CASE WHEN part.answered THEN 0.012 ELSE 0 END,
       part.outcome = 'voicemail', false, 4000, 'Normal Hangup', 'Callee', '', '',
       CASE WHEN part.outcome = 'completed' AND pg_temp.chance(enrollment.id, 31) < 0.6
           THEN (SELECT min(id) FROM campaigns_disposition)
               + floor(pg_temp.chance(enrollment.id, 32) * 4)::int END
FROM campaigns_enrollment AS enrollment
CROSS JOIN LATERAL generate_series(1, enrollment.attempts) AS attempt
CROSS JOIN LATERAL (
    SELECT CASE WHEN attempt < enrollment.attempts THEN 'no_answer' ELSE enrollment.status END AS outcome,
           attempt = enrollment.attempts AND enrollment.status IN ('completed', 'voicemail') AS answered,
           enrollment.updated_at - (enrollment.attempts - attempt + 1) * interval '1 hour' AS at
) AS part
JOIN campaigns_channel AS channel ON channel.id = enrollment.channel_id
JOIN campaigns_campaign AS campaign ON campaign.id = channel.campaign_id
JOIN contacts_contact AS contact ON contact.id = enrollment.contact_id
CROSS JOIN campaigns_assistant AS assistant
ORDER BY part.at, enrollment.id, attempt
"""


@dataclass(frozen=True)
class Sizes:
    """How much there is. Calls come out within a few per cent of what was asked for."""

    contacts: int
    calls: int
    campaigns: int
    seed: int = 1

    @classmethod
    def of(cls, contacts: int) -> Sizes:
        """As many calls, and a campaign for each thousand, but enough for every page to be full."""
        return cls(contacts, contacts, max(300, contacts // 1000))


def fill(sizes: Sizes, now: datetime | None = None) -> None:
    """Fill the database of the settings; it has to be empty, and to have its tables."""
    parameters = _parameters(sizes, now or timezone.now())
    with connection.cursor() as cursor:
        with transaction.atomic():
            cursor.execute("SET LOCAL work_mem = '256MB'")
            cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
            cursor.execute(CHANCE.format(seed=int(sizes.seed)))
            _places(cursor)
            with _indexes_later(cursor, "contacts_contact", "contacts_membership"):
                cursor.execute(CONTACTS, parameters)
                _execute(cursor, LISTS, parameters)
            cursor.execute("ANALYZE contacts_contact, contacts_membership")
            _execute(cursor, DO_NOT_CONTACT, parameters)
            _execute(cursor, CAMPAIGNS, parameters)
            with _indexes_later(cursor, "campaigns_enrollment"):
                cursor.execute(ENROLLMENTS, parameters)
            cursor.execute("ANALYZE campaigns_enrollment")
            with _indexes_later(cursor, "dialer_call"):
                cursor.execute(CALLS, parameters)
        cursor.execute("VACUUM ANALYZE")


def _parameters(sizes: Sizes, now: datetime) -> dict[str, Any]:
    tried = sizes.calls / 1.1
    others = sizes.campaigns * 0.9
    in_segment = sizes.contacts // SEGMENTS
    most = in_segment * 5 // 6
    each = min(int(tried * 0.6 / others), most)
    return {
        "now": now,
        "dialect": json.dumps(
            {
                "encoding": "utf-8",
                "delimiter": ",",
                "has_header": True,
                "columns": ["Phone", "First name", "Last name", "Email", "Plan", "Balance"],
                "lines": in_segment,
            }
        ),
        "mapping": json.dumps(
            dict(
                enumerate(("phone_number", "first_name", "last_name", "email", "field:plan", "field:balance"))
            )
        ),
        "contacts": sizes.contacts,
        "campaigns": sizes.campaigns,
        "segments": SEGMENTS,
        "in_segment": in_segment,
        "first": min(int(tried * 0.4), sizes.contacts),
        "each": each,
        "newest": min(max(each, FULL_PAGE), most) if each else 0,
        "namesakes": max(sizes.contacts // NAMESAKES, 2),
        "places": len(PLACES),
        **_array("first_names", "first_count", FIRST_NAMES),
        **_array("last_names", "last_count", LAST_NAMES),
        **_array("companies", "company_count", COMPANIES),
    }


def _array(name: str, count: str, values: Sequence[str]) -> dict[str, Any]:
    return {name: list(values), count: len(values)}


def _execute(cursor: Any, statements: str, parameters: dict[str, Any]) -> None:
    for statement in filter(str.strip, statements.split(";\n")):
        cursor.execute(statement, parameters)


def _places(cursor: Any) -> None:
    from contacts.zones import ZoneSets

    sets = ZoneSets()
    cursor.execute(
        "CREATE TEMP TABLE bench_place (id integer, prefix text, zone_set_id smallint) ON COMMIT DROP"
    )
    cursor.executemany(
        "INSERT INTO bench_place VALUES (%s, %s, %s)",
        [(place, prefix, sets.id_for(zones)) for place, (prefix, zones) in enumerate(PLACES)],
    )
    cursor.execute("ANALYZE bench_place")


@contextmanager
def _indexes_later(cursor: Any, *tables: str) -> Iterator[None]:
    """Indexes are made in one go once the rows are there; those of constraints stay."""
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY(%s::regclass[]) AND NOT EXISTS ("
        "     SELECT FROM pg_constraint WHERE conindid = indexrelid)",
        [list(tables)],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    # What is checked at the end of the transaction would stand in the way.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    for _, definition in indexes:
        cursor.execute(definition)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.data", description=__doc__)
    parser.add_argument("contacts", type=int)
    parser.add_argument("--calls", type=int, help="default: as many")
    parser.add_argument("--campaigns", type=int, help="default: one for each thousand, at least 300")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    usual = Sizes.of(options.contacts)
    django.setup()
    fill(
        Sizes(
            options.contacts,
            usual.calls if options.calls is None else options.calls,
            usual.campaigns if options.campaigns is None else options.campaigns,
            options.seed,
        )
    )


if __name__ == "__main__":
    main()
