"""Hours that change are for everybody who waits, also for those who were put off by the old ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models.enrollment import LAST_DAY_PASSED, OUTSIDE_HOURS
from tests.factories import ChannelFactory, EnrollmentFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("status", "reason", "is_due"),
    [
        ("pending", OUTSIDE_HOURS, True),
        ("retry", OUTSIDE_HOURS, True),
        ("pending", LAST_DAY_PASSED, True),
        ("retry", "Busy, attempt 1 of 3.", False),
        ("callback", "Asked to be called back.", False),
        ("pending", "Over the cap of attempts", False),
        ("completed", OUTSIDE_HOURS, False),
    ],
)
def test_who_was_put_off_by_the_hours_is_due_again_when_they_change(status, reason, is_due):
    channel = ChannelFactory(paused=True)
    tomorrow = timezone.now() + timedelta(days=1)
    enrollment = EnrollmentFactory(channel=channel, status=status, reason=reason, due_at=tomorrow)
    other = EnrollmentFactory(reason=OUTSIDE_HOURS, due_at=tomorrow)
    channel.schedule.save()
    enrollment.refresh_from_db()
    other.refresh_from_db()
    assert (enrollment.due_at <= timezone.now()) == is_due
    assert other.due_at == tomorrow
