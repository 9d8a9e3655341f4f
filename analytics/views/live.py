"""Parts of the command center that only the calls can tell: composed by URL, refreshed by themselves."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.permissions import reader_required
from analytics import queries
from campaigns.models import Campaign, Channel


@require_safe
@reader_required
def pace(request: HttpRequest, channel_id: int) -> HttpResponse:
    """How fast a channel calls right now, and how many of its last calls were answered."""
    channel = get_object_or_404(Channel.objects.select_related("voice"), pk=channel_id)
    context = {"channel": channel, "pace": queries.pace_of(channel, timezone.now())}
    return render(request, "analytics/pace.html", context)


@require_safe
@reader_required
def results_count(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """How many results a campaign has: the number on its tab."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    return render(request, "analytics/results_count.html", {"calls": queries.results_count(campaign)})
