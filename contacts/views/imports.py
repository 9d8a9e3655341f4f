"""Importing a file: upload, say what its columns are, watch it run, see the sums."""

from __future__ import annotations

import logging
from pathlib import PurePath
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.permissions import editor_required, editor_required_to_post, reader_required
from contacts.exporting import csv_response
from contacts.forms.imports import UPLOAD_FORMS, MappingForm, ReadingForm
from contacts.importing.mapping import with_address_alone
from contacts.importing.reading import SAMPLE_ROWS, Dialect, UnreadableFile
from contacts.importing.rejections import kept_rejections, rejected_table
from contacts.importing.remembering import mapping_by_header, remembered_mapping
from contacts.importing.running import is_running_somewhere
from contacts.lifecycles import IMPORT
from contacts.models import Import, ImportStatus, List
from contacts.services import (
    Refused,
    cancel_import,
    extent_of_undoing,
    guessed_mapping,
    inspect_import,
    map_import,
    retry_import,
    undo_import,
    upload_import,
)
from contacts.views.request import Request
from interface.pagination import keyset_page
from interface.toasts import toast
from lifecycle import MoveRefused

logger = logging.getLogger(__name__)

PREVIEW_ROWS = 5
SHOWN_REJECTIONS = 100
LIST_NAMES = 200
# (color, sum, what one is called, and several), by what an import is for.
SUMS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    Import.Purpose.CONTACTS: (
        ("green", "created", "created", "created"),
        ("blue", "updated", "updated", "updated"),
        ("slate", "unchanged", "unchanged", "unchanged"),
        ("amber", "duplicates", "duplicate", "duplicates"),
        ("red", "invalid", "invalid", "invalid"),
    ),
    Import.Purpose.DO_NOT_CONTACT: (
        ("green", "created", "added", "added"),
        ("blue", "updated", "holds for longer now", "hold for longer now"),
        ("slate", "unchanged", "known already", "known already"),
        ("amber", "duplicates", "duplicate", "duplicates"),
        ("red", "invalid", "invalid", "invalid"),
    ),
}
Chosen = TypeVar("Chosen", bound=Model)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def new(request: Request) -> HttpResponse:
    """Upload a file.

    ``?purpose=`` is one of ``Import.Purpose``; ``?list=<id>`` proposes a list to add to; ``?corrects=<id>``
    names the import whose rejected rows come again; ``?next=<path>`` is where to go back to in the end,
    which is told the imported list by ``list=<id>``.
    """
    back = _next(request)
    corrects = _chosen(request, "corrects", Import.objects.all())
    given = _chosen(request, "list", List.objects.all())
    asked = _asked(request, "purpose")
    purpose = corrects.purpose if corrects else asked if asked in Import.Purpose.values else "contacts"
    initial: dict[str, Any] = {"list_name": given.name if given else ""}
    if corrects:
        initial = {
            "list_name": corrects.list.name if corrects.list else corrects.list_name,
            "country": corrects.country,
            "email_is_enough": corrects.email_is_enough,
            "scope": corrects.scope,
            "reason": corrects.reason,
        }
    form = UPLOAD_FORMS[purpose](request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            contact_import = upload_import(
                file=file.file,
                file_name=file.name,
                country=form.cleaned_data["country"],
                purpose=purpose,
                corrects=corrects,
                actor=request.user,
                **form.destination,
            )
        except UnreadableFile as unreadable:
            form.add_error("file", str(unreadable))
        except Refused as refused:
            form.add_error("list_name" if "list_name" in form.fields else None, str(refused))
        else:
            return redirect(_with_next(contact_import.get_absolute_url(), back))
    context = {
        "section": "contacts",
        "form": form,
        "next": back,
        "purpose": purpose,
        "corrects": corrects,
        "list_names": List.objects.order_by("-id").values_list("name", flat=True)[:LIST_NAMES],
        "recent": Import.objects.order_by("-id")[:5],
        "limit_mb": settings.CONTACTS_UPLOAD_MAX_BYTES // (1024 * 1024),
    }
    return render(request, "contacts/import_new.html", context, status=422 if form.errors else 200)


@require_safe
@reader_required
def imports(request: Request) -> HttpResponse:
    page = keyset_page(
        Import.objects.select_related("list", "created_by", "undone_by"),
        order=["-id"],
        cursor=request.GET.get("cursor"),
    )
    context = {"section": "contacts", "tab": "imports", "page": page, "total": Import.objects.count()}
    return render(request, "contacts/imports.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@reader_required
@editor_required_to_post
def detail(request: Request, pk: int) -> HttpResponse:
    """An import wherever it stands: columns to choose, progress, or what became of it."""
    contact_import = get_object_or_404(
        Import.objects.select_related("list", "created_by", "undone_by"), pk=pk
    )
    waits = contact_import.status == ImportStatus.UPLOADED
    # "?columns" goes back to the columns after a failure.
    goes_back = contact_import.status == ImportStatus.FAILED and "columns" in request.GET
    if (waits or goes_back) and request.user.may_edit:
        return _columns(request, contact_import)
    if request.method == "POST":
        # Sent twice, or by someone who came later: show where it stands.
        return redirect(_with_next(contact_import.get_absolute_url(), _next(request)))
    is_active = contact_import.status in IMPORT.active
    finished = contact_import.finished_at
    dialect = Dialect.from_json(contact_import.dialect)
    about = max(1, dialect.lines - dialect.has_header - dialect.above, contact_import.rows)
    rejected = kept_rejections(contact_import)
    context = {
        "section": "contacts",
        "import": contact_import,
        "next": _telling_list(_next(request), contact_import),
        "is_active": is_active,
        "is_live": is_active or contact_import.is_being_undone,
        "may_undo": request.user.may_edit and contact_import.may_be_undone,
        # Where the entries of an import into do-not-contact are found again.
        "day": timezone.localtime(finished).date().isoformat() if finished else "",
        "is_for_contacts": contact_import.purpose == Import.Purpose.CONTACTS,
        "may_cancel": request.user.may_edit and contact_import.status in IMPORT["cancel"].sources,
        "percent": min(99, 100 * contact_import.rows // about),
        "about": about,
        "is_stuck": contact_import.status == ImportStatus.RUNNING and not is_running_somewhere(pk),
        "rejected": [] if is_active else [(row, _excerpt(row.values)) for row in rejected[:SHOWN_REJECTIONS]],
        "kept": 0 if is_active else rejected.count(),
        "shown": SHOWN_REJECTIONS,
        "sums": [
            (colour, count, one if count == 1 else several)
            for colour, name, one, several in SUMS[contact_import.purpose]
            if (count := getattr(contact_import, name))
        ],
    }
    name = "contacts/import.html"
    return render(request, f"{name}#state" if request.htmx else name, context)


def _columns(request: Request, contact_import: Import) -> HttpResponse:
    """The first rows, and a select above each column; and how the file is read, to be corrected."""
    back = _next(request)
    asked = request.POST if request.method == "POST" else request.GET
    known = Dialect.from_json(contact_import.dialect)
    reading = ReadingForm(asked, dialect=known).given
    context: dict[str, Any] = {
        "section": "contacts",
        "import": contact_import,
        "is_for_contacts": contact_import.purpose == Import.Purpose.CONTACTS,
        "may_cancel": request.user.may_edit,
        "next": back,
    }
    name = "contacts/import_columns.html"
    part = f"{name}#columns" if request.htmx else name
    try:
        inspection = inspect_import(contact_import=contact_import, **reading)
    except UnreadableFile as unreadable:
        said = {"header": "", **{key: value for key, value in reading.items() if value}}
        context |= {
            "unreadable": str(unreadable),
            "reading": ReadingForm(initial=said, dialect=known) if contact_import.file else None,
        }
        return render(request, part, context)
    dialect = inspection.dialect
    last_time = (
        remembered_mapping(purpose=contact_import.purpose, columns=dialect.columns)
        if dialect.has_header
        else None
    )
    remembered = mapping_by_header(dialect.columns, last_time.targets) if last_time else {}
    guessed = guessed_mapping(contact_import, inspection)
    if "guess" in asked:
        proposed = guessed
    elif dialect == known:
        proposed = contact_import.mapping
    else:
        proposed = remembered or guessed
    form = MappingForm(
        request.POST if request.method == "POST" else None,
        columns=dialect.columns,
        proposed=proposed,
        others=(remembered, guessed),
        purpose=contact_import.purpose,
    )
    is_for_contacts = contact_import.purpose == Import.Purpose.CONTACTS
    email_is_enough = contact_import.email_is_enough
    if request.method == "POST":
        email_is_enough = is_for_contacts and "email_is_enough" in request.POST
    problem = ""
    if request.method == "POST" and not form.is_valid():
        problem = "Choose what each column is from its menu."
    elif request.method == "POST":
        try:
            map_import(
                contact_import=contact_import,
                mapping=form.mapping,
                email_is_enough=email_is_enough,
                actor=request.user,
                **reading,
            )
        except (Refused, UnreadableFile) as refused:
            problem = str(refused)
        except MoveRefused:
            return redirect(_with_next(contact_import.get_absolute_url(), back))
        else:
            return redirect(_with_next(contact_import.get_absolute_url(), back))
    width = len(dialect.columns)
    targets = (
        form.mapping
        if form.is_bound and form.is_valid()
        else {int(position): target for position, target in proposed.items()}
    )
    is_exact = len(inspection.sample) <= SAMPLE_ROWS
    context |= {
        "form": form,
        "columns": list(form),
        "preview": [row[:width] + [""] * (width - len(row)) for row in inspection.rows[:PREVIEW_ROWS]],
        "reading": ReadingForm(
            initial={
                "sheet": dialect.sheet,
                "encoding": dialect.encoding,
                "delimiter": dialect.delimiter,
                "header": "1" if dialect.has_header else "0",
            },
            dialect=dialect,
        ),
        "dialect": dialect.describe(),
        "rows": len(inspection.rows) if is_exact else dialect.lines - dialect.has_header - dialect.above,
        "is_exact": is_exact,
        "problem": problem,
        "email_is_enough": email_is_enough,
        "looked_at": len(inspection.rows[:SAMPLE_ROWS]),
        "with_address_alone": with_address_alone(inspection.rows[:SAMPLE_ROWS], targets),
        "last_time": last_time if remembered == proposed else None,
        "list_exists": contact_import.list is not None,
    }
    return render(request, part, context, status=422 if problem else 200)


@require_POST
@editor_required
def retry(request: Request, pk: int) -> HttpResponse:
    contact_import = get_object_or_404(Import, pk=pk)
    try:
        retry_import(contact_import=contact_import, actor=request.user)
    except (Refused, MoveRefused) as refused:
        toast(request, str(refused), level=30)
    return redirect(_with_next(contact_import.get_absolute_url(), _next(request)))


@require_POST
@editor_required
def cancel(request: Request, pk: int) -> HttpResponse:
    """End an import without importing anything; one that was never begun is discarded."""
    contact_import = get_object_or_404(Import, pk=pk)
    try:
        cancel_import(contact_import=contact_import, actor=request.user)
    except (Refused, MoveRefused) as refused:
        toast(request, str(refused), level=30)
    return redirect(_with_next(contact_import.get_absolute_url(), _next(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def undo(request: Request, pk: int) -> HttpResponse:
    """Undo a completed import: a page, or a dialog for htmx, that says what exactly will happen."""
    contact_import = get_object_or_404(Import.objects.select_related("list", "undone_by"), pk=pk)
    if request.method == "POST":
        try:
            undo_import(contact_import=contact_import, actor=request.user)
        except Refused as refused:
            toast(request, str(refused), level=messages.WARNING)
        return redirect(contact_import)
    if not contact_import.may_be_undone:
        # Somebody was faster: the page says so.
        page = contact_import.get_absolute_url()
        return HttpResponseClientRedirect(page) if request.htmx else redirect(page)
    name = "contacts/import_undo.html"
    context = {
        "section": "contacts",
        "import": contact_import,
        "extent": extent_of_undoing(contact_import),
    }
    return render(request, f"{name}#dialog" if request.htmx else name, context)


@require_safe
@reader_required
def rejected(request: Request, pk: int) -> HttpResponseBase:
    """The rows that could not be imported, each with its line and reason: to correct and upload again."""
    contact_import = get_object_or_404(Import, pk=pk)
    logger.info("%s exported %s", request.user.get_username(), request.path)
    header, rows = rejected_table(contact_import)
    return csv_response(f"rejected from {PurePath(contact_import.file_name).stem}.csv", header, rows)


def _excerpt(values: list[str]) -> list[str]:
    """Enough of a row to find it again."""
    return [value if len(value) <= 40 else f"{value[:39]}…" for value in values if value][:6]


def _asked(request: Request, name: str) -> str:
    """A value of the form, or of the address."""
    return request.POST.get(name) or request.GET.get(name) or ""


def _chosen(request: Request, name: str, among: QuerySet[Chosen]) -> Chosen | None:
    """The row whose id a form or an address gives, if it is one."""
    given = _asked(request, name)
    return among.filter(pk=given).first() if given.isdecimal() and len(given) < 10 else None


def _next(request: Request) -> str:
    """Where to go back to: a path of this site, or nothing."""
    url = _asked(request, "next")
    allowed = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if allowed else ""


def _telling_list(back: str, contact_import: Import) -> str:
    """The way back, with the list that was imported, for whoever sent the person here for one."""
    if not back or contact_import.list_id is None or contact_import.status != ImportStatus.COMPLETED:
        return back
    parts = urlsplit(back)
    query = QueryDict(parts.query, mutable=True)
    query["list"] = str(contact_import.list_id)
    return parts._replace(query=query.urlencode()).geturl()


def _with_next(url: str, back: str) -> str:
    return f"{url}?{urlencode({'next': back})}" if back else url
