"""Put on do-not-contact while a campaign runs at full speed: never dialed after that commit.

``FORBIDDING_CONTACTS=20000 FORBIDDING_SEED=7 script/test FILE --log-cli-level=INFO`` looks for longer, and
elsewhere, and tells how late the latest POST was.
"""

from __future__ import annotations

import io
import logging
import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import close_old_connections, connection

from campaigns.lifecycles import DONE
from campaigns.models import Channel, Enrollment
from campaigns.services import add_exclusion
from contacts.importing.running import run_import
from contacts.models import Contact, Import, List
from contacts.services import (
    add_lines_to_do_not_contact,
    add_numbers,
    add_to_do_not_contact,
    map_import,
    upload_import,
)
from dialer.driving import placing
from dialer.models import Call
from tests.engine.conftest import Engine, campaign_of, check_invariants, started
from tests.factories import ListFactory

logger = logging.getLogger(__name__)

CONTACTS = int(os.environ.get("FORBIDDING_CONTACTS", "400"))
SEED = int(os.environ.get("FORBIDDING_SEED", "1"))
# How long after a commit a POST may reach the carrier that had been let through before it: what lies
# between the last look and the POST at the most (else it is looked once more), and the POST's own flight.
FLIGHT_SECONDS = 2.0
BOUND_SECONDS = placing.LOOK_AGAIN_SECONDS + FLIGHT_SECONDS


def database_clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


class Forbidders:
    """People and machines that put numbers on the list, each in its own way, until nobody waits."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.moments: dict[str, datetime] = {}
        self.ways: Counter[str] = Counter()
        self.failures: list[BaseException] = []
        self._lock = threading.Lock()
        self._excluded = ListFactory(name="Customers")
        add_exclusion(campaign=channel.campaign, list=self._excluded, actor=None)
        ways: dict[str, Callable[[list[str]], Any]] = {
            "one": self.one,
            "lines": self.lines,
            "file": self.file,
            "list": self.exclude,
            "new list": self.new_list,
        }
        self._threads = [
            threading.Thread(target=self._work, args=(name, way, random.Random(f"{SEED} {name}")))
            for name, way in ways.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
        assert not self.failures, repr(self.failures)

    def _work(self, name: str, way: Callable[[list[str]], Any], chance: random.Random) -> None:
        try:
            while numbers := self._some(chance):
                way(numbers)
                # The commit was before this moment, however long before.
                now = database_clock()
                with self._lock:
                    self.ways[name] += len(numbers)
                    for number in numbers:
                        self.moments[number] = min(now, self.moments.get(number, now))
        except BaseException as failure:
            self.failures.append(failure)
        finally:
            close_old_connections()
            connection.close()

    def _some(self, chance: random.Random) -> list[str]:
        """Some who wait: half of the times those whose turn comes next."""
        waiting = Enrollment.objects.filter(channel=self.channel, status="pending").order_by("due_at", "id")
        found = waiting.values_list("contact__phone_number", flat=True)[: chance.choice([40, 4000])]
        numbers = [number for number in found if number not in self.moments]
        return chance.sample(numbers, min(len(numbers), chance.randint(1, 3)))

    def one(self, numbers: list[str]) -> None:
        for number in numbers[:1]:
            add_to_do_not_contact(phone_number=number, scope="voice", source="keypress")
        del numbers[1:]

    def lines(self, numbers: list[str]) -> None:
        add_lines_to_do_not_contact(lines="\n".join(numbers), country="US", scope="all", actor=None)

    def file(self, numbers: list[str]) -> None:
        dnc_import = upload_import(
            file=io.BytesIO("\n".join(["Phone", *numbers]).encode()),
            file_name="never.csv",
            purpose=Import.Purpose.DO_NOT_CONTACT,
            country="US",
            scope="all",
            actor=None,
        )
        map_import(contact_import=dnc_import, mapping={0: "phone_number"}, has_header=True)
        while True:
            # The worker may have been quicker.
            run_import(dnc_import.pk)
            dnc_import.refresh_from_db()
            if dnc_import.status == "completed":
                break
        assert dnc_import.created + dnc_import.unchanged == len(numbers)

    def exclude(self, numbers: list[str]) -> None:
        add_numbers(list=self._excluded, lines="\n".join(numbers), country="US", actor=None)

    def new_list(self, numbers: list[str]) -> None:
        members = list(Contact.objects.filter(phone_number__in=numbers))
        new: List = ListFactory(members=members)
        add_exclusion(campaign=self.channel.campaign, list=new, actor=None)


@pytest.mark.parametrize("drivers", [1, 2])
def test_nobody_is_dialed_after_the_commit_that_forbids_it(engine: Engine, drivers: int):
    engine.carrier.set(answer_rate=1, ring_seconds=2, talk_seconds=4)
    channel = started(campaign_of(CONTACTS))
    forbidders = Forbidders(channel)
    engine.start(drivers=drivers)
    engine.wait_for(lambda: Call.objects.exclude(accepted_at=None).count() >= 5)
    forbidders.start()
    forbidders.join()
    engine.wait_completed(channel, 60 + CONTACTS / 10)
    engine.carrier.wait_idle(60)
    check_invariants(engine.carrier)

    forbidden = forbidders.moments
    late = [
        (call.to_number, call.placed_at - forbidden[call.to_number])
        for call in Call.objects.exclude(placed_at=None).filter(to_number__in=forbidden)
        if call.placed_at > forbidden[call.to_number]
    ]
    assert late == [], "looked at after the commit, and let through"
    posted = {
        f"+{call['to']}": datetime.fromtimestamp(call["posted_at"], UTC) for call in engine.carrier.ledger()
    }
    after = [(posted[n] - moment).total_seconds() for n, moment in forbidden.items() if n in posted]
    worst = max(after, default=float("-inf"))
    told = (
        f"{len(forbidden)} of {CONTACTS} forbidden ({dict(forbidders.ways)}), {len(after)} of them dialed;"
        f" the latest POST came {worst * 1000:.1f} ms after the commit, of at most {BOUND_SECONDS:g} s"
    )
    logger.info(told)
    assert worst <= BOUND_SECONDS, told

    # It was a race, and everybody ended as they should.
    assert set(forbidders.ways) == {"one", "lines", "file", "list", "new list"}
    assert len(set(forbidden) - set(posted)) > CONTACTS / 10
    # Who was dialed before may have been hung up on while the phone rang, or as they answered.
    taken_back = set(Call.objects.filter(is_taken_back=True).values_list("to_number", flat=True))
    for enrollment in Enrollment.objects.select_related("contact"):
        number = enrollment.contact.phone_number
        assert enrollment.status in DONE
        is_passed_over = enrollment.status in {"do_not_call", "skipped"}
        if number not in taken_back:
            assert is_passed_over == (number not in posted), (number, enrollment.status, enrollment.reason)
        assert number in forbidden or not is_passed_over
