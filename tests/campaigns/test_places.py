"""What a person does with contacts in a channel: skip, bring back, retry now, never contact again."""

from __future__ import annotations

import html
import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from campaigns import services, tasks
from campaigns.models import Activity, Channel, Enrollment
from campaigns.places import PlaceFilters, places_of
from campaigns.refusals import Refused
from campaigns.services import places as deeds
from campaigns.services.places import keys_of
from campaigns.views.command_center import places as views
from contacts.models import DoNotContact
from contacts.services import lists
from tests.factories import (
    CallerIdFactory,
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def url(channel: Channel, deed: str, query: str = "") -> str:
    return reverse("campaigns:places", args=[channel.campaign_id, channel.pk, deed]) + query


def statuses(channel: Channel) -> list[str]:
    return list(Enrollment.objects.filter(channel=channel).order_by("pk").values_list("status", flat=True))


@pytest.fixture
def ready_to_run():
    """Makes a channel that could start, with a contact of each of the given statuses."""

    def make(*of: str, **options) -> Channel:
        channel = ChannelFactory(
            lists=[ListFactory(members=1)],
            voice__caller_id=CallerIdFactory(),
            voice__destination="hangup",
            **options,
        )
        for status in of:
            EnrollmentFactory(channel=channel, status=status)
        return channel

    return make


def test_the_keys_of_many_take_little_memory(ready_to_run):
    channel = ready_to_run(*["pending"] * 5, running=True)
    keys = keys_of(places_of(channel).order_by("-pk"))
    assert list(keys) == sorted(places_of(channel).values_list("pk", flat=True))
    assert memoryview(keys).nbytes == 5 * 8


# --- Skip, and its undo ------------------------------------------------------------------------------


def test_who_waits_is_skipped_and_the_others_are_told_of(supervisor, ready_to_run):
    channel = ready_to_run(
        "pending", "retry", "callback", "calling", "completed", "do_not_call", running=True
    )

    result = services.skip_contacts(
        channel=channel, places=places_of(channel), reason="Wrong segment", actor=supervisor
    )

    assert statuses(channel) == ["skipped"] * 3 + ["calling", "completed", "do_not_call"]
    assert result.moved == 3
    assert result.left == {"in a call just now": 1, "done already": 1, "not to be called": 1}
    assert set(Enrollment.objects.filter(status="skipped").values_list("reason", flat=True)) == {
        "Wrong segment"
    }
    assert Activity.objects.get(verb="skip").text == "skipped 3 contacts of Voice: Wrong segment"


def test_undone_everybody_waits_as_before(supervisor, ready_to_run):
    channel = ready_to_run("pending", "retry", "callback", "skipped", running=True)
    before = list(Enrollment.objects.order_by("pk").values_list("status", "due_at"))
    skipped = services.skip_contacts(channel=channel, places=places_of(channel), actor=supervisor)
    services.bring_back_contacts(channel=channel, skipped_at=skipped.at, actor=supervisor)

    assert list(Enrollment.objects.order_by("pk").values_list("status", "due_at")) == before
    assert Activity.objects.filter(text="brought back 3 contacts of Voice").exists()
    with pytest.raises(Refused):
        services.bring_back_contacts(channel=channel, skipped_at=skipped.at, actor=supervisor)


def test_only_the_deed_itself_is_undone(supervisor, ready_to_run):
    channel = ready_to_run("pending", "pending", running=True)
    first, second = Enrollment.objects.order_by("pk")
    services.skip_contacts(channel=channel, places=places_of(channel).filter(pk=first.pk), actor=supervisor)
    later = services.skip_contacts(
        channel=channel, places=places_of(channel).filter(pk=second.pk), actor=supervisor
    )
    services.bring_back_contacts(channel=channel, skipped_at=later.at, actor=supervisor)

    assert statuses(channel) == ["skipped", "pending"]


def test_a_channel_completed_by_a_skip_goes_on_when_it_is_undone(supervisor, ready_to_run):
    channel = ready_to_run("pending", running=True)
    skipped = services.skip_contacts(channel=channel, places=places_of(channel), actor=supervisor)
    services.complete_channel(channel=channel)
    channel.refresh_from_db()

    services.bring_back_contacts(channel=channel, skipped_at=skipped.at, actor=supervisor)

    channel.refresh_from_db()
    assert channel.status == "running"


# --- Retry now ---------------------------------------------------------------------------------------


def test_retry_now_makes_due_at_once_and_goes_ahead_of_fresh_ones(supervisor, ready_to_run):
    channel = ready_to_run("pending", running=True)
    later = timezone.now() + timedelta(hours=3)
    wanted = [
        EnrollmentFactory(channel=channel, status=status, due_at=later)
        for status in ("pending", "retry", "callback", "no_answer", "busy", "voicemail", "failed", "skipped")
    ]
    services.retry_contacts(
        channel=channel, places=places_of(channel).filter(pk__in=[one.pk for one in wanted]), actor=supervisor
    )

    for one in wanted:
        one.refresh_from_db()
    assert [one.status for one in wanted] == ["retry", "retry", "callback", *["retry"] * 5]
    assert all(one.due_at <= timezone.now() for one in wanted)
    fresh = places_of(channel).get(status="pending")
    assert all(one.turn < fresh.turn for one in wanted)


def test_who_was_reached_or_has_no_number_is_not_retried(supervisor, ready_to_run):
    channel = ready_to_run("completed", "do_not_call", "connected", "no_answer", running=True)
    EnrollmentFactory(
        channel=channel,
        status="skipped",
        reason="Has no phone number",
        contact=ContactFactory(phone_number=None, email="ana@example.com"),
    )
    result = services.retry_contacts(channel=channel, places=places_of(channel), actor=supervisor)

    assert result.moved == 1
    assert result.left == {
        "reached already": 1,
        "not to be called": 1,
        "in a call just now": 1,
        "without a number": 1,
    }


@pytest.mark.parametrize("status", ["pending", "busy", "skipped"])
def test_who_lost_their_number_is_not_said_to_be_called_soon(supervisor, ready_to_run, status):
    channel = ready_to_run("busy", running=True)
    nobody = ContactFactory(phone_number=None, email="ana@example.com")
    EnrollmentFactory(channel=channel, status=status, contact=nobody)

    result = services.retry_contacts(channel=channel, places=places_of(channel), actor=supervisor)

    assert (result.moved, result.left) == (1, {"without a number": 1})


def test_a_completed_channel_goes_on_for_a_retry(supervisor, ready_to_run):
    channel = ready_to_run("no_answer", "completed", completed=True)

    services.retry_contacts(channel=channel, places=places_of(channel), actor=supervisor)

    channel.refresh_from_db()
    assert (channel.status, channel.campaign.status) == ("running", "active")
    reopened = Activity.objects.get(verb="reopen")
    assert reopened.actor is None
    assert reopened.text == "went on with Voice: contacts are to be tried again"


def test_a_completed_channel_that_cannot_run_is_not_opened_again(supervisor):
    channel = ChannelFactory(completed=True)
    EnrollmentFactory(channel=channel, status="no_answer")

    with pytest.raises(Refused):
        services.retry_contacts(channel=channel, places=places_of(channel), actor=supervisor)

    assert statuses(channel) == ["no_answer"]
    assert not Activity.objects.exists()


@pytest.mark.parametrize("deed", ["skip", "retry"])
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"stopped": True}, "was stopped for good"),
        ({"paused": True, "campaign__archived_at": timezone.now()}, "archived"),
    ],
)
def test_what_is_over_is_refused(supervisor, ready_to_run, deed, options, why):
    channel = ready_to_run("pending", **options)

    with pytest.raises(Refused, match=why):
        deeds.do_with_places(deed, channel=channel, places=places_of(channel), reason="", actor=supervisor)
    assert statuses(channel) == ["pending"]


@pytest.mark.parametrize("deed", ["skip", "retry"])
def test_nobody_to_do_it_with_is_refused_with_the_reason(supervisor, ready_to_run, deed):
    channel = ready_to_run("completed", "connected", running=True)

    with pytest.raises(Refused, match="in a call just now"):
        deeds.do_with_places(deed, channel=channel, places=places_of(channel), reason="", actor=supervisor)


# --- Do not contact ----------------------------------------------------------------------------------


def test_do_not_contact_holds_in_every_channel_at_once(supervisor, ready_to_run):
    channel = ready_to_run("pending", running=True)
    place = places_of(channel).get()
    elsewhere = EnrollmentFactory(contact=place.contact, status="retry")
    over = EnrollmentFactory(contact=place.contact, status="completed")

    services.forbid_places(
        channel=channel, places=places_of(channel), reason="Asked by mail", actor=supervisor
    )

    for one in (place, elsewhere, over):
        one.refresh_from_db()
    assert [place.status, elsewhere.status, over.status] == ["do_not_call", "do_not_call", "completed"]
    entry = DoNotContact.objects.get(phone_number=place.contact.phone_number)
    assert (entry.scope, entry.source, entry.reason) == ("all", "person", "Asked by mail")
    assert Activity.objects.get(verb="forbid").text == "put 1 contact of Voice on do-not-contact"


# --- Many, and at the same time as the engine ---------------------------------------------------------


def test_many_are_gone_through_in_lots_and_told_of_once(supervisor, ready_to_run, monkeypatch):
    monkeypatch.setattr(deeds, "AT_ONCE", 3)
    channel = ready_to_run(*["pending"] * 8, running=True)

    result = services.skip_contacts(channel=channel, places=places_of(channel), actor=supervisor)

    assert result.moved == 8
    assert Activity.objects.get(verb="skip").text == "skipped 8 contacts of Voice: Skipped by hand"


@pytest.mark.django_db(transaction=True)
def test_who_is_being_claimed_is_left_alone_and_nobody_waits(supervisor, ready_to_run):
    channel = ready_to_run("pending", "pending", running=True)
    claimed = places_of(channel).order_by("pk").first()
    told = []

    def skip() -> None:
        told.append(services.skip_contacts(channel=channel, places=places_of(channel), actor=supervisor))
        connection.close()

    with transaction.atomic():
        # As the claim does: the channel shared, the contact held.
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM campaigns_channel WHERE id = %s FOR SHARE", [channel.pk])
        Enrollment.objects.select_for_update().get(pk=claimed.pk)
        thread = threading.Thread(target=skip)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
    assert (told[0].moved, told[0].left) == (1, {"about to be called": 1})
    assert sorted(statuses(channel)) == ["pending", "skipped"]


def test_more_than_a_person_waits_for_are_the_workers(as_supervisor, supervisor, ready_to_run, monkeypatch):
    monkeypatch.setattr(views, "MOST_AT_ONCE", 3)
    queued = []
    monkeypatch.setattr(views, "async_task", lambda *told: queued.append(told))
    channel = ready_to_run(*["pending"] * 5, "busy", running=True)

    response = as_supervisor.post(url(channel, "skip", "?found=1&status=pending"), headers=HTMX)

    assert "It goes on without you" in response.headers["HX-Trigger"]
    assert statuses(channel) == ["pending"] * 5 + ["busy"]
    ((name, *arguments),) = queued
    assert name == "campaigns.tasks.move_places"
    tasks.move_places(*arguments)
    assert statuses(channel) == ["skipped"] * 5 + ["busy"]
    assert Activity.objects.get(verb="skip").actor == supervisor
    # Delivered twice: nobody is left, which is no error.
    tasks.move_places(*arguments)
    assert not Activity.objects.filter(verb="refused").exists()


@pytest.mark.parametrize(
    ("deed", "meanwhile", "why"),
    [
        ("skip", "stop", "Voice was stopped for good"),
        ("retry", "archive", "The campaign is archived"),
        ("do-not-contact", "gone", "Nobody was chosen"),
        ("skip", "gone", "Nobody was chosen"),
        ("skip", "rerun", "Voice was run again meanwhile"),
        ("do-not-contact", "more", "These are more than 2 contacts"),
    ],
)
def test_what_the_worker_is_refused_is_told_in_the_campaigns_activity(
    deed, meanwhile, why, as_supervisor, supervisor, ready_to_run, monkeypatch
):
    monkeypatch.setattr(views, "MOST_AT_ONCE", 1)
    queued = []
    monkeypatch.setattr(views, "async_task", lambda *told: queued.append(told))
    channel = ready_to_run("pending", "pending", "pending", running=True)
    as_supervisor.post(url(channel, deed, "?found=1&status=pending"), headers=HTMX)
    ((_, *arguments),) = queued
    if meanwhile == "stop":
        services.stop_channel(channel=channel, actor=None)
    if meanwhile == "archive":
        services.archive_campaign(campaign=channel.campaign, actor=None)
    if meanwhile == "gone":
        Enrollment.objects.update(status="calling")
    if meanwhile == "rerun":
        Channel.objects.update(run=2)
    if meanwhile == "more":
        monkeypatch.setattr(lists, "MOST_FORBIDDEN", 2)

    tasks.move_places(*arguments)

    told = Activity.objects.get(verb="refused")
    asked = {
        "skip": "skip contacts of Voice",
        "retry": "have contacts of Voice tried now",
        "do-not-contact": "put contacts of Voice on do-not-contact",
    }
    assert told.text.startswith(f"asked to {asked[deed]}, which was refused: {why}")
    assert (told.campaign, told.channel, told.actor) == (channel.campaign, channel, supervisor)
    assert told.text in html.unescape(
        as_supervisor.get(reverse("campaigns:activity", args=[channel.campaign_id])).text
    )


def test_a_retry_that_is_told_the_worker_twice_tries_nobody_once_more(
    as_supervisor, ready_to_run, monkeypatch
):
    monkeypatch.setattr(views, "MOST_AT_ONCE", 1)
    queued = []
    monkeypatch.setattr(views, "async_task", lambda *told: queued.append(told))
    channel = ready_to_run("busy", "busy", "busy", running=True)
    as_supervisor.post(url(channel, "retry", "?found=1&status=busy"), headers=HTMX)
    ((_, *arguments),) = queued
    tasks.move_places(*arguments)
    assert statuses(channel) == ["retry"] * 3
    # They were called, and the line was busy again.
    for status in ("calling", "busy"):
        Enrollment.objects.update(status=status, updated_at=timezone.now())

    tasks.move_places(*arguments)

    assert statuses(channel) == ["busy"] * 3


def test_more_than_can_be_forbidden_at_once_is_refused_before_the_worker_is_asked(
    as_supervisor, ready_to_run, monkeypatch
):
    monkeypatch.setattr(views, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(views, "MOST_FORBIDDEN", 2)
    channel = ready_to_run(*["pending"] * 3, running=True)

    response = as_supervisor.post(url(channel, "do-not-contact", "?found=1"), headers=HTMX)

    assert response.status_code == 409
    assert "more than 2 contacts" in response.text
    assert not DoNotContact.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_retry_and_a_rerun_of_a_completed_channel_do_not_wait_in_a_circle(supervisor, ready_to_run):
    for _ in range(4):
        channel = ready_to_run("no_answer", "busy", completed=True)
        outcomes: list[str] = []

        def retry(channel: Channel = channel, outcomes: list[str] = outcomes) -> None:
            try:
                services.retry_contacts(channel=channel, places=places_of(channel), actor=supervisor)
                outcomes.append("retried")
            except Refused as refused:
                outcomes.append(str(refused))
            finally:
                connection.close()

        def rerun(channel: Channel = channel, outcomes: list[str] = outcomes) -> None:
            try:
                services.rerun_channel(channel=channel, actor=supervisor)
                outcomes.append("run again")
            except Refused as refused:
                outcomes.append(str(refused))
            finally:
                connection.close()

        threads = [threading.Thread(target=deed) for deed in (retry, rerun)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        # One of the two was first, and the other was told.
        assert len(outcomes) == 2
        assert len({"retried", "run again"} & set(outcomes)) == 1
        channel.refresh_from_db()
        assert channel.status == "running"


# --- The page ----------------------------------------------------------------------------------------


def test_chosen_rows_are_skipped_with_a_reason_and_undo(as_supervisor, ready_to_run):
    channel = ready_to_run("pending", "pending", "pending", running=True)
    one, two, _ = Enrollment.objects.order_by("pk")
    query = f"?id={one.pk}&id={two.pk}"

    asked = as_supervisor.get(url(channel, "skip", query), headers=HTMX)
    assert "Skip: 2 contacts" in asked.text
    done = as_supervisor.post(url(channel, "skip", query), {"reason": "On holiday"}, headers=HTMX)

    assert done.status_code == 204
    assert "unchoose" in done.headers["HX-Trigger"]
    assert statuses(channel) == ["skipped", "skipped", "pending"]
    undo = reverse("campaigns:bring_back", args=[channel.campaign_id, channel.pk, "M"]).removesuffix("M/")
    toasts = done.headers["HX-Trigger"]
    address = toasts[toasts.index(undo) :].split('"')[0]
    assert as_supervisor.post(address, headers=HTMX).status_code == 204
    assert statuses(channel) == ["pending"] * 3


def test_all_that_match_are_those_of_the_filter(as_supervisor, ready_to_run):
    channel = ready_to_run("pending", "no_answer", "no_answer", "busy", running=True)

    asked = as_supervisor.get(url(channel, "retry", "?found=1&status=no_answer"), headers=HTMX)
    assert "Retry now: 2 contacts" in asked.text
    as_supervisor.post(url(channel, "retry", "?found=1&status=no_answer"), headers=HTMX)

    assert statuses(channel) == ["pending", "retry", "retry", "busy"]


def test_the_question_says_that_a_completed_channel_goes_on(as_supervisor, ready_to_run):
    channel = ready_to_run("busy", completed=True)
    asked = as_supervisor.get(url(channel, "retry", "?found=1"), headers=HTMX)
    assert "Voice is completed; it goes on for them." in asked.text


def test_of_a_paused_channel_no_call_is_promised_before_it_is_resumed(as_supervisor, ready_to_run):
    channel = ready_to_run("busy", "pending", paused=True, name="Voice")
    busy = Enrollment.objects.get(status="busy")
    assert "Voice is paused" in as_supervisor.get(url(channel, "retry", f"?id={busy.pk}"), headers=HTMX).text

    done = as_supervisor.post(url(channel, "retry", f"?id={busy.pk}"), headers=HTMX)

    assert "1 contact to be tried as soon as Voice is resumed." in done.headers["HX-Trigger"]


def test_without_scripts_a_question_is_a_page_and_leads_back(as_supervisor, ready_to_run):
    channel = ready_to_run("pending", running=True)
    place = places_of(channel).get()

    page = as_supervisor.get(url(channel, "skip", f"?id={place.pk}&status=pending"))
    assert "<html" in page.text
    assert "Skip: 1 contact" in page.text
    done = as_supervisor.post(url(channel, "skip", f"?id={place.pk}&status=pending"))

    assert done.status_code == 302
    assert done.url == (
        reverse("campaigns:contacts", args=[channel.campaign_id]) + f"?status=pending&channel={channel.pk}"
    )


@pytest.mark.parametrize("query", ["", "?id=", "?id=x", "?id=99999999999999999999", "?id=1&found=x"])
def test_rubbish_chooses_nobody(as_supervisor, ready_to_run, query):
    channel = ready_to_run("pending", running=True)

    assert as_supervisor.get(url(channel, "skip", query), headers=HTMX).status_code == 200
    assert as_supervisor.post(url(channel, "skip", query), headers=HTMX).status_code == 409
    assert statuses(channel) == ["pending"]


@pytest.mark.parametrize("moment", ["yesterday", "2026-01-01", "2026-01-01T10:00:00"])
def test_an_undo_of_no_moment_is_not_found(as_supervisor, ready_to_run, moment):
    channel = ready_to_run("pending", running=True)
    address = reverse("campaigns:bring_back", args=[channel.campaign_id, channel.pk, moment])
    assert as_supervisor.post(address, headers=HTMX).status_code == 404


def test_contacts_of_another_channel_are_not_touched(as_supervisor, ready_to_run):
    channel, other = ready_to_run("pending", running=True), ready_to_run("pending", running=True)
    place = places_of(other).get()
    assert as_supervisor.post(url(channel, "skip", f"?id={place.pk}"), headers=HTMX).status_code == 409
    assert statuses(other) == ["pending"]


def test_viewers_choose_nobody(as_viewer, ready_to_run):
    channel = ready_to_run("pending", running=True)
    page = as_viewer.get(reverse("campaigns:contacts", args=[channel.campaign_id])).text
    assert 'name="id"' not in page
    assert "Do not contact" not in page


# --- Order -------------------------------------------------------------------------------------------


def test_who_waits_is_shown_in_the_order_of_the_claim(as_supervisor):
    channel = ChannelFactory(running=True)
    now = timezone.now()
    for status, minutes in (("pending", 1), ("retry", 9), ("callback", 30), ("pending", 0), ("retry", 5)):
        EnrollmentFactory(channel=channel, status=status, due_at=now + timedelta(minutes=minutes))

    page = as_supervisor.get(
        reverse("campaigns:contacts", args=[channel.campaign_id]), {"status": "remaining"}
    )

    shown = [place.enrollment for place in page.context["places"]]
    assert [one.status for one in shown] == ["callback", "retry", "retry", "pending", "pending"]
    assert all((a.turn, a.due_at) <= (b.turn, b.due_at) for a, b in pairwise(shown))


@pytest.mark.parametrize("status", ["", "dialed", "no_answer"])
def test_the_newest_change_comes_first(as_supervisor, status):
    channel = ChannelFactory(running=True)
    places = EnrollmentFactory.create_batch(4, channel=channel, status="no_answer")
    for age, place in enumerate(places):
        Enrollment.objects.filter(pk=place.pk).update(updated_at=timezone.now() - timedelta(hours=age % 3))

    address = reverse("campaigns:contacts", args=[channel.campaign_id])
    page = as_supervisor.get(address, {"status": status, "sort": "changed"})

    shown = [place.enrollment.updated_at for place in page.context["places"]]
    assert len(shown) == 4
    assert shown == sorted(shown, reverse=True)


def test_an_order_that_a_filter_has_not_is_its_usual_one():
    assert PlaceFilters.of(QueryDict("status=busy&sort=turn")).order == ["-updated_at", "-id"]
    assert PlaceFilters.of(QueryDict("status=pending&sort=rubbish")).order == ["due_at", "id"]
    assert PlaceFilters.of(QueryDict("status=\0&q=\0")).order == ["contact_id"]


def test_a_waiting_contact_on_do_not_contact_says_so(as_supervisor):
    channel = ChannelFactory(running=True)
    place = EnrollmentFactory(channel=channel)
    DoNotContactFactory(phone_number=place.contact.phone_number)

    page = as_supervisor.get(reverse("campaigns:contacts", args=[channel.campaign_id]))

    assert "on do-not-contact" in page.context["places"][0].why_not_yet


@pytest.mark.parametrize("reason", ["{", "{0}", "{contacts.__class__}", "100 % {done}"])
def test_a_reason_is_told_as_it_was_written(ready_to_run, supervisor, reason):
    channel = ready_to_run("pending", running=True)
    services.skip_contacts(channel=channel, places=places_of(channel), reason=reason, actor=supervisor)
    assert Activity.objects.latest("pk").text == f"skipped 1 contact of {channel.name}: {reason}"


# --- Taken back, also when the toast is gone ---------------------------------------------------------------


def test_whom_a_person_skipped_can_be_brought_back_from_their_row(as_supervisor, supervisor, ready_to_run):
    channel = ready_to_run("pending", "retry", running=True)
    services.skip_contacts(channel=channel, places=places_of(channel), actor=supervisor)
    first, second = places_of(channel).order_by("pk")
    address = reverse("campaigns:contacts", args=[channel.campaign_id]) + f"?channel={channel.pk}"
    back = url(channel, "bring-back", f"?id={second.pk}")
    assert html.escape(back) in as_supervisor.get(address).text

    done = as_supervisor.post(back, headers=HTMX)

    assert done.status_code == 204
    assert "1 contact brought back." in done.headers["HX-Trigger"]
    assert statuses(channel) == ["skipped", "retry"]
    page = as_supervisor.get(address).text
    assert html.escape(back) not in page
    assert html.escape(url(channel, "bring-back", f"?id={first.pk}")) in page


def test_whom_a_rule_passed_over_is_not_brought_back(as_supervisor, ready_to_run):
    channel = ready_to_run("skipped", running=True)
    back = url(channel, "bring-back", f"?id={places_of(channel).get().pk}")
    address = reverse("campaigns:contacts", args=[channel.campaign_id]) + f"?channel={channel.pk}"
    assert html.escape(back) not in as_supervisor.get(address).text
    assert as_supervisor.post(back, headers=HTMX).status_code == 409
    assert statuses(channel) == ["skipped"]


def test_who_was_put_on_do_not_contact_is_a_link_away(as_supervisor, ready_to_run):
    channel = ready_to_run("pending", running=True)
    place = places_of(channel).get()
    done = as_supervisor.post(url(channel, "do-not-contact", f"?id={place.pk}"), headers=HTMX)
    see = reverse("contacts:do_not_contact") + "?source=person"
    assert f'"see": "{see}"' in done.headers["HX-Trigger"]
    assert str(place.contact.phone_number)[-4:] in as_supervisor.get(see).text
