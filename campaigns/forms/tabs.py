"""What the editor's three tabs have in common: each is a form whose fields fill columns of three rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.db.models import Model

from campaigns.changes import fixed_at_launch
from campaigns.models import Campaign, Channel, Schedule, VoiceSettings


@dataclass(frozen=True)
class Rows:
    """The rows a campaign form fills: saved ones, or new ones with the defaults."""

    campaign: Campaign
    channel: Channel
    voice: VoiceSettings
    schedule: Schedule

    @classmethod
    def of(cls, channel: Channel) -> Rows:
        return cls(channel.campaign, channel, channel.voice, channel.schedule)

    @classmethod
    def new(cls) -> Rows:
        campaign = Campaign()
        channel = Channel(campaign=campaign, name="Voice")
        return cls(campaign, channel, VoiceSettings(channel=channel), Schedule(channel=channel))

    def row(self, name: str) -> Model:
        row: Model = getattr(self, name)
        return row


@dataclass(frozen=True)
class Column:
    """Where a form's field is kept, and what people call it ("changed the dial timeout of Voice")."""

    row: str
    name: str
    called: str


class TabForm(forms.Form):
    """One tab. A field that has an error is left as it is saved when the others are."""

    slug: ClassVar[str]
    title: ClassVar[str]
    columns: ClassVar[Mapping[str, Column]]
    # A field's error also holds back these: saved without it, they would not fit together.
    held_back_with: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(self, data: Mapping[str, Any] | None, *, rows: Rows, now: datetime, **options: Any) -> None:
        self.rows, self.now = rows, now
        initial = {name: getattr(rows.row(column.row), column.name) for name, column in self.columns.items()}
        initial |= self.further_initial() | options.pop("initial", {})
        super().__init__(data, initial=initial, **options)
        for name in fixed_at_launch(rows.channel) & set(self.fields):
            self.fields[name].disabled = True

    def further_initial(self) -> dict[str, Any]:
        """Initial values of the fields that are not a column each."""
        return {}

    @property
    def was_started(self) -> bool:
        """What a start needs may be missing from a draft, and no longer once it was started."""
        return bool(self.rows.channel.run)

    @property
    def is_empty_draft(self) -> bool:
        return self.rows.campaign.pk is None

    def control_value(self, name: str) -> Any:
        """What a field's control holds: text, whether it is ticked, or several values."""
        bound = self[name]
        value = bound.value()
        return value if isinstance(value, bool | list) else bound.field.widget.format_value(value) or ""

    def warnings(self) -> dict[str, str]:
        """Field -> what a person should know before starting; saves all the same."""
        return {}

    def values(self) -> dict[str, Any]:
        """The fields that can be saved: valid, and not held back by another."""
        held = {name for field in self.errors for name in (field, *self.held_back_with.get(field, ()))}
        return {name: value for name, value in self.cleaned_data.items() if name not in held}
