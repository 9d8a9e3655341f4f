"""The command center: what a campaign does, why it waits, and everything done from it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import services
from campaigns.lifecycles import CHANNEL, ChannelStatus
from campaigns.models import Activity, Channel, ChannelDrive, ChannelList, Enrollment, PauseReason
from campaigns.services.activity import record_activity
from campaigns.views.command_center.channels import CONTROLS
from campaigns.views.command_center.moves import MOVES
from lifecycle import By
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    EnrollmentFactory,
    ListFactory,
    zone_set,
)

HTMX = {"HX-Request": "true"}


def center(client, channel, tab="campaign", query=None, **headers):
    url = reverse(f"campaigns:{tab}", args=[channel.campaign_id])
    return client.get(url, query or {}, headers=headers)


def move(client, channel, name, **headers):
    url = reverse("campaigns:move", args=[channel.campaign_id, channel.pk, name])
    return client.post(url, headers={**HTMX, **headers})


def card(client, channel):
    return center(client, channel).context["cards"][0]


# --- The header and the five cards -----------------------------------------------------------------


def test_the_five_cards_add_up(as_supervisor):
    channel = ChannelFactory(running=True)
    for status in (
        "completed",
        "completed",
        "unsuccessful",
        "busy",
        "skipped",
        "pending",
        "retry",
        "callback",
    ):
        EnrollmentFactory(channel=channel, status=status)
    EnrollmentFactory(channel=channel, status="calling", attempts=1)

    response = center(as_supervisor, channel)
    counts = response.context["counts"]

    assert (counts.total, counts.completed, counts.failed, counts.pending, counts.in_progress) == (
        9,
        3,
        2,
        3,
        1,
    )
    assert counts.total == counts.completed + counts.failed + counts.pending + counts.in_progress
    assert "1 to retry, 1 to call back" in response.text


def adds_up(five) -> bool:
    counts = five.counts
    parts = counts.completed, counts.failed, five.pending, counts.in_progress, five.left_undone
    return five.total == sum(parts)


def test_before_the_start_everybody_on_its_lists_is_pending(as_supervisor):
    channel = ChannelFactory(lists=[ListFactory(members=3)])

    five = center(as_supervisor, channel).context["five"]

    assert (five.total, five.pending, five.pending_parts) == (3, 3, "3 not started yet")
    assert adds_up(five)


def test_a_channel_that_was_not_started_yet_counts_as_pending_beside_one_that_was(as_supervisor):
    channel = ChannelFactory(running=True)
    EnrollmentFactory(channel=channel, status="completed")
    EnrollmentFactory(channel=channel, status="retry")
    ChannelFactory(campaign=channel.campaign, name="Evening", lists=[ListFactory(members=7)])

    response = center(as_supervisor, channel)
    five = response.context["five"]

    assert (five.total, five.pending, five.progress) == (9, 8, 11)
    assert five.pending_parts == "7 not started yet, 1 to retry"
    assert adds_up(five)
    assert "in 2 channels; who is in several counts in each" in response.text


@pytest.mark.parametrize("how", ["stopped", "archived"])
def test_of_what_is_over_no_call_is_promised(as_supervisor, how):
    channel = ChannelFactory(paused=True)
    for status in ("completed", "retry", "retry", "callback", "pending"):
        EnrollmentFactory(channel=channel, status=status)
    if how == "stopped":
        services.stop_channel(channel=channel, actor=None)
    else:
        services.archive_campaign(campaign=channel.campaign, actor=None)

    response = center(as_supervisor, channel)
    five = response.context["five"]

    assert (five.total, five.pending, five.left_undone) == (5, 0, 4)
    assert five.pending_parts == "4 left undone"
    assert adds_up(five)
    assert "4 left undone" in response.text
    assert not {"to retry", "to call back", "waiting"} & {
        words for _, _, words in response.context["cards"][0].segments
    }
    assert "to retry" not in response.text


def test_a_stopped_channel_beside_one_that_goes_on_leaves_only_its_own_undone(as_supervisor):
    stopped = ChannelFactory(stopped=True)
    EnrollmentFactory(channel=stopped, status="retry")
    goes_on = ChannelFactory(campaign=stopped.campaign, name="Evening", paused=True)
    EnrollmentFactory(channel=goes_on, status="callback")

    five = center(as_supervisor, stopped).context["five"]

    assert (five.pending, five.pending_parts) == (1, "1 to call back, 1 left undone")
    assert adds_up(five)


def test_a_channel_stopped_before_it_ever_started_leaves_its_lists_undone(as_supervisor):
    channel = ChannelFactory(stopped=True, run=0, lists=[ListFactory(members=3)])

    five = center(as_supervisor, channel).context["five"]

    assert (five.total, five.pending, five.pending_parts) == (3, 0, "3 left undone")
    assert adds_up(five)


def test_failed_says_what_it_consists_of_and_the_rest_as_a_hint(as_supervisor):
    channel = ChannelFactory(running=True)
    statuses = ["skipped"] * 4 + ["voicemail"] * 3 + ["busy"] * 2 + ["no_answer"]
    for status in [*statuses, "completed"]:
        EnrollmentFactory(channel=channel, status=status)

    response = center(as_supervisor, channel)

    assert response.context["five"].failed_parts == "4 skipped, 3 voicemail, 2 busy"
    assert 'title="4 skipped, 3 voicemail, 2 busy, 1 no answer">4 skipped, 3 voicemail, 2 busy…<' in (
        response.text
    )


def test_a_running_campaign_tells_about_when_it_will_be_done(as_supervisor):
    channel = ChannelFactory(running=True)
    EnrollmentFactory(channel=channel)

    assert "done about " in center(as_supervisor, channel).text
    assert "done about " not in center(as_supervisor, ChannelFactory(paused=True)).text


def test_the_header_says_what_it_waits_for_and_who_started_it(as_supervisor, supervisor):
    channel = ChannelFactory(lists=[ListFactory(members=1)], schedule__time_zone="America/Denver")
    services.start_channel(channel=channel, actor=supervisor)
    until = timezone.now() + timedelta(hours=30)
    ChannelDrive.objects.filter(channel=channel).update(waiting_for="outside its hours", waiting_until=until)

    response = center(as_supervisor, channel)

    assert response.context["waits_for"].startswith("opens ")
    assert response.context["waits_for"].endswith(" Denver")
    assert f"by {supervisor}" in response.text


def test_what_it_waited_for_is_no_longer_said_once_it_came(as_supervisor):
    channel = ChannelFactory(running=True)
    past = timezone.now() - timedelta(seconds=1)
    ChannelDrive.objects.filter(channel=channel).update(waiting_for="outside its hours", waiting_until=past)

    assert center(as_supervisor, channel).context["waits_for"] == ""


def test_edit_is_disabled_with_the_reason_while_active(as_supervisor):
    page = center(as_supervisor, ChannelFactory(running=True)).text
    assert "A campaign can be edited while it is a draft or paused" in page

    paused = ChannelFactory(paused=True)
    assert (
        f'href="{reverse("campaigns:edit", args=[paused.campaign_id])}">Edit'
        in center(as_supervisor, paused).text
    )


def test_an_archived_campaign_offers_nothing_but_its_data(as_supervisor):
    channel = ChannelFactory(paused=True, campaign__archived_at=timezone.now())

    response = center(as_supervisor, channel)

    assert "support staff can restore it" in response.text
    assert response.context["cards"][0].controls == ()
    assert response.context["press"] is None


def test_a_campaign_that_is_gone_is_not_found(as_supervisor):
    for tab in ("campaign", "contacts", "lists", "activity"):
        url = reverse(f"campaigns:{tab}", args=[987654321])
        assert as_supervisor.get(url).status_code == 404
        assert as_supervisor.get(url, headers=HTMX).status_code == 404


# --- A channel's card ------------------------------------------------------------------------------


def test_the_buttons_are_the_moves_of_the_lifecycle():
    """Every move that a person may make from a status has its button, and no other."""
    names = {"start-now": "start"}
    for status in ChannelStatus:
        offered = {names.get(control.move, control.move) for control in CONTROLS[status]}
        possible = {m.name for m in CHANNEL.moves_from(status, By.PERSON)}
        if status == ChannelStatus.SCHEDULED:
            # For another time, it is cancelled and scheduled again.
            possible.add("schedule")
        assert offered == possible, status


@pytest.mark.parametrize("control", [c for controls in CONTROLS.values() for c in controls])
def test_every_button_leads_to_a_move(control):
    assert control.move in {*MOVES, "schedule"}


def test_the_card_shows_pace_caller_id_and_hours(as_supervisor):
    channel = ChannelFactory(
        running=True,
        schedule__time_zone="America/Chicago",
        schedule__hours=[0b11111111 << 9] * 5 + [0, 0],
        voice__concurrent_calls=20,
        voice__calls_per_second=5,
        voice__caller_id__phone_number="+14155550132",
    )
    EnrollmentFactory(channel=channel, status="calling")
    page = center(as_supervisor, channel).text

    assert "1 <small>of 20</small>" in page
    assert "up to 5 a second" in page
    assert '<span class="phone" title="+14155550132">(415) 555-0132</span>' in page
    assert "Mon–Fri 9:00–17:00, Chicago time; 40 hours a week" in page


def test_a_channel_that_cannot_start_says_what_is_missing(as_supervisor):
    channel = ChannelFactory()

    shown = card(as_supervisor, channel)

    assert shown.refusal.message == "No list is assigned."
    assert shown.refusal.remedy_url == reverse("campaigns:lists", args=[channel.campaign_id])


def test_a_channel_with_a_later_start_offers_to_schedule_or_start_now(as_supervisor):
    channel = ChannelFactory(start_at=timezone.now() + timedelta(hours=3))

    assert [control.label for control in card(as_supervisor, channel).controls] == [
        "Schedule",
        "Start now",
        "Change the time",
    ]


def test_what_the_engine_paused_says_why(as_supervisor):
    channel = ChannelFactory(paused=True, pause_reason=PauseReason.CREDIT, pause_note="top it up")

    assert card(as_supervisor, channel).paused_because == "The carrier account is out of credit: top it up"
    assert card(as_supervisor, ChannelFactory(paused=True)).paused_because == ""


def test_the_bar_has_a_part_for_each_group(as_supervisor):
    channel = ChannelFactory(running=True)
    for status in ("completed", "failed", "calling", "retry", "pending", "pending"):
        EnrollmentFactory(channel=channel, status=status)

    counts = [count for _, count, _ in card(as_supervisor, channel).segments]

    assert counts == [1, 1, 1, 1, 2]


def test_the_page_takes_few_queries(as_supervisor, django_assert_max_num_queries):
    channel = ChannelFactory(running=True)
    EnrollmentFactory.create_batch(3, channel=channel)
    for name in ("Second", "Third"):
        ChannelFactory(campaign=channel.campaign, name=name, running=True)
    center(as_supervisor, channel)

    for tab in ("campaign", "contacts", "lists", "activity"):
        with django_assert_max_num_queries(14):
            center(as_supervisor, channel, tab)


# --- Moves -----------------------------------------------------------------------------------------


def test_pause_resume_and_stop_from_the_card(as_supervisor):
    channel = ChannelFactory(running=True, lists=[ListFactory(members=1)])

    for name, status in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        response = move(as_supervisor, channel, name)
        channel.refresh_from_db()
        assert channel.status == status
        assert response.status_code == 204
        # The page asks for what changed; the person is told what was done.
        assert '"refresh"' in response.headers["HX-Trigger"]
        assert '"toast"' in response.headers["HX-Trigger"]


def test_start_schedule_and_cancel_from_the_card(as_supervisor):
    later = timezone.now() + timedelta(hours=3)
    channel = ChannelFactory(lists=[ListFactory(members=1)], start_at=later)

    statuses = []
    for name in ("start", "unschedule", "start", "start-now"):
        move(as_supervisor, channel, name)
        channel.refresh_from_db()
        statuses.append(channel.status)

    assert statuses == ["scheduled", "ready", "scheduled", "running"]


def test_a_completed_channel_is_run_again(as_supervisor):
    channel = ChannelFactory(completed=True, lists=[ListFactory(members=2)])

    move(as_supervisor, channel, "rerun")

    channel.refresh_from_db()
    assert (channel.status, channel.run) == (ChannelStatus.RUNNING, 2)


def test_a_move_that_is_not_possible_is_refused_in_place(as_supervisor):
    channel = ChannelFactory(stopped=True)

    response = move(as_supervisor, channel, "resume")

    assert response.status_code == 409
    assert "Resume is not possible: this channel is stopped." in response.text
    assert 'data-sticky="stopped"' in response.text


def test_stop_asks_and_tells_what_is_left_undone(as_supervisor):
    channel = ChannelFactory(running=True)
    for status in ("pending", "retry", "callback", "calling", "completed"):
        EnrollmentFactory(channel=channel, status=status)
    url = reverse("campaigns:move", args=[channel.campaign_id, channel.pk, "stop"])

    question = as_supervisor.get(url, headers=HTMX).text

    assert "<b>3 contacts</b> still waiting won’t be called" in question
    assert "1 of them due for another try" in question
    assert "<b>1 callback</b> promised" in question
    assert "<b>1 call</b> in progress will finish" in question
    # Without scripts, on a page of its own.
    assert "<html" in as_supervisor.get(url).text
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.RUNNING


@pytest.mark.parametrize("name", ["pause", "start", "nonsense"])
def test_moves_that_ask_nothing_have_no_question(as_supervisor, name):
    channel = ChannelFactory(running=True)

    url = reverse("campaigns:move", args=[channel.campaign_id, channel.pk, name])
    assert as_supervisor.get(url).status_code == 404


def test_a_channel_is_moved_only_in_its_own_campaign(as_supervisor):
    channel, other = ChannelFactory(running=True), ChannelFactory(running=True)
    url = reverse("campaigns:move", args=[other.campaign_id, channel.pk, "pause"])

    assert as_supervisor.post(url, headers=HTMX).status_code == 404
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.RUNNING


def test_the_headers_badge_pauses_every_running_channel(as_supervisor):
    channel = ChannelFactory(running=True)
    second = ChannelFactory(campaign=channel.campaign, name="Second", running=True)

    response = as_supervisor.post(reverse("campaigns:press_here", args=[channel.campaign_id]), headers=HTMX)

    assert response.status_code == 204
    assert {c.status for c in Channel.objects.filter(pk__in=[channel.pk, second.pk])} == {"paused"}


# --- Contacts --------------------------------------------------------------------------------------


@pytest.fixture
def crowd():
    """A running channel with a contact of each kind."""
    channel = ChannelFactory(running=True)
    for status, name in (
        ("pending", "Anna"), ("retry", "Bilal"), ("callback", "Chloé"), ("calling", "Kwame"),
        ("completed", "Inès"), ("unsuccessful", "José"), ("busy", "Zoë"), ("skipped", "Olu"),
    ):  # fmt: skip
        EnrollmentFactory(
            channel=channel,
            status=status,
            attempts=0 if status in {"pending", "calling", "skipped"} else 1,
            contact__first_name=name,
            contact__last_name="Kim",
        )
    spoken_to = {"attempts": 1, "is_reached": True, "contact__first_name": "Noor"}
    EnrollmentFactory(channel=channel, status="do_not_call", **spoken_to)
    return channel


def first_names(response) -> set[str]:
    return {place.enrollment.contact.first_name for place in response.context["places"]}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("dialed", {"Bilal", "Chloé", "Inès", "José", "Zoë", "Noor"}),
        ("remaining", {"Anna", "Bilal", "Chloé"}),
        ("in_progress", {"Kwame"}),
        ("reached", {"Inès", "José", "Noor"}),
        ("busy", {"Zoë"}),
        ("nonsense", {"Anna", "Bilal", "Chloé", "Kwame", "Inès", "José", "Zoë", "Olu", "Noor"}),
    ],
)
def test_contacts_are_filtered_by_status_and_group(as_supervisor, crowd, status, expected):
    response = center(as_supervisor, crowd, "contacts", {"status": status})

    assert first_names(response) == expected
    assert response.context["matching"] == len(expected)


def test_contacts_are_found_by_name_and_number(as_supervisor, crowd):
    zoe = Enrollment.objects.get(contact__first_name="Zoë").contact

    assert first_names(center(as_supervisor, crowd, "contacts", {"q": "zoë kim"})) == {"Zoë"}
    assert first_names(center(as_supervisor, crowd, "contacts", {"q": zoe.phone_number})) == {"Zoë"}
    assert first_names(center(as_supervisor, crowd, "contacts", {"q": "Kim", "status": "reached"})) == {
        "Inès",
        "José",
    }


def test_an_empty_search_says_so_and_leads_back(as_supervisor, crowd):
    page = center(as_supervisor, crowd, "contacts", {"q": "nobody-like-this"}).text

    assert "Nobody is like that: “nobody-like-this”" in page


@pytest.mark.parametrize("status", ["", "remaining", "pending"])
def test_pages_of_contacts_follow_each_other_without_gap_or_repeat(as_supervisor, monkeypatch, status):
    channel = ChannelFactory(running=True)
    EnrollmentFactory.create_batch(5, channel=channel)
    EnrollmentFactory.create_batch(2, channel=channel, status="pending")
    monkeypatch.setattr("campaigns.views.command_center.contacts.PAGE_SIZE", 3)

    seen, cursor = [], ""
    for _ in range(3):
        response = center(as_supervisor, channel, "contacts", {"status": status, "cursor": cursor})
        seen += [place.enrollment.pk for place in response.context["places"]]
        cursor = response.context["page"].next
    back = center(
        as_supervisor, channel, "contacts", {"status": status, "cursor": response.context["page"].previous}
    )

    assert len(seen) == len(set(seen)) == 7
    assert [place.enrollment.pk for place in back.context["places"]] == seen[3:6]


def test_only_the_current_run_is_shown(as_supervisor):
    channel = ChannelFactory(completed=True, run=2)
    EnrollmentFactory(channel=channel, run=1, status="completed")
    EnrollmentFactory(channel=channel, run=2, status="busy")

    assert [p.enrollment.run for p in center(as_supervisor, channel, "contacts").context["places"]] == [2]


def test_waiting_contacts_say_why_not_yet(as_supervisor):
    denver = zone_set("America/Denver")
    channel = ChannelFactory(running=True, schedule__hours=[0] * 7)
    contact = ContactFactory(zone_set=denver)
    EnrollmentFactory(channel=channel, contact=contact)
    later = timezone.now() + timedelta(hours=50)
    EnrollmentFactory(channel=channel, status="retry", due_at=later)
    EnrollmentFactory(channel=channel, status="pending", due_at=later, reason="Over the daily cap")
    EnrollmentFactory(channel=channel, status="completed")

    words = [place.why_not_yet for place in center(as_supervisor, channel, "contacts").context["places"]]

    assert words[0] == "its hours don’t open again"
    assert words[1].startswith("retry due ")
    assert words[2].startswith("over the daily cap, until ")
    assert words[3] == ""


@pytest.mark.parametrize(("status", "reason"), [("callback", ""), ("retry", "Busy, attempt 1 of 3.")])
def test_a_channel_is_not_done_before_its_last_callback_or_retry_is_due(as_supervisor, status, reason):
    now = timezone.now()
    channel = ChannelFactory(running=True, schedule__time_zone="UTC")
    for _ in range(3):
        EnrollmentFactory(channel=channel, contact=ContactFactory(zone_set=zone_set("UTC")), due_at=now)
    soon = center(as_supervisor, channel).context["done_about"]
    due_at = (now + timedelta(days=40)).replace(hour=15, minute=30)
    later = ContactFactory(zone_set=zone_set("UTC"))
    EnrollmentFactory(channel=channel, contact=later, status=status, due_at=due_at, reason=reason)
    assert soon
    assert center(as_supervisor, channel).context["done_about"].startswith(f"{due_at:%b} {due_at.day}, ")


def test_contacts_of_a_paused_channel_wait_for_it(as_supervisor):
    channel = ChannelFactory(paused=True)
    EnrollmentFactory(channel=channel)

    assert (
        center(as_supervisor, channel, "contacts").context["places"][0].why_not_yet == "the channel is paused"
    )


def test_before_the_start_the_contacts_tab_says_what_will_come(as_supervisor):
    assert "Assign a list first" in center(as_supervisor, ChannelFactory(), "contacts").text
    ready = ChannelFactory(lists=[ListFactory(members=2)])
    assert "Its lists hold 2 contacts" in center(as_supervisor, ready, "contacts").text


@pytest.mark.parametrize(
    "query", [{"channel": "x"}, {"channel": "9" * 30}, {"channel": "999"}, {"cursor": "%%"}]
)
def test_contacts_addresses_written_by_hand_show_the_list(as_supervisor, crowd, query):
    assert center(as_supervisor, crowd, "contacts", query, **HTMX).status_code == 200


def test_with_several_channels_the_contacts_of_one_are_shown(as_supervisor, crowd):
    second = ChannelFactory(campaign=crowd.campaign, name="Second", running=True)
    EnrollmentFactory(channel=second, contact__first_name="Second")

    response = center(as_supervisor, crowd, "contacts", {"channel": second.pk})

    assert first_names(response) == {"Second"}
    assert response.context["matching"] == 1


# --- Lists -----------------------------------------------------------------------------------------


def assign(client, channel, one):
    url = reverse("campaigns:assign", args=[channel.campaign_id, channel.pk])
    return client.post(url, {"list": getattr(one, "pk", one)}, headers=HTMX)


def test_lists_are_assigned_and_unassigned_with_undo(as_supervisor):
    channel, one = ChannelFactory(), ListFactory(name="West", members=2)

    response = assign(as_supervisor, channel, one)
    undo = reverse("campaigns:unassign", args=[channel.campaign_id, channel.pk, one.pk])
    assert undo in response.headers["HX-Trigger"]
    assert ChannelList.objects.filter(channel=channel, list=one).exists()

    as_supervisor.post(undo, headers=HTMX)
    assert not ChannelList.objects.filter(channel=channel).exists()


@pytest.mark.parametrize("chosen", ["", "x", "999999", "9" * 40])
def test_assigning_nothing_says_so(as_supervisor, chosen):
    response = assign(as_supervisor, ChannelFactory(), chosen)

    assert response.status_code == 409
    assert "Choose a list first." in response.text


def test_lists_of_a_running_channel_are_not_changed(as_supervisor):
    channel, one = ChannelFactory(running=True), ListFactory(members=1)

    response = assign(as_supervisor, channel, one)

    assert response.status_code == 409
    assert "pause it to change its lists" in response.text
    assert "Pause it to change its lists" in center(as_supervisor, channel, "lists").text


def test_lists_show_the_version_that_was_fixed_and_the_newest(as_supervisor):
    one = ListFactory(name="West", members=2)
    channel = ChannelFactory(paused=True, lists=[one])
    type(one).objects.filter(pk=one.pk).update(version=3, size=9)

    response = center(as_supervisor, channel, "lists")

    assert "newest is 3" in response.text
    assert response.context["by_channel"][0]["total"] == 2


# --- Activity --------------------------------------------------------------------------------------


def test_activity_tells_who_did_what_newest_first(as_supervisor, supervisor):
    channel = ChannelFactory(lists=[ListFactory(members=1)])
    services.start_channel(channel=channel, actor=supervisor)
    services.pause_channel(channel=channel, actor=None, note="too many errors")

    response = center(as_supervisor, channel, "activity")

    assert [entry.verb for entry in response.context["page"]] == ["pause", "start"]
    assert "<b>Carillon</b> paused Voice: too many errors" in response.text
    assert f"<b>{supervisor}</b> started Voice with 1 contact" in response.text


# --- Refreshing ------------------------------------------------------------------------------------


def test_it_refreshes_itself_only_while_something_is_active(as_supervisor):
    channel = ChannelFactory(running=True)
    assert 'hx-trigger="live, ' in center(as_supervisor, channel).text

    services.pause_channel(channel=channel, actor=None)
    assert 'hx-trigger="live, ' not in center(as_supervisor, channel).text


def test_calls_still_in_progress_after_a_pause_are_watched_to_their_end(as_supervisor):
    channel = ChannelFactory(paused=True)
    EnrollmentFactory(channel=channel, status="connected")

    assert 'hx-trigger="live, ' in center(as_supervisor, channel).text


def test_a_refresh_without_news_takes_three_queries_and_no_page(as_supervisor, django_assert_num_queries):
    channel = ChannelFactory(running=True, lists=[ListFactory(members=1)])
    EnrollmentFactory(channel=channel)
    version = center(as_supervisor, channel).context["version"]

    with django_assert_num_queries(3):
        response = center(as_supervisor, channel, **HTMX, **{"If-None-Match": f'"{version}"'})

    assert response.status_code == 304
    assert response.content == b""


CHANGES = {
    "a contact moved on": lambda c: EnrollmentFactory(channel=c),
    "it was paused": lambda c: services.pause_channel(channel=c, actor=None),
    "it waits": lambda c: ChannelDrive.objects.filter(channel=c).update(waiting_for="the carrier"),
    "it was renamed": lambda c: type(c.campaign).objects.filter(pk=c.campaign_id).update(name="New"),
    "its settings changed": lambda c: c.voice.save(),
    "a list was assigned": lambda c: ChannelList.objects.create(channel=c, list=ListFactory(members=1)),
    "something was done": lambda c: Activity.objects.create(campaign=c.campaign, verb="x", text="did x"),
    "a channel was added": lambda c: ChannelFactory(campaign=c.campaign, name="Second"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_refresh_brings_what_changed(as_supervisor, change):
    channel = ChannelFactory(running=True)
    version = center(as_supervisor, channel).context["version"]

    CHANGES[change](channel)

    response = center(as_supervisor, channel, **HTMX, **{"If-None-Match": f'"{version}"'})
    assert response.status_code == 200
    assert response.context["version"] != version
    assert "<html" not in response.text


def test_contacts_that_change_places_with_each_other_are_news_on_their_tab(as_supervisor):
    channel = ChannelFactory(running=True)
    one, two = EnrollmentFactory(channel=channel), EnrollmentFactory(channel=channel, status="calling")
    version = center(as_supervisor, channel, "contacts").context["version"]

    Enrollment.objects.filter(pk=one.pk).update(status="calling")
    Enrollment.objects.filter(pk=two.pk).update(status="pending")

    poll = {**HTMX, "If-None-Match": f'"{version}"'}
    assert center(as_supervisor, channel, "contacts", **poll).status_code == 200


# --- Several channels and runs -------------------------------------------------------------------------


def test_of_several_channels_the_header_names_the_one_that_waits(as_supervisor):
    channel = ChannelFactory(running=True, name="Voice", schedule__time_zone="America/Denver")
    ChannelFactory(campaign=channel.campaign, name="Evening")
    until = timezone.now() + timedelta(hours=30)
    ChannelDrive.objects.filter(channel=channel).update(waiting_for="outside its hours", waiting_until=until)

    assert center(as_supervisor, channel).context["waits_for"].startswith("Voice opens ")


def test_a_campaign_waits_for_nothing_while_one_of_its_channels_is_at_work(as_supervisor):
    waits = ChannelFactory(running=True, name="Voice")
    at_work = ChannelFactory(running=True, campaign=waits.campaign, name="Evening")
    until = timezone.now() + timedelta(hours=30)
    ChannelDrive.objects.filter(channel=waits).update(waiting_for="its turn", waiting_until=until)
    assert center(as_supervisor, waits).context["waits_for"] == ""
    assert as_supervisor.get(reverse("campaigns:manager")).context["rows"][0].waits_for == ""

    sooner = timezone.now() + timedelta(hours=26)
    ChannelDrive.objects.filter(channel=at_work).update(waiting_for="its turn", waiting_until=sooner)

    said = center(as_supervisor, waits).context["waits_for"]
    assert said.startswith("Evening waits for its turn, ")
    assert as_supervisor.get(reverse("campaigns:manager")).context["rows"][0].waits_for == said


def test_a_later_channels_start_leaves_the_first_one_said(as_supervisor, supervisor):
    first = ChannelFactory(lists=[ListFactory(members=1)], name="Voice")
    second = ChannelFactory(campaign=first.campaign, lists=[ListFactory(members=1)], name="Announcement")
    for channel, hours_ago in ((first, 50), (second, 49)):
        services.start_channel(channel=channel, actor=supervisor)
        at = timezone.now() - timedelta(hours=hours_ago)
        Activity.objects.filter(channel=channel, verb="start").update(at=at)

    response = center(as_supervisor, first)

    assert response.context["started"].channel == first
    assert response.context["started_last"].channel == second
    assert f"by {supervisor}; Announcement last, <time " in response.text


def test_a_rerun_is_told_beside_the_start(as_supervisor, supervisor):
    channel = ChannelFactory(completed=True, lists=[ListFactory(members=1)])
    for verb in ("start", "rerun"):
        record_activity(campaign=channel.campaign, channel=channel, actor=supervisor, verb=verb, text=verb)

    assert f"by {supervisor}; run again, <time" in center(as_supervisor, channel).text


def test_the_card_tells_of_earlier_runs_and_leads_to_their_results(as_supervisor):
    channel = ChannelFactory(completed=True)
    for status in ("completed", "completed", "busy"):
        EnrollmentFactory(channel=channel, status=status, run=1)
    EnrollmentFactory(channel=channel, status="no_answer", run=2)
    Channel.objects.filter(pk=channel.pk).update(run=2)

    response = center(as_supervisor, channel)

    (run,) = response.context["cards"][0].earlier
    assert (run.number, run.counts.completed, run.counts.failed) == (1, 2, 1)
    assert f'{reverse("analytics:results", args=[channel.campaign_id])}?run={channel.pk}.1"' in response.text
    assert "Run 2 of 2" in response.text


def test_only_the_latest_runs_are_told_of(as_supervisor):
    channel = ChannelFactory(completed=True)
    Channel.objects.filter(pk=channel.pk).update(run=9)

    assert [run.number for run in card(as_supervisor, channel).earlier] == [8, 7, 6]


# --- Activity, narrowed down ---------------------------------------------------------------------------


def test_activity_is_narrowed_down_by_who_and_by_channel(as_supervisor, supervisor):
    channel = ChannelFactory(paused=True)
    other = ChannelFactory(campaign=channel.campaign, paused=True, name="Other")
    for of, actor, text in (
        (channel, supervisor, "paused Voice"),
        (channel, None, "completed Voice"),
        (other, supervisor, "paused Other"),
    ):
        services.record_activity(campaign=channel.campaign, channel=of, actor=actor, verb="pause", text=text)

    def told(**query) -> list[str]:
        return [entry.text for entry in center(as_supervisor, channel, "activity", query).context["page"]]

    assert told(by="engine") == ["completed Voice"]
    assert told(by="people") == ["paused Other", "paused Voice"]
    assert told(by=supervisor.pk) == ["paused Other", "paused Voice"]
    assert told(channel=other.pk) == ["paused Other"]
    assert told(by="engine", channel=other.pk) == []
    assert "Nothing like that" in center(as_supervisor, channel, "activity", {"by": "99999"}).text
    assert len(told(by="x", channel="\u0663")) == 3
