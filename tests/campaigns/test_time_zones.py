"""The time zones offered: the ones people use, by the names they know."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest

from campaigns.time_zones import by_region, keywords, zone_names, zones

WINTER, SUMMER = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)


def zone(name):
    return next(each for each in zones() if each.name == name)


def test_every_zone_offered_exists_and_is_offered_once():
    names = [each.name for each in zones()]
    assert len(names) == len(set(names))
    assert set(names) == zone_names()
    assert set(names) <= available_timezones()
    assert 400 < len(names) < 450
    for name in names:
        ZoneInfo(name)


def test_relics_of_the_database_are_not_offered():
    assert not zone_names() & {"EST", "US/Pacific", "Etc/GMT+5", "Factory", "Zulu", "Europe/Belfast"}


def test_the_everyday_zones_come_first_in_their_region():
    region, choices = by_region(WINTER)[0]
    assert region == "United States and Canada"
    assert choices[:3] == [
        ("America/New_York", "Eastern: New York (UTC−5)"),
        ("America/Chicago", "Central: Chicago (UTC−6)"),
        ("America/Denver", "Mountain: Denver (UTC−7)"),
    ]


@pytest.mark.parametrize(
    ("name", "winter", "summer"),
    [
        ("America/New_York", "UTC−5", "UTC−4"),
        ("Asia/Kolkata", "UTC+5:30", "UTC+5:30"),
        ("America/St_Johns", "UTC−3:30", "UTC−2:30"),
        ("Asia/Kathmandu", "UTC+5:45", "UTC+5:45"),
        ("Europe/London", "UTC", "UTC+1"),
        ("UTC", "UTC", "UTC"),
    ],
)
def test_offsets_are_those_of_the_moment(name, winter, summer):
    assert zone(name).offset(WINTER) == winter
    assert zone(name).offset(SUMMER) == summer


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Europe/Berlin", "Germany"),
        ("Asia/Kolkata", "Calcutta"),
        ("America/Los_Angeles", "Pacific"),
        ("Asia/Tokyo", "Japan"),
    ],
)
def test_zones_are_found_by_country_and_by_former_and_everyday_names(name, word):
    assert word in keywords()[name]
