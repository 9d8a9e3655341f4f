"""The channels of a campaign: another one, another name, and away with one that did nothing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.permissions import editor_required
from campaigns import services
from campaigns.forms.channels import ChannelForm, RenameForm
from campaigns.models import Campaign
from campaigns.refusals import Refused
from campaigns.services.composition import delete_refusal
from campaigns.views.command_center.moves import dialog
from campaigns.views.deeds import attempt, go_to
from campaigns.views.editor.shared import address, channel_of, person_of
from interface.toasts import toast


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def channel_new(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Add a channel, and go on to its settings."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    form = ChannelForm(request.POST if request.method == "POST" else None, campaign=campaign)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                channel = form.save(actor=person_of(request))
            except Refused as refused:
                form.add_error("name", str(refused))
                status = 409
            else:
                toast(request, f"{channel.name} was added. It is started on its own.")
                return redirect(address("channel_edit", channel))
    context = {"section": "campaigns", "campaign": campaign, "form": form}
    return render(request, "campaigns/editor/channel_new.html", context, status=status)


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def channel_rename(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    """GET asks for the name, POST gives it."""
    channel = channel_of(campaign_id, channel_id)
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"name": channel.name})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                form.save(channel=channel, actor=person_of(request))
            except Refused as refused:
                form.add_error("name", str(refused))
                status = 409
            else:
                return go_to(request, channel.campaign.get_absolute_url())
    context = {
        "section": "campaigns",
        "campaign": channel.campaign,
        "channel": channel,
        "form": form,
        "question": "campaigns/editor/ask_rename.html",
    }
    return dialog(request, context, status=status)


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def channel_delete(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    """GET asks first, or says why not; POST deletes."""
    channel = channel_of(campaign_id, channel_id)
    refusal = delete_refusal(channel)
    if request.method == "POST":
        _, refused = attempt(services.delete_channel, channel=channel, actor=person_of(request))
        if refused is None:
            toast(request, f"{channel.name} was deleted. It was never started.")
            return go_to(request, channel.campaign.get_absolute_url())
        refusal = refused.message
    context = {
        "section": "campaigns",
        "campaign": channel.campaign,
        "channel": channel,
        "refusal": refusal,
        "question": "campaigns/editor/ask_delete.html",
    }
    return dialog(request, context, status=409 if request.method == "POST" else 200)
