"""Erasing a person: a page that says what goes and what stays, and asks to type who it is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.permissions import editor_required
from contacts.models import Contact
from contacts.phone_numbers import dialable
from contacts.services import Refused
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
            try:
                erase_contact(contact=contact, actor=_person(request), keep_do_not_contact=keep)
            except Refused as refused:
                error = str(refused)
            else:
                toast(request, "The person was erased.")
                return redirect("contacts:contacts")
    context = {
        "section": "contacts",
        "contact": contact,
        "extent": extent_of(contact),
        "typed": typed,
        "keep": keep,
        "error": error,
    }
    return render(request, "analytics/erase_contact.html", context, status=422 if error else 200)


def _person(request: HttpRequest) -> Any:
    return request.user


def _is(contact: Contact, typed: str) -> bool:
    """Whether somebody typed who it is: the name, the number in any notation, or the address."""
    written = " ".join(typed.split()).casefold()
    if not written:
        return False
    if written in {contact.name.casefold(), (contact.email or "").casefold()}:
        return True
    return bool(contact.phone_number) and dialable(typed, settings.DEFAULT_COUNTRY) == contact.phone_number
