"""Do-not-contact in the admin: what was said is mended; entries are taken off where a reason is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from contacts.admin.shared import ReadOnlyAdmin, checked_number
from contacts.models import DoNotContact, DoNotContactEvent, DoNotContactRemoval
from contacts.queries import SHORTEST_PART, address_matches, do_not_contact


class DoNotContactAdminForm(forms.ModelForm):  # type: ignore[type-arg]
    phone_number = forms.CharField(required=False, help_text="In any notation.")

    def clean_phone_number(self) -> str | None:
        return checked_number(self.cleaned_data["phone_number"])

    def clean_email(self) -> str | None:
        return (self.cleaned_data["email"] or "").lower() or None

    def clean_expires_at(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["expires_at"]
        if until is not None and until <= timezone.now():
            raise forms.ValidationError("That is over. Choose a later time, or none: then it holds for good.")
        return until


class NeverBy(admin.ChoicesFieldListFilter):
    """Called as the pages call it, and readable after Django's "By"."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = "“Never by”"


@admin.register(DoNotContact)
class DoNotContactAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = DoNotContactAdminForm
    list_display = (
        "phone_number",
        "email",
        "scope",
        "source",
        "reason",
        "expires_at",
        "created_at",
        "created_by",
    )
    list_select_related = ("created_by",)
    list_filter = (("scope", NeverBy), "source")
    search_fields = ("phone_number", "email")
    search_help_text = "A number in any notation, or part of a number or an email address"
    readonly_fields = ("created_at", "created_by", "take_off")
    show_full_result_count = False
    ordering = ("-created_at", "-id")

    def get_readonly_fields(self, request: HttpRequest, obj: DoNotContact | None = None) -> tuple[str, ...]:
        # Another address is another entry; one is extended where it is added, and ended where it is removed.
        known = ("phone_number", "email", "scope", "source", "expires_at") if obj else ()
        return (*known, *self.readonly_fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DoNotContact]:
        # What is over counts nowhere, and is taken off by itself.
        return do_not_contact().order_by(*self.ordering)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DoNotContact], search_term: str
    ) -> tuple[QuerySet[DoNotContact], bool]:
        text = search_term.replace("\0", "").strip()
        if len(text) >= SHORTEST_PART:
            queryset = queryset.filter(address_matches(text, settings.DEFAULT_COUNTRY))
        return queryset, False

    def has_delete_permission(self, request: HttpRequest, obj: DoNotContact | None = None) -> bool:
        return False

    @admin.display(description="take off")
    def take_off(self, entry: DoNotContact) -> SafeString | str:
        if entry._state.adding:
            return "–"
        url = f"{reverse('contacts:do_not_contact_remove')}?id={entry.pk}"
        return format_html('<a href="{}">Remove it, with a reason</a>', url)

    def save_model(self, request: HttpRequest, obj: DoNotContact, form: Any, change: bool) -> None:
        if change:
            # Only what was changed: it may have been extended, or taken off, since the form was opened.
            changed = {name: form.cleaned_data[name] for name in form.changed_data}
            DoNotContact.objects.filter(pk=obj.pk).update(**changed)
            return
        obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)


@admin.register(DoNotContactRemoval)
class DoNotContactRemovalAdmin(ReadOnlyAdmin):
    list_display = (
        "phone_number",
        "email",
        "scope",
        "removal_reason",
        "removed_at",
        "removed_by",
        "added_at",
        "added_by",
    )
    list_select_related = ("added_by", "removed_by")
    list_filter = (("scope", NeverBy), "source")
    search_fields = ("=phone_number", "=email")
    search_help_text = "The whole number as +14155550101, or the whole email address"
    show_full_result_count = False
    ordering = ("-id",)


@admin.register(DoNotContactEvent)
class DoNotContactEventAdmin(ReadOnlyAdmin):
    list_display = ("phone_number", "email", "scope", "source", "reason", "expires_at", "said_at", "said_by")
    list_select_related = ("said_by",)
    list_filter = (("scope", NeverBy), "source")
    search_fields = ("=phone_number", "=email")
    search_help_text = "The whole number as +14155550101, or the whole email address"
    show_full_result_count = False
    ordering = ("-id",)
