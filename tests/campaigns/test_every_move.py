"""Every move that a person makes, of every lifecycle: found as a button on a page, and pressed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.lifecycles import CHANNEL, ENROLLMENT
from campaigns.models import Channel, Enrollment
from campaigns.services import remove_exclusion
from dialer.models import Call
from lifecycle import By
from tests.engine.pages import Deed, deeds_of
from tests.factories import (
    CallerIdFactory,
    ChannelFactory,
    EnrollmentFactory,
    ListFactory,
    ReattemptRuleFactory,
)
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


# Of a call under way a person's word is kept, and its end decides (tests/engine/test_progress.py).
DURING_A_CALL = {"calling", "connected"}


def of_a_person(lifecycle: Any) -> list[tuple[str, str]]:
    return [
        (move.name, source)
        for move in lifecycle.moves
        if By.PERSON in move.by
        for source in sorted(move.sources - DURING_A_CALL)
    ]


class Person:
    """Somebody who sees pages and presses what is on them: what is not there can't be pressed."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.deeds: list[Deed] = []

    def opens(self, url: str) -> Person:
        """A page, or a dialog of one."""
        response = self.client.get(url)
        assert response.status_code == 200, url
        self.deeds = deeds_of(response.content.decode(), url)
        return self

    def asks(self, wanted: str) -> Person:
        """Opens the question that a link or button leads to."""
        return self.opens(self._found(wanted, "get").url)

    def presses(self, wanted: str, **typed: str) -> HttpResponse:
        """The button whose address holds this; ``typed`` and the button's own name and value are sent."""
        deed = self._found(wanted, "post", **typed)
        response = self.client.post(deed.url, dict(deed.data) | typed, headers=HTMX)
        assert response.status_code < 300, response.content.decode()
        return response

    def _found(self, wanted: str, method: str, **typed: str) -> Deed:
        for deed in self.deeds:
            if (
                deed.method == method
                and wanted in deed.url
                and typed.keys()
                <= {
                    *dict(deed.data),
                    *deed.choices,
                }
            ):
                return deed
        raise AssertionError(f"No {method} of {wanted} among {[deed.url for deed in self.deeds]}")


# --- Channels --------------------------------------------------------------------------------------------

ASKED_FIRST = {"schedule", "stop", "rerun"}


@pytest.mark.parametrize(("move", "source"), of_a_person(CHANNEL))
@pytest.mark.parametrize("page", ["campaigns:campaign", "campaigns:menu"])
def test_a_channel_is_moved_from_its_card_and_from_its_row(as_supervisor, page, move, source):
    trait = {} if source == "ready" else {source: True}
    channel = ChannelFactory(lists=[ListFactory(members=1)], voice__caller_id=CallerIdFactory(), **trait)
    person = Person(as_supervisor).opens(reverse(page, args=[channel.campaign_id]))
    # A scheduled one is started before its time.
    word = "start-now" if (move, source) == ("start", "scheduled") else move
    typed = {"start_at": f"{timezone.now() + timedelta(days=2):%Y-%m-%dT%H:%M}"} if move == "schedule" else {}
    if move in ASKED_FIRST:
        person.asks(f"/{word}/")
    person.presses(f"/{word}/", **typed)

    channel.refresh_from_db()
    assert channel.status == CHANNEL[move].target


# --- Contacts in channels ----------------------------------------------------------------------------------


def place(status: str, **options: Any) -> Enrollment:
    channel = ChannelFactory(
        running=True,
        lists=[ListFactory(members=1)],
        schedule__time_zone="UTC",
        **options,
    )
    return EnrollmentFactory(channel=channel, status=status)


def on_the_contacts_tab(client: Client, enrollment: Enrollment) -> Person:
    return Person(client).opens(reverse("campaigns:contacts", args=[enrollment.channel.campaign_id]))


def skip(client: Client, enrollment: Enrollment) -> HttpResponse:
    return on_the_contacts_tab(client, enrollment).presses(f"/skip/?id={enrollment.pk}")


def retry(client: Client, enrollment: Enrollment) -> HttpResponse:
    return on_the_contacts_tab(client, enrollment).presses(f"/retry/?id={enrollment.pk}")


def undo_a_skip(before: str) -> Callable[[Client, Enrollment], None]:
    def undo(client: Client, enrollment: Enrollment) -> None:
        # Skipped by hand, from what it was before.
        Enrollment.objects.filter(pk=enrollment.pk).delete()
        enrollment.pk, enrollment.status = None, before
        enrollment.save(force_insert=True)
        toast = skip(client, enrollment).headers["HX-Trigger"]
        enrollment.refresh_from_db()
        assert enrollment.status == "skipped"
        (address,) = [part for part in toast.split('"') if "/bring-back/" in part]
        assert client.post(address, headers=HTMX).status_code == 204

    return undo


def forbid(client: Client, enrollment: Enrollment) -> None:
    url = f"/do-not-contact/?id={enrollment.pk}"
    on_the_contacts_tab(client, enrollment).asks(url).presses("/do-not-contact/", reason="Asked")


OUTCOMES = {
    "no_answer": "no_answer",
    "busy": "busy",
    "voicemail": "voicemail",
    "failed": "failed",
    "retry": "busy",
    "completed": "completed",
    "unsuccessful": "completed",
    "callback": "completed",
}


def call_of(enrollment: Enrollment, outcome: str) -> Call:
    answered = {"answered_at": timezone.now()} if outcome == "completed" else {}
    return CallFactory(
        enrollment=enrollment, state="ended", outcome=outcome, is_error=outcome == "failed", **answered
    )


def say(slug: str, **typed: str) -> Callable[[Client, Enrollment], None]:
    """Choose a disposition on the page of the contact's call."""

    def choose(client: Client, enrollment: Enrollment) -> None:
        call = call_of(enrollment, OUTCOMES[enrollment.status])
        url = reverse("analytics:call", args=[call.pk])
        Person(client).opens(url).presses("/disposition/", disposition=slug, **typed)

    return choose


def say_another(status: str) -> Callable[[Client, Enrollment], None]:
    """Choose another disposition of a call whose contact waits for a callback."""

    def choose(client: Client, enrollment: Enrollment) -> None:
        if status == "retry":
            ReattemptRuleFactory(channel=enrollment.channel, outcome="busy")
            enrollment.channel.voice.attempts_per_contact = 3
            enrollment.channel.voice.save()
        call = call_of(enrollment, OUTCOMES[status])
        url = reverse("analytics:call", args=[call.pk])
        slug = "no_decision" if status == "unsuccessful" else "interested"
        Person(client).opens(url).presses("/disposition/", disposition=slug)

    return choose


IN_AN_HOUR = {"callback_at": f"{timezone.now() + timedelta(hours=1):%Y-%m-%dT%H:%M}"}
HOW: dict[str, Callable[[Client, Enrollment], Any]] = {
    "skip": skip,
    "bring_back": undo_a_skip("pending"),
    "bring_back_retry": undo_a_skip("retry"),
    "bring_back_callback": undo_a_skip("callback"),
    "try_again": retry,
    "bring_forward": retry,
    "call_back": say("callback", **IN_AN_HOUR),
    "complete": say("interested"),
    "not_achieved": say("no_decision"),
    "refuse": say("do_not_call"),
    **{f"no_callback_{status}": say_another(status) for status in OUTCOMES if status != "callback"},
}


@pytest.mark.parametrize(("move", "source"), of_a_person(ENROLLMENT))
def test_a_contact_is_moved_from_its_row_or_from_its_call(as_supervisor, move, source):
    enrollment = place(source)
    how = forbid if move == "refuse" and source in {"pending", "retry"} else HOW[move]

    how(as_supervisor, enrollment)

    enrollment.refresh_from_db()
    assert enrollment.status == ENROLLMENT[move].target


def test_those_passed_over_for_a_list_are_brought_back_from_the_lists(as_supervisor):
    enrollment = place("pending")
    a_list = ListFactory(members=[enrollment.contact])
    campaign = enrollment.channel.campaign
    exclusion = campaign.campaign_exclusions.create(list=a_list)
    reason = f"On the exclusion list “{a_list.name}”"
    Enrollment.objects.filter(pk=enrollment.pk).update(status="skipped", reason=reason)
    remove_exclusion(campaign=campaign, list=exclusion.list, actor=None)

    lists = reverse("campaigns:lists", args=[campaign.pk])
    Person(as_supervisor).opens(lists).presses("/bring-back/")

    enrollment.refresh_from_db()
    assert enrollment.status == "pending"
    assert Channel.objects.get().status == "running"
