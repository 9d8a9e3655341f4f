"""The time zones offered: the ones people use, by the names they know."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest

from contacts.time_zones import (
    ALSO_FOUND_BY,
    FORMER_NAMES,
    by_region,
    city_of,
    keywords,
    labels_of,
    zone_names,
    zones,
)

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
        ("Asia/Kolkata", "Mumbai"),
        ("America/Los_Angeles", "San Francisco"),
        ("America/New_York", "Boston"),
        ("Europe/Madrid", "Barcelona"),
        ("America/Sao_Paulo", "Rio de Janeiro"),
        ("UTC", "GMT"),
    ],
)
def test_zones_are_found_by_country_and_by_former_and_everyday_names(name, word):
    assert word in keywords()[name]


@pytest.mark.parametrize(
    ("abbreviation", "name"),
    [
        ("EST", "America/New_York"),
        ("CST", "America/Chicago"),
        ("MST", "America/Denver"),
        ("PST", "America/Los_Angeles"),
        ("IST", "Asia/Kolkata"),
        ("CET", "Europe/Berlin"),
        ("GMT", "UTC"),
        ("BST", "Europe/London"),
        ("JST", "Asia/Tokyo"),
        ("AEST", "Australia/Sydney"),
    ],
)
def test_of_those_with_an_abbreviation_the_one_that_most_people_mean_is_offered_first(abbreviation, name):
    found = [each.name for each in zones() if abbreviation in re.split(r"\W+", each.keywords)]
    assert found[0] == name


def test_every_zone_that_is_found_by_another_name_is_offered():
    assert {*ALSO_FOUND_BY, *FORMER_NAMES.values()} <= zone_names()


def test_a_zone_is_called_by_its_name_of_today():
    assert city_of("Asia/Calcutta") == city_of("Asia/Kolkata") == "Kolkata"
    assert labels_of(["Asia/Calcutta", "Asia/Kolkata", "Mars/Crater", "America/Chicago"], WINTER) == [
        ("America/Chicago", "Central: Chicago (UTC−6)"),
        ("Asia/Kolkata", "Kolkata (UTC+5:30)"),
        ("Mars/Crater", "Crater"),
    ]
