"""Whom the numbers of a preflight count: a page for each of them, and a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.permissions import reader_required
from campaigns.fates import People, Reason
from campaigns.models import Channel
from campaigns.planning import planned_for
from campaigns.preflight import COUNT_KEPT_SECONDS, preflight
from contacts.contact_csv import contacts_as_csv
from contacts.exporting import download
from contacts.models import Contact
from contacts.queries import search_contacts
from contacts.services import Refused
from contacts.views.rows import rows_of
from interface.pagination import Page, keyset_page, position_of
from interface.toasts import toast

logger = logging.getLogger(__name__)

PAGE_SIZE = 50


@dataclass(frozen=True)
class Shown:
    """A reason's page: its title, what it means, and what it says when nobody is there."""

    title: str
    text: str
    empty: str


PAGES: dict[Reason, Shown] = {
    Reason.CALLED: Shown(
        "Will be called",
        "Everybody whom this campaign calls, as its lists and settings are now.",
        "Nobody will be called",
    ),
    Reason.LATER: Shown(
        "Called later",
        "They had as many attempts as the cap allows, and are called once it leaves room.",
        "Nobody is over the cap now",
    ),
    Reason.DO_NOT_CONTACT: Shown(
        "On do-not-contact",
        "Their numbers must not be called, whatever any campaign says.",
        "Nobody is on do-not-contact",
    ),
    Reason.EXCLUDED: Shown(
        "On an exclusion list",
        "They are on an exclusion list of this campaign.",
        "Nobody is on an exclusion list",
    ),
    Reason.WITHOUT_NUMBER: Shown(
        "No phone number",
        "Only their email address is known.",
        "Everybody has a phone number",
    ),
    Reason.NEVER_OPEN: Shown(
        "Never open within these hours",
        "The hours of this campaign never meet those in which they may be called.",
        "Everybody is open at some time",
    ),
    Reason.CAPPED_FOR_GOOD: Shown(
        "Over the cap until the last day",
        "They had as many attempts as the cap allows, and the last day comes before it leaves room.",
        "Nobody is over the cap for so long",
    ),
    Reason.DUPLICATES: Shown(
        "In several lists",
        "More than one list of this campaign has them. Each of them is called once, if at all.",
        "Nobody is in several lists",
    ),
}


def _asked(request: HttpRequest, campaign_id: int, channel_id: int) -> tuple[Channel, Reason, str]:
    """The channel; ?reason= and ?q=."""
    channels = Channel.objects.select_related("campaign")
    channel = get_object_or_404(channels, pk=channel_id, campaign=campaign_id)
    reason = request.GET.get("reason", Reason.CALLED)
    if reason not in PAGES:
        raise Http404
    return channel, Reason(reason), request.GET.get("q", "").replace("\0", "").strip()[:100]


@reader_required
@require_safe
def people(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    """A page of those whom one number of the preflight counts; ?count for how many that are."""
    channel, reason, text = _asked(request, campaign_id, channel_id)
    now = timezone.now()
    if "count" in request.GET:
        told = preflight(channel, now, counted_within_seconds=COUNT_KEPT_SECONDS)
        return render(request, "campaigns/people.html#count", {"reason": reason, "count": told.of(reason)})
    page = _page(People(channel, now), reason, text, request.GET.get("cursor"))
    context = {
        "section": "campaigns",
        "campaign": channel.campaign,
        "channel": channel,
        "reason": reason,
        "shown": PAGES[reason],
        "q": text,
        "page": page,
        "rows": rows_of(page.items),
    }
    name = "campaigns/people.html"
    return render(request, f"{name}#results" if request.htmx else name, context)  # type: ignore[attr-defined]


def _page(people: People, reason: Reason, text: str, cursor: str | None) -> Page[Contact]:
    order = ["-id"]
    position = position_of(Contact.objects.all(), order=order, cursor=cursor)
    side, key = (position[0], position[1][0]) if position else ("", None)
    found = people.next_of(
        reason,
        most=PAGE_SIZE + 1,
        after=key if side == "after" else None,
        before=key if side == "before" else None,
        matching=search_contacts(Contact.objects.all(), text, settings.DEFAULT_COUNTRY) if text else None,
    )
    if position and not found:
        # Those around the cursor are gone: the first page rather than an empty one.
        return _page(people, reason, text, None)
    rows = Contact.objects.filter(pk__in=found).select_related("zone_set")
    return keyset_page(rows, order=order, cursor=cursor, size=PAGE_SIZE)


@reader_required
@require_safe
def export(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponseBase:
    """Exactly the contacts that the page shows at the same address, all pages of them."""
    channel, reason, text = _asked(request, campaign_id, channel_id)
    # Without the query: whom somebody looked for is in it.
    logger.info("%s exported %s", request.user.get_username(), request.path)
    people = People(channel, timezone.now())
    contacts = people.of(reason)
    if text:
        matching = search_contacts(Contact.objects.all(), text, settings.DEFAULT_COUNTRY)
        contacts = contacts.filter(pk__in=matching.order_by().values("pk"))
    try:
        with planned_for(people.size):
            content = contacts_as_csv(contacts) if request.method == "GET" else iter(())
    except Refused as refused:
        toast(request, str(refused), level=messages.ERROR)
        address = reverse("campaigns:preflight_people", args=[campaign_id, channel_id])
        return redirect(f"{address}?reason={reason}")
    name = f"{channel.campaign.name}, {PAGES[reason].title.lower()}-{timezone.localdate():%Y-%m-%d}.csv"
    return download(_planned(content, people.size), name)


def _planned(content: Iterator[bytes], rows: int) -> Iterator[bytes]:
    """What the database makes while it is sent, planned for so many."""
    with planned_for(rows):
        yield from content
