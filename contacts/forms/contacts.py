"""Forms of contacts."""

from __future__ import annotations

from typing import Any

from django import forms

from contacts.forms.fields import grouped_zones
from contacts.importing import mapping
from contacts.importing.rows import FIELD_VALUE_LENGTH
from contacts.models import Contact


class ContactForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person's details, and an input for each custom field, with an empty pair for one more."""

    new_name = forms.CharField(
        label="Name of a new field", required=False, max_length=mapping.FIELD_NAME_LENGTH
    )
    new_value = forms.CharField(label="Its value", required=False, max_length=FIELD_VALUE_LENGTH)

    class Meta:
        model = Contact
        fields = ("first_name", "last_name", "email", "company", "time_zone")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        by_number = "Worked out from the number" if self.instance.phone_number else "Unknown"
        self.fields["time_zone"] = forms.ChoiceField(
            label="Time zone",
            required=False,
            choices=[("", by_number), *grouped_zones(self.instance.time_zone)],
        )
        # Two contacts may share an address; who has no number needs one.
        self.fields["email"].required = not self.instance.phone_number
        self.custom = {f"field_{place}": name for place, name in enumerate(self.instance.fields)}
        for key, name in self.custom.items():
            self.fields[key] = forms.CharField(
                label=name, required=False, max_length=FIELD_VALUE_LENGTH, initial=self.instance.fields[name]
            )

    def clean_new_name(self) -> str:
        written = self.cleaned_data["new_name"]
        if not written:
            return ""
        name = mapping.field_name(written)
        if name in self.custom.values():
            raise forms.ValidationError(f"There is a field “{name}” already.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("new_value") and not cleaned.get("new_name") and "new_name" not in self.errors:
            self.add_error("new_name", "Give the new field a name.")
        return cleaned

    @property
    def custom_bound(self) -> list[forms.BoundField]:
        return [self[key] for key in self.custom]

    @property
    def field_values(self) -> dict[str, str]:
        """The custom fields as they shall be: those left empty are gone."""
        values = {name: self.cleaned_data[key] for key, name in self.custom.items()}
        if self.cleaned_data["new_name"]:
            values[self.cleaned_data["new_name"]] = self.cleaned_data["new_value"]
        return {name: value for name, value in values.items() if value}
