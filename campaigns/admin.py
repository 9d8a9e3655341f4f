"""Campaigns for support staff: any record can be looked up, and settings mended while a channel may be
edited. Statuses are read-only; moves go through the services that the dashboard calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from accounts.models import User
from campaigns import services
from campaigns.forms import AssistantForm, CallerIdForm
from campaigns.forms.settings import DispositionForm
from campaigns.hours import describe
from campaigns.models import (
    Activity,
    Assistant,
    CallerId,
    Campaign,
    CampaignExclusion,
    Channel,
    ChannelDrive,
    ChannelList,
    Disposition,
    Enrollment,
    EnrollmentCount,
    ReattemptRule,
    Schedule,
    VoiceSettings,
)
from campaigns.queries import channel_counts
from campaigns.refusals import Refused
from campaigns.usage import is_used
from contacts.phone_numbers import dialable
from contacts.zones import find_zone

# Of a table with millions of rows this many are leafed through; filters and the search narrow it.
LEAFED_THROUGH = 10_000


# --- What all records of campaigns and calls share ------------------------------------------------------


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than anybody leafs: a full count reads the whole table."""

    @cached_property
    def count(self) -> int:
        records: Any = self.object_list
        found: int = records.order_by()[:LEAFED_THROUGH].count()
        return found


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Newest first, and quick on large tables."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-pk",)


class ReadOnlyAdmin(RecordAdmin):
    """What only services and the engine write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def link(record: Model | None, text: str = "") -> SafeString | str:
    """To another record's page in the admin."""
    if record is None:
        return "–"
    meta = record._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[record.pk])
    return format_html('<a href="{}">{}</a>', url, text or record)


def links_to(pages: Sequence[tuple[str, str, dict[str, Any]]]) -> SafeString:
    """To lists of records: (words, the list's URL name, what it is filtered by)."""
    return format_html_join(
        " · ",
        '<a href="{}?{}">{}</a>',
        ((reverse(f"admin:{name}_changelist"), urlencode(query), words) for words, name, query in pages),
    )


def by_number(records: QuerySet[Any], path: str, term: str) -> QuerySet[Any] | None:
    """Records whose number is the one written; None if the term is no number."""
    number = dialable(term, settings.DEFAULT_COUNTRY)
    return records.filter(**{path: number}) if isinstance(number, str) else None


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  (nobody else enters the admin)
    return request.user


# --- Campaigns ------------------------------------------------------------------------------------------


class ArchivedFilter(admin.SimpleListFilter):
    title = "archived"
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in {"yes", "no"}:
            return queryset.filter(archived_at__isnull=self.value() == "no")
        return queryset


class ChannelInline(ReadOnlyInline):
    model = Channel
    fields = readonly_fields = ("name", "kind", "status", "run", "start_at", "started_at", "finished_at")


@admin.register(Campaign)
class CampaignAdmin(RecordAdmin):
    """Made and deleted in the dashboard, where their channels come and go with them."""

    list_display = ("name", "status", "archived_at", "direction", "created_at", "created_by")
    list_select_related = ("created_by",)
    list_filter = ("status", ArchivedFilter, "direction")
    search_fields = ("name", "description")
    fields = (
        "name",
        "description",
        "direction",
        "status",
        "archived_at",
        "created_at",
        "updated_at",
        "created_by",
        "records",
    )
    readonly_fields = (
        "direction",
        "status",
        "archived_at",
        "created_at",
        "updated_at",
        "created_by",
        "records",
    )
    inlines = (ChannelInline,)
    actions = ("pause", "resume", "restore")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return False

    @admin.display(description="see also")
    def records(self, campaign: Campaign) -> SafeString:
        mine = {"campaign__id__exact": campaign.pk}
        return format_html(
            '<a href="{}">Command center</a> · {}',
            campaign.get_absolute_url(),
            links_to([("Calls", "dialer_call", mine), ("Activity", "campaigns_activity", mine)]),
        )

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, campaigns: QuerySet[Campaign]) -> None:
        _do(
            self,
            request,
            campaigns,
            "Paused",
            lambda campaign, actor: services.pause_campaign(campaign=campaign, actor=actor),
            nothing="nothing of it runs",
        )

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, campaigns: QuerySet[Campaign]) -> None:
        _do(
            self,
            request,
            campaigns,
            "Resumed",
            lambda campaign, actor: services.resume_campaign(campaign=campaign, actor=actor),
            nothing="nothing of it is paused",
        )

    @admin.action(description="Restore from the archive", permissions=["change"])
    def restore(self, request: HttpRequest, campaigns: QuerySet[Campaign]) -> None:
        _do(
            self,
            request,
            campaigns,
            "Restored",
            lambda campaign, actor: services.restore_campaign(campaign=campaign, actor=actor),
        )


def _do(
    model_admin: admin.ModelAdmin[Any],
    request: HttpRequest,
    records: QuerySet[Any],
    done: str,
    deed: Callable[[Any, User], Any],
    *,
    nothing: str = "",
) -> None:
    """Do it to each, log what was done, and tell what was refused and why.

    ``nothing`` is why a deed that returns 0 did nothing.
    """
    count = 0
    for record in records:
        try:
            result = deed(record, _person(request))
        except Refused as refused:
            model_admin.message_user(request, f"{record}: {refused}", messages.ERROR)
            continue
        if nothing and result == 0:
            model_admin.message_user(request, f"{record}: {nothing}.", messages.WARNING)
            continue
        model_admin.log_change(request, record, f"{done}.")
        count += 1
    if count:
        model_admin.message_user(request, f"{done}: {count}.", messages.SUCCESS)


# --- Channels -------------------------------------------------------------------------------------------


class VoiceSettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for name, most in (
            ("concurrent_calls", settings.MAX_CONCURRENT_CALLS),
            ("calls_per_second", settings.MAX_CALLS_PER_SECOND),
        ):
            if (cleaned.get(name) or 0) > most:
                self.add_error(name, f"At most {most:,} in this installation.")
        return cleaned


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_time_zone(self) -> str:
        written = self.cleaned_data["time_zone"]
        zone = find_zone(written) if written else ""
        if zone is None:
            raise forms.ValidationError("There is no such time zone. Write it like America/Denver.")
        return zone


class WhileEditable:
    """Part of a channel's settings: changed only where the dashboard would let them be changed."""

    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)  # type: ignore[misc]
        return allowed and (obj is None or obj.is_editable)


class VoiceSettingsInline(WhileEditable, admin.StackedInline):  # type: ignore[type-arg]
    model = VoiceSettings
    form = VoiceSettingsForm
    autocomplete_fields = ("assistant", "caller_id")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **options)
        if db_field.name in self.autocomplete_fields and field is not None:
            # What is chosen here is used, and can't be deleted.
            field.widget.can_delete_related = False
        return field


class ScheduleInline(WhileEditable, admin.StackedInline):  # type: ignore[type-arg]
    model = Schedule
    form = ScheduleForm
    fields = ("time_zone", "start_date", "end_date", "hours_in_words", "closed_days")
    readonly_fields = ("hours_in_words",)

    @admin.display(description="weekly hours")
    def hours_in_words(self, schedule: Schedule) -> str:
        return describe(schedule.hours, schedule.time_zone)


class ReattemptRuleInline(WhileEditable, admin.TabularInline):  # type: ignore[type-arg]
    model = ReattemptRule
    extra = 0
    readonly_fields = ("outcome",)


class ChannelListInline(ReadOnlyInline):
    model = ChannelList
    fields = readonly_fields = ("list", "version")


@admin.register(Channel)
class ChannelAdmin(RecordAdmin):
    list_display = ("name", "campaign_link", "kind", "status", "run", "start_at", "started_at", "finished_at")
    list_select_related = ("campaign",)
    list_filter = ("status", "kind", "pause_reason")
    search_fields = ("name", "campaign__name")
    fields = (
        "campaign_link",
        "name",
        "kind",
        "status",
        "pause_reason",
        "pause_note",
        "run",
        "start_at",
        "started_at",
        "finished_at",
        "created_at",
        "revision",
        "contacts",
        "records",
    )
    # All but its name, which nothing depends on.
    readonly_fields = tuple(name for name in fields if name != "name")
    inlines = (VoiceSettingsInline, ScheduleInline, ReattemptRuleInline, ChannelListInline)
    actions = ("pause", "resume", "stop")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.is_editable)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        return super().get_queryset(request).select_related("campaign")

    @admin.display(description="campaign", ordering="campaign__name")
    def campaign_link(self, channel: Channel) -> SafeString | str:
        return link(channel.campaign)

    @admin.display(description="contacts, this run")
    def contacts(self, channel: Channel) -> str:
        counts = channel_counts([channel])[channel.pk]
        return (
            f"{counts.total:,}: {counts.completed:,} completed, {counts.failed:,} failed, "
            f"{counts.pending:,} waiting, {counts.in_progress:,} in progress"
        )

    @admin.display(description="see also")
    def records(self, channel: Channel) -> SafeString:
        mine = {"channel__id__exact": channel.pk}
        return links_to(
            [
                ("Contacts", "campaigns_enrollment", mine),
                ("Calls", "dialer_call", mine),
                ("Counts", "campaigns_enrollmentcount", mine),
                ("Drive", "campaigns_channeldrive", {"channel__exact": channel.pk}),
            ]
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Like the dashboard's form: locked, refused while it runs, and written down."""
        changed = [
            *form.changed_data,
            *(name for formset in formsets for each in formset.forms for name in each.changed_data),
        ]
        names = sorted({name.replace("_", " ") for name in changed})
        services.save_channel_settings(channel=form.instance, actor=_person(request), changed=names)
        super().save_related(request, form, formsets, change)

    def changeform_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> Any:
        try:
            return super().changeform_view(request, *arguments, **options)
        except Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        _do(
            self,
            request,
            channels,
            "Paused",
            lambda channel, actor: services.pause_channel(channel=channel, actor=actor),
        )

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        _do(
            self,
            request,
            channels,
            "Resumed",
            lambda channel, actor: services.resume_channel(channel=channel, actor=actor),
        )

    @admin.action(description="Stop for good", permissions=["change"])
    def stop(self, request: HttpRequest, channels: QuerySet[Channel]) -> HttpResponse | None:
        """Asks first: it can't be undone."""
        if "confirmed" in request.POST:
            _do(
                self,
                request,
                channels,
                "Stopped",
                lambda channel, actor: services.stop_channel(channel=channel, actor=actor),
            )
            return None
        chosen = list(channels)
        counts = channel_counts(chosen)
        return TemplateResponse(
            request,
            "admin/campaigns/channel/stop.html",
            {
                **self.admin_site.each_context(request),
                "title": "Stop for good?",
                "opts": self.model._meta,
                "channels": [(channel, counts[channel.pk].pending) for channel in chosen],
                "action_checkbox_name": ACTION_CHECKBOX_NAME,
            },
        )


@admin.register(VoiceSettings)
class VoiceSettingsAdmin(ReadOnlyAdmin):
    """Changed on the channel's page."""

    list_display = (
        "channel_link",
        "destination",
        "assistant",
        "caller_id",
        "concurrent_calls",
        "calls_per_second",
    )
    list_select_related = ("channel__campaign", "assistant", "caller_id")
    list_filter = ("destination", "machine_detection", "record_calls")
    search_fields = ("channel__campaign__name", "assistant__name", "caller_id__phone_number")

    @admin.display(description="channel")
    def channel_link(self, record: VoiceSettings) -> SafeString | str:
        return link(record.channel)


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """Changed on the channel's page."""

    list_display = ("channel_link", "hours_in_words", "start_date", "end_date")
    list_select_related = ("channel__campaign",)
    search_fields = ("channel__campaign__name", "time_zone")
    fields = ("channel_link", "time_zone", "hours_in_words", "start_date", "end_date", "closed_days")
    readonly_fields = fields

    @admin.display(description="channel")
    def channel_link(self, record: Schedule) -> SafeString | str:
        return link(record.channel)

    @admin.display(description="weekly hours")
    def hours_in_words(self, schedule: Schedule) -> str:
        return describe(schedule.hours, schedule.time_zone)


@admin.register(ReattemptRule)
class ReattemptRuleAdmin(ReadOnlyAdmin):
    """Changed on the channel's page."""

    list_display = ("channel_link", "outcome", "delay_minutes", "max_times")
    list_select_related = ("channel__campaign",)
    list_filter = ("outcome",)
    search_fields = ("channel__campaign__name",)

    @admin.display(description="channel")
    def channel_link(self, record: ReattemptRule) -> SafeString | str:
        return link(record.channel)


@admin.register(ChannelList)
class ChannelListAdmin(ReadOnlyAdmin):
    list_display = ("channel_link", "list_link", "version")
    list_select_related = ("channel__campaign", "list")
    search_fields = ("channel__campaign__name", "list__name")

    @admin.display(description="channel")
    def channel_link(self, record: ChannelList) -> SafeString | str:
        return link(record.channel)

    @admin.display(description="list")
    def list_link(self, record: ChannelList) -> SafeString | str:
        return link(record.list)


@admin.register(CampaignExclusion)
class CampaignExclusionAdmin(ReadOnlyAdmin):
    """Changed in the command center, where it is written down who did."""

    list_display = ("campaign_link", "list_link")
    list_select_related = ("campaign", "list")
    search_fields = ("campaign__name", "list__name")
    fields = ("campaign_link", "list_link")
    readonly_fields = fields

    @admin.display(description="campaign")
    def campaign_link(self, record: CampaignExclusion) -> SafeString | str:
        return link(record.campaign)

    @admin.display(description="never those of")
    def list_link(self, record: CampaignExclusion) -> SafeString | str:
        return link(record.list)


@admin.register(ChannelDrive)
class ChannelDriveAdmin(ReadOnlyAdmin):
    list_display = ("channel_link", "owner", "leased_until", "waiting_for", "waiting_until", "trusted_since")
    list_select_related = ("channel__campaign",)
    search_fields = ("channel__campaign__name", "owner", "waiting_for")

    @admin.display(description="channel")
    def channel_link(self, record: ChannelDrive) -> SafeString | str:
        return link(record.channel)


# --- Contacts in channels -------------------------------------------------------------------------------


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
        "due_at",
        "reason",
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


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "text", "campaign_name", "channel_name")
    list_select_related = ("actor",)
    search_fields = ("campaign_name", "text", "actor__username", "actor__last_name")


# --- Destinations and dispositions ----------------------------------------------------------------------


class DeletedWhenUnused(RecordAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not is_used(obj))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # One by one, where it is known whether it is used.
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


@admin.register(Assistant)
class AssistantAdmin(DeletedWhenUnused):
    form = AssistantForm
    list_display = ("name", "url", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "description", "url")
    fields = ("name", "description", "url", "is_active", "used_by")
    readonly_fields = ("used_by",)

    @admin.display(description="used by")
    def used_by(self, assistant: Assistant) -> SafeString | str:
        return _users(assistant)


@admin.register(CallerId)
class CallerIdAdmin(DeletedWhenUnused):
    form = CallerIdForm
    list_display = ("phone_number", "name", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("phone_number", "name")
    fields = ("phone_number", "country", "name", "is_active", "used_by")
    readonly_fields = ("used_by",)

    @admin.display(description="used by")
    def used_by(self, caller_id: CallerId) -> SafeString | str:
        return _users(caller_id)


def _users(destination: Assistant | CallerId) -> SafeString | str:
    if destination._state.adding:
        return "–"
    voices = destination.voice_settings.select_related("channel__campaign")[:50]
    return format_html_join(", ", "{}", ((link(voice.channel),) for voice in voices)) or "–"


@admin.register(Disposition)
class DispositionAdmin(DeletedWhenUnused):
    form = DispositionForm
    list_display = ("name", "slug", "is_win", "effect", "position", "is_active")
    list_filter = ("is_win", "is_active")
    search_fields = ("name", "slug")
    ordering = ("position", "name")  # type: ignore[assignment]
    fields = ("name", "slug", "is_win", "effect", "position", "is_active")
    # Files and assistants know it by this.
    readonly_fields = ("slug",)
