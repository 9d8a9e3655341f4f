"""Imports: files of contacts on their way into a list."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5, Cast
from django.urls import reverse

from contacts.models.do_not_contact import DoNotContact
from contacts.models.lists import List


class ImportStatus(models.TextChoices):
    UPLOADED = "uploaded", "Uploaded"
    MAPPED = "mapped", "Waiting to run"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Import(models.Model):
    class Purpose(models.TextChoices):
        CONTACTS = "contacts", "Contacts into a list"
        DO_NOT_CONTACT = "do_not_contact", "Do-not-contact"

    purpose = models.CharField(max_length=16, choices=Purpose.choices, default=Purpose.CONTACTS)
    # Empty once the import has completed, or was given up: it is full of personal data.
    file = models.FileField(upload_to="imports/%Y/%m/", blank=True)
    file_name = models.CharField(max_length=255)
    status = models.CharField(max_length=12, choices=ImportStatus.choices, default=ImportStatus.UPLOADED)
    list = models.ForeignKey(List, null=True, blank=True, on_delete=models.SET_NULL, related_name="imports")
    list_name = models.CharField(max_length=120, blank=True)
    country = models.CharField(max_length=2)
    # A row without a number is a contact too, if it has an email address.
    email_is_enough = models.BooleanField(default=False)
    # Of an import into do-not-contact: what its entries say.
    scope = models.CharField("never by", max_length=8, choices=DoNotContact.Scope.choices, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    # What was found in the file: see importing.reading.Dialect.
    dialect = models.JSONField(default=dict)
    # Position of a column in the file (as text, JSON has no other keys) -> the contact field it fills:
    # phone_number, first_name, last_name, name, email, company, time_zone, "field:<name>" or "".
    mapping = models.JSONField(default=dict)
    rows = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    invalid = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=400, blank=True)
    # When it was put into the queue; None: a worker has taken it up since.
    enqueued_at = models.DateTimeField(null=True, blank=True)
    # How often a process took it up since a person last asked for it.
    attempts = models.PositiveSmallIntegerField(default=0)
    # All rows are read, and are being saved: from here on there is nothing to count.
    saving_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The moment that all contacts which it created or changed carry (``created_at``, ``updated_at``), and the
    # version of its list that it made: by both, an import is undone. None: it did nothing of the kind.
    merged_at = models.DateTimeField(null=True, blank=True)
    list_version = models.PositiveIntegerField(null=True, blank=True)
    # A worker undoes it from the one moment to the other; it has deleted so many contacts.
    undo_asked_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    taken_off = models.PositiveIntegerField(default=0)
    deleted = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(status__in=ImportStatus.values), name="import_status_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="completed")
                | Q(rows=F("created") + F("updated") + F("unchanged") + F("duplicates") + F("invalid")),
                name="import_sums_add_up",
            ),
            models.CheckConstraint(
                condition=Q(purpose="contacts") & ~Q(list_name="")
                | Q(purpose="do_not_contact") & ~Q(scope=""),
                name="import_has_a_destination",
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undo_asked_at__isnull=True)
                | Q(undo_asked_at__isnull=False, merged_at__isnull=False, status="completed"),
                name="import_undone_was_completed",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        return reverse("contacts:import", args=[self.pk])

    @property
    def is_being_undone(self) -> bool:
        return self.undo_asked_at is not None and self.undone_at is None

    @property
    def may_be_undone(self) -> bool:
        """Whether it is known whom it put on its list, and nobody asked to undo it yet."""
        return (
            self.status == ImportStatus.COMPLETED
            and None not in {self.merged_at, self.list_version, self.list_id}
            and self.undo_asked_at is None
        )


class RejectedRow(models.Model):
    """A row of a file that could not become a contact, and why."""

    contact_import = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rejected_rows")
    line = models.PositiveIntegerField()
    reason = models.CharField(max_length=200)
    values = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["contact_import", "line"], name="rejected_row_line_once")
        ]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class RememberedMapping(models.Model):
    """What the columns of files with this header were said to be, the last time one was imported."""

    purpose = models.CharField(max_length=16, choices=Import.Purpose.choices)
    # The headers as they are compared (importing.mapping.plain), sorted: a file is known by them.
    headers = models.JSONField()
    # A header, compared that way -> its target, as in ``Import.mapping``.
    targets = models.JSONField()
    used_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "purpose",
                MD5(Cast("headers", models.TextField())),
                name="remembered_mapping_once_a_header",
            )
        ]

    def __str__(self) -> str:
        return ", ".join(self.headers)
