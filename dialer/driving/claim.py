"""Claiming: in one transaction, who is called next is chosen, and the calls are written down as intents.

Everything that forbids a call is checked here, against what is committed at this moment: the lease, the
channel's state, its hours and each contact's own, do-not-contact, the campaign's exclusion lists,
frequency caps, a live call to the number anywhere, concurrency, and the paces. Who can't be called now
gets a later due time, or a final status, with the reason, in the same transaction, so that nobody is
looked at again and again.

Locks, in this order: the account (so that channels share its pace, and two claims never insert the same
numbers crosswise), the drive, the channel (shared: a pause waits for the claim, or the claim sees the
pause), the enrollments (skipping locked ones).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from campaigns.hours import next_opening
from campaigns.lifecycles import ENROLLMENT
from campaigns.models import ChannelDrive, Enrollment
from campaigns.models.enrollment import LAST_DAY_PASSED, OUTSIDE_HOURS, on_exclusion_list
from campaigns.rulebook import LAST_ZONE, Rulebook, Talker, rulebook
from contacts.models import zones_of
from contacts.queries import DNC_FORBIDS_CALLS
from dialer import deadlines
from dialer.carrier import CallOrder
from dialer.driving.demand import Headroom, Pace, demand, next_look
from dialer.driving.spreading import loads_of, room, spread
from dialer.progress import ON_DO_NOT_CONTACT
from dialer.statements import rows, run

# Looked at beyond what may start, so that excluded contacts do not cost a call's turn each.
SPARE_CANDIDATES = 20
# How often a claim looks for more candidates when those it found were all excluded.
ROUNDS = 5
# Who is in another call is looked at again after this.
BUSY_ELSEWHERE = timedelta(seconds=60)
# Contacts of a closed zone are put off so many at a time, in a transaction of their own.
PUT_OFF_AT_ONCE = 2000
# How soon to look again when nothing but calls in progress stands in the way.
POLL_BUSY = timedelta(milliseconds=100)
# How soon to look again when nobody is due.
POLL_IDLE = timedelta(seconds=1)


class Candidate(NamedTuple):
    enrollment_id: int
    contact_id: int
    status: str
    attempts: int
    zone_set_id: int
    phone_number: str | None
    name: str
    is_do_not_contact: bool
    # The name of a list that the campaign leaves alone and that holds the contact.
    excluded_by: str | None
    is_in_a_call: bool
    # When a frequency cap leaves room again; None: it does now.
    capped_until: datetime | None


@dataclass
class Claim:
    """What came of a claim: calls to place, and when to look again (by the database's clock)."""

    orders: list[CallOrder] = field(default_factory=list)
    now: datetime | None = None
    next_look_at: datetime | None = None
    # The lease or the channel was not (or no longer) ours to drive.
    is_lost: bool = False
    # Nobody waits and nobody is in progress: the run may be over.
    is_exhausted: bool = False
    # The schedule never opens again.
    is_past_its_end: bool = False
    # Outside the channel's hours, with calls under way: some may wait in the carrier's own queue.
    is_closed: bool = False
    # Zones found closed, by their set: until when, and why. The contacts that were met are put off; the
    # others are by ``put_off``, apart from the locks of the claim.
    closed: dict[int, tuple[datetime, str]] = field(default_factory=dict)
    run_number: int = 0

    @property
    def wait_seconds(self) -> float:
        """How long after it was asked it is worth claiming again."""
        if self.now is None or self.next_look_at is None:
            return POLL_IDLE.total_seconds()
        return max(0.0, (self.next_look_at - self.now).total_seconds())


ACCOUNT = """
SELECT next_start_at, held_until FROM dialer_carrieraccount WHERE auth_id = %(account)s FOR UPDATE
"""

# The clock is read outside, after the locks were waited for: paces are kept from when calls really start.
DRIVE = """
SELECT clock_timestamp(), locked.*,
       (SELECT count(*) FROM dialer_call WHERE channel_id = %(channel)s AND is_live)
FROM (
    SELECT channel.run, channel.revision, channel.campaign_id,
           drive.next_start_at, drive.next_start_in_minute_at
    FROM campaigns_channeldrive AS drive
    JOIN campaigns_channel AS channel ON channel.id = drive.channel_id
    WHERE drive.channel_id = %(channel)s
        AND drive.owner = %(driver)s AND drive.leased_until > clock_timestamp()
        AND channel.status = 'running'
    FOR UPDATE OF drive FOR SHARE OF channel
) AS locked
"""

# In the order callback, retry, fresh; each by due time: one read of the matching index for each.
CANDIDATES = f"""
WITH callbacks AS (
    SELECT id, turn, due_at FROM campaigns_enrollment
    WHERE channel_id = %(channel)s AND run = %(run)s AND status IN ('callback', 'pending', 'retry')
        AND turn = 0 AND due_at <= %(now)s
    ORDER BY channel_id, run, turn, due_at, id LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
), retries AS (
    SELECT id, turn, due_at FROM campaigns_enrollment
    WHERE channel_id = %(channel)s AND run = %(run)s AND status IN ('callback', 'pending', 'retry')
        AND turn = 1 AND due_at <= %(now)s
    ORDER BY channel_id, run, turn, due_at, id LIMIT GREATEST(0, %(most)s - (SELECT count(*) FROM callbacks))
    FOR UPDATE SKIP LOCKED
), fresh AS (
    SELECT id, turn, due_at FROM campaigns_enrollment
    WHERE channel_id = %(channel)s AND run = %(run)s AND status IN ('callback', 'pending', 'retry')
        AND turn = 2 AND due_at <= %(now)s
    ORDER BY channel_id, run, turn, due_at, id
    LIMIT GREATEST(0, %(most)s - (SELECT count(*) FROM callbacks) - (SELECT count(*) FROM retries))
    FOR UPDATE SKIP LOCKED
), picked AS MATERIALIZED (
    -- The limit says nothing new, but to the planner: how few they are, so that it looks each one up.
    SELECT * FROM (
        SELECT * FROM callbacks UNION ALL SELECT * FROM retries UNION ALL SELECT * FROM fresh
    ) AS all_three LIMIT %(most)s
), excluded AS MATERIALIZED (
    SELECT exclusion.id, exclusion.list_id, list.name
    FROM campaigns_campaignexclusion AS exclusion JOIN contacts_list AS list ON list.id = exclusion.list_id
    WHERE exclusion.campaign_id = %(campaign)s
)
SELECT enrollment.id, enrollment.contact_id, enrollment.status, enrollment.attempts, contact.zone_set_id,
       contact.phone_number, btrim(contact.first_name || ' ' || contact.last_name),
       EXISTS (
           SELECT FROM contacts_donotcontact AS dnc
           WHERE dnc.phone_number = contact.phone_number AND {DNC_FORBIDS_CALLS}
       ),
       (
           SELECT excluded.name FROM excluded
           JOIN contacts_membership AS member ON member.list_id = excluded.list_id
           WHERE member.contact_id = contact.id AND member.removed_in IS NULL
           ORDER BY excluded.id LIMIT 1
       ),
       EXISTS (
           SELECT FROM dialer_call AS live WHERE live.to_number = contact.phone_number AND live.is_live
       ),
       GREATEST(
           (
               SELECT created_at + interval '1 day' FROM dialer_call AS past
               WHERE past.to_number = contact.phone_number AND past.created_at > %(now)s - interval '1 day'
                   AND past.accepted_at IS NOT NULL
               ORDER BY created_at DESC OFFSET %(day_cap)s - 1 LIMIT 1
           ),
           (
               SELECT created_at + interval '7 days' FROM dialer_call AS past
               WHERE past.to_number = contact.phone_number AND past.created_at > %(now)s - interval '7 days'
                   AND past.accepted_at IS NOT NULL
               ORDER BY created_at DESC OFFSET %(week_cap)s - 1 LIMIT 1
           )
       )
FROM picked
JOIN campaigns_enrollment AS enrollment ON enrollment.id = picked.id
JOIN contacts_contact AS contact ON contact.id = enrollment.contact_id
ORDER BY picked.turn, picked.due_at, picked.id
"""  # noqa: S608  (only a constant is put in)
OVER_THE_CAP = "Over the cap of attempts"
# Why the next in turn was put off -> what the channel waits for.
_WAITS_FOR = {OUTSIDE_HOURS: "the contacts’ own hours", OVER_THE_CAP: "room under the cap of attempts"}
# A cap that is off: no number has so many calls.
NO_CAP = 1_000_000

# Two channels may hold the same person: the second one's intent is not inserted. Nor is that of somebody
# whose number was changed since it was read, or who is being changed or erased at this moment: who does that
# may wait for us, and is not waited for. The contacts are held: whoever changes a number sees the call to it.
INTENTS = """
INSERT INTO dialer_call (
    enrollment_id, channel_id, campaign_id, contact_id, assistant_id, campaign_name, channel_name,
    contact_name, assistant_name, to_number, from_number, run, attempt, state, outcome, claimed_from, owner,
    created_at, deadline_at, checks, request_id, carrier_id, is_machine, message_left,
    hangup_cause, hangup_by, summary, notes
)
SELECT chosen.enrollment_id, %(channel)s, %(campaign)s, chosen.contact_id, chosen.assistant_id,
       %(campaign_name)s, %(channel_name)s, chosen.name, chosen.assistant_name, chosen.number,
       %(from_number)s, %(run)s,
       chosen.attempt, 'intent', '', chosen.claimed_from, %(driver)s,
       %(now)s, %(now)s + %(deadline)s, 0, '', '', false, false, '', '', '', ''
FROM unnest(
    %(enrollments)s::bigint[], %(contacts)s::bigint[], %(names)s::text[], %(numbers)s::text[],
    %(attempts)s::smallint[], %(statuses)s::text[], %(assistants)s::bigint[], %(assistant_names)s::text[]
) WITH ORDINALITY AS chosen (
    enrollment_id, contact_id, name, number, attempt, claimed_from, assistant_id, assistant_name, place
)
JOIN contacts_contact AS contact ON contact.id = chosen.contact_id AND contact.phone_number = chosen.number
ORDER BY chosen.place
FOR KEY SHARE OF contact SKIP LOCKED
ON CONFLICT (to_number) WHERE is_live DO NOTHING
RETURNING id, enrollment_id, to_number
"""

IN_A_CALL = "SELECT to_number FROM dialer_call WHERE to_number = ANY(%(numbers)s) AND is_live"

NEXT_DUE = """
SELECT due_at, reason FROM (
    (SELECT due_at, reason FROM campaigns_enrollment WHERE channel_id = %(channel)s AND run = %(run)s
        AND status IN ('callback', 'pending', 'retry') AND turn = 0 ORDER BY due_at LIMIT 1)
    UNION ALL
    (SELECT due_at, reason FROM campaigns_enrollment WHERE channel_id = %(channel)s AND run = %(run)s
        AND status IN ('callback', 'pending', 'retry') AND turn = 1 ORDER BY due_at LIMIT 1)
    UNION ALL
    (SELECT due_at, reason FROM campaigns_enrollment WHERE channel_id = %(channel)s AND run = %(run)s
        AND status IN ('callback', 'pending', 'retry') AND turn = 2 ORDER BY due_at LIMIT 1)
) AS firsts ORDER BY due_at LIMIT 1
"""


@transaction.atomic
def claim(*, channel_id: int, driver: str, free_placers: int, share: int) -> Claim:
    """Claim as many contacts of a channel as may be called now, and write the intents down.

    ``free_placers``: how many calls could be placed at once; ``share``: among how many running channels
    the account's pace is shared. Returns nothing to place, and the reason, when the lease is lost.
    """
    account, drive = _locked(channel_id, driver)
    if drive is None:
        return Claim(is_lost=True)
    (now, run_number, revision, campaign_id, next_start_at, next_in_minute_at, live_calls) = drive
    rules = rulebook(channel_id, revision)
    result = Claim(now=now, run_number=run_number)

    opens_at = rules.opens_at(now)
    if opens_at is None:
        result.is_past_its_end = True
        return result
    if opens_at > now:
        _wait(channel_id, "outside its hours", opens_at)
        result.is_closed = live_calls > 0
        result.next_look_at = min(opens_at, now + POLL_IDLE)
        return result

    account_next_at, held_until = account
    account_pace = Pace.per_second(settings.ACCOUNT_CALLS_PER_SECOND, account_next_at)
    second_pace = Pace.per_second(rules.calls_per_second, next_start_at)
    minute_pace = (
        Pace.per_minute(rules.calls_per_minute, next_in_minute_at) if rules.calls_per_minute else None
    )
    talkers = rules.talkers if rules.connects_assistant else ()
    loads = loads_of(talkers)
    headroom = Headroom(
        now=now,
        concurrent_calls=rules.concurrent_calls,
        live_calls=live_calls,
        paces=(account_pace, second_pace, *((minute_pace,) if minute_pace else ())),
        free_placers=free_placers,
        held_until=held_until,
        assistants_room=room(talkers, loads) if talkers else None,
    )
    wanted = demand(headroom)
    if share > 1 and wanted > 1:
        # The others take from the same account within this tick: leave them their part.
        wanted = max(1, min(wanted, -(-account_pace.allows(now) // share)))
    if not wanted:
        result.next_look_at = next_look(headroom, poll=POLL_BUSY)
        return result

    chosen = _choose(channel_id, campaign_id, run_number, rules, wanted, now, result.closed)
    if chosen:
        result.orders = _write_intents(
            channel_id,
            campaign_id,
            run_number,
            driver,
            rules,
            chosen,
            spread(talkers, loads, len(chosen)),
            now,
        )
    started = len(result.orders)
    if started:
        run(
            "UPDATE dialer_carrieraccount SET next_start_at = %(next)s WHERE auth_id = %(account)s",
            {"next": account_pace.after(started, now), "account": settings.PLIVO_AUTH_ID},
        )
        ChannelDrive.objects.filter(channel=channel_id).update(
            next_start_at=second_pace.after(started, now),
            next_start_in_minute_at=minute_pace.after(started, now) if minute_pace else None,
            waiting_for="",
            waiting_until=None,
        )
        next_at = second_pace.after(started, now)
        result.next_look_at = max(next_at, now) if next_at else now
        return result

    next_due_at, why = _next_due(channel_id, run_number)
    if next_due_at is None:
        result.is_exhausted = live_calls == 0
        result.next_look_at = now + (POLL_IDLE if live_calls == 0 else POLL_BUSY)
        _wait(channel_id, "", None)
    else:
        result.next_look_at = min(max(next_due_at, now + POLL_BUSY), now + POLL_IDLE)
        if next_due_at > now:
            _wait(channel_id, _WAITS_FOR.get(why, "the next contact’s turn"), next_due_at)
    return result


def _locked(channel_id: int, driver: str) -> tuple[Any, Any]:
    parameters = {"account": settings.PLIVO_AUTH_ID, "channel": channel_id, "driver": driver}
    account = rows(ACCOUNT, parameters)
    if not account:
        run(
            "INSERT INTO dialer_carrieraccount (auth_id) VALUES (%(account)s) ON CONFLICT DO NOTHING",
            parameters,
        )
        account = rows(ACCOUNT, parameters)
    drive = rows(DRIVE, parameters)
    return account[0], drive[0] if drive else None


def _over_at(rules: Rulebook, zones: tuple[ZoneInfo, ...], now: datetime) -> datetime | None:
    """For contacts who don't open again because of the last day: when that day is over for the channel.

    None: it is not the last day that stands in the way.
    """
    last = rules.hours.end_date
    if last is None or next_opening(replace(rules.hours, end_date=None), rules.zone, zones, now) is None:
        return None
    midnight = datetime.combine(last + timedelta(days=1), time(), rules.zone or LAST_ZONE)
    return max(midnight.astimezone(UTC), now + POLL_IDLE)


def _wait(channel_id: int, reason: str, until: datetime | None) -> None:
    """Tell on the channel's card what it waits for; written only when it changes."""
    ChannelDrive.objects.filter(channel=channel_id).exclude(waiting_for=reason, waiting_until=until).update(
        waiting_for=reason, waiting_until=until
    )


def _next_due(channel_id: int, run_number: int) -> tuple[datetime | None, str]:
    """When the next contact's turn comes, and why not before; None when nobody waits."""
    found = rows(NEXT_DUE, {"channel": channel_id, "run": run_number})
    return found[0] if found else (None, "")


def _choose(
    channel_id: int,
    campaign_id: int,
    run_number: int,
    rules: Rulebook,
    wanted: int,
    now: datetime,
    closed: dict[int, tuple[datetime, str]],
) -> list[Candidate]:
    """The next contacts that may be called, in order; those that may not are put off or finished."""
    chosen: list[Candidate] = []
    most = wanted + SPARE_CANDIDATES
    for _ in range(ROUNDS):
        candidates = _candidates(channel_id, campaign_id, run_number, rules, most, now)
        # Who was chosen in an earlier round is still due.
        met = {candidate.enrollment_id for candidate in chosen}
        new = [candidate for candidate in candidates if candidate.enrollment_id not in met]
        chosen += _admit(rules, new, now, closed)[: wanted - len(chosen)]
        if len(chosen) == wanted or len(candidates) < most:
            break
    return chosen


def _candidates(
    channel_id: int, campaign_id: int, run_number: int, rules: Rulebook, most: int, now: datetime
) -> list[Candidate]:
    found = rows(
        CANDIDATES,
        {
            "channel": channel_id,
            "campaign": campaign_id,
            "run": run_number,
            "now": now,
            "most": most,
            "day_cap": rules.max_attempts_per_day or NO_CAP,
            "week_cap": rules.max_attempts_per_week or NO_CAP,
        },
        # A plan for any channel would be one for none: the index is chosen by what is asked.
        prepare=False,
    )
    return [Candidate(*row) for row in found]


def _admit(
    rules: Rulebook, candidates: list[Candidate], now: datetime, closed: dict[int, tuple[datetime, str]]
) -> list[Candidate]:
    """Those that may be called. The others are put off or finished; ``closed`` learns of closed zones."""
    admitted: list[Candidate] = []
    numbers: set[str] = set()
    put_off: dict[tuple[datetime, str], list[int]] = defaultdict(list)
    skipped: dict[str, list[int]] = defaultdict(list)
    refused: list[int] = []
    for candidate in candidates:
        zones = zones_of(candidate.zone_set_id)
        if candidate.phone_number is None:
            skipped["Has no phone number"].append(candidate.enrollment_id)
        elif candidate.is_do_not_contact:
            refused.append(candidate.enrollment_id)
        elif candidate.excluded_by is not None:
            skipped[on_exclusion_list(candidate.excluded_by)].append(candidate.enrollment_id)
        elif not rules.is_open(zones, now):
            if opens_at := rules.next_opening(zones, now):
                closed[candidate.zone_set_id] = opens_at, OUTSIDE_HOURS
            elif over_at := _over_at(rules, zones, now):
                # Not given up: the channel pauses at its end, and a person may give it more days.
                closed[candidate.zone_set_id] = over_at, LAST_DAY_PASSED
            else:
                skipped["The schedule never meets the contact’s own hours"].append(candidate.enrollment_id)
                continue
            put_off[closed[candidate.zone_set_id]].append(candidate.enrollment_id)
        elif candidate.is_in_a_call or candidate.phone_number in numbers:
            put_off[now + BUSY_ELSEWHERE, "In another call"].append(candidate.enrollment_id)
        elif candidate.capped_until is not None:
            free_at = rules.next_opening(zones, candidate.capped_until)
            if free_at is None:
                skipped["Over the cap of attempts until the schedule ends"].append(candidate.enrollment_id)
            else:
                put_off[free_at, OVER_THE_CAP].append(candidate.enrollment_id)
        else:
            numbers.add(candidate.phone_number)
            admitted.append(candidate)
    for (due_at, reason), enrollments in put_off.items():
        Enrollment.objects.filter(pk__in=enrollments).update(due_at=due_at, reason=reason, updated_at=now)
    for reason, enrollments in skipped.items():
        ENROLLMENT.apply(Enrollment.objects.filter(pk__in=enrollments), "skip", reason=reason, updated_at=now)
    ENROLLMENT.apply(
        Enrollment.objects.filter(pk__in=refused), "refuse", reason=ON_DO_NOT_CONTACT, updated_at=now
    )
    return admitted


PUT_OFF = """
UPDATE campaigns_enrollment SET due_at = %(due)s, reason = %(reason)s, updated_at = now()
WHERE id IN (
    SELECT id FROM campaigns_enrollment
    WHERE channel_id = %(channel)s AND run = %(run)s AND status IN ('callback', 'pending', 'retry')
        AND turn = 2 AND due_at <= %(now)s AND zone_set_id = %(zone_set)s
    LIMIT %(most)s
    FOR NO KEY UPDATE SKIP LOCKED
)
"""


def put_off(*, channel_id: int, found: Claim) -> bool:
    """Put off more contacts of the zones that a claim found closed: they would only be met one by one.

    Short transactions without the claim's locks, so that a million of them hold up nobody. Returns
    whether there may be more.
    """
    more = False
    for zone_set_id, (due_at, reason) in found.closed.items():
        parameters = {
            "channel": channel_id,
            "run": found.run_number,
            "zone_set": zone_set_id,
            "now": found.now,
            "due": due_at,
            "reason": reason,
            "most": PUT_OFF_AT_ONCE,
        }
        more = run(PUT_OFF, parameters, prepare=False) == PUT_OFF_AT_ONCE or more
    return more


def _write_intents(
    channel_id: int,
    campaign_id: int,
    run_number: int,
    driver: str,
    rules: Rulebook,
    chosen: list[Candidate],
    talkers: list[Talker],
    now: datetime,
) -> list[CallOrder]:
    """``talkers``: who takes each of the chosen contacts' calls; empty: no assistant does."""
    written = rows(
        INTENTS,
        {
            "channel": channel_id,
            "campaign": campaign_id,
            "assistants": [talker.assistant_id for talker in talkers] or [None] * len(chosen),
            "campaign_name": rules.campaign_name,
            "channel_name": rules.channel_name,
            "assistant_names": [talker.name for talker in talkers] or [""] * len(chosen),
            "from_number": rules.from_number,
            "run": run_number,
            "driver": driver,
            "now": now,
            "deadline": deadlines.INTENT,
            "enrollments": [candidate.enrollment_id for candidate in chosen],
            "contacts": [candidate.contact_id for candidate in chosen],
            "names": [candidate.name for candidate in chosen],
            "numbers": [candidate.phone_number for candidate in chosen],
            "attempts": [candidate.attempts + 1 for candidate in chosen],
            "statuses": [candidate.status for candidate in chosen],
        },
    )
    called = [enrollment_id for _, enrollment_id, _ in written]
    ENROLLMENT.apply(
        Enrollment.objects.filter(pk__in=called), "call", expect=len(called), reason="", updated_at=now
    )
    if len(written) < len(chosen):
        others = {
            one.phone_number: one.enrollment_id for one in chosen if one.enrollment_id not in set(called)
        }
        # Whose number is changing stays due.
        in_a_call = {number for (number,) in rows(IN_A_CALL, {"numbers": list(others)})}
        Enrollment.objects.filter(pk__in=[others[number] for number in in_a_call]).update(
            due_at=now + BUSY_ELSEWHERE, reason="In another call", updated_at=now
        )
    return [
        CallOrder(
            call_id=call_id,
            to_number=to_number,
            from_number=rules.from_number,
            ring_timeout_seconds=rules.dial_timeout_seconds,
            detect_machine=rules.machine_detection != "off",
            detection_timeout_ms=rules.detection_timeout_ms,
            speech_threshold_ms=rules.speech_threshold_ms,
            end_of_speech_ms=rules.end_of_speech_ms,
            initial_silence_ms=rules.initial_silence_ms,
        )
        for call_id, _, to_number in written
    ]
