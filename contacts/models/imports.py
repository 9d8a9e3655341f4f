"""Imports: files of contacts on their way into a list."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from contacts.models.lists import List


class ImportStatus(models.TextChoices):
    UPLOADED = "uploaded", "Uploaded"
    MAPPED = "mapped", "Waiting to run"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


class Import(models.Model):
    file = models.FileField(upload_to="imports/%Y/%m/")
    file_name = models.CharField(max_length=255)
    status = models.CharField(max_length=12, choices=ImportStatus.choices, default=ImportStatus.UPLOADED)
    list = models.ForeignKey(List, null=True, blank=True, on_delete=models.SET_NULL, related_name="imports")
    list_name = models.CharField(max_length=120)
    country = models.CharField(max_length=2)
    # What was found in the file: {"encoding", "delimiter", "has_header", "columns": [...]}.
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
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

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
        ]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        return reverse("contacts:import", args=[self.pk])


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
