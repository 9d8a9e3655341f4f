"""One call: its panel and page, and what a person says of it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from analytics.forms import DispositionForm
from analytics.panel import panel_of
from campaigns.refusals import Refused
from dialer.models import Call
from dialer.services import set_disposition, set_notes


@reader_required
@require_safe
def call(request: HttpRequest, call_id: int) -> HttpResponse:
    """The call's own page; for htmx its panel, or with ?part=media what may still be on its way."""
    found = get_object_or_404(Call, pk=call_id)
    context = {"panel": panel_of(found, request.user)}
    if not request.htmx:  # type: ignore[attr-defined]
        section = "campaigns" if found.campaign_id else "history"
        return render(request, "analytics/call.html", context | {"section": section})
    part = "media" if request.GET.get("part") == "media" else "panel"
    return render(request, f"analytics/call.html#{part}", context)


@editor_required
@require_POST
def disposition(request: HttpRequest, call_id: int) -> HttpResponse:
    """Choose a disposition; the one that is chosen already is taken back."""
    found = get_object_or_404(Call, pk=call_id)
    form = DispositionForm(request.POST)
    error = ""
    if form.is_valid():
        try:
            set_disposition(
                call=found,
                disposition=form.cleaned_data["disposition"],
                callback_at=form.cleaned_data["callback_at"],
                actor=request.user,  # type: ignore[arg-type]  # editor_required: a User
            )
        except Refused as refused:
            error = str(refused)
    else:
        error = " ".join(str(message) for messages in form.errors.values() for message in messages)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(found)
    context: dict[str, Any] = {"error": error, "oob": not error}
    context["panel"] = panel_of(found, request.user, form if form.errors else None)
    response = render(request, "analytics/call.html#disposition", context, status=422 if error else 200)
    if not error:
        response["HX-Trigger"] = "call-changed"
    return response


@editor_required
@require_POST
def notes(request: HttpRequest, call_id: int) -> HttpResponse:
    """Saved while they are typed; answers with the line that says so."""
    found = get_object_or_404(Call, pk=call_id)
    error = ""
    try:
        set_notes(call=found, notes=request.POST.get("notes", ""), actor=request.user)  # type: ignore[arg-type]
    except Refused as refused:
        error = str(refused)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(found)
    return render(request, "analytics/call.html#saved", {"error": error}, status=422 if error else 200)
