"""Forms of do-not-contact."""

from __future__ import annotations

from django import forms

from contacts.forms.fields import CountryField
from contacts.models import DoNotContact


class DoNotContactForm(forms.Form):
    lines = forms.CharField(
        label="Numbers or email addresses",
        max_length=1_000_000,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "(415) 555-0142"}),
        help_text="One a line, in any notation.",
    )
    scope = forms.ChoiceField(label="Never reach by", choices=DoNotContact.Scope.choices)
    reason = forms.CharField(label="Reason", required=False, max_length=200)
    country = CountryField()
