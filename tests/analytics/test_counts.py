"""What the database counts of a campaign's calls equals a recount, whatever is done to them."""

from __future__ import annotations

import random
import threading
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from analytics.queries import ended_calls, summary_of
from campaigns.models import Campaign, Disposition
from dialer.lifecycles import CALL
from dialer.models import Call, CallCount
from tests.factories import CampaignFactory
from tests.factories.dialer import CallFactory


def counted() -> dict:
    rows = CallCount.objects.values_list("campaign_id", "outcome", "disposition_id").annotate(
        Sum("calls"), Sum("seconds"), Sum("cost")
    )
    return {row[:3]: row[3:] for row in rows if any(row[3:])}


def recount() -> dict:
    rows = (
        ended_calls()
        .filter(campaign__isnull=False)
        .order_by()
        .values_list("campaign_id", "outcome", "disposition_id")
        .annotate(
            calls=Count("pk"),
            seconds=Coalesce(Sum("duration_seconds"), 0),
            dollars=Coalesce(Sum("cost"), Decimal(0)),
        )
    )
    return {row[:3]: row[3:] for row in rows}


@pytest.mark.django_db
def test_a_call_counts_once_it_has_ended():
    campaign = CampaignFactory()
    call = CallFactory(campaign=campaign, state="ringing")
    assert counted() == {}
    CALL.apply_to(call, "end", outcome="busy", ended_at=call.created_at, deadline_at=None, duration_seconds=0)
    assert counted() == {(campaign.pk, "busy", None): (1, 0, 0)} == recount()


@pytest.mark.django_db
def test_cost_and_disposition_that_come_later_are_counted():
    call = CallFactory(campaign=CampaignFactory())
    interested = Disposition.objects.get(slug="interested")
    Call.objects.update(cost="0.02100")
    Call.objects.update(disposition=interested)
    assert counted() == {(call.campaign_id, "completed", interested.pk): (1, 60, Decimal("0.02100"))}
    Call.objects.update(disposition=None)
    assert counted() == recount()


@pytest.mark.django_db
def test_calls_never_placed_are_not_counted():
    CallFactory(campaign=CampaignFactory(), outcome="withdrawn")
    assert counted() == {} == recount()


@pytest.mark.django_db
def test_a_deleted_campaigns_counts_go_and_its_calls_stay():
    call, other = CallFactory(campaign=CampaignFactory()), CallFactory(campaign=CampaignFactory())
    call.campaign.delete()
    assert Call.objects.count() == 2
    assert counted() == {(other.campaign_id, "completed", None): (1, 60, 0)} == recount()
    assert not CallCount.objects.exclude(campaign=other.campaign).exists()


@pytest.mark.django_db
def test_deleted_calls_are_counted_no_more():
    CallFactory(campaign=CampaignFactory())
    Call.objects.all().delete()
    assert counted() == {}


@pytest.mark.django_db
def test_the_summary_is_what_the_rows_say():
    campaign = CampaignFactory()
    interested = Disposition.objects.get(slug="interested")
    CallFactory(campaign=campaign, disposition=interested, duration_seconds=100, cost="0.03")
    CallFactory(campaign=campaign, duration_seconds=50, cost="0.02")
    CallFactory(campaign=campaign, outcome="voicemail", duration_seconds=20, cost="0.01")
    CallFactory(campaign=campaign, outcome="no_answer")
    CallFactory(campaign=campaign, outcome="withdrawn")
    CallFactory(campaign=campaign, state="connected")
    CallFactory(campaign=CampaignFactory())
    summary = summary_of(campaign, Disposition.objects.all())
    assert (summary.calls, summary.reached, summary.wins) == (4, 2, 1)
    assert summary.average_seconds == 75
    assert (summary.cost, summary.cost_per_win) == (Decimal("0.06"), Decimal("0.06"))
    assert summary.by_outcome() == {"completed": 2, "voicemail": 1, "no_answer": 1}
    assert summary.by_disposition() == {interested.pk: 1, None: 3}


@pytest.mark.django_db
def test_the_summary_of_nothing_divides_by_nothing():
    summary = summary_of(CampaignFactory(), [])
    assert (summary.calls, summary.average_seconds, summary.cost_per_win) == (0, None, None)


@pytest.mark.django_db(transaction=True)
def test_counts_equal_a_recount_whatever_several_connections_do_at_once():
    campaigns = CampaignFactory.create_batch(2)
    dispositions = [None, *Disposition.objects.all()[:2]]
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        mine: list[int] = []
        try:
            for _ in range(30):
                with transaction.atomic():
                    rows = Call.objects.filter(pk__in=chance.sample(mine, min(len(mine), 4)))
                    deed = chance.randrange(5)
                    if deed == 0:
                        rows.update(disposition=chance.choice(dispositions))
                    elif deed == 1:
                        rows.update(cost=chance.choice(["0.01", None, "1.5"]))
                    elif deed == 2 and chance.random() < 0.5:
                        rows.delete()
                    else:
                        state = chance.choice(["ended", "ended", "ringing"])
                        call = CallFactory(
                            campaign=chance.choice(campaigns),
                            state=state,
                            to_number=f"+1415{seed:03}{chance.randrange(10**4):04}",
                            **({"outcome": chance.choice(["busy", "completed"])} if state == "ended" else {}),
                        )
                        if chance.random() < 0.2:
                            transaction.set_rollback(True)
                        else:
                            mine.append(call.pk)
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert recount()
    assert counted() == recount()
    Campaign.objects.filter(pk=campaigns[0].pk).delete()
    assert counted() == recount()
