"""How a page does what was asked, and says what came of it: done, or refused and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from campaigns.models import Campaign
from campaigns.refusals import Refusal, Refused
from campaigns.services import press_campaign
from interface.toasts import toast


def attempt(deed: Callable[..., Any], **arguments: Any) -> tuple[Any, Refusal | None]:
    """The deed's result and None, or None and why it was refused."""
    try:
        return deed(**arguments), None
    except Refused as refused:
        return None, refused.refusal


def press(request: HttpRequest, campaign: Campaign) -> Refusal | None:
    """The campaign's badge was pressed: do its obvious thing, say so, or return why not.

    ``seen`` is the status that the person saw. Where it is another by now (a second click, a colleague,
    the engine), nothing is done: what they meant is no longer what would happen.
    """
    seen = request.POST.get("seen", campaign.status)
    if seen != campaign.status:
        return None
    verb, refusal = attempt(press_campaign, campaign=campaign, actor=request.user)
    if verb:
        toast(request, f"{campaign.name}: {verb}.")
    return refusal


def go_to(request: HttpRequest, url: str) -> HttpResponse:
    """A whole new page: for htmx by its header, else by a redirect."""
    if request.htmx:  # type: ignore[attr-defined]
        response = HttpResponse()
        response.headers["HX-Redirect"] = url
        return response
    return HttpResponseRedirect(url)


def back(request: HttpRequest, fallback: str, refusal: Refusal | None) -> HttpResponse:
    """Without scripts: back to the page that asked, with a refusal as a message."""
    if refusal is not None:
        toast(request, refusal.message, level=messages.ERROR)
    referrer = request.headers.get("Referer", "")
    own = url_has_allowed_host_and_scheme(referrer, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(referrer if own else fallback)
