"""Taking back what the carrier has queued and not rung yet, and what rings somebody who is forbidden by now.

Calls over the account's rate are queued by the carrier, silently, and may ring after a channel was paused
or has closed. They are cancelled; their contacts wait again, and no attempt is used. Who is put on
do-not-contact, or on a list that the campaign leaves alone, after the last look may ring, or be about to:
drivers (dialer/driving) hang up on them, unless somebody has answered by then.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django_q.tasks import async_task

from dialer.carrier import CarrierError
from dialer.forbidding import FORBIDDEN
from dialer.lifecycles import CallState
from dialer.models import Call
from dialer.plivo.client import client
from dialer.statements import rows

logger = logging.getLogger(__name__)

QUEUED = """
SELECT EXISTS (
    SELECT FROM dialer_call
    WHERE channel_id = %(channel)s AND is_live AND is_queued AND NOT is_taken_back AND ringing_at IS NULL
        AND state = 'ringing'
)
"""


def cancel_queued_later(*, channel_id: int) -> bool:
    """Have the worker cancel a channel's queued calls, if it has any."""
    ((is_any,),) = rows(QUEUED, {"channel": channel_id})
    if is_any:
        async_task("dialer.tasks.cancel_queued", channel_id)
    return bool(is_any)


def cancel_queued(*, channel_id: int) -> int:
    """Cancel a channel's queued calls at the carrier; return how many.

    What becomes of them is told by their hang-up, as always: they never rang, so their contacts wait
    again (dialer/progress.py). Safe to repeat.
    """
    cancelled = 0
    queued = Call.objects.filter(
        channel=channel_id, is_live=True, is_queued=True, ringing_at=None, state=CallState.RINGING
    ).exclude(request_id="")
    for call_id, request_id in queued.values_list("pk", "request_id"):
        # Written down first: its end may be heard of before the answer to the request.
        Call.objects.filter(pk=call_id).update(is_taken_back=True)
        try:
            client().cancel(request_id)
        except CarrierError as error:
            logger.warning("Call %s could not be taken out of the carrier's queue: %s", call_id, error)
            continue
        cancelled += 1
    return cancelled


# A hang-up that was asked for, and of which nothing was heard, is asked for again after this.
ASK_AGAIN = timedelta(seconds=3)

# All live calls are looked at: few, and each number by index. Who has one in hand has locked it.
HANG_UP = f"""
UPDATE dialer_call SET is_taken_back = true, take_back_asked_at = clock_timestamp()
WHERE id IN (
    SELECT call.id FROM dialer_call AS call
    WHERE call.is_live AND call.state = 'ringing' AND (call.request_id <> '' OR call.carrier_id <> '')
        AND (
            call.take_back_asked_at IS NULL
            OR call.take_back_asked_at < statement_timestamp() - %(again)s::interval
        )
        AND ({FORBIDDEN})
    ORDER BY call.take_back_asked_at NULLS FIRST, call.id
    LIMIT %(most)s
    FOR NO KEY UPDATE OF call SKIP LOCKED
)
RETURNING id
"""  # noqa: S608  (only a constant is put in)


def forbidden_calls(*, most: int) -> list[int]:
    """Calls that ring, or are about to, and are forbidden since they were let through: to be hung up on.

    Each is told once in ``ASK_AGAIN``, to one who asks, for as long as it has neither ended nor been
    answered: whatever became of the last try.
    """
    if most <= 0:
        return []
    return sorted(call_id for (call_id,) in rows(HANG_UP, {"again": ASK_AGAIN, "most": most}))


def hang_up_on_forbidden(*, call_id: int) -> None:
    """Cancel a call that ``forbidden_calls`` told, unless it has been answered. Safe to repeat.

    What becomes of it is told by its hang-up, as always (dialer/progress.py).
    """
    call = Call.objects.filter(pk=call_id, is_taken_back=True, state=CallState.RINGING).first()
    if call is None:
        return
    call.events.get_or_create(kind="taken_back", defaults={"data": {"why": "Forbidden since it was placed."}})
    # Either of them may be enough: one that fails does not keep the other from being tried.
    for end, name in ((client().cancel, call.request_id), (client().hang_up, call.carrier_id)):
        if not name:
            continue
        try:
            end(name)
        except CarrierError as error:
            logger.warning("Call %s is forbidden by now, and could not be taken back yet: %s", call_id, error)


def take_back(*, call_id: int, request_id: str) -> None:
    """A call was accepted that had been given up as never placed: it must not ring."""
    logger.error("Call %s was given up, and the carrier took it after all: cancelling it.", call_id)
    for end in (client().cancel, client().hang_up):
        try:
            end(request_id)
        except CarrierError as error:
            logger.error("Call %s could not be cancelled: %s", call_id, error)
