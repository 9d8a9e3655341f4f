"""Campaigns from a shell: ``manage.py campaigns``."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Role
from campaigns.lifecycles import CHANNEL
from campaigns.models import Activity, Channel
from lifecycle import By
from tests.factories import CampaignFactory, ChannelFactory, EnrollmentFactory, ListFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def awake(settings):
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


class Shell:
    """What a command printed, and with what it ended."""

    def __init__(self, *words: object) -> None:
        out, errors = io.StringIO(), io.StringIO()
        try:
            call_command("campaigns", *map(str, words), stdout=out, stderr=errors)
            self.status = 0
        except SystemExit as ended:
            self.status = ended.code
        except CommandError as error:
            self.status = error.returncode
            errors.write(str(error))
        self.out, self.errors = out.getvalue(), errors.getvalue()


def typed(monkeypatch, text: str) -> None:
    """A person at a terminal types this."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(text))


def ready(**options) -> Channel:
    return ChannelFactory(**{"campaign__name": "Autumn", "lists": [ListFactory(members=2)], **options})


def status(channel: Channel) -> str:
    channel.refresh_from_db()
    return channel.status


def told(channel: Channel) -> str:
    return Activity.objects.filter(campaign=channel.campaign_id).latest("id").text


# --- Moves -----------------------------------------------------------------------------------------


def test_a_campaign_is_started_paused_resumed_and_stopped_by_name_or_id():
    channel = ready()

    begun = Shell("start", "autumn")
    assert (begun.status, begun.out) == (0, "Autumn, Voice: started\n")
    assert status(channel) == "running"
    assert Shell("pause", channel.campaign_id).status == 0
    assert status(channel) == "paused"
    assert Shell("resume", "Autumn").status == 0
    assert status(channel) == "running"
    assert Shell("stop", "Autumn", "--yes").status == 0
    assert status(channel) == "stopped"


def test_every_move_that_a_person_makes_can_be_made_from_the_shell():
    made = {
        "start": lambda channel: Shell("start", channel.campaign_id),
        "schedule": lambda channel: Shell("start", channel.campaign_id, "--at", "2099-06-01 09:00"),
        "unschedule": lambda channel: Shell("unschedule", channel.campaign_id),
        "pause": lambda channel: Shell("pause", channel.campaign_id),
        "resume": lambda channel: Shell("resume", channel.campaign_id),
        "stop": lambda channel: Shell("stop", channel.campaign_id, "--yes"),
        "rerun": lambda channel: Shell("rerun", channel.campaign_id),
    }
    by_person = [move for move in CHANNEL.moves if By.PERSON in move.by]
    assert {move.name for move in by_person} == set(made)
    for move in by_person:
        for source in move.sources:
            trait = {} if source == "ready" else {source: True}
            channel = ready(campaign__name=f"{move.name} {source}", **trait)

            shell = made[move.name](channel)

            assert (shell.status, status(channel)) == (0, move.target), (move.name, source, shell.errors)


def test_archiving_and_restoring():
    channel = ready(running=True)

    assert Shell("archive", "Autumn").status == 0
    assert status(channel) == "paused"
    again = Shell("archive", "Autumn")
    assert (again.status, again.errors) == (
        1,
        "Autumn: This campaign is archived already. It is found under Archived.\n",
    )
    assert Shell("restore", "Autumn").status == 0
    channel.campaign.refresh_from_db()
    assert not channel.campaign.is_archived


def test_a_refusal_is_the_dashboards_with_the_address_where_to_mend_it(settings):
    settings.PUBLIC_URL = "https://calls.example.com"
    channel = ready(lists=[])

    shell = Shell("start", "Autumn")

    assert shell.status == 1
    assert shell.errors == (
        "Autumn, Voice: No list is assigned. "
        f"Mend it at https://calls.example.com/campaigns/{channel.campaign_id}/lists/\n"
    )
    assert shell.out == ""


def test_nothing_to_pause_is_a_refusal_that_says_what_it_is():
    channel = ready(paused=True)
    ChannelFactory(campaign=channel.campaign, name="Second")

    one = Shell("pause", "Autumn")

    assert one.status == 1
    assert one.errors == "Autumn: Pause is not possible: Voice is paused, Second is ready.\n"


def test_pausing_is_for_all_that_run_and_starting_names_one():
    first = ready(running=True)
    second = ready(campaign=first.campaign, name="Second", running=True)
    third = ready(campaign=first.campaign, name="Third")
    fourth = ready(campaign=first.campaign, name="Fourth")

    assert Shell("pause", "Autumn").status == 0
    assert [status(each) for each in (first, second, third)] == ["paused", "paused", "ready"]
    several = Shell("start", "Autumn")
    assert several.status == 2
    assert "Name one with --channel: Third, Fourth." in several.errors
    assert Shell("start", "Autumn", "--channel", "fourth").status == 0
    assert [status(each) for each in (third, fourth)] == ["ready", "running"]
    nobody = Shell("start", "Autumn", "--channel", "Fifth")
    assert (nobody.status, "Its channels: Voice, Second, Third, Fourth." in nobody.errors) == (2, True)
    # The one that is named says what it is.
    assert "this channel is running already." in Shell("start", "Autumn", "--channel", "Fourth").errors


def test_of_several_campaigns_each_is_done_for_itself_and_the_worst_is_the_exit_status():
    good, bad = ready(campaign__name="Good"), ready(campaign__name="Bad", lists=[])

    shell = Shell("start", "Bad", "Good")
    assert (shell.status, status(good), status(bad)) == (1, "running", "ready")
    assert Shell("pause", "Nobody", "Bad", "Good").status == 2
    assert status(good) == "paused"


@pytest.mark.parametrize("named", ["Nobody", "0", "999999999999999999999", "-", "nul\x00", "²", "%", ""])
def test_what_is_no_campaign_is_asked_wrongly(named):
    ready()

    shell = Shell("pause", "--", named) if named == "-" else Shell("pause", named)

    assert (shell.status, "There is no campaign" in shell.errors) == (2, True)


def test_several_of_one_name_are_told_apart_by_id():
    ready(), ready()

    shell = Shell("start", "Autumn")

    ids = ", ".join(str(channel.campaign_id) for channel in Channel.objects.order_by("id"))
    assert (shell.status, shell.errors) == (
        2,
        f"Autumn: Several campaigns are called that. Give an id: {ids}.\n",
    )


# --- Starting later --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "written", "moment"),
    [
        ("America/Chicago", "2098-12-01 09:00", datetime(2098, 12, 1, 15, tzinfo=UTC)),
        ("America/Chicago", "2098-07-01 09:00", datetime(2098, 7, 1, 14, tzinfo=UTC)),
        ("America/Chicago", "2098-07-01T09:00+02:00", datetime(2098, 7, 1, 7, tzinfo=UTC)),
        ("America/Chicago", "2098-07-01 09:00Z", datetime(2098, 7, 1, 9, tzinfo=UTC)),
        # Each contact's own zone: the installation's.
        ("", "2098-12-01 09:00", datetime(2098, 12, 1, 9, tzinfo=UTC)),
        # Shown twice that night: the first.
        ("America/Chicago", "2030-11-03 01:30", datetime(2030, 11, 3, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_start_for_later_is_read_by_the_schedules_clock(zone, written, moment):
    channel = ready(schedule__time_zone=zone)

    shell = Shell("start", "Autumn", "--at", written)

    assert shell.status == 0, shell.errors
    assert status(channel) == "scheduled"
    assert channel.start_at == moment
    assert "scheduled; starts " in shell.out


@pytest.mark.parametrize(
    ("written", "code", "said"),
    [
        ("2020-01-01 09:00", 1, "This time has passed"),
        ("2030-03-10 02:30", 2, "does not exist on that day"),
        ("tomorrow", 2, "is not a time"),
        ("2030-02-30 09:00", 2, "is not a time"),
    ],
)
def test_a_time_that_can_not_be_is_told(written, code, said):
    channel = ready(schedule__time_zone="America/Chicago")

    shell = Shell("start", "Autumn", "--at", written)

    assert (shell.status, said in shell.errors) == (code, True), shell.errors
    assert status(channel) == "ready"


def test_a_schedule_can_be_moved_and_cancelled_and_the_time_set_be_passed_over():
    channel = ready(scheduled=True)

    assert Shell("start", "Autumn", "--at", "2098-12-01 09:00").status == 0
    assert (status(channel), channel.start_at.year) == ("scheduled", 2098)
    assert Shell("unschedule", "Autumn").status == 0
    assert status(channel) == "ready"
    # The time that was set stays, as in the dashboard, until it is passed over.
    assert "scheduled; starts Dec 1, 2098" in Shell("start", "Autumn").out
    assert Shell("unschedule", "Autumn").status == 0
    assert Shell("start", "Autumn", "--now").status == 0
    assert status(channel) == "running"


def test_a_time_at_which_it_could_not_start_leaves_the_schedule_as_it_was():
    channel = ready(scheduled=True, schedule__end_date=timezone.localdate() + timedelta(days=30))
    before = channel.start_at

    shell = Shell("start", "Autumn", "--at", "2098-12-01 09:00")

    assert shell.status == 1
    assert (status(channel), channel.start_at) == ("scheduled", before)


# --- Stopping asks ---------------------------------------------------------------------------------


def test_in_a_script_stopping_needs_to_be_told_yes():
    channel = ready(running=True)

    shell = Shell("stop", "Autumn")

    assert (shell.status, status(channel)) == (2, "running")
    assert "add --yes, or pause it instead" in shell.errors


@pytest.mark.parametrize(("answer", "after"), [("yes\n", "stopped"), ("y\n", "running"), ("", "running")])
def test_at_a_terminal_it_shows_what_is_left_undone_and_asks(monkeypatch, answer, after):
    channel = ready(running=True)
    EnrollmentFactory.create_batch(3, channel=channel)
    typed(monkeypatch, answer)

    shell = Shell("stop", "Autumn")

    assert "3 still waiting won’t be called" in shell.out
    assert status(channel) == after
    assert shell.status == (0 if after == "stopped" else 1)


# --- Who did it ------------------------------------------------------------------------------------


def test_the_activity_says_that_it_came_from_the_command_line():
    channel = ready()

    Shell("start", "Autumn")

    assert told(channel).startswith("started Voice with 2 contacts, from the command line")
    assert Activity.objects.latest("id").actor is None


def test_a_person_can_be_named_and_must_be_one_who_may(supervisor):
    channel = ready()

    assert Shell("start", "Autumn", "--as", supervisor.username).status == 0
    assert Activity.objects.latest("id").actor == supervisor
    assert "from the command line" in told(channel), "no password was asked for"
    viewer = UserFactory(role=Role.VIEWER)
    gone = UserFactory(is_active=False)
    for name in (viewer.username, gone.username, "nobody"):
        assert Shell("pause", "Autumn", "--as", name).status == 2
    assert status(channel) == "running"


def test_what_the_dashboard_does_afterwards_is_not_from_the_command_line(as_supervisor):
    channel = ready()
    Shell("start", "Autumn")

    as_supervisor.post(f"/campaigns/{channel.campaign_id}/press/")

    assert told(channel) == "paused Voice"


# --- Looking ---------------------------------------------------------------------------------------


def test_campaigns_are_listed_newest_first_and_archived_apart():
    ChannelFactory(running=True, campaign__name="Old")
    CampaignFactory(name="New\nline")
    CampaignFactory(name="Away", archived_at=timezone.now())

    listed = Shell("list").out.splitlines()
    assert [line.split("dialed")[-1].strip() for line in listed] == ["New line", "Old"]
    assert "Away" in Shell("list", "--status", "archived").out
    assert [each["name"] for each in json.loads(Shell("list", "--status", "active", "--json").out)] == ["Old"]


def test_a_status_tells_of_each_channel():
    channel = ready(paused=True)
    Channel.objects.filter(pk=channel.pk).update(pause_note="It is past its last day.")
    EnrollmentFactory(channel=channel, status="completed")

    assert "Voice: paused (It is past its last day.)" in Shell("status", "Autumn").out
    (picture,) = json.loads(Shell("status", "Autumn", "--json").out)
    assert (picture["status"], picture["contacts"], picture["channels"][0]["run"]) == ("paused", 1, 1)
    assert Shell("status", "Nobody").status == 2


def test_a_list_takes_no_more_queries_with_many(django_assert_max_num_queries):
    for _ in range(5):
        channel = ready()
        EnrollmentFactory(channel=ChannelFactory(campaign=channel.campaign, name="Second", running=True))

    with django_assert_max_num_queries(8):
        Shell("list")


def test_what_was_done_and_refused_is_told_as_json():
    ready(campaign__name="Good"), ready(campaign__name="Bad", lists=[])

    shell = Shell("start", "Good", "Bad", "Nobody", "--json")

    lines = json.loads(shell.out)
    assert [(line["name"], line["done"], line["refused"], line["wrong"]) for line in lines] == [
        ("Good", "started", "", ""),
        ("Bad", "", "No list is assigned.", ""),
        ("Nobody", "", "", "There is no campaign 'Nobody'."),
    ]
    assert shell.status == 2
    assert len(shell.errors.splitlines()) == 2
