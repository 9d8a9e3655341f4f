"""Logging in: who may, where it leads, and how guessing is slowed down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts import throttling
from accounts.models import LogInAttempt, Role
from tests.factories import UserFactory
from tests.factories.accounts import PASSWORD


@pytest.fixture
def mara(db):
    return UserFactory(username="mara")


def log_in(client, username="mara", password=PASSWORD, next_url="", **extra):
    data = {"username": username, "password": password, "next": next_url}
    return client.post(reverse("login"), data, **extra)


def test_the_right_password_leads_to_the_campaigns(client, mara):
    response = log_in(client)

    assert response.headers["Location"] == "/"
    assert client.get("/").headers["Location"] == "/campaigns/"


def test_pages_ask_to_log_in_and_lead_back(client, mara):
    here = "/campaigns/?status=active"
    asked = client.get(here)

    assert asked.headers["Location"] == "/login/?next=/campaigns/%3Fstatus%3Dactive"
    assert log_in(client, next_url=here).headers["Location"] == here


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_logging_in_leads_nowhere_else(client, mara, elsewhere):
    assert log_in(client, next_url=elsewhere).headers["Location"] == "/"


def test_a_wrong_password_says_so_and_keeps_the_name(client, mara):
    response = log_in(client, password="wrong")

    assert response.status_code == 422
    assert "don’t belong together" in response.text
    assert 'value="mara"' in response.text


def test_an_account_that_is_switched_off_stays_out(client, mara):
    mara.is_active = False
    mara.save(update_fields=["is_active"])

    assert log_in(client).status_code == 422


def test_after_five_wrong_passwords_the_right_one_has_to_wait(client, mara):
    for _ in range(throttling.TRIES):
        log_in(client, password="wrong")

    response = log_in(client)

    assert response.status_code == 422
    assert "Too many wrong passwords. Try again in 15 minutes, at " in response.text
    assert "_auth_user_id" not in client.session


def test_waiting_long_enough_lets_one_in_again(client, mara):
    for _ in range(throttling.TRIES):
        log_in(client, password="wrong")
    LogInAttempt.objects.update(at=timezone.now() - throttling.WINDOW)

    assert log_in(client).status_code == 302


def test_refused_tries_while_waiting_do_not_make_it_longer(client, mara):
    for _ in range(throttling.TRIES + 3):
        log_in(client, password="wrong")

    assert LogInAttempt.objects.count() == throttling.TRIES


def test_the_same_name_is_not_locked_for_others_addresses(client, mara):
    for _ in range(throttling.TRIES):
        log_in(client, password="wrong", REMOTE_ADDR="203.0.113.9")

    assert log_in(client, REMOTE_ADDR="198.51.100.4").status_code == 302


def test_many_names_from_one_address_are_slowed_down_too(client, mara):
    now = timezone.now()
    for number in range(throttling.TRIES_OF_AN_ADDRESS):
        throttling.count_attempt(username=f"name-{number}", address="127.0.0.1", now=now)

    assert "Too many" in log_in(client).text


def test_the_case_of_a_name_makes_no_new_tries(client, mara):
    for name in ("mara", "Mara", "MARA", " mara", "mArA"):
        log_in(client, username=name, password="wrong")

    assert "Too many" in log_in(client).text


def test_logging_in_forgets_the_wrong_tries_before(client, mara):
    for _ in range(throttling.TRIES - 1):
        log_in(client, password="wrong")
    log_in(client)

    assert not LogInAttempt.objects.exists()


def test_old_tries_are_removed_as_new_ones_come(client, mara):
    throttling.count_attempt(username="x", address="y", now=timezone.now() - timedelta(days=1))
    log_in(client, password="wrong")

    assert list(LogInAttempt.objects.values_list("username", flat=True)) == ["mara"]


def test_behind_our_proxy_its_word_on_the_address_counts(rf, settings):
    request = rf.get("/", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9"})

    settings.SECURE_PROXY_SSL_HEADER = None
    assert throttling.address_of(request) == "127.0.0.1"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert throttling.address_of(request) == "203.0.113.9"


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:1:2:3", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_addresses_that_one_subscriber_chooses_from_are_counted_as_one(rf, address, counted_as):
    assert throttling.address_of(rf.get("/", REMOTE_ADDR=address)) == counted_as


def test_another_address_of_the_same_network_gives_no_new_tries(client, mara):
    for number in range(throttling.TRIES):
        log_in(client, password="wrong", REMOTE_ADDR=f"2001:db8::{number}")

    assert "Too many" in log_in(client, REMOTE_ADDR="2001:db8::ffff").text


@pytest.mark.django_db(transaction=True)
def test_of_many_tries_at_once_only_so_many_are_let_through():
    def attempt(_: int) -> object:
        try:
            return throttling.count_attempt(username="mara", address="203.0.113.9", now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(attempt, range(12)))

    assert answers.count(None) == throttling.TRIES
    assert LogInAttempt.objects.count() == throttling.TRIES


@pytest.mark.parametrize("username", ["\x00", "a" * 5000, "' OR 1=1 --", "‮mara", "\ud83d\ude00"])
def test_strange_names_are_simply_wrong(client, db, username):
    response = log_in(client, username=username.encode("utf-16", "surrogatepass").decode("utf-16"))

    assert response.status_code == 422


def test_without_being_remembered_the_session_ends_with_the_browser(client, mara):
    log_in(client)
    assert client.session.get_expire_at_browser_close()

    client.logout()
    client.post(reverse("login"), {"username": "mara", "password": PASSWORD, "remember": "on"})
    assert not client.session.get_expire_at_browser_close()


def test_a_fragment_asked_for_after_the_session_ended_reloads_the_whole_page(client, db):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/campaigns/7/?q=a"}
    response = client.get("/campaigns/7/", headers=headers, follow=True)

    assert response.headers["HX-Redirect"] == "/login/?next=%2Fcampaigns%2F7%2F%3Fq%3Da"


def test_logging_out_takes_a_post(as_supervisor):
    assert as_supervisor.get(reverse("logout")).status_code == 405
    assert as_supervisor.post(reverse("logout")).headers["Location"] == "/login/"
    assert as_supervisor.get("/campaigns/").status_code == 302


def test_people_change_their_own_password(as_supervisor, supervisor):
    new = "a-carillon-has-23-bells"
    data = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

    assert as_supervisor.post(reverse("password"), data | {"old_password": "x"}).status_code == 422
    assert as_supervisor.post(reverse("password"), data).status_code == 302
    supervisor.refresh_from_db()
    assert supervisor.check_password(new)


@pytest.mark.parametrize(
    ("role", "is_staff", "is_superuser"),
    [(Role.ADMIN, True, True), (Role.SUPPORT, True, False), (Role.SUPERVISOR, False, False)],
)
def test_a_role_given_in_the_admin_decides_about_the_admin(as_admin, role, is_staff, is_superuser):
    person = UserFactory(role=Role.VIEWER, username="newcomer")
    url = reverse("admin:accounts_user_change", args=[person.pk])

    response = as_admin.post(url, {"username": "newcomer", "role": role, "is_active": "on"})

    assert response.status_code == 302
    person.refresh_from_db()
    assert (person.role, person.is_staff, person.is_superuser) == (role, is_staff, is_superuser)


def test_administrators_cannot_lock_themselves_out(as_admin, admin):
    url = reverse("admin:accounts_user_change", args=[admin.pk])
    as_admin.post(url, {"username": admin.username, "role": Role.VIEWER})

    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == (Role.ADMIN, True)
    assert as_admin.post(reverse("admin:accounts_user_delete", args=[admin.pk])).status_code == 403
