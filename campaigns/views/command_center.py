"""The command center: one page to run a campaign from.

All of its tabs share the header and the five cards. Each tab has its URL, and with htmx answers with
the part that refreshes itself, or with 304 when nothing changed: that takes one query.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import JSONObject
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from campaigns import services
from campaigns.hours import describe_hours
from campaigns.lifecycles import (
    DONE,
    IN_PROGRESS,
    REACHED,
    WAITING,
    CampaignStatus,
    ChannelStatus,
    EnrollmentStatus,
)
from campaigns.models import (
    Activity,
    Campaign,
    CampaignExclusion,
    Channel,
    ChannelList,
    Enrollment,
    EnrollmentCount,
    PauseReason,
    VoiceDestination,
)
from campaigns.preflight import CALL_SECONDS, Group, calls_per_second, estimate
from campaigns.queries import Counts, campaign_counts, channel_counts
from campaigns.refusals import Refusal
from campaigns.rulebook import rulebook
from campaigns.views.deeds import attempt, back, go_to, press
from campaigns.views.manager import obvious_thing
from campaigns.waiting import channel_waits_for, clock_in_words, why_not_yet
from contacts.models import Contact, List, ListVersion, zones_of
from contacts.queries import search_contacts
from interface.pagination import Page, keyset_page
from interface.toasts import toast

PAGE_SIZE = 50
# Whose hours the estimate looks at, where each contact's own zone counts.
ZONE_SAMPLE = 200


# --- The four tabs ---------------------------------------------------------------------------------------


@reader_required
@require_safe
def campaign(request: HttpRequest, campaign_id: int) -> HttpResponse:
    return _tab(request, campaign_id, "channels")


@reader_required
@require_safe
def contacts(request: HttpRequest, campaign_id: int) -> HttpResponse:
    return _tab(request, campaign_id, "contacts")


@reader_required
@require_safe
def lists(request: HttpRequest, campaign_id: int) -> HttpResponse:
    return _tab(request, campaign_id, "lists")


@reader_required
@require_safe
def activity(request: HttpRequest, campaign_id: int) -> HttpResponse:
    return _tab(request, campaign_id, "activity")


def _tab(request: HttpRequest, campaign_id: int, tab: str) -> HttpResponse:
    now = timezone.now()
    # What a search finds is not worth finding twice: it is shown anew each time.
    is_search = tab == "contacts" and bool(_searched(request))
    version = "" if is_search else _version(request, campaign_id, tab, now)
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    if version and is_fragment and request.headers.get("If-None-Match") == f'"{version}"':
        return HttpResponse(status=304)
    campaign = get_object_or_404(Campaign.objects.select_related("created_by"), pk=campaign_id)
    context = _frame(campaign, now)
    context |= {"tab": tab, "version": version, **_CONTENTS[tab](request, campaign, context, now)}
    template = "campaigns/campaign.html#center" if is_fragment else "campaigns/campaign.html"
    return render(request, template, context)


def _version(request: HttpRequest, campaign_id: int, tab: str, now: datetime) -> str:
    """Changes whenever something on the tab does; one query. Raises Http404 when the campaign is gone."""
    campaigns = Campaign.objects.filter(pk=campaign_id)
    channels = Channel.objects.filter(campaign=OuterRef("pk")).order_by("pk")
    counters = (
        EnrollmentCount.objects.filter(channel__campaign=OuterRef("pk"), run=F("channel__run"))
        .order_by("channel_id", "status")
        .values("channel_id", "status")
        .annotate(total=Sum("count"))
    )
    assigned = ChannelList.objects.filter(channel__campaign=OuterRef("pk")).order_by("pk")
    activities = Activity.objects.filter(campaign=OuterRef("pk")).order_by("-pk")
    seen: dict[str, Any] = {
        "seen_channels": ArraySubquery(
            channels.values(
                data=JSONObject(
                    id="pk", status="status", run="run", revision="revision", start_at="start_at",
                    reason="pause_reason", note="pause_note",
                    waits="drive__waiting_for", until="drive__waiting_until",
                )
            )
        ),
        "seen_counts": ArraySubquery(
            counters.values(data=JSONObject(channel="channel_id", status="status", total="total"))
        ),
        "seen_lists": ArraySubquery(
            assigned.values(data=JSONObject(id="pk", version="version", size="list__size", name="list__name"))
        ),
        "seen_exclusions": ArraySubquery(
            CampaignExclusion.objects.filter(campaign=OuterRef("pk"))
            .order_by("pk")
            .values(data=JSONObject(id="pk", size="list__size", name="list__name"))
        ),
        "seen_activity": Subquery(activities.values("pk")[:1]),
    }  # fmt: skip
    if tab == "contacts":
        rows, order = _enrollments(request, _chosen_channel(request), campaign_id)
        row = JSONObject(id="pk", status="status", at="updated_at")
        seen["seen_rows"] = ArraySubquery(rows.order_by(*order).values(data=row)[:PAGE_SIZE])
    found = campaigns.annotate(**seen).values_list("name", "description", "archived_at", *seen).first()
    if found is None:
        raise Http404
    # "opens at 9:00" ceases to be true at 9:00, and a contact's "not yet" by the minute.
    waits = [str(channel["until"]) <= now.isoformat() for channel in found[3] if channel["until"]]
    minute = f"{now:%H:%M}" if tab == "contacts" else ""
    person = (getattr(request.user, "role", ""), request.COOKIES.get("time_zone", ""))
    text = repr((found, waits, minute, person, request.get_full_path()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# --- What all tabs show ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Control:
    """A button of a channel's card."""

    move: str
    label: str
    icon: str
    asks: bool = False


START = Control("start", "Start", "play")
SCHEDULE = Control("start", "Schedule", "clock")
START_NOW = Control("start-now", "Start now", "play")
UNSCHEDULE = Control("unschedule", "Cancel schedule", "x-mark")
PAUSE = Control("pause", "Pause", "pause")
RESUME = Control("resume", "Resume", "play")
STOP = Control("stop", "Stop for good", "stop", asks=True)
RERUN = Control("rerun", "Re-run", "arrow-path", asks=True)

CONTROLS: dict[str, tuple[Control, ...]] = {
    ChannelStatus.READY: (START,),
    ChannelStatus.SCHEDULED: (START_NOW, UNSCHEDULE, STOP),
    ChannelStatus.RUNNING: (PAUSE, STOP),
    ChannelStatus.PAUSED: (RESUME, STOP),
    ChannelStatus.STOPPED: (),
    ChannelStatus.COMPLETED: (RERUN,),
}


@dataclass(frozen=True)
class Card:
    """A channel as its card shows it."""

    channel: Channel
    counts: Counts
    planned: int
    controls: tuple[Control, ...]
    hours: str
    waits_for: str
    paused_because: str
    refusal: Refusal | None
    starts: str

    @property
    def segments(self) -> list[tuple[str, int, str]]:
        counts = self.counts
        callbacks = counts.callbacks
        return [
            ("green", counts.completed, "completed"),
            ("red", counts.failed, "failed"),
            ("blue", counts.in_progress, "in progress"),
            ("amber", counts.retrying + callbacks, "to retry or call back" if callbacks else "to retry"),
            ("faint", counts.pending - counts.retrying - callbacks, "waiting"),
        ]

    @property
    def primary(self) -> Control | None:
        """What pressing the badge does."""
        return self.controls[0] if self.controls and not self.controls[0].asks else None

    @property
    def destination(self) -> str:
        voice = self.channel.voice
        if voice.destination == VoiceDestination.ASSISTANT:
            return voice.assistant.name if voice.assistant else "no assistant yet"
        return voice.get_destination_display()


def _frame(campaign: Campaign, now: datetime) -> dict[str, Any]:
    channels = list(
        campaign.channels.select_related("voice", "voice__assistant", "voice__caller_id", "schedule", "drive")
    )
    assigned = ChannelList.objects.filter(channel__campaign=campaign).values_list(
        "channel_id", "list_id", "list__size"
    )
    planned = {channel.pk: sum(size for pk, _, size in assigned if pk == channel.pk) for channel in channels}
    for channel in channels:
        channel.campaign = campaign
    by_channel = channel_counts(channels)
    counts = sum(by_channel.values(), Counts())
    press = obvious_thing(campaign, channels)
    waits = [words for words in (channel_waits_for(channel, now) for channel in channels) if words]
    return {
        "section": "campaigns",
        "campaign": campaign,
        "status": "archived" if campaign.is_archived else campaign.status,
        "status_label": "Archived" if campaign.is_archived else campaign.get_status_display(),
        "press": press,
        # Scheduled, too: somebody may be waiting to see it start.
        "is_live": campaign.status in {CampaignStatus.ACTIVE, CampaignStatus.SCHEDULED}
        or bool(counts.in_progress),
        "channels": channels,
        "counts_by_channel": by_channel,
        "counts": counts,
        "total": counts.total + sum(planned[channel.pk] for channel in channels if not channel.run),
        "planned": planned,
        "lists_count": len({list_id for _, list_id, _ in assigned}),
        "waits_for": waits[0] if waits else "",
        "started": _started(campaign),
        "done_about": _done_about(channels, by_channel, now),
    }


def _started(campaign: Campaign) -> Activity | None:
    return (
        campaign.activities.filter(verb__in=["start", "rerun"])
        .select_related("actor")
        .order_by("-pk")
        .first()
    )


def _done_about(channels: list[Channel], counts: dict[int, Counts], now: datetime) -> str:
    """When the last running channel has gone once through those who wait, at its pace and hours."""
    moments = []
    for channel in channels:
        waiting = counts[channel.pk].pending
        if channel.status != ChannelStatus.RUNNING or not waiting:
            continue
        rules = rulebook(channel.pk, channel.revision)
        groups = _groups(channel, waiting)
        done = estimate(groups, rules.hours, rules.zone, calls_per_second(rules, CALL_SECONDS), now)
        if done.done_at is None or done.left:
            return ""
        moments.append(done.done_at)
    return clock_in_words(max(moments), None, now) if moments else ""


def _groups(channel: Channel, waiting: int) -> list[Group]:
    """Those who wait, by zone, extrapolated from the next in turn."""
    sample = (
        Enrollment.objects.filter(channel=channel, run=channel.run, status__in=WAITING)
        .order_by("turn", "due_at", "id")
        .values_list("zone_set", flat=True)[:ZONE_SAMPLE]
    )
    found = Counter(sample)
    return [Group(zones_of(zone_set), waiting * count / found.total()) for zone_set, count in found.items()]


# --- Channels --------------------------------------------------------------------------------------------


def _channels_tab(
    request: HttpRequest, campaign: Campaign, frame: dict[str, Any], now: datetime
) -> dict[str, Any]:
    counts, planned = frame["counts_by_channel"], frame["planned"]
    return {"cards": [_card(c, counts[c.pk], planned[c.pk], now) for c in frame["channels"]]}


def _card(channel: Channel, counts: Counts, planned: int, now: datetime) -> Card:
    controls = CONTROLS[channel.status]
    starts_later = bool(channel.start_at and channel.start_at > now)
    if channel.status == ChannelStatus.READY and starts_later:
        controls = (SCHEDULE, START_NOW)
    if channel.campaign.is_archived:
        controls = ()
    refusals = services.start_refusals(channel, now) if channel.status == ChannelStatus.READY else []
    schedule = channel.schedule
    zone = rulebook(channel.pk, channel.revision).zone
    return Card(
        channel=channel,
        counts=counts,
        planned=planned,
        controls=controls,
        hours=describe_hours(schedule.hours, schedule.time_zone),
        waits_for=channel_waits_for(channel, now),
        paused_because=_paused_because(channel),
        refusal=refusals[0] if refusals and not channel.campaign.is_archived else None,
        starts=clock_in_words(channel.start_at, zone, now) if starts_later and channel.start_at else "",
    )


def _paused_because(channel: Channel) -> str:
    """Why the engine paused it; a person who paused it knows."""
    if channel.status != ChannelStatus.PAUSED or channel.pause_reason in {"", PauseReason.PERSON}:
        return channel.pause_note if channel.status == ChannelStatus.PAUSED else ""
    reason = channel.get_pause_reason_display()
    return f"{reason}: {channel.pause_note}" if channel.pause_note else reason


# --- Contacts --------------------------------------------------------------------------------------------

GROUPS: dict[str, tuple[str, frozenset[str]]] = {
    "dialed": (
        "Dialed",
        frozenset(EnrollmentStatus)
        - {EnrollmentStatus.PENDING, EnrollmentStatus.SKIPPED, EnrollmentStatus.DO_NOT_CALL},
    ),
    "remaining": ("Remaining", WAITING),
    "in_progress": ("In progress", IN_PROGRESS),
    "reached": ("Reached", REACHED),
}


@dataclass(frozen=True)
class Place:
    """A contact's row: where it stands in the channel."""

    enrollment: Enrollment
    why_not_yet: str

    @property
    def is_done(self) -> bool:
        return self.enrollment.status in DONE


def _chosen_channel(request: HttpRequest) -> int | None:
    """?channel=, which is yet to be looked for among the campaign's."""
    asked = request.GET.get("channel", "")
    return int(asked) if asked.isdecimal() and len(asked) < 18 else None


def _enrollments(
    request: HttpRequest, channel_id: int | None, campaign_id: int
) -> tuple[QuerySet[Enrollment], list[str]]:
    """What ?status= and ?q= ask for, and an order that an index has: (rows, order).

    Without a channel: the campaign's first. An order by status and number is what the index
    enrollment_by_status gives; for all of them, enrollment_once_a_run gives them by contact.
    """
    channels = Channel.objects.filter(campaign=campaign_id)
    channels = channels.filter(pk=channel_id) if channel_id else channels.order_by("pk")[:1]
    rows = Enrollment.objects.filter(
        channel=Subquery(channels.values("pk")), run=Subquery(channels.values("run"))
    )
    status = request.GET.get("status", "")
    order = ["contact_id"]
    if status in GROUPS:
        rows, order = rows.filter(status__in=sorted(GROUPS[status][1])), ["status", "id"]
    elif status in EnrollmentStatus.values:
        rows, order = rows.filter(status=status), ["id"]
    text = _searched(request)
    if text:
        matching = search_contacts(Contact.objects.all(), text, settings.DEFAULT_COUNTRY)
        rows = rows.filter(contact__in=matching.order_by().values("pk"))
    return rows, order


def _searched(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\x00", "").strip()[:100]


def _contacts_tab(
    request: HttpRequest, campaign: Campaign, frame: dict[str, Any], now: datetime
) -> dict[str, Any]:
    channels: list[Channel] = frame["channels"]
    if not channels:
        raise Http404
    asked = _chosen_channel(request)
    channel = next((c for c in channels if c.pk == asked), channels[0])
    rows, order = _enrollments(request, channel.pk, campaign.pk)
    page = keyset_page(
        rows.select_related("contact", "zone_set"),
        order=order,
        cursor=request.GET.get("cursor"),
        size=PAGE_SIZE,
    )
    rules = rulebook(channel.pk, channel.revision)
    counts: Counts = frame["counts_by_channel"][channel.pk]
    status, text = request.GET.get("status", ""), _searched(request)
    return {
        "channel": channel,
        "planned": frame["planned"][channel.pk],
        "page": page,
        "places": [
            Place(
                e,
                why_not_yet(e, channel=channel, rules=rules, zones=e.zone_set.zone_infos(), now=now),
            )
            for e in page.items
        ],
        "chips": _contact_chips(counts, status),
        "statuses": [
            (value, label, counts.by_status.get(value, 0)) for value, label in EnrollmentStatus.choices
        ],
        "chosen_status": status,
        "q": text,
        "matching": None if text else _count(counts, status),
    }


def _count(counts: Counts, status: str) -> int:
    if status in GROUPS:
        return sum(counts.by_status.get(s, 0) for s in GROUPS[status][1])
    if status in EnrollmentStatus.values:
        return counts.by_status.get(status, 0)
    return counts.total


def _contact_chips(counts: Counts, chosen: str) -> list[dict[str, Any]]:
    chips = [("", "All")] + [(key, label) for key, (label, _) in GROUPS.items()]
    return [
        {"value": value, "label": label, "count": _count(counts, value), "is_current": value == chosen}
        for value, label in chips
    ]


# --- Lists -----------------------------------------------------------------------------------------------


def _lists_tab(
    request: HttpRequest, campaign: Campaign, frame: dict[str, Any], now: datetime
) -> dict[str, Any]:
    assigned = list(
        ChannelList.objects.filter(channel__campaign=campaign)
        .select_related("list")
        .annotate(
            pinned_size=Subquery(
                ListVersion.objects.filter(list=OuterRef("list"), number=OuterRef("version")).values("size")
            )
        )
        .order_by("pk")
    )
    offered = list(List.objects.order_by("name").values("pk", "name", "size")[:500])
    channels = []
    for channel in frame["channels"]:
        own = [a for a in assigned if a.channel_id == channel.pk]
        taken = {a.list_id for a in own}
        channels.append(
            {
                "channel": channel,
                "assigned": own,
                "offered": [o for o in offered if o["pk"] not in taken],
                "is_editable": channel.is_editable and not campaign.is_archived,
                "total": sum(a.pinned_size if a.pinned_size is not None else a.list.size for a in own),
            }
        )
    left_alone = campaign.campaign_exclusions.select_related("list").order_by("pk")
    taken = {exclusion.list_id for exclusion in left_alone}
    return {
        "by_channel": channels,
        "left_alone": left_alone,
        "may_leave_alone": [] if campaign.is_archived else [o for o in offered if o["pk"] not in taken],
    }


# --- Activity --------------------------------------------------------------------------------------------


def _activity_tab(
    request: HttpRequest, campaign: Campaign, frame: dict[str, Any], now: datetime
) -> dict[str, Any]:
    page: Page[Activity] = keyset_page(
        campaign.activities.select_related("actor"),
        order=["-id"],
        cursor=request.GET.get("cursor"),
        size=PAGE_SIZE,
    )
    return {"page": page}


_CONTENTS: dict[str, Callable[[HttpRequest, Campaign, dict[str, Any], datetime], dict[str, Any]]] = {
    "channels": _channels_tab,
    "contacts": _contacts_tab,
    "lists": _lists_tab,
    "activity": _activity_tab,
}


# --- Deeds -----------------------------------------------------------------------------------------------

MOVES: dict[str, tuple[Callable[..., Any], str]] = {
    "start": (services.start_channel, "started"),
    "start-now": (services.start_now, "started"),
    "unschedule": (services.unschedule_channel, "is ready again; its schedule was cancelled"),
    "pause": (services.pause_channel, "paused. Calls in progress finish"),
    "resume": (services.resume_channel, "goes on"),
    "stop": (services.stop_channel, "stopped for good"),
    "rerun": (services.rerun_channel, "started again"),
}


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, campaign_id: int, channel_id: int, move: str) -> HttpResponse:
    """GET asks first, where a move can't be undone; POST makes it."""
    if move not in MOVES:
        raise Http404
    channel = get_object_or_404(
        Channel.objects.select_related("campaign"), pk=channel_id, campaign=campaign_id
    )
    if request.method != "POST":
        return _ask(request, channel, move)
    service, done = MOVES[move]
    moved, refusal = attempt(service, channel=channel, actor=request.user)
    if moved is not None:
        scheduled = move == "start" and moved.status == ChannelStatus.SCHEDULED
        toast(request, f"{channel.name} {'scheduled' if scheduled else done}.")
    return _answer(request, channel.campaign, refusal, channel.status)


def _ask(request: HttpRequest, channel: Channel, move: str) -> HttpResponse:
    if move not in {"stop", "rerun"}:
        raise Http404
    counts = channel_counts([channel])[channel.pk]
    context = {
        "section": "campaigns",
        "campaign": channel.campaign,
        "channel": channel,
        "move": move,
        "counts": counts,
        "question": f"campaigns/_ask_{move}.html",
    }
    return _dialog(request, context)


def _dialog(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A question: in a dialog, or without scripts on a page of its own."""
    template = context["question"] if request.htmx else "campaigns/question.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)


@editor_required
@require_POST
def press_here(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The badge of the header was pressed."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    refusal = press(request, campaign)
    return _answer(request, campaign, refusal, campaign.status)


def _answer(request: HttpRequest, campaign: Campaign, refusal: Refusal | None, status: str) -> HttpResponse:
    """Done: the page asks for what changed. Refused: the reason, beside what was pressed."""
    if not request.htmx:  # type: ignore[attr-defined]
        return back(request, campaign.get_absolute_url(), refusal)
    if refusal is not None:
        return render(request, "campaigns/_refusal.html", {"refusal": refusal, "status": status}, status=409)
    response = HttpResponse(status=204)
    response.headers["HX-Trigger"] = "refresh"
    return response


@editor_required
@require_POST
def archive(request: HttpRequest, campaign_id: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    _, refusal = attempt(services.archive_campaign, campaign=campaign, actor=request.user)
    if refusal is None:
        toast(request, f"{campaign.name} was archived. It is found under Archived.")
    return _told(request, campaign, refusal)


@editor_required
@require_POST
def duplicate(request: HttpRequest, campaign_id: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    copy, refusal = attempt(services.duplicate_campaign, campaign=campaign, actor=request.user)
    if copy is None:
        return _told(request, campaign, refusal)
    toast(request, f"{campaign.name} was duplicated. This is the copy, a draft.")
    return go_to(request, copy.get_absolute_url())


def _told(request: HttpRequest, campaign: Campaign, refusal: Refusal | None) -> HttpResponse:
    """For what a menu does: there is no place beside it for a refusal, so a toast says it."""
    if not request.htmx:  # type: ignore[attr-defined]
        return back(request, campaign.get_absolute_url(), refusal)
    if refusal is not None:
        toast(request, refusal.message, level=messages.ERROR)
    response = HttpResponse(status=204)
    response.headers["HX-Trigger"] = "refresh"
    return response


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Asks for the name; archiving is offered as the better choice."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    context = {
        "section": "campaigns",
        "campaign": campaign,
        "counts": campaign_counts([campaign.pk])[campaign.pk],
        "channels": campaign.channels.count(),
        "question": "campaigns/_ask_delete.html",
    }
    if request.method != "POST":
        return _dialog(request, context)
    name = request.POST.get("name", "")
    _, refusal = attempt(services.delete_campaign, campaign=campaign, actor=request.user, name=name)
    if refusal is not None:
        return _dialog(request, {**context, "refusal": refusal, "typed": name}, status=409)
    toast(request, f"{campaign.name} was deleted. Its calls stay in the history.")
    return go_to(request, reverse("campaigns:manager"))


@editor_required
@require_POST
def assign(request: HttpRequest, campaign_id: int, channel_id: int) -> HttpResponse:
    """Assign the list that ``list`` names."""
    channel = get_object_or_404(Channel, pk=channel_id, campaign=campaign_id)
    chosen = _chosen_list(request)
    if chosen is None:
        return _answer(request, channel.campaign, Refusal("Choose a list first."), channel.status)
    _, refusal = attempt(services.assign_list, channel=channel, list=chosen, actor=request.user)
    if refusal is None:
        undo = reverse("campaigns:unassign", args=[campaign_id, channel_id, chosen.pk])
        toast(request, f"{chosen.name} was assigned to {channel.name}.", undo=undo)
    return _answer(request, channel.campaign, refusal, channel.status)


def _chosen_list(request: HttpRequest) -> List | None:
    asked = request.POST.get("list", "")
    return List.objects.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 18 else None


@editor_required
@require_POST
def unassign(request: HttpRequest, campaign_id: int, channel_id: int, list_id: int) -> HttpResponse:
    channel = get_object_or_404(Channel, pk=channel_id, campaign=campaign_id)
    chosen = get_object_or_404(List, pk=list_id)
    _, refusal = attempt(services.unassign_list, channel=channel, list=chosen, actor=request.user)
    if refusal is None:
        toast(request, f"{chosen.name} was unassigned from {channel.name}.")
    return _answer(request, channel.campaign, refusal, channel.status)


@editor_required
@require_POST
def exclude(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Leave alone those on the list that ``list`` names."""
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    chosen = _chosen_list(request)
    if chosen is None:
        return _answer(request, campaign, Refusal("Choose a list first."), campaign.status)
    _, refusal = attempt(services.add_exclusion, campaign=campaign, list=chosen, actor=request.user)
    if refusal is None:
        undo = reverse("campaigns:include", args=[campaign_id, chosen.pk])
        toast(request, f"Those on {chosen.name} are never contacted.", undo=undo)
    return _answer(request, campaign, refusal, campaign.status)


@editor_required
@require_POST
def include(request: HttpRequest, campaign_id: int, list_id: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=campaign_id)
    chosen = get_object_or_404(List, pk=list_id)
    _, refusal = attempt(services.remove_exclusion, campaign=campaign, list=chosen, actor=request.user)
    if refusal is None:
        toast(request, f"Those on {chosen.name} may be contacted again. Who was passed over stays so.")
    return _answer(request, campaign, refusal, campaign.status)
