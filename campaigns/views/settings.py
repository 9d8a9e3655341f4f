"""Settings: assistants, caller IDs and dispositions, and how this installation is connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings as configuration
from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.db.models import Count, OuterRef, Prefetch, ProtectedError, QuerySet
from django.db.models.functions import JSONObject
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.permissions import editor_required, reader_required
from campaigns.forms import AssistantForm, CallerIdForm, DispositionForm, PoolForm
from campaigns.models import (
    Assistant,
    AssistantPool,
    CallerId,
    Campaign,
    Disposition,
    PoolMember,
    VoiceSettings,
)
from campaigns.usage import is_used
from interface.toasts import toast

DELETE_NAMES = {
    "assistants": "assistant_delete",
    "pools": "pool_delete",
    "caller-ids": "caller_id_delete",
    "dispositions": "disposition_delete",
}
SettingForm = AssistantForm | PoolForm | CallerIdForm | DispositionForm


@dataclass(frozen=True)
class Kind:
    """One kind of thing that is set up here."""

    model: type[models.Model]
    form: type[SettingForm]
    noun: str
    article: str
    plural: str
    section: str
    help: str
    # The voice setting that names one.
    setting: str = ""


ASSISTANT = Kind(
    Assistant,
    AssistantForm,
    "assistant",
    "an",
    "Assistants",
    "assistants",
    "An AI voice agent that talks with whoever answers.",
    "assistant",
)
POOL = Kind(
    AssistantPool,
    PoolForm,
    "pool",
    "a",
    "Pools",
    "pools",
    "Several assistants behind one name; each call goes to the one with the fewest for its weight.",
    "pool",
)
CALLER_ID = Kind(
    CallerId,
    CallerIdForm,
    "caller ID",
    "a",
    "Caller IDs",
    "caller-ids",
    "A phone number of ours, which people see when we call.",
    "caller_id",
)
DISPOSITION = Kind(
    Disposition,
    DispositionForm,
    "disposition",
    "a",
    "Dispositions",
    "dispositions",
    "What a call meant to the business; chosen by assistants and by people.",
)


@reader_required
@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "campaigns/settings.html",
        {
            "section": "settings",
            "assistants": _with_users(Assistant.objects.order_by("name"), ASSISTANT),
            "pools": _with_users(
                AssistantPool.objects.order_by("name").prefetch_related(
                    Prefetch("members", PoolMember.objects.select_related("assistant").order_by("pk"))
                ),
                POOL,
            ),
            "caller_ids": _with_users(CallerId.objects.order_by("name", "phone_number"), CALLER_ID),
            "dispositions": Disposition.objects.all(),
            "connection": _connection(),
            "demo_assistant": _demo_assistant(),
        },
    )


# Of what uses something, so many are named in the table, and so many on its own page.
USERS_IN_A_ROW = 3
USERS_ON_A_PAGE = 50


def _with_users(rows: QuerySet[Any], kind: Kind) -> list[Any]:
    """The rows, each with the newest campaigns that use it and how many more there are.

    Archived ones, too: they can come back.
    """
    using = VoiceSettings.objects.filter(**{kind.setting: OuterRef(OuterRef("pk"))}).values(
        "channel__campaign"
    )
    newest = Campaign.objects.filter(pk__in=using).order_by("-pk")
    found = list(
        rows.annotate(
            newest=ArraySubquery(newest.values(data=JSONObject(id="pk", name="name"))[:USERS_IN_A_ROW]),
            users_count=Count("voice_settings__channel__campaign", distinct=True),
        )
    )
    for row in found:
        row.users = [Campaign(**each) for each in row.newest]
        row.more_users = row.users_count - len(row.users)
    return found


def _users_of(row: Any, kind: Kind) -> QuerySet[Campaign]:
    if row is None or not kind.setting:
        return Campaign.objects.none()
    using = VoiceSettings.objects.filter(**{kind.setting: row}).values("channel__campaign")
    return Campaign.objects.filter(pk__in=using).order_by("-pk")


def _connection() -> dict[str, Any]:
    """How this installation reaches the carrier, and is reached by it; never a secret."""
    public = urlsplit(configuration.PUBLIC_URL)
    return {
        "is_simulated": configuration.CARRIER_IS_SIMULATED,
        "account": configuration.PLIVO_AUTH_ID,
        "api_url": configuration.PLIVO_API_URL,
        "public_url": configuration.PUBLIC_URL,
        "is_local": configuration.IS_LOCAL,
        "is_encrypted": public.scheme == "https",
        "account_calls_per_second": configuration.ACCOUNT_CALLS_PER_SECOND,
        "most_concurrent": configuration.MAX_CONCURRENT_CALLS,
        "most_per_second": configuration.MAX_CALLS_PER_SECOND,
        "quiet_end": configuration.QUIET_HOURS_END,
        "quiet_start": configuration.QUIET_HOURS_START,
        "has_quiet_hours": configuration.QUIET_HOURS_END > 0 or configuration.QUIET_HOURS_START < 24,
    }


def _demo_assistant() -> str:
    """Where the carrier on this machine has an assistant to try things with; empty without it."""
    if not configuration.CARRIER_IS_SIMULATED:
        return ""
    carrier = urlsplit(configuration.PLIVO_API_URL)
    scheme = "wss" if carrier.scheme == "https" else "ws"
    return urlunsplit((scheme, carrier.netloc, "/assistant/demo/", "", ""))


# --- Making, changing and deleting them ------------------------------------------------------------------


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def assistant_new(request: HttpRequest) -> HttpResponse:
    return _form_page(request, ASSISTANT, None)


@reader_required
@require_http_methods(["GET", "HEAD", "POST"])
def assistant(request: HttpRequest, pk: int) -> HttpResponse:
    return _form_page(request, ASSISTANT, get_object_or_404(Assistant, pk=pk))


@editor_required
@require_POST
def assistant_delete(request: HttpRequest, pk: int) -> HttpResponse:
    return _delete(request, ASSISTANT, get_object_or_404(Assistant, pk=pk))


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def pool_new(request: HttpRequest) -> HttpResponse:
    return _form_page(request, POOL, None)


@reader_required
@require_http_methods(["GET", "HEAD", "POST"])
def pool(request: HttpRequest, pk: int) -> HttpResponse:
    return _form_page(request, POOL, get_object_or_404(AssistantPool, pk=pk))


@editor_required
@require_POST
def pool_delete(request: HttpRequest, pk: int) -> HttpResponse:
    return _delete(request, POOL, get_object_or_404(AssistantPool, pk=pk))


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def caller_id_new(request: HttpRequest) -> HttpResponse:
    return _form_page(request, CALLER_ID, None)


@reader_required
@require_http_methods(["GET", "HEAD", "POST"])
def caller_id(request: HttpRequest, pk: int) -> HttpResponse:
    return _form_page(request, CALLER_ID, get_object_or_404(CallerId, pk=pk))


@editor_required
@require_POST
def caller_id_delete(request: HttpRequest, pk: int) -> HttpResponse:
    return _delete(request, CALLER_ID, get_object_or_404(CallerId, pk=pk))


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def disposition_new(request: HttpRequest) -> HttpResponse:
    return _form_page(request, DISPOSITION, None)


@reader_required
@require_http_methods(["GET", "HEAD", "POST"])
def disposition(request: HttpRequest, pk: int) -> HttpResponse:
    return _form_page(request, DISPOSITION, get_object_or_404(Disposition, pk=pk))


@editor_required
@require_POST
def disposition_delete(request: HttpRequest, pk: int) -> HttpResponse:
    return _delete(request, DISPOSITION, get_object_or_404(Disposition, pk=pk))


def _form_page(request: HttpRequest, kind: Kind, row: Any) -> HttpResponse:
    may_change = isinstance(request.user, User) and request.user.may_edit
    status, title = 200, str(row) if row is not None else ""
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        form = kind.form(request.POST, instance=row)
        status = 422
        if form.is_valid():
            try:
                with transaction.atomic():
                    saved = form.save()
            except IntegrityError:
                # A second press, or somebody else: after the form had looked whether there is one.
                form.add_error(None, f"The same {kind.noun} was saved a moment ago. Look at the settings.")
                status = 409
            else:
                toast(request, f"{saved} {'saved' if row else 'added'}.")
                return redirect(_back(request, kind, saved))
    else:
        form = kind.form(instance=row)
    users = _users_of(row, kind)
    return render(
        request,
        "campaigns/settings_form.html",
        {
            "section": "settings",
            "kind": kind,
            "form": form,
            "row": row,
            # What the form holds is not saved yet: the title says what is.
            "title": title,
            "article": f"{kind.article} {kind.noun}",
            "delete_title": f"Delete {title}?",
            "may_change": may_change,
            "users": users[:USERS_ON_A_PAGE],
            "more_users": max(0, users.count() - USERS_ON_A_PAGE),
            "is_used": row is not None and is_used(row),
            "pools": AssistantPool.objects.filter(members__assistant=row)
            if kind is ASSISTANT and row
            else (),
            "cancel_url": _next(request) or _section(kind),
            "delete_name": f"campaigns:{DELETE_NAMES[kind.section]}",
            "demo_assistant": _demo_assistant() if kind is ASSISTANT else "",
        },
        status=status,
    )


def _section(kind: Kind) -> str:
    return f"{reverse('campaigns:settings')}#{kind.section}"


def _next(request: HttpRequest) -> str:
    """Where the person came from, if that is a page of ours."""
    url = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if is_ours else ""


def _back(request: HttpRequest, kind: Kind, saved: models.Model) -> str:
    """Back to the campaign that needed it, where it is chosen already; else to the settings."""
    url, name = _next(request), request.GET.get("as", "")
    if not url:
        return _section(kind)
    if name not in {"assistant", "pool", "caller_id"}:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({name: saved.pk})}"


def _delete(request: HttpRequest, kind: Kind, row: models.Model) -> HttpResponse:
    name = str(row)
    try:
        if is_used(row):
            raise ProtectedError(name, set())
        row.delete()
    except ProtectedError:
        toast(request, f"{name} is in use. Deactivate it instead.", level=messages.ERROR)
    else:
        toast(request, f"{name} deleted.")
    return redirect(_section(kind))
