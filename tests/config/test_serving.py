"""``script/server``: where its demo may be loaded."""

from __future__ import annotations

import pytest

from config.demo import PASSWORD, may_load_demo, people_with_the_published_password
from tests.factories import UserFactory


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "[::1]"])
def test_the_demo_is_for_this_machine(host):
    assert may_load_demo(is_local=True, carrier_is_simulated=True, host=host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.5", "203.0.113.9", "calls.example.com"])  # noqa: S104
def test_there_is_no_demo_where_others_can_come(host):
    assert not may_load_demo(is_local=True, carrier_is_simulated=True, host=host)


@pytest.mark.parametrize(("is_local", "carrier_is_simulated"), [(False, True), (True, False), (False, False)])
def test_there_is_no_demo_with_a_public_address_or_a_real_carrier(is_local, carrier_is_simulated):
    assert not may_load_demo(is_local=is_local, carrier_is_simulated=carrier_is_simulated, host="127.0.0.1")


@pytest.mark.django_db
def test_people_of_the_demo_who_kept_its_password_are_found():
    for username, password in (("admin", PASSWORD), ("agent", "another"), ("mara", PASSWORD)):
        person = UserFactory(username=username)
        person.set_password(password)
        person.save(update_fields=["password"])
    assert people_with_the_published_password() == ["admin"]
