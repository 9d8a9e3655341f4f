"""Importing a file: upload, say what its columns are, watch it run, see the sums."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from contacts.exporting import csv_response
from contacts.forms.imports import MappingForm, UploadForm
from contacts.importing.mapping import LINE_COLUMN, REASON_COLUMN
from contacts.importing.reading import SAMPLE_ROWS, Dialect, UnreadableFile
from contacts.importing.running import is_running_somewhere
from contacts.models import Import, ImportStatus, List
from contacts.services import (
    Refused,
    guessed_mapping,
    inspect_import,
    map_import,
    retry_import,
    upload_import,
)
from contacts.views.request import Request
from interface.pagination import keyset_page
from interface.toasts import toast
from lifecycle import MoveRefused

PREVIEW_ROWS = 5
SHOWN_REJECTIONS = 100
LIST_NAMES = 200


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def new(request: Request) -> HttpResponse:
    """``?list=<id>`` proposes a list to add to; ``?next=<path>`` is where to go back to in the end."""
    back = _next(request)
    chosen = request.GET.get("list", "")
    given = List.objects.filter(pk=chosen).first() if chosen.isdigit() and len(chosen) < 10 else None
    form = UploadForm(
        request.POST or None, request.FILES or None, initial={"list_name": given.name if given else ""}
    )
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        name = form.cleaned_data["list_name"] or PurePath(file.name).stem[:120] or "Contacts"
        try:
            contact_import = upload_import(
                file=file.file,
                file_name=file.name,
                list_name=name,
                country=form.cleaned_data["country"],
                actor=request.user,
            )
        except UnreadableFile as unreadable:
            form.add_error("file", str(unreadable))
        except Refused as refused:
            form.add_error("list_name", str(refused))
        else:
            return redirect(_with_next(contact_import.get_absolute_url(), back))
    context = {
        "section": "contacts",
        "form": form,
        "next": back,
        "list_names": List.objects.order_by("-id").values_list("name", flat=True)[:LIST_NAMES],
        "recent": Import.objects.select_related("list").order_by("-id")[:5],
        "limit_mb": settings.CONTACTS_UPLOAD_MAX_BYTES // (1024 * 1024),
    }
    return render(request, "contacts/import_new.html", context, status=422 if form.errors else 200)


@require_safe
@reader_required
def imports(request: Request) -> HttpResponse:
    page = keyset_page(
        Import.objects.select_related("list", "created_by"),
        order=["-id"],
        cursor=request.GET.get("cursor"),
    )
    context = {"section": "contacts", "tab": "imports", "page": page, "total": Import.objects.count()}
    return render(request, "contacts/imports.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@reader_required
def detail(request: Request, pk: int) -> HttpResponse:
    """An import wherever it stands: columns to choose, progress, or what became of it."""
    contact_import = get_object_or_404(Import.objects.select_related("list", "created_by"), pk=pk)
    waits = contact_import.status == ImportStatus.UPLOADED
    # "?columns" goes back to the columns after a failure.
    goes_back = contact_import.status == ImportStatus.FAILED and "columns" in request.GET
    if (waits or goes_back) and request.user.may_edit:
        return _columns(request, contact_import)
    if request.method == "POST":
        # Sent twice, or by someone who came later: show where it stands.
        return redirect(_with_next(contact_import.get_absolute_url(), _next(request)))
    is_active = contact_import.status in {ImportStatus.MAPPED, ImportStatus.RUNNING}
    lines = max(1, int(contact_import.dialect.get("lines", 0)), contact_import.rows)
    rejected = contact_import.rejected_rows.order_by("line")[:SHOWN_REJECTIONS]
    context = {
        "section": "contacts",
        "import": contact_import,
        "next": _next(request),
        "is_active": is_active,
        "percent": min(99, 100 * contact_import.rows // lines),
        "about": lines,
        "is_stuck": contact_import.status == ImportStatus.RUNNING and not is_running_somewhere(pk),
        "rejected": [] if is_active else [(row, _excerpt(row.values)) for row in rejected],
        "shown": SHOWN_REJECTIONS,
        "valid": contact_import.rows - contact_import.invalid - contact_import.duplicates,
    }
    name = "contacts/import.html"
    return render(request, f"{name}#state" if request.htmx else name, context)


def _columns(request: Request, contact_import: Import) -> HttpResponse:
    """The first rows, and a select above each column."""
    back = _next(request)
    asked = request.POST if request.method == "POST" else request.GET
    known = Dialect.from_json(contact_import.dialect)
    has_header = asked["header"] == "1" if asked.get("header") in {"0", "1"} else known.has_header
    context: dict[str, Any] = {
        "section": "contacts",
        "import": contact_import,
        "next": back,
        "has_header": has_header,
    }
    try:
        inspection = inspect_import(contact_import=contact_import, has_header=has_header)
    except UnreadableFile as unreadable:
        return render(request, "contacts/import_columns.html", {**context, "unreadable": str(unreadable)})
    as_known = has_header == known.has_header
    form = MappingForm(
        request.POST if request.method == "POST" else None,
        columns=inspection.dialect.columns,
        guessed=contact_import.mapping if as_known else guessed_mapping(contact_import, inspection),
    )
    problem = ""
    if request.method == "POST" and not form.is_valid():
        problem = "Choose what each column is from its menu."
    elif request.method == "POST":
        try:
            map_import(
                contact_import=contact_import, mapping=form.mapping, has_header=has_header, actor=request.user
            )
        except Refused as refused:
            problem = str(refused)
        except MoveRefused:
            return redirect(_with_next(contact_import.get_absolute_url(), back))
        else:
            return redirect(_with_next(contact_import.get_absolute_url(), back))
    width = len(inspection.dialect.columns)
    preview = [row[:width] + [""] * (width - len(row)) for row in inspection.rows[:PREVIEW_ROWS]]
    is_exact = len(inspection.sample) <= SAMPLE_ROWS
    rows = len(inspection.rows) if is_exact else inspection.dialect.lines - has_header
    context |= {
        "form": form,
        "columns": list(form),
        "preview": preview,
        "dialect": inspection.dialect.describe(),
        "rows": rows,
        "is_exact": is_exact,
        "problem": problem,
        "list_exists": contact_import.list is not None,
    }
    name = "contacts/import_columns.html"
    return render(
        request, f"{name}#columns" if request.htmx else name, context, status=422 if problem else 200
    )


@require_POST
@editor_required
def retry(request: Request, pk: int) -> HttpResponse:
    contact_import = get_object_or_404(Import, pk=pk)
    try:
        retry_import(contact_import=contact_import, actor=request.user)
    except (Refused, MoveRefused) as refused:
        toast(request, str(refused), level=30)
    return redirect(_with_next(contact_import.get_absolute_url(), _next(request)))


@require_safe
@reader_required
def rejected(request: Request, pk: int) -> HttpResponseBase:
    """The rows that could not be imported, each with its line and reason: to correct and upload again."""
    contact_import = get_object_or_404(Import, pk=pk)
    columns = list(contact_import.dialect.get("columns", ()))
    rows = contact_import.rejected_rows.order_by("line").values_list("line", "reason", "values")
    return csv_response(
        f"rejected from {PurePath(contact_import.file_name).stem}.csv",
        [*columns, LINE_COLUMN, REASON_COLUMN],
        (
            [*values[: len(columns)], *[""] * (len(columns) - len(values)), line, reason]
            for line, reason, values in rows.iterator(chunk_size=2000)
        ),
    )


def _excerpt(values: list[str]) -> list[str]:
    """Enough of a row to find it again."""
    return [value if len(value) <= 40 else f"{value[:39]}…" for value in values if value][:6]


def _next(request: Request) -> str:
    """Where to go back to: a path of this site, or nothing."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    allowed = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if allowed else ""


def _with_next(url: str, back: str) -> str:
    return f"{url}?{urlencode({'next': back})}" if back else url
