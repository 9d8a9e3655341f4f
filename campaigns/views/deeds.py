"""How a page does what was asked, and says what came of it: done, or refused and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from campaigns.refusals import Refusal, Refused
from interface.toasts import toast


def attempt(deed: Callable[..., Any], **arguments: Any) -> tuple[Any, Refusal | None]:
    """The deed's result and None, or None and why it was refused."""
    try:
        return deed(**arguments), None
    except Refused as refused:
        return None, refused.refusal


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
