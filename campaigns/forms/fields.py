"""Fields that several forms use: text without control characters, bounded numbers, local times."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LINE_ENDS = re.compile(r"\r\n?|\u2028|\u2029")
# Turns the reading direction of everything after it: text that shows other than it is.
DIRECTION_OVERRIDES = {"\u202d", "\u202e"}


def refuse_unprintable(text: str, *, allowed: str = "") -> None:
    """Raise ``ValidationError`` for the first character that a page can't show, naming it."""
    for character in text:
        unprintable = unicodedata.category(character) in {"Cc", "Cs"} or character in DIRECTION_OVERRIDES
        if unprintable and character not in allowed:
            raise ValidationError(
                "Has a character that can’t be shown: U+%(code)s. Remove it, or paste the text without "
                "formatting.",
                code="unprintable",
                params={"code": f"{ord(character):04X}"},
            )


class JudgedByForm:
    """For a field that may be empty in some cases, which its form knows; never called optional."""

    def validate(self, value: Any) -> None:
        if value not in self.empty_values:  # type: ignore[attr-defined]
            super().validate(value)  # type: ignore[misc]


class Line(forms.CharField):
    """One line of text. What was pasted with line breaks or tabs becomes one line."""

    def to_python(self, value: Any) -> str:
        return re.sub(r"[\s\x85]+", " ", str(value or "")).strip()

    def validate(self, value: str) -> None:
        super().validate(value)
        refuse_unprintable(value)


class Text(forms.CharField):
    """Several lines of text; line ends are made one kind before the length is counted."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return LINE_ENDS.sub("\n", str(value or "")).strip()

    def validate(self, value: str) -> None:
        super().validate(value)
        refuse_unprintable(value, allowed="\n\t")


class WholeNumber(forms.IntegerField):
    """A whole number within bounds, refused in one sentence that names both."""

    def __init__(self, *, least: int, most: int, unit: str = "", **options: Any) -> None:
        self.least, self.most, self.unit = least, most, unit
        super().__init__(**options)
        self.error_messages["invalid"] = self.error_messages["required"] = self.bounds

    @classmethod
    def of(cls, model: type[models.Model], name: str, **options: Any) -> WholeNumber:
        """The field for a model's column, with the column's bounds."""
        least, most = bounds_of(model, name)
        return cls(least=least, most=most, **options)

    @property
    def bounds(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"Enter a whole number from {self.least:,} to {self.most:,}{unit}."

    def validate(self, value: int | None) -> None:
        super().validate(value)
        if value is not None and not self.least <= value <= self.most:
            raise ValidationError(self.bounds, code="bounds")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"min": self.least, "max": self.most, "step": 1, "inputmode": "numeric"}


def bounds_of(model: type[models.Model], name: str) -> tuple[int, int]:
    """The least and most that a model's field takes, from its validators."""
    # The column's own range comes along as validators too; the narrowest counts.
    validators = model._meta.get_field(name).validators  # type: ignore[union-attr]
    least = [int(v.limit_value) for v in validators if isinstance(v, MinValueValidator)]
    most = [int(v.limit_value) for v in validators if isinstance(v, MaxValueValidator)]
    return max(least), min(most)


class Day(forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **options)
        self.error_messages["invalid"] = "Enter a day, such as 2026-12-24."

    def to_python(self, value: Any) -> date | None:
        day: date | None = super().to_python(value)
        if day is not None and not 2000 <= day.year <= 2100:
            raise ValidationError("Enter a day between 2000 and 2100.", code="bounds")
        return day


class WallClock(forms.Field):
    """A day and time as a clock on the wall shows it: a naive datetime; the form knows the zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": 60}, format="%Y-%m-%dT%H:%M")
    invalid = "Enter a day and a time, such as 2026-12-24 09:30."

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        if isinstance(value, datetime):
            return value.replace(tzinfo=None, second=0, microsecond=0)
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise ValidationError(self.invalid, code="invalid") from None
        if moment.tzinfo is not None or not 2000 <= moment.year <= 2100:
            raise ValidationError(self.invalid, code="invalid")
        return moment.replace(second=0, microsecond=0)


@dataclass(frozen=True)
class Cell:
    """An hour of the week: one checkbox of the grid."""

    value: str
    hour: int
    label: str
    is_open: bool


@dataclass(frozen=True)
class Row:
    day: str
    cells: tuple[Cell, ...]

    @property
    def short(self) -> str:
        return self.day[:3]


class WeekHours(forms.MultipleChoiceField):
    """Weekly hours as 168 checkboxes; each posts "day-hour", Monday being 0. Cleans to seven masks."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options: Any) -> None:
        choices = [(f"{day}-{hour}", f"{DAYS[day]} {hour}:00") for day in range(7) for hour in range(24)]
        super().__init__(choices=choices, required=False, **options)
        self.error_messages["invalid_choice"] = "%(value)s is not an hour of the week."

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list) and len(value) == 7 and all(isinstance(mask, int) for mask in value):
            return [f"{day}-{hour}" for day in range(7) for hour in range(24) if value[day] >> hour & 1]
        return value

    def clean(self, value: Any) -> list[int]:
        masks = [0] * 7
        for chosen in super().clean(value):
            day, hour = chosen.split("-")
            masks[int(day)] |= 1 << int(hour)
        return masks

    def has_changed(self, initial: Any, data: Any) -> bool:
        return set(self.prepare_value(initial) or []) != set(data or [])


def masks_of(chosen: Iterable[object]) -> list[int]:
    """Seven masks from what checkboxes post; what is no hour of the week is passed over."""
    masks = [0] * 7
    for each in chosen:
        day, _, hour = str(each).partition("-")
        if day in {*"0123456"} and hour.isascii() and hour.isdigit() and int(hour[:3]) < 24:
            masks[int(day)] |= 1 << int(hour[:3])
    return masks


def grid(chosen: Iterable[str]) -> list[Row]:
    """The rows of the hour grid, for the template."""
    on = set(chosen)
    return [
        Row(
            day,
            tuple(
                Cell(
                    f"{number}-{hour}",
                    hour,
                    f"{day}, {hour}:00 to {hour + 1}:00",
                    f"{number}-{hour}" in on,
                )
                for hour in range(24)
            ),
        )
        for number, day in enumerate(DAYS)
    ]


class Days(forms.Field):
    """A set of days, one a line or parted by commas. Cleans to a sorted list without doubles."""

    widget = forms.Textarea(attrs={"rows": 3, "data-days": "", "placeholder": "2026-12-25, 2027-01-01"})
    most = 366

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(day.isoformat() for day in value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[date]:
        day = Day()
        found = set()
        for word in re.split(r"[\s,;]+", str(value or "").strip()):
            if not word:
                continue
            try:
                found.add(day.to_python(word))
            except ValidationError:
                raise ValidationError(
                    "“%(word)s” is not a day. Write each as 2026-12-25.",
                    code="invalid",
                    params={"word": word[:30]},
                ) from None
            if len(found) > self.most:
                raise ValidationError("At most 366 closed days.", code="too_many")
        return sorted(day for day in found if day)
