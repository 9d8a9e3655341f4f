"""Lists of contacts, their versions, where they are used, and what is done with them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import editor_required, editor_required_to_post, reader_required
from contacts import queries
from contacts.contact_csv import contacts_as_csv
from contacts.exporting import download
from contacts.filters import ContactFilters, Selection
from contacts.forms.lists import OPERATIONS, ListForm, NumbersForm
from contacts.membership import (
    contacts_added_in,
    contacts_of,
    contacts_removed_in,
    newest_first,
    uses_of,
)
from contacts.models import Contact, List, ListVersion
from contacts.services import Refused, add_numbers, create_list, delete_list, rename_list
from contacts.views.request import Request
from contacts.views.rows import rows_of
from contacts.views.selects import selects
from interface.pagination import Page, keyset_page
from interface.toasts import toast

logger = logging.getLogger(__name__)

SHOWN_VERSIONS = 10
VERSIONS = 50
# ?sort= -> the columns to order by; names from A on, sizes and times from the greatest on.
SORTS = {"name": ("name",), "size": ("size", "id"), "changed": ("changed_at", "id")}
DEFAULT_SORT = "-changed"


@require_http_methods(["GET", "HEAD", "POST"])
@reader_required
@editor_required_to_post
def lists(request: Request) -> HttpResponse:
    """All lists; a POST makes an empty one to type numbers into."""
    form = ListForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
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
    query = request.GET.get("q", "").replace("\0", "").strip()
    if query:
        found = found.filter(name__icontains=query)
    changed = ListVersion.objects.filter(list=OuterRef("pk")).order_by("-number").values("created_at")[:1]
    asked = request.GET.get("sort", "")
    sort = asked if asked.removeprefix("-") in SORTS else DEFAULT_SORT
    sign = "-" if sort.startswith("-") else ""
    page = keyset_page(
        found.annotate(
            uses=Count("channels__campaign", distinct=True) + Count("excluded_from", distinct=True),
            changed_at=Coalesce(Subquery(changed), "created_at"),
        ),
        order=[f"{sign}{column}" for column in SORTS[sort.removeprefix("-")]],
        cursor=request.GET.get("cursor"),
    )
    context = {
        "section": "contacts",
        "tab": "lists",
        "query": query,
        "page": page,
        "columns": _columns(sort),
        "total": found.count(),
        "form": form,
        "is_new": not query and not page.items,
    }
    name = "contacts/lists.html"
    if request.htmx:
        return render(request, f"{name}#results", context)
    return render(request, name, context, status=422 if form.errors else 200)


@dataclass(frozen=True)
class Column:
    """A sortable head: where a click on it leads, and how it sorts now."""

    key: str
    label: str
    sort: str
    direction: str


def _columns(sort: str) -> list[Column]:
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    columns = []
    for key, label in (("name", "List"), ("size", "Contacts"), ("changed", "Last change")):
        first = key if key == "name" else f"-{key}"
        turned = name if is_down else f"-{name}"
        direction = ("descending" if is_down else "ascending") if key == name else ""
        columns.append(Column(key, label, turned if key == name else first, direction))
    return columns


@require_safe
@reader_required
def detail(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(List, pk=pk)
    filters = ContactFilters.of(request.GET)
    members = filters.apply(contacts_of(found))
    page = _page(newest_first(found, members), request.GET.get("cursor"), ["-member"], twin="id")
    total = queries.Count(found.size) if filters.is_empty else _total(page, members)
    context = {
        "section": "contacts",
        "list": found,
        "filters": filters,
        "given": filters.given,
        "address": filters.address(),
        "selects": selects(filters),
        "page": page,
        "rows": rows_of(page.items),
        "total": total,
        "choosing": request.user.may_edit,
        "versions": found.versions.select_related("created_by").order_by("-number")[:SHOWN_VERSIONS],
        "uses": uses_of(found),
    }
    name = "contacts/list.html"
    return render(request, f"{name}#results" if request.htmx else name, context)


def _page(
    contacts: QuerySet[Contact], cursor: str | None, order: list[str], *, twin: str = ""
) -> Page[Contact]:
    return keyset_page(contacts.select_related("zone_set"), order=order, cursor=cursor, twin=twin)


def _total(page: Page[Contact], contacts: QuerySet[Contact]) -> queries.Count:
    """How many there are, up to a bound; not counted where the page shows all of them."""
    return queries.count_of(contacts) if page.next or page.previous else queries.Count(len(page))


@require_safe
@reader_required
def versions(request: Request, pk: int) -> HttpResponse:
    """All versions of a list."""
    found = get_object_or_404(List, pk=pk)
    page = keyset_page(
        found.versions.select_related("created_by"),
        order=["-number"],
        cursor=request.GET.get("cursor"),
        size=VERSIONS,
    )
    context = {"section": "contacts", "list": found, "page": page, "total": found.version}
    return render(request, "contacts/list_versions.html", context)


@require_safe
@reader_required
def version(request: Request, pk: int, number: int) -> HttpResponse:
    """What one version added, or ``?show=removed`` what it removed."""
    found = get_object_or_404(
        ListVersion.objects.select_related("list", "created_by"), list=pk, number=number
    )
    is_removed = request.GET.get("show") == "removed" or (found.removed > 0 and found.added == 0)
    changed = contacts_removed_in(found) if is_removed else contacts_added_in(found)
    page = _page(changed, request.GET.get("cursor"), ["-member"], twin="id")
    context = {
        "section": "contacts",
        "list": found.list,
        "version": found,
        "is_removed": is_removed,
        "page": page,
        "rows": rows_of(page.items),
        "total": found.removed if is_removed else found.added,
        "uses": [use for use in uses_of(found.list) if use.version == number],
    }
    return render(request, "contacts/list_version.html", context)


@require_safe
@reader_required
def export(request: Request, pk: int) -> HttpResponseBase:
    """Exactly the contacts that the list's page shows at the same address, all pages of them."""
    found = get_object_or_404(List, pk=pk)
    # Without the query: whom somebody looked for is in it.
    logger.info("%s exported %s", request.user.get_username(), request.path)
    members = ContactFilters.of(request.GET).apply(contacts_of(found))
    try:
        content = contacts_as_csv(newest_first(found, members)) if request.method == "GET" else ()
    except Refused as refused:
        toast(request, str(refused), level=messages.ERROR)
        return redirect(found)
    return download(content, f"{found.name}-{timezone.localdate():%Y-%m-%d}.csv")


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def operate(request: Request, pk: int, operation: str) -> HttpResponse:
    """One of the operations: a page, a dialog for htmx, or with ?preview= what would come of it."""
    if operation not in OPERATIONS:
        raise Http404
    found = get_object_or_404(List, pk=pk)
    is_preview = bool(request.htmx) and "preview" in request.GET
    form = OPERATIONS[operation](
        request.POST if request.method == "POST" else request.GET if is_preview else None,
        list=found,
        chosen=Selection.of(found, request.GET),
    )
    if request.method == "POST" and form.is_valid():
        try:
            said, address = form.do(request.user)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            toast(request, said)
            return redirect(address)
    context = {"section": "contacts", "list": found, "form": form, "preview": form.preview()}
    name = "contacts/list_operation.html"
    part = "#preview" if is_preview else "#dialog" if request.htmx else ""
    status = 422 if request.method == "POST" else 200
    return render(request, f"{name}{part}", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def edit(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(List, pk=pk)
    name = found.name
    form = ListForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            rename_list(
                list=found,
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                actor=request.user,
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
        delete_list(list=found, actor=request.user)
    except Refused as refused:
        toast(request, str(refused), level=messages.WARNING)
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
