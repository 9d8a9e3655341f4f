"""Results and history: which calls are there, found, counted and exported, and who may see them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import hypothesis
import pytest
from django.db.models import TextField, Value
from django.urls import reverse
from django.utils import timezone
from hypothesis import strategies as st

from campaigns import services
from campaigns.models import Activity, Disposition
from contacts.exporting import Harmless, neutral
from dialer.models import Call
from tests.factories import CampaignFactory, ChannelFactory, ContactFactory, EnrollmentFactory
from tests.factories.dialer import CallFactory, TranscriptFactory

pytestmark = pytest.mark.django_db


def address(campaign, query=""):
    return reverse("analytics:results", args=[campaign.pk]) + query


def names(response) -> list[str]:
    """The contacts of the rows shown, in their order."""
    return [item["call"].contact_name for item in response.context["items"]]


def a_call_with(name, campaign, **options) -> Call:
    first, _, last = name.partition(" ")
    return CallFactory(campaign=campaign, contact=ContactFactory(first_name=first, last_name=last), **options)


@pytest.fixture
def campaign():
    return CampaignFactory(name="Autumn renewals, West")


# --- What is there ---------------------------------------------------------------------------------


def test_every_call_that_ended_is_a_row_newest_first(as_viewer, campaign):
    a_call_with("Anna Svensson", campaign)
    a_call_with("Bilal Khan", campaign, outcome="no_answer")
    response = as_viewer.get(address(campaign))
    assert names(response) == ["Bilal Khan", "Anna Svensson"]
    assert response.context["summary"].calls == 2 == response.context["count"].value


def test_calls_under_way_or_never_placed_or_of_others_are_no_results(as_viewer, campaign):
    a_call_with("Live One", campaign, state="connected")
    a_call_with("Never Placed", campaign, outcome="withdrawn")
    a_call_with("Other Campaign", CampaignFactory())
    response = as_viewer.get(address(campaign))
    assert names(response) == []
    assert b"No call has ended yet" in response.content


def test_history_has_the_calls_of_deleted_campaigns(as_viewer, campaign):
    a_call_with("Anna Svensson", campaign)
    campaign.delete()
    response = as_viewer.get(reverse("analytics:history"))
    assert names(response) == ["Anna Svensson"]
    assert b"Autumn renewals, West" in response.content
    assert b"deleted" in response.content


def test_history_without_calls_says_what_it_is_for(as_viewer):
    assert b"No calls yet" in as_viewer.get(reverse("analytics:history")).content


def test_a_campaign_that_is_not_there_is_not_found(as_viewer):
    assert as_viewer.get("/campaigns/999999/results/").status_code == 404


def test_names_from_a_file_are_shown_as_text(as_viewer, campaign):
    a_call_with("<script>alert(1)</script> X", campaign, to_number="+14155550102")
    content = as_viewer.get(address(campaign)).content.decode()
    assert "<script>alert(1)" not in content
    assert "&lt;script&gt;alert(1)" in content


# --- Where the contact stands ----------------------------------------------------------------------


def a_contact_that_is(status, *, outcome="no_answer", attempts=1, attempt=1, **options):
    enrollment = EnrollmentFactory(
        channel=ChannelFactory(running=True),
        status=status,
        attempts=attempts,
        due_at=timezone.now() + timedelta(hours=3),
    )
    return CallFactory(enrollment=enrollment, outcome=outcome, attempt=attempt, **options)


def standing(client, call):
    (item,) = client.get(address(call.campaign)).context["items"]
    return item["standing"] and item["standing"].status


def test_a_retry_to_come_is_told_beside_the_outcome(as_viewer):
    call = a_contact_that_is("retry")
    assert standing(as_viewer, call) == "retry"
    content = as_viewer.get(address(call.campaign)).content.decode()
    assert "Retry <time" in content
    assert "No answer" in content


@pytest.mark.parametrize("status", ["retry", "callback", "pending"])
@pytest.mark.parametrize("over", ["stopped", "archived"])
def test_of_what_is_over_no_call_to_come_is_told(as_viewer, status, over):
    call = a_contact_that_is(status)
    assert standing(as_viewer, call) == status
    if over == "stopped":
        services.stop_channel(channel=call.channel, actor=None)
    else:
        services.archive_campaign(campaign=call.campaign, actor=None)
    assert standing(as_viewer, call) is None
    content = as_viewer.get(call.get_absolute_url()).content.decode()
    assert "Retry <time" not in content
    assert "Callback <time" not in content


def test_only_the_latest_call_tells_where_the_contact_stands(as_viewer):
    assert standing(as_viewer, a_contact_that_is("retry", attempts=2, attempt=1)) is None


def test_where_the_outcome_says_it_all_nothing_is_added(as_viewer):
    assert standing(as_viewer, a_contact_that_is("completed", outcome="completed")) is None


def test_an_earlier_run_does_not_tell_of_this_one(as_viewer):
    call = a_contact_that_is("retry")
    Call.objects.update(run=2)
    assert standing(as_viewer, call) is None


def test_who_asked_not_to_be_called_is_marked(as_viewer):
    assert standing(as_viewer, a_contact_that_is("do_not_call", outcome="completed")) == "do_not_call"


# --- Filters ---------------------------------------------------------------------------------------


@pytest.fixture
def four_calls(campaign):
    wins = Disposition.objects.get(slug="interested")
    anna = a_call_with("Anna Svensson", campaign, to_number="+14155550102", disposition=wins)
    TranscriptFactory(call=anna, turns=[{"speaker": "contact", "text": "Same rate? Yes.", "start_ms": 0}])
    a_call_with("Bilal Khan", campaign, to_number="+13035550148", outcome="no_answer")
    a_call_with("Chloé Perrin", campaign, to_number="+442079460018")
    a_call_with("100% Real", campaign, to_number="+15125550177", outcome="busy")


# Few of the newest match, and few of all; many of all; or so many of the newest that they are read on from.
@pytest.mark.parametrize(("many", "few"), [(50, 10_000), (50, 0), (1, 0)])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?outcome=no_answer", ["Bilal Khan"]),
        ("?outcome=nonsense", ["100% Real", "Chloé Perrin", "Bilal Khan", "Anna Svensson"]),
        ("?disposition=interested", ["Anna Svensson"]),
        ("?disposition=none&outcome=completed", ["Chloé Perrin"]),
        ("?disposition=unheard-of", []),
        ("?q=anna", ["Anna Svensson"]),
        ("?q=CHLO%C3%89", ["Chloé Perrin"]),
        ("?q=chloe", ["Chloé Perrin"]),
        ("?q=%C3%81nna", ["Anna Svensson"]),
        ("?q=svens", ["Anna Svensson"]),
        ("?q=sven%27sson", ["Anna Svensson"]),
        ("?q=%27", []),
        ("?q=anna&outcome=busy", []),
        # Numbers in any notation.
        ("?q=(415)+555-0102", ["Anna Svensson"]),
        ("?q=%2B1+415+555+0102", ["Anna Svensson"]),
        ("?q=4155550102", ["Anna Svensson"]),
        ("?q=%2B44+20+7946+0018", ["Chloé Perrin"]),
        ("?q=0148", ["Bilal Khan"]),
        ("?q=555-01", ["100% Real", "Bilal Khan", "Anna Svensson"]),
        # Words said.
        ("?q=same+rate%3F", ["Anna Svensson"]),
        # Signs that mean something to a search are only signs.
        ("?q=100%25", ["100% Real"]),
        ("?q=.*", []),
        ("?q=_", []),
        ("?q=%5C", []),
        ("?q=%00anna", ["Anna Svensson"]),
        ("?q=++", ["100% Real", "Chloé Perrin", "Bilal Khan", "Anna Svensson"]),
    ],
)
def test_what_is_filtered_is_found_and_counted(
    as_viewer, campaign, four_calls, query, found, many, few, monkeypatch
):
    monkeypatch.setattr("analytics.queries._MANY", many)
    monkeypatch.setattr("analytics.queries._FEW", few)
    response = as_viewer.get(address(campaign, query))
    assert names(response) == found
    assert response.context["count"].value == len(found)
    # The summary stays that of the campaign.
    assert response.context["summary"].calls == 4


def test_history_is_searched_the_same_way(as_viewer, campaign, four_calls):
    response = as_viewer.get(reverse("analytics:history") + "?q=415-555-0102")
    assert names(response) == ["Anna Svensson"]


def test_filters_by_where_the_contact_stands_now(as_viewer, campaign):
    call = a_contact_that_is("retry")
    assert names(as_viewer.get(address(call.campaign, "?status=retry"))) == [call.contact_name]
    assert names(as_viewer.get(address(call.campaign, "?status=completed"))) == []


def test_figures_above_filtered_rows_say_that_they_are_the_whole_campaigns(as_viewer, campaign, four_calls):
    assert "Of the whole campaign" not in as_viewer.get(address(campaign)).content.decode()
    assert "Of the whole campaign" in as_viewer.get(address(campaign, "?outcome=busy")).content.decode()


def test_results_are_one_of_the_campaigns_tabs(as_viewer, campaign):
    page = as_viewer.get(address(campaign)).content.decode()
    tabs = page.partition('<nav class="tabs"')[2].partition("</nav>")[0]
    assert f'<a href="{address(campaign)}" aria-current="page">Results</a>' in tabs
    for name in ("campaigns:campaign", "campaigns:contacts", "campaigns:lists", "analytics:analytics"):
        assert reverse(name, args=[campaign.pk]) in tabs
    assert 'class="tabs"' not in as_viewer.get(reverse("analytics:history")).content.decode()


def test_nothing_found_says_so_and_offers_the_way_back(as_viewer, campaign, four_calls):
    content = as_viewer.get(address(campaign, "?q=nobody")).content.decode()
    assert "No call is like that" in content
    assert "“nobody”" in content


def test_outcomes_that_never_happened_are_not_offered(as_viewer, campaign, four_calls):
    chips = as_viewer.get(address(campaign)).context["chips"]
    assert [(chip["label"], chip.get("count")) for chip in chips] == [
        ("Any outcome", None),
        ("Completed", 2),
        ("No answer", 1),
        ("Busy", 1),
    ]


# --- Pages -----------------------------------------------------------------------------------------


def test_pages_follow_each_other_without_gap_or_repeat(as_viewer, campaign, monkeypatch):
    monkeypatch.setattr("analytics.views.listings.PAGE", 3)
    for number in range(8):
        a_call_with(f"Person {number}", campaign)
    seen, cursor = [], ""
    while True:
        response = as_viewer.get(address(campaign, f"?cursor={cursor}"))
        seen += names(response)
        assert response.context["count"].value == 8
        cursor = response.context["page"].next
        if not cursor:
            break
    assert seen == [f"Person {number}" for number in reversed(range(8))]


def test_a_number_whose_plus_was_lost_is_searched_for_as_it_is_kept(as_viewer, campaign, settings):
    settings.DEFAULT_COUNTRY = "DE"
    kept = a_call_with("Anna", campaign)
    Call.objects.filter(pk=kept.pk).update(to_number="+4915112345611")
    response = as_viewer.get(address(campaign, "?q=4915112345611"))
    assert [call.pk for call in response.context["page"]] == [kept.pk]


def test_more_calls_than_are_counted_are_told_as_such(as_viewer, campaign, monkeypatch):
    monkeypatch.setattr("contacts.queries.MOST_COUNTED", 2)
    for number in range(4):
        a_call_with(f"Person {number}", campaign)
    response = as_viewer.get(address(campaign, "?q=person"))
    assert str(response.context["count"]) == "2+"
    assert b"Export 2+ rows" in response.content
    # Without a search the database keeps the count.
    assert str(as_viewer.get(address(campaign)).context["count"]) == "4"


def test_a_page_takes_few_queries_however_many_rows(
    as_viewer, campaign, four_calls, django_assert_max_num_queries
):
    call = Call.objects.first()
    for query in ("", "?q=anna", "?outcome=busy", f"?call={call.pk}"):
        with django_assert_max_num_queries(20):
            as_viewer.get(address(campaign, query))
    with django_assert_max_num_queries(20):
        as_viewer.get(reverse("analytics:history"))


# --- Refreshing ------------------------------------------------------------------------------------


def test_an_active_campaign_refreshes_and_a_quiet_one_does_not(as_viewer):
    call = a_contact_that_is("retry")
    assert 'hx-trigger="live' in as_viewer.get(address(call.campaign)).content.decode()
    quiet = CampaignFactory()
    assert 'hx-trigger="live' not in as_viewer.get(address(quiet)).content.decode()


def test_a_paused_campaign_refreshes_while_calls_are_under_way(as_viewer):
    enrollment = EnrollmentFactory(channel=ChannelFactory(paused=True), status="connected")
    call = CallFactory(enrollment=enrollment, state="connected")
    assert 'hx-trigger="live' in as_viewer.get(address(call.campaign)).content.decode()


def test_a_refresh_is_the_part_that_changes_and_nothing_when_nothing_did(as_viewer):
    call = a_contact_that_is("retry")
    first = as_viewer.get(address(call.campaign), headers={"HX-Request": "true"})
    assert first.content.decode().strip().startswith('<div class="results" id="results"')
    headers = {"HX-Request": "true", "If-None-Match": f'"{first.context["version"]}"'}
    assert as_viewer.get(address(call.campaign), headers=headers).status_code == 304
    CallFactory(enrollment=call.enrollment, attempt=2)
    assert as_viewer.get(address(call.campaign), headers=headers).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"disposition_id": 1},
        {"cost": "0.5"},
        {"callback_at": timezone.now()},
        {"pressed": "9", "pressed_for": "opt_out"},
    ],
)
def test_whatever_is_shown_makes_a_new_version(as_viewer, change):
    call = a_contact_that_is("retry")
    before = as_viewer.get(address(call.campaign)).context["version"]
    if "disposition_id" in change:
        change = {"disposition": Disposition.objects.first()}
    Call.objects.update(**change)
    assert as_viewer.get(address(call.campaign)).context["version"] != before


def test_a_refresh_leaves_the_open_call_alone(as_viewer):
    call = a_contact_that_is("retry")
    content = as_viewer.get(
        address(call.campaign, f"?call={call.pk}"), headers={"HX-Request": "true"}
    ).content.decode()
    assert "data-keep" in content
    assert "Notes" not in content


# --- The open call ---------------------------------------------------------------------------------


def test_the_address_names_the_open_call(as_viewer, campaign, four_calls):
    call = Call.objects.get(contact_name="Anna Svensson")
    response = as_viewer.get(address(campaign, f"?call={call.pk}&outcome=completed"))
    assert response.context["panel"].call == call
    assert b"Same rate? Yes." in response.content


@pytest.mark.parametrize("key", ["999999", "x", "-1", "1e3", "٣", "9" * 40, ""])
def test_a_call_that_is_not_of_this_campaign_is_not_opened(as_viewer, campaign, four_calls, key):
    assert as_viewer.get(address(campaign), {"call": key}).context["panel"] is None


def test_another_campaigns_call_is_not_opened_here(as_viewer, campaign):
    other = a_call_with("Other", CampaignFactory())
    assert as_viewer.get(address(campaign, f"?call={other.pk}")).context["panel"] is None


# --- Keys pressed ----------------------------------------------------------------------------------


@pytest.fixture
def pressed(campaign):
    channel = ChannelFactory(campaign=campaign, voice__destination="announcement")
    for name, key, meant in (
        ("Nobody", "", ""),
        ("Odd", "5", ""),
        ("Again", "2", "repeat"),
        ("Talker", "1", "talk"),
        ("Gone", "9", "opt_out"),
    ):
        a_call_with(name, campaign, channel=channel, pressed=key, pressed_for=meant)
    return campaign


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?pressed=talk", ["Talker"]),
        ("?pressed=opt_out&pressed=talk", ["Gone", "Talker"]),
        ("?pressed=other", ["Odd"]),
        ("?pressed=talk&outcome=busy", []),
        ("?pressed=nonsense", ["Gone", "Talker", "Again", "Odd", "Nobody"]),
        ("?pressed=", ["Gone", "Talker", "Again", "Odd", "Nobody"]),
    ],
)
def test_results_are_narrowed_down_to_the_keys_pressed(as_viewer, pressed, query, found):
    response = as_viewer.get(address(pressed, query))
    assert names(response) == found
    assert response.context["count"].value == len(found)
    assert names(as_viewer.get(reverse("analytics:history") + query)) == found


def test_a_row_its_panel_the_time_line_and_the_csv_say_what_was_pressed(as_viewer, pressed):
    contact = ContactFactory()
    call = Call.objects.get(pressed="1")
    Call.objects.filter(pk=call.pk).update(contact=contact)
    for page in (
        address(pressed),
        reverse("analytics:call", args=[call.pk]),
        reverse("analytics:contact_history", args=[contact.pk]),
    ):
        assert "Pressed 1: talk to someone" in as_viewer.get(page).content.decode(), page
    (row,) = exported(as_viewer, export(pressed, "?pressed=talk"))
    assert (row["Key pressed"], row["Key pressed for"]) == ("1", "talk")


def test_keys_are_offered_where_an_announcement_offers_them(as_viewer, campaign):
    a_call_with("Anna", campaign)
    assert "Key pressed" not in as_viewer.get(address(campaign)).content.decode()
    ChannelFactory(campaign=campaign, voice__destination="announcement")
    assert "Key pressed" in as_viewer.get(address(campaign)).content.decode()


# --- A contact's calls -----------------------------------------------------------------------------


def test_a_contacts_calls_in_every_campaign_are_in_its_time_line(as_viewer, campaign):
    contact = ContactFactory()
    CallFactory(contact=contact, campaign=campaign)
    CallFactory(contact=contact, campaign=CampaignFactory(name="Spring"), outcome="busy")
    CallFactory(contact=contact, outcome="withdrawn")
    CallFactory(contact=contact, state="ringing")
    CallFactory()
    response = as_viewer.get(reverse("analytics:contact_history", args=[contact.pk]))
    calls = [entry.subject for entry in response.context["timeline"].entries if entry.kind == "call"]
    assert sorted(calls) == sorted(["Gone", "Spring", campaign.name])
    assert b"Ringing" in response.content


# --- CSV -------------------------------------------------------------------------------------------


def exported(client, url) -> list[dict[str, str]]:
    response = client.get(url)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    content = b"".join(response.streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def export(campaign, query=""):
    return reverse("analytics:export_results", args=[campaign.pk]) + query


@pytest.mark.parametrize("query", ["", "?outcome=completed", "?q=anna", "?disposition=none", "?q=nobody"])
def test_the_csv_has_exactly_the_rows_that_are_filtered(as_viewer, campaign, four_calls, query):
    shown = names(as_viewer.get(address(campaign, query)))
    assert [row["Contact"] for row in exported(as_viewer, export(campaign, query))] == shown


def test_the_csv_tells_all_of_a_call(as_viewer, campaign):
    callback = Disposition.objects.get(slug="callback")
    call = a_call_with(
        "Chloé Perrin",
        campaign,
        to_number="+14155550102",
        disposition=callback,
        cost="0.02100",
        notes='Says "later",\nand twice.',
        assistant_name="Renewals",
        hangup_cause="Normal Hangup",
    )
    TranscriptFactory(call=call)
    as_viewer.cookies["time_zone"] = "America/Chicago"
    (row,) = exported(as_viewer, export(campaign))
    assert row["Contact"] == "Chloé Perrin"
    assert row["Number"] == "+14155550102"
    assert row["Disposition"] == "Callback"
    assert row["Cost (USD)"] == "0.02100"
    assert row["Seconds"] == "60"
    assert row["Win"] == "no"
    assert row["Notes"] == 'Says "later",\nand twice.'
    assert row["Transcript"] == "Hi, is now a good time? Sure."
    ended = timezone.datetime.fromisoformat(row["Ended"])
    assert ended == call.ended_at.replace(microsecond=0)
    assert row["Ended"].endswith(("-05:00", "-06:00"))


@pytest.mark.parametrize(
    "formula",
    ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "  =1", "＝1+1", "\r=1", "\n=1"],
)
def test_no_cell_is_a_formula(as_viewer, campaign, formula):
    CallFactory(campaign=campaign, contact_name=formula, notes=formula, summary=formula)
    (row,) = exported(as_viewer, export(campaign))
    for column in ("Contact", "Notes", "Summary"):
        assert row[column] == f"'{formula}"


CELLS = st.lists(
    st.sampled_from(
        [
            "=",
            "+",
            "-",
            "@",
            "＝",
            "－",
            " ",
            "\t",
            "\n",
            "\xa0",
            "\u200b",
            "\u2029",
            "1",
            ".",
            "a",
            "'",
            "%",
            "<",
            "A",
            "~",
            "\x7f",
            "é",
        ]
    )
    | st.characters(codec="utf-8", exclude_characters="\0"),
    max_size=8,
).map("".join)


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(texts=st.lists(CELLS, min_size=20, max_size=50))
def test_python_and_the_database_agree_on_what_a_formula_is(texts):
    cells = [Harmless(Value(text, output_field=TextField())) for text in texts]
    row = Disposition.objects.order_by("pk").values_list(*cells)[0]
    assert list(row) == [neutral(text) for text in texts]


def test_ordinary_cells_stay_as_they_are(as_viewer, campaign):
    CallFactory(campaign=campaign, contact_name="100% O'Hara", notes="a = b, -c")
    (row,) = exported(as_viewer, export(campaign))
    assert (row["Contact"], row["Notes"]) == ("100% O'Hara", "a = b, -c")


def test_an_export_is_written_into_the_activity(as_viewer, viewer, campaign):
    exported(as_viewer, export(campaign))
    activity = Activity.objects.get(campaign=campaign)
    assert (activity.actor, activity.verb) == (viewer, "exported")


def test_all_history_is_exported_too(as_viewer, campaign, four_calls):
    rows = exported(as_viewer, reverse("analytics:export_history") + "?outcome=busy")
    assert [row["Contact"] for row in rows] == ["100% Real"]


def test_an_export_of_history_is_written_down_without_what_was_looked_for(as_viewer, viewer, caplog):
    as_viewer.head(reverse("analytics:export_history"))
    assert not Activity.objects.exists()
    caplog.clear()
    exported(as_viewer, reverse("analytics:export_history") + "?q=%2B14155550101")
    activity = Activity.objects.get()
    assert (activity.actor, activity.verb, activity.campaign) == (viewer, "exported", None)
    assert "exported /history/export/" in caplog.text
    assert "5550101" not in caplog.text


def test_a_head_request_exports_nothing(as_viewer, campaign):
    response = as_viewer.head(export(campaign))
    assert response.status_code == 200
    assert not Activity.objects.exists()


# --- Who may see it --------------------------------------------------------------------------------


@pytest.fixture
def urls(campaign):
    call = CallFactory(campaign=campaign, contact=ContactFactory())
    return [
        address(campaign),
        export(campaign),
        reverse("analytics:history"),
        reverse("analytics:export_history"),
        reverse("analytics:call", args=[call.pk]),
        reverse("analytics:contact_history", args=[call.contact_id]),
    ]


def test_readers_may_look_and_agents_may_not(urls, as_viewer, as_support, as_supervisor, as_admin, as_agent):
    for url in urls:
        for client in (as_viewer, as_support, as_supervisor, as_admin):
            assert client.get(url).status_code == 200
        assert as_agent.get(url).status_code == 403


def test_nobody_looks_without_logging_in(client, urls):
    for url in urls:
        assert client.get(url)["Location"].startswith("/login/")


def test_looking_is_done_with_get(as_supervisor, urls):
    for url in urls:
        assert as_supervisor.post(url).status_code == 405


# --- One channel, or one of its runs ------------------------------------------------------------------


def test_results_are_narrowed_down_to_a_channel_and_to_one_of_its_runs(as_viewer, campaign):
    voice = ChannelFactory(campaign=campaign, completed=True, run=2)
    other = ChannelFactory(campaign=campaign, paused=True, name="Other")
    for channel, run, name in ((voice, 1, "First"), (voice, 2, "Second"), (other, 1, "Third")):
        CallFactory(channel=channel, run=run, contact=ContactFactory(first_name=name, last_name=""))

    assert names(as_viewer.get(address(campaign, f"?run={voice.pk}"))) == ["Second", "First"]
    assert names(as_viewer.get(address(campaign, f"?run={voice.pk}.1"))) == ["First"]
    assert names(as_viewer.get(address(campaign, f"?run={other.pk}.1"))) == ["Third"]
    page = as_viewer.get(address(campaign, f"?run={voice.pk}.1"))
    assert page.context["count"].value == 1
    assert [words for _, words, _ in page.context["run_options"]] == [
        "Voice",
        "Voice, run 2",
        "Voice, run 1",
        "Other",
    ]


@pytest.mark.parametrize("run", ["x", "0", "1.", "1.0", "1.2.3", "-1", "9" * 19, "\u0663", "1.99999"])
def test_a_run_that_makes_no_sense_narrows_nothing(as_viewer, campaign, run):
    a_call_with("Anna Svensson", campaign)
    assert names(as_viewer.get(reverse("analytics:results", args=[campaign.pk]), {"run": run})) == [
        "Anna Svensson"
    ]


# --- Several of a kind, days, campaigns --------------------------------------------------------------


def test_of_several_outcomes_and_dispositions_any_will_do_and_the_count_stays_exact(
    as_viewer, campaign, four_calls, monkeypatch
):
    monkeypatch.setattr("contacts.queries.MOST_COUNTED", 1)
    for query, found in (
        ("?outcome=busy&outcome=no_answer", ["100% Real", "Bilal Khan"]),
        ("?disposition=interested&disposition=none&outcome=completed", ["Chloé Perrin", "Anna Svensson"]),
        ("?disposition=interested&disposition=unheard-of", ["Anna Svensson"]),
    ):
        response = as_viewer.get(address(campaign, query))
        assert names(response) == found
        assert str(response.context["count"]) == str(len(found))


def test_chips_add_an_outcome_and_take_it_away(as_viewer, campaign, four_calls):
    chips = as_viewer.get(address(campaign, "?outcome=busy")).context["chips"]
    found = {chip["label"]: (chip["is_on"], chip["address"].partition("?")[2]) for chip in chips}
    assert found["Busy"] == (True, "")
    assert found["No answer"] == (False, "outcome=busy&outcome=no_answer")
    assert not found["Any outcome"][0]


def test_days_are_those_of_whoever_looks(as_viewer, campaign):
    a_call_with("Late Evening", campaign, created_at=datetime(2026, 3, 2, 4, 30, tzinfo=UTC))
    a_call_with("Next Morning", campaign, created_at=datetime(2026, 3, 2, 15, 0, tzinfo=UTC))
    as_viewer.cookies["time_zone"] = "America/Chicago"
    for query, found in (
        ("?from=2026-03-01&to=2026-03-01", ["Late Evening"]),
        ("?from=2026-03-02", ["Next Morning"]),
        ("?to=2026-03-02", ["Next Morning", "Late Evening"]),
        ("?to=2026-02-28", []),
        ("?from=2026-03-03&to=2026-03-01", []),
        ("?from=nonsense", ["Next Morning", "Late Evening"]),
    ):
        assert names(as_viewer.get(address(campaign, query))) == found, query
        assert names(as_viewer.get(reverse("analytics:history") + query)) == found, query


def test_pages_of_days_follow_each_other_by_time(as_viewer, campaign, monkeypatch):
    monkeypatch.setattr("analytics.views.listings.PAGE", 2)
    # Noted in another order than they were made in.
    for day in (3, 1, 5, 2, 4):
        a_call_with(f"Day {day}", campaign, created_at=datetime(2026, 3, day, 12, tzinfo=UTC))
    seen, cursor = [], ""
    while True:
        response = as_viewer.get(address(campaign, f"?from=2026-03-02&cursor={cursor}"))
        seen += names(response)
        cursor = response.context["page"].next
        if not cursor:
            break
    assert seen == ["Day 5", "Day 4", "Day 3", "Day 2"]


def test_history_of_one_campaign_is_counted_exactly(as_viewer, campaign, four_calls, monkeypatch):
    monkeypatch.setattr("contacts.queries.MOST_COUNTED", 1)
    a_call_with("Other Campaign", CampaignFactory(name="Other"))
    response = as_viewer.get(reverse("analytics:history") + f"?campaign={campaign.pk}")
    assert len(names(response)) == 4
    assert str(response.context["count"]) == "4"
    labels = [option.label for option in response.context["campaign_options"]]
    assert labels == ["Other", "Autumn renewals, West", "Deleted campaigns"]


def test_history_of_campaigns_that_are_gone(as_viewer, campaign, four_calls):
    a_call_with("Left Over", CampaignFactory(name="Gone"))
    Call.objects.filter(contact_name="Left Over").update(campaign=None)
    response = as_viewer.get(reverse("analytics:history") + "?campaign=none")
    assert names(response) == ["Left Over"]


@pytest.mark.parametrize("key", ["0", "-1", "x", "9" * 30, "%00", "none"])
def test_no_campaign_named_in_an_address_changes_a_campaigns_own_results(
    as_viewer, campaign, four_calls, key
):
    assert len(names(as_viewer.get(address(campaign, f"?campaign={key}")))) == 4


def test_rows_say_their_channel_and_run_where_there_are_several(as_viewer):
    channel = ChannelFactory(completed=True, name="Voice")
    CallFactory(enrollment=EnrollmentFactory(channel=channel, status="busy"), outcome="busy")
    assert "Channel and run" not in as_viewer.get(address(channel.campaign)).text
    ChannelFactory(completed=True, name="Second wave", campaign=channel.campaign)
    page = as_viewer.get(address(channel.campaign)).text
    assert "Channel and run" in page
    assert "<small>run 1</small>" in page


@pytest.mark.parametrize(
    "query",
    [
        "?outcome=busy&outcome=no_answer",
        "?disposition=none&disposition=interested&outcome=completed",
        "?from=2000-01-01&to=2999-12-31&q=khan",
        "?from=2999-01-01",
    ],
)
def test_the_csv_of_several_and_of_days_has_exactly_the_rows_shown(as_viewer, campaign, four_calls, query):
    shown = names(as_viewer.get(address(campaign, query)))
    export = as_viewer.get(reverse("analytics:export_results", args=[campaign.pk]) + query)
    rows = list(csv.DictReader(io.StringIO(b"".join(export.streaming_content).decode("utf-8-sig"))))
    assert [row["Contact"] for row in rows] == shown
