"""Pools: calls are shared by weight, nobody gets more than they can take, and who fails is left alone."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Assistant, ChannelDrive, PoolMember
from campaigns.rulebook import Talker, load_rulebook, rulebook
from dialer import progress
from dialer.driving.spreading import Load, loads_of, room, spread
from dialer.models import Call, CarrierAccount
from tests.engine.test_claim import claimed, leased, waiting
from tests.engine.test_hooks import TOKEN, document, tell
from tests.factories import AssistantFactory, AssistantPoolFactory
from tests.factories.dialer import CallFactory

# --- Who takes a call --------------------------------------------------------------------------------------


def talker(number: int, weight: int = 1, most_calls: int | None = None) -> Talker:
    return Talker(number, f"Assistant {number}", "wss://a.example.com", False, weight, most_calls)


def test_calls_are_shared_by_weight():
    found = Counter(each.assistant_id for each in spread([talker(1), talker(2, weight=3)], {}, 40))
    assert found == {1: 10, 2: 30}


def test_who_has_the_fewest_takes_the_next():
    loads = {1: Load(5), 2: Load(2), 3: Load(3)}
    found = Counter(each.assistant_id for each in spread([talker(1), talker(2), talker(3)], loads, 5))
    assert found == {2: 3, 3: 2}


def test_nobody_gets_more_than_they_can_take():
    talkers = [talker(1, most_calls=2), talker(2, most_calls=1)]
    assert room(talkers, {1: Load(1)}) == 2
    assert len(spread(talkers, {1: Load(1)}, 5)) == 2
    assert room([*talkers, talker(3)], {}) is None


def test_who_could_not_be_reached_rests_unless_all_of_them_do():
    talkers = [talker(1), talker(2)]
    assert {each.assistant_id for each in spread(talkers, {1: Load(is_resting=True), 2: Load(9)}, 5)} == {2}
    both = {1: Load(is_resting=True), 2: Load(is_resting=True)}
    assert {each.assistant_id for each in spread(talkers, both, 4)} == {1, 2}


@given(
    members=st.lists(
        st.tuples(st.integers(1, 100), st.none() | st.integers(1, 9), st.integers(0, 12), st.booleans()),
        max_size=6,
    ),
    calls=st.integers(0, 30),
)
def test_whatever_the_pool_its_room_is_what_can_be_spread(members, calls):
    talkers = [talker(n, weight, most) for n, (weight, most, _, _) in enumerate(members)]
    loads = {n: Load(live, resting) for n, (_, _, live, resting) in enumerate(members)}
    free = room(talkers, loads)
    found = spread(talkers, loads, calls)
    assert len(found) == (calls if free is None else min(calls, free))
    for number, count in Counter(each.assistant_id for each in found).items():
        most = talkers[number].most_calls
        assert most is None or loads[number].live_calls + count <= most


# --- The engine --------------------------------------------------------------------------------------------


@pytest.fixture
def account(settings: Any) -> None:
    settings.PLIVO_AUTH_TOKEN = TOKEN
    settings.PUBLIC_URL = "https://calls.example.com"
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24
    settings.ACCOUNT_CALLS_PER_SECOND = 100_000


def pooled(members: dict[Assistant, int], contacts: int = 12, **options: Any) -> Any:
    """A running channel of a pool, with contacts who wait."""
    settings = {"voice__destination": "pool", "voice__assistant": None, **options}
    channel = leased(schedule__time_zone="UTC", voice__pool=AssistantPoolFactory(members=members), **settings)
    for _ in range(contacts):
        waiting(channel)
    return channel


def ringing(channel: Any, assistant: Assistant | None = None) -> Call:
    """A call that was placed; somebody is about to answer."""
    place = waiting(channel, status="calling")
    return CallFactory(enrollment=place, state="ringing", assistant=assistant, deadline_at=timezone.now())


def taken(channel: Any) -> Counter[str]:
    """Who takes the channel's calls, now that as many were started as may."""
    ChannelDrive.objects.update(next_start_at=timezone.now() - timedelta(hours=1))
    CarrierAccount.objects.update(next_start_at=timezone.now() - timedelta(hours=1))
    claimed(channel)
    return Counter(Call.objects.filter(channel=channel).values_list("assistant_name", flat=True))


@pytest.mark.django_db
@pytest.mark.usefixtures("account")
class TestEngine:
    def test_a_claim_shares_the_calls(self):
        grace, ada = AssistantFactory(name="Grace"), AssistantFactory(name="Ada")
        assert taken(pooled({grace: 2, ada: 1})) == {"Grace": 8, "Ada": 4}

    def test_calls_of_other_channels_count(self):
        grace, ada = AssistantFactory(name="Grace"), AssistantFactory(name="Ada")
        for _ in range(6):
            CallFactory(state="connected", assistant=grace)
        CallFactory(assistant=ada)
        assert taken(pooled({grace: 1, ada: 1}, contacts=6)) == {"Ada": 6}

    def test_what_the_assistants_can_take_limits_the_calls(self):
        grace, ada = AssistantFactory(name="Grace", most_calls=3), AssistantFactory(name="Ada", most_calls=1)
        CallFactory(state="ringing", assistant=grace)
        channel = pooled({grace: 1, ada: 1})
        assert taken(channel) == {"Grace": 2, "Ada": 1}
        assert taken(channel) == {"Grace": 2, "Ada": 1}

    def test_a_single_assistant_may_be_limited_too(self):
        channel = pooled(
            {}, voice__destination="assistant", voice__assistant=AssistantFactory(name="Grace", most_calls=2)
        )
        assert taken(channel) == {"Grace": 2}

    def test_an_assistant_that_is_not_active_takes_no_calls(self):
        grace, ada = AssistantFactory(name="Grace"), AssistantFactory(name="Ada", is_active=False)
        assert taken(pooled({grace: 1, ada: 5})) == {"Grace": 12}

    def test_others_take_over_for_one_that_could_not_be_reached(self):
        grace, ada = AssistantFactory(name="Grace"), AssistantFactory(name="Ada")
        missed = CallFactory(state="connected", assistant=grace)
        progress.miss_assistant(call_id=missed.pk, why="busy", data={})
        channel = pooled({grace: 1, ada: 1}, contacts=4)
        assert taken(channel) == {"Ada": 4}
        Assistant.objects.filter(resting_until__isnull=False).update(
            resting_until=timezone.now() - timedelta(seconds=1)
        )
        for _ in range(3):
            waiting(channel)
        assert taken(channel) == {"Ada": 4, "Grace": 3}

    def test_each_call_is_connected_to_its_own_assistant(self):
        grace = AssistantFactory(url="wss://grace.example.com/calls")
        ada = AssistantFactory(kind="sip", url="sip:ada@example.com")
        channel = pooled({grace: 1, ada: 1}, contacts=0)
        said = {}
        for assistant in (grace, ada):
            call = ringing(channel, assistant)
            said[assistant] = document(tell(call.pk, "answer"))
        assert said[grace].find("Stream").text == grace.url
        assert said[ada].find("Dial/User").text == ada.url

    def test_a_call_whose_assistant_left_goes_to_another(self):
        grace, gone = AssistantFactory(url="wss://grace.example.com/calls"), AssistantFactory()
        call = ringing(pooled({grace: 1}, contacts=0), gone)
        assert document(tell(call.pk, "answer")).find("Stream").text == grace.url

    def test_a_key_of_an_announcement_leads_to_a_pool(self):
        grace = AssistantFactory(name="Grace", most_calls=1, url="wss://grace.example.com/calls")
        channel = pooled(
            {grace: 1},
            contacts=0,
            voice__destination="announcement",
            voice__announcement_text="Hi.",
            voice__talk_key="1",
            voice__talk_to="pool",
            voice__nobody_text="Nobody is free.",
        )
        told = []
        for _ in range(2):
            call = ringing(channel)
            tell(call.pk, "answer")
            told.append(document(tell(call.pk, "key", query="?turn=1&talk=1", Digits="1")))
        assert told[0].find("Stream").text == grace.url
        # She has no more room.
        assert told[1].find("Speak").text == "Nobody is free."

    def test_a_change_of_the_pool_counts_from_the_next_call_on(self):
        grace, ada = AssistantFactory(), AssistantFactory()
        channel = pooled({grace: 1}, contacts=0)

        def names() -> set[int]:
            channel.refresh_from_db()
            return {each.assistant_id for each in rulebook(channel.pk, channel.revision).talkers}

        assert names() == {grace.pk}
        member = PoolMember.objects.create(pool=channel.voice.pool, assistant=ada)
        assert names() == {grace.pk, ada.pk}
        ada.is_active = False
        ada.save()
        assert names() == {grace.pk}
        member.delete()
        grace.url = "wss://new.example.com"
        grace.save()
        channel.refresh_from_db()
        assert load_rulebook(channel.pk).talkers == rulebook(channel.pk, channel.revision).talkers

    def test_one_assistant_without_a_limit_costs_no_look(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert loads_of([talker(1)]) == {}
