"""Logging in."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.forms import BooleanField
from django.utils import timezone

from accounts import throttling


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
