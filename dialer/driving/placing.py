"""Placing: exactly one POST for an intent, and what came of it written down.

The intent becomes "placing" in a transaction of its own just before; a driver that dies after that
leaves a call that only the reconciler may decide on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings

from campaigns.models import Channel, PauseReason
from campaigns.refusals import Refused
from campaigns.services import pause_channel
from dialer import cancelling, deadlines, progress
from dialer.carrier import (
    Accepted,
    AccountRefused,
    Ambiguous,
    CallOrder,
    CallRefused,
    Ended,
    Ending,
    NotSent,
    SlowDown,
)
from dialer.forbidding import FORBIDDEN
from dialer.lifecycles import CALL
from dialer.models import Call
from dialer.plivo.client import client
from dialer.statements import rows, run

logger = logging.getLogger(__name__)

# How long an account or channel holds still after "too many requests", or no connection at all.
SLOW_DOWN = timedelta(seconds=1)
NO_CONNECTION = timedelta(seconds=5)
# An order older than this is not placed: its process was stopped, and others may have given it up.
STALE_SECONDS = 10.0
FORBIDDEN_JUST_NOW = "Paused or forbidden a moment before"

# Between the last look and the POST there are milliseconds. Where there were more, it is looked once more.
LOOK_AGAIN_SECONDS = 0.25

# The last look before the POST: what was claimed a moment ago must still hold. ``placed_at`` is when it was
# begun: whatever was committed before that moment has been seen.
PLACING = f"""
WITH channel AS MATERIALIZED (
    -- Shared, as in the claim: a pause is waited for, and then seen.
    SELECT id FROM campaigns_channel
    WHERE id IN (SELECT channel_id FROM dialer_call WHERE id = ANY(%(calls)s)) AND status = 'running'
    FOR SHARE
)
UPDATE dialer_call AS call SET
    state = 'placing', placed_at = statement_timestamp(), deadline_at = clock_timestamp() + %(deadline)s
FROM channel, campaigns_channeldrive AS drive
WHERE call.id = ANY(%(calls)s) AND call.state = ANY(%(before)s) AND call.owner = %(driver)s
    AND channel.id = call.channel_id
    AND drive.channel_id = channel.id AND drive.owner = %(driver)s
    AND NOT ({FORBIDDEN})
RETURNING call.id
"""  # noqa: S608

STILL_ALLOWED = f"SELECT call.id FROM dialer_call AS call WHERE call.id = %(call)s AND NOT ({FORBIDDEN})"  # noqa: S608

HOLD_ACCOUNT = """
UPDATE dialer_carrieraccount SET held_until = clock_timestamp() + %(pause)s WHERE auth_id = %(account)s
"""

TELL_CHANNEL = """
UPDATE campaigns_channeldrive AS drive SET
    waiting_for = %(reason)s, waiting_until = clock_timestamp() + %(pause)s
FROM dialer_call AS call
WHERE call.id = %(call)s AND drive.channel_id = call.channel_id
"""


def now_awake_or_not() -> float:
    """A clock in seconds that goes on while the machine is suspended, where the system has one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def begin(orders: Sequence[CallOrder], *, driver: str) -> list[CallOrder]:
    """Mark intents as being placed; return those that may be. The others wait again."""
    calls = [order.call_id for order in orders]
    parameters = {
        "calls": calls,
        "driver": driver,
        "before": sorted(CALL["place"].sources),
        "deadline": deadlines.placing(settings.CARRIER_TIMEOUTS),
    }
    placing = {call_id for (call_id,) in rows(PLACING, parameters)}
    left = [call_id for call_id in calls if call_id not in placing]
    if left:
        progress.withdraw(call_ids=left, cause=FORBIDDEN_JUST_NOW, from_states=["intent"])
    return [order for order in orders if order.call_id in placing]


def place(order: CallOrder, *, begun: float) -> None:
    """Place one call that ``begin`` let through. ``begun``: ``now_awake_or_not()`` just before that."""
    if now_awake_or_not() - begun > LOOK_AGAIN_SECONDS and not rows(STILL_ALLOWED, {"call": order.call_id}):
        progress.withdraw(call_ids=[order.call_id], cause=FORBIDDEN_JUST_NOW, from_states=["placing"])
        return
    if now_awake_or_not() - begun > STALE_SECONDS:
        # Stopped in between (a suspended machine, say): the reconciler has it by now, or will.
        progress.doubt(call_id=order.call_id, why="The driver was stopped before it could place the call.")
        return
    try:
        accepted = client().place(order)
    except CallRefused as refused:
        _refused(order, str(refused))
    except SlowDown as refused:
        logger.warning("The carrier asked to slow down: %s", refused)
        _hold(order, "the carrier, which asked to slow down", SLOW_DOWN)
    except NotSent as refused:
        logger.warning("%s", refused)
        _hold(order, "a connection to the carrier", NO_CONNECTION)
    except AccountRefused as refused:
        _account_refused(order, refused)
    except Ambiguous as doubt:
        progress.doubt(call_id=order.call_id, why=str(doubt))
    except Exception:
        logger.exception("Placing call %s failed in a way nobody thought of.", order.call_id)
        progress.doubt(call_id=order.call_id, why="An error of our own while placing the call.")
    else:
        _accepted(order, accepted)


def _accepted(order: CallOrder, accepted: Accepted) -> None:
    is_ours = progress.accept(
        call_id=order.call_id,
        request_id=accepted.request_id,
        ring_timeout_seconds=order.ring_timeout_seconds,
        is_queued=accepted.is_queued,
    )
    if not is_ours:
        cancelling.take_back(call_id=order.call_id, request_id=accepted.request_id)


def _refused(order: CallOrder, message: str) -> None:
    """Wrong with this call, or with our settings: it failed, and was no attempt, since nobody was dialed.

    Should this happen to most of a channel's calls, the channel pauses (errors.py).
    """
    progress.end(
        call_id=order.call_id,
        ending=Ending(ended=Ended.FAILED, code=None, cause=message[:120], by="carrier"),
        kind="refused",
        data={"message": message},
        was_accepted=False,
    )


def _hold(order: CallOrder, message: str, pause: timedelta) -> None:
    """Not now: the contact waits again, and the whole account holds still for a moment."""
    parameters = {"account": settings.PLIVO_AUTH_ID, "call": order.call_id, "pause": pause, "reason": message}
    run(HOLD_ACCOUNT, parameters)
    run(TELL_CHANNEL, parameters)
    progress.withdraw(
        call_ids=[order.call_id], cause=f"Waited for {message}", from_states=["placing"], delay=pause
    )


def _account_refused(order: CallOrder, refused: AccountRefused) -> None:
    """The account can't: nobody will be reached until a person has mended it."""
    progress.withdraw(call_ids=[order.call_id], cause=str(refused), from_states=["placing"])
    channel_id = Call.objects.values_list("channel_id", flat=True).get(pk=order.call_id)
    channel = Channel.objects.filter(pk=channel_id).first()
    if channel is None:
        return
    reason = PauseReason.CREDIT if refused.out_of_credit else PauseReason.CREDENTIALS
    try:
        pause_channel(channel=channel, actor=None, reason=reason, note=f"{reason.label}: {refused}")
    except Refused:
        # Paused already, by the call before.
        return
