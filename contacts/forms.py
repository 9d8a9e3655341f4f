"""Forms of the contacts pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from contacts.importing import mapping
from contacts.importing.rows import FIELD_VALUE_LENGTH
from contacts.models import Contact, DoNotContact, List
from contacts.phone_numbers import countries
from contacts.zones import zone_names

Choices = Iterable[tuple[str, Any]]


class CountryField(forms.ChoiceField):
    """Where numbers without a country code are at home."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", "Default country")
        options.setdefault("help_text", "For numbers written without a country code.")
        super().__init__(choices=countries, initial=settings.DEFAULT_COUNTRY, **options)


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        error_messages={"required": "Choose a CSV file.", "empty": "The file is empty."},
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
    )
    list_name = forms.CharField(
        label="List",
        required=False,
        max_length=List._meta.get_field("name").max_length,
        help_text="A new list, or an existing one to add to. Left empty, it is named after the file.",
        widget=forms.TextInput(
            attrs={"list": "list-names", "autocomplete": "off", "placeholder": "Named after the file"}
        ),
    )
    country = CountryField()

    def clean_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        limit = settings.CONTACTS_UPLOAD_MAX_BYTES
        if (file.size or 0) > limit:
            raise forms.ValidationError(
                f"The file is larger than {limit // (1024 * 1024):,} MB. Split it into several files."
            )
        return file


class MappingForm(forms.Form):
    """A select for each column: what it holds."""

    def __init__(self, *args: Any, columns: Iterable[str], guessed: dict[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        names = list(columns)
        customs = mapping.custom_targets(names)
        for position, (name, custom) in enumerate(zip(names, customs, strict=True)):
            self.fields[f"column_{position}"] = forms.ChoiceField(
                label=name,
                required=False,
                initial=guessed.get(str(position), custom),
                choices=[
                    ("", "Leave out"),
                    *mapping.TARGETS.items(),
                    (custom, f"Field “{custom.removeprefix(mapping.FIELD)}”"),
                ],
            )

    @property
    def mapping(self) -> dict[int, str]:
        """Position of a column -> its target; of a valid form."""
        return {
            int(name.removeprefix("column_")): target
            for name, target in self.cleaned_data.items()
            if name.startswith("column_")
        }


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
            choices=[("", by_number), *_grouped_zones(self.instance.time_zone)],
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


def _grouped_zones(current: str) -> Choices:
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
        widget=forms.Textarea(attrs={"rows": 6, "placeholder": "(415) 555-0142, Anna Svensson"}),
        help_text="One a line, with a name if you like. Any notation will do.",
    )
    country = CountryField()


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
