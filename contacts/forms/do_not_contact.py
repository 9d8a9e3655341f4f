"""Forms of do-not-contact."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.utils import timezone

from contacts.forms.fields import CountryField
from contacts.models import DoNotContact
from contacts.models.do_not_contact import end_of
from contacts.queries import DoNotContactFilters


class UntilField(forms.DateField):
    """The last day on which something holds; cleaned, the moment at which that day is over."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", "Until")
        options.setdefault("required", False)
        options.setdefault(
            "help_text", "The last day, until it is over everywhere on earth. Left empty, it holds for good."
        )
        super().__init__(**options)

    def clean(self, value: Any) -> datetime | None:
        day: date | None = super().clean(value)
        if day is None:
            return None
        if day < timezone.localdate():
            raise forms.ValidationError("That day is over. Choose a later one.")
        if day.year > 9000:
            raise forms.ValidationError("Leave it empty, if it is to hold for good.")
        return end_of(day)


class DoNotContactForm(forms.Form):
    lines = forms.CharField(
        label="Numbers or email addresses",
        max_length=1_000_000,
        # Empty lines at the top count, too, when wrong lines are told by their number.
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "(415) 555-0142"}),
        help_text="One a line, in any notation.",
    )
    scope = forms.ChoiceField(label="Never by", choices=DoNotContact.Scope.choices)
    reason = forms.CharField(label="Reason", required=False, max_length=200)
    until = UntilField()
    country = CountryField()


class FiltersForm(forms.Form):
    """What entries are shown. What can't be read narrows nothing."""

    q = forms.CharField(required=False, max_length=200)
    scope = forms.ChoiceField(
        label="Never by", required=False, choices=[("", "Never by: any"), *DoNotContact.Scope.choices]
    )
    source = forms.ChoiceField(
        label="Source", required=False, choices=[("", "Any source"), *DoNotContact.Source.choices]
    )
    ends = forms.ChoiceField(
        label="Ends",
        required=False,
        choices=[("", "Any time"), ("never", "For good"), ("later", "Ends some day")],
    )
    since = forms.DateField(
        label="Added from", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label="Added to", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    @property
    def filters(self) -> DoNotContactFilters:
        self.is_valid()
        given = self.cleaned_data
        return DoNotContactFilters(
            text=given.get("q", ""),
            scope=given.get("scope", ""),
            source=given.get("source", ""),
            ends=given.get("ends", ""),
            since=given.get("since"),
            until=_within(given.get("until")),
        )


def _within(day: date | None) -> date | None:
    """The calendar's last day has no next one."""
    return None if day == date.max else day


class RemovalForm(forms.Form):
    reason = forms.CharField(
        label="Why?",
        max_length=200,
        help_text="For example: agreed in writing on May 4. It is kept with the entry.",
        error_messages={"required": "Say why: it is kept with the entry."},
    )
