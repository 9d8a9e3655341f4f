"""Toasts: a sentence on what was done, with Undo where it can be undone.

A full page shows them as it is rendered; with an htmx response they travel in its HX-Trigger header.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

LEVELS = {
    messages.DEBUG: "info",
    messages.INFO: "info",
    messages.SUCCESS: "success",
    messages.WARNING: "warning",
    messages.ERROR: "error",
}
_UNDO = "undo:"
_SEE = "see:"


def toast(
    request: HttpRequest, text: str, *, level: int = messages.SUCCESS, undo: str = "", see: str = ""
) -> None:
    """Say ``text`` to the person; ``undo`` is the URL that a POST undoes it with.

    ``see``, where there is no ``undo``: the page of what it was done to, where it can be taken back.
    """
    tags = f"{_UNDO}{undo}" if undo else f"{_SEE}{see}" if see else ""
    messages.add_message(request, level, text, extra_tags=tags)


def told(request: HttpRequest) -> list[dict[str, str]]:
    """The messages waiting for this person, as {text, level, undo, see}; reading them uses them up."""
    return [
        {
            "text": str(message),
            "level": LEVELS.get(message.level, "info"),
            "undo": _after(_UNDO, message.extra_tags or ""),
            "see": _after(_SEE, message.extra_tags or ""),
        }
        for message in messages.get_messages(request)
    ]


def _after(name: str, tags: str) -> str:
    return tags.removeprefix(name) if tags.startswith(name) else ""


class ToastMiddleware:
    """Hands waiting messages to htmx responses that are swapped into a page (not to redirects)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not getattr(request, "htmx", False) or response.status_code in {301, 302, 303, 304, 307, 308}:
            return response
        if response.has_header("HX-Redirect") or response.has_header("HX-Refresh"):
            return response
        # Reading the messages opens the session; a poll that has none should not.
        storage = getattr(request, "_messages", None)
        if storage is None or not (storage.added_new or request.method != "GET"):
            return response
        toasts = told(request)
        if toasts:
            _add_trigger(response, toasts)
        return response


def _add_trigger(response: HttpResponse, toasts: list[dict[str, str]]) -> None:
    """Beside whatever the view triggers itself: names, or an object of names and details."""
    given = response.headers.get("HX-Trigger", "")
    events: dict[str, Any]
    if given.startswith("{"):
        events = json.loads(given)
    else:
        events = {name.strip(): None for name in given.split(",") if name.strip()}
    response.headers["HX-Trigger"] = json.dumps({**events, "toast": toasts})
