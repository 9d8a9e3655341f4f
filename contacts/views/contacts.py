"""Everybody who may be reached, and one of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from contacts.forms.contacts import ContactForm
from contacts.models import Contact, DoNotContact, List
from contacts.queries import number_is_do_not_contact, search_contacts
from contacts.services import Refused, add_to_do_not_contact, edit_contact
from contacts.views.request import Request
from interface.pagination import keyset_page
from interface.toasts import toast


@require_safe
@reader_required
def contacts(request: Request) -> HttpResponse:
    """All contacts, newest first; ``?q=`` searches."""
    query = request.GET.get("q", "").strip()
    found = search_contacts(Contact.objects.all(), query, settings.DEFAULT_COUNTRY)
    page = keyset_page(
        found.select_related("zone_set").annotate(
            is_do_not_call=number_is_do_not_contact(DoNotContact.Scope.VOICE)
        ),
        order=["-id"],
        cursor=request.GET.get("cursor"),
    )
    now = timezone.now()
    context = {
        "section": "contacts",
        "tab": "contacts",
        "query": query,
        "page": page,
        "rows": [(contact, local_time(contact, now)) for contact in page],
        "total": found.count(),
        "is_new": not query and not page.items,
    }
    name = "contacts/contacts.html"
    return render(request, f"{name}#results" if request.htmx else name, context)


@require_safe
@reader_required
def contact(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Contact.objects.select_related("zone_set"), pk=pk)
    context = {
        "section": "contacts",
        "contact": found,
        "local": local_time(found, timezone.now()),
        "lists": List.objects.filter(
            memberships__contact=found, memberships__removed_in__isnull=True
        ).order_by("name"),
        "forbidden": DoNotContact.objects.filter(phone_number=found.phone_number).select_related("created_by")
        if found.phone_number
        else (),
    }
    return render(request, "contacts/contact.html", context)


@editor_required
def edit(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Contact, pk=pk)
    name = str(found)
    form = ContactForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            edit_contact(
                contact=found,
                first_name=form.cleaned_data["first_name"],
                last_name=form.cleaned_data["last_name"],
                email=form.cleaned_data["email"] or "",
                company=form.cleaned_data["company"],
                time_zone=form.cleaned_data["time_zone"],
                fields=form.field_values,
            )
        except Refused as refused:
            form.add_error("email", str(refused))
        else:
            toast(request, f"{found} was saved.")
            return redirect(found)
    context = {"section": "contacts", "contact": found, "name": name, "form": form}
    return render(request, "contacts/contact_edit.html", context, status=422 if form.errors else 200)


@require_POST
@editor_required
def forbid(request: Request, pk: int) -> HttpResponse:
    """Put this person's number on the do-not-contact list."""
    found = get_object_or_404(Contact, pk=pk, phone_number__isnull=False)
    add_to_do_not_contact(
        phone_number=found.phone_number or "", reason=request.POST.get("reason", ""), actor=request.user
    )
    toast(request, f"{found} will not be contacted again.")
    return redirect(found)


@dataclass(frozen=True)
class LocalTime:
    """What the clock shows where a contact is; ``places`` says where that may be."""

    clock: str
    places: str
    is_given: bool


def local_time(contact: Contact, now: dt.datetime) -> LocalTime | None:
    """A contact's time now: one clock, or the earliest and the latest of several possible ones."""
    zones = contact.zone_set.zone_infos()
    if not zones:
        return None
    times = sorted({now.astimezone(zone).replace(tzinfo=None) for zone in zones})
    clocks = [f"{time:%H:%M}" for time in (times[0], times[-1])]
    names = [zone.rpartition("/")[2].replace("_", " ") for zone in contact.zone_set.zones]
    places = names[0] if len(names) == 1 else f"{names[0]} or {len(names) - 1} more"
    return LocalTime(" to ".join(dict.fromkeys(clocks)), places, bool(contact.time_zone))
