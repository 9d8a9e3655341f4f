"""Do-not-contact in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from contacts.admin.shared import ReadOnlyAdmin, checked_number
from contacts.models import DoNotContact, DoNotContactRemoval


class DoNotContactAdminForm(forms.ModelForm):  # type: ignore[type-arg]
    phone_number = forms.CharField(required=False, help_text="In any notation.")

    def clean_phone_number(self) -> str | None:
        return checked_number(self.cleaned_data["phone_number"])

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


@admin.register(DoNotContactRemoval)
class DoNotContactRemovalAdmin(ReadOnlyAdmin):
    list_display = ("phone_number", "email", "scope", "removed_at", "removed_by", "removal_reason")
    list_select_related = ("removed_by",)
    list_filter = ("scope", "source")
    search_fields = ("phone_number", "email", "removal_reason")
    ordering = ("-id",)
