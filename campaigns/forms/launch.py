"""The editor's last step: numbers typed in, and when to start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from campaigns import services
from campaigns.forms.fields import WallClock
from campaigns.forms.schedule import to_instant, to_wall_clock, zone_of
from campaigns.hours import zone_in_words
from campaigns.models import Channel
from campaigns.refusals import Refused
from contacts.models import List
from contacts.phone_numbers import countries
from contacts.services import MAX_TYPED_LINES, NumbersAdded, add_numbers, create_list
from contacts.services import Refused as ContactsRefused

# Of what a person typed, this many lines are named as wrong; the page shows them all again.
WRONG_LINES_NAMED = 10


class NumbersForm(forms.Form):
    """Numbers by hand. They go into a list of the campaign's own, which is assigned to its channel."""

    numbers = forms.CharField(
        label="Numbers",
        max_length=MAX_TYPED_LINES * 200,
        error_messages={"required": "Type at least one number."},
        widget=forms.Textarea(
            attrs={"rows": 6, "spellcheck": "false", "placeholder": "Anna Svensson, (415) 555-0102"}
        ),
        help_text="One a line, with a name if you like.",
    )
    country = forms.ChoiceField(
        label="Country of numbers without one", widget=forms.Select(attrs={"data-searchable": ""})
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, channel: Channel) -> None:
        self.channel = channel
        super().__init__(data, initial={"country": settings.DEFAULT_COUNTRY})
        self.fields["country"].choices = countries()  # type: ignore[attr-defined]

    @transaction.atomic
    def save(self, *, actor: User) -> NumbersAdded:
        """Add them; what couldn't be read is told, and is what the form then holds.

        Raises ``Refused`` while the channel's lists may not change.
        """
        before = self._own_list()
        try:
            list = before or create_list(name=self._free_name(), actor=actor)
            added = add_numbers(
                list=list,
                lines=self.cleaned_data["numbers"],
                country=self.cleaned_data["country"],
                actor=actor,
            )
        except ContactsRefused as refused:
            raise Refused(str(refused)) from refused
        if before is not None:
            # It is assigned already; the channel still has to be one whose contacts may change.
            services.save_channel_settings(channel=self.channel, actor=actor, changed=[])
        elif list.size:
            services.assign_list(channel=self.channel, list=list, actor=actor)
        else:
            list.delete()
        if added.invalid:
            self._keep_invalid(added)
        return added

    def _own_list(self) -> List | None:
        """The list that was typed in before. A started channel's lists are pinned: it takes a new one."""
        if self.channel.run:
            return None
        return self.channel.lists.filter(name__startswith=self._name).order_by("id").first()

    @property
    def _name(self) -> str:
        return f"{self.channel.campaign.name[:100]}: typed in"

    def _free_name(self) -> str:
        taken = set(List.objects.filter(name__startswith=self._name).values_list("name", flat=True))
        names = (self._name if n == 1 else f"{self._name} {n}" for n in range(1, len(taken) + 2))
        return next(name for name in names if name not in taken)

    def _keep_invalid(self, added: NumbersAdded) -> None:
        """Only the wrong lines stay, and are told by their places among those that stay."""
        wrong = list({invalid.line: invalid for invalid in added.invalid}.values())
        self.data = {**self.data.dict(), "numbers": "\n".join(line.text for line in wrong)}  # type: ignore[attr-defined]
        for place, line in enumerate(wrong[:WRONG_LINES_NAMED], start=1):
            self.add_error("numbers", f"Line {place}: {line.reason}.")
        if len(wrong) > WRONG_LINES_NAMED:
            self.add_error("numbers", f"And {len(wrong) - WRONG_LINES_NAMED:,} more.")


def next_full_hour(now: datetime, zone: ZoneInfo) -> datetime:
    """The next moment at which a zone's clocks show a full hour, and a whole quarter at least from now."""
    soonest = now + timedelta(minutes=15)
    past = to_wall_clock(soonest, zone).minute
    return (soonest + timedelta(minutes=60 - past)).replace(second=0, microsecond=0) if past else soonest


class StartLaterForm(forms.Form):
    """When to start, by the clock of the channel's zone."""

    start_at = WallClock(label="Start at", error_messages={"required": "Enter when it should start."})

    def __init__(self, data: Mapping[str, Any] | None = None, *, channel: Channel, now: datetime) -> None:
        self.channel, self.now = channel, now
        self.zone = zone_of(channel.schedule.time_zone)
        start_at = channel.start_at
        if start_at is None or start_at <= now:
            start_at = next_full_hour(now, self.zone)
        super().__init__(data, initial={"start_at": to_wall_clock(start_at, self.zone)})
        self.fields["start_at"].label = f"Start at, {zone_in_words(self.zone.key)}"
        if not channel.schedule.time_zone:
            self.fields[
                "start_at"
            ].help_text = "Your own time zone. Each contact is then called in the hours of theirs."

    def clean_start_at(self) -> datetime:
        wall_clock: datetime = self.cleaned_data["start_at"]
        instant = to_instant(wall_clock, self.zone)
        if instant <= self.now:
            raise ValidationError("This time has passed.", code="past")
        last = self.channel.schedule.end_date
        if last and wall_clock.date() > last:
            raise ValidationError("This is after the last day it may dial.", code="order")
        return instant

    def save(self, *, actor: User) -> Channel:
        """Set the time and schedule the channel. Raises ``Refused`` when it can't start."""
        start_at = self.cleaned_data["start_at"]
        return services.schedule_channel(channel=self.channel, actor=actor, start_at=start_at, now=self.now)
