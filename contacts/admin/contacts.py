"""Contacts in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from contacts.admin.shared import ReadOnlyAdmin, checked_number
from contacts.models import Contact, Membership, ZoneSet
from contacts.phone_numbers import possible_zones
from contacts.queries import search_contacts
from contacts.zones import find_zone, zone_set_for


class ContactAdminForm(forms.ModelForm):  # type: ignore[type-arg]
    phone_number = forms.CharField(required=False, help_text="In any notation.")

    def clean_phone_number(self) -> str | None:
        return checked_number(self.cleaned_data["phone_number"])

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


@admin.register(ZoneSet)
class ZoneSetAdmin(ReadOnlyAdmin):
    list_display = ("id", "zones")
    search_fields = ("zones",)
    ordering = ("id",)
