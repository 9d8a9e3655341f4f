"""Random buttons pressed, for an hour of simulated time, while the engine runs and the carrier misbehaves.

Nobody who presses them may see an error of ours, and none may break what must always hold.
``BUTTONS_EXAMPLES=20 BUTTONS_STEPS=400 pytest tests/engine/test_buttons.py`` goes on for longer, and
``BUTTONS_SEED`` presses others.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.db.models import Count, F
from django.http import HttpResponseBase
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import Role
from campaigns.lifecycles import IN_PROGRESS, WAITING, ChannelStatus, derive_campaign_status
from campaigns.models import Activity, Campaign, Channel, ChannelDrive, Enrollment, EnrollmentCount
from contacts.models import Contact, DoNotContact, List
from dialer.models import Call
from tests.engine.conftest import Engine, age, campaign_of, check_invariants
from tests.engine.pages import Deed, deeds_of
from tests.factories import CallerIdFactory, ContactFactory, ListFactory, ReattemptRuleFactory, UserFactory

EXAMPLES = int(os.environ.get("BUTTONS_EXAMPLES", "2"))
STEPS = int(os.environ.get("BUTTONS_STEPS", "40"))
SEED = int(os.environ.get("BUTTONS_SEED", "1"))
HOUR = 60
FAULTS = (
    {"kind": "error_after", "probability": 0.3, "status": 500},
    {"kind": "error_before", "probability": 0.3, "status": 503},
    {"kind": "rate_limited", "probability": 0.5},
    {"kind": "bad_json", "probability": 0.2},
    {"kind": "webhook_lost", "probability": 0.3},
    {"kind": "webhook_doubled", "probability": 0.5},
    {"kind": "webhook_reordered", "probability": 0.3},
)
randomness = st.integers(min_value=0, max_value=2**32 - 1).map(random.Random)


class Buttons(RuleBasedStateMachine):
    """Two people at two pages, the engine beneath them."""

    engine: Engine
    pressed: Counter[str]
    verbs: Counter[str]
    calls: int

    def __init__(self) -> None:
        super().__init__()
        self.minutes = 0
        self.engine.carrier.reset()
        CallerIdFactory()
        for busy in ("+14155550002", "+14155550004"):
            channel = campaign_of(12, busy, voice__attempts_per_contact=2)
            ReattemptRuleFactory(channel=channel, outcome="busy", delay_minutes=10, max_times=1)
        ListFactory(members=ContactFactory.create_batch(5))
        self.people = [Client(), Client()]
        for client in self.people:
            client.force_login(UserFactory(role=Role.SUPERVISOR))
        self.pages: list[list[Deed]] = [[], []]
        self.dialogs: list[list[Deed]] = [[], []]
        self.engine.start(drivers=2)

    # --- What people do --------------------------------------------------------------------------------

    def _clicks(self, chance: random.Random) -> None:
        """Five of one person, most of them on what is on the page."""
        who = chance.randint(0, 1)
        for _ in range(5):
            [deed] = chance.choices(
                [self._campaign, self._link, self._button, self._badge], weights=[15, 20, 50, 15]
            )
            if chosen := deed(chance, who):
                self._do(chosen, chance, who)

    def _campaign(self, chance: random.Random, who: int) -> Deed:
        addresses = ["/campaigns/", "/contacts/", "/settings/", "/history/"]
        for pk in Campaign.objects.values_list("pk", flat=True):
            tabs = ("", "", "contacts/", "lists/", "activity/", "edit/", "launch/", "results/")
            addresses += [f"/campaigns/{pk}/{tab}" for tab in tabs]
        return Deed("get", chance.choice(addresses))

    def _link(self, chance: random.Random, who: int) -> Deed | None:
        links = [deed for deed in self.pages[who] if not deed.changes_something]
        return chance.choice(links) if links else None

    def _button(self, chance: random.Random, who: int) -> Deed | None:
        asked, self.dialogs[who] = self.dialogs[who], []
        buttons = [deed for deed in asked or self.pages[who] if deed.changes_something]
        return chance.choice(buttons) if buttons else None

    def _badge(self, chance: random.Random, who: int) -> Deed | None:
        found = list(Campaign.objects.filter(archived_at=None).values_list("pk", "status"))
        if not found:
            return Deed("get", "/campaigns/new/")
        pk, status = chance.choice(found)
        return Deed("post", f"/campaigns/{pk}/press/here/", (("seen", status),), is_htmx=True)

    def _clicks_at_once(self, chance: random.Random) -> None:
        """Both press something at the same moment."""
        every = [deed for page in self.pages for deed in page if deed.changes_something]
        if len(every) < 2:
            return
        chosen, failures = chance.sample(every, 2), []
        seeds = [chance.random(), chance.random()]

        def press(who: int) -> None:
            try:
                self._answered(chosen[who], self._send(chosen[who], random.Random(seeds[who]), who))
            except BaseException as failure:
                failures.append((chosen[who], failure))
            finally:
                connection.close()

        threads = [threading.Thread(target=press, args=(who,)) for who in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not failures, failures

    # --- What happens ----------------------------------------------------------------------------------

    # One rule, since of several hypothesis leaves some out, and nobody would press anything.
    @rule(chance=randomness)
    def something_happens(self, chance: random.Random) -> None:
        [what] = chance.choices(
            [self._clicks, self._clicks_at_once, self._minutes_pass, self._fault, self._carrier_behaves],
            weights=[60, 15, 15, 5, 5],
        )
        what(chance)

    def _minutes_pass(self, chance: random.Random, minutes: int = 0) -> None:
        minutes = minutes or chance.randint(1, 15)
        turn_the_clock(minutes)
        self.minutes += minutes
        time.sleep(0.3)

    def _fault(self, chance: random.Random) -> None:
        self.engine.carrier.add_fault(**chance.choice(FAULTS))

    def _carrier_behaves(self, chance: random.Random) -> None:
        self.engine.carrier.clear_faults()

    # --- What must hold --------------------------------------------------------------------------------

    @invariant()
    def all_is_as_it_must_be(self) -> None:
        check_a_moment()

    def teardown(self) -> None:
        try:
            self.engine.carrier.clear_faults()
            while self.minutes < HOUR:
                self._minutes_pass(random.Random(0), 15)
            for channel in Channel.objects.filter(status=ChannelStatus.RUNNING):
                self._do(
                    Deed(
                        "post", f"/campaigns/{channel.campaign_id}/channels/{channel.pk}/pause/", is_htmx=True
                    ),
                    random.Random(0),
                    0,
                )
            self.engine.carrier.wait_idle(60)
            # No POST is under way longer than the carrier is waited for.
            time.sleep(sum(django_settings.CARRIER_TIMEOUTS))
            self.engine.wait_for(self._is_quiet, 60, "the last calls to end")
            check_a_moment()
            check_invariants(self.engine.carrier)
            type(self).verbs.update(Activity.objects.values_list("verb", flat=True))
            type(self).calls += Call.objects.filter(accepted_at__isnull=False).count()
        finally:
            self.engine.stop()
            with connection.cursor() as cursor:
                cursor.execute(
                    "TRUNCATE campaigns_campaign, contacts_contact, contacts_list, dialer_call CASCADE"
                )

    def _is_quiet(self) -> bool:
        """Nothing is under way any more. The carrier is idle: what is in doubt may be old at once."""
        for call in Call.objects.filter(is_live=True):
            age(call, minutes=2)
        return not Call.objects.filter(is_live=True).exists()

    def _send(self, deed: Deed, chance: random.Random, who: int) -> HttpResponseBase:
        names = list(Campaign.objects.values_list("name", flat=True)[:5])
        return deed.do(self.people[who], chance, names)

    def _do(self, deed: Deed, chance: random.Random, who: int) -> None:
        response = self._send(deed, chance, who)
        for _ in range(3):
            # As a browser goes on.
            location = response.headers.get("HX-Redirect") or response.headers.get("Location")
            if not location:
                break
            response = self.people[who].get(location)
        content = self._answered(deed, response)
        found = deeds_of(content, deed.url) if content else []
        if content and "<html" in content:
            self.pages[who], self.dialogs[who] = found, []
        else:
            # A part of a page: a dialog that asks, most likely.
            self.dialogs[who] = found

    def _answered(self, deed: Deed, response: HttpResponseBase) -> str | None:
        assert response.status_code < 500, f"{deed}: {response.status_code}"
        type(self).pressed[f"{deed.method} {response.status_code}"] += 1
        assert response.status_code != 405, f"{deed} leads nowhere"
        if response.status_code == 409:
            assert response.content.strip() or response.headers.get("HX-Trigger"), (
                f"{deed}: refused without a word"
            )
        if response.streaming:
            b"".join(response.streaming_content)
            return None
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        return response.content.decode() if is_page else None


def turn_the_clock(minutes: int) -> None:
    """All that waits, and all that is over, is so much further in the past; calls under way go on."""
    by = timedelta(minutes=minutes)

    def earlier(*names: str) -> dict[str, Any]:
        return {name: F(name) - by for name in names}

    # Row by row, where the engine holds several: it, too, would wait for us.
    Enrollment.objects.filter(status__in=WAITING).update(**earlier("due_at"))
    for channel in Channel.objects.values_list("pk", flat=True):
        mine = Channel.objects.filter(pk=channel)
        mine.update(**earlier("start_at", "started_at", "finished_at"))
        drive = ChannelDrive.objects.filter(pk=channel)
        drive.update(**earlier("next_start_at", "next_start_in_minute_at", "waiting_until", "trusted_since"))
    DoNotContact.objects.update(**earlier("expires_at"))
    times = ("created_at", "placed_at", "accepted_at", "ringing_at", "answered_at", "ended_at", "callback_at")
    Call.objects.filter(is_live=False).update(**earlier(*times))


def check_a_moment() -> None:
    """What holds at any moment, whatever is under way: looked at as of one moment."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for campaign in Campaign.objects.prefetch_related("channels"):
            statuses = [channel.status for channel in campaign.channels.all()]
            assert campaign.status == derive_campaign_status(statuses), f"{campaign}: {statuses}"
            assert not (campaign.is_archived and ChannelStatus.RUNNING in statuses), f"{campaign} is archived"
        places = ("channel", "run", "status")
        recount = {row[:3]: row[3] for row in Enrollment.objects.values_list(*places).annotate(Count("pk"))}
        kept: Counter[tuple[Any, ...]] = Counter()
        for *place, count in EnrollmentCount.objects.values_list(*places, "count"):
            kept[tuple(place)] += count
        assert {place: count for place, count in kept.items() if count} == recount
        live = Call.objects.filter(is_live=True)
        stray = Enrollment.objects.filter(status__in=IN_PROGRESS).exclude(pk__in=live.values("enrollment"))
        assert not stray.exists(), "in progress, and no call is"
        idle = live.filter(enrollment__isnull=False).exclude(enrollment__status__in=IN_PROGRESS)
        assert not idle.exists(), list(idle.values("state", "enrollment__status"))
        over = Enrollment.objects.filter(
            channel__status=ChannelStatus.COMPLETED, run=F("channel__run"), status__in=WAITING | IN_PROGRESS
        )
        assert not over.exists(), "completed, and somebody waits"


def test_no_button_breaks_what_must_hold_or_shows_an_error(engine, settings):
    Buttons.engine, Buttons.pressed, Buttons.verbs, Buttons.calls = engine, Counter(), Counter(), 0
    run_state_machine_as_test(Buttons, settings=how_long(), _min_steps=STEPS)
    # It was no idle hour.
    assert Buttons.verbs["start"], Buttons.verbs
    assert Buttons.calls, Buttons.pressed
    assert not Contact.objects.exists()
    assert not List.objects.exists()


def how_long() -> settings:
    return settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=SEED == 1,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
