"""Lists in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from accounts.models import User
from contacts.admin.shared import ReadOnlyAdmin, link
from contacts.membership import uses_of
from contacts.models import Import, List, ListVersion, Membership
from contacts.services import Refused, delete_list, rename_list


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

    def save_model(self, request: HttpRequest, obj: List, form: Any, change: bool) -> None:
        """Name and description only: the rest may have changed since the page was opened."""
        if change:
            rename_list(list=obj, name=obj.name, description=obj.description, actor=cast(User, request.user))
        else:
            obj.created_by = request.user  # type: ignore[assignment]
            obj.save()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Named without their members: Django would read a million of them to say so."""
        used = [f"{list} is used by {use.campaign}" for list in objs for use in uses_of(list)]
        undone = Import.objects.filter(list__in=objs, undo_asked_at__isnull=False, undone_at=None)
        used += [f"the import of {one} into {one.list} is being undone" for one in undone]
        return [str(list) for list in objs], {"lists": len(objs)}, set(), used

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._or_refused(super().changeform_view, request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._or_refused(super().delete_view, request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._or_refused(super().changelist_view, request, *args, **kwargs)

    def _or_refused(self, page: Callable[..., Any], request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """What somebody made impossible since the page was looked at: nothing is done, and it is said why."""
        try:
            with transaction.atomic():
                return page(request, *args, **kwargs)
        except Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return redirect("admin:contacts_list_changelist")

    def delete_model(self, request: HttpRequest, obj: List) -> None:
        delete_list(list=obj, actor=cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[List]) -> None:
        for one in queryset:
            delete_list(list=one, actor=cast(User, request.user))


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
