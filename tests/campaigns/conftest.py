from __future__ import annotations

import pytest

from campaigns.models import Channel
from tests.factories import ChannelFactory


@pytest.fixture
def draft(db) -> Channel:
    return ChannelFactory(voice__concurrent_calls=1, voice__calls_per_second=1)
