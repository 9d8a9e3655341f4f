"""Tables of calls: a campaign's results, all history, a contact's calls, and their CSV."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from accounts.permissions import reader_required
from accounts.saved_views import ListPage, Views, default_address, views_of
from analytics import queries
from analytics.exporting import calls_as_csv
from analytics.filters import NO_CAMPAIGN, OUTCOMES, Filters
from analytics.options import Option, disposition_options, key_options, status_options
from analytics.panel import panel_of
from analytics.timeline import timeline_of
from campaigns.models import Campaign, Disposition
from campaigns.services import record_access, record_activity
from contacts.exporting import download
from contacts.models import Contact
from contacts.queries import Count
from dialer.models import Call
from interface.pagination import keyset_page

logger = logging.getLogger(__name__)

PAGE = 50
# Runs are a campaign's own; views of results are for all campaigns.
_OF_CALLS = ("q", "outcome", "disposition", "pressed", "from", "to")
RESULTS_VIEWS = ListPage("results", "a campaign’s results", (*_OF_CALLS, "status"))
HISTORY_VIEWS = ListPage("history", "the history", (*_OF_CALLS, "campaign"))
# So many are offered to choose from; their names are some 50 kB of the page.
MOST_CAMPAIGNS = 1000


@reader_required
@require_safe
def results(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """A campaign's ended calls. Asked by htmx for itself, only the part that changes."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    if address := default_address(request, RESULTS_VIEWS):
        return HttpResponseRedirect(address)
    context = _listing(request, campaign)
    is_live = campaign.is_active or queries.has_live_calls(campaign)
    context |= {"section": "campaigns", "is_live": is_live}
    return _answer(request, "analytics/results.html", context)


@reader_required
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """All calls there ever were, those of deleted campaigns too."""
    if address := default_address(request, HISTORY_VIEWS):
        return HttpResponseRedirect(address)
    return _answer(request, "analytics/history.html", _listing(request, None) | {"section": "history"})


def filters_of(request: HttpRequest, campaign: Campaign | None) -> Filters:
    """What the address narrows down to; a campaign's results are its own."""
    filters = Filters.of(request.GET)
    return replace(filters, campaign="") if campaign else filters


def _listing(request: HttpRequest, campaign: Campaign | None) -> dict[str, Any]:
    filters = filters_of(request, campaign)
    views = views_of(request, RESULTS_VIEWS if campaign else HISTORY_VIEWS)
    dispositions = list(Disposition.objects.all())
    summary = queries.summary_of(campaign, dispositions) if campaign else None
    rows = queries.matching(queries.results_in(campaign), filters, campaign=campaign)
    page = keyset_page(
        queries.related(rows),
        order=queries.order_of(filters),
        cursor=request.GET.get("cursor", ""),
        size=PAGE,
    )
    counts = summary or _counts_of(filters, dispositions)
    count = queries.count_of(rows, filters, counts, dispositions)
    run_options = _run_options(filters, campaign) if campaign else []
    selected = _chosen(request, campaign)
    items = [{"call": call, "standing": queries.standing_of(call)} for call in page]
    return {
        "campaign": campaign,
        "filters": filters,
        "summary": summary,
        "items": items,
        "page": page,
        "count": count,
        "views": views,
        "chips": _chips(filters, summary, views),
        "pickers": [
            _picker("disposition", "Disposition", disposition_options(filters, summary, dispositions)),
            *([_picker("status", "Status now", status_options(filters.status))] if campaign else []),
            *(
                [_picker("pressed", "Key pressed", key_options(filters.pressed))]
                if filters.pressed or queries.has_announcements(campaign)
                else []
            ),
        ],
        "run_options": run_options,
        # Of one channel and one run, both are the same in every row.
        "tells_runs": bool(run_options),
        "campaign_options": [] if campaign else _campaign_options(filters),
        "address": filters.address(),
        "may_remarket": bool(count.value) and bool(getattr(request.user, "may_edit", False)),
        # Links to the same page, and to the first, ready for one more parameter.
        "here": _address(request, filters, request.GET.get("cursor", "")),
        "start": _address(request, filters, ""),
        "selected": selected,
        "panel": panel_of(selected, request.user) if selected and not _is_fragment(request) else None,
        "version": _version(summary, items, count, filters),
    }


def _counts_of(filters: Filters, dispositions: list[Disposition]) -> queries.Summary | None:
    """Of the campaign that history is narrowed down to: its calls are counted already."""
    if not filters.campaign or not filters.is_counted:
        return None
    return queries.summary_of(int(filters.campaign), dispositions)


def _address(request: HttpRequest, filters: Filters, cursor: str) -> str:
    address = filters.address()
    if cursor:
        address += f"{'&' if address else '?'}{urlencode({'cursor': cursor})}"
    return f"{request.path}{address}{'&' if address else '?'}"


def _chosen(request: HttpRequest, campaign: Campaign | None) -> Call | None:
    """The call whose panel is open, named by ?call=."""
    key = request.GET.get("call", "")
    if not key.isascii() or not key.isdigit() or len(key) > 18:
        return None
    rows = Call.objects.filter(pk=int(key))
    return (rows.filter(campaign=campaign) if campaign else rows).first()


def _chips(filters: Filters, summary: queries.Summary | None, views: Views) -> list[dict[str, Any]]:
    """One a way that calls ended; those that never happened here are left out, unless chosen."""
    counts = summary.by_outcome() if summary else {}
    any_outcome = f"{views.path}{address}" if (address := filters.address(outcome=())) else views.everything
    chips: list[dict[str, Any]] = [
        {"label": "Any outcome", "address": any_outcome, "is_on": not filters.outcome}
    ]
    for outcome in OUTCOMES:
        is_on = outcome in filters.outcome
        if summary is None or counts.get(outcome) or is_on:
            chips.append(
                {
                    "label": outcome.label,
                    "count": counts.get(outcome, 0) if summary else None,
                    "address": f"{views.path}{filters.toggled(outcome)}",
                    "is_on": is_on,
                }
            )
    return chips


def _picker(name: str, label: str, options: list[Option]) -> dict[str, Any]:
    """Several to choose from, behind a button that says what is chosen: "Interested + 1"."""
    chosen = [option.label for option in options if option.is_chosen]
    more = f" + {len(chosen) - 1}" if len(chosen) > 1 else ""
    words = f"{chosen[0]}{more}" if chosen else label
    return {"name": name, "label": label, "words": words, "options": options, "is_on": bool(chosen)}


def _campaign_options(filters: Filters) -> list[Option]:
    """The newest campaigns, archived ones too, and the one that is chosen; then those that are gone."""
    campaigns = Campaign.objects.order_by("-created_at", "-pk")
    found = list(campaigns.values_list("pk", "name")[:MOST_CAMPAIGNS])
    chosen = filters.campaign
    if chosen and chosen != NO_CAMPAIGN and int(chosen) not in dict(found):
        found += list(campaigns.filter(pk=int(chosen)).values_list("pk", "name"))
    options = [Option(str(key), name, str(key) == chosen) for key, name in found]
    return [*options, Option(NO_CAMPAIGN, "Deleted campaigns", chosen == NO_CAMPAIGN)] if found else []


def _run_options(filters: Filters, campaign: Campaign) -> list[tuple[str, str, bool]]:
    """(value, words, whether chosen), where there are several channels or runs to choose from."""
    options = []
    for channel in campaign.channels.filter(run__gt=0):
        runs = [f"{channel.pk}.{run}" for run in range(channel.run, 0, -1)] if channel.run > 1 else []
        options.append((str(channel.pk), channel.name))
        options += [(value, f"{channel.name}, run {value.partition('.')[2]}") for value in runs]
    is_worth_it = len(options) > 1
    return [(value, words, value == filters.run) for value, words in options] if is_worth_it else []


def _version(
    summary: queries.Summary | None, items: list[dict[str, Any]], count: Count, filters: Filters
) -> str:
    """Changes exactly when what is shown does (the day changes how its times are written)."""
    shown = [
        (
            item["call"].pk,
            item["call"].outcome,
            item["call"].disposition_id,
            item["call"].callback_at,
            item["call"].duration_seconds,
            item["call"].cost,
            item["call"].message_left,
            item["call"].pressed_in_words,
            item["standing"],
            hasattr(item["call"], "recording") and item["call"].recording.status,
            hasattr(item["call"], "transcript"),
        )
        for item in items
    ]
    text = repr((summary, shown, count, filters, timezone.localdate()))
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:20]


def _is_fragment(request: HttpRequest) -> bool:
    return bool(request.htmx)  # type: ignore[attr-defined]


def _answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    if not _is_fragment(request):
        return render(request, template, context)
    etag = f'"{context["version"]}"'
    if request.headers.get("If-None-Match") == etag and context.get("is_live"):
        return HttpResponse(status=304)
    return render(request, "analytics/listing.html", context)


@reader_required
@require_safe
def contact_history(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Everything that happened with a contact, newest first: a page, and a part of the contact's own.

    Asked for what is older by htmx, only that.
    """
    contact = get_object_or_404(Contact, pk=contact_id, erased_at=None)
    cursor = request.GET.get("before", "")
    context = {"section": "contacts", "contact": contact, "timeline": timeline_of(contact, cursor)}
    part = ("#more" if cursor else "#timeline") if _is_fragment(request) else ""
    return render(request, f"analytics/contact_history.html{part}", context)


# --- CSV -------------------------------------------------------------------------------------------


@reader_required
@require_safe
def export_results(request: HttpRequest, campaign_id: int) -> HttpResponseBase:
    """Exactly the rows that the same address without "export/" shows, all pages of them."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    filters = filters_of(request, campaign)
    rows = queries.matching(queries.results_of(campaign), filters, campaign=campaign)
    if request.method == "GET":
        record_activity(
            campaign=campaign, actor=_person(request), verb="exported", text="exported results as CSV"
        )
    return _csv(request, rows, f"{slugify(campaign.name) or 'campaign'}-results")


@reader_required
@require_safe
def export_history(request: HttpRequest) -> HttpResponseBase:
    rows = queries.matching(queries.ended_calls(), filters_of(request, None))
    if request.method == "GET":
        record_access(actor=_person(request), verb="exported", text="exported history as CSV")
    return _csv(request, rows, "history")


def _person(request: HttpRequest) -> Any:
    return request.user


def _csv(request: HttpRequest, rows: QuerySet[Call], name: str) -> HttpResponseBase:
    # Without the query: whom somebody looked for is in it.
    logger.info("%s exported %s", request.user.get_username(), request.path)
    # The zone is that of this request; the rows are made after it was answered.
    time_zone = timezone.get_current_timezone_name()
    content: Iterator[bytes] | list[bytes] = (
        calls_as_csv(rows, time_zone=time_zone) if request.method == "GET" else []
    )
    return download(content, f"{name}-{timezone.localdate():%Y-%m-%d}.csv")
