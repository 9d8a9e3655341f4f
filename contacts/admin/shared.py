"""What the admin of contacts shares."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from contacts.phone_numbers import Rejection, dialable


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What is written by services only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def link(record: Any) -> SafeString | str:
    """To another record's page in the admin."""
    if record is None:
        return "–"
    meta = record._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[record.pk])
    return format_html('<a href="{}">{}</a>', url, record)


def checked_number(written: str | None) -> str | None:
    if not written:
        return None
    number = dialable(written, settings.DEFAULT_COUNTRY)
    if isinstance(number, Rejection):
        raise forms.ValidationError(str(number))
    return number
