"""What forms of contacts share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings

from contacts.email_addresses import EMAIL_LENGTH, is_email_address
from contacts.phone_numbers import countries
from contacts.zones import zone_names

Choices = Iterable[tuple[str, Any]]


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


def grouped_zones(current: str) -> Choices:
    """All zones by region; and the current one, should it be none of them."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for zone in zone_names():
        region, _, place = zone.partition("/")
        regions.setdefault(region if place else "Other", []).append(
            (zone, (place or zone).replace("_", " ").replace("/", ", "))
        )
    if current and current not in zone_names():
        regions.setdefault("Other", []).append((current, current))
    return list(regions.items())
