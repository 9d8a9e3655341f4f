"""Reconciling: whatever was not heard of by its deadline is asked for, at the carrier.

What is found is applied as if it were the webhook. Only a carrier that knows of no such call, long
after it could have rung, returns a contact to waiting; a call in doubt is never dialed again before.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django_q.tasks import async_task

from dialer import deadlines, progress
from dialer.carrier import (
    AccountRefused,
    Ambiguous,
    CallRecord,
    CarrierError,
    Ended,
    Ending,
    LiveCall,
    NotSent,
    Progress,
    SlowDown,
)
from dialer.lifecycles import CallState
from dialer.models import Call
from dialer.plivo.client import PlivoClient, client
from dialer.statements import rows, run

logger = logging.getLogger(__name__)

# How often overdue calls are worth a task, and how many one task takes on.
ASK_EVERY = timedelta(seconds=2)
AT_ONCE = 100
# Clocks differ, ours from the carrier's: a record may seem to have begun this long before we asked.
CLOCKS_DIFFER = timedelta(minutes=6)
# While one task looks, no other takes the same calls.
LOOKING = timedelta(seconds=60)

ASK = """
UPDATE dialer_carrieraccount SET reconciled_at = now()
WHERE auth_id = %(account)s AND (reconciled_at IS NULL OR reconciled_at < now() - %(every)s)
    AND EXISTS (
        SELECT FROM dialer_call
        WHERE is_live AND deadline_at < now()
    )
"""

OVERDUE = """
UPDATE dialer_call SET deadline_at = now() + %(looking)s, checks = LEAST(checks + 1, 1000)
WHERE id IN (
    SELECT id FROM dialer_call
    WHERE is_live AND deadline_at < now()
    ORDER BY deadline_at LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id, now()
"""


def ask_when_overdue() -> bool:
    """Have the worker reconcile, if any call is past its deadline and nobody was asked just now."""
    asked = run(ASK, {"account": settings.PLIVO_AUTH_ID, "every": ASK_EVERY}) > 0
    if asked:
        async_task("dialer.tasks.reconcile")
    return asked


def reconcile(*, carrier: PlivoClient | None = None) -> int:
    """Look into what is overdue, once; return how many calls were looked at.

    Safe to run at any time, in several places at once.
    """
    carrier = carrier or client()
    overdue = rows(OVERDUE, {"looking": LOOKING, "most": AT_ONCE})
    if not overdue:
        return 0
    now = overdue[0][1]
    calls = list(
        Call.objects.filter(pk__in=[call_id for call_id, _ in overdue]).select_related("channel__voice")
    )
    looker = _Looker(carrier, now)
    for place, call in enumerate(calls):
        try:
            looker.look(call)
        except (SlowDown, NotSent, Ambiguous, AccountRefused) as error:
            # The carrier can't be asked now: all of the rest will be asked again soon.
            logger.warning("Reconciling waits: %s", error)
            for waiting in calls[place:]:
                _postpone(waiting)
            break
        except CarrierError as error:
            logger.warning("Call %s could not be looked up: %s", call.pk, error)
            _postpone(call)
    return len(calls)


def _known_of_others(call: Call, carrier_ids: list[str]) -> set[str]:
    """Which of these are known to be other attempts to the same number."""
    if not carrier_ids:
        return set()
    others = Call.objects.filter(to_number=call.to_number).exclude(pk=call.pk)
    return {
        name for pair in others.values_list("carrier_id", "request_id") for name in pair if name
    }.intersection(carrier_ids)


def _look_again(call: Call, delay: timedelta | None = None) -> None:
    run(
        # Its end may have been heard of meanwhile: what is over has no deadline.
        "UPDATE dialer_call SET deadline_at = now() + %(delay)s"
        " WHERE id = %(call)s AND state = %(state)s AND is_live",
        {"delay": delay or deadlines.next_look(call.checks), "call": call.pk, "state": call.state},
    )


def _postpone(call: Call) -> None:
    """The carrier could not be asked: this look did not count."""
    Call.objects.filter(pk=call.pk, checks__gt=0).update(checks=F("checks") - 1)
    _look_again(call)


class _Looker:
    """One pass: what is asked of the carrier for all calls together is asked once."""

    def __init__(self, carrier: PlivoClient, now: datetime) -> None:
        self.carrier = carrier
        self.now = now
        self._live: list[LiveCall] | None = None

    def look(self, call: Call) -> None:
        if call.state == CallState.INTENT:
            # Its driver is gone; nothing was sent.
            progress.withdraw(call_ids=[call.pk], cause="Claimed, and never placed", from_states=["intent"])
        elif call.state == CallState.PLACING:
            progress.doubt(
                call_id=call.pk, why="Its driver was gone before the answer to the POST was written down."
            )
        elif self._found(call):
            return
        elif call.state == CallState.UNKNOWN:
            self._still_unknown(call)
        else:
            self._no_trace(call)

    def _found(self, call: Call) -> bool:
        """Whether the carrier knows the call; then what it knows has been applied."""
        known_as = call.carrier_id or call.request_id
        if known_as:
            live = self.carrier.live_call(known_as)
            if live:
                return self._apply_live(call, live)
            record = self.carrier.record(known_as)
            if record:
                return self._apply_record(call, record)
            if call.request_id and self.carrier.is_queued(call.request_id):
                _look_again(call, deadlines.CONNECTED)
                return True
        if not call.carrier_id:
            live = self._live_to(call)
            if live:
                return self._apply_live(call, live)
            record = self._record_of(call)
            if record:
                return self._apply_record(call, record)
        return False

    def _live_to(self, call: Call) -> LiveCall | None:
        """A live call from and to the same numbers that is no other's."""
        if self._live is None:
            self._live = self.carrier.live_calls()
        found = [
            live
            for live in self._live
            if (live.to_number, live.from_number) == (call.to_number, call.from_number)
        ]
        taken = _known_of_others(call, [live.carrier_id for live in found])
        return next((live for live in found if live.carrier_id not in taken), None)

    def _record_of(self, call: Call) -> CallRecord | None:
        """The record of this call: from and to the same numbers, since it was placed, and no other's."""
        since = (call.placed_at or call.created_at) - CLOCKS_DIFFER
        records = [
            record
            for record in self.carrier.records_to(call.to_number, since)
            if record.from_number == call.from_number
        ]
        taken = _known_of_others(call, [record.carrier_id for record in records])
        free = [record for record in records if record.carrier_id not in taken]
        return min(free, key=lambda record: record.started_at, default=None)

    def _apply_live(self, call: Call, live: LiveCall) -> bool:
        data = {"carrier_id": live.carrier_id, "progress": live.progress.value}
        if live.progress is Progress.CONNECTED:
            if call.state != CallState.CONNECTED:
                progress.answer(call_id=call.pk, carrier_id=live.carrier_id, data=data)
        elif call.state == CallState.UNKNOWN:
            progress.ring(call_id=call.pk, carrier_id=live.carrier_id, data=data)
        Call.objects.filter(pk=call.pk).update(checks=0)
        call.refresh_from_db(fields=["state"])
        _look_again(call, deadlines.CONNECTED)
        return True

    def _apply_record(self, call: Call, record: CallRecord) -> bool:
        progress.end(
            call_id=call.pk, ending=record.ending, kind="reconciled", data={"carrier_id": record.carrier_id}
        )
        return True

    def _still_unknown(self, call: Call) -> None:
        """Given up as never placed after it could have rung out, and after several looks, some while
        apart, of which none found anything: a call that has just ended is on record seconds later."""
        ring = call.channel.voice.dial_timeout_seconds if call.channel else deadlines.LONGEST_RING_SECONDS
        asked_at = call.placed_at or call.created_at
        could_have_rung = asked_at + timedelta(seconds=ring) + deadlines.NEVER_PLACED_MARGIN
        if self.now > could_have_rung and call.checks >= deadlines.LOOKS_BEFORE_GIVING_UP:
            progress.withdraw(
                call_ids=[call.pk], cause="The carrier knows of no such call", from_states=["unknown"]
            )
        else:
            _look_again(call)

    def _no_trace(self, call: Call) -> None:
        """Accepted once, and now neither live, nor queued, nor on record: the records lag, or lost it."""
        quiet_since = call.answered_at or call.accepted_at or call.created_at
        if self.now < quiet_since + deadlines.NO_TRACE or call.checks < deadlines.LOOKS_BEFORE_GIVING_UP:
            _look_again(call)
            return
        ended = Ended.ANSWERED if call.state == CallState.CONNECTED else Ended.FAILED
        progress.end(
            call_id=call.pk,
            ending=Ending(ended=ended, code=None, cause="The carrier has no trace of it", by="carrier"),
            kind="reconciled",
            data={},
        )
