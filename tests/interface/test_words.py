"""Numbers, times, phone numbers and statuses as people see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone

from campaigns.lifecycles import CampaignStatus, ChannelStatus, EnrollmentStatus
from contacts.models.imports import ImportStatus
from dialer.lifecycles import CallState
from dialer.models import Outcome
from interface.templatetags import interface as words

NOW = datetime(2026, 11, 21, 14, 6, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (999, "999"),
        (4812, "4,812"),
        (-1500, "-1,500"),
        (1.5, "1.5"),
        (2.0, "2"),
        (None, "–"),
        ("", "–"),
    ],
)
def test_numbers_have_separators(value, said):
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("value", "of", "said"),
    [
        (42, None, "42 %"),
        (24.94, None, "24.9 %"),
        (3, 12, "25 %"),
        (4999, 5000, "99 %"),
        (5000, 5000, "100 %"),
        (1, 5000, "<1 %"),
        (0, 5000, "0 %"),
        (0, 0, "–"),
        (None, None, "–"),
    ],
)
def test_shares_never_round_to_all_or_nothing(value, of, said):
    assert words.percent(value, of) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Decimal("0.71"), "$0.71"),
        (Decimal("0.02100"), "$0.021"),
        (Decimal("0.0055"), "$0.0055"),
        (Decimal("1234.5"), "$1,234.50"),
        (0, "$0.00"),
        (Decimal("-3"), "-$3.00"),
        (None, "–"),
    ],
)
def test_money_keeps_fractions_of_a_cent(value, said):
    assert words.money(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0 m 00 s"),
        (51, "0 m 51 s"),
        (192, "3 m 12 s"),
        (59.6, "1 m 00 s"),
        (3900, "1 h 05 m"),
        (timedelta(minutes=2), "2 m 00 s"),
        (None, "–"),
    ],
)
def test_durations_are_read_at_a_glance(value, said):
    assert words.duration(value) == said


@pytest.mark.parametrize(("count", "said"), [(0, "0 contacts"), (1, "1 contact"), (1200, "1,200 contacts")])
def test_things_are_counted(count, said):
    assert words.counted(count, "contact,contacts") == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("+14155550132", "(415) 555-0132"),
        ("+442079460123", "+44 20 7946 0123"),
        ("+49301234567", "+49 30 1234567"),
        ("garbage", "garbage"),
    ],
)
def test_phone_numbers_are_nationally_formatted_with_e164_on_hover(number, said):
    assert words.phone(number) == f'<span class="phone" title="{number}">{said}</span>'


def test_no_phone_number_is_a_dash_and_markup_is_text():
    assert words.phone(None) == "–"
    assert "<b>" not in words.phone("<b>")


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=45), "45 s ago"),
        (timedelta(minutes=12), "12 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=18), "Nov 3"),
        (timedelta(days=400), "Oct 17, 2025"),
        (-timedelta(seconds=3), "in a moment"),
        (-timedelta(minutes=25), "in 25 min"),
        (-timedelta(hours=1, minutes=12), "in 1 h 12 min"),
        (-timedelta(hours=8, minutes=12), "in 8 h"),
        (-timedelta(days=1), "tomorrow 14:06"),
        (-timedelta(days=3), "Tue 14:06"),
    ],
)
def test_times_are_told_from_now(ago, said):
    assert words.relative(NOW - ago, NOW)[0] == said


def test_the_exact_time_and_zone_are_on_hover_and_read_aloud():
    with timezone.override(ZoneInfo("America/Chicago")):
        html = words.timeago(NOW)

    assert 'title="Sat 21 Nov 2026, 08:06:09 CST"' in html
    assert '<span class="sr">, Sat 21 Nov 2026, 08:06:09 CST</span>' in html
    assert 'datetime="2026-11-21T14:06:09.000+00:00"' in html


def test_unknown_times_are_a_dash():
    assert words.timeago(None) == words.moment(None) == "–"


# An ended call shows its outcome.
CALL_STATES = [state for state in CallState if state != CallState.ENDED]
ALL_STATUSES = [*CampaignStatus, *ChannelStatus, *EnrollmentStatus, *CALL_STATES, *Outcome, *ImportStatus]


@pytest.mark.parametrize("status", ALL_STATUSES, ids=lambda status: f"{type(status).__name__}.{status}")
def test_every_status_of_everything_has_its_colour_and_its_word(status):
    assert status.value in words.BADGES
    assert words.status_label(status) == status.label


def test_bars_show_each_part_in_proportion_and_none_too_thin_to_see():
    html = words.bar([("green", 500, "completed"), ("red", 1, "failed"), ("blue", 0, "in progress")], 1000)

    assert html.count("<rect") == 2
    assert 'class="green" x="0.00"' in html
    assert 'width="50.00"' in html
    assert 'class="red" x="50.00" y="-2" width="0.60"' in html
    assert 'aria-label="500 completed, 1 failed"' in html


@pytest.mark.parametrize("segments", [[], [("green", 0, "completed")]])
def test_a_bar_of_nothing_is_empty(segments):
    assert "<rect" not in words.bar(segments, 0)


def test_parts_of_a_bar_never_run_over_its_end():
    html = words.bar([("green", 10_000, "a"), *[("red", 1, "b")] * 5])

    import re

    ends = [float(x) + float(w) for x, w in re.findall(r'x="([\d.]+)" y="-2" width="([\d.]+)"', html)]
    assert max(ends) <= 100


def test_a_fields_help_and_errors_are_tied_to_its_control():
    from django import forms

    class Form(forms.Form):
        name = forms.CharField(help_text="As printed.")
        nickname = forms.CharField(required=False)

    html = Template("{% field form.name %}{% field form.nickname %}").render(Context({"form": Form({})}))

    assert 'aria-describedby="id_name_help id_name_errors"' in html
    assert 'aria-invalid="true"' in html
    assert '<ul class="errors" id="id_name_errors"><li>This field is required.</li></ul>' in html
    assert html.count('<span class="optional">optional</span>') == 1
