"""A disposition at the same moment as a claim, or as the deletion of its campaign."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from campaigns.lifecycles import ENROLLMENT
from campaigns.models import Campaign, Disposition, Enrollment
from campaigns.services import delete_campaign
from dialer import assistants, views
from dialer.models import Call
from dialer.services import set_disposition
from tests.engine.test_progress import at_once
from tests.factories import ChannelFactory, EnrollmentFactory, ReattemptRuleFactory
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def disposition(slug: str) -> Disposition:
    return Disposition.objects.get(slug=slug)


def report(call: Call, slug: str) -> bool:
    said = assistants.Report(turns=[], disposition=slug, callback_at=timezone.now() + timedelta(hours=1))
    return assistants.report(call_id=call.pk, report=said)


class Elsewhere:
    """A deed on a connection of its own."""

    def __init__(self, deed: Callable[[], Any]) -> None:
        self.deed = deed
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.deed()
        except BaseException as failure:
            self.failure = failure
        finally:
            connection.close()

    def is_waiting(self) -> bool:
        self._thread.join(0.5)
        return self._thread.is_alive()

    def done(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()
        assert self.failure is None, repr(self.failure)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slug", ["callback", "do_not_call"])
@pytest.mark.parametrize("waited_as", ["retry", "callback"])
def test_a_claim_that_commits_first_keeps_its_contact(supervisor, slug, waited_as):
    channel = ChannelFactory(running=True)
    enrollment = EnrollmentFactory(channel=channel, status=waited_as, attempts=1)
    first = CallFactory(enrollment=enrollment, outcome="no_answer")
    rows = Enrollment.objects.filter(pk=enrollment.pk)
    with transaction.atomic():
        rows.select_for_update().get()
        ENROLLMENT.apply(rows, "call", expect=1)
        CallFactory(enrollment=enrollment, state="intent", attempt=2)
        said = Elsewhere(
            partial(set_disposition, call=first, disposition=disposition(slug), actor=supervisor)
        )
        assert said.is_waiting()
    said.done()
    assert rows.get().status == "calling"
    first.refresh_from_db()
    assert first.disposition == disposition(slug)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slug", ["callback", "no_decision"])
def test_a_disposition_and_the_deletion_of_its_campaign_do_not_wait_in_a_circle(supervisor, slug):
    for _ in range(6):
        channel = ChannelFactory(paused=True)
        calls = [
            CallFactory(enrollment=EnrollmentFactory(channel=channel, status="completed")) for _ in range(4)
        ]
        campaign = channel.campaign
        at_once(
            partial(delete_campaign, campaign=campaign, actor=supervisor, name=campaign.name),
            partial(set_disposition, call=calls[0], disposition=disposition(slug), actor=supervisor),
            partial(report, calls[-1], slug),
            partial(report, calls[1], slug),
        )
        assert not Campaign.objects.exists()
        for call in calls:
            call.refresh_from_db()
        assert [call.disposition and call.disposition.slug for call in calls] == [slug, slug, None, slug]


@pytest.mark.django_db(transaction=True)
def test_a_callback_waits_for_a_deletion_under_way_and_is_kept_on_the_call(supervisor):
    enrollment = EnrollmentFactory(channel=ChannelFactory(paused=True), status="completed")
    call = CallFactory(enrollment=enrollment)
    campaign = call.campaign
    with transaction.atomic():
        delete_campaign(campaign=campaign, actor=supervisor, name=campaign.name)
        said = Elsewhere(
            partial(set_disposition, call=call, disposition=disposition("callback"), actor=supervisor)
        )
        assert said.is_waiting()
    said.done()
    call.refresh_from_db()
    assert (call.campaign, call.disposition) == (None, disposition("callback"))


@pytest.mark.django_db(transaction=True)
def test_an_assistants_report_is_tried_again_where_two_transactions_met(client, monkeypatch):
    call = CallFactory(enrollment=EnrollmentFactory(status="completed"))
    kept = assistants.report
    tries = []

    def meeting(**values: Any) -> bool:
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("deadlock detected")
        return kept(**values)

    monkeypatch.setattr(views.assistants, "report", meeting)
    response = client.post(
        f"/hooks/assistant/{call.pk}/",
        {"disposition": "interested"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {assistants.token(call.pk)}"},
    )
    assert response.status_code == 204
    call.refresh_from_db()
    assert call.disposition == disposition("interested")


# --- Changed away from a callback -------------------------------------------------------------------


def asked_back(outcome: str = "completed", **enrollment: Any) -> tuple[Call, Enrollment]:
    """A contact who waits for the callback that the disposition of the last call asks for."""
    waiting = EnrollmentFactory(
        status="callback", attempts=1, due_at=timezone.now() + timedelta(days=2), **enrollment
    )
    call = CallFactory(
        enrollment=waiting,
        outcome=outcome,
        disposition=disposition("callback"),
        callback_at=timezone.now() + timedelta(days=2),
    )
    return call, waiting


@pytest.mark.parametrize(
    ("outcome", "slug", "status"),
    [
        ("completed", "interested", "completed"),
        ("completed", "no_decision", "unsuccessful"),
        ("completed", "do_not_call", "do_not_call"),
        ("completed", None, "completed"),
        ("voicemail", "voicemail", "voicemail"),
        ("busy", None, "busy"),
        ("no_answer", "no_decision", "no_answer"),
        ("failed", None, "failed"),
    ],
)
def test_a_disposition_that_is_no_callback_any_more_ends_the_waiting(supervisor, outcome, slug, status):
    call, waiting = asked_back(outcome)

    set_disposition(call=call, disposition=disposition(slug) if slug else None, actor=supervisor)

    waiting.refresh_from_db()
    assert waiting.status == status
    call.refresh_from_db()
    assert call.callback_at is None


def test_without_the_callback_a_reattempt_rule_holds_again(supervisor):
    channel = ChannelFactory(running=True, voice__attempts_per_contact=3)
    ReattemptRuleFactory(channel=channel, outcome="no_answer", delay_minutes=30)
    call, waiting = asked_back("no_answer", channel=channel)

    set_disposition(call=call, disposition=None, actor=supervisor)

    waiting.refresh_from_db()
    assert waiting.status == "retry"
    assert waiting.due_at < timezone.now() + timedelta(minutes=31)


def test_another_time_for_a_callback_is_still_a_callback(supervisor):
    call, waiting = asked_back()
    sooner = timezone.now() + timedelta(hours=1)

    set_disposition(call=call, disposition=disposition("callback"), callback_at=sooner, actor=supervisor)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.due_at) == ("callback", sooner)
