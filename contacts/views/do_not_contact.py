"""Numbers and addresses that must not be reached: the list, what was taken off it, and its file."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import editor_required, editor_required_to_post, reader_required
from contacts.exporting import Iso, csv_of, download, text
from contacts.forms.do_not_contact import DoNotContactForm, FiltersForm, RemovalForm
from contacts.models import Contact, DoNotContact, DoNotContactEvent, DoNotContactRemoval, Tally
from contacts.phone_numbers import dialable
from contacts.queries import Count, count_of, do_not_contact, everybody, find_do_not_contact, tally
from contacts.services import (
    DoNotContactAdded,
    Refused,
    add_lines_to_do_not_contact,
    remove_from_do_not_contact,
)
from contacts.services.do_not_contact import MAX_REMOVED
from contacts.views.request import Request
from interface.pagination import keyset_page
from interface.toasts import toast

NEWEST_FIRST = ("-created_at", "-id")
# Of one page.
MOST_CHOSEN = 200
MOST_BESIDES = 5

COLUMNS = {
    "Number": F("phone_number"),
    "Email": text("email"),
    "Never by": F("scope"),
    "Reason": text("reason"),
    "Source": F("source"),
    "Added": Iso("created_at"),
    "Added by": text("created_by__username"),
    "Until": Iso("expires_at"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@reader_required
@editor_required_to_post
def entries(request: Request) -> HttpResponse:
    """The list, newest first, and a form that adds to it."""
    form = DoNotContactForm(request.POST or None)
    result = None
    if request.method == "POST" and form.is_valid():
        try:
            result = add_lines_to_do_not_contact(
                lines=form.cleaned_data["lines"],
                country=form.cleaned_data["country"],
                scope=form.cleaned_data["scope"],
                reason=form.cleaned_data["reason"],
                expires_at=form.cleaned_data["until"],
                actor=request.user,
            )
        except Refused as refused:
            form.add_error("lines", str(refused))
        else:
            if not result.invalid:
                toast(request, _told(result))
                return redirect("contacts:do_not_contact")
            # All of it stays, so that lines keep their numbers; who was added is not added again.
    narrowed = FiltersForm(request.GET)
    filters = narrowed.filters
    found = find_do_not_contact(filters, settings.DEFAULT_COUNTRY)
    page = keyset_page(
        found.select_related("created_by"), order=NEWEST_FIRST, cursor=request.GET.get("cursor")
    )
    context = {
        "section": "contacts",
        "tab": "do_not_contact",
        "query": filters.text,
        "narrowed": narrowed,
        "filters": filters,
        "kept": _kept(request),
        "address": _address(request),
        "page": page,
        "rows": _rows(page.items),
        "total": _total(found, is_all=filters.is_empty),
        "form": form,
        "result": result,
        "is_new": filters.is_empty and not page.items,
    }
    name = "contacts/do_not_contact.html"
    if request.htmx:
        return render(request, f"{name}#results", context)
    return render(request, name, context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def remove(request: Request) -> HttpResponse:
    """GET asks: how many there are, and why they go. ``?id=`` each, or ``?found=1`` and the filters."""
    chosen = _chosen(request)
    back = reverse("contacts:do_not_contact") + _address(request).replace("&", "?", 1)
    # Beside the form that adds, which asks for a reason too.
    form = RemovalForm(request.POST or None, auto_id="removal_%s")
    if request.method == "POST" and form.is_valid():
        try:
            removed = remove_from_do_not_contact(
                entries=chosen,
                reason=form.cleaned_data["reason"],
                actor=request.user,
                expected=_number(request.POST.get("expected", "")),
            )
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            toast(request, _told_gone(removed), level=messages.SUCCESS if removed else messages.WARNING)
            return redirect(back)
    count = chosen[: MAX_REMOVED + 1].count()
    one = chosen.first() if count == 1 else None
    context = {
        "section": "contacts",
        "tab": "do_not_contact",
        "form": form,
        "count": count,
        "one": one,
        "besides": _besides(one),
        "most": MAX_REMOVED,
        "is_too_many": count > MAX_REMOVED,
        "here": f"{request.path}?{request.GET.urlencode()}",
        "back": back,
        "is_page": not request.htmx,
    }
    name = "contacts/do_not_contact_remove.html"
    status = 422 if form.errors else 200
    return render(request, f"{name}#question" if request.htmx else name, context, status=status)


@require_safe
@reader_required
def removed(request: Request) -> HttpResponse:
    """What was taken off the list: by whom, when and why."""
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    found = DoNotContactRemoval.objects.all()
    if query:
        number = dialable(query, settings.DEFAULT_COUNTRY)
        found = found.filter(
            Q(phone_number=number) if isinstance(number, str) else Q(email=query.lower(), phone_number="")
        )
    page = keyset_page(
        found.select_related("added_by", "removed_by"), order=["-id"], cursor=request.GET.get("cursor")
    )
    context = {
        "section": "contacts",
        "tab": "do_not_contact",
        "query": query,
        "page": page,
        "total": None,
        "is_new": not query and not page.items,
    }
    name = "contacts/do_not_contact_removed.html"
    return render(request, f"{name}#results" if request.htmx else name, context)


@require_safe
@reader_required
def export(request: Request) -> HttpResponseBase:
    """Exactly what is filtered, as a file that can be imported again."""
    found = find_do_not_contact(FiltersForm(request.GET).filters, settings.DEFAULT_COUNTRY)
    rows = found.order_by(*NEWEST_FIRST)
    zone = timezone.get_current_timezone_name()
    content = csv_of(rows, COLUMNS, time_zone=zone) if request.method == "GET" else []
    return download(content, f"do-not-contact-{timezone.localdate():%Y-%m-%d}.csv")


def _chosen(request: Request) -> QuerySet[DoNotContact]:
    """The entries that the address names: some of them, or all that the filters find."""
    if "found" in request.GET:
        return find_do_not_contact(FiltersForm(request.GET).filters, settings.DEFAULT_COUNTRY)
    numbers = (_number(text) for text in request.GET.getlist("id")[:MOST_CHOSEN])
    return do_not_contact().filter(pk__in=[number for number in numbers if number is not None])


def _besides(entry: DoNotContact | None) -> QuerySet[DoNotContactEvent]:
    """What else was said of the entry’s address, the newest first: whoever takes it off should know."""
    if entry is None:
        return DoNotContactEvent.objects.none()
    said = DoNotContactEvent.objects.filter(phone_number=entry.phone_number or "", email=entry.email or "")
    return said.order_by("-id")[:MOST_BESIDES]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _kept(request: Request) -> dict[str, str]:
    """The filters as they are."""
    given = {name: request.GET.get(name, "").replace("\0", "")[:200] for name in FiltersForm.base_fields}
    return {name: value for name, value in given.items() if value}


def _address(request: Request) -> str:
    """The filters as they are, for links that go on with them: ``&scope=voice``, or nothing."""
    kept = _kept(request)
    return f"&{urlencode(kept)}" if kept else ""


def _rows(entries: Sequence[DoNotContact]) -> list[tuple[DoNotContact, Contact | None]]:
    """Each entry with the contact whose number it is, if there is one."""
    numbers = [entry.phone_number for entry in entries if entry.phone_number]
    people = {person.phone_number: person for person in everybody().filter(phone_number__in=numbers)}
    return [(entry, people.get(entry.phone_number)) for entry in entries]


def _total(found: QuerySet[DoNotContact], *, is_all: bool) -> str:
    """How many there are, in words."""
    if is_all:
        # Those that are over are taken off soon, and are few until then.
        over = DoNotContact.objects.filter(expires_at__lte=Now()).count()
        count = Count(max(tally(Tally.Of.DO_NOT_CONTACT) - over, 0))
    else:
        count = count_of(found)
    if count.is_capped:
        return f"More than {count.value:,} entries"
    return _entries(count.value)


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"


def _told(result: DoNotContactAdded) -> str:
    parts = []
    if result.added:
        parts.append(f"{_entries(result.added)} added.")
    if result.extended:
        longer = "holds" if result.extended == 1 else "hold"
        parts.append(f"{_entries(result.extended)} {longer} for longer now.")
    if result.known and parts:
        parts.append(f"{result.known:,} were there already.")
    return " ".join(parts) or "All of them were on the list already."


def _told_gone(count: int) -> str:
    if not count:
        return "Nothing was taken off: somebody else did that already."
    return f"{_entries(count)} {'was' if count == 1 else 'were'} taken off the list."
