"""The engine's own rows: the drivers that live, and the carrier account they share."""

from __future__ import annotations

from django.db import models


class Driver(models.Model):
    """A driver at work. Rows of dead ones are removed when their sign of life is old."""

    id = models.CharField(max_length=64, primary_key=True)
    host = models.CharField(max_length=100)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class CarrierAccount(models.Model):
    """One row an account: the pace that all channels share, and when the worker last had to reconcile."""

    auth_id = models.CharField(max_length=40, primary_key=True)
    next_start_at = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.auth_id
