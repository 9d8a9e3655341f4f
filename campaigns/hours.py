"""When a contact may be called: a channel's weekly hours, and quiet hours, in IANA time zones.

Pure functions: no database, no clock of their own.

Whose time counts:

* A channel with a zone reads its weekly hours, first and last day and closed days in that zone. One
  without reads them in each of the contact's zones, and all of them must be open.
* Quiet hours hold on top of every schedule, in each of the contact's own zones.
* A contact whose zone is unknown has the channel's; where neither is known, UTC.

Daylight saving: what counts is what a clock on the wall shows at an instant. An hour that the clock
skips is never open, and one that it shows twice is open both times. A whole day can be skipped as
well (Samoa had no 30 December 2011).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from contacts.time_zones import city_of

ALL_DAY = (1 << 24) - 1
DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_UTC_ZONE = ZoneInfo("UTC")
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class ScheduleRow(Protocol):
    """What ``OpeningHours.of`` reads of a channel's schedule."""

    hours: list[int]
    start_date: date | None
    end_date: date | None
    closed_days: list[date]


@dataclass(frozen=True)
class OpeningHours:
    """A channel's schedule as a value.

    ``hours`` are seven masks of 24 bits, Monday to Sunday: bit h is on when h:00 to h:59 is open.
    ``start_date`` and ``end_date`` are the first and the last day; ``closed_days`` are never open.
    Nobody is called before ``quiet_end_hour`` or from ``quiet_start_hour`` on, by their own clock.
    """

    hours: tuple[int, ...]
    start_date: date | None = None
    end_date: date | None = None
    closed_days: frozenset[date] = frozenset()
    quiet_end_hour: int = 8
    quiet_start_hour: int = 21

    def __post_init__(self) -> None:
        if len(self.hours) != 7 or not all(0 <= mask <= ALL_DAY for mask in self.hours):
            raise ValueError("Weekly hours are seven masks of 24 bits.")
        if not 0 <= self.quiet_end_hour < self.quiet_start_hour <= 24:
            raise ValueError("Quiet hours must end before they start, between 0 and 24.")

    @classmethod
    def of(
        cls, schedule: ScheduleRow, *, quiet_end_hour: int = 8, quiet_start_hour: int = 21
    ) -> OpeningHours:
        """The opening hours of a ``Schedule`` row."""
        return cls(
            hours=tuple(schedule.hours),
            start_date=schedule.start_date,
            end_date=schedule.end_date,
            closed_days=frozenset(schedule.closed_days),
            quiet_end_hour=quiet_end_hour,
            quiet_start_hour=quiet_start_hour,
        )

    @property
    def allowed_by_quiet_hours(self) -> int:
        """The mask of the hours in which people may be called at all."""
        return (1 << self.quiet_start_hour) - (1 << self.quiet_end_hour)

    def of_day(self, day: date) -> int:
        """The schedule's mask of one day, quiet hours left aside."""
        if (
            (self.start_date and day < self.start_date)
            or (self.end_date and day > self.end_date)
            or day in self.closed_days
        ):
            return 0
        return self.hours[day.weekday()]


@dataclass(frozen=True)
class _Clock:
    """A zone whose wall clock has a say, and in what: the schedule, quiet hours, or both."""

    zone: ZoneInfo
    hours: OpeningHours
    keeps_schedule: bool
    keeps_quiet: bool

    def mask(self, day: date) -> int:
        mask = self.hours.of_day(day) if self.keeps_schedule else ALL_DAY
        return mask & self.hours.allowed_by_quiet_hours if self.keeps_quiet else mask

    def is_open(self, now: datetime) -> bool:
        local = now.astimezone(self.zone)
        return bool(self.mask(local.date()) >> local.hour & 1)

    def first(self, wanted: bool, after: datetime, limit: datetime) -> datetime | None:
        """The first instant from ``after`` on at which this clock is open (or closed, as wanted).

        Goes from hour to hour that matters, at most a day at a time, so that no step can pass over
        more than one change of the zone's offset.
        """
        start, end = (self.hours.start_date, self.hours.end_date) if self.keeps_schedule else (None, None)
        while after <= limit:
            local = after.astimezone(self.zone)
            day = local.date()
            if wanted and start and day < start - 3 * _DAY:
                # No clock on earth is more than a day off UTC.
                after = datetime.combine(start - _DAY, time(), UTC)
                continue
            # A clock set back over midnight shows the last day once more.
            if wanted and end and day > end + _DAY:
                return None
            mask = self.mask(day) if wanted else ALL_DAY & ~self.mask(day)
            if mask >> local.hour & 1:
                return after
            later = mask >> (local.hour + 1)
            hours_ahead = (later & -later).bit_length() if later else 24 - local.hour
            step = timedelta(
                hours=hours_ahead,
                minutes=-local.minute,
                seconds=-local.second,
                microseconds=-local.microsecond,
            )
            target = after + step
            if target.astimezone(self.zone).utcoffset() != local.utcoffset():
                target = self._change_of_offset(after, target)
            after = target
        return None

    def _change_of_offset(self, before: datetime, after: datetime) -> datetime:
        """The first second with the offset of ``after``, which differs from that of ``before``."""
        old = before.astimezone(self.zone).utcoffset()
        before = before.replace(microsecond=0)
        while after - before > _SECOND:
            middle = before + ((after - before) // 2 // _SECOND) * _SECOND
            if middle.astimezone(self.zone).utcoffset() == old:
                before = middle
            else:
                after = middle
        return after


def _clocks(
    hours: OpeningHours, channel_zone: ZoneInfo | None, contact_zones: Sequence[ZoneInfo]
) -> list[_Clock]:
    fallback = (channel_zone or _UTC_ZONE,)
    own = contact_zones or fallback
    scheduled = (channel_zone,) if channel_zone else own
    zones = dict.fromkeys((*scheduled, *own))
    return [_Clock(zone, hours, zone in scheduled, zone in own) for zone in zones]


def _aware_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("A time without a zone says nothing about opening hours.")
    return moment.astimezone(UTC)


def is_open(
    hours: OpeningHours,
    channel_zone: ZoneInfo | None,
    contact_zones: Sequence[ZoneInfo],
    now: datetime,
) -> bool:
    """Whether a contact with these possible zones may be called now.

    The answer may be kept until the next quarter of an hour (offsets are multiples of 15 minutes), or
    until ``closes_at`` or ``next_opening`` says.
    """
    now = _aware_utc(now)
    return all(clock.is_open(now) for clock in _clocks(hours, channel_zone, contact_zones))


def next_opening(
    hours: OpeningHours,
    channel_zone: ZoneInfo | None,
    contact_zones: Sequence[ZoneInfo],
    after: datetime,
    horizon_days: int = 400,
) -> datetime | None:
    """The first instant from ``after`` on at which it is open, in UTC; ``after`` itself if it is open.

    None: not within the horizon, because the last day has passed, or the hours never open or never
    meet those in which the contact may be called.
    """
    after = _aware_utc(after)
    if not any(mask & hours.allowed_by_quiet_hours for mask in hours.hours) and _same(
        channel_zone, contact_zones
    ):
        return None
    clocks = _clocks(hours, channel_zone, contact_zones)
    limit = after + timedelta(days=horizon_days)
    moment = after
    # Each clock moves the moment on to where it is open, until none has to.
    agreed = 0
    while agreed < len(clocks):
        for clock in clocks:
            found = clock.first(True, moment, limit)
            if found is None or found > limit:
                return None
            agreed = agreed + 1 if found == moment else 1
            moment = found
            if agreed == len(clocks):
                break
    return moment


def _same(channel_zone: ZoneInfo | None, contact_zones: Sequence[ZoneInfo]) -> bool:
    """Whether schedule and quiet hours are read on the same clocks."""
    return channel_zone is None or set(contact_zones) <= {channel_zone}


def closes_at(
    hours: OpeningHours,
    channel_zone: ZoneInfo | None,
    contact_zones: Sequence[ZoneInfo],
    after: datetime,
    horizon_days: int = 400,
) -> datetime | None:
    """The first instant from ``after`` on at which it is closed, in UTC; ``after`` itself if it is.

    None: it stays open beyond the horizon.
    """
    after = _aware_utc(after)
    limit = after + timedelta(days=horizon_days)
    ends = [clock.first(False, after, limit) for clock in _clocks(hours, channel_zone, contact_zones)]
    return min((end for end in ends if end is not None and end <= limit), default=None)


def zone_named(name: str) -> ZoneInfo | None:
    """A schedule's ``time_zone`` as a zone; None for "each contact's own zone" (empty)."""
    return ZoneInfo(name) if name else None


# --- In words --------------------------------------------------------------------------------------


def hours_a_week(hours: Iterable[int]) -> int:
    """How many hours of the week are open."""
    return sum(mask.bit_count() for mask in hours)


def describe_hours(hours: Sequence[int], time_zone: str | None = None) -> str:
    """Weekly hours in words: "Mon–Fri 9:00–17:00, Sat 10:00–14:00".

    With a schedule's ``time_zone`` (empty for each contact's own), the whole sentence of ``describe``.
    """
    if time_zone is not None:
        return describe(hours, time_zone)
    days_of: dict[int, list[int]] = {}
    for day, mask in enumerate(hours):
        if mask:
            days_of.setdefault(mask, []).append(day)
    if not days_of:
        return "Never"
    return ", ".join(f"{_days_in_words(days)} {_ranges_in_words(mask)}" for mask, days in days_of.items())


def describe(hours: Sequence[int], time_zone: str) -> str:
    """ "Mon–Fri 9:00–17:00, Chicago time; 40 hours a week"."""
    total = hours_a_week(hours)
    if not total:
        return "Never open"
    if total == 24 * 7:
        return f"Every day, all day, {zone_in_words(time_zone)}"
    unit = "hour" if total == 1 else "hours"
    return f"{describe_hours(hours)}, {zone_in_words(time_zone)}; {total} {unit} a week"


def zone_in_words(time_zone: str) -> str:
    """ "Chicago time", "UTC", or "each contact's own time" where there is no zone."""
    if not time_zone:
        return "each contact’s own time"
    if time_zone in {"UTC", "Etc/UTC", "GMT", "Etc/GMT"}:
        return time_zone.rpartition("/")[2]
    return f"{city_of(time_zone)} time"


def _days_in_words(days: list[int]) -> str:
    if len(days) == 7:
        return "Every day"
    runs = _runs(days)
    words = [
        DAY_NAMES[first] if first == last else f"{DAY_NAMES[first]}–{DAY_NAMES[last]}" for first, last in runs
    ]
    return _listed(words)


def _ranges_in_words(mask: int) -> str:
    if mask == ALL_DAY:
        return "all day"
    open_hours = [hour for hour in range(24) if mask >> hour & 1]
    return _listed([f"{first}:00–{last + 1}:00" for first, last in _runs(open_hours)])


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as unbroken runs, first and last of each."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _listed(words: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
