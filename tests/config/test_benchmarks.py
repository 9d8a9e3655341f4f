"""Benchmarks that need an installation after years of work, on a small one: that they still run."""

from __future__ import annotations

import pytest
from django.db import connection

from bench.data import FULL_PAGE, Sizes, fill
from bench.pages import QUERIES, describe
from bench.preflight import measure
from campaigns.models import Campaign, Channel
from contacts.models import Contact
from dialer.models import Call

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def years_of_work(transactional_db):
    # The first campaigns, and whoever is in them, are told by their keys, which other tests used up.
    with connection.cursor() as cursor:
        for model in (Contact, Campaign, Channel):
            cursor.execute(f"ALTER SEQUENCE {model._meta.db_table}_id_seq RESTART")
    fill(Sizes(contacts=6_000, calls=6_000, campaigns=60))


def test_every_page_that_is_measured_answers_with_few_queries(years_of_work):
    known = describe()
    assert {name: queries for name, queries in known["queries"].items() if queries > QUERIES} == {}
    # What is compared with a larger installation fills its page in this one too.
    assert Call.objects.filter(campaign=known["one"]).count() > FULL_PAGE
    assert Call.objects.filter(to_number__contains=known["four"]).count() >= FULL_PAGE
    running = Call.objects.filter(campaign=known["big"])
    assert running.filter(contact_name="Chloe Martínez").count() > FULL_PAGE
    assert Contact.objects.filter(first_name="Chloe", last_name="Martínez").count() > FULL_PAGE


def test_preflight_is_measured_beside_a_bare_count(years_of_work):
    figures = measure(1)
    assert min(figures.values()) > 0
    assert figures["waiting"] < Campaign.objects.get(status="active").channels.get().enrollments.count()
