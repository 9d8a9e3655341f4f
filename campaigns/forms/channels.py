"""What a channel is called, and what another one begins with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from accounts.models import User
from campaigns import services
from campaigns.forms.fields import Line
from campaigns.models import Campaign, Channel
from campaigns.services.composition import NAME_LENGTH, free_name


class ChannelForm(forms.Form):
    """Another channel for a campaign."""

    name = Line(
        max_length=NAME_LENGTH,
        error_messages={"required": "Give the channel a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
        help_text="Tells it from the campaign’s other channels.",
    )
    like = forms.ModelChoiceField(
        queryset=Channel.objects.none(),
        required=False,
        empty_label="Empty, with the usual settings",
        label="Begin with the settings of",
        help_text="Settings, hours and reattempt rules are copied, and can be changed before it starts.",
    )
    with_lists = forms.BooleanField(
        required=False, label="Its lists too", help_text="The same people are then called by both."
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, campaign: Campaign) -> None:
        self.campaign = campaign
        channels = campaign.channels.all()
        super().__init__(data, initial={"name": free_name(campaign), "like": channels.last()})
        like = self.fields["like"]
        like.queryset = channels  # type: ignore[attr-defined]
        like.label_from_instance = lambda channel: channel.name  # type: ignore[attr-defined]

    def save(self, *, actor: User) -> Channel:
        """Raises ``Refused``."""
        return services.add_channel(campaign=self.campaign, actor=actor, **self.cleaned_data)


class RenameForm(forms.Form):
    name = Line(
        max_length=NAME_LENGTH,
        error_messages={"required": "Give the channel a name."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )

    def save(self, *, channel: Channel, actor: User) -> Channel:
        """Raises ``Refused``."""
        return services.rename_channel(channel=channel, actor=actor, name=self.cleaned_data["name"])
