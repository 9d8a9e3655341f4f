"""The right to be forgotten: a person's traces go, from contacts, campaigns and calls at once.

What was counted stays counted: enrollments, calls, outcomes, lengths and costs are kept, without anything
that tells whose they were. A call of an erased person has no number; nothing said of it later is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from campaigns.lifecycles import WAITING
from campaigns.models import Enrollment
from campaigns.refusals import Refused
from campaigns.services import forget_activities, leave_campaigns, record_access
from contacts.models import Contact, Membership
from contacts.queries import do_not_contact
from contacts.services import forget_contact, hold_lists_of
from dialer.models import Call, CallEvent, Recording, Transcript
from dialer.recordings import delete_later


@dataclass(frozen=True)
class Extent:
    """What erasing a person concerns, to be shown before it is done."""

    lists: int
    waiting: int
    calls: int
    recordings: int
    transcripts: int
    is_do_not_contact: bool
    # Not now: somebody is talking to them, or about to.
    has_live_call: bool


def extent_of(contact: Contact) -> Extent:
    calls = _calls_of(contact)
    address = Q(phone_number=contact.phone_number) if contact.phone_number else Q(email=contact.email)
    return Extent(
        lists=Membership.objects.filter(contact=contact).current().count(),
        waiting=Enrollment.objects.filter(contact=contact, status__in=WAITING).count(),
        calls=calls.count(),
        recordings=Recording.objects.filter(call__in=calls.values("pk")).count(),
        transcripts=Transcript.objects.filter(call__in=calls.values("pk")).count(),
        is_do_not_contact=do_not_contact().filter(address).exists(),
        has_live_call=calls.filter(is_live=True).exists(),
    )


@transaction.atomic
def erase_contact(
    *, contact: Contact, actor: User, keep_do_not_contact: bool, rejected: Iterable[int] = ()
) -> None:
    """Forget a person for good. Files of recordings go when the transaction commits, or soon after.

    ``keep_do_not_contact``: number and address stay on the do-not-contact list, so that nobody calls them
    when a file brings them back. ``rejected``: rows of files that hold only the name, and are this person's.
    Raises ``Refused`` while a call to the person is under way, and when the
    person was erased before.
    """
    # As imports do: the contact, then its lists; they let pass whoever only refers to the contact.
    Contact.objects.select_for_update(no_key=True).filter(pk=contact.pk).first()
    hold_lists_of(contact=contact)
    # Whoever enrolls or calls the contact refers to its row, and waits for us from here on.
    locked = Contact.objects.select_for_update().filter(pk=contact.pk, erased_at=None).first()
    if locked is None:
        raise Refused("This person was erased already.")
    # These it doesn't wait for: that could be in a circle.
    leave_campaigns(contact=locked)
    calls = _held(_calls_of(locked))
    if any(call.is_live for call in calls):
        raise Refused("A call to this person is under way. Erase them when it is over.")
    keys = [call.pk for call in calls]
    _erase_recordings(keys)
    Transcript.objects.filter(call__in=keys).delete()
    CallEvent.objects.filter(call__in=keys).update(data={})
    Call.objects.filter(pk__in=keys).update(to_number="", contact_name="", summary="", notes="")
    forget_activities(names=[locked.name, locked.phone_number or "", *(call.contact_name for call in calls)])
    forget_contact(contact=locked, actor=actor, keep_do_not_contact=keep_do_not_contact, rejected=rejected)
    record_access(actor=actor, verb="erased", text=f"erased contact {locked.pk} and what was known of them")


def _calls_of(contact: Contact) -> QuerySet[Call]:
    """Calls of the contact, and calls to its number."""
    mine = Q(contact=contact)
    return Call.objects.filter(mine | Q(to_number=contact.phone_number) if contact.phone_number else mine)


def _held(calls: QuerySet[Call]) -> list[Call]:
    """Reports and endings, which hold a call's row, come before or after."""
    try:
        with transaction.atomic():
            rows = calls.select_for_update(nowait=True).order_by("pk")
            return list(rows.only("pk", "contact_name", "is_live"))
    except OperationalError:
        raise Refused("A call to this person has just ended. Try again in a moment.") from None


def _erase_recordings(calls: list[int]) -> None:
    recordings = Recording.objects.filter(call__in=calls)
    delete_later(names=[recording.file.name for recording in recordings if recording.file.name])
    recordings.delete()
