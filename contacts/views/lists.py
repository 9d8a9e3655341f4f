"""Lists of contacts, their versions, and where they are used."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Count, OuterRef, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from contacts.forms.lists import ListForm, NumbersForm
from contacts.models import Contact, DoNotContact, List, ListVersion
from contacts.queries import number_is_do_not_contact, search_contacts
from contacts.services import Refused, add_numbers, create_list, delete_list, rename_list
from contacts.views.contacts import local_time
from contacts.views.request import Request
from interface.pagination import keyset_page
from interface.toasts import toast

SHOWN_VERSIONS = 20


@require_http_methods(["GET", "HEAD", "POST"])
@reader_required
def lists(request: Request) -> HttpResponse:
    """All lists, newest first; a POST makes an empty one to type numbers into."""
    form = ListForm(request.POST or None)
    if request.method == "POST" and request.user.may_edit and form.is_valid():
        try:
            made = create_list(
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                actor=request.user,
            )
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            return redirect(made)
    found = List.objects.all()
    if query := request.GET.get("q", "").replace("\0", "").strip():
        found = found.filter(name__icontains=query)
    changed = ListVersion.objects.filter(list=OuterRef("pk")).order_by("-number").values("created_at")[:1]
    page = keyset_page(
        found.annotate(
            uses=Count("channels__campaign", distinct=True),
            changed_at=Subquery(changed),
        ),
        order=["-id"],
        cursor=request.GET.get("cursor"),
    )
    context = {
        "section": "contacts",
        "tab": "lists",
        "query": query,
        "page": page,
        "total": found.count(),
        "form": form,
        "is_new": not query and not page.items,
    }
    name = "contacts/lists.html"
    if request.htmx:
        return render(request, f"{name}#results", context)
    return render(request, name, context, status=422 if form.errors else 200)


@require_safe
@reader_required
def detail(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(List.objects.select_related("created_by"), pk=pk)
    query = request.GET.get("q", "").strip()
    members = search_contacts(
        Contact.objects.filter(memberships__list=found, memberships__removed_in__isnull=True),
        query,
        settings.DEFAULT_COUNTRY,
    )
    page = keyset_page(
        members.select_related("zone_set").annotate(
            is_do_not_call=number_is_do_not_contact(DoNotContact.Scope.VOICE)
        ),
        order=["-id"],
        cursor=request.GET.get("cursor"),
    )
    now = timezone.now()
    context = {
        "section": "contacts",
        "list": found,
        "query": query,
        "page": page,
        "rows": [(contact, local_time(contact, now)) for contact in page],
        "total": members.count() if query else found.size,
        "versions": found.versions.select_related("created_by").order_by("-number")[:SHOWN_VERSIONS],
        # Whoever has channels knows of lists; lists know of them only by this relation.
        "channels": found.channels.select_related("campaign").order_by("-id"),
        "form": ListForm(instance=found),
        "numbers": NumbersForm(),
    }
    name = "contacts/list.html"
    return render(request, f"{name}#results" if request.htmx else name, context)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def edit(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(List, pk=pk)
    name = found.name
    form = ListForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            rename_list(
                list=found, name=form.cleaned_data["name"], description=form.cleaned_data["description"]
            )
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            toast(request, f"“{found.name}” was saved.")
            return redirect(found)
    context = {"section": "contacts", "list": found, "name": name, "form": form}
    return render(request, "contacts/list_edit.html", context, status=422 if form.errors else 200)


@require_POST
@editor_required
def delete(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(List, pk=pk)
    try:
        delete_list(list=found)
    except Refused as refused:
        toast(request, str(refused), level=30)
        return redirect("contacts:list", pk=pk)
    toast(request, f"The list “{found.name}” was deleted. Its contacts are still there.")
    return redirect("contacts:lists")


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def numbers(request: Request, pk: int) -> HttpResponse:
    """Type or paste numbers into a list."""
    found = get_object_or_404(List, pk=pk)
    form = NumbersForm(request.POST or None)
    result = None
    if request.method == "POST" and form.is_valid():
        try:
            result = add_numbers(
                list=found,
                lines=form.cleaned_data["lines"],
                country=form.cleaned_data["country"],
                actor=request.user,
            )
        except Refused as refused:
            form.add_error("lines", str(refused))
        else:
            if not result.invalid:
                toast(request, _told(result.added, result.created))
                return redirect(found)
            # All of it stays, so that lines keep their numbers; who was added is not added again.
    context = {"section": "contacts", "list": found, "form": form, "result": result}
    return render(request, "contacts/list_numbers.html", context, status=422 if form.errors else 200)


def _told(added: int, created: int) -> str:
    if not added:
        return "All of them were on the list already."
    people = "1 contact was" if added == 1 else f"{added:,} contacts were"
    return f"{people} added, {created:,} of them new."
