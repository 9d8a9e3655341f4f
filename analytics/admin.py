"""Snapshots of figures for support staff: looked up, never changed."""

from __future__ import annotations

from django.contrib import admin

from analytics.models import Snapshot
from campaigns.admin.shared import ReadOnlyAdmin


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    list_display = ("id", "campaign", "key", "ordered_at", "taken_at", "took_ms")
    list_select_related = ("campaign",)
    search_fields = ("=campaign__id", "campaign__name")
    search_help_text = "The campaign’s name or record number"
    fields = readonly_fields = ("campaign", "key", "version", "ordered_at", "taken_at", "took_ms", "figures")
