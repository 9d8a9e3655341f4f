"""Taking back what the carrier has queued and not rung yet, and what rings somebody on do-not-contact.

Calls over the account's rate are queued by the carrier, silently, and may ring after a channel was paused
or has closed. They are cancelled; their contacts wait again, and no attempt is used. A number that is put
on do-not-contact after the last look may ring, or be about to: it is hung up on before it answers.
"""

from __future__ import annotations

import logging

from django_q.tasks import async_task

from contacts.queries import DNC_FORBIDS_CALLS
from dialer.carrier import CarrierError
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


# All live calls are looked at: few, and each number by index.
FORBIDDEN = f"""
UPDATE dialer_call AS call SET is_taken_back = true
WHERE call.is_live AND call.state = 'ringing' AND NOT call.is_taken_back AND call.request_id <> ''
    AND EXISTS (
        SELECT FROM contacts_donotcontact AS dnc
        WHERE dnc.phone_number = call.to_number AND {DNC_FORBIDS_CALLS}
    )
RETURNING call.id
"""  # noqa: S608  (only a constant is put in)


def cancel_forbidden_later() -> int:
    """Have the worker take back calls that have not been answered, to numbers put on do-not-contact since.

    Returns how many; each is asked for once.
    """
    forbidden = [call_id for (call_id,) in rows(FORBIDDEN, {})]
    for call_id in forbidden:
        async_task("dialer.tasks.cancel_forbidden", call_id)
    return len(forbidden)


def cancel_forbidden(*, call_id: int) -> None:
    """Cancel a call to somebody on do-not-contact, unless it has been answered. Safe to repeat.

    What becomes of it is told by its hang-up, as always (dialer/progress.py).
    """
    call = Call.objects.filter(pk=call_id, is_taken_back=True, state=CallState.RINGING).first()
    if call is None:
        return
    call.events.get_or_create(kind="taken_back", defaults={"data": {"why": "Put on do-not-contact."}})
    try:
        client().cancel(call.request_id)
        if call.carrier_id:
            client().hang_up(call.carrier_id)
    except CarrierError as error:
        logger.warning("Call %s to do-not-contact could not be taken back: %s", call_id, error)


def take_back(*, call_id: int, request_id: str) -> None:
    """A call was accepted that had been given up as never placed: it must not ring."""
    logger.error("Call %s was given up, and the carrier took it after all: cancelling it.", call_id)
    try:
        client().cancel(request_id)
        client().hang_up(request_id)
    except CarrierError as error:
        logger.error("Call %s could not be cancelled: %s", call_id, error)
