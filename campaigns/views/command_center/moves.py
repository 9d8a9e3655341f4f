"""Moving a channel, or the whole campaign by its badge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import editor_required
from campaigns import services
from campaigns.forms.launch import StartLaterForm
from campaigns.lifecycles import ChannelStatus
from campaigns.models import Campaign, Channel
from campaigns.queries import channel_counts
from campaigns.refusals import Refusal
from campaigns.views.deeds import attempt, back, press
from campaigns.waiting import channel_waits_for
from interface.toasts import toast

MOVES: dict[str, tuple[Callable[..., Any], str]] = {
    "start": (services.start_channel, "started"),
    "start-now": (services.start_now, "started"),
    "unschedule": (services.unschedule_channel, "is ready again; its schedule was cancelled"),
    "pause": (services.pause_channel, "paused. Calls in progress finish"),
    "resume": (services.resume_channel, "goes on"),
    "stop": (services.stop_channel, "stopped for good"),
    "rerun": (services.rerun_channel, "started again"),
}


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, campaign_id: int, channel_id: int, move: str) -> HttpResponse:
    """GET asks first, where a move can't be undone; POST makes it."""
    if move not in MOVES and move != "schedule":
        raise Http404
    channel = get_object_or_404(
        Channel.objects.select_related("campaign", "schedule"), pk=channel_id, campaign=campaign_id
    )
    if move == "schedule":
        return _schedule(request, channel)
    if request.method != "POST":
        return _ask(request, channel, move)
    refusal = make(request, channel, move)
    return answer(request, channel.campaign, refusal, channel.status)


def make(request: HttpRequest, channel: Channel, move: str) -> Refusal | None:
    """Make a move and say so, or return why not."""
    service, done = MOVES[move]
    moved, refusal = attempt(service, channel=channel, actor=request.user)
    if moved is not None:
        scheduled = move == "start" and moved.status == ChannelStatus.SCHEDULED
        toast(request, f"{channel.name} {'scheduled' if scheduled else done}.")
    return refusal


def _schedule(request: HttpRequest, channel: Channel) -> HttpResponse:
    """Start at a time: asks for it, and says beside it what is wrong with it."""
    now = timezone.now()
    form = StartLaterForm(request.POST if request.method == "POST" else None, channel=channel, now=now)
    context = {
        "section": "campaigns",
        "campaign": channel.campaign,
        "channel": channel,
        "form": form,
        "question": "campaigns/_ask_schedule.html",
    }
    if request.method != "POST":
        return dialog(request, context)
    if not form.is_valid():
        return dialog(request, context, status=422)
    scheduled, refusal = attempt(form.save, actor=request.user)
    if scheduled is None:
        return dialog(request, {**context, "refusal": refusal}, status=409)
    toast(request, f"{channel.name} scheduled; it {channel_waits_for(scheduled, now)}.")
    return answer(request, channel.campaign, None, channel.status)


def _ask(request: HttpRequest, channel: Channel, move: str) -> HttpResponse:
    if move not in {"stop", "rerun"}:
        raise Http404
    counts = channel_counts([channel])[channel.pk]
    context = {
        "section": "campaigns",
        "campaign": channel.campaign,
        "channel": channel,
        "move": move,
        "counts": counts,
        "question": f"campaigns/_ask_{move}.html",
    }
    return dialog(request, context)


@editor_required
@require_POST
def press_here(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The badge of the header was pressed."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    refusal = press(request, campaign)
    return answer(request, campaign, refusal, campaign.status)


def answer(request: HttpRequest, campaign: Campaign, refusal: Refusal | None, status: str) -> HttpResponse:
    """Done: the page asks for what changed. Refused: the reason, beside what was pressed."""
    if not request.htmx:  # type: ignore[attr-defined]
        return back(request, campaign.get_absolute_url(), refusal)
    if refusal is not None:
        return render(request, "campaigns/_refusal.html", {"refusal": refusal, "status": status}, status=409)
    response = HttpResponse(status=204)
    response.headers["HX-Trigger"] = "refresh"
    return response


def dialog(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A question: in a dialog, or without scripts on a page of its own."""
    template = context["question"] if request.htmx else "campaigns/question.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)
