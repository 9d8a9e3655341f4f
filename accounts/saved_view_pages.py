"""Naming, changing and deleting views: dialogs of the pages that have them, or without scripts pages."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import SavedViewForm
from accounts.models import DefaultView, SavedView, User
from accounts.permissions import reader_required
from accounts.saved_views import ListPage, ViewRefused, change_view, delete_view, save_view, visible_views
from interface.toasts import toast


@reader_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, page: str) -> HttpResponse:
    """What a page shows gets a name."""
    if page not in ListPage.known:
        raise Http404
    list_page, person = ListPage.known[page], _person(request)
    given = request.POST if request.method == "POST" else request.GET
    query, path = list_page.query_of(given.get("query", "")), _path(given.get("path", ""))
    context = {"query": query, "path": path, "title": f"Save this view of {list_page.noun}"}
    if request.method != "POST":
        return _answer(request, SavedViewForm(is_own=True, may_share=person.may_edit), context)
    form = SavedViewForm(request.POST, is_own=True, may_share=person.may_edit)
    if not form.is_valid():
        return _answer(request, form, context, status=422)
    values = form.cleaned_data
    try:
        view = save_view(
            owner=person,
            page=list_page,
            name=values["name"],
            query=query,
            is_shared=values.get("is_shared", False),
            is_default=values["is_default"],
            replaces=values["replaces"],
        )
    except ViewRefused as refused:
        own = SavedView.objects.filter(owner=person, page=page)
        offers_to_replace = own.filter(name__iexact=values["name"]).exists()
        form.add_error("name", str(refused))
        return _answer(request, form, {**context, "offers_to_replace": offers_to_replace}, status=409)
    toast(request, f"“{view.name}” was saved.")
    return _go_to(request, f"{path}?{query or 'view=all'}")


@reader_required
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, view_id: int) -> HttpResponse:
    """Another name, shared or not, first or not; of a colleague's view only whether it comes first."""
    person = _person(request)
    view = get_object_or_404(visible_views(person=person).select_related("owner"), pk=view_id)
    is_own, may_share = view.owner_id == person.pk, person.may_edit
    given = request.POST if request.method == "POST" else request.GET
    path = _path(given.get("path", ""))
    context = {
        "view": view,
        "path": path,
        "is_own": is_own,
        "title": "Change this view" if is_own else f"{view.name}, shared by {view.owner}",
    }
    if request.method != "POST":
        initial = {
            "name": view.name,
            "is_shared": view.is_shared,
            "is_default": DefaultView.objects.filter(person=person, view=view).exists(),
        }
        form = SavedViewForm(initial=initial, is_own=is_own, may_share=may_share)
        return _answer(request, form, context)
    form = SavedViewForm(request.POST, is_own=is_own, may_share=may_share)
    if not form.is_valid():
        return _answer(request, form, context, status=422)
    values = form.cleaned_data
    try:
        change_view(
            view=view,
            actor=person,
            name=values.get("name", ""),
            is_shared=values.get("is_shared", False),
            is_default=values["is_default"],
        )
    except ViewRefused as refused:
        form.add_error("name", str(refused))
        return _answer(request, form, context, status=409)
    toast(request, f"“{values.get('name', view.name)}” was changed.")
    return _go_to(request, f"{path}?{view.query or 'view=all'}")


@reader_required
@require_POST
def delete(request: HttpRequest, view_id: int) -> HttpResponse:
    person = _person(request)
    view = get_object_or_404(visible_views(person=person).select_related("owner"), pk=view_id)
    path = _path(request.POST.get("path", ""))
    try:
        delete_view(view=view, actor=person)
    except ViewRefused as refused:
        form = SavedViewForm(is_own=False, may_share=False)
        return _answer(request, form, {"view": view, "path": path, "refusal": refused}, status=409)
    toast(request, f"The view “{view.name}” was deleted. What it showed is all still there.")
    return _go_to(request, f"{path}?{view.query or 'view=all'}")


def _answer(
    request: HttpRequest, form: SavedViewForm, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    is_page = not request.htmx  # type: ignore[attr-defined]
    template = "accounts/saved_view.html" if is_page else "accounts/saved_view.html#dialog"
    return render(request, template, {**context, "form": form, "is_page": is_page}, status=status)


def _path(path: str) -> str:
    """Where the person came from, which is a page of ours, or else the start."""
    path = path.partition("?")[0]
    return path if url_has_allowed_host_and_scheme(path, None) and path.startswith("/") else "/"


def _go_to(request: HttpRequest, url: str) -> HttpResponse:
    if not request.htmx:  # type: ignore[attr-defined]
        return HttpResponseRedirect(url)
    response = HttpResponse()
    # Line ends would be the next header's, and other letters not be understood.
    response.headers["HX-Redirect"] = iri_to_uri(url)
    return response


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  (readers are logged in)
    return request.user
