"""What is done to hundreds of thousands of contacts at once, and to whom: unassigning, resuming, deleting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from campaigns import services
from campaigns.models import Activity, Campaign, Channel, Enrollment, EnrollmentCount
from contacts.models import Contact, List, ListVersion, Membership
from dialer.models import Call, CallCount
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory, ListFactory
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def awake(settings: Any) -> None:
    settings.QUIET_HOURS_END, settings.QUIET_HOURS_START = 0, 24


def changed(one: List, *, add: Sequence[Contact] = (), remove: Sequence[Contact] = ()) -> None:
    """A new version of a list."""
    number = one.version + 1
    Membership.objects.filter(list=one, contact__in=remove, removed_in=None).update(removed_in=number)
    Membership.objects.bulk_create(Membership(list=one, contact=contact, added_in=number) for contact in add)
    size = one.size + len(add) - len(remove)
    ListVersion.objects.create(list=one, number=number, added=len(add), removed=len(remove), size=size)
    List.objects.filter(pk=one.pk).update(version=number, size=size)
    one.refresh_from_db()


def paused(*lists: List) -> Channel:
    channel = ChannelFactory(lists=lists)
    services.start_channel(channel=channel, actor=None)
    return services.pause_channel(channel=channel, actor=None)


def waiting(channel: Channel) -> set[Contact]:
    return {row.contact for row in Enrollment.objects.filter(channel=channel, status="pending")}


def test_unassigning_takes_those_whom_the_pinned_version_brought():
    anna, bo, cy = contacts = ContactFactory.create_batch(3)
    one, other = ListFactory(members=contacts), ListFactory(members=[cy])
    channel = paused(one, other)
    changed(one, remove=[anna])
    services.unassign_list(channel=channel, list=one, actor=None)
    assert waiting(channel) == {cy}
    assert bo not in waiting(channel)


def test_unassigning_keeps_those_whom_another_lists_pinned_version_brought():
    anna, bo = contacts = ContactFactory.create_batch(2)
    one, other = ListFactory(members=contacts), ListFactory(members=[anna])
    channel = paused(one, other)
    # Of today's other list Bo is a member and Anna is none; the channel has yesterday's.
    changed(other, remove=[anna], add=[bo])
    services.unassign_list(channel=channel, list=one, actor=None)
    assert waiting(channel) == {anna}


def test_unassigning_skips_who_was_tried_and_tells_how_many_left():
    anna, bo, cy = contacts = ContactFactory.create_batch(3)
    one, other = ListFactory(name="West", members=contacts), ListFactory(members=[cy])
    channel = paused(one, other)
    tried = Enrollment.objects.get(contact=anna)
    Enrollment.objects.filter(pk=tried.pk).update(attempts=1)
    call = CallFactory(enrollment=tried, outcome="busy")
    services.unassign_list(channel=channel, list=one, actor=None)
    tried.refresh_from_db()
    call.refresh_from_db()
    assert (tried.status, tried.reason, call.enrollment) == ("skipped", "List West was unassigned", tried)
    assert not Enrollment.objects.filter(contact=bo).exists()
    assert "2 waiting contacts" in Activity.objects.get(verb="unassign").text


@pytest.mark.parametrize("deed", [services.unassign_list, services.take_newest_version])
def test_nobody_reads_a_list_that_fits_no_memory_for_each_member_of_another(deed: Callable[..., Any]):
    """NOT IN does: of lists of a million each, for days."""
    contacts = ContactFactory.create_batch(4)
    one, other = ListFactory(members=contacts), ListFactory(members=contacts[:2])
    channel = paused(one, other)
    changed(one, remove=contacts[2:])
    with CaptureQueriesContext(connection) as ran:
        deed(channel=channel, list=one, actor=None)
    plans = []
    with connection.cursor() as cursor:
        for query in ran.captured_queries:
            if query["sql"].startswith(("UPDATE", "DELETE")) and "contacts_membership" in query["sql"]:
                cursor.execute(f"EXPLAIN {query['sql']}")
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
    assert plans
    assert not [plan for plan in plans if "SubPlan" in plan]


@pytest.mark.parametrize("is_started", [True, False])
def test_who_started_a_campaign_is_not_looked_for_among_all_that_was_done(
    as_supervisor: Any, is_started: bool
):
    """Nor where nobody did: a draft's page would read what was ever done anywhere."""
    channel = ChannelFactory(running=is_started)
    if is_started:
        Activity.objects.create(campaign=channel.campaign, campaign_name="A", verb="start", text="started")
    Activity.objects.bulk_create(
        Activity(campaign=campaign, campaign_name="A", verb="disposition", text="said")
        for campaign in (channel.campaign, ChannelFactory().campaign)
        for _ in range(2_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE campaigns_activity")
    with CaptureQueriesContext(connection) as ran:
        as_supervisor.get(channel.campaign.get_absolute_url())
    (asked,) = [q["sql"] for q in ran.captured_queries if "'rerun'" in q["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "activity_of_start" in plan


def test_resuming_goes_on_with_the_contacts_it_had():
    one = ListFactory(members=3)
    channel = paused(one)
    before = set(Enrollment.objects.values_list("pk", flat=True))
    changed(one, add=[ContactFactory()])
    services.resume_channel(channel=channel, actor=None)
    assert set(Enrollment.objects.values_list("pk", flat=True)) == before
    assert channel.channel_lists.get().version == 1


def test_a_list_assigned_while_paused_is_enrolled_before_it_resumes():
    channel = paused(ListFactory(members=3))
    services.assign_list(channel=channel, list=ListFactory(members=2), actor=None)
    services.resume_channel(channel=channel, actor=None)
    assert len(waiting(channel)) == 5


def test_a_deleted_campaigns_calls_are_kept_and_nothing_else_of_it(django_assert_max_num_queries):
    channel, other = ChannelFactory(paused=True), ChannelFactory(paused=True)
    second = ChannelFactory(paused=True, campaign=channel.campaign, name="Second")
    for each in (channel, second, other):
        for _ in range(20):
            CallFactory(enrollment=EnrollmentFactory(channel=each, status="completed"))
        EnrollmentFactory.create_batch(20, channel=each)
    campaign = channel.campaign
    kept = Call.objects.filter(campaign=campaign)
    before = list(kept.order_by("id").values("id", "campaign_name", "channel_name", "contact", "outcome"))
    with django_assert_max_num_queries(60):
        services.delete_campaign(campaign=campaign, actor=None, name=campaign.name)
    calls = Call.objects.filter(pk__in=[row["id"] for row in before])
    assert (
        list(calls.order_by("id").values("id", "campaign_name", "channel_name", "contact", "outcome"))
        == before
    )
    assert set(calls.values_list("campaign", "channel", "enrollment")) == {(None, None, None)}
    assert list(Campaign.objects.all()) == [other.campaign]
    assert Activity.objects.get(verb="delete").campaign is None
    # Another campaign's are as they were, and the counts are a recount.
    assert Call.objects.filter(campaign=other.campaign, enrollment__channel=other).count() == 20
    counted = EnrollmentCount.objects.values_list("channel", "status").annotate(n=Sum("count"))
    recount = Counter(Enrollment.objects.values_list("channel", "status"))
    assert (
        {(c, s): n for c, s, n in counted}
        == recount
        == {
            (other.pk, "completed"): 20,
            (other.pk, "pending"): 20,
        }
    )
    assert set(CallCount.objects.values_list("campaign").annotate(n=Sum("calls"))) == {
        (other.campaign_id, 20)
    }
