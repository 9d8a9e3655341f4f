"""The editor's second tab: when the campaign may dial."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from campaigns.forms.fields import Day, Days, JudgedByForm, Row, WallClock, WeekHours, grid, masks_of
from campaigns.forms.tabs import Column, TabForm
from campaigns.hours import describe
from contacts import time_zones
from contacts.forms.fields import ZoneSelect, zone_choices

PRESETS = (
    ("business", "Business hours", "Monday to Friday, 9:00 to 17:00"),
    ("evenings", "Every evening", "Every day, 17:00 to 20:00"),
    ("weekends", "Weekends", "Saturday and Sunday, 10:00 to 18:00"),
    ("always", "Always", "Every hour of the week"),
    ("never", "Clear", "No hour at all"),
)


def zone_of(schedule_zone: str) -> ZoneInfo:
    """The zone in which a start time is read: the schedule's, or else that of whoever looks at the form."""
    return ZoneInfo(schedule_zone or timezone.get_current_timezone_name())


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


class ZoneChoice(JudgedByForm, forms.ChoiceField):
    """A zone, or none for each contact's own, which is a choice too."""

    widget = ZoneSelect


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

    time_zone = ZoneChoice(
        error_messages={"invalid_choice": "“%(value)s” is not a time zone we know."},
        help_text="The days and hours below are in this time zone.",
    )
    start_date = Day(label="First day", required=False, help_text="Nobody is called before it.")
    end_date = Day(label="Last day", required=False, help_text="Calling pauses when this day is over.")
    hours = WeekHours(label="Weekly hours")
    closed_days = Days(
        label="Closed days",
        required=False,
        help_text="Holidays and other days on which nobody is called.",
    )
    start_at = WallClock(label="Start at", required=False)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        choices: list[Any] = [
            (time_zones.OWN_ZONE, time_zones.OWN_ZONE_LABEL),
            *zone_choices(self.rows.schedule.time_zone, self.now),
        ]
        self.fields["time_zone"].choices = choices  # type: ignore[attr-defined]
        if self.fields["start_at"].disabled:
            # It has begun: there is nothing to read there, either.
            del self.fields["start_at"]
            return
        city = time_zones.city_of(timezone.get_current_timezone_name())
        self.fields["start_at"].help_text = (
            "Leave empty to start by hand. In the time zone above; in "
            f"{city} time where it is each contact’s own."
        )

    def further_initial(self) -> dict[str, Any]:
        channel, schedule = self.rows.channel, self.rows.schedule
        if channel.start_at is None:
            return {"start_at": None}
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
        zone = str(self["time_zone"].value() or "")
        return describe(
            masks_of(self["hours"].value() or []), zone if zone in time_zones.zone_names() else ""
        )

    presets = PRESETS
    day_hours = range(24)
