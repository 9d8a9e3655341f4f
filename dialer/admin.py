"""Calls and the engine for support staff: looked up, never changed."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaigns.admin.shared import ReadOnlyAdmin, ReadOnlyInline, by_number, link
from contacts.queries import Folded, Holds
from dialer.models import (
    Call,
    CallCount,
    CallEvent,
    CarrierAccount,
    Driver,
    Recording,
    Transcript,
    UnwantedFile,
)

NAME_AT_LEAST = 3


class EventInline(ReadOnlyInline):
    model = CallEvent
    fields = readonly_fields = ("at", "kind", "data")
    ordering = ("id",)


class RecordingInline(ReadOnlyInline):
    model = Recording
    # Neither the file nor its address: recordings are listened to in the dashboard, which writes it down.
    fields = readonly_fields = ("status", "duration_ms", "tries", "error", "announced_at")


class TranscriptInline(ReadOnlyInline):
    model = Transcript
    fields = readonly_fields = ("created_at", "words")


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "created_at",
        "to_number",
        "contact_name",
        "campaign_name",
        "state",
        "outcome",
        "disposition",
        "duration_seconds",
        "carrier_id",
    )
    list_select_related = ("disposition",)
    list_filter = ("state", "outcome")
    search_fields = ("=id",)
    search_help_text = (
        "A number in any notation, the contact’s name (three letters or more), "
        "the carrier’s id, or the record’s own"
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "page",
                    "state",
                    "outcome",
                    "pressed",
                    "pressed_for",
                    "disposition",
                    "summary",
                    "notes",
                    "callback_at",
                )
            },
        ),
        (
            "Who",
            {
                "fields": (
                    "contact_link",
                    "contact_name",
                    "to_number",
                    "from_number",
                    "campaign_link",
                    "campaign_name",
                    "channel_link",
                    "channel_name",
                    "enrollment_link",
                    "run",
                    "attempt",
                    "assistant_name",
                )
            },
        ),
        (
            "When",
            {
                "fields": (
                    "created_at",
                    "placed_at",
                    "accepted_at",
                    "ringing_at",
                    "answered_at",
                    "ended_at",
                    "duration_seconds",
                    "billed_seconds",
                    "cost",
                )
            },
        ),
        (
            "Carrier",
            {
                "fields": (
                    "request_id",
                    "carrier_id",
                    "hangup_code",
                    "hangup_cause",
                    "hangup_by",
                    "is_machine",
                    "message_left",
                    "owner",
                    "claimed_from",
                    "deadline_at",
                    "checks",
                )
            },
        ),
    )
    readonly_fields = ("page", "contact_link", "campaign_link", "channel_link", "enrollment_link")
    inlines = (EventInline, RecordingInline, TranscriptInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        return super().get_queryset(request).select_related("disposition")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Call], search_term: str
    ) -> tuple[QuerySet[Call], bool]:
        """Only ways that an index serves: a million calls are not read for one."""
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        if term.isascii() and term.isdigit() and len(term) < 10:
            return queryset.filter(pk=int(term)), False
        found = by_number(queryset, "to_number", term)
        if found is not None:
            return found, False
        matches = Q(request_id=term) | Q(carrier_id=term) if _looks_like_an_id(term) else Q()
        if not matches and len(term) >= NAME_AT_LEAST:
            matches = Q(Holds(Folded("contact_name"), term))
        return queryset.filter(matches) if matches else queryset.none(), False

    @admin.display(description="in the dashboard")
    def page(self, call: Call) -> SafeString:
        return format_html('<a href="{}">Call {}</a>', reverse("analytics:call", args=[call.pk]), call.pk)

    @admin.display(description="contact")
    def contact_link(self, call: Call) -> SafeString | str:
        return link(call.contact)

    @admin.display(description="campaign")
    def campaign_link(self, call: Call) -> SafeString | str:
        return link(call.campaign)

    @admin.display(description="channel")
    def channel_link(self, call: Call) -> SafeString | str:
        return link(call.channel)

    @admin.display(description="place in the channel")
    def enrollment_link(self, call: Call) -> SafeString | str:
        return link(call.enrollment)


def _looks_like_an_id(term: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-fA-F][0-9a-fA-F-]{15,63}", term))


class Beside(ReadOnlyAdmin):
    """Kept beside another record, and looked up by that one's own number."""

    beside = "call"
    search_fields = ("=pk",)
    search_help_text = "The call’s record number"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if not (term.isascii() and term.isdigit() and len(term) < 19):
            return queryset.none(), False
        return queryset.filter(**{self.beside: int(term)}), False


class OfACall(Beside):
    list_select_related = ("call",)

    @admin.display(description="call", ordering="call")
    def call_link(self, record: Any) -> SafeString | str:
        return link(record.call)


@admin.register(CallEvent)
class CallEventAdmin(OfACall):
    list_display = ("id", "call_link", "kind", "at")
    fields = readonly_fields = ("call_link", "kind", "at", "data")


@admin.register(Recording)
class RecordingAdmin(OfACall):
    list_display = ("call_link", "status", "duration_ms", "tries", "announced_at", "error")
    list_filter = ("status",)
    fields = readonly_fields = (
        "call_link",
        "status",
        "carrier_id",
        "duration_ms",
        "tries",
        "error",
        "announced_at",
    )


@admin.register(UnwantedFile)
class UnwantedFileAdmin(ReadOnlyAdmin):
    list_display = ("name", "due_at")
    ordering = ("due_at",)


@admin.register(Transcript)
class TranscriptAdmin(OfACall):
    list_display = ("call_link", "created_at")
    fields = readonly_fields = ("call_link", "created_at", "turns")


@admin.register(CallCount)
class CallCountAdmin(Beside):
    """Kept by the database; the sum over the slots is what counts."""

    beside = "campaign"
    search_help_text = "The campaign’s record number"
    list_display = ("campaign_id", "outcome", "disposition_id", "slot", "calls", "seconds", "cost")
    list_filter = ("outcome",)
    # A campaign that is gone leaves its rows for a moment.
    fields = readonly_fields = (
        "campaign_id",
        "outcome",
        "disposition_id",
        "slot",
        "calls",
        "seconds",
        "cost",
    )


@admin.register(Driver)
class DriverAdmin(ReadOnlyAdmin):
    list_display = ("id", "host", "pid", "started_at", "seen_at")
    search_fields = ("id", "host")


@admin.register(CarrierAccount)
class CarrierAccountAdmin(ReadOnlyAdmin):
    list_display = ("auth_id", "next_start_at", "held_until", "reconciled_at")
    search_fields = ("auth_id",)
