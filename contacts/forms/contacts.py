"""Forms of contacts."""

from __future__ import annotations

from typing import Any

import phonenumbers
from django import forms
from django.conf import settings
from django.utils import timezone

from contacts.forms.fields import CountryField, EmailAddressField, ZoneSelect, zone_choices
from contacts.importing import mapping
from contacts.importing.kinds import is_date, is_number, is_yes_or_no
from contacts.importing.rows import FIELD_VALUE_LENGTH
from contacts.models import Contact, CustomField, List
from contacts.phone_numbers import Rejection, country_of, dialable
from contacts.services import CALLED
from interface.templatetags.interface import phone_text

# With more fields than these, a contact's form shows only those that it has.
MOST_FIELDS_SHOWN = 30


class CustomValue(forms.CharField):
    """A custom field's value: text as the file had it, of the kind that the field is."""

    def __init__(self, field: CustomField, value: str) -> None:
        self.kind = field.kind
        super().__init__(
            label=field.label or field.name,
            help_text=field.description,
            required=False,
            max_length=FIELD_VALUE_LENGTH,
            initial=value,
        )
        if self.kind == CustomField.Kind.NUMBER:
            self.widget.attrs["inputmode"] = "decimal"
        # What browsers write is one way of writing days; a value written otherwise stays as it is.
        elif self.kind == CustomField.Kind.DATE and (
            not value or (is_date(value, order="ymd") and len(value) == 10)
        ):
            self.widget = forms.DateInput(attrs={"type": "date"})
        elif self.kind == CustomField.Kind.YES_NO:
            choices = [("", "–"), ("yes", "Yes"), ("no", "No")]
            if value and value not in {"yes", "no"}:
                choices.append((value, value))
            self.widget = forms.Select(choices=choices)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if not text or text == self.initial:
            return text
        if self.kind == CustomField.Kind.NUMBER and not (is_number(text) or is_number(text, decimal=",")):
            raise forms.ValidationError("Write a number.")
        if self.kind == CustomField.Kind.DATE and not any(
            is_date(text, order=order) for order in ("ymd", "dmy", "mdy")
        ):
            raise forms.ValidationError("Write a day, like 2026-12-31.")
        if self.kind == CustomField.Kind.YES_NO and not is_yes_or_no(text):
            raise forms.ValidationError("Choose yes or no.")
        return text


class NumberField(forms.CharField):
    """A phone number, in any notation. ``aside``: what its label says in place of “optional”."""

    def __init__(self, *, aside: str = "", **options: Any) -> None:
        self.aside = aside
        widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "off"})
        super().__init__(label="Phone number", required=False, max_length=40, widget=widget, **options)


class ContactForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person's details, and an input for each custom field, with an empty pair for one more.

    What the page showed is sent along, hidden: so what a person changed is told apart from what an import
    changed since, which stays.
    """

    new_name = forms.CharField(
        label="Name of a new field", required=False, max_length=mapping.FIELD_NAME_LENGTH
    )
    new_value = forms.CharField(label="Its value", required=False, max_length=FIELD_VALUE_LENGTH)

    class Meta:
        model = Contact
        fields = ("phone_number", "first_name", "last_name", "email", "company", "time_zone")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.number = self.instance.phone_number or ""
        self.was_called = was_called = bool(self.instance.calls.exists())
        self.fields["phone_number"] = NumberField(
            aside="identifies the contact" if self.number else "",
            disabled=was_called,
            help_text=CALLED if was_called else "In any notation.",
        )
        self.initial["phone_number"] = phone_text(self.number) if self.number else ""
        by_number = "Worked out from the number" if self.instance.phone_number else "Unknown"
        self.fields["time_zone"] = forms.ChoiceField(
            label="Time zone",
            required=False,
            choices=[("", by_number), *zone_choices(self.instance.time_zone, timezone.now())],
            widget=ZoneSelect,
        )
        # Two contacts may share an address; who has no number needs one.
        self.fields["email"] = EmailAddressField(required=not self.instance.phone_number)
        self.known = {field.name: field for field in CustomField.objects.all()}
        names = dict.fromkeys(self.instance.fields)
        if len(self.known.keys() | names) <= MOST_FIELDS_SHOWN:
            names |= dict.fromkeys(self.known)
        # By name: what was shown may be sent when there are other fields.
        self.custom = {f"field_{name}": name for name in names}
        for key, name in self.custom.items():
            field = self.known.get(name) or CustomField(name=name)
            value = str(self.instance.fields.get(name, ""))
            self.fields[key] = CustomValue(field, self.data.get(f"initial-{key}", value))
        for name in self.Meta.fields:
            self.fields[name].initial = self.initial[name] = self.data.get(
                f"initial-{name}", self.initial.get(name) or ""
            )

    def _get_validation_exclusions(self) -> set[str]:
        # Django's own idea of an address is another one; the form's field has looked at it. Whose a number
        # is, the service says.
        return {*super()._get_validation_exclusions(), "email", "phone_number"}  # type: ignore[misc]

    def clean_phone_number(self) -> str:
        written: str = self.cleaned_data["phone_number"]
        if not self._is_changed("phone_number"):
            return self.number
        if not written:
            raise forms.ValidationError("A number can be changed, and not taken away.")
        # Without a country's code, it is at home where the number was.
        home = phonenumbers.region_code_for_number(phonenumbers.parse(self.number)) if self.number else None
        number = dialable(written, home or settings.DEFAULT_COUNTRY)
        if isinstance(number, Rejection):
            raise forms.ValidationError(f"{number}.")
        return number

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
    def shown(self) -> list[tuple[forms.BoundField, str]]:
        """Each input, and what it showed first."""
        return [(self[key], self[key].initial) for key in (*self.Meta.fields, *self.custom)]

    @property
    def changed_details(self) -> dict[str, str]:
        """What a person changed, but for custom fields."""
        return {name: self.cleaned_data[name] or "" for name in self.Meta.fields if self._is_changed(name)}

    @property
    def changed_values(self) -> dict[str, str]:
        """The custom fields that a person changed: those left empty shall go."""
        values = {name: self.cleaned_data[key] for key, name in self.custom.items() if self._is_changed(key)}
        if self.cleaned_data["new_name"]:
            values[self.cleaned_data["new_name"]] = self.cleaned_data["new_value"]
        return values

    def _is_changed(self, key: str) -> bool:
        # What was not sent was not shown.
        return key in self.data and key in self.changed_data


class NewContactForm(forms.Form):
    phone_number = NumberField(help_text="In any notation.")
    country = CountryField()
    email = EmailAddressField()
    first_name = forms.CharField(label="First name", required=False, max_length=100)
    last_name = forms.CharField(label="Last name", required=False, max_length=100)
    company = forms.CharField(label="Company", required=False, max_length=200)
    list = forms.ModelChoiceField(
        List.objects.order_by("name"), label="List", required=False, empty_label="None"
    )

    def __init__(self, data: Any = None, *, instead_of: Contact | None = None) -> None:
        """``instead_of``: the same person at a wrong number, whose lists the new contact comes on."""
        super().__init__(data)
        if instead_of is None:
            return
        del self.fields["list"]
        for name in ("email", "first_name", "last_name", "company"):
            self.initial[name] = getattr(instead_of, name) or ""
        if instead_of.phone_number:
            self.initial["country"] = country_of(instead_of.phone_number) or settings.DEFAULT_COUNTRY


class FieldForm(forms.Form):
    """What people read of a custom field."""

    label = forms.CharField(label="Name", max_length=120)
    kind = forms.ChoiceField(label="Kind", choices=CustomField.Kind.choices)
    description = forms.CharField(label="What it is for", required=False, max_length=200)
