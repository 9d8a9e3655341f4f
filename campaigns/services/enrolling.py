"""Contacts of lists become enrollments of a channel's run: one statement, however many they are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_

from django.db import IntegrityError, OperationalError, connection, models, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from psycopg import errors

from campaigns.lifecycles import ENROLLMENT, WAITING
from campaigns.models import Channel, ChannelList, Enrollment
from campaigns.planning import planned_for
from campaigns.refusals import Refused
from contacts.models import Membership

# A contact without a number is enrolled too, as skipped with the reason: the sums of the page add up. In
# the order of the lists, and in each of them of its rows; who is in several has the first one's place.
# The channel is locked: nobody else enrolls in this run, so that who is new can be asked beforehand,
# which for a million takes half as long as an insertion prepared for conflicts.
ENROLL = """
INSERT INTO campaigns_enrollment
    (channel_id, contact_id, zone_set_id, run, status, attempts, due_at, reason, updated_at)
SELECT %(channel)s, contact.id, contact.zone_set_id, %(run)s,
       CASE WHEN contact.phone_number IS NULL THEN 'skipped' ELSE 'pending' END, 0, %(now)s,
       CASE WHEN contact.phone_number IS NULL THEN 'Has no phone number' ELSE '' END, %(now)s
FROM (
    SELECT DISTINCT ON (member.contact_id) member.contact_id, assigned.place, member.id
    FROM contacts_membership AS member
    JOIN unnest(%(lists)s::bigint[], %(versions)s::integer[])
        WITH ORDINALITY AS assigned (list_id, version, place) ON assigned.list_id = member.list_id
    WHERE member.list_id = ANY(%(lists)s)
        AND member.added_in <= assigned.version
        AND (member.removed_in IS NULL OR member.removed_in > assigned.version)
    ORDER BY member.contact_id, assigned.place, member.id
) AS member
JOIN contacts_contact AS contact ON contact.id = member.contact_id
WHERE NOT EXISTS (
    SELECT FROM campaigns_enrollment AS enrolled
    WHERE enrolled.channel_id = %(channel)s AND enrolled.run = %(run)s
        AND enrolled.contact_id = member.contact_id
)
ORDER BY member.place, member.id
"""
# Each new enrollment refers to its contact: asked here rather than at the commit, when nothing can be mended.
REFER_TO_CONTACTS = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"
# Somebody deleted contacts that were being enrolled, or the two waited for each other.
_GONE_WHEN_TRIED_AGAIN = (errors.ForeignKeyViolation, errors.DeadlockDetected)
ATTEMPTS = 4


def enroll_lists(*, channel: Channel, now: datetime) -> int:
    """Enroll the contacts of the channel's lists, as pinned, in its current run; return how many are new.

    To be called in the transaction of the move that needs it, with the channel locked: a run is seen
    with all its contacts, or not at all. Contacts in several lists, or already enrolled in this run, are
    enrolled once. Those enrolled are not deleted any more; those being deleted are waited for, and left out.

    Raises ``Refused`` when contacts of the lists are deleted all the time.
    """
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _enroll(channel, now)
        except (IntegrityError, OperationalError) as error:
            if not isinstance(error.__cause__, _GONE_WHEN_TRIED_AGAIN):
                raise
    raise Refused("Contacts of these lists are being deleted right now. Try again in a moment.")


def _enroll(channel: Channel, now: datetime) -> int:
    pinned = ChannelList.objects.filter(channel=channel, version__isnull=False).order_by("id")
    assigned = list(pinned.values_list("list_id", "version", "list__size"))
    with planned_for(sum(size for _, _, size in assigned)), connection.cursor() as cursor:
        cursor.execute(
            ENROLL,
            {
                "channel": channel.pk,
                "run": channel.run,
                "now": now,
                "lists": [list_id for list_id, _, _ in assigned],
                "versions": [version for _, version, _ in assigned],
            },
        )
        enrolled = int(cursor.rowcount)
        cursor.execute(REFER_TO_CONTACTS)
        return enrolled


def pin_lists(*, channel: Channel) -> None:
    """Fix the version of each of the channel's lists that has none yet to the list's newest."""
    for assigned in ChannelList.objects.filter(channel=channel, version=None).select_related("list"):
        ChannelList.objects.filter(pk=assigned.pk, version=None).update(version=assigned.list.version)


def withdraw_list(*, channel: Channel, assigned: ChannelList, now: datetime) -> int:
    """Take the waiting contacts that only this list brought out of the run; return how many.

    Who was never tried goes without a trace; who was tried is skipped, with the reason.
    """
    others = ChannelList.objects.filter(channel=channel).exclude(pk=assigned.pk)
    reason = f"List {assigned.list.name} was unassigned"
    return _withdraw(channel, _brought_by([assigned], without=others), reason, now)


def take_newest(*, channel: Channel, assigned: ChannelList, now: datetime) -> tuple[int, int]:
    """Pin an assigned list's newest version: who was added since is enrolled, and who was removed since and
    waits leaves the run, as when a list is unassigned. Returns how many came and how many left."""
    ChannelList.objects.filter(pk=assigned.pk).update(version=assigned.list.version)
    # Of the object in hand it is still the version of before.
    pinned = ChannelList.objects.filter(channel=channel)
    reason = f"Was taken off the list {assigned.list.name}"
    left = _withdraw(channel, _brought_by([assigned], without=pinned), reason, now)
    return enroll_lists(channel=channel, now=now), left


def _withdraw(channel: Channel, members: QuerySet[Membership], reason: str, now: datetime) -> int:
    leaving = Enrollment.objects.filter(
        channel=channel, run=channel.run, status__in=WAITING, contact__in=members.values("contact")
    )
    tried = Enrollment.objects.filter(pk__in=leaving.filter(calls__isnull=False).values("pk"))
    skipped = ENROLLMENT.apply(tried, "skip", reason=reason[:120], updated_at=now)
    return skipped + remove_enrollments(leaving.filter(attempts=0))


def _brought_by(lists: Iterable[ChannelList], *, without: Iterable[ChannelList]) -> QuerySet[Membership]:
    """Whom these lists brought, and none of the others."""
    # Asked one by one: NOT IN a list that fits no work_mem reads that for each of them.
    others = _members(without).filter(contact=OuterRef("contact"))
    return _members(lists).filter(~Exists(others))


def _members(lists: Iterable[ChannelList]) -> QuerySet[Membership]:
    """The lists' members: those of the versions that were pinned, not of today's."""
    members = (
        Membership.objects.filter(list=assigned.list_id).of_version(assigned.version)
        for assigned in lists
        if assigned.version is not None
    )
    return reduce(or_, members, Membership.objects.none())


def remove_enrollments(enrollments: QuerySet[Enrollment]) -> int:
    """Delete enrollments, be they hundreds of thousands; return how many. Their calls stay.

    Django would read each of them to let go of its calls: here both are one statement for all. Calls
    first, as everywhere: an end holds its call, and then its contact's enrollment.
    """
    for relation in Enrollment._meta.related_objects:
        if relation.on_delete is not models.SET_NULL:
            raise TypeError(f"{relation} does not let go of its enrollment: say here how it should.")
        name = relation.field.name
        rows = relation.related_model._base_manager.filter(**{f"{name}__in": enrollments.values("pk")})
        rows.update(**{name: None})
    statement, parameters = enrollments.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM campaigns_enrollment WHERE id IN ({statement})", parameters)  # noqa: S608
        return int(cursor.rowcount)


def next_run(*, channel: Channel) -> None:
    """Count the channel's run up, in the database and on the object."""
    Channel.objects.filter(pk=channel.pk).update(run=F("run") + 1)
    channel.run += 1
