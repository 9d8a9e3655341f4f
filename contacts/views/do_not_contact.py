"""Numbers and addresses that must not be reached."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import editor_required, reader_required
from contacts.forms.do_not_contact import DoNotContactForm
from contacts.models import DoNotContact
from contacts.phone_numbers import normalise
from contacts.services import Refused, add_lines_to_do_not_contact, remove_from_do_not_contact
from contacts.views.request import Request
from interface.pagination import keyset_page
from interface.toasts import toast


@require_http_methods(["GET", "HEAD", "POST"])
@reader_required
def entries(request: Request) -> HttpResponse:
    """The list, newest first, and a form that adds to it."""
    form = DoNotContactForm(request.POST or None)
    result = None
    if request.method == "POST" and request.user.may_edit and form.is_valid():
        try:
            result = add_lines_to_do_not_contact(
                lines=form.cleaned_data["lines"],
                country=form.cleaned_data["country"],
                scope=form.cleaned_data["scope"],
                reason=form.cleaned_data["reason"],
                actor=request.user,
            )
        except Refused as refused:
            form.add_error("lines", str(refused))
        else:
            if not result.invalid:
                toast(request, _told(result.added, result.known))
                return redirect("contacts:do_not_contact")
            wrong = "\n".join(dict.fromkeys(invalid.text for invalid in result.invalid))
            form = DoNotContactForm(initial={**form.cleaned_data, "lines": wrong})
    query = request.GET.get("q", "").replace("\0", "").strip()
    found = _search(query)
    page = keyset_page(found.select_related("created_by"), order=["-id"], cursor=request.GET.get("cursor"))
    context = {
        "section": "contacts",
        "tab": "do_not_contact",
        "query": query,
        "page": page,
        "total": found.count(),
        "form": form,
        "result": result,
        "is_new": not query and not page.items,
    }
    name = "contacts/do_not_contact.html"
    if request.htmx:
        return render(request, f"{name}#results", context)
    return render(request, name, context, status=422 if form.errors else 200)


@require_POST
@editor_required
def remove(request: Request, pk: int) -> HttpResponse:
    entry = get_object_or_404(DoNotContact, pk=pk)
    remove_from_do_not_contact(entry=entry)
    toast(request, "Taken off the do-not-contact list.")
    return redirect("contacts:do_not_contact")


def _search(query: str) -> QuerySet[DoNotContact]:
    found = DoNotContact.objects.all()
    if not query:
        return found
    number = normalise(query, settings.DEFAULT_COUNTRY)
    if isinstance(number, str):
        return found.filter(phone_number=number)
    digits = "".join(char for char in query if char.isdigit()).lstrip("0")
    matches = Q(email__icontains=query) | Q(reason__icontains=query)
    return found.filter(matches | Q(phone_number__contains=digits) if digits else matches)


def _told(added: int, known: int) -> str:
    if not added:
        return "All of them were on the list already."
    entries = "1 entry was" if added == 1 else f"{added:,} entries were"
    return f"{entries} added." + (f" {known:,} were there already." if known else "")
