"""Imports in the admin."""

from __future__ import annotations

from typing import cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.models import User
from contacts.admin.shared import ReadOnlyAdmin, link
from contacts.models import Import, RejectedRow
from contacts.services import Refused, cancel_import, retry_import
from lifecycle import MoveRefused


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = (
        "file_name",
        "status",
        "list_link",
        "rows",
        "created",
        "updated",
        "unchanged",
        "duplicates",
        "invalid",
        "undone_at",
        "created_at",
        "created_by",
    )
    list_select_related = ("list", "created_by")
    list_filter = ("status",)
    search_fields = ("file_name", "list_name", "error")
    date_hierarchy = "created_at"
    actions = ("run_again", "cancel")
    ordering = ("-id",)

    @admin.display(description="list")
    def list_link(self, contact_import: Import) -> SafeString | str:
        return link(contact_import.list) if contact_import.list else contact_import.list_name

    @admin.action(description="Run again (failed, or stopped in the middle)", permissions=["view"])
    def run_again(self, request: HttpRequest, imports: QuerySet[Import]) -> None:
        started = 0
        for contact_import in imports:
            try:
                retry_import(contact_import=contact_import, actor=cast(User, request.user))
            except (Refused, MoveRefused) as refused:
                self.message_user(request, f"{contact_import}: {refused}", messages.WARNING)
            else:
                started += 1
        if started:
            self.message_user(request, f"{started} of them will run again.", messages.SUCCESS)

    @admin.action(description="Cancel (nothing of it is imported)", permissions=["view"])
    def cancel(self, request: HttpRequest, imports: QuerySet[Import]) -> None:
        cancelled = 0
        for contact_import in imports:
            try:
                cancel_import(contact_import=contact_import, actor=cast(User, request.user))
            except MoveRefused as refused:
                self.message_user(request, f"{contact_import}: {refused}", messages.WARNING)
            else:
                cancelled += 1
        if cancelled:
            self.message_user(request, f"{cancelled} of them are cancelled.", messages.SUCCESS)


@admin.register(RejectedRow)
class RejectedRowAdmin(ReadOnlyAdmin):
    list_display = ("import_link", "line", "reason")
    list_select_related = ("contact_import",)
    search_fields = ("reason", "contact_import__file_name")
    show_full_result_count = False
    ordering = ("-id",)

    @admin.display(description="import")
    def import_link(self, row: RejectedRow) -> SafeString | str:
        return link(row.contact_import)
