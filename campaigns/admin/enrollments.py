"""Contacts in channels."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from campaigns.admin.shared import ReadOnlyAdmin, by_number, link, links_to, person
from campaigns.models import Channel, Enrollment, EnrollmentCount
from campaigns.refusals import Refused
from campaigns.services import retry_contacts, skip_contacts
from campaigns.services.places import Result


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
    actions = ("skip", "retry_now")

    def has_move_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("campaigns.change_enrollment")

    @admin.action(description="Skip", permissions=["move"])
    def skip(self, request: HttpRequest, enrollments: QuerySet[Enrollment]) -> None:
        self._act(request, enrollments, "Skipped", skip_contacts)

    @admin.action(description="Retry now", permissions=["move"])
    def retry_now(self, request: HttpRequest, enrollments: QuerySet[Enrollment]) -> None:
        """As from the command center: a completed channel goes on."""
        self._act(request, enrollments, "To be tried now", retry_contacts)

    def _act(
        self,
        request: HttpRequest,
        enrollments: QuerySet[Enrollment],
        done: str,
        service: Callable[..., Result],
    ) -> None:
        """Do it channel by channel; who is in an earlier run of one is told of."""
        channels = Channel.objects.filter(pk__in=enrollments.order_by().values("channel"))
        for channel in channels.select_related("campaign"):
            places = enrollments.filter(channel=channel, run=channel.run)
            if earlier := enrollments.filter(channel=channel).exclude(run=channel.run).count():
                message = f"{channel}: {earlier:,} of an earlier run, which is over."
                self.message_user(request, message, messages.WARNING)
            if not places.exists():
                continue
            try:
                result = service(channel=channel, places=places, actor=person(request))
            except Refused as refused:
                self.message_user(request, f"{channel}: {refused}", messages.ERROR)
                continue
            left = f" {result.left_in_words}." if result.left else ""
            self.message_user(request, f"{channel}: {done}: {result.moved:,}.{left}", messages.SUCCESS)

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
