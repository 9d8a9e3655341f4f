"""Drafts that save themselves, and several people at one."""

from __future__ import annotations

import html
import re
import threading
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Role
from campaigns import services
from campaigns.forms.editor import UNTITLED
from campaigns.models import Activity, Campaign, Channel
from tests.campaigns.editing import NEW, at, edit, launch, typed
from tests.factories import (
    AssistantFactory,
    ListFactory,
    UserFactory,
)


def autosave(client, url, **changes):
    return client.post(url, typed(**changes, then="autosave"), headers={"Accept": "application/json"})


def told(response):
    assert response.status_code == 200
    return response.json()


def page_of(client, url):
    """What the page sends along: its own key, and what it saw."""
    page = client.get(url)
    return {"page": f"{page.context['page_key']}:1", "seen": page.context["seen"]}


def test_a_draft_is_saved_from_the_first_key_on(as_supervisor):
    said = told(autosave(as_supervisor, NEW, name="", description="S"))
    campaign = Campaign.objects.get()
    assert said["url"] == edit(campaign)
    assert said["errors"] == {}
    assert (campaign.name, campaign.description) == (UNTITLED, "S")
    said = told(autosave(as_supervisor, said["url"], name="", description="Soon"))
    assert said["errors"] == {}, "Nobody has come to the name yet."
    told(autosave(as_supervisor, said["url"], name="Renewals", description="Soon"))
    campaign.refresh_from_db()
    assert (campaign.name, campaign.description) == ("Renewals", "Soon")
    said = told(autosave(as_supervisor, said["url"], name=""))
    assert list(said["errors"]) == ["name"]
    campaign.refresh_from_db()
    assert campaign.name == "Renewals"


@pytest.mark.parametrize("then", ["autosave", "next", "assistant"])
def test_a_campaign_made_for_a_list_has_it_assigned(as_supervisor, then):
    renewals = ListFactory(name="Renewals 2026", members=3)
    page = as_supervisor.get(f"{NEW}?list={renewals.pk}").content.decode()
    assert "Renewals 2026" in page
    assert f'name="list" value="{renewals.pk}"' in page
    as_supervisor.post(NEW, typed(list=renewals.pk, then=then))
    channel = Channel.objects.get()
    assert list(channel.lists.all()) == [renewals]
    # What that page goes on to send changes nothing of the lists.
    response = as_supervisor.post(edit(channel.campaign), typed(list=renewals.pk, then="next"))
    assert response.status_code == 302
    assert as_supervisor.get(f"{NEW}?list=999999").status_code == 200
    assert as_supervisor.get(f"{NEW}?list={'9' * 40}").status_code == 200


def test_a_draft_saves_what_is_valid_and_tells_what_is_not(draft, as_supervisor):
    said = told(
        autosave(
            as_supervisor,
            edit(draft.campaign),
            description="Kept",
            dial_timeout_seconds="5",
            calls_per_minute="7",
        )
    )
    assert list(said["errors"]) == ["dial_timeout_seconds"]
    assert said["labels"] == {"dial_timeout_seconds": "Dial timeout, in seconds"}
    assert said["tabs"] == {"basic": 1, "schedule": 0, "advanced": 0}
    draft.campaign.refresh_from_db()
    draft.voice.refresh_from_db()
    assert draft.campaign.description == "Kept"
    assert (draft.voice.dial_timeout_seconds, draft.voice.calls_per_minute) == (60, 7)


@pytest.mark.parametrize(
    "changes",
    [
        {"start_date": "2031-01-01", "end_date": "2030-01-01"},
        {"machine_detection": "detect", "on_machine": "message", "voicemail_message": ""},
        {"retry_busy": "on", "retry_busy_after": "x"},
        {"start_at": "2030-03-10T02:30", "time_zone": "America/New_York"},
    ],
    ids=str,
)
def test_half_of_what_belongs_together_is_not_saved(draft, as_supervisor, changes):
    autosave(as_supervisor, edit(draft.campaign), **changes)
    draft.refresh_from_db()
    draft.schedule.refresh_from_db()
    draft.voice.refresh_from_db()
    assert draft.schedule.start_date is None
    assert draft.voice.on_machine == "hang_up"
    assert draft.start_at is None
    assert not draft.reattempt_rules.exists()


def test_one_sitting_at_a_draft_is_written_down_once_with_all_that_changed(draft, as_supervisor):
    for text in ("a", "ab", "abc"):
        autosave(as_supervisor, edit(draft.campaign), name=draft.campaign.name, description=text)
    autosave(
        as_supervisor, edit(draft.campaign), name="Renamed", description="abc", dial_timeout_seconds="30"
    )
    (text,) = Activity.objects.values_list("text", flat=True)
    assert text.startswith("edited the draft: description, ")
    for changed in ("name", "dial timeout"):
        assert text.count(changed) == 1


# --- Two people at one draft -------------------------------------------------------------------------------


@pytest.fixture
def colleague(log_in):
    return log_in(UserFactory(role=Role.SUPERVISOR, first_name="Anna", last_name="Svensson"))


def same(draft, **changes):
    """What is posted by somebody who changes nothing else."""
    return {"name": draft.campaign.name, "assistant": draft.voice.assistant_id, **changes}


def test_what_two_people_change_in_different_fields_is_kept_from_both(draft, as_supervisor, colleague):
    url = edit(draft.campaign)
    mine, theirs = page_of(as_supervisor, url), page_of(colleague, url)
    told(autosave(colleague, url, **same(draft), **theirs, description="Theirs", dial_timeout_seconds="30"))
    said = told(autosave(as_supervisor, url, **same(draft), **mine, prompt="Mine"))
    assert "clashes" not in said
    assert said["theirs"]["description"] == {"description": "Theirs"}
    assert said["theirs"]["dial_timeout_seconds"] == {"dial_timeout_seconds": "30"}
    assert said["changed_by"].startswith("Anna Svensson changed description, dial timeout")
    draft.campaign.refresh_from_db()
    draft.voice.refresh_from_db()
    assert draft.campaign.description == "Theirs"
    assert (draft.voice.dial_timeout_seconds, draft.voice.prompt) == (30, "Mine")


@pytest.mark.parametrize(("settle", "kept"), [("mine", "Mine"), ("theirs", "Theirs")])
def test_what_two_people_changed_alike_is_chosen(draft, as_supervisor, colleague, settle, kept):
    url = edit(draft.campaign)
    mine, theirs = page_of(as_supervisor, url), page_of(colleague, url)
    told(autosave(colleague, url, **same(draft), **theirs, description="Theirs", calls_per_minute="8"))
    said = told(autosave(as_supervisor, url, **same(draft), **mine, description="Mine", prompt="Kept"))
    assert said["unsettled"] == ["description"]
    shown = html.unescape(said["clashes"])
    for words in ("Anna Svensson changed the same setting", "just now", "Mine", "Theirs", "Keep mine"):
        assert words in shown
    draft.campaign.refresh_from_db()
    draft.voice.refresh_from_db()
    assert (draft.campaign.description, draft.voice.prompt) == ("Theirs", "Kept")
    said = told(
        autosave(as_supervisor, url, **same(draft), **mine, description="Mine", prompt="Kept", settle=settle)
    )
    assert "clashes" not in said
    draft.campaign.refresh_from_db()
    draft.voice.refresh_from_db()
    assert draft.campaign.description == kept
    assert draft.voice.calls_per_minute == 8, "What only the other one changed stays, whatever is chosen."


def test_one_person_in_two_windows_is_told_so_without_the_time_at_which_the_draft_was_made(as_supervisor):
    made = told(autosave(as_supervisor, NEW, name="Autumn renewals"))
    here, there = page_of(as_supervisor, made["url"]), page_of(as_supervisor, made["url"])
    told(autosave(as_supervisor, made["url"], name="Autumn renewals", **there, description="There"))
    said = told(autosave(as_supervisor, made["url"], name="Autumn renewals", **here, description="Here"))
    assert said["clashed_with"] == "You, in another window,"
    shown = html.unescape(said["clashes"])
    assert "You, in another window, changed the same setting.</b>" in shown
    assert "Keep this window’s" in shown
    assert "Theirs, saved" not in shown


def test_a_save_by_hand_asks_before_it_overwrites(draft, as_supervisor, colleague):
    url = edit(draft.campaign)
    mine, theirs = page_of(as_supervisor, url), page_of(colleague, url)
    colleague.post(url, typed(**same(draft, description="Theirs"), **theirs))
    posted = typed(**same(draft, description="Mine", prompt="Mine too"), **mine, then="next")
    for _ in range(2):
        response = as_supervisor.post(url, posted)
        assert response.status_code == 409
        page = html.unescape(response.content.decode())
        assert "Anna Svensson changed the same setting" in page
        assert 'value="Mine"' in page
        draft.campaign.refresh_from_db()
        draft.voice.refresh_from_db()
        assert (draft.campaign.description, draft.voice.prompt) == ("Theirs", "")
        assert response.context["seen"] == mine["seen"], "It goes on asking until somebody has chosen."
    posted |= {"settle": "mine", "clash_then": "next"}
    del posted["then"]
    assert as_supervisor.post(url, posted).url == launch(draft.campaign)
    draft.campaign.refresh_from_db()
    assert draft.campaign.description == "Mine"


def test_every_kind_of_field_is_told_of_a_clash_in_words(draft, as_supervisor, colleague):
    url = edit(draft.campaign)
    other = AssistantFactory(name="Evening assistant")
    mine, theirs = page_of(as_supervisor, url), page_of(colleague, url)
    changes = {
        "assistant": other.pk,
        "destination": "assistant",
        "time_zone": "America/Denver",
        "hours": ["0-9"],
        "closed_days": "2030-12-25",
        "start_date": "2030-01-02",
        "start_at": "2030-02-01T09:00",
        "record_calls": "on",
        "machine_detection": "detect",
        "calls_per_minute": "7",
        "retry_busy": "on",
        "retry_busy_after": "2",
        "retry_busy_unit": "hours",
        "retry_busy_times": "3",
    }
    told(autosave(colleague, url, name="Theirs", **theirs, **changes))
    changes |= {
        "assistant": "",
        "destination": "hangup",
        "time_zone": "Asia/Kolkata",
        "hours": [],
        "closed_days": "2030-12-24",
        "start_date": "2030-01-03",
        "start_at": "2030-02-01T10:00",
        "machine_detection": "wait",
        "calls_per_minute": "9",
        "retry_busy_times": "1",
    }
    said = told(autosave(as_supervisor, url, name="Mine", **mine, **changes))
    shown = html.unescape(re.sub(r"<[^>]+>", " ", said["clashes"]))
    for words in (
        "Evening assistant",
        "Denver time",
        "Kolkata time",
        "Mon 9:00–10:00",
        "Never",
        "Dec 25, 2030",
        "Jan 3, 2030",
        "Detect and wait",
        "after 2 hours, up to 3 times",
        "Call again after busy",
    ):
        assert words in shown
    # Both switched it on: there is nothing to choose.
    assert "Record calls" not in shown


def test_a_name_that_another_channels_page_saved_is_not_undone(draft, as_supervisor, colleague):
    second = services.add_channel(campaign=draft.campaign, actor=None, name="Second", like=draft)
    mine = page_of(as_supervisor, edit(draft.campaign))
    theirs = page_of(colleague, at("channel_edit", second))
    told(autosave(colleague, at("channel_edit", second), **same(draft, name="Renamed"), **theirs))
    told(autosave(as_supervisor, edit(draft.campaign), **same(draft, prompt="Mine"), **mine))
    draft.campaign.refresh_from_db()
    assert draft.campaign.name == "Renamed"


@pytest.mark.parametrize(
    "seen",
    ["", "null", "[]", "{", '{"name": 5}', "9" * 5000, "[" * 100_000, '{"name": "x", "nonsense": "y"}'],
)
def test_whatever_a_page_says_it_saw_is_borne(draft, as_supervisor, seen):
    url = edit(draft.campaign)
    for page in ("", "x", "0" * 36 + ":1", f"{uuid4()}:999999999999", "\x00"):
        assert autosave(as_supervisor, url, seen=seen, page=page).status_code == 200


def test_a_page_that_names_itself_and_nothing_else_clashes_with_nobody(draft, as_supervisor):
    """Without script nothing is sent along but what the page was rendered with."""
    url = edit(draft.campaign)
    sent = page_of(as_supervisor, url)
    for description in ("First", "Second"):
        response = as_supervisor.post(url, typed(**same(draft, description=description), page=sent["page"]))
        assert response.status_code == 302
    draft.campaign.refresh_from_db()
    assert draft.campaign.description == "Second"


# --- One page that sends again -----------------------------------------------------------------------------


def test_a_page_that_is_not_answered_makes_one_draft(as_supervisor):
    page = page_of(as_supervisor, NEW)
    told(autosave(as_supervisor, NEW, name="Ren", **page))
    again = {**page, "page": page["page"].replace(":1", ":2"), "unanswered": "1"}
    said = told(autosave(as_supervisor, NEW, name="Renewals", **again))
    campaign = Campaign.objects.get()
    assert campaign.name == "Renewals"
    assert said["url"] == edit(campaign)
    assert "clashes" not in said


def test_what_arrives_late_does_not_undo_what_was_typed_later(draft, as_supervisor):
    url = edit(draft.campaign)
    page = page_of(as_supervisor, url)
    later = {**page, "page": page["page"].replace(":1", ":5"), "unanswered": "1"}
    told(autosave(as_supervisor, url, **same(draft, description="Typed to the end"), **later))
    told(autosave(as_supervisor, url, **same(draft, description="Typed to"), **page))
    draft.campaign.refresh_from_db()
    assert draft.campaign.description == "Typed to the end"


def test_a_page_that_is_not_answered_asks_about_a_name_that_another_channels_page_changed(
    draft, as_supervisor, colleague
):
    second = services.add_channel(campaign=draft.campaign, actor=None, name="Second", like=draft)
    url = edit(draft.campaign)
    page = page_of(as_supervisor, url)
    told(autosave(as_supervisor, url, **same(draft, name="Autumn", prompt="Be"), **page))
    theirs = at("channel_edit", second)
    told(autosave(colleague, theirs, **same(draft, name="Theirs"), **page_of(colleague, theirs)))
    again = {**page, "page": page["page"].replace(":1", ":2"), "unanswered": "1"}
    said = told(autosave(as_supervisor, url, **same(draft, name="Autumn leads", prompt="Be brief"), **again))
    draft.campaign.refresh_from_db()
    draft.voice.refresh_from_db()
    assert draft.campaign.name == "Theirs", "Nobody has chosen yet."
    assert said["unsettled"] == ["name"], "What is the channel's own was saved by this page alone."
    assert draft.voice.prompt == "Be brief"
    settled = {**again, "page": page["page"].replace(":1", ":3"), "seen": said["seen"]}
    del settled["unanswered"]
    told(autosave(as_supervisor, url, **same(draft, name="Autumn leads", prompt="Be brief"), **settled))
    draft.campaign.refresh_from_db()
    assert draft.campaign.name == "Autumn leads"


def test_a_browser_is_asked_not_to_fill_a_draft_in_again_with_the_key_of_the_page_that_was_left(
    draft, as_supervisor
):
    page = as_supervisor.get(edit(draft.campaign)).content.decode()
    assert re.search(r'<form class="editor"[^>]* autocomplete="off"', page)


def test_a_page_whose_name_another_channels_page_changed_still_sends_late_in_vain(
    draft, as_supervisor, colleague
):
    second = services.add_channel(campaign=draft.campaign, actor=None, name="Second", like=draft)
    url, theirs = edit(draft.campaign), at("channel_edit", second)
    page = page_of(as_supervisor, url)
    later = {**page, "page": page["page"].replace(":1", ":5")}
    told(autosave(as_supervisor, url, **same(draft, prompt="Typed to the end"), **later))
    for name in ("One", "Two"):
        told(autosave(colleague, theirs, **same(draft, name=name), **page_of(colleague, theirs)))
    told(autosave(as_supervisor, url, **same(draft, prompt="Typed to"), **page))
    draft.voice.refresh_from_db()
    assert draft.voice.prompt == "Typed to the end"


def test_nobody_gets_at_anothers_draft_by_its_page(as_supervisor, colleague):
    page = page_of(as_supervisor, NEW)
    told(autosave(as_supervisor, NEW, name="Mine", **page))
    told(autosave(colleague, NEW, name="Theirs", **page))
    assert set(Campaign.objects.values_list("name", flat=True)) == {"Mine", "Theirs"}


@pytest.mark.django_db(transaction=True)
def test_two_sendings_of_a_new_page_at_once_make_one_draft(supervisor, log_in):
    page = page_of(log_in(supervisor), NEW)
    together = threading.Barrier(2)
    answers = []

    def send(number):
        client = log_in(supervisor)
        together.wait(10)
        sent = {**page, "page": page["page"].replace(":1", f":{number}"), "unanswered": "1"}
        answers.append(autosave(client, NEW, name="Renewals"[: 3 + number], **sent).status_code)
        connection.close()

    threads = [threading.Thread(target=send, args=[number]) for number in (1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [200, 200]
    assert Campaign.objects.get().name == "Renewals"


# --- On the way to another page ----------------------------------------------------------------------------


def test_adding_a_caller_id_keeps_what_was_typed_and_comes_back_with_it_chosen(as_supervisor):
    response = as_supervisor.post(
        NEW, typed(name="", description="Typed", prompt="Long text", calls_per_second="99", then="caller_id")
    )
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.description) == (UNTITLED, "Typed")
    assert response.url.startswith(reverse("campaigns:caller_id_new"))
    response = as_supervisor.post(
        response.url, {"phone_number": "(415) 555-2671", "country": "US", "name": "Desk", "is_active": "on"}
    )
    page = as_supervisor.get(response.url)
    assert "Long text" in page.content.decode()
    chosen = page.context["form"].basic["caller_id"].value()
    assert page.context["form"].basic.fields["caller_id"].queryset.get(pk=chosen).name == "Desk"
