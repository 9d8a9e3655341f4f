"""What forms of contacts share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings

from contacts import time_zones
from contacts.email_addresses import EMAIL_LENGTH, is_email_address
from contacts.phone_numbers import countries


class CountryField(forms.ChoiceField):
    """Where numbers without a country code are at home."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", "Default country")
        options.setdefault("help_text", "For numbers written without a country code.")
        super().__init__(choices=countries, initial=settings.DEFAULT_COUNTRY, **options)


class EmailAddressField(forms.CharField):
    """An address as files may have it, too: one that imports and do-not-contact know for one."""

    widget = forms.EmailInput

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"label": "Email", "required": False, "max_length": EMAIL_LENGTH, **options})

    def clean(self, value: Any) -> str:
        address: str = super().clean(value)
        # What there is may stay.
        if address and address != self.initial and not is_email_address(address):
            raise forms.ValidationError("Enter a valid email address.", code="invalid")
        return address


class ZoneSelect(forms.Select):
    """A select of zones that is searched by typing: its options carry the words that they are found by."""

    def __init__(self, attrs: dict[str, Any] | None = None, **options: Any) -> None:
        # That no zone is chosen is a choice like the others.
        super().__init__({"data-searchable": "all", **(attrs or {})}, **options)

    def create_option(self, name: str, value: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *arguments, **options)
        if words := time_zones.keywords().get(str(value)):
            option["attrs"]["data-words"] = words
        return option


def zone_choices(current: str, now: datetime) -> list[tuple[str, Any]]:
    """All zones by region; and the current one, should it be none of them."""
    choices: list[tuple[str, Any]] = [*time_zones.by_region(now)]
    if current and current not in time_zones.zone_names():
        # A file's, set in the admin, or no longer in the table: it stays.
        choices.append((current, time_zones.city_of(current)))
    return choices
