"""When a machine answered: hang up, or leave a message, exactly once.

The verdict comes as a webhook; what follows is a request to the carrier, made by a task, since nothing
slow may stand between the carrier and its answer.
"""

from __future__ import annotations

import logging

from django.db import transaction
from django_q.tasks import async_task

from campaigns.models import Channel, MachineAction
from campaigns.rulebook import Rulebook, rulebook
from dialer.carrier import CarrierError
from dialer.lifecycles import CallState
from dialer.models import Call
from dialer.plivo.addresses import webhook_url
from dialer.plivo.client import client

logger = logging.getLogger(__name__)


def handle_later(*, call_id: int) -> None:
    transaction.on_commit(lambda: async_task("dialer.tasks.handle_machine", call_id))


def handle(*, call_id: int) -> None:
    """Do with a machine what the channel says. Repeated, it does no more than once: a call is sent on
    only while it has not been."""
    call = Call.objects.filter(pk=call_id, is_machine=True).exclude(state=CallState.ENDED).first()
    if call is None or call.channel_id is None or not call.carrier_id or call.message_left:
        return
    rules = rulebook(
        call.channel_id, Channel.objects.values_list("revision", flat=True).get(pk=call.channel_id)
    )
    try:
        if rules.on_machine == MachineAction.MESSAGE and rules.voicemail_message.strip():
            client().transfer(call.carrier_id, webhook_url(call_id, "message"))
        else:
            client().hang_up(call.carrier_id)
    except CarrierError as error:
        # The call goes on to the assistant, and ends as voicemail all the same.
        logger.warning("Call %s reached a machine and could not be sent on: %s", call_id, error)


def leave_message(*, call_id: int) -> Rulebook | None:
    """The carrier asks what to say to the machine; None when it is to hang up instead.

    It may ask twice (a repeated webhook) and gets the same; the message counts as left once it was given.
    """
    call = Call.objects.filter(pk=call_id, is_machine=True).exclude(state=CallState.ENDED).first()
    if call is None or call.channel_id is None:
        return None
    Call.objects.filter(pk=call_id).update(message_left=True)
    return rulebook(
        call.channel_id, Channel.objects.values_list("revision", flat=True).get(pk=call.channel_id)
    )
