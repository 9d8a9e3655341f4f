"""Forms of imports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from contacts.forms.fields import CountryField
from contacts.importing import mapping
from contacts.models import List


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
