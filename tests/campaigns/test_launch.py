"""The last step: whom a channel calls, and when it starts."""

from __future__ import annotations

import html
import re
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from accounts.models import Role
from campaigns import services
from campaigns.forms import StartLaterForm
from campaigns.lifecycles import ChannelStatus
from campaigns.models import Activity, Channel, VoiceSettings
from campaigns.models.rules import ALL_DAY
from campaigns.preflight import preflight
from contacts.importing.running import run_import
from contacts.models import Import, List
from tests.campaigns.editing import at, edit, launch, typed
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
    UserFactory,
)

# --- Contacts and start ------------------------------------------------------------------------------------


@pytest.fixture
def launchable(draft):
    """A draft that lacks nothing but contacts, and a list with three."""
    contacts = ListFactory(members=3)
    url = launch(draft.campaign)
    return SimpleNamespace(
        channel=draft,
        list=contacts,
        page=url,
        assign=f"{url}lists/",
        start=f"{url}start/",
        numbers=f"{url}numbers/",
    )


def test_a_start_is_refused_in_place_with_the_way_to_mend_it(launchable, as_supervisor):
    page = as_supervisor.get(launchable.page).content.decode()
    assert "No list is assigned." in page
    assert 'href="#lists"' in page
    response = as_supervisor.post(launchable.start, {"when": "now"})
    assert response.status_code == 409
    assert "No list is assigned." in response.content.decode()
    launchable.channel.refresh_from_db()
    assert launchable.channel.status == ChannelStatus.READY


def test_lists_are_assigned_and_unassigned(launchable, as_supervisor):
    response = as_supervisor.post(launchable.assign, {"list": launchable.list.pk}, follow=True)
    assert launchable.list.name in response.content.decode()
    assert list(launchable.channel.lists.all()) == [launchable.list]
    as_supervisor.post(f"{launchable.assign}{launchable.list.pk}/unassign/")
    assert not launchable.channel.lists.exists()


@pytest.mark.parametrize("chosen", ["", "x", "-1", "٣", "²"])
def test_no_list_chosen_is_told(launchable, as_supervisor, chosen):
    response = as_supervisor.post(launchable.assign, {"list": chosen}, follow=True)
    assert response.status_code in {200, 404}
    assert not launchable.channel.lists.exists()


def test_a_list_just_uploaded_is_proposed(launchable, as_supervisor, supervisor):
    uploaded = ListFactory(members=2, created_by=supervisor)
    ListFactory(members=2)
    assert f'<option value="{uploaded.pk}" selected>' in as_supervisor.get(launchable.page).content.decode()


def found(page, pattern):
    return html.unescape(re.search(pattern, page.content.decode())[1])


def uploaded(client, launchable):
    """Upload a file from the contacts step; the page that its import leads back to."""
    page = client.get(launchable.page)
    form = found(page, r"(<form [^>]*data-upload-here[\s\S]*?</form>)")
    upload = re.search(r'action="([^"]+)"', form)[1]
    hidden = dict(re.findall(r'<input type="hidden" name="(next|country)" value="([^"]*)"', form))
    file = SimpleUploadedFile("leads.csv", b"Name,Phone\nAnna,(415) 555-0101\nBo,(415) 555-0102\n")
    sent = client.post(upload, {"file": file, **hidden})
    columns = Import.objects.get().mapping
    client.post(sent.url, {f"column_{at}": target for at, target in columns.items()})
    run_import(Import.objects.get().pk)
    return found(client.get(sent.url), r'href="([^"]+)">Go on<')


def imported_form(page):
    return found(page, r'(<form class="note[^"]* imported"[\s\S]*?</form>)')


def test_a_file_uploaded_for_a_campaign_leads_back_to_it_and_is_added(launchable, as_supervisor):
    go_on = uploaded(as_supervisor, launchable)
    leads = List.objects.get(name="leads")
    assert go_on.startswith(launchable.page)
    page = as_supervisor.get(go_on)
    assert "“leads” was imported; it has 2 contacts." in page.content.decode()
    assert not launchable.channel.lists.exists(), "A GET changes nothing."
    form = imported_form(page)
    assert "data-send-at-once" in form
    action, key = re.search(r'action="([^"]+)"', form)[1], re.search(r'name="list" value="(\d+)"', form)[1]
    added = as_supervisor.post(action, {"list": key}, follow=True)
    assert list(launchable.channel.lists.all()) == [leads]
    assert "was imported" not in added.content.decode()
    assert "was imported" not in as_supervisor.get(go_on).content.decode()


def test_a_link_that_others_made_up_adds_no_list_by_itself(launchable, as_supervisor, log_in):
    """What is sent at once needs the proof that this page sent the person to upload."""
    made = [f"{launchable.page}?list={launchable.list.pk}"]
    made += [f"{made[0]}&sent={sent}" for sent in ("", "x", "WzEsMV0:1:x", "9" * 5000, "%00")]
    proof = found(as_supervisor.get(launchable.page), r"sent=([^&\"]+)")
    for url in made:
        assert "data-send-at-once" not in imported_form(as_supervisor.get(url))
    assert "data-send-at-once" in imported_form(as_supervisor.get(f"{made[0]}&sent={proof}"))
    colleague = log_in(UserFactory(role=Role.SUPERVISOR))
    assert "data-send-at-once" not in imported_form(colleague.get(f"{made[0]}&sent={proof}"))
    other = ChannelFactory()
    url = f"{at('channel_launch', other)}?list={launchable.list.pk}&sent={proof}"
    assert "data-send-at-once" not in imported_form(as_supervisor.get(url))


@pytest.mark.parametrize("given", ["x", "0", "9" * 30, "9" * 5000, "٣", "\0"])
def test_a_list_that_is_none_is_not_proposed(launchable, as_supervisor, given):
    page = as_supervisor.get(launchable.page, {"list": given})
    assert page.status_code == 200
    assert "was imported" not in page.content.decode()


def test_a_viewer_is_offered_no_imported_list(launchable, as_viewer):
    page = as_viewer.get(launchable.page, {"list": launchable.list.pk})
    assert "Add it to this campaign" not in page.content.decode()


def test_start_now_starts(launchable, as_supervisor):
    as_supervisor.post(launchable.assign, {"list": launchable.list.pk})
    response = as_supervisor.post(launchable.start, {"when": "now"})
    assert response.url == launchable.channel.campaign.get_absolute_url()
    launchable.channel.refresh_from_db()
    assert launchable.channel.status == ChannelStatus.RUNNING
    assert launchable.channel.enrollments.count() == 3


@pytest.mark.django_db(transaction=True)
def test_start_pressed_twice_starts_once_and_both_presses_lead_to_the_campaign(supervisor, log_in):
    channel = ChannelFactory(lists=[ListFactory(members=3)])
    answers = []
    together = threading.Barrier(2)

    def press():
        client = log_in(supervisor)
        together.wait(10)
        url = at("launch_start", channel)
        answers.append(client.post(url, {"when": "now"}))
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {(answer.status_code, answer.url) for answer in answers} == {
        (302, channel.campaign.get_absolute_url())
    }
    channel.refresh_from_db()
    assert (channel.status, channel.run, channel.enrollments.count()) == ("running", 1, 3)
    assert Activity.objects.filter(verb="start").count() == 1


def test_start_pressed_on_a_page_that_is_out_of_date_does_not_resume(as_supervisor):
    channel = ChannelFactory(paused=True, lists=[ListFactory(members=1)])
    url = at("launch_start", channel)
    assert as_supervisor.post(url, {"when": "now"}).status_code == 409
    channel.refresh_from_db()
    assert channel.status == "paused"


def test_start_now_does_not_wait_for_a_time_that_was_set(launchable, as_supervisor):
    Channel.objects.update(start_at=timezone.now() + timedelta(days=2))
    as_supervisor.post(launchable.assign, {"list": launchable.list.pk})
    as_supervisor.post(launchable.start, {"when": "now"})
    launchable.channel.refresh_from_db()
    assert launchable.channel.status == ChannelStatus.RUNNING


def test_a_campaign_is_scheduled_for_later_in_the_chosen_zone(launchable, as_supervisor):
    as_supervisor.post(launchable.assign, {"list": launchable.list.pk})
    launchable.channel.schedule.time_zone = "America/Denver"
    launchable.channel.schedule.save()
    assert "Denver time" in as_supervisor.get(launchable.page).content.decode()
    response = as_supervisor.post(launchable.start, {"when": "later", "start_at": "2030-07-01T09:00"})
    assert response.status_code == 302
    launchable.channel.refresh_from_db()
    assert launchable.channel.status == ChannelStatus.SCHEDULED
    assert launchable.channel.start_at == datetime(2030, 7, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "proposed"),
    [
        ("UTC", "2026-11-22T04:50Z", "2026-11-22T06:00"),
        ("UTC", "2026-11-22T04:40Z", "2026-11-22T05:00"),
        ("UTC", "2026-11-22T04:45Z", "2026-11-22T05:00"),
        ("America/New_York", "2026-12-31T04:10:59Z", "2026-12-31T00:00"),
        ("Asia/Kolkata", "2026-11-22T04:50Z", "2026-11-22T11:00"),
    ],
)
def test_the_next_full_hour_is_proposed_on_the_clock_of_the_channels_zone(launchable, zone, now, proposed):
    launchable.channel.schedule.time_zone = zone
    for start_at in (None, datetime(2026, 1, 1, tzinfo=UTC)):
        launchable.channel.start_at = start_at
        form = StartLaterForm(channel=launchable.channel, now=datetime.fromisoformat(now))
        assert form["start_at"].value() == datetime.fromisoformat(proposed)
    later = datetime(2031, 1, 1, 12, tzinfo=UTC)
    launchable.channel.start_at = later
    form = StartLaterForm(channel=launchable.channel, now=datetime.fromisoformat(now))
    assert form["start_at"].value() == later.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def test_an_announcement_without_its_text_says_so_wherever_it_would_be_started(launchable, as_supervisor):
    as_supervisor.post(launchable.assign, {"list": launchable.list.pk})
    VoiceSettings.objects.update(destination="announcement", announcement_text="")
    for page in (launchable.page, launchable.channel.campaign.get_absolute_url()):
        assert "The announcement has no text." in as_supervisor.get(page).content.decode()
    response = as_supervisor.post(launchable.start, {"when": "now"})
    assert response.status_code == 409
    assert "The announcement has no text." in response.content.decode()


@pytest.mark.parametrize("time", ["", "2020-01-01T00:00", "soon", "2030-03-10T02:30"])
def test_a_time_that_cannot_be_is_refused(launchable, as_supervisor, time):
    as_supervisor.post(launchable.assign, {"list": launchable.list.pk})
    launchable.channel.schedule.time_zone = "America/New_York"
    launchable.channel.schedule.save()
    response = as_supervisor.post(launchable.start, {"when": "later", "start_at": time})
    assert response.status_code == 422
    assert response.context["later"].errors["start_at"]
    launchable.channel.refresh_from_db()
    assert launchable.channel.status == ChannelStatus.READY


def test_a_refused_schedule_leaves_no_time_behind(launchable, as_supervisor):
    response = as_supervisor.post(launchable.start, {"when": "later", "start_at": "2030-07-01T09:00"})
    assert response.status_code == 409
    assert Channel.objects.get().start_at is None


def test_a_paused_campaign_is_resumed_from_its_contacts(as_supervisor):
    channel = ChannelFactory(paused=True, lists=[ListFactory(members=2)])
    page = as_supervisor.get(at("channel_launch", channel)).content.decode()
    assert "Resume" in page
    assert "Schedule for later" not in page
    as_supervisor.post(at("launch_start", channel))
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.RUNNING


def test_typed_numbers_become_a_list_of_the_campaign(launchable, as_supervisor):
    response = as_supervisor.post(
        launchable.numbers, {"numbers": "Anna Svensson, (415) 555-2671\n+442079460018", "country": "US"}
    )
    assert response.status_code == 302
    typed_in = launchable.channel.lists.get()
    assert typed_in.size == 2
    as_supervisor.post(launchable.numbers, {"numbers": "(415) 555-2672", "country": "US"})
    assert launchable.channel.lists.get().size == 3


def test_numbers_that_cannot_be_read_stay_in_the_field_with_their_reasons(launchable, as_supervisor):
    response = as_supervisor.post(
        launchable.numbers, {"numbers": "(415) 555-2671\nnobody\n12", "country": "US"}
    )
    assert response.status_code == 422
    form = response.context["numbers"]
    assert form["numbers"].value() == "nobody\n12"
    assert form.errors["numbers"][0].startswith("Line 1:")
    assert launchable.channel.lists.get().size == 1


def test_numbers_of_which_none_can_be_read_leave_no_list(launchable, as_supervisor):
    as_supervisor.post(launchable.numbers, {"numbers": "nobody", "country": "US"})
    assert not launchable.channel.lists.exists()
    assert List.objects.count() == 1


def test_numbers_typed_for_a_paused_campaign_are_called_in_this_run(as_supervisor):
    channel = ChannelFactory(paused=True)
    url = at("launch_numbers", channel)
    for number in ("(415) 555-2671", "(415) 555-2672"):
        as_supervisor.post(url, {"numbers": number, "country": "US"})
    assert channel.enrollments.count() == 2


def test_no_numbers_are_added_while_it_runs(as_supervisor):
    channel = ChannelFactory(running=True)
    response = as_supervisor.post(
        at("launch_numbers", channel),
        {"numbers": "(415) 555-2671", "country": "US"},
    )
    assert response.status_code == 409
    assert not List.objects.exists()


# --- Preflight ---------------------------------------------------------------------------------------------


def in_words(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_preflight_says_who_will_be_called_and_who_will_not(launchable, as_supervisor):
    anna, bilal, chloe = ContactFactory.create_batch(3)
    DoNotContactFactory(phone_number=bilal.phone_number, scope="voice")
    DoNotContactFactory(phone_number=chloe.phone_number, scope="text")
    nobody = ContactFactory(phone_number=None, email="nobody@example.com")
    for members in ([anna, bilal, chloe, nobody], [anna]):
        services.assign_list(channel=launchable.channel, list=ListFactory(members=members), actor=None)
    url = at("preflight", launchable.channel)
    page = as_supervisor.get(url).content.decode()
    assert "2 of 5 will be called" in in_words(page)
    for reason in ("On do-not-contact", "No phone number", "In several lists, called once"):
        assert f"{reason} 1" in in_words(page)
    assert "Everybody called once by about" in page
    found = preflight(launchable.channel, timezone.now())
    assert (found.in_lists, found.contacts, found.will_be_called) == (5, 4, 2)
    assert (found.do_not_contact, found.without_number, found.duplicates) == (1, 1, 1)


def test_the_preflight_takes_few_queries_however_many_lists(
    launchable, as_supervisor, django_assert_max_num_queries
):
    services.assign_list(channel=launchable.channel, list=launchable.list, actor=None)
    with django_assert_max_num_queries(12):
        as_supervisor.get(at("preflight", launchable.channel))


def test_a_list_of_nobody_is_said_in_the_preflight(launchable, as_supervisor):
    page = as_supervisor.get(at("preflight", launchable.channel))
    assert "Nobody yet" in page.content.decode()


def test_all_hours_of_the_week_fit_into_the_form(draft, as_supervisor):
    hours = [f"{day}-{hour}" for day in range(7) for hour in range(24)]
    as_supervisor.post(edit(draft.campaign), typed(hours=hours))
    draft.schedule.refresh_from_db()
    assert draft.schedule.hours == [ALL_DAY] * 7


def test_of_a_started_campaign_the_preflight_tells_who_is_left(as_supervisor):
    channel = ChannelFactory(running=True, lists=[ListFactory(members=5)])
    for contact in ContactFactory.create_batch(2):
        EnrollmentFactory(channel=channel, contact=contact)
    EnrollmentFactory(channel=channel, status="completed")
    page = as_supervisor.get(at("preflight", channel)).content.decode()
    assert "Left to call" in page
    assert "2 of 2 waiting will be called" in in_words(page)
    assert "All of them called once by about" in page


# --- Put away ----------------------------------------------------------------------------------------------


def test_whom_an_archived_campaign_calls_stays_as_it_was(as_supervisor, supervisor, launchable):
    """From a page that was opened before."""
    numbers = {"numbers": "Ann, (415) 555-2671", "country": "US"}
    as_supervisor.post(launchable.numbers, numbers)
    before = list(launchable.channel.lists.values_list("pk", "size"))
    services.archive_campaign(campaign=launchable.channel.campaign, actor=supervisor)
    more = {**numbers, "numbers": "Bob, (415) 555-2672"}
    assert as_supervisor.post(launchable.numbers, more).status_code == 409
    as_supervisor.post(launchable.assign, {"list": launchable.list.pk})
    as_supervisor.post(f"{launchable.assign}{before[0][0]}/unassign/")
    assert list(launchable.channel.lists.values_list("pk", "size")) == before
