"""Who did what when, the engine included; narrowed down by who it was and by channel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accounts.models import User
from campaigns.models import Activity, Campaign
from campaigns.views.command_center.contacts import chosen_channel
from interface.pagination import Page, keyset_page

PAGE_SIZE = 50
MOST_PEOPLE = 200
ENGINE, PEOPLE = "engine", "people"


def activity_tab(
    request: HttpRequest, campaign: Campaign, frame: dict[str, Any], now: datetime
) -> dict[str, Any]:
    entries = campaign.activities.select_related("actor")
    by, channel_id = request.GET.get("by", ""), chosen_channel(request)
    if by in {ENGINE, PEOPLE}:
        entries = entries.filter(actor__isnull=by == ENGINE)
    elif by.isascii() and by.isdigit() and len(by) < 18:
        entries = entries.filter(actor=int(by))
    if channel_id:
        entries = entries.filter(channel=channel_id)
    page: Page[Activity] = keyset_page(
        entries, order=["-id"], cursor=request.GET.get("cursor"), size=PAGE_SIZE
    )
    people = User.objects.filter(is_active=True).order_by("first_name", "last_name", "pk")[:MOST_PEOPLE]
    kinds = [(ENGINE, "Carillon itself"), (PEOPLE, "Any person")]
    return {
        "page": page,
        "by": by,
        "of_channel": channel_id,
        "doers": kinds + [(str(person.pk), str(person)) for person in people],
        "is_narrowed": bool(by or channel_id),
    }
