"""The editor's second tab: when the campaign may dial."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from campaigns import time_zones
from campaigns.forms.fields import Day, Days, Row, WallClock, WeekHours, grid
from campaigns.forms.tabs import Column, TabForm
from campaigns.hours import describe
from campaigns.models import Channel, Schedule

PRESETS = (
    ("business", "Business hours", "Monday to Friday, 9:00 to 17:00"),
    ("evenings", "Every evening", "Every day, 17:00 to 20:00"),
    ("always", "Always", "Every hour of the week"),
    ("never", "Clear", "No hour at all"),
)


def zone_of(schedule_zone: str) -> ZoneInfo:
    """The zone in which a start time is read: the schedule's, or else the installation's own."""
    return ZoneInfo(schedule_zone or settings.TIME_ZONE)


def to_instant(wall_clock: datetime, zone: ZoneInfo) -> datetime:
    """The moment at which a zone's clocks show this, in UTC; the first, where they show it twice.

    Raises ``ValidationError`` for a time that the zone's clocks skip.
    """
    instant = wall_clock.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != wall_clock:
        city = time_zones.city_of(zone.key)
        raise ValidationError(
            f"Clocks in {city} are put forward at that hour: {wall_clock:%H:%M} does not exist on that day.",
            code="skipped",
        )
    return instant


def to_wall_clock(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)


class ZoneSelect(forms.Select):
    """A select whose options carry the words that they may be searched by."""

    def create_option(self, name: str, value: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *arguments, **options)
        if words := time_zones.keywords().get(str(value)):
            option["attrs"]["data-words"] = words
        return option


class ScheduleForm(TabForm):
    slug = "schedule"
    title = "Schedule"
    columns: ClassVar[Mapping[str, Column]] = {
        "time_zone": Column("schedule", "time_zone", "time zone"),
        "start_date": Column("schedule", "start_date", "start date"),
        "end_date": Column("schedule", "end_date", "end date"),
        "hours": Column("schedule", "hours", "weekly hours"),
        "closed_days": Column("schedule", "closed_days", "closed days"),
        "start_at": Column("channel", "start_at", "start time"),
    }
    held_back_with: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "end_date": ("start_date",),
        "start_date": ("end_date",),
        "time_zone": ("start_at",),
    }

    time_zone = forms.ChoiceField(
        required=False,
        widget=ZoneSelect(attrs={"data-searchable": ""}),
        error_messages={"invalid_choice": "“%(value)s” is not a time zone we know."},
        help_text="Whose clock the days and hours below are read on.",
    )
    start_date = Day(label="First day", required=False, help_text="Nobody is called before it.")
    end_date = Day(label="Last day", required=False, help_text="Paused when it has passed.")
    hours = WeekHours(label="Weekly hours")
    closed_days = Days(
        label="Closed days",
        required=False,
        help_text="Holidays and other days on which nobody is called, one a line: 2026-12-25.",
    )
    start_at = WallClock(label="Start at", required=False)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        choices: list[Any] = [
            (time_zones.OWN_ZONE, time_zones.OWN_ZONE_LABEL),
            *time_zones.by_region(self.now),
        ]
        current = self.rows.schedule.time_zone
        if current and current not in time_zones.zone_names():
            # Set in the admin, or no longer in the table: it stays.
            choices.append((current, time_zones.city_of(current)))
        self.fields["time_zone"].choices = choices  # type: ignore[attr-defined]
        city = time_zones.city_of(settings.TIME_ZONE)
        self.fields["start_at"].help_text = (
            "Leave empty to start by hand. In the time zone above; in "
            f"{city} time where it is each contact’s own."
        )

    def further_initial(self) -> dict[str, Any]:
        channel, schedule = self.rows.channel, self.rows.schedule
        if channel.start_at is None:
            return {}
        return {"start_at": to_wall_clock(channel.start_at, zone_of(schedule.time_zone))}

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        first, last = cleaned.get("start_date"), cleaned.get("end_date")
        today = self.now.astimezone(zone_of(cleaned.get("time_zone", ""))).date()
        if first and last and last < first:
            self.add_error("end_date", ValidationError("The last day is before the first.", code="order"))
        elif last and last < today and "end_date" in self.changed_data:
            self.add_error("end_date", ValidationError("This day has passed.", code="past"))
        if "start_at" in cleaned and "time_zone" in cleaned:
            try:
                cleaned["start_at"] = self._start_instant(cleaned)
            except ValidationError as error:
                self.add_error("start_at", error)
        return cleaned

    def _start_instant(self, cleaned: dict[str, Any]) -> datetime | None:
        wall_clock: datetime | None = cleaned["start_at"]
        if wall_clock is None:
            return None
        instant = to_instant(wall_clock, zone_of(cleaned["time_zone"]))
        kept = self.rows.channel.start_at
        unchanged = kept is not None and kept.replace(second=0, microsecond=0) == instant
        if instant <= self.now and not unchanged:
            raise ValidationError("This time has passed.", code="past")
        last = cleaned.get("end_date")
        if last and wall_clock.date() > last:
            raise ValidationError("This is after the last day.", code="order")
        return kept if unchanged else instant

    # --- For the page -----------------------------------------------------------------------------

    def grid(self) -> list[Row]:
        return grid(self["hours"].value() or [])

    def hours_in_words(self) -> str:
        """The weekly hours as they stand in the form, whether they can be saved or not."""
        masks = [0] * 7
        for chosen in self["hours"].value() or []:
            day, _, hour = str(chosen).partition("-")
            if day in set("0123456") and hour.isascii() and hour.isdigit() and int(hour) < 24:
                masks[int(day)] |= 1 << int(hour)
        zone = str(self["time_zone"].value() or "")
        return describe(masks, zone if zone in time_zones.zone_names() else "")

    presets = PRESETS
    day_hours = range(24)


class StartLaterForm(forms.Form):
    """When to start, asked at the last step."""

    start_at = WallClock(label="Start at", error_messages={"required": "Enter when it should start."})

    def __init__(self, data: Mapping[str, Any] | None = None, *, channel: Channel, now: datetime) -> None:
        self.schedule: Schedule = channel.schedule
        self.now = now
        self.zone = zone_of(self.schedule.time_zone)
        initial = {"start_at": to_wall_clock(channel.start_at, self.zone)} if channel.start_at else {}
        super().__init__(data, initial=initial)
        self.fields["start_at"].help_text = f"{time_zones.city_of(self.zone.key)} time."

    def clean_start_at(self) -> datetime:
        wall_clock: datetime = self.cleaned_data["start_at"]
        instant = to_instant(wall_clock, self.zone)
        if instant <= self.now:
            raise ValidationError("This time has passed.", code="past")
        last = self.schedule.end_date
        if last and wall_clock.date() > last:
            raise ValidationError("This is after the last day it may dial.", code="order")
        return instant
