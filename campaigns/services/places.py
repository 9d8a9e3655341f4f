"""What a person does with contacts in a channel: skip them, have them tried now, never contact them again.

One of them or a million. They are gone through a few thousand at a time, each lot in a transaction of its
own that takes only rows which nobody else holds: the claim, which passes over what is held, goes on
meanwhile, and nobody waits in a circle. What was done is written down with each lot, so that the activity
tells the truth also of a deed that was interrupted.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import User
from campaigns.lifecycles import DONE, ENROLLMENT, IN_PROGRESS, MOVE_BACK, WAITING, ChannelStatus
from campaigns.lifecycles import EnrollmentStatus as Status
from campaigns.models import Activity, Campaign, Channel, Enrollment
from campaigns.refusals import Refused
from campaigns.services.activity import record_activity
from campaigns.services.channels import ARCHIVED, lock_channel, reopen_channel, start_refusals
from contacts.models import Contact
from contacts.services import forbid_contacts

AT_ONCE = 2_000
SKIPPED_BY_HAND = "Skipped by hand"
REASON_LENGTH = 120
ON_DO_NOT_CONTACT = "On do-not-contact"


@dataclass
class Result:
    """How many were moved, and of the others why not: words → how many. ``at`` names the deed, to undo it."""

    at: datetime
    moved: int = 0
    left: Counter[str] = field(default_factory=Counter)

    @property
    def left_in_words(self) -> str:
        """ "3 not: 2 in a call just now, 1 done already"; empty when none was left."""
        if not self.left:
            return ""
        parts = ", ".join(f"{count:,} {why}" for why, count in self.left.most_common())
        return f"{self.left.total():,} not: {parts}"


def skip_contacts(
    *,
    channel: Channel,
    places: QuerySet[Enrollment],
    reason: str = "",
    actor: User,
    now: datetime | None = None,
) -> Result:
    """Pass over those of the places who wait. They are not called in this run, unless it is undone.

    Raises ``Refused`` where the channel is over, or nobody could be skipped.
    """
    reason = (" ".join(reason.replace("\0", "").split()) or SKIPPED_BY_HAND)[:REASON_LENGTH]
    result = Result(now or timezone.now())

    def skip(rows: QuerySet[Enrollment]) -> int:
        return ENROLLMENT.apply(rows, "skip", skipped_from=F("status"), reason=reason, updated_at=result.at)

    told = Telling(
        channel.campaign,
        channel,
        actor,
        "skip",
        lambda contacts: f"skipped {contacts} of {channel.name}: {reason}",
    )
    for lot in _lots(channel, places):
        with transaction.atomic():
            hold_channel(channel)
            held = _held(lot, WAITING)
            told.more(_note(result, lot, held, skip, "done already"))
    return _done(result)


def bring_back_contacts(
    *,
    channel: Channel,
    skipped_at: datetime | None = None,
    places: QuerySet[Enrollment] | None = None,
    actor: User,
    now: datetime | None = None,
) -> Result:
    """Undo a skip: who was skipped waits as before. A channel that was completed meanwhile goes on.

    ``skipped_at``: those of the deed of this moment; else those of ``places`` whom a person skipped.
    """
    result = Result(now or timezone.now())
    of_run = Enrollment.objects.filter(channel=channel, run=channel.run) if places is None else places
    places = of_run.exclude(skipped_from="")
    if skipped_at is not None:
        places = places.filter(updated_at=skipped_at)

    def bring_back(rows: QuerySet[Enrollment]) -> int:
        return sum(
            ENROLLMENT.apply(
                rows.filter(skipped_from=before), move, skipped_from="", reason="", updated_at=result.at
            )
            for before, move in MOVE_BACK.items()
        )

    told = Telling(
        channel.campaign,
        channel,
        actor,
        "bring_back",
        lambda contacts: f"brought back {contacts} of {channel.name}",
    )
    for lot in _lots(channel, places):
        with transaction.atomic():
            is_completed = hold_channel(channel, goes_on=True)
            held = _held(lot, {Status.SKIPPED})
            told.more(_note(result, lot, held, bring_back, "changed since"))
            if is_completed and result.moved:
                _reopen(channel, "contacts were brought back")
    return _done(result)


def retry_contacts(
    *, channel: Channel, places: QuerySet[Enrollment], actor: User, now: datetime | None = None
) -> Result:
    """Have the places' contacts tried now.

    Who waits is due at once, and goes ahead of who is fresh; who was not reached, or was passed over, waits
    again, whatever number of attempts was planned.

    Hours, caps and do-not-contact hold as ever: the claim asks them. A completed channel goes on. Raises
    ``Refused`` where it can't, or nobody could be tried.
    """
    result = Result(now or timezone.now())
    now = result.at
    again = {source for source in ENROLLMENT["try_again"].sources if source in DONE}

    def retry(rows: QuerySet[Enrollment]) -> int:
        due: dict[str, Any] = {"due_at": now, "reason": "", "skipped_from": "", "updated_at": now}
        already = rows.filter(status__in=[Status.RETRY, Status.CALLBACK]).update(**due)
        return (
            already
            + ENROLLMENT.apply(rows, "bring_forward", **due)
            + ENROLLMENT.apply(rows.filter(status__in=again), "try_again", **due)
        )

    told = Telling(
        channel.campaign,
        channel,
        actor,
        "retry",
        lambda contacts: f"had {contacts} of {channel.name} tried now",
    )
    for lot in _lots(channel, places):
        with transaction.atomic():
            is_completed = hold_channel(channel, goes_on=True)
            held = _held(lot, WAITING | again, with_number=True)
            told.more(_note(result, lot, held, retry, "reached already"))
            if is_completed and result.moved:
                _reopen(channel, "contacts are to be tried again")
    return _done(result)


def forbid_places(
    *,
    channel: Channel,
    places: QuerySet[Enrollment],
    reason: str = "",
    actor: User,
    now: datetime | None = None,
) -> Result:
    """Never contact the places' contacts again.

    They are on the do-not-contact list at once, and where they wait, in whatever channel, they don't any
    more. Calls that ring are hung up on by the engine.

    Raises ``Refused`` for more than 100,000 (contacts.services.forbid_contacts) and for nobody.
    """
    result = Result(now or timezone.now())
    keys = list(places.order_by().values_list("contact_id", flat=True))
    if not keys:
        raise Refused("Nobody was chosen.")
    reason = " ".join(reason.replace("\0", "").split()) or f"Campaign {channel.campaign.name}"
    told = Telling(
        channel.campaign,
        channel,
        actor,
        "forbid",
        lambda contacts: f"put {contacts} of {channel.name} on do-not-contact",
    )
    with transaction.atomic():
        forbid_contacts(contacts=Contact.objects.filter(pk__in=keys), reason=reason, actor=actor)
        told.more(len(keys))
    result.moved = len(keys)
    for some in in_lots(keys):
        with transaction.atomic():
            waiting = Enrollment.objects.filter(contact__in=some, status__in=WAITING)
            held = list(waiting.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True))
            # Who is held by the claim at this moment is stopped by what it looks at last.
            ENROLLMENT.apply(
                Enrollment.objects.filter(pk__in=held),
                "refuse",
                reason=ON_DO_NOT_CONTACT,
                updated_at=result.at,
            )
    return result


class Telling:
    """The activity of a deed, written with its first lot and kept true with each that follows.

    ``text``: what it says of so many contacts ("1 contact", "2,000 contacts"). ``channel``: None where the
    deed is the whole campaign's.
    """

    def __init__(
        self,
        campaign: Campaign,
        channel: Channel | None,
        actor: User | None,
        verb: str,
        text: Callable[[str], str],
    ) -> None:
        self._about: dict[str, Any] = {"campaign": campaign, "channel": channel, "actor": actor, "verb": verb}
        self._text = text
        self._entry: Activity | None = None
        self._total = 0

    def more(self, moved: int) -> None:
        """In the transaction that moved them."""
        if not moved:
            return
        self._total += moved
        text = self._text("1 contact" if self._total == 1 else f"{self._total:,} contacts")[:300]
        if self._entry is None:
            self._entry = record_activity(**self._about, text=text)
        else:
            Activity.objects.filter(pk=self._entry.pk).update(text=text)


def _lots(channel: Channel, places: QuerySet[Enrollment]) -> Iterator[Sequence[int]]:
    """The keys of the places as they are now, some at a time, in the order they are stored."""
    if channel.campaign.is_archived:
        raise Refused(ARCHIVED)
    if channel.status == ChannelStatus.STOPPED:
        raise Refused(f"{channel.name} was stopped for good: nobody of it is called any more.")
    keys = keys_of(places)
    if not keys:
        raise Refused("Nobody was chosen, or they have moved on meanwhile.")
    return in_lots(keys)


def keys_of(rows: QuerySet[Enrollment]) -> Sequence[int]:
    """The keys of the rows as they are now, in order.

    A million take 8 MB, and 48 for a moment, where a list that was read at once took 126.
    """
    keys = rows.order_by().values_list("pk", flat=True)
    return array("q", sorted(keys.iterator(chunk_size=AT_ONCE)))


def in_lots(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    """So many keys as are gone through in one transaction."""
    return (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))


def hold_channel(channel: Channel, *, goes_on: bool = False) -> bool:
    """Keep the channel from being completed, stopped or run again until the transaction ends; claims go on.

    ``goes_on``: a completed one may be wanted to. Returns whether it is completed.
    """
    # The locks of a move come first, where one may follow: in the order in which every move takes them.
    if goes_on and Channel.objects.filter(pk=channel.pk, status=ChannelStatus.COMPLETED).exists():
        locked = lock_channel(channel)
        status, run = ChannelStatus(locked.status), locked.run
    else:
        goes_on = False
        with connection.cursor() as cursor:
            cursor.execute("SELECT status, run FROM campaigns_channel WHERE id = %s FOR SHARE", [channel.pk])
            found = cursor.fetchone()
        if found is None:
            raise Refused("This channel is gone.")
        status, run = found
    if run != channel.run:
        raise Refused(f"{channel.name} was run again meanwhile.")
    if status == ChannelStatus.STOPPED:
        raise Refused(f"{channel.name} was stopped for good: nobody of it is called any more.")
    return goes_on and status == ChannelStatus.COMPLETED


def _reopen(channel: Channel, why: str) -> None:
    """A completed channel, which is locked, goes on, as it does for a callback."""
    if refusals := start_refusals(channel):
        raise Refused.because(refusals[0])
    reopen_channel(channel=channel, why=why)


def _held(
    lot: Sequence[int], statuses: Collection[str], *, with_number: bool = False
) -> QuerySet[Enrollment]:
    """Those of a lot who are in one of these statuses, locked; who is held by somebody else is left out."""
    rows = Enrollment.objects.filter(pk__in=lot, status__in=sorted(statuses))
    if with_number:
        rows = rows.filter(contact__phone_number__isnull=False)
    keys = rows.select_for_update(skip_locked=True, no_key=True, of=("self",)).values_list("pk", flat=True)
    return Enrollment.objects.filter(pk__in=list(keys))


def _note(
    result: Result,
    lot: Sequence[int],
    held: QuerySet[Enrollment],
    deed: Callable[[QuerySet[Enrollment]], int],
    otherwise: str,
) -> int:
    """Do the deed with those who are held, and note of the others why not."""
    left = Enrollment.objects.filter(pk__in=lot).exclude(pk__in=held)
    for status, number in left.values_list("status", "contact__phone_number"):
        result.left[_why_not(status, number, otherwise)] += 1
    moved = deed(held)
    result.moved += moved
    return moved


def _why_not(status: str, number: str | None, otherwise: str) -> str:
    if status in IN_PROGRESS:
        return "in a call just now"
    if status == Status.DO_NOT_CALL:
        return "not to be called"
    if number is None:
        return "without a number"
    return "about to be called" if status in WAITING else otherwise


def _done(result: Result) -> Result:
    if not result.moved:
        raise Refused(f"Nobody could be: {', '.join(why for why, _ in result.left.most_common())}.")
    return result


def do_with_places(
    what: str, *, channel: Channel, places: QuerySet[Enrollment], reason: str, actor: User
) -> Result:
    """Do what a button's word says: "skip", "bring-back", "retry" or "do-not-contact"."""
    if what == "bring-back":
        return bring_back_contacts(channel=channel, places=places, actor=actor)
    if what == "skip":
        return skip_contacts(channel=channel, places=places, reason=reason, actor=actor)
    if what == "retry":
        return retry_contacts(channel=channel, places=places, actor=actor)
    return forbid_places(channel=channel, places=places, reason=reason, actor=actor)
