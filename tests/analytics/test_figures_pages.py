"""The analytics tab and the comparison: what they show, their CSV, and who waits for a worker."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import lxml.etree
import pytest
from django.urls import reverse
from django.utils import timezone

from analytics import snapshots
from analytics.models import Snapshot
from campaigns.models import Channel, Disposition
from dialer.models import Call
from tests.factories import CampaignFactory, ChannelFactory, EnrollmentFactory, ListFactory
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db

TABLES = [
    "summary",
    "contacts",
    "outcomes",
    "dispositions",
    "days",
    "hours",
    "attempts",
    "causes",
    "assistants",
    "caller-ids",
    "lists",
    "channels",
]


def tab(campaign, query="") -> str:
    return reverse("analytics:analytics", args=[campaign.pk]) + query


def export(campaign, query="") -> str:
    return reverse("analytics:export_analytics", args=[campaign.pk]) + query


def read(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"))))


def calls_on(campaign, *moment, **options) -> Call:
    made = datetime(*moment, tzinfo=UTC)
    return CallFactory(campaign=campaign, created_at=made, ended_at=made + timedelta(minutes=2), **options)


@pytest.fixture
def campaign(db):
    """Two channels, one of them in its second run; calls of all kinds."""
    channel = ChannelFactory(
        completed=True, campaign__name="Renewals", name="First", lists=[ListFactory(name="Customers")]
    )
    second = ChannelFactory(completed=True, campaign=channel.campaign, name="Second")
    second.run = 2
    second.save()
    interested = Disposition.objects.get(slug="interested")
    for place, (outcome, disposition) in enumerate(
        [
            ("completed", interested),
            ("completed", None),
            ("no_answer", None),
            ("busy", None),
            ("failed", None),
        ]
    ):
        made = datetime(2026, 11, 2 + place, 15, tzinfo=UTC)
        CallFactory(
            enrollment=EnrollmentFactory(
                channel=second if place > 2 else channel, run=2 if place > 2 else 1, status=outcome
            ),
            run=2 if place > 2 else 1,
            created_at=made,
            ended_at=made + timedelta(minutes=2),
            outcome=outcome,
            disposition=disposition,
            duration_seconds=100 if place == 0 else 50,
            cost="0.03",
            assistant_name="Ava",
            hangup_cause="Normal Hangup" if outcome == "completed" else "Busy Line",
        )
    return channel.campaign


def test_the_tab_is_led_to_from_the_command_center(as_viewer, campaign):
    center = as_viewer.get(campaign.get_absolute_url()).text
    assert f'href="{tab(campaign)}"' in center
    assert 'aria-current="page">Analytics</a>' in as_viewer.get(tab(campaign)).text


def test_the_tab_tells_rates_lengths_and_costs(as_viewer, campaign):
    page = " ".join(re.sub(r"<[^>]+>", " ", as_viewer.get(tab(campaign)).text).split())
    assert "Success rate 40 % 2 reached somebody" in page
    assert "Conversion rate 50 % 1 win" in page
    assert "Average call 1 m 15 s median 1 m 15 s" in page
    assert "Cost per win $0.15 $0.15 in all" in page
    for title in ("Day by day", "Contacts by status", "Outcomes by attempt", "By channel and run", "By list"):
        assert title in page


def test_each_table_is_had_as_csv(as_viewer, campaign):
    page = as_viewer.get(tab(campaign)).text
    for name in TABLES:
        response = as_viewer.get(export(campaign, f"?table={name}"))
        rows = read(response)
        assert len(rows) > 1, name
        assert all(len(row) == len(rows[0]) for row in rows), name
        assert f"renewals-{name}-" in response["Content-Disposition"]
        assert name == "summary" or f"table={name}" in page
    assert as_viewer.get(export(campaign, "?table=nothing")).status_code == 404


def test_csv_says_numbers_and_units(as_viewer, campaign):
    rows = read(as_viewer.get(export(campaign, "?table=assistants")))
    assert rows[0] == [
        "Assistant", "Calls", "Reached", "Success (%)", "Wins", "Conversion (%)",
        "Average (seconds)", "Cost (USD)", "Cost per win (USD)",
    ]  # fmt: skip
    assert rows[1] == ["Ava", "5", "2", "40.0", "1", "50.0", "75.0", "0.15000", "0.15000"]
    days = read(as_viewer.get(export(campaign, "?table=days")))
    assert days[-1][:2] == ["Mon 2 Nov 2026", "2026-11-02"]


def test_names_are_harmless_in_csv_and_on_the_page(as_viewer, campaign):
    Call.objects.update(assistant_name="=cmd|' /C calc'!A0", hangup_cause="<script>alert(1)</script>")
    assert read(as_viewer.get(export(campaign, "?table=assistants")))[1][0].startswith("'=cmd")
    assert "<script>alert(1)" not in as_viewer.get(tab(campaign)).text


def test_charts_are_svg_without_scripts_styles_and_attributes_of_style(as_viewer, campaign):
    page = as_viewer.get(tab(campaign)).text
    charts = re.findall(r'<svg class="chart".*?</svg>', page, re.DOTALL)
    # The days once more, for narrow screens.
    assert len(charts) == 5
    for chart in charts:
        root = lxml.etree.fromstring(chart)
        assert root.get("role") == "img"
        assert root.get("aria-label")
        for element in root.iter():
            assert element.tag in {"svg", "g", "rect", "path", "text", "title", "circle"}
            assert not {"style", "id", "onclick"} & set(element.attrib)
    assert "2 Nov: 1 reached" in charts[0]


def test_filters_narrow_the_figures_and_their_csv(as_viewer, campaign):
    second = campaign.channels.get(name="Second")
    page = as_viewer.get(tab(campaign, f"?run={second.pk}.2")).text
    assert "Second, run 2" in page
    rows = dict(read(as_viewer.get(export(campaign, f"?run={second.pk}.2")))[1:])
    assert rows["Calls"] == "2"
    rows = dict(read(as_viewer.get(export(campaign, "?from=2026-11-03&to=2026-11-04")))[1:])
    assert (rows["Calls"], rows["Success rate (%)"]) == ("2", "50.0")
    assert "No call was made then" in as_viewer.get(tab(campaign, "?from=2020-01-01&to=2020-01-02")).text
    assert "No call was made then" in as_viewer.get(tab(campaign, "?from=2026-12-01&to=2026-11-01")).text


def test_days_lead_to_the_results_of_the_day(as_viewer, campaign):
    page = as_viewer.get(tab(campaign)).text
    results = reverse("analytics:results", args=[campaign.pk])
    assert f'href="{results}?from=2026-11-03&amp;to=2026-11-03"' in page


def test_days_are_those_of_whoever_looks(as_viewer):
    campaign = CampaignFactory()
    calls_on(campaign, 2026, 11, 2, 3)
    as_viewer.cookies["time_zone"] = "America/Chicago"
    page = as_viewer.get(tab(campaign)).text
    assert "in Chicago time" in page
    assert "Sun 1 Nov 2026" in page
    assert "Sunday 21:00: 1 of 1 calls answered" in page


def test_a_campaign_without_calls_says_so(as_viewer):
    campaign = ChannelFactory().campaign
    page = as_viewer.get(tab(campaign)).text
    assert "No call has ended yet" in page
    assert '<svg class="chart"' not in page
    assert read(as_viewer.get(export(campaign)))[1:4] == [
        ["Contacts", "0"],
        ["Contacts dialed", "0"],
        ["Contacts reached", "0"],
    ]


def test_years_of_calls_are_drawn_by_week(as_viewer):
    campaign = CampaignFactory()
    calls_on(campaign, 2025, 1, 6, 12)
    calls_on(campaign, 2026, 11, 6, 12)
    page = as_viewer.get(tab(campaign)).text
    assert "Calls by week" in page
    assert "578 more in the CSV" in page


def refresh(client, address, version):
    return client.get(address, headers={"HX-Request": "true", "If-None-Match": f'"{version}"'})


def version_in(page: str) -> str:
    return re.search(r'data-version="([^"]+)"', page)[1]


def test_it_refreshes_itself_only_while_the_campaign_is_active(as_viewer):
    channel = ChannelFactory(running=True)
    campaign = channel.campaign
    CallFactory(enrollment=EnrollmentFactory(channel=channel, status="completed"))
    page = as_viewer.get(tab(campaign)).text
    assert 'hx-trigger="live"' in page
    assert refresh(as_viewer, tab(campaign), version_in(page)).status_code == 304
    CallFactory(enrollment=EnrollmentFactory(channel=channel, status="busy"), outcome="busy")
    changed = refresh(as_viewer, tab(campaign), version_in(page))
    assert changed.status_code == 200
    assert changed.text.lstrip().startswith('<div class="figures"')
    channel.status = "completed"
    campaign.status = "completed"
    campaign.save()
    over = refresh(as_viewer, tab(campaign), version_in(changed.text))
    assert over.status_code == 200
    assert 'hx-trigger="live"' not in over.text


def test_pages_ask_the_database_little(as_viewer, campaign, django_assert_max_num_queries):
    other = ChannelFactory(completed=True).campaign
    with django_assert_max_num_queries(20):
        as_viewer.get(tab(campaign))
    with django_assert_max_num_queries(20):
        as_viewer.get(reverse("analytics:compare") + f"?a={campaign.pk}&b={other.pk}")


# --- Large campaigns -------------------------------------------------------------------------------


@pytest.fixture
def large(campaign, monkeypatch):
    """A campaign with more calls than are counted while a person waits."""
    monkeypatch.setattr(snapshots, "AT_ONCE", 4)
    return campaign


@pytest.fixture
def look(as_viewer, large, django_capture_on_commit_callbacks):
    def looked(query="") -> str:
        with django_capture_on_commit_callbacks(execute=True):
            return as_viewer.get(tab(large, query)).text

    return looked


def test_of_many_calls_a_worker_counts_and_the_page_says_of_when(look, run_tasks):
    first = look()
    assert "The figures are being worked out" in first
    assert 'hx-trigger="live"' in first
    assert 'data-every="2"' in first
    # Who looks again meanwhile orders nothing more.
    look()
    assert run_tasks() == 1
    page = look()
    assert "2 reached somebody" in page
    assert "As of" in page
    assert "newer figures" not in page
    assert 'hx-trigger="live"' not in page
    assert run_tasks() == 0


def test_the_snapshot_is_taken_anew_when_something_has_changed(look, run_tasks, large):
    look()
    run_tasks()
    Call.objects.filter(outcome="busy").update(outcome="completed")
    # Not so soon after the last one.
    assert "newer figures are being worked out" in look()
    assert run_tasks() == 0
    Snapshot.objects.update(
        ordered_at=timezone.now() - timedelta(minutes=2), taken_at=timezone.now() - timedelta(minutes=1)
    )
    assert "2 reached somebody" in look()
    assert run_tasks() == 1
    page = look()
    assert "3 reached somebody" in page
    assert "newer figures" not in page


def test_an_order_that_was_lost_is_given_again(look, run_tasks):
    from django_q.models import OrmQ

    look()
    OrmQ.objects.all().delete()
    look()
    assert run_tasks() == 0
    Snapshot.objects.update(ordered_at=timezone.now() - timedelta(minutes=4))
    look()
    assert run_tasks() == 1


def test_each_filter_has_its_own_snapshot(look, run_tasks):
    look("?from=2026-11-03&to=2026-11-04")
    run_tasks()
    assert "1 reached somebody" in look("?from=2026-11-03&to=2026-11-04")
    assert "being worked out" in look("?from=2026-11-03&to=2026-11-05")


def test_who_asks_for_one_day_after_the_other_has_to_wait_for_the_worker(look, run_tasks):
    for day in range(1, 20):
        look(f"?from=2026-01-{day:02}")
    assert Snapshot.objects.count() == snapshots.MOST_AWAITED
    run_tasks()
    look("?from=2026-01-19")
    assert Snapshot.objects.count() == snapshots.MOST_AWAITED + 1


def test_csv_of_many_calls_is_of_the_snapshot_or_says_to_come_back(look, as_viewer, large, run_tasks):
    waiting = as_viewer.get(export(large))
    assert waiting.status_code == 503
    assert "Ask for the file again" in waiting.text
    Snapshot.objects.all().delete()
    look()
    run_tasks()
    assert dict(read(as_viewer.get(export(large)))[1:])["Calls"] == "5"


def test_a_task_told_twice_or_too_late_does_no_harm(look, run_tasks):
    look()
    key = Snapshot.objects.get().pk
    snapshots.take(key)
    before = Snapshot.objects.get().figures
    snapshots.take(key)
    assert Snapshot.objects.get().figures == before
    Snapshot.objects.all().delete()
    assert run_tasks() == 1
    assert not Snapshot.objects.exists()


def test_old_snapshots_go(look, run_tasks, large):
    old = Snapshot.objects.create(
        campaign=large, key="UTC|||x", ordered_at=timezone.now() - timedelta(days=8)
    )
    look()
    run_tasks()
    assert not Snapshot.objects.filter(pk=old.pk).exists()
    large.delete()
    assert not Snapshot.objects.exists()


def test_support_staff_find_snapshots_in_the_admin(look, run_tasks, as_support):
    look()
    run_tasks()
    assert as_support.get(reverse("admin:analytics_snapshot_changelist")).status_code == 200
    key = Snapshot.objects.get().pk
    page = as_support.get(reverse("admin:analytics_snapshot_change", args=[key]))
    assert page.status_code == 200
    assert 'name="_save"' not in page.text


# --- Two beside each other -------------------------------------------------------------------------


def compare(one, other) -> str:
    return reverse("analytics:compare") + f"?a={one.pk}&b={other.pk}"


def test_two_campaigns_are_shown_with_the_difference(as_viewer, campaign):
    other = CampaignFactory(name="Put away", archived_at=timezone.now())
    calls_on(other, 2026, 1, 5, 12, cost="0.01")
    page = as_viewer.get(compare(campaign, other)).text
    assert "Put away (archived)" in page
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Calls, all runs 5 1 −4" in text
    assert "Success rate 40 % 100 % +60 points" in text
    assert "Conversion rate 50 % 0 % −50 points" in text
    assert "Cost per win $0.15 – –" in text
    assert "Day 1 1 1 same" in text
    assert "Day 2 1 – –" in text


@pytest.mark.parametrize("table", ["summary", "outcomes", "days"])
def test_the_comparison_is_had_as_csv(as_viewer, campaign, table):
    other = CampaignFactory(name="=Other")
    calls_on(other, 2026, 1, 5, 12)
    query = f"?a={campaign.pk}&b={other.pk}&table={table}"
    rows = read(as_viewer.get(reverse("analytics:export_comparison") + query))
    assert rows[0][1:] == ["Renewals", "'=Other", "Difference"]
    assert len(rows) > 1


@pytest.mark.parametrize(
    "query",
    ["", "?a=1", "?a=x&b=y", "?a=999999&b=-1", "?a=99999999999999999999&b=1", "?a=%00&b=²", "?a=1&a=2&b="],
)
def test_what_is_no_campaign_asks_to_choose(as_viewer, query):
    response = as_viewer.get(reverse("analytics:compare") + query)
    assert response.status_code == 200
    assert "Choose two campaigns" in response.text
    assert as_viewer.get(reverse("analytics:export_comparison") + query).status_code == 404


def test_a_campaign_is_not_compared_with_itself(as_viewer, campaign):
    assert "the same campaign twice" in as_viewer.get(compare(campaign, campaign)).text


def test_the_comparison_of_campaigns_without_calls_is_empty(as_viewer):
    response = as_viewer.get(compare(CampaignFactory(), CampaignFactory()))
    assert response.status_code == 200
    assert "No call has ended yet" in response.text


def test_the_comparison_refreshes_itself_while_one_of_them_is_active(as_viewer, campaign):
    channel = ChannelFactory(running=True)
    page = as_viewer.get(compare(campaign, channel.campaign)).text
    assert 'hx-trigger="live"' in page
    unchanged = refresh(as_viewer, compare(campaign, channel.campaign), version_in(page))
    assert unchanged.status_code == 304
    CallFactory(enrollment=EnrollmentFactory(channel=channel, status="completed"))
    changed = refresh(as_viewer, compare(campaign, channel.campaign), version_in(page))
    assert changed.text.lstrip().startswith('<div class="figures" id="compared"')
    assert "Difference" in changed.text


def test_contacts_are_said_to_be_of_the_latest_run_and_calls_of_all(as_viewer, campaign):
    channel = ChannelFactory(running=True, run=1)
    CallFactory(enrollment=EnrollmentFactory(channel=channel, status="completed"))
    page = reverse("analytics:analytics", args=[channel.campaign_id])
    scope = "Of the latest run; calls are of all runs."
    assert scope not in as_viewer.get(page).text
    Channel.objects.filter(pk=channel.pk).update(run=2)
    EnrollmentFactory(channel=Channel.objects.get(pk=channel.pk), status="pending")

    assert scope in as_viewer.get(page).text
    assert scope not in as_viewer.get(page, {"run": f"{channel.pk}.2"}).text
    compared = " ".join(
        re.sub(r"<[^>]+>", " ", as_viewer.get(compare(channel.campaign, campaign)).text).split()
    )
    assert "Contacts, latest run 1 " in compared
    assert "Calls, all runs 1 5 +4" in compared


def test_with_several_channels_it_is_said_that_contacts_count_in_each(as_viewer):
    channel = ChannelFactory(running=True)
    CallFactory(enrollment=EnrollmentFactory(channel=channel, status="completed"))
    page = reverse("analytics:analytics", args=[channel.campaign_id])
    assert "counts in each" not in as_viewer.get(page).text
    ChannelFactory(campaign=channel.campaign, name="Evening")
    assert "Who is in several channels counts in each." in as_viewer.get(page).text


def test_the_menu_leads_to_the_comparison(as_supervisor, campaign):
    center = as_supervisor.get(campaign.get_absolute_url()).text
    assert f'href="{reverse("analytics:compare")}?a={campaign.pk}"' in center
