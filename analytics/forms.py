"""What a person says of a call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from campaigns.models import Disposition


class DispositionForm(forms.Form):
    """One disposition, or none; with the time of a callback where it means one.

    Times are in the zone of whoever types them.
    """

    disposition = forms.ModelChoiceField(
        Disposition.objects.filter(is_active=True),
        to_field_name="slug",
        required=False,
        error_messages={"invalid_choice": "This disposition is not offered any more. Reload the page."},
    )
    callback_at = forms.DateTimeField(
        required=False,
        label="Call back at",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Give a date and a time."},
    )

    def clean_callback_at(self) -> datetime | None:
        asked: datetime | None = self.cleaned_data["callback_at"]
        if asked is not None and asked <= timezone.now():
            raise forms.ValidationError("This time has passed.")
        return asked

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        disposition = cleaned.get("disposition")
        if disposition is not None and disposition.effect == Disposition.Effect.CALLBACK:
            if cleaned.get("callback_at") is None and "callback_at" not in self.errors:
                self.add_error("callback_at", "Say when to call back.")
        else:
            cleaned["callback_at"] = None
            self.errors.pop("callback_at", None)
        return cleaned
