"""Forms of lists."""

from __future__ import annotations

from django import forms

from contacts.forms.fields import CountryField
from contacts.models import List


class ListForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = List
        fields = ("name", "description")

    def _post_clean(self) -> None:
        """The service says whether the name is free; the instance is its to change."""


class NumbersForm(forms.Form):
    lines = forms.CharField(
        label="Numbers",
        max_length=1_000_000,
        # Empty lines at the top count, too, when wrong lines are told by their number.
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "placeholder": "(415) 555-0142, Anna Svensson"}),
        help_text="One a line, with a name if you like. Any notation will do.",
    )
    country = CountryField()
