"""Logging in, and naming views."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.forms import BooleanField, CharField, Form, TextInput
from django.utils import timezone

from accounts import throttling
from accounts.models import SavedView


class LogInForm(AuthenticationForm):
    """Name and password, with wrong ones counted (throttling.py)."""

    error_messages = {  # noqa: RUF012 (Django's own form of it)
        "invalid_login": "That name and password don’t belong together. Mind upper and lower case.",
        "inactive": "This account is switched off. Ask an administrator.",
    }
    remember = BooleanField(label="Keep me logged in on this device", required=False)

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username")
        if self.request is None or not username or not self.cleaned_data.get("password"):
            return self.cleaned_data
        now = timezone.now()
        address = throttling.address_of(self.request)
        until = throttling.count_attempt(username=username, address=address, now=now)
        if until is not None:
            raise ValidationError(too_many(until, now), code="throttled")
        cleaned = super().clean()
        throttling.forget_attempts(username=username, address=address)
        return cleaned


def too_many(until: dt.datetime, now: dt.datetime) -> str:
    minutes = max(1, -(-int((until - now).total_seconds()) // 60))
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    return f"Too many wrong passwords. Try again in {wait}, at {timezone.localtime(until):%H:%M %Z}."


class SavedViewForm(Form):
    """A view's name, and for whom it is."""

    name = CharField(
        label="Name",
        max_length=SavedView.NAME_LENGTH,
        error_messages={"required": "Give the view a name."},
        widget=TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    is_shared = BooleanField(
        label="Share it", required=False, help_text="Everybody who may open this page finds it there."
    )
    is_default = BooleanField(
        label="Show it first", required=False, help_text="When you open this page, it begins with this view."
    )
    # Shown when one's own view has the name already.
    replaces = BooleanField(label="Replace the view of that name", required=False)

    def __init__(self, *arguments: Any, is_own: bool, may_share: bool, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not is_own:
            del self.fields["name"]
        if not (is_own and may_share):
            del self.fields["is_shared"]
