"""Contacts in channels."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from campaigns.admin.shared import ReadOnlyAdmin, by_number, link, links_to
from campaigns.models import Enrollment, EnrollmentCount


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnlyAdmin):
    list_display = ("id", "contact_link", "channel_link", "run", "status", "attempts", "due_at", "reason")
    list_select_related = ("contact", "channel__campaign")
    list_filter = ("status",)
    search_fields = ("=id",)
    search_help_text = "The contact’s number in any notation, or the record’s own"
    fields = (
        "contact_link",
        "channel_link",
        "run",
        "status",
        "attempts",
        "is_reached",
        "due_at",
        "reason",
        "skipped_from",
        "zone_set",
        "updated_at",
        "calls",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Enrollment]:
        return super().get_queryset(request).select_related("contact", "channel__campaign")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Enrollment], search_term: str
    ) -> tuple[QuerySet[Enrollment], bool]:
        if search_term.isascii() and search_term.isdigit() and len(search_term) < 7:
            return queryset.filter(pk=int(search_term)), False
        found = by_number(queryset, "contact__phone_number", search_term) if search_term else queryset
        return queryset.none() if found is None else found, False

    @admin.display(description="contact")
    def contact_link(self, enrollment: Enrollment) -> SafeString | str:
        return link(enrollment.contact)

    @admin.display(description="channel")
    def channel_link(self, enrollment: Enrollment) -> SafeString | str:
        return link(enrollment.channel)

    @admin.display(description="see also")
    def calls(self, enrollment: Enrollment) -> SafeString:
        return links_to([("Calls", "dialer_call", {"enrollment__id__exact": enrollment.pk})])


@admin.register(EnrollmentCount)
class EnrollmentCountAdmin(ReadOnlyAdmin):
    """Kept by the database; the sum over the slots is what counts."""

    list_display = ("channel_link", "run", "status", "slot", "count")
    list_select_related = ("channel__campaign",)
    list_filter = ("status",)
    search_fields = ("channel__campaign__name",)

    @admin.display(description="channel")
    def channel_link(self, record: EnrollmentCount) -> SafeString | str:
        return link(record.channel)
