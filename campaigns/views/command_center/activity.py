"""Who did what when, the engine included."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from campaigns.models import Activity, Campaign
from interface.pagination import Page, keyset_page

PAGE_SIZE = 50


def activity_tab(
    request: HttpRequest, campaign: Campaign, frame: dict[str, Any], now: datetime
) -> dict[str, Any]:
    page: Page[Activity] = keyset_page(
        campaign.activities.select_related("actor"),
        order=["-id"],
        cursor=request.GET.get("cursor"),
        size=PAGE_SIZE,
    )
    return {"page": page}
