"""What a person, or an assistant, may say of a call: its disposition and notes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from campaigns.lifecycles import ENROLLMENT, ChannelStatus, EnrollmentStatus
from campaigns.models import Channel, Disposition, Enrollment
from campaigns.outcomes import CALLBACK_WITHOUT_A_TIME
from campaigns.refusals import Refused
from campaigns.rulebook import load_rulebook
from campaigns.services import lock_channel, record_activity, reopen_channel
from contacts.models import DoNotContact, zones_of
from contacts.services import add_to_do_not_contact
from dialer.lifecycles import CallState
from dialer.models import Call, Outcome

MOST_NOTES = 4000


@transaction.atomic
def set_disposition(
    *, call: Call, disposition: Disposition | None, actor: User, callback_at: datetime | None = None
) -> Call:
    """Choose, change or clear a call's disposition, with all that it means for the contact.

    Raises ``Refused`` when the call was never placed.
    """
    call = Call.objects.select_for_update(no_key=True).get(pk=call.pk)
    if call.outcome == Outcome.WITHDRAWN:
        raise Refused("This call was never placed.")
    settle_disposition(
        call=call, disposition=disposition, callback_at=callback_at, source="person", actor=actor
    )
    name = disposition.name if disposition else "no disposition"
    call.events.create(kind="disposition", data={"disposition": name, "by": actor.pk})
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
    """Keep a person's notes on a call. Raises ``Refused`` when they are too long."""
    notes = notes.replace("\0", "").strip()
    if len(notes) > MOST_NOTES:
        raise Refused(f"Notes have at most {MOST_NOTES:,} characters; these have {len(notes):,}.")
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
    """Write a disposition on a locked call and move its contact accordingly.

    A call still under way is only marked: its end decides (dialer/progress.py).
    """
    effect = disposition.effect if disposition else ""
    callback_at = callback_at if effect == Disposition.Effect.CALLBACK else None
    if effect == Disposition.Effect.CALLBACK and callback_at is None:
        callback_at = timezone.now() + CALLBACK_WITHOUT_A_TIME
    Call.objects.filter(pk=call.pk).update(disposition=disposition, callback_at=callback_at)
    call.disposition, call.callback_at = disposition, callback_at
    if effect == Disposition.Effect.DO_NOT_CALL:
        is_person = source == "person"
        add_to_do_not_contact(
            phone_number=call.to_number,
            scope=DoNotContact.Scope.ALL,
            source=DoNotContact.Source.PERSON if is_person else DoNotContact.Source.ASSISTANT,
            reason=f"Call of {timezone.now():%Y-%m-%d}, campaign {call.campaign_name}"[:200],
            actor=actor,
        )
    if call.state == CallState.ENDED and call.enrollment_id and call.channel_id:
        _move_contact(call, call.enrollment_id, effect, callback_at)


def _move_contact(call: Call, enrollment_id: int, effect: str, callback_at: datetime | None) -> None:
    """Move the contact of a call that is over, if this is its latest call and the move is possible."""
    later = Call.objects.filter(enrollment=enrollment_id, pk__gt=call.pk)
    if later.exclude(outcome=Outcome.WITHDRAWN).exists():
        return
    now = timezone.now()
    rows = Enrollment.objects.filter(pk=enrollment_id)
    if effect == Disposition.Effect.DO_NOT_CALL:
        ENROLLMENT.apply(rows, "refuse", reason="Asked not to be contacted again.", updated_at=now)
    elif effect == Disposition.Effect.UNSUCCESSFUL:
        ENROLLMENT.apply(rows, "not_achieved", updated_at=now)
    elif effect == Disposition.Effect.CALLBACK:
        _call_back(call, rows.get(), callback_at or now, now)
    else:
        ENROLLMENT.apply(rows.filter(status=EnrollmentStatus.UNSUCCESSFUL), "complete", updated_at=now)


def _call_back(call: Call, enrollment: Enrollment, asked: datetime, now: datetime) -> None:
    """The contact waits for its callback; a channel that was done goes on.

    The channel is locked first, so that it can't complete between our look at it and our commit.
    """
    channel = Channel.objects.filter(calls=call.pk).first()
    if channel is None:
        return
    channel = lock_channel(channel)
    due_at = load_rulebook(channel.pk).next_opening(zones_of(enrollment.zone_set_id), max(asked, now))
    if due_at is None or channel.run != call.run:
        # It never opens again, or has begun another run: only the call itself tells of the wish.
        return
    rows = Enrollment.objects.filter(pk=enrollment.pk)
    waits = ENROLLMENT.apply(
        rows, "call_back", due_at=due_at, reason="Asked to be called back.", updated_at=now
    )
    if not waits:
        # It waits for a callback already: the time is changed.
        waits = rows.filter(status=EnrollmentStatus.CALLBACK).update(due_at=due_at, updated_at=now)
    if waits and channel.status == ChannelStatus.COMPLETED:
        reopen_channel(channel=channel)
