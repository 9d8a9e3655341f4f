"""Erasing a person: a page that says what goes and what stays, and asks to type who it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.permissions import editor_required
from contacts.models import Contact, Import
from contacts.phone_numbers import dialable
from contacts.services import Refused, rejected_by_name, waiting_uploads
from dialer.erasing import erase_contact, extent_of
from interface.toasts import toast


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def erase(request: HttpRequest, contact_id: int) -> HttpResponse:
    contact = get_object_or_404(Contact, pk=contact_id, erased_at=None)
    keep = request.method != "POST" or request.POST.get("keep") == "on"
    typed = request.POST.get("typed", "")
    error = ""
    if request.method == "POST":
        if not _is(contact, typed):
            error = "That is neither the name nor the number of this person."
        else:
            waiting = waiting_uploads(contact)
            try:
                erase_contact(
                    contact=contact,
                    actor=_person(request),
                    keep_do_not_contact=keep,
                    rejected=_chosen(request),
                )
            except Refused as refused:
                error = str(refused)
            else:
                toast(request, f"The person was erased.{_still_held(waiting)}")
                return redirect("contacts:contacts")
    context = {
        "section": "contacts",
        "contact": contact,
        "extent": extent_of(contact),
        "waiting": waiting_uploads(contact),
        "by_name": rejected_by_name(contact),
        "chosen": _chosen(request),
        "typed": typed,
        "keep": keep,
        "error": error,
    }
    return render(request, "analytics/erase_contact.html", context, status=422 if error else 200)


def _person(request: HttpRequest) -> Any:
    return request.user


def _chosen(request: HttpRequest) -> set[int]:
    """The rejected rows of which the person said that they are of this one."""
    keys = request.POST.getlist("rejected")
    return {int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 19}


def _still_held(waiting: Sequence[Import]) -> str:
    if not waiting:
        return ""
    names = ", ".join(f"“{one.file_name}”" for one in waiting[:3])
    more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
    return f" Not imported yet, and still with this person in it: {names}{more}. Discard it under Imports."


def _is(contact: Contact, typed: str) -> bool:
    """Whether somebody typed who it is: the name, the number in any notation, or the address."""
    written = " ".join(typed.split()).casefold()
    if not written:
        return False
    if written in {contact.name.casefold(), (contact.email or "").casefold()}:
        return True
    return bool(contact.phone_number) and dialable(typed, settings.DEFAULT_COUNTRY) == contact.phone_number
