"""A contact's place in one run of one channel: the engine's hot table."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Case, Q, Value, When

from campaigns.lifecycles import WAITING, EnrollmentStatus
from campaigns.models.channel import Channel
from contacts.models import Contact, ZoneSet

# Why a waiting contact's turn was put off; judged anew when the schedule or the contact's zone changes.
OUTSIDE_HOURS = "Outside the contact’s hours"
LAST_DAY_PASSED = "The last day has passed"
# Why a contact was passed over that is on a list which its campaign leaves alone; the list's name follows.
ON_EXCLUSION_LIST = "On the exclusion list"


def on_exclusion_list(list_name: str) -> str:
    """The reason of a contact that was passed over for this list."""
    shown = list_name if len(list_name) <= 90 else f"{list_name[:89]}…"
    return f"{ON_EXCLUSION_LIST} “{shown}”"


class Enrollment(models.Model):
    """Narrow on purpose: a million of these are claimed from and updated all day."""

    # This key and the zone set's are checked once a statement, by triggers (migration 0007).
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="enrollments"
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="enrollments")
    # The contact's zones when it was enrolled: the claim asks only for those open now.
    zone_set = models.ForeignKey(
        ZoneSet, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    run = models.PositiveSmallIntegerField()
    status = models.CharField(
        max_length=12, choices=EnrollmentStatus.choices, default=EnrollmentStatus.PENDING
    )
    # Attempts the carrier accepted in this run. Who has one counts as dialed.
    attempts = models.PositiveSmallIntegerField(default=0)
    # Whether one of them was completed: somebody was spoken to, whatever they said and became since.
    is_reached = models.BooleanField("reached", default=False, db_default=False)
    # When a waiting contact's turn comes, at the earliest.
    due_at = models.DateTimeField()
    # Why it was skipped, deferred or failed; a short sentence for people.
    reason = models.CharField(max_length=120, blank=True)
    # What the contact waited as when a person skipped it, to go back to when that is undone.
    skipped_from = models.CharField(max_length=12, blank=True, default="", db_default="")
    updated_at = models.DateTimeField(auto_now=True)
    # Callbacks first, then retries, then contacts whose turn never came.
    turn = models.GeneratedField(
        expression=Case(
            When(status=EnrollmentStatus.CALLBACK, then=Value(0)),
            When(status=EnrollmentStatus.RETRY, then=Value(1)),
            default=Value(2),
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(status__in=EnrollmentStatus.values), name="enrollment_status_is_known"
            ),
            models.UniqueConstraint(fields=["channel", "run", "contact"], name="enrollment_once_a_run"),
            models.CheckConstraint(condition=Q(run__gt=0), name="enrollment_has_a_run"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # Exactly the claim's WHERE and ORDER BY (dialer/driving/claim.py).
            models.Index(
                fields=["channel", "run", "turn", "due_at", "id"],
                condition=Q(status__in=sorted(WAITING)),
                name="enrollment_claim",
            ),
            # The contacts tab: one status of one run, in order.
            models.Index(fields=["channel", "run", "status", "id"], name="enrollment_by_status"),
            # And the newest change first.
            models.Index(fields=["channel", "run", "-updated_at", "-id"], name="enrollment_by_change"),
        ]

    def __str__(self) -> str:
        return f"enrollment {self.pk}"


class EnrollmentCount(models.Model):
    """How many enrollments of a channel's run have a status, and how many of those were dialed and reached;
    kept by the database (migrations 0002, 0011).

    Rows are split into slots, so that no two transactions ever wait for each other's counter: read
    the sum.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False, related_name="counts")
    run = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=12, choices=EnrollmentStatus.choices)
    slot = models.SmallIntegerField()
    count = models.IntegerField(default=0)
    # Of these: with an attempt; with a completed one.
    dialed = models.IntegerField(default=0, db_default=0)
    reached = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["channel", "run", "status", "slot"], name="enrollment_count_once")
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.status}"
