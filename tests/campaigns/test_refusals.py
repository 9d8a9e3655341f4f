"""What is refused of channels: in words that say what to do instead."""

from __future__ import annotations

import pytest

from campaigns import services
from campaigns.lifecycles import CHANNEL, ChannelStatus
from campaigns.refusals import Refused
from lifecycle import By
from tests.factories import ChannelFactory, ListFactory

pytestmark = pytest.mark.django_db

MOVES = {
    "start": services.start_channel,
    "unschedule": services.unschedule_channel,
    "pause": services.pause_channel,
    "resume": services.resume_channel,
    "stop": services.stop_channel,
    "rerun": services.rerun_channel,
}


@pytest.mark.parametrize("status", ChannelStatus)
@pytest.mark.parametrize("move", MOVES)
def test_a_move_that_is_not_possible_says_what_is_and_changes_nothing(move, status):
    if status in CHANNEL[move].sources:
        return
    trait = {} if status == ChannelStatus.READY else {status.value: True}
    channel = ChannelFactory(lists=[ListFactory(members=1)], **trait)

    with pytest.raises(Refused) as refused:
        MOVES[move](channel=channel, actor=None)

    words = str(refused.value)
    assert words.startswith(f"{CHANNEL[move].label} is not possible: this channel is {status.label.lower()}")
    assert words.endswith(" already.") or words.count(".") == 2, words
    channel.refresh_from_db()
    assert channel.status == status


def test_every_persons_move_but_scheduling_is_tried_here():
    assert {move.name for move in CHANNEL.moves if By.PERSON in move.by} - {"schedule"} == set(MOVES)
