"""A campaign's figures, their CSV, and two campaigns beside each other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from accounts.permissions import reader_required
from analytics import charts, comparing, snapshots, tables
from analytics.figures import Asked, Figures
from analytics.queries import has_live_calls
from campaigns.hours import zone_in_words
from campaigns.models import Campaign, Disposition
from contacts.exporting import csv_response
from contacts.models import List

# Newer ones can be asked for that soon, where there are none yet.
SOON_SECONDS = 2
USUAL_SECONDS = 10


@dataclass(frozen=True)
class _Known:
    """A campaign, what was asked for, and what is told of it."""

    campaign: Campaign
    asked: Asked
    told: snapshots.Told
    version: str
    dispositions: list[Disposition]

    @property
    def is_live(self) -> bool:
        return self.told.is_coming or self.campaign.is_active or has_live_calls(self.campaign)

    @property
    def figures(self) -> Figures:
        return self.told.figures or Figures()

    @property
    def names(self) -> tables.Names:
        assigned = List.objects.filter(channel_lists__channel__campaign=self.campaign)
        return tables.Names(
            dispositions={str(one.pk): one.name for one in self.dispositions},
            wins=frozenset(str(one.pk) for one in self.dispositions if one.is_win),
            lists={str(key): name for key, name in assigned.values_list("pk", "name")},
            channels={str(key): name for key, name in self.campaign.channels.values_list("pk", "name")},
        )


def _known(campaign: Campaign, asked: Asked, dispositions: list[Disposition]) -> _Known:
    standing = snapshots.standing_of(campaign, dispositions)
    told = snapshots.told(campaign, asked, standing, timezone.now())
    seen = (told.taken_at, told.is_coming) if told.is_stored else standing.version
    text = repr((seen, asked, campaign.is_active, timezone.localdate()))
    version = hashlib.sha256(text.encode()).hexdigest()[:20]
    return _Known(campaign, asked, told, version, dispositions)


def _asked(request: HttpRequest) -> Asked:
    return Asked.of(request.GET, timezone.get_current_timezone_name())


@reader_required
@require_safe
def analytics(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The tab. Asked by htmx for itself, only the part that changes."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    known = _known(campaign, _asked(request), list(Disposition.objects.all()))
    is_live = known.is_live
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    if is_fragment and is_live and request.headers.get("If-None-Match") == f'"{known.version}"':
        return HttpResponse(status=304)
    asked, figures, told = known.asked, known.figures, known.told
    made = tables.all_tables(figures, known.names, asked)
    context = {
        "section": "campaigns",
        "tab": "analytics",
        "campaign": campaign,
        "asked": asked,
        "address": asked.address(),
        "told": told,
        "version": known.version,
        "is_live": is_live,
        "every": USUAL_SECONDS if told.figures else SOON_SECONDS,
        "run_options": _run_options(campaign, asked),
        **_scopes(campaign, asked),
        "zone": zone_in_words(asked.zone),
        "total": figures.total,
        "figures": figures,
        "tables": made,
        "heat_map": tables.heat_map(figures),
        "shades": range(1, tables.SHADES + 1),
        "outcome_legend": [(one.label, charts.OUTCOME_COLOURS[one]) for one in tables.used_outcomes(figures)],
        "by_what": _by_what(made),
        **_charts(figures),
    }
    template = "analytics/analytics.html#figures" if is_fragment else "analytics/analytics.html"
    return render(request, template, context)


def _run_options(campaign: Campaign, asked: Asked) -> list[tuple[str, str, bool]]:
    """(value, words, whether chosen), where there are several channels or runs to choose from."""
    options = []
    for channel in campaign.channels.filter(run__gt=0).order_by("pk"):
        options.append((str(channel.pk), channel.name))
        if channel.run > 1:
            options += [
                (f"{channel.pk}.{run}", f"{channel.name}, run {run}") for run in range(channel.run, 0, -1)
            ]
    if len(options) < 2 and not asked.run:
        return []
    return [(value, words, value == asked.run) for value, words in options]


def _scopes(campaign: Campaign, asked: Asked) -> dict[str, bool]:
    """Contacts are of each channel's latest run; calls of all of them, where no run is chosen."""
    runs = dict(campaign.channels.values_list("pk", "run"))
    of = [run for channel, run in runs.items() if asked.channel_id in {None, channel}]
    return {
        "has_earlier_runs": not asked.run_number and any(run > 1 for run in of),
        "has_several_channels": len(of) > 1,
    }


def _by_what(made: dict[str, tables.Table]) -> list[tables.Table]:
    """By channel and run only where there are several: else it says what the whole page says."""
    shown = [made[name] for name in ("channels", "assistants", "caller-ids", "lists")]
    return [table for table in shown if len(table.rows) > (table.name == "channels")]


def _charts(figures: Figures) -> dict[str, str]:
    """SVG, by the names that the page has for them."""
    return {
        "contacts_chart": charts.of_contacts(figures),
        "days_chart": charts.of_days(figures),
        "days_chart_narrow": charts.of_days(figures, width=charts.NARROW),
        "attempts_chart": charts.of_attempts(figures),
        "causes_chart": charts.of_causes(figures),
    }


@reader_required
@require_safe
def export(request: HttpRequest, campaign_id: int) -> HttpResponseBase:
    """A table as CSV, named by ?table=; without it the summary. The filters are those of the page."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    known = _known(campaign, _asked(request), list(Disposition.objects.all()))
    name = request.GET.get("table", "summary")
    table = tables.all_tables(known.figures, known.names, known.asked).get(name)
    if table is None:
        raise Http404("There is no such table.")
    if known.told.figures is None:
        return render(request, "analytics/analytics_coming.html", {"section": "campaigns"}, status=503)
    return _csv(table, slugify(campaign.name) or "campaign")


def _csv(table: tables.Table, name: str) -> HttpResponseBase:
    head, lines = table.lines
    head = [tables.CSV_HEADS.get(heading, heading) for heading in head]
    return csv_response(f"{name}-{table.name}-{timezone.localdate():%Y-%m-%d}.csv", head, lines)


# --- Two beside each other ---------------------------------------------------------------------------

# So many of the newest can be chosen from, besides those that an address names.
MOST_CHOICES = 300


@reader_required
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """?a=1&b=2: archived ones, too. Asked by htmx for itself, only the part that changes."""
    known = _two(request)
    both = [one for one in known if one is not None]
    is_live = any(one.is_live for one in both)
    version = "-".join(one.version for one in both)
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    if is_fragment and is_live and request.headers.get("If-None-Match") == f'"{version}"':
        return HttpResponse(status=304)
    context: dict[str, Any] = {
        "section": "campaigns",
        "version": version,
        "is_live": is_live,
        "is_coming": any(one.told.figures is None for one in both),
        "every": SOON_SECONDS if any(one.told.figures is None for one in both) else USUAL_SECONDS,
        "taken": [(one.campaign, one.told.taken_at) for one in both if one.told.taken_at],
        "zone": zone_in_words(timezone.get_current_timezone_name()),
        "choices": _choices(known),
        "chosen": [one.campaign if one else None for one in known],
        "is_same": len(both) == 2 and both[0].campaign == both[1].campaign,
    }
    if len(both) == 2 and not context["is_same"]:
        names = both[0].campaign.name, both[1].campaign.name
        pair = both[0].figures, both[1].figures
        context |= {
            "names": names,
            "comparison": comparing.summary(*pair),
            "outcomes": comparing.outcomes(*pair),
            "days": comparing.days(*pair),
            "outcomes_chart": charts.of_two_outcomes(*pair, names),
            "days_chart": charts.of_two_days(*pair, names),
        }
    template = "analytics/analytics_compare.html"
    return render(request, f"{template}#compared" if is_fragment else template, context)


def _two(request: HttpRequest) -> list[_Known | None]:
    """The campaigns that ?a= and ?b= name; None for one that isn't there."""
    dispositions = list(Disposition.objects.all())
    asked = Asked(timezone.get_current_timezone_name())
    keys = [request.GET.get(side, "") for side in ("a", "b")]
    wanted = [int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 19]
    found = Campaign.objects.in_bulk(wanted)
    campaigns = [
        found.get(int(key)) if key.isascii() and key.isdigit() and len(key) < 19 else None for key in keys
    ]
    return [_known(campaign, asked, dispositions) if campaign else None for campaign in campaigns]


def _choices(known: list[_Known | None]) -> list[tuple[int, str]]:
    newest = list(Campaign.objects.order_by("-pk").values_list("pk", "name", "archived_at")[:MOST_CHOICES])
    have = {key for key, _, _ in newest}
    others = [one.campaign for one in known if one and one.campaign.pk not in have]
    rows = newest + [(one.pk, one.name, one.archived_at) for one in others]
    return [(key, f"{name} (archived)" if archived_at else name) for key, name, archived_at in rows]


@reader_required
@require_safe
def export_comparison(request: HttpRequest) -> HttpResponseBase:
    """A table of the comparison as CSV, named by ?table=: summary, outcomes or days."""
    one, other = _two(request)
    makers = {"summary": comparing.summary, "outcomes": comparing.outcomes, "days": comparing.days}
    maker = makers.get(request.GET.get("table", "summary"))
    if one is None or other is None or maker is None:
        raise Http404("There are no two such campaigns.")
    if one.told.figures is None or other.told.figures is None:
        return render(request, "analytics/analytics_coming.html", {"section": "campaigns"}, status=503)
    table = maker(one.figures, other.figures)
    head, lines = table.lines_of(one.campaign.name, other.campaign.name)
    return csv_response(f"comparison-{table.name}-{timezone.localdate():%Y-%m-%d}.csv", head, lines)
