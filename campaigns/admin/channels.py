"""Channels, their settings, and what the engine keeps beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from campaigns import services
from campaigns.admin.shared import (
    ReadOnlyAdmin,
    ReadOnlyInline,
    RecordAdmin,
    act_on_each,
    link,
    links_to,
    person,
)
from campaigns.hours import describe
from campaigns.models import Channel, ChannelDrive, ChannelList, ReattemptRule, Schedule, VoiceSettings
from campaigns.queries import channel_counts
from campaigns.refusals import Refused
from contacts.zones import find_zone


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
    actions = ("start", "start_now", "unschedule", "pause", "resume", "stop", "rerun")

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
        services.save_channel_settings(channel=form.instance, actor=person(request), changed=names)
        super().save_related(request, form, formsets, change)

    def changeform_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> Any:
        try:
            return super().changeform_view(request, *arguments, **options)
        except Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    @admin.action(description="Start (or schedule, if it has a later start time)", permissions=["change"])
    def start(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        self._act(request, channels, "Started", services.start_channel)

    @admin.action(description="Start now, whatever start time was set", permissions=["change"])
    def start_now(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        self._act(request, channels, "Started", services.start_now)

    @admin.action(description="Cancel the schedule", permissions=["change"])
    def unschedule(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        self._act(request, channels, "Schedule cancelled", services.unschedule_channel)

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        self._act(request, channels, "Paused", services.pause_channel)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        self._act(request, channels, "Resumed", services.resume_channel)

    @admin.action(description="Stop for good", permissions=["change"])
    def stop(self, request: HttpRequest, channels: QuerySet[Channel]) -> HttpResponse | None:
        """Asks first: it can't be undone."""
        if "confirmed" not in request.POST:
            return self._ask(request, channels, "stop")
        self._act(request, channels, "Stopped", services.stop_channel)
        return None

    @admin.action(description="Re-run", permissions=["change"])
    def rerun(self, request: HttpRequest, channels: QuerySet[Channel]) -> HttpResponse | None:
        """Asks first: people who were reached are called again."""
        if "confirmed" not in request.POST:
            return self._ask(request, channels, "rerun")
        self._act(request, channels, "Started again", services.rerun_channel)
        return None

    def _act(
        self, request: HttpRequest, channels: QuerySet[Channel], done: str, service: Callable[..., Any]
    ) -> None:
        act_on_each(
            self, request, channels, done, lambda channel, actor: service(channel=channel, actor=actor)
        )

    def _ask(self, request: HttpRequest, channels: QuerySet[Channel], action: str) -> HttpResponse:
        chosen = list(channels)
        return TemplateResponse(
            request,
            f"admin/campaigns/channel/{action}.html",
            {
                **self.admin_site.each_context(request),
                "title": "Stop for good?" if action == "stop" else "Run again?",
                "opts": self.model._meta,
                "channels": list(zip(chosen, channel_counts(chosen).values(), strict=True)),
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


@admin.register(ChannelDrive)
class ChannelDriveAdmin(ReadOnlyAdmin):
    list_display = ("channel_link", "owner", "leased_until", "waiting_for", "waiting_until", "trusted_since")
    list_select_related = ("channel__campaign",)
    search_fields = ("channel__campaign__name", "owner", "waiting_for")

    @admin.display(description="channel")
    def channel_link(self, record: ChannelDrive) -> SafeString | str:
        return link(record.channel)
