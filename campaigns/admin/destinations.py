"""What calls go to and come from, and what they come to: assistants, caller IDs, dispositions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from campaigns.admin.shared import ReadOnlyAdmin, RecordAdmin, link
from campaigns.forms import AssistantForm, CallerIdForm
from campaigns.forms.settings import DispositionForm
from campaigns.models import Assistant, AssistantPool, CallerId, Disposition, PoolMember
from campaigns.usage import is_used


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
    list_display = ("name", "kind", "url", "is_active", "created_at")
    list_filter = ("kind", "is_active")
    search_fields = ("name", "description", "url")
    fields = ("name", "description", "kind", "url", "most_calls", "is_active", "used_by")
    readonly_fields = ("used_by",)

    @admin.display(description="used by")
    def used_by(self, assistant: Assistant) -> SafeString | str:
        return _users(assistant)


class PoolMemberInline(admin.TabularInline):  # type: ignore[type-arg]
    model = PoolMember
    extra = 0
    autocomplete_fields = ("assistant",)


@admin.register(AssistantPool)
class AssistantPoolAdmin(DeletedWhenUnused):
    list_display = ("name", "description", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "description")
    fields = ("name", "description", "is_active", "used_by")
    readonly_fields = ("used_by",)
    inlines = (PoolMemberInline,)

    @admin.display(description="used by")
    def used_by(self, pool: AssistantPool) -> SafeString | str:
        return _users(pool)


@admin.register(PoolMember)
class PoolMemberAdmin(ReadOnlyAdmin):
    """To be found by assistant; a pool's own page changes them."""

    list_display = ("pool", "assistant", "weight")
    list_select_related = ("pool", "assistant")
    search_fields = ("pool__name", "assistant__name")


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


def _users(destination: Assistant | AssistantPool | CallerId) -> SafeString | str:
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
