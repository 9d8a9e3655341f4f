"""What the menu does with a campaign: archive, duplicate, delete."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import editor_required
from campaigns import services
from campaigns.models import Campaign
from campaigns.queries import campaign_counts
from campaigns.refusals import Refusal
from campaigns.views.command_center.moves import dialog
from campaigns.views.deeds import attempt, back, go_to
from interface.toasts import toast


@editor_required
@require_POST
def archive(request: HttpRequest, campaign_id: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    _, refusal = attempt(services.archive_campaign, campaign=campaign, actor=request.user)
    if refusal is None:
        toast(request, f"{campaign.name} was archived. It is found under Archived.")
    return _told(request, campaign, refusal)


@editor_required
@require_POST
def duplicate(request: HttpRequest, campaign_id: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    copy, refusal = attempt(services.duplicate_campaign, campaign=campaign, actor=request.user)
    if copy is None:
        return _told(request, campaign, refusal)
    toast(request, f"{campaign.name} was duplicated. This is the copy, a draft.")
    return go_to(request, copy.get_absolute_url())


def _told(request: HttpRequest, campaign: Campaign, refusal: Refusal | None) -> HttpResponse:
    """For what a menu does: there is no place beside it for a refusal, so a toast says it."""
    if not request.htmx:  # type: ignore[attr-defined]
        return back(request, campaign.get_absolute_url(), refusal)
    if refusal is not None:
        toast(request, refusal.message, level=messages.ERROR)
    response = HttpResponse(status=204)
    response.headers["HX-Trigger"] = "refresh"
    return response


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Asks for the name; archiving is offered as the better choice."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    context = {
        "section": "campaigns",
        "campaign": campaign,
        "counts": campaign_counts([campaign.pk])[campaign.pk],
        "channels": campaign.channels.count(),
        "question": "campaigns/_ask_delete.html",
    }
    if request.method != "POST":
        return dialog(request, context)
    name = request.POST.get("name", "")
    _, refusal = attempt(services.delete_campaign, campaign=campaign, actor=request.user, name=name)
    if refusal is not None:
        return dialog(request, {**context, "refusal": refusal, "typed": name}, status=409)
    toast(request, f"{campaign.name} was deleted. Its calls stay in the history.")
    return go_to(request, _list_they_were_in(request))


def _list_they_were_in(request: HttpRequest) -> str:
    """The manager as they saw it when they deleted from there, all campaigns say; else as it begins."""
    manager = reverse("campaigns:manager")
    address = request.htmx.current_url_abs_path or ""  # type: ignore[attr-defined]
    return str(address) if address.partition("?")[0] == manager else manager
