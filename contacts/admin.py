"""Contacts for support staff: any record can be looked up; statuses move only through services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from contacts.models import Contact, DoNotContact, Import, List, ListVersion, Membership, RejectedRow, ZoneSet
from contacts.phone_numbers import Rejection, normalise, possible_zones
from contacts.queries import search_contacts
from contacts.services import Refused, retry_import
from contacts.zones import find_zone, zone_set_for
from lifecycle import MoveRefused


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What is written by services only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _link(record: Any) -> SafeString | str:
    """To another record's page in the admin."""
    if record is None:
        return "–"
    meta = record._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[record.pk])
    return format_html('<a href="{}">{}</a>', url, record)


def _number(written: str | None) -> str | None:
    if not written:
        return None
    number = normalise(written, settings.DEFAULT_COUNTRY)
    if isinstance(number, Rejection):
        raise forms.ValidationError(str(number))
    return number


class ContactAdminForm(forms.ModelForm):  # type: ignore[type-arg]
    phone_number = forms.CharField(required=False, help_text="In any notation.")

    def clean_phone_number(self) -> str | None:
        return _number(self.cleaned_data["phone_number"])

    def clean_email(self) -> str | None:
        return (self.cleaned_data["email"] or "").lower() or None

    def clean_time_zone(self) -> str:
        written = self.cleaned_data["time_zone"]
        zone = find_zone(written) if written else ""
        if zone is None:
            raise forms.ValidationError("There is no such time zone. Write it like America/Denver.")
        return zone


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    fields = readonly_fields = ("list", "added_in", "removed_in")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Contact)
class ContactAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = ContactAdminForm
    list_display = ("__str__", "phone_number", "email", "company", "zone_set", "created_at")
    list_select_related = ("zone_set",)
    search_fields = ("phone_number",)
    search_help_text = "Name, company, email, or number in any notation"
    show_full_result_count = False
    readonly_fields = ("zone_set", "created_at", "updated_at")
    inlines = (MembershipInline,)
    ordering = ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        return search_contacts(queryset, search_term, settings.DEFAULT_COUNTRY), False

    def save_model(self, request: HttpRequest, obj: Contact, form: Any, change: bool) -> None:
        by_number = possible_zones(obj.phone_number) if obj.phone_number else ()
        obj.zone_set = zone_set_for((obj.time_zone,) if obj.time_zone else by_number)
        super().save_model(request, obj, form, change)


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
        return _link(membership.contact)

    @admin.display(description="list")
    def list_link(self, membership: Membership) -> SafeString | str:
        return _link(membership.list)


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
        "created_at",
        "created_by",
    )
    list_select_related = ("list", "created_by")
    list_filter = ("status",)
    search_fields = ("file_name", "list_name", "error")
    date_hierarchy = "created_at"
    actions = ("run_again",)
    ordering = ("-id",)

    @admin.display(description="list")
    def list_link(self, contact_import: Import) -> SafeString | str:
        return _link(contact_import.list) if contact_import.list else contact_import.list_name

    @admin.action(description="Run again (failed, or stopped in the middle)", permissions=["view"])
    def run_again(self, request: HttpRequest, imports: QuerySet[Import]) -> None:
        started = 0
        for contact_import in imports:
            try:
                retry_import(contact_import=contact_import)
            except (Refused, MoveRefused) as refused:
                self.message_user(request, f"{contact_import}: {refused}", messages.WARNING)
            else:
                started += 1
        if started:
            self.message_user(request, f"{started} of them will run again.", messages.SUCCESS)


@admin.register(RejectedRow)
class RejectedRowAdmin(ReadOnlyAdmin):
    list_display = ("import_link", "line", "reason")
    list_select_related = ("contact_import",)
    search_fields = ("reason", "contact_import__file_name")
    show_full_result_count = False
    ordering = ("-id",)

    @admin.display(description="import")
    def import_link(self, row: RejectedRow) -> SafeString | str:
        return _link(row.contact_import)


class DoNotContactAdminForm(forms.ModelForm):  # type: ignore[type-arg]
    phone_number = forms.CharField(required=False, help_text="In any notation.")

    def clean_phone_number(self) -> str | None:
        return _number(self.cleaned_data["phone_number"])

    def clean_email(self) -> str | None:
        return (self.cleaned_data["email"] or "").lower() or None


@admin.register(DoNotContact)
class DoNotContactAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = DoNotContactAdminForm
    list_display = ("phone_number", "email", "scope", "source", "reason", "created_at", "created_by")
    list_select_related = ("created_by",)
    list_filter = ("scope", "source")
    search_fields = ("phone_number", "email", "reason")
    readonly_fields = ("created_at", "created_by")
    ordering = ("-id",)

    def save_model(self, request: HttpRequest, obj: DoNotContact, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)


@admin.register(ZoneSet)
class ZoneSetAdmin(ReadOnlyAdmin):
    list_display = ("id", "zones")
    search_fields = ("zones",)
    ordering = ("id",)
