"""Everybody who may be reached, and one of them."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from accounts.saved_views import ListPage, default_address, views_of
from contacts.contact_csv import contacts_as_csv
from contacts.everybody import Chosen, EverybodyFilters
from contacts.exporting import download
from contacts.forms.chosen import OPERATIONS
from contacts.forms.contacts import ContactForm, NewContactForm
from contacts.importing.reading import clean
from contacts.local_time import local_time, zones_in_words
from contacts.models import Contact, CustomField, DoNotContact, DoNotContactRemoval, List
from contacts.queries import Count, count_of, do_not_contact, everybody
from contacts.services import (
    KnownAlready,
    NumberStays,
    Refused,
    create_contact,
    edit_contact,
    forbid_contacts,
    lists_of,
    replace_contact,
)
from contacts.views.request import Request
from contacts.views.rows import rows_of
from contacts.views.selects import selects
from interface.pagination import keyset_page
from interface.templatetags.interface import phone_text
from interface.toasts import toast

logger = logging.getLogger(__name__)

LISTS_OFFERED = 200
VIEWS = ListPage(
    "contacts", "the contacts", ("q", "list", "email", "number", "do_not_contact", "zone", "since")
)


@require_safe
@reader_required
def contacts(request: Request) -> HttpResponse:
    """All contacts, newest first, narrowed down by what the address says."""
    if address := default_address(request, VIEWS):
        return redirect(address)
    filters = EverybodyFilters.of(request.GET)
    found = filters.contacts()
    page = keyset_page(
        found.select_related("zone_set"),
        order=[filters.order],
        cursor=request.GET.get("cursor"),
        twin="id" if filters.list else "",
    )
    if (size := filters.known_size()) is not None:
        count = Count(size)
    elif page.next or page.previous:
        count = count_of(found)
    else:
        count = Count(len(page))
    context = {
        "section": "contacts",
        "tab": "contacts",
        "views": views_of(request, VIEWS),
        "filters": filters,
        "query": filters.of_contacts.q,
        "given": filters.given,
        "address": filters.address(),
        "page": page,
        "rows": rows_of(page.items),
        "count": count,
        "choosing": request.user.may_edit,
        "is_new": filters.is_empty and not page.items,
    }
    name = "contacts/contacts.html"
    if request.htmx:
        return render(request, f"{name}#results", context)
    context |= {
        "selects": selects(filters.of_contacts),
        "lists": List.objects.order_by("name").values_list("pk", "name")[:LISTS_OFFERED],
    }
    return render(request, name, context)


@require_safe
@reader_required
def export(request: Request) -> HttpResponseBase:
    """Exactly the contacts that the page shows at the same address, all pages of them."""
    # Without the query: whom somebody looked for is in it.
    logger.info("%s exported %s", request.user.get_username(), request.path)
    filters = EverybodyFilters.of(request.GET)
    try:
        found = filters.contacts().order_by(filters.order)
        content = contacts_as_csv(found) if request.method == "GET" else ()
    except Refused as refused:
        toast(request, str(refused), level=messages.ERROR)
        return redirect("contacts:contacts")
    return download(content, f"contacts-{timezone.localdate():%Y-%m-%d}.csv")


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def chosen(request: Request, operation: str) -> HttpResponse:
    """Something done with contacts that were chosen: a page, or a dialog for htmx."""
    if operation not in OPERATIONS:
        raise Http404
    form = OPERATIONS[operation](
        request.POST if request.method == "POST" else None, chosen=Chosen.of(request.GET)
    )
    if request.method == "POST" and form.is_valid():
        try:
            said = form.do(request.user)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            toast(request, said)
            return redirect(form.back)
    name = "contacts/contacts_chosen.html"
    return render(
        request,
        f"{name}#dialog" if request.htmx else name,
        {"section": "contacts", "form": form},
        status=422 if request.method == "POST" else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def new(request: Request) -> HttpResponse:
    """Somebody added by hand; or instead of a contact whose number is wrong, where the address says so."""
    replaced = request.GET.get("instead_of", "")
    old = get_object_or_404(everybody(), pk=int(replaced)) if _is_key(replaced) else None
    form = NewContactForm(request.POST or None, instead_of=old)
    if request.method == "POST" and form.is_valid():
        try:
            if old is None:
                made = create_contact(**form.cleaned_data, actor=request.user)
            else:
                made = replace_contact(contact=old, **form.cleaned_data, actor=request.user)
        except KnownAlready as refused:
            form.add_error("phone_number" if refused.contact.phone_number else "email", _with_link(refused))
        except Refused as refused:
            form.add_error("phone_number", str(refused))
        else:
            toast(request, f"{_called(made)} was added.")
            return redirect(made)
    context = {
        "section": "contacts",
        "form": form,
        "replaced": old,
        "lists": lists_of(old).order_by("name") if old else (),
    }
    return render(request, "contacts/contact_new.html", context, status=422 if form.errors else 200)


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _with_link(known: KnownAlready) -> str:
    address = known.contact.get_absolute_url()
    return format_html('{} <a class="link" href="{}">See the contact</a>', str(known), address)


@require_safe
@reader_required
def contact(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(everybody().select_related("zone_set"), pk=pk)
    address = _address(found)
    forbidden = list(do_not_contact().filter(address).select_related("created_by").order_by("scope"))
    labels = {field.name: field.label for field in CustomField.objects.filter(name__in=found.fields)}
    context = {
        "section": "contacts",
        "contact": found,
        "local": local_time(found, timezone.now()),
        "zones_in_words": zones_in_words(found),
        "lists": lists_of(found).order_by("name"),
        "fields": [(name, labels.get(name, name), value) for name, value in found.fields.items()],
        "forbidden": forbidden,
        "removals": DoNotContactRemoval.objects.filter(address)
        .select_related("removed_by")
        .order_by("-removed_at")[:5],
        # Until the number and the address are forbidden for everything and for good.
        "may_forbid": {found.phone_number, found.email}
        - {None, ""}
        - {
            entry.phone_number or entry.email
            for entry in forbidden
            if entry.scope == DoNotContact.Scope.ALL and not entry.expires_at
        },
    }
    return render(request, "contacts/contact.html", context)


def _address(contact: Contact) -> Q:
    """Entries about a contact: about its number, and about its address."""
    number = Q(phone_number=contact.phone_number) if contact.phone_number else Q(pk__in=[])
    return number | Q(email=contact.email) if contact.email else number


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def edit(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(everybody(), pk=pk)
    name = str(found)
    form = ContactForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            edit_contact(
                contact=found, fields=form.changed_values, actor=request.user, **form.changed_details
            )
        except KnownAlready as refused:
            form.add_error("phone_number", _with_link(refused))
        except Refused as refused:
            form.add_error("phone_number" if isinstance(refused, NumberStays) else "email", str(refused))
        else:
            toast(request, f"{_called(found)} was saved.")
            return redirect(found)
    context: dict[str, Any] = {"section": "contacts", "contact": found, "name": name, "form": form}
    return render(request, "contacts/contact_edit.html", context, status=422 if form.errors else 200)


@require_POST
@editor_required
def forbid(request: Request, pk: int) -> HttpResponse:
    """Put this person's number and email address on the do-not-contact list."""
    found = get_object_or_404(everybody(), pk=pk)
    reason = request.POST.get("reason", "")
    try:
        forbid_contacts(contacts=everybody().filter(pk=found.pk), reason=clean(reason), actor=request.user)
    except Refused as refused:
        toast(request, str(refused), level=messages.ERROR)
    else:
        toast(request, f"{_called(found)} will not be contacted again.")
    return redirect(found)


def _called(contact: Contact) -> str:
    """A contact’s name, or its number as people write it."""
    if contact.phone_number and not contact.name:
        return phone_text(contact.phone_number)
    return str(contact)
