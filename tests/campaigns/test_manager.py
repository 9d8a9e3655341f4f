"""The campaign manager: found, sorted, started and paused in place."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns.lifecycles import CampaignStatus, ChannelStatus
from campaigns.models import CallerId, Campaign, Channel, ChannelDrive
from campaigns.models.campaign import Direction
from campaigns.views.manager import obvious_thing
from tests.factories import (
    AssistantFactory,
    CampaignFactory,
    ChannelFactory,
    ContactFactory,
    EnrollmentFactory,
    ListFactory,
)

URL = "/campaigns/"
HTMX = {"HX-Request": "true"}


def names(response) -> list[str]:
    return [row.campaign.name for row in response.context["rows"]]


def chips(response) -> dict[str, int]:
    return {chip["label"]: chip["count"] for chip in response.context["chips"]}


def press(client, campaign, **headers):
    return client.post(reverse("campaigns:press", args=[campaign.pk]), headers={**HTMX, **headers})


# --- Finding ---------------------------------------------------------------------------------------


def test_campaigns_are_listed_newest_first(as_supervisor):
    for name in ("First", "Second", "Third"):
        CampaignFactory(name=name)

    assert names(as_supervisor.get(URL)) == ["Third", "Second", "First"]


def test_search_looks_into_names_and_descriptions_word_by_word(as_supervisor):
    CampaignFactory(name="Autumn renewals", description="plans ending in November")
    CampaignFactory(name="Autumn survey")

    assert names(as_supervisor.get(URL, {"q": "november AUTUMN"})) == ["Autumn renewals"]


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", "\x00", "x" * 5000, "‮"])
def test_any_text_can_be_searched_for(as_supervisor, text):
    CampaignFactory(name="Autumn")

    assert names(as_supervisor.get(URL, {"q": f"{text}zz"})) == []


def test_chips_count_by_status_and_archived_apart(as_supervisor):
    ChannelFactory(running=True)
    ChannelFactory(paused=True)
    ChannelFactory()
    ChannelFactory(campaign__archived_at=timezone.now(), paused=True)

    response = as_supervisor.get(URL)

    counted = {label: count for label, count in chips(response).items() if count}
    assert counted == {"All": 3, "Active": 1, "Paused": 1, "Draft": 1, "Archived": 1}
    assert len(names(response)) == 3


def test_archived_campaigns_are_found_under_archived_only(as_supervisor):
    CampaignFactory(name="Here")
    CampaignFactory(name="Put away", archived_at=timezone.now())

    assert names(as_supervisor.get(URL)) == ["Here"]
    assert names(as_supervisor.get(URL, {"status": "archived"})) == ["Put away"]


def test_filters_by_status_direction_and_kind_narrow_together(as_supervisor):
    ChannelFactory(running=True, campaign__name="Out", campaign__direction=Direction.OUTBOUND)
    CampaignFactory(name="In", direction=Direction.INBOUND)

    assert names(as_supervisor.get(URL, {"direction": "inbound"})) == ["In"]
    assert names(as_supervisor.get(URL, {"kind": "ai_voice", "status": "active"})) == ["Out"]
    assert names(as_supervisor.get(URL, {"kind": "ai_voice", "direction": "inbound"})) == []


@pytest.mark.parametrize(
    "query",
    ["status=nonsense", "sort=evil", "sort=--created", "cursor=%00", "cursor=WzFd", "kind=x", "direction=y"],
)
def test_addresses_written_by_hand_show_the_list(as_supervisor, query):
    CampaignFactory(name="Here")

    assert names(as_supervisor.get(f"{URL}?{query}")) == ["Here"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["apple", "Banana", "cherry"]),
        ("-name", ["cherry", "Banana", "apple"]),
        ("-contacts", ["Banana", "cherry", "apple"]),
        ("-dialed", ["cherry", "Banana", "apple"]),
        ("created", ["cherry", "apple", "Banana"]),
        ("-progress", ["cherry", "Banana", "apple"]),
        ("progress", ["apple", "Banana", "cherry"]),
        ("status", ["cherry", "apple", "Banana"]),
    ],
)
def test_lists_sort_by_any_column_across_pages(as_supervisor, monkeypatch, sort, expected):
    cherry = ChannelFactory(campaign__name="cherry", running=True)
    EnrollmentFactory(channel=cherry, status="completed")
    ChannelFactory(campaign__name="apple", running=True)
    # Not started: what its lists hold is what it will have.
    ChannelFactory(campaign__name="Banana", lists=[ListFactory(members=3)])
    if sort == "-dialed":
        Channel.objects.filter(campaign__name="apple").delete()
    monkeypatch.setattr("campaigns.views.manager.PAGE_SIZE", 1)

    found, cursor = [], ""
    for _ in range(3):
        response = as_supervisor.get(URL, {"sort": sort, "cursor": cursor})
        found += names(response)
        cursor = response.context["page"].next

    assert found == expected
    assert cursor == ""


def test_many_campaigns_take_no_more_queries_than_few(as_supervisor, django_assert_max_num_queries):
    for _ in range(12):
        channel = ChannelFactory(running=True)
        ChannelFactory(campaign=channel.campaign, name="Second", lists=[ListFactory(members=1)])
        EnrollmentFactory(channel=channel)

    with django_assert_max_num_queries(10):
        as_supervisor.get(URL)


# --- A row -----------------------------------------------------------------------------------------


def test_a_row_shows_what_was_reached_dialed_and_is_there(as_supervisor):
    channel = ChannelFactory(running=True)
    for status in ("completed", "completed", "no_answer", "pending"):
        EnrollmentFactory(channel=channel, status=status)

    row = as_supervisor.get(URL).context["rows"][0]

    assert (row.counts.reached_percent, row.counts.dialed, row.contacts) == (50, 3, 4)
    assert row.channels == "Voice"


def test_a_row_says_what_the_campaign_waits_for(as_supervisor):
    channel = ChannelFactory(running=True, schedule__time_zone="America/Chicago")
    until = timezone.now() + timedelta(days=2)
    ChannelDrive.objects.filter(channel=channel).update(waiting_for="outside its hours", waiting_until=until)

    waits_for = as_supervisor.get(URL).context["rows"][0].waits_for

    assert waits_for.startswith("opens ")
    assert waits_for.endswith(" Chicago")


def test_names_are_shown_as_text(as_supervisor):
    CampaignFactory(name="<script>alert(1)</script>", description='"><i>')

    page = as_supervisor.get(URL).text

    assert "<script>alert" not in page
    assert '"><i>' not in page


# --- The badge -------------------------------------------------------------------------------------


def test_pressing_an_active_campaigns_badge_pauses_it_and_answers_with_its_row(as_supervisor):
    channel = ChannelFactory(running=True)

    response = press(as_supervisor, channel.campaign)

    channel.refresh_from_db()
    assert channel.status == ChannelStatus.PAUSED
    assert response.status_code == 200
    assert response.text.strip().startswith(f'<tr id="campaign-{channel.campaign_id}"')
    assert ">Paused</button>" in response.text
    assert "paused." in response.headers["HX-Trigger"]


def test_a_badge_pressed_twice_does_its_thing_once(as_supervisor):
    channel = ChannelFactory(running=True, lists=[ListFactory(members=1)])
    url = reverse("campaigns:press", args=[channel.campaign_id])

    for _ in range(2):
        as_supervisor.post(url, {"seen": "active"}, headers=HTMX)

    channel.refresh_from_db()
    assert channel.status == ChannelStatus.PAUSED


def test_pressing_a_paused_campaigns_badge_resumes_it(as_supervisor):
    channel = ChannelFactory(paused=True, lists=[ListFactory(members=1)])

    press(as_supervisor, channel.campaign)

    channel.refresh_from_db()
    assert channel.status == ChannelStatus.RUNNING


def test_pressing_a_drafts_badge_starts_its_only_channel(as_supervisor):
    channel = ChannelFactory(lists=[ListFactory(members=2)])

    press(as_supervisor, channel.campaign)

    channel.refresh_from_db()
    assert channel.status == ChannelStatus.RUNNING


def test_a_refusal_appears_in_the_row_with_the_way_to_mend_it(as_supervisor):
    channel = ChannelFactory()

    response = press(as_supervisor, channel.campaign)

    assert response.status_code == 409
    assert "No list is assigned." in response.text
    assert reverse("campaigns:lists", args=[channel.campaign_id]) in response.text


def test_without_scripts_a_refusal_is_told_on_the_page_it_came_from(as_supervisor):
    channel = ChannelFactory()
    url = reverse("campaigns:press", args=[channel.campaign_id])

    response = as_supervisor.post(url, headers={"Referer": "http://testserver/campaigns/"}, follow=True)

    assert response.redirect_chain == [("http://testserver/campaigns/", 302)]
    assert "No list is assigned." in response.text


@pytest.mark.parametrize(
    ("options", "says", "status"),
    [
        ({}, "Start Voice", "running"),
        ({"start_at": timezone.now() - timedelta(days=1)}, "Start Voice", "running"),
        ({"start_at": timezone.now() + timedelta(days=1)}, "Schedule Voice", "scheduled"),
        ({"scheduled": True}, "Start Voice now", "running"),
    ],
)
def test_a_badge_says_what_it_does(as_supervisor, options, says, status):
    channel = ChannelFactory(lists=[ListFactory(members=1)], **options)
    for page in (URL, channel.campaign.get_absolute_url()):
        assert f'title="{says}"' in as_supervisor.get(page).text

    press(as_supervisor, channel.campaign)

    channel.refresh_from_db()
    assert channel.status == status


def test_badges_of_what_has_nothing_obvious_to_do_are_no_buttons(as_supervisor):
    finished = ChannelFactory(stopped=True).campaign
    several = ChannelFactory().campaign
    ChannelFactory(campaign=several, name="Second")

    assert obvious_thing(finished, finished.channels.all(), timezone.now()) is None
    assert obvious_thing(several, several.channels.all(), timezone.now()) is None
    assert "badge" in as_supervisor.get(URL).text


def test_the_badges_name_says_status_and_deed(as_supervisor):
    ChannelFactory(running=True, campaign__name="Autumn")

    assert 'aria-label="Active. Pause Autumn"' in as_supervisor.get(URL).text


# --- Refreshing ------------------------------------------------------------------------------------


def test_it_refreshes_itself_only_while_a_shown_campaign_is_active(as_supervisor):
    channel = ChannelFactory(running=True)
    assert 'hx-trigger="live, ' in as_supervisor.get(URL).text

    assert 'hx-trigger="live, ' not in as_supervisor.get(URL, {"status": "draft"}).text
    press(as_supervisor, channel.campaign)
    assert 'hx-trigger="live, ' not in as_supervisor.get(URL, headers=HTMX).text


def test_a_refresh_says_304_until_something_changes(as_supervisor):
    channel = ChannelFactory(running=True)
    version = as_supervisor.get(URL).context["version"]
    poll = {**HTMX, "If-None-Match": f'"{version}"'}
    assert as_supervisor.get(URL, headers=poll).status_code == 304

    EnrollmentFactory(channel=channel)

    response = as_supervisor.get(URL, headers=poll)
    assert response.status_code == 200
    assert "<html" not in response.text


# --- Empty -----------------------------------------------------------------------------------------


def test_the_first_run_shows_three_steps_each_ticked_when_done(as_supervisor):
    CallerId.objects.all().delete()

    def done():
        return [step["is_done"] for step in as_supervisor.get(URL).context["steps"]]

    assert done() == [False, False, False]
    ContactFactory()
    AssistantFactory()
    assert done() == [True, False, False]
    CallerId.objects.create(phone_number="+12125550100")
    assert done() == [True, True, False]
    CampaignFactory()
    assert as_supervisor.get(URL).context["steps"] is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"q": "zebra"}, "No campaign matches “zebra”"),
        ({"status": "archived"}, "Nothing is archived"),
        ({"status": "ended"}, "No campaign is like that"),
    ],
)
def test_an_empty_list_says_why(as_supervisor, query, said):
    CampaignFactory()

    assert said in as_supervisor.get(URL, query).text


def test_when_all_are_archived_it_says_where_they_are(as_supervisor):
    CampaignFactory(archived_at=timezone.now())

    assert "All campaigns are archived" in as_supervisor.get(URL).text


# --- Row actions -----------------------------------------------------------------------------------


def test_archiving_pauses_what_is_active_and_keeps_everything(as_supervisor):
    channel = ChannelFactory(running=True)
    EnrollmentFactory(channel=channel)

    response = as_supervisor.post(reverse("campaigns:archive", args=[channel.campaign_id]), headers=HTMX)

    assert response.status_code == 204
    channel.refresh_from_db()
    assert channel.campaign.is_archived
    assert channel.status == ChannelStatus.PAUSED
    assert channel.enrollments.count() == 1


def test_duplicating_leads_to_the_copy(as_supervisor):
    channel = ChannelFactory(running=True, campaign__name="Autumn")

    response = as_supervisor.post(reverse("campaigns:duplicate", args=[channel.campaign_id]), headers=HTMX)

    copy = Campaign.objects.latest("pk")
    assert copy.name == "Autumn (copy)"
    assert copy.status == CampaignStatus.DRAFT
    assert response.headers["HX-Redirect"] == copy.get_absolute_url()


def test_deleting_takes_the_name_typed(as_supervisor):
    campaign = ChannelFactory(paused=True, campaign__name="Autumn").campaign
    url = reverse("campaigns:delete", args=[campaign.pk])

    asked = as_supervisor.get(url, headers=HTMX).text
    assert "Archiving is the better choice" in asked
    refused = as_supervisor.post(url, {"name": "autumn"}, headers=HTMX)
    assert refused.status_code == 409
    assert "does not match" in refused.text
    assert 'value="autumn"' in refused.text
    done = as_supervisor.post(url, {"name": "Autumn"}, headers=HTMX)
    assert done.headers["HX-Redirect"] == URL
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("seen_at", "led_to"),
    [
        (f"http://testserver{URL}?view=all", f"{URL}?view=all"),
        (f"http://testserver{URL}?status=paused&sort=name", f"{URL}?status=paused&sort=name"),
        ("http://elsewhere.example/campaigns/?view=all", URL),
        ("http://testserver/contacts/", URL),
    ],
)
def test_who_deletes_from_the_list_stays_in_what_it_showed(as_supervisor, seen_at, led_to):
    campaign = ChannelFactory(paused=True, campaign__name="Autumn").campaign
    url = reverse("campaigns:delete", args=[campaign.pk])

    done = as_supervisor.post(url, {"name": "Autumn"}, headers={**HTMX, "HX-Current-URL": seen_at})

    assert done.headers["HX-Redirect"] == led_to


def test_a_name_is_typed_as_the_page_shows_it(as_supervisor):
    campaign = ChannelFactory(campaign__name="Autumn  2026 ").campaign
    url = reverse("campaigns:delete", args=[campaign.pk])
    assert as_supervisor.post(url, {"name": "Autumn2026"}, headers=HTMX).status_code == 409
    assert as_supervisor.post(url, {"name": "Autumn 2026"}, headers=HTMX).status_code == 200
    assert not Campaign.objects.exists()


def test_an_active_campaign_is_not_deleted(as_supervisor):
    campaign = ChannelFactory(running=True, campaign__name="Autumn").campaign

    response = as_supervisor.post(
        reverse("campaigns:delete", args=[campaign.pk]), {"name": "Autumn"}, headers=HTMX
    )

    assert response.status_code == 409
    assert "pause it first" in response.text
    assert Campaign.objects.exists()


def menu(client, campaign) -> str:
    return client.get(reverse("campaigns:menu", args=[campaign.pk]), headers=HTMX).text


def move(client, channel, move, **headers):
    url = reverse("campaigns:row_move", args=[channel.campaign_id, channel.pk, move])
    return client.post(url, headers={**HTMX, **headers})


@pytest.mark.parametrize(
    ("trait", "offered"),
    [
        ({}, ["Start", "Start later…"]),
        ({"scheduled": True}, ["Start now", "Change the time…", "Cancel schedule", "Stop for good…"]),
        ({"running": True}, ["Pause", "Stop for good…"]),
        ({"paused": True}, ["Resume", "Stop for good…"]),
        ({"completed": True}, ["Re-run…"]),
        ({"stopped": True}, []),
        ({"paused": True, "campaign__archived_at": timezone.now()}, []),
    ],
)
def test_a_rows_menu_offers_what_its_channel_may_do(as_supervisor, as_viewer, trait, offered):
    campaign = ChannelFactory(**trait).campaign
    known = [
        *("Start<", "Start now<", "Start later…", "Change the time…", "Cancel schedule<", "Pause<"),
        *("Resume<", "Re-run…", "Stop for good…"),
    ]

    page = menu(as_supervisor, campaign)

    assert [words.rstrip("<") for words in known if f">{words}" in page.replace("</svg>", ">")] == offered
    assert "Results" in menu(as_viewer, campaign)
    assert "<form" not in menu(as_viewer, campaign)


def test_of_several_channels_the_menu_names_each(as_supervisor):
    voice = ChannelFactory(running=True)
    evenings = ChannelFactory(campaign=voice.campaign, name="Evenings", lists=[ListFactory(members=1)])

    page = menu(as_supervisor, voice.campaign)
    assert "<b>Voice</b><small>Running</small>" in page
    assert "<b>Evenings</b><small>Ready</small>" in page
    response = move(as_supervisor, evenings, "start")

    evenings.refresh_from_db()
    assert evenings.status == ChannelStatus.RUNNING
    assert response.text.strip().startswith(f'<tr id="campaign-{voice.campaign_id}"')
    assert "Evenings started." in response.headers["HX-Trigger"]


def test_a_move_that_is_refused_says_so_in_the_row(as_supervisor):
    channel = ChannelFactory()

    response = move(as_supervisor, channel, "start")

    assert response.status_code == 409
    assert "No list is assigned." in response.text
    assert "<tr" in response.text
    assert move(as_supervisor, channel, "resume").status_code == 409
    assert move(as_supervisor, channel, "nonsense").status_code == 404


def test_without_scripts_a_move_leads_back_to_the_list(as_supervisor):
    channel = ChannelFactory(running=True)
    url = reverse("campaigns:row_move", args=[channel.campaign_id, channel.pk, "pause"])

    response = as_supervisor.post(url, headers={"Referer": "http://testserver/campaigns/?status=active"})

    assert response.headers["Location"] == "http://testserver/campaigns/?status=active"


def test_a_channel_of_another_campaign_is_not_found(as_supervisor):
    channel, other = ChannelFactory(running=True), ChannelFactory()
    url = reverse("campaigns:row_move", args=[other.campaign_id, channel.pk, "pause"])

    assert as_supervisor.post(url, headers=HTMX).status_code == 404


# --- Starting later --------------------------------------------------------------------------------


def later(client, channel, start_at, **headers):
    url = reverse("campaigns:move", args=[channel.campaign_id, channel.pk, "schedule"])
    return client.post(url, {"start_at": start_at}, headers=headers)


def test_a_start_for_later_is_asked_for_and_scheduled(as_supervisor):
    channel = ChannelFactory(lists=[ListFactory(members=1)], schedule__time_zone="America/Chicago")
    url = reverse("campaigns:move", args=[channel.campaign_id, channel.pk, "schedule"])

    asked = as_supervisor.get(url, headers=HTMX).text
    assert "Chicago time" in asked
    assert asked.strip().startswith("<dialog")
    assert "<html" in as_supervisor.get(url).text
    done = later(as_supervisor, channel, "2098-12-01T09:00", **HTMX)

    assert done.status_code == 204
    assert "it starts Dec 1, 2098, 09:00 Chicago" in done.headers["HX-Trigger"]
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.SCHEDULED
    assert channel.start_at.isoformat() == "2098-12-01T15:00:00+00:00"
    # And at another time.
    assert later(as_supervisor, channel, "2098-12-02T09:00").status_code == 302
    channel.refresh_from_db()
    assert (channel.status, channel.start_at.day) == (ChannelStatus.SCHEDULED, 2)


@pytest.mark.parametrize(
    ("start_at", "status", "said"),
    [
        ("2020-12-01T09:00", 422, "This time has passed."),
        ("", 422, "Enter when it should start."),
        ("soon", 422, "Enter a day and a time"),
        ("2030-03-10T02:30", 422, "does not exist on that day"),
        ("2098-12-01T09:00", 409, "No list is assigned."),
    ],
)
def test_a_time_that_can_not_be_is_told_beside_it(as_supervisor, start_at, status, said):
    channel = ChannelFactory(schedule__time_zone="America/Chicago")

    response = later(as_supervisor, channel, start_at, **HTMX)

    assert (response.status_code, said in response.text) == (status, True), response.text
    channel.refresh_from_db()
    assert (channel.status, channel.start_at) == (ChannelStatus.READY, None)


def test_what_runs_is_not_scheduled(as_supervisor):
    channel = ChannelFactory(running=True)

    response = later(as_supervisor, channel, "2098-12-01T09:00", **HTMX)

    assert response.status_code == 409
    assert "this channel is running" in response.text


# --- Export ----------------------------------------------------------------------------------------


def exported(client, **query) -> list[list[str]]:
    response = client.get(reverse("campaigns:export"), query)
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_exactly_what_is_filtered_is_exported_in_its_order(as_supervisor, monkeypatch):
    monkeypatch.setattr("campaigns.views.manager.EXPORTED_AT_ONCE", 2)
    for name in ("cherry", "apple", "Banana"):
        ChannelFactory(running=True, campaign__name=name)
    CampaignFactory(name="draft")

    _, *rows = exported(as_supervisor, status="active", sort="name")

    assert [row[1] for row in rows] == ["apple", "Banana", "cherry"]
    assert (
        reverse("campaigns:export") + "?status=active&amp;sort=name"
        in as_supervisor.get(URL, {"status": "active", "sort": "name"}).text
    )


def test_an_export_has_the_figures_of_the_rows_and_no_formulas(as_supervisor):
    channel = ChannelFactory(running=True, campaign__name="=cmd|' /C calc'!A0", campaign__description="-1+1")
    for status in ("completed", "no_answer", "pending"):
        EnrollmentFactory(channel=channel, status=status)

    heads, row = exported(as_supervisor)

    told = dict(zip(heads, row, strict=True))
    assert (told["Campaign"], told["Description"]) == ("'=cmd|' /C calc'!A0", "'-1+1")
    figures = {name: told[name] for name in ("Contacts", "Dialed", "Reached", "Failed", "Waiting")}
    assert figures == {"Contacts": "3", "Dialed": "2", "Reached": "1", "Failed": "1", "Waiting": "1"}
    assert told["Status"] == "Active"


def test_times_are_exported_in_the_zone_of_whoever_asks(as_supervisor, settings):
    CampaignFactory()
    as_supervisor.cookies["time_zone"] = "Asia/Kolkata"

    heads, row = exported(as_supervisor)

    assert row[heads.index("Created")].endswith("+05:30")


def test_nothing_that_is_found_is_an_empty_table(as_supervisor):
    assert len(exported(as_supervisor, q="zebra")) == 1
    assert as_supervisor.head(reverse("campaigns:export")).status_code == 200


# --- Archiving -------------------------------------------------------------------------------------


def test_archiving_cancels_a_schedule_and_lets_calls_in_progress_be(as_supervisor):
    running = ChannelFactory(running=True)
    calling = EnrollmentFactory(channel=running, status="calling")
    scheduled = ChannelFactory(campaign=running.campaign, name="Second", scheduled=True)

    as_supervisor.post(reverse("campaigns:archive", args=[running.campaign_id]), headers=HTMX)

    running.refresh_from_db(), scheduled.refresh_from_db(), calling.refresh_from_db()
    assert (running.status, scheduled.status) == (ChannelStatus.PAUSED, ChannelStatus.READY)
    assert calling.status == "calling"


def test_what_is_archived_is_read_only(as_supervisor):
    channel = ChannelFactory(
        paused=True, campaign__archived_at=timezone.now(), lists=[ListFactory(members=1)]
    )

    row = as_supervisor.get(URL, {"status": "archived"}).context["rows"][0]
    assert row.press is None
    for refused in (press(as_supervisor, channel.campaign), move(as_supervisor, channel, "resume")):
        assert refused.status_code == 409
        assert "The campaign is archived. Support staff can restore it in the admin." in refused.text
    assert "Edit" not in menu(as_supervisor, channel.campaign)
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.PAUSED
