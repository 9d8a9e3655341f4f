"""What a person, or an assistant, may say of a call: its disposition and notes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from campaigns.lifecycles import ENROLLMENT, IN_PROGRESS, ChannelStatus, EnrollmentStatus
from campaigns.models import Channel, Disposition, Enrollment
from campaigns.outcomes import CALLBACK_WITHOUT_A_TIME, Ending
from campaigns.refusals import Refused
from campaigns.rulebook import load_rulebook
from campaigns.services import lock_channel, record_activity, reopen_channel
from contacts.models import DoNotContact, zones_of
from contacts.services import add_to_do_not_contact
from dialer.deciding import decide_for_contact
from dialer.lifecycles import CallState
from dialer.models import Call, Outcome

MOST_NOTES = 4000
# Who asked not to be contacted again: where they said so, and by what they are not reached any more.
OPT_OUTS = {
    "person": (DoNotContact.Source.PERSON, DoNotContact.Scope.ALL),
    "assistant": (DoNotContact.Source.ASSISTANT, DoNotContact.Scope.ALL),
    "keypress": (DoNotContact.Source.KEYPRESS, DoNotContact.Scope.VOICE),
}


def lock_call(*, call_id: int, disposition: Disposition | None) -> Call | None:
    """The call, fresh and locked until the transaction ends, to be given this disposition; None: it is gone.

    Where its channel will have to be locked too, that comes first: whoever deletes a campaign holds it,
    and then waits for its calls.
    """
    if disposition is not None and disposition.effect == Disposition.Effect.CALLBACK:
        lock_channel_of(call_id)
    return Call.objects.select_for_update(no_key=True).filter(pk=call_id).first()


def lock_channel_of(call_id: int) -> Channel | None:
    """A call's channel, locked; None: it was deleted."""
    channel = Channel.objects.filter(calls=call_id).first()
    try:
        return channel and lock_channel(channel)
    except Refused:
        return None


@transaction.atomic
def set_disposition(
    *, call: Call, disposition: Disposition | None, actor: User, callback_at: datetime | None = None
) -> Call:
    """Choose, change or clear a call's disposition, with all that it means for the contact.

    Raises ``Refused`` when the call was never placed, or the contact was erased.
    """
    locked = lock_call(call_id=call.pk, disposition=disposition)
    if locked is None:
        raise Refused("This call is gone.")
    call = locked
    if call.outcome == Outcome.WITHDRAWN:
        raise Refused("This call was never placed.")
    if call.is_erased:
        raise Refused("The person who was called has been erased.")
    settle_disposition(
        call=call, disposition=disposition, callback_at=callback_at, source="person", actor=actor
    )
    name = disposition.name if disposition else "no disposition"
    told = {"disposition": name, "by": actor.pk}
    if call.callback_at:
        told["callback_at"] = call.callback_at.isoformat()
    call.events.create(kind="disposition", data=told)
    if call.campaign:
        record_activity(
            campaign=call.campaign,
            actor=actor,
            verb="disposition",
            text=f"set the disposition of the call to {call.contact_name or call.to_number} to {name}",
        )
    return call


@transaction.atomic
def set_notes(*, call: Call, notes: str, actor: User) -> Call:
    """Keep a person's notes on a call.

    Raises ``Refused`` when they are too long, or the contact was erased.
    """
    notes = notes.replace("\0", "").strip()
    if len(notes) > MOST_NOTES:
        raise Refused(f"Notes have at most {MOST_NOTES:,} characters; these have {len(notes):,}.")
    locked = lock_call(call_id=call.pk, disposition=None)
    if locked is not None and locked.is_erased:
        raise Refused("The person who was called has been erased.")
    if Call.objects.filter(pk=call.pk).exclude(notes=notes).update(notes=notes):
        call.events.create(kind="notes", data={"by": actor.pk})
    call.notes = notes
    return call


def settle_disposition(
    *,
    call: Call,
    disposition: Disposition | None,
    callback_at: datetime | None,
    source: str,
    actor: User | None = None,
) -> None:
    """Write a disposition on a call (``lock_call``) and move its contact accordingly.

    ``source``: who said so, one of ``OPT_OUTS``. A call still under way is only marked: its end decides
    (dialer/progress.py).
    """
    effect = disposition.effect if disposition else ""
    callback_at = callback_at if effect == Disposition.Effect.CALLBACK else None
    if effect == Disposition.Effect.CALLBACK and callback_at is None:
        callback_at = timezone.now() + CALLBACK_WITHOUT_A_TIME
    Call.objects.filter(pk=call.pk).update(disposition=disposition, callback_at=callback_at)
    call.disposition, call.callback_at = disposition, callback_at
    if effect == Disposition.Effect.DO_NOT_CALL:
        keep_from_calling(call=call, source=source, actor=actor)
    if call.state == CallState.ENDED and call.enrollment_id and call.channel_id:
        _move_contact(call, call.enrollment_id, effect, callback_at)


def keep_from_calling(*, call: Call, source: str, actor: User | None = None) -> None:
    """Put a call's number on do-not-contact: whoever was reached asked for it."""
    said_to, scope = OPT_OUTS[source]
    add_to_do_not_contact(
        phone_number=call.to_number,
        scope=scope,
        source=said_to,
        reason=f"Call of {timezone.now():%Y-%m-%d}, campaign {call.campaign_name}"[:200],
        actor=actor,
    )


def lock_latest(call: Call, enrollment_id: int) -> Enrollment | None:
    """A call's enrollment, locked; None: it is gone, or the contact was called again since."""
    # Locked before later calls are looked for: a claim holds it until its call can be seen.
    enrollment = Enrollment.objects.select_for_update(no_key=True).filter(pk=enrollment_id).first()
    later = Call.objects.filter(enrollment=enrollment_id, pk__gt=call.pk).exclude(outcome=Outcome.WITHDRAWN)
    if enrollment is None or enrollment.status in IN_PROGRESS or later.exists():
        return None
    return enrollment


def _move_contact(call: Call, enrollment_id: int, effect: str, callback_at: datetime | None) -> None:
    """Move the contact of a call that is over, if this is its latest call and the move is possible."""
    enrollment = lock_latest(call, enrollment_id)
    if enrollment is None:
        return
    now = timezone.now()
    rows = Enrollment.objects.filter(pk=enrollment_id)
    waits_for_callback = enrollment.status == EnrollmentStatus.CALLBACK
    if effect == Disposition.Effect.DO_NOT_CALL:
        ENROLLMENT.apply(rows, "refuse", reason="Asked not to be contacted again.", updated_at=now)
    elif effect == Disposition.Effect.CALLBACK:
        _call_back(call, enrollment, callback_at or now, now)
    elif waits_for_callback:
        _leave_callback(call, enrollment, effect, now)
    elif effect == Disposition.Effect.UNSUCCESSFUL:
        ENROLLMENT.apply(rows, "not_achieved", updated_at=now)
    else:
        ENROLLMENT.apply(rows.filter(status=EnrollmentStatus.UNSUCCESSFUL), "complete", updated_at=now)


def goes_on(channel: Channel) -> bool:
    """Whether a contact that waits again has a channel to wait for: one that is done can be reopened."""
    return channel.status != ChannelStatus.COMPLETED or not channel.campaign.is_archived


def go_on(channel: Channel, *, why: str) -> None:
    """A contact of a locked channel waits again: one that was done goes on."""
    if channel.status == ChannelStatus.COMPLETED:
        reopen_channel(channel=channel, why=why)


def _call_back(call: Call, enrollment: Enrollment, asked: datetime, now: datetime) -> None:
    """The contact waits for its callback; a channel that was done goes on.

    The channel is locked (``lock_call``), so that it can't complete between our look at it and our commit.
    """
    channel = lock_channel_of(call.pk)
    if channel is None:
        return
    if call.outcome == Outcome.FAILED and not call.is_error:
        # It can't be called, at no time.
        return
    due_at = load_rulebook(channel.pk).next_opening(zones_of(enrollment.zone_set_id), max(asked, now))
    if due_at is None or channel.run != call.run or not goes_on(channel):
        # It never opens again, has begun another run, or was put away: only the call itself tells of the
        # wish.
        return
    rows = Enrollment.objects.filter(pk=enrollment.pk)
    waits = ENROLLMENT.apply(
        rows, "call_back", due_at=due_at, reason="Asked to be called back.", updated_at=now
    )
    if not waits:
        # It waits for a callback already: the time is changed.
        waits = rows.filter(status=EnrollmentStatus.CALLBACK).update(due_at=due_at, updated_at=now)
    if waits:
        go_on(channel, why="a callback was asked for")


def _leave_callback(call: Call, enrollment: Enrollment, effect: str, now: datetime) -> None:
    """The contact stands where its call would have left it, had nobody asked for a callback."""
    rules = load_rulebook(enrollment.channel_id)
    ending = Ending(outcome=call.outcome, connected=call.answered_at is not None, disposition_effect=effect)
    attempts = max(call.attempt, enrollment.attempts)
    decision = decide_for_contact(
        ending,
        rules,
        call_id=call.pk,
        enrollment_id=enrollment.pk,
        attempts=attempts,
        zone_set_id=enrollment.zone_set_id,
        now=now,
    )
    ENROLLMENT.apply(
        Enrollment.objects.filter(pk=enrollment.pk),
        f"no_callback_{decision.status}",
        due_at=decision.due_at or enrollment.due_at,
        reason=decision.reason[:120],
        updated_at=now,
    )
