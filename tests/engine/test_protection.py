"""The engine protects a list from itself, and people from calls that come too late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import CampaignExclusion, Enrollment
from campaigns.services import pause_channel, resume_channel, retry_contacts
from contacts.models import DoNotContact, Membership
from contacts.services import add_to_do_not_contact
from dialer import cancelling, progress
from dialer.cancelling import cancel_queued, cancel_queued_later, forbidden_calls
from dialer.carrier import Ended, Ending
from dialer.driving.claim import claim, put_off
from dialer.driving.errors import erring_channels
from dialer.driving.lease import Leases
from dialer.models import Call
from tests.engine.conftest import campaign_of, check_invariants, started
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
    zone_set,
)
from tests.factories.dialer import CallFactory


def last_calls(channel, *, errors: int, others: int, minutes_ago: int = 1) -> None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    for number in range(errors + others):
        is_error = number < errors
        CallFactory(
            channel=channel,
            campaign=channel.campaign,
            created_at=at,
            is_error=is_error,
            outcome="failed" if is_error else "completed",
            hangup_cause="Network Error" if is_error else "Normal Hangup",
        )


# --- Errors ----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("errors", "others", "is_erring"), [(11, 9, True), (10, 10, False), (19, 0, False), (20, 0, True)]
)
def test_errors_in_more_than_half_of_the_last_twenty_calls_are_too_many(errors, others, is_erring):
    channel = ChannelFactory(running=True)
    last_calls(channel, errors=errors, others=others)
    assert erring_channels([channel.pk]) == ([(channel.pk, errors, "Network Error")] if is_erring else [])


@pytest.mark.django_db
@pytest.mark.parametrize("was", ["paused", "completed"])
def test_errors_before_it_went_on_do_not_pause_it_again(supervisor, settings, was):
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24
    channel = ChannelFactory(lists=[ListFactory(members=1)], **{was: True})
    last_calls(channel, errors=20, others=0)
    assert erring_channels([channel.pk])
    if was == "paused":
        resume_channel(channel=channel, actor=supervisor)
    else:
        failed = EnrollmentFactory(channel=channel, status="failed")
        places = Enrollment.objects.filter(pk=failed.pk)
        retry_contacts(channel=channel, places=places, actor=supervisor)
    assert erring_channels([channel.pk]) == []
    last_calls(channel, errors=20, others=0, minutes_ago=-1)
    assert erring_channels([channel.pk])


def test_a_channel_whose_every_call_is_refused_pauses_and_says_why(engine):
    engine.carrier.add_fault("error_before", path="/Call/", method="POST", status=400)
    channel = started(campaign_of(60, voice__concurrent_calls=4, voice__calls_per_second=20))
    engine.start()
    engine.wait_for(lambda: type(channel).objects.get(pk=channel.pk).status == "paused")
    channel.refresh_from_db()
    assert channel.pause_reason == "errors"
    assert "of its last 20 calls failed" in channel.pause_note
    # Most of the list is untouched, and nobody was dialed.
    assert Enrollment.objects.filter(channel=channel, status="pending").count() > 20
    assert set(Enrollment.objects.values_list("attempts", flat=True)) == {0}


# --- The carrier's own queue -----------------------------------------------------------------------


def test_calls_queued_by_the_carrier_are_taken_back_when_the_channel_pauses(engine):
    # The account may start one call in two seconds: the carrier queues the rest.
    engine.carrier.set(calls_per_second=0.5)
    channel = started(campaign_of(5))
    engine.start()
    engine.wait_for(lambda: Call.objects.filter(is_queued=True).count() >= 3)
    pause_channel(channel=channel, actor=None)
    engine.wait_for(
        lambda: not Call.objects.filter(is_live=True, is_queued=True, ringing_at=None).exists(), seconds=30
    )
    taken_back = Call.objects.filter(is_taken_back=True, outcome="cancelled")
    assert taken_back.exists()
    for call in taken_back:
        assert (call.enrollment.status, call.enrollment.attempts) == ("pending", 0)
    engine.carrier.set(calls_per_second=0)
    resume_channel(channel=channel, actor=None)
    engine.wait_completed(channel)
    assert Enrollment.objects.filter(channel=channel, attempts=1).count() == 5


@pytest.mark.django_db
def test_a_call_that_rings_is_not_taken_back():
    call = CallFactory(state="ringing", ringing_at=timezone.now(), deadline_at=timezone.now(), is_queued=True)
    assert not cancel_queued_later(channel_id=call.channel_id)
    assert cancel_queued(channel_id=call.channel_id) == 0


# --- Do-not-contact while it rings -----------------------------------------------------------------


def test_a_call_that_rings_somebody_put_on_do_not_contact_is_hung_up(engine):
    # Six seconds of ours, and nobody answers.
    others = dict.fromkeys(("busy_rate", "reject_rate", "invalid_rate", "carrier_error_rate"), 0)
    engine.carrier.set(answer_rate=0, no_answer_seconds=200, ring_seconds=200, **others)
    channel = started(campaign_of(2, voice__dial_timeout_seconds=120))
    engine.start()
    engine.wait_for(lambda: Call.objects.exclude(ringing_at=None).count() == 2)
    one, other = Call.objects.order_by("id")
    add_to_do_not_contact(phone_number=one.to_number, scope="voice", source="reply")
    engine.wait_for(lambda: Call.objects.filter(pk=one.pk, state="ended").exists())
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.outcome, one.is_taken_back, other.is_taken_back) == ("cancelled", True, False)
    assert list(one.events.values_list("kind", flat=True)) == ["ring", "taken_back", "hangup"]
    assert (one.enrollment.status, one.enrollment.reason) == ("do_not_call", "On do-not-contact")
    # It rang: that was an attempt.
    assert one.enrollment.attempts == 1
    engine.wait_completed(channel)
    check_invariants(engine.carrier)


def ringing_for_long(engine, *, has_worker: bool = True) -> Call:
    """One call that rings and is not answered."""
    others = dict.fromkeys(("busy_rate", "reject_rate", "invalid_rate", "carrier_error_rate"), 0)
    engine.carrier.set(answer_rate=0, no_answer_seconds=600, ring_seconds=600, **others)
    started(campaign_of(1, voice__dial_timeout_seconds=120))
    engine.start(has_worker=has_worker)
    engine.wait_for(lambda: Call.objects.exclude(ringing_at=None).count() == 1)
    return Call.objects.get()


def wait_ended(engine, call: Call) -> None:
    engine.wait_for(lambda: Call.objects.filter(pk=call.pk, state="ended").exists(), seconds=12)
    call.refresh_from_db()
    assert (call.outcome, call.is_taken_back) == ("cancelled", True)
    engine.stop()
    check_invariants(engine.carrier)


@pytest.mark.parametrize(
    "faults",
    [
        # Neither request gets through at first.
        [{"path": "/Request/", "times": 2}, {"path": "/Call/", "times": 2}],
        # One of them never does.
        [{"path": "/Request/"}],
    ],
    ids=["both at first", "one always"],
)
def test_a_hang_up_that_fails_is_asked_for_again_while_it_rings(engine, monkeypatch, faults):
    monkeypatch.setattr(cancelling, "ASK_AGAIN", timedelta(seconds=0.2))
    call = ringing_for_long(engine)
    for fault in faults:
        engine.carrier.add_fault("error_before", method="DELETE", **fault)
    add_to_do_not_contact(phone_number=call.to_number, source="reply")
    wait_ended(engine, call)
    assert call.events.filter(kind="taken_back").count() == 1


def test_a_hang_up_does_not_wait_for_the_worker(engine):
    call = ringing_for_long(engine, has_worker=False)
    add_to_do_not_contact(phone_number=call.to_number, source="reply")
    wait_ended(engine, call)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "scope", "days", "is_taken_back"),
    [
        ("ringing", "all", None, True),
        ("ringing", "voice", 1, True),
        ("ringing", "text", None, False),
        ("ringing", "all", -1, False),
        # Who talks is not cut off: an assistant may have been told just now.
        ("connected", "all", None, False),
        ("placing", "all", None, False),
        ("unknown", "all", None, False),
    ],
)
def test_only_what_rings_and_is_forbidden_is_taken_back(state, scope, days, is_taken_back):
    now = timezone.now()
    call = CallFactory(state=state, deadline_at=now, request_id="r-1", to_number="+14155550101")
    CallFactory(state="ringing", deadline_at=now, request_id="r-2", to_number="+14155550102")
    until = days and now + timedelta(days=days)
    DoNotContactFactory(phone_number="+14155550101", scope=scope, expires_at=until)
    assert forbidden_calls(most=10) == ([call.pk] if is_taken_back else [])
    assert list(Call.objects.filter(is_taken_back=True)) == ([call] if is_taken_back else [])


@pytest.mark.django_db
def test_a_call_to_somebody_whom_its_campaign_leaves_alone_by_now_is_taken_back():
    now = timezone.now()
    call, other, left = (
        CallFactory(
            state="ringing",
            deadline_at=now,
            request_id=f"r-{number}",
            channel=(channel := ChannelFactory()),
            campaign=channel.campaign,
            contact=(contact := ContactFactory()),
            to_number=contact.phone_number,
        )
        for number in range(3)
    )
    one = ListFactory(members=[call.contact, other.contact, left.contact])
    Membership.objects.filter(list=one, contact=left.contact).update(removed_in=2)
    # Of the other's campaign, the list is none of its business.
    for each in (call, left):
        CampaignExclusion.objects.create(campaign=each.campaign, list=one)
    assert forbidden_calls(most=10) == [call.pk]


@pytest.mark.django_db
def test_a_call_that_still_rings_is_asked_for_again_after_a_while_and_not_before():
    now = timezone.now()
    calls = [
        CallFactory(state="ringing", deadline_at=now, request_id=f"r-{number}", is_taken_back=number == 0)
        for number in range(3)
    ]
    for call in calls:
        DoNotContactFactory(phone_number=call.to_number)
    # Also one that could not be taken out of the carrier's queue.
    first = forbidden_calls(most=2)
    assert first == [calls[0].pk, calls[1].pk]
    assert forbidden_calls(most=0) == []
    assert forbidden_calls(most=10) == [calls[2].pk]
    assert forbidden_calls(most=10) == []
    Call.objects.filter(pk__in=first).update(take_back_asked_at=now - cancelling.ASK_AGAIN)
    assert forbidden_calls(most=10) == first


def hung_up_on(*, is_queued: bool = False, has_rung: bool = True, is_forbidden: bool = False) -> Call:
    """A call that we hung up on because it was forbidden, and whose end the carrier tells."""
    enrollment = EnrollmentFactory(
        channel=ChannelFactory(running=True, schedule__time_zone="UTC"),
        contact=ContactFactory(zone_set=zone_set()),
        status="calling",
        attempts=0,
    )
    call = CallFactory(
        enrollment=enrollment,
        state="ringing",
        deadline_at=timezone.now(),
        request_id="r-1",
        is_queued=is_queued,
        ringing_at=timezone.now() if has_rung else None,
        claimed_from="pending",
    )
    DoNotContactFactory(phone_number=call.to_number)
    assert forbidden_calls(most=1) == [call.pk]
    if not is_forbidden:
        DoNotContact.objects.all().delete()
    ending = Ending(ended=Ended.CANCELLED, code=1000, cause="Cancelled", by="us")
    assert progress.end(call_id=call.pk, ending=ending, data={})
    return call


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "status", "attempts"),
    [
        ({"is_forbidden": True}, "do_not_call", 1),
        # Taken off again by then: it rang all the same, and is not called once more at once.
        ({}, "no_answer", 1),
        # The ring may be heard of after the end.
        ({"has_rung": False}, "no_answer", 1),
        ({"has_rung": False, "is_forbidden": True}, "do_not_call", 1),
        # In the carrier's own queue: the phone never rang.
        ({"has_rung": False, "is_queued": True}, "pending", 0),
        ({"has_rung": False, "is_queued": True, "is_forbidden": True}, "do_not_call", 0),
        ({"is_queued": True}, "no_answer", 1),
    ],
    ids=str,
)
def test_a_call_that_was_hung_up_on_was_an_attempt_if_it_rang(options, status, attempts):
    call = hung_up_on(**options)
    enrollment = Enrollment.objects.get(pk=call.enrollment_id)
    assert (enrollment.status, enrollment.attempts) == (status, attempts)


# --- Closed zones ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_closed_zone_is_put_off_apart_from_the_claim(settings):
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24
    # Open for one hour of the day, and it is another one everywhere.
    hour = (timezone.now().hour + 12) % 24
    channel = ChannelFactory(running=True, schedule__hours=[1 << hour] * 7)
    waiting = [
        EnrollmentFactory(channel=channel, contact=ContactFactory(zone_set=zone_set("UTC")))
        for _ in range(60)
    ]
    driver = Leases()
    driver.keep()
    found = claim(channel_id=channel.pk, driver=driver.driver, free_placers=5, share=1)
    assert not found.orders
    assert set(found.closed) == {waiting[0].zone_set_id}
    put_off(channel_id=channel.pk, found=found)
    due = Enrollment.objects.filter(channel=channel).values_list("due_at", "reason")
    assert {reason for _, reason in due} == {"Outside the contact’s hours"}
    assert all(moment > timezone.now() for moment, _ in due)
