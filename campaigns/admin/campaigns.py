"""Campaigns, and who did what with them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaigns import services
from campaigns.admin.shared import ReadOnlyAdmin, ReadOnlyInline, RecordAdmin, act_on_each, link, links_to
from campaigns.models import Activity, Campaign, CampaignExclusion, Channel


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
    actions = ("pause", "resume", "archive", "restore")

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
        act_on_each(
            self,
            request,
            campaigns,
            "Paused",
            lambda campaign, actor: services.pause_campaign(campaign=campaign, actor=actor),
            nothing="nothing of it runs",
        )

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, campaigns: QuerySet[Campaign]) -> None:
        act_on_each(
            self,
            request,
            campaigns,
            "Resumed",
            lambda campaign, actor: services.resume_campaign(campaign=campaign, actor=actor),
            nothing="nothing of it is paused",
        )

    @admin.action(description="Archive", permissions=["change"])
    def archive(self, request: HttpRequest, campaigns: QuerySet[Campaign]) -> None:
        act_on_each(
            self,
            request,
            campaigns,
            "Archived",
            lambda campaign, actor: services.archive_campaign(campaign=campaign, actor=actor),
        )

    @admin.action(description="Restore from the archive", permissions=["change"])
    def restore(self, request: HttpRequest, campaigns: QuerySet[Campaign]) -> None:
        act_on_each(
            self,
            request,
            campaigns,
            "Restored",
            lambda campaign, actor: services.restore_campaign(campaign=campaign, actor=actor),
        )


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


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "text", "campaign_name", "channel_name")
    list_select_related = ("actor",)
    search_fields = ("campaign_name", "text", "actor__username", "actor__last_name")
