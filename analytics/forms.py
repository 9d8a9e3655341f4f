"""What a person says of a call, and where a channel goes that is made from some."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from campaigns.forms.fields import Line
from campaigns.models import Campaign, Channel, Disposition
from campaigns.models.campaign import Direction
from campaigns.services.composition import NAME_LENGTH, free_name

NAME_LENGTH_OF_CAMPAIGN: int = Campaign._meta.get_field("name").max_length or 0


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


class NewChannelForm(forms.Form):
    """Where the channel goes that is made from contacts, what it is called, and what it begins with."""

    HERE, ANOTHER, NEW = "here", "another", "new"

    target = forms.ChoiceField(label="In", widget=forms.RadioSelect)
    # Another name than that of the filter, which is sent along.
    other_campaign = forms.ModelChoiceField(
        Campaign.objects.filter(archived_at=None, direction=Direction.OUTBOUND).order_by("-created_at"),
        required=False,
        label="Campaign",
        empty_label="Choose a campaign",
        error_messages={"invalid_choice": "This campaign is archived or gone. Choose another one."},
    )
    new_campaign = Line(
        required=False,
        max_length=NAME_LENGTH_OF_CAMPAIGN,
        label="Name of the new campaign",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    name = Line(
        label="Name of the channel",
        max_length=NAME_LENGTH,
        error_messages={"required": "Give the channel a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    like = forms.ModelChoiceField(
        Channel.objects.none(),
        required=False,
        empty_label="Empty, with the usual settings",
        label="Begin with the settings of",
        help_text="Settings, hours and reattempt rules are copied, and can be changed before it starts.",
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        source: Campaign | None,
        like: Channel | None,
        what: str,
    ) -> None:
        """``source``: whose results the contacts are of; ``like``: what is offered to begin with."""
        self.source = source if source is not None and not source.is_archived else None
        base = f"{what[:1].upper()}{what[1:]}"[: NAME_LENGTH - 5].rstrip(" ,")
        initial = {
            "target": self.HERE if self.source else self.NEW,
            "name": free_name(self.source, base) if self.source else base,
            "new_campaign": f"{source.name[:100]}, again" if source else "",
            "like": like,
        }
        super().__init__(data, initial=initial)
        fields: dict[str, Any] = self.fields
        fields["target"].choices = [
            *([(self.HERE, f"This campaign, {self.source.name}")] if self.source else []),
            (self.ANOTHER, "Another campaign"),
            (self.NEW, "A new campaign"),
        ]
        if self.source:
            fields["other_campaign"].queryset = fields["other_campaign"].queryset.exclude(pk=self.source.pk)
        fields["other_campaign"].widget.attrs["data-searchable"] = ""
        # Not for every target, but always where they are shown (``clean``).
        fields["other_campaign"].is_needed = fields["new_campaign"].is_needed = True
        fields["like"].queryset = (
            source.channels.all() if source else Channel.objects.select_related("campaign").order_by("-pk")
        )
        if source:
            fields["like"].label_from_instance = lambda channel: channel.name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        needed = {self.ANOTHER: ("other_campaign", "Choose the campaign.")}
        needed[self.NEW] = ("new_campaign", "Give the campaign a name.")
        name, message = needed.get(str(cleaned.get("target")), ("", ""))
        if name and not cleaned.get(name) and name not in self.errors:
            self.add_error(name, message)
        return cleaned

    @property
    def campaign_to_be(self) -> Campaign | None:
        """The campaign that gets it; None: a new one."""
        target = self.cleaned_data["target"]
        return {self.HERE: self.source, self.ANOTHER: self.cleaned_data["other_campaign"]}.get(target)
