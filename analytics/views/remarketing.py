"""A new channel from contacts whom a person chose by what happened: who they are, how many, and made."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.permissions import editor_required
from analytics import queries
from analytics.filters import OUTCOMES, Filters
from analytics.forms import NewChannelForm
from analytics.options import Option, disposition_options, status_options
from analytics.remarketing import Chosen, ChosenByCalls, ChosenByPlaces, Options, Places
from campaigns.models import Campaign, Channel, Disposition
from campaigns.queries import channel_counts
from campaigns.refusals import Refused
from campaigns.services import Made, make_channel_from
from interface.toasts import toast

# Of more calls or places than that, the number follows the page.
COUNTED_AT_ONCE = 20_000
NOT_ASKED_FOR = frozenset({"csrfmiddlewaretoken", "told"})


@dataclass(frozen=True)
class Page:
    """What the page shows beside the choice itself: where the person came from, and what can be picked.

    ``kept`` is what was narrowed down to and can't be changed here, as an address has it.
    """

    section: str
    title: str
    back: str
    groups: list[tuple[str, str, list[Option]]]
    kept: list[tuple[str, str]]
    kept_words: str
    has_calls: bool
    is_large: bool


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def from_results(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """From a campaign's results; the address narrows them down as on their page."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    filters = replace(Filters.of(_sent(request)), campaign="")
    back = reverse("analytics:results", args=[campaign.pk]) + filters.address()
    return _from_calls(request, campaign, filters, "campaigns", back)


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def from_history(request: HttpRequest) -> HttpResponse:
    """From all calls, or those of one campaign that history is narrowed down to."""
    filters = Filters.of(_sent(request))
    campaign = Campaign.objects.filter(pk=filters.campaign).first() if filters.campaign.isdecimal() else None
    back = reverse("analytics:history") + filters.address()
    return _from_calls(request, campaign, filters, "history", back)


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def from_contacts(request: HttpRequest, channel_id: int) -> HttpResponse:
    """From the contacts of a channel's current run, those who were never called among them."""
    channel = get_object_or_404(Channel.objects.select_related("campaign"), pk=channel_id)
    places = Places.of(_sent(request))
    options = Options.of(_sent(request), places.statuses)
    chosen = ChosenByPlaces(channel.campaign, options, channel, places)
    counts = channel_counts([channel])[channel.pk]
    kept = Places(group=places.group, q=places.q)
    page = Page(
        section="campaigns",
        title="Contacts",
        back=reverse("campaigns:contacts", args=[channel.campaign_id]) + f"?channel={channel.pk}",
        groups=[("status", f"Status in {channel.name}", status_options(places.statuses, counts.by_status))],
        kept=kept.given,
        kept_words=replace(chosen, places=kept).what if kept.given else "",
        has_calls=False,
        is_large=counts.total > COUNTED_AT_ONCE,
    )
    return _answer(request, chosen, places.given, page, like=channel)


def _from_calls(
    request: HttpRequest, campaign: Campaign | None, filters: Filters, section: str, back: str
) -> HttpResponse:
    chosen = ChosenByCalls(campaign, Options.of(_sent(request), filters.status), filters)
    dispositions = list(Disposition.objects.all())
    summary = queries.summary_of(campaign, dispositions) if campaign else None
    happened = summary.by_outcome() if summary else dict.fromkeys(OUTCOMES, 1)
    # How many calls have them says nothing of how many contacts do.
    named = [replace(option, count=None) for option in disposition_options(filters, summary, dispositions)]
    outcomes = [one for one in OUTCOMES if happened.get(one) or one in filters.outcome]
    kept = replace(filters, outcome=(), disposition=(), status=())
    page = Page(
        section=section,
        title="History" if section == "history" else "Results",
        back=back,
        groups=[
            ("outcome", "Outcome", [Option(one, one.label, one in filters.outcome) for one in outcomes]),
            ("disposition", "Disposition", named),
            ("status", "Status of the contact now", status_options(filters.status)),
        ],
        kept=kept.given,
        kept_words=replace(chosen, filters=kept).what if not replace(kept, campaign="").is_empty else "",
        has_calls=True,
        is_large=summary is None or summary.calls > COUNTED_AT_ONCE,
    )
    return _answer(request, chosen, filters.given, page, like=_channel_of(filters, campaign))


def _sent(request: HttpRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET


def _channel_of(filters: Filters, campaign: Campaign | None) -> Channel | None:
    """Whose settings the new channel begins with, unless the person says otherwise."""
    if campaign is None:
        return None
    channels = campaign.channels.all()
    asked = filters.channel_and_run.get("channel_id", 0)
    return channels.filter(pk=asked).first() or channels.last()


def _answer(
    request: HttpRequest, chosen: Chosen, given: list[tuple[str, str]], page: Page, *, like: Channel | None
) -> HttpResponse:
    """Asks, counts, or makes the channel."""
    context: dict[str, Any] = {
        "section": page.section,
        "campaign": chosen.campaign,
        "page": page,
        "chosen": chosen,
        "given": given,
    }
    if request.method != "POST" and request.htmx:  # type: ignore[attr-defined]
        return render(request, "analytics/new_channel.html#counted", {**context, "counted": chosen.counted()})
    form = NewChannelForm(
        request.POST if request.method == "POST" else None,
        source=chosen.campaign,
        like=like,
        what=chosen.what,
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = _make(request, chosen, form)
            except Refused as refused:
                form.add_error(None, str(refused))
                status = 409
            else:
                return _made(request, made)
    context["form"] = form
    context["page_key"] = _page_key(request)
    context["counted"] = None if page.is_large else chosen.counted()
    return render(request, "analytics/new_channel.html", context, status=status)


def _page_key(request: HttpRequest) -> str:
    sent = request.POST.get("page", "")
    return sent if re.fullmatch("[0-9a-f]{32}", sent) else uuid4().hex


def _make(request: HttpRequest, chosen: Chosen, form: NewChannelForm) -> Made:
    # What the same page asks for differently is another deed: somebody went back and changed it. How many
    # the page said there are is nothing that it asks for.
    asked = sorted((name, values) for name, values in request.POST.lists() if name not in NOT_ASKED_FOR)
    digest = hashlib.sha256(repr(asked).encode()).hexdigest()[:8]
    return make_channel_from(
        contacts=chosen.contacts(),
        what=chosen.what,
        in_full=chosen.in_full,
        source=chosen.source,
        source_campaign=chosen.campaign,
        campaign=form.campaign_to_be,
        new_campaign=form.cleaned_data["new_campaign"],
        name=form.cleaned_data["name"],
        like=form.cleaned_data["like"],
        page=f"{_page_key(request)}-{digest}",
        about=_told(request) or 0,
        actor=request.user,  # type: ignore[arg-type]  # editor_required: a User
    )


def _told(request: HttpRequest) -> int | None:
    """How many contacts the page said there are."""
    told = request.POST.get("told", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else None


def _made(request: HttpRequest, made: Made) -> HttpResponse:
    people = "1 contact" if made.list.size == 1 else f"{made.list.size:,} contacts"
    told = _told(request)
    changed = f" When you looked there were {told:,}." if told not in {None, made.list.size} else ""
    toast(request, f"{made.channel.name} was made for {people}, who are the list {made.list.name}.{changed}")
    return redirect("campaigns:channel_edit", made.channel.campaign_id, made.channel.pk)
