"""Lists in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from contacts.admin.shared import ReadOnlyAdmin, link
from contacts.models import List, ListVersion, Membership


class ListVersionInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ListVersion
    fields = readonly_fields = ("number", "added", "removed", "size", "note", "created_at", "created_by")
    extra = 0
    can_delete = False
    ordering = ("-number",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(List)
class ListAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "size", "version", "created_at", "created_by")
    list_select_related = ("created_by",)
    search_fields = ("name", "description")
    readonly_fields = ("version", "size", "created_at", "created_by")
    inlines = (ListVersionInline,)
    ordering = ("-id",)


@admin.register(ListVersion)
class ListVersionAdmin(ReadOnlyAdmin):
    list_display = ("list", "number", "added", "removed", "size", "note", "created_at")
    list_select_related = ("list",)
    search_fields = ("list__name", "note")
    ordering = ("-id",)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("contact_link", "list_link", "added_in", "removed_in")
    list_select_related = ("contact", "list")
    search_fields = ("contact__phone_number", "list__name")
    show_full_result_count = False
    ordering = ("-id",)

    @admin.display(description="contact")
    def contact_link(self, membership: Membership) -> SafeString | str:
        return link(membership.contact)

    @admin.display(description="list")
    def list_link(self, membership: Membership) -> SafeString | str:
        return link(membership.list)
