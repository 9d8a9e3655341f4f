"""Forms of imports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePath
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from contacts.forms.do_not_contact import UntilField
from contacts.forms.fields import CountryField
from contacts.importing import mapping
from contacts.importing.reading import DELIMITER_NAMES, ENCODING_NAMES, Dialect, encoding_name
from contacts.models import DoNotContact, Import, List


class UploadForm(forms.Form):
    """A file, and how its numbers are read; what is left, each purpose adds."""

    file = forms.FileField(
        label="File",
        error_messages={"required": "Choose a CSV file or an Excel workbook.", "empty": "The file is empty."},
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.tab,.xlsx,.xlsm,text/csv"}),
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

    @property
    def destination(self) -> dict[str, Any]:
        """Of a valid form: what ``upload_import`` needs to know besides the file and its country."""
        raise NotImplementedError


class ContactsUploadForm(UploadForm):
    list_name = forms.CharField(
        label="List",
        required=False,
        max_length=List._meta.get_field("name").max_length,
        help_text="A new list, or an existing one to add to. Left empty, it is named after the file.",
        widget=forms.TextInput(
            attrs={"list": "list-names", "autocomplete": "off", "placeholder": "Named after the file"}
        ),
    )
    email_is_enough = forms.BooleanField(
        label="An email address is enough",
        required=False,
        help_text="Rows without a phone number are imported too, if they have an email address.",
    )

    @property
    def destination(self) -> dict[str, Any]:
        stem = PurePath(self.cleaned_data["file"].name).stem[:120]
        return {
            "list_name": self.cleaned_data["list_name"] or stem or "Contacts",
            "email_is_enough": self.cleaned_data["email_is_enough"],
        }


class DoNotContactUploadForm(UploadForm):
    scope = forms.ChoiceField(label="Never by", choices=DoNotContact.Scope.choices)
    reason = forms.CharField(
        label="Reason", required=False, max_length=200, help_text="For rows that give no reason of their own."
    )
    until = UntilField()

    @property
    def destination(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"scope": given["scope"], "reason": given["reason"], "expires_at": given["until"]}


UPLOAD_FORMS: dict[str, type[UploadForm]] = {
    Import.Purpose.CONTACTS: ContactsUploadForm,
    Import.Purpose.DO_NOT_CONTACT: DoNotContactUploadForm,
}


class ReadingForm(forms.Form):
    """How a file is read, where the guess was wrong: of text its encoding and separator, of a workbook its
    sheet, and of both whether the first row names the columns. What makes no sense changes nothing.
    """

    def __init__(self, *args: Any, dialect: Dialect, **options: Any) -> None:
        super().__init__(*args, **options)
        # Each is asked for at once, and sent along with the columns in the end.
        asks = {
            "form": "reading",
            "hx-get": "",
            # Another sheet or encoding has another first row, which is looked at anew.
            "hx-include": "[form='reading']:not([name='header'])",
            "hx-target": "#columns",
            "hx-select": "#columns",
            "hx-swap": "outerHTML",
        }
        select = forms.Select(attrs=asks)
        if dialect.sheets:
            if len(dialect.sheets) > 1:
                self.fields["sheet"] = forms.ChoiceField(
                    label="Sheet",
                    required=False,
                    choices=[(name, name) for name in dialect.sheets],
                    widget=select,
                )
        else:
            encodings = {dialect.encoding: encoding_name(dialect.encoding), **ENCODING_NAMES}
            self.fields["encoding"] = forms.ChoiceField(
                label="Encoding", required=False, choices=encodings.items(), widget=select
            )
            self.fields["delimiter"] = forms.ChoiceField(
                label="Separator", required=False, choices=DELIMITER_NAMES.items(), widget=select
            )
        self.fields["header"] = forms.ChoiceField(
            label="First row",
            required=False,
            choices=[("1", "Names the columns"), ("0", "Is a row like the others")],
            widget=select,
        )

    @property
    def given(self) -> dict[str, Any]:
        """For ``inspect_import`` and ``map_import``: what was said; None where nothing was."""
        self.is_valid()
        said = self.cleaned_data
        header = said.get("header")
        return {
            "has_header": header == "1" if header else None,
            "encoding": said.get("encoding") or None,
            "delimiter": said.get("delimiter") or None,
            "sheet": said.get("sheet") or None,
        }


class MappingForm(forms.Form):
    """A select for each column: what it holds."""

    def __init__(
        self,
        *args: Any,
        columns: Iterable[str],
        proposed: Mapping[str, str],
        purpose: str,
        others: Collection[Mapping[str, str]] = (),
        **options: Any,
    ) -> None:
        """``proposed`` is what is chosen to begin with; ``others`` may be chosen, too."""
        super().__init__(*args, **options)
        names = list(columns)
        customs = mapping.custom_targets(names)
        for position, (name, custom) in enumerate(zip(names, customs, strict=True)):
            fields = [custom] if mapping.keeps_fields(purpose) else []
            for known in (proposed, *others):
                target = known.get(str(position), "")
                if target.startswith(mapping.FIELD) and target not in fields and fields:
                    fields.append(target)
            self.fields[f"column_{position}"] = forms.ChoiceField(
                label=name,
                required=False,
                initial=proposed.get(str(position), custom),
                choices=[
                    ("", "Leave out"),
                    *mapping.offered(purpose).items(),
                    *((field, f"Field “{field.removeprefix(mapping.FIELD)}”") for field in fields),
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
