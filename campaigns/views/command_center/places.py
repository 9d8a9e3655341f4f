"""What is done with contacts of a channel: asked first where many are meant, done, told, and undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from django_q.tasks import async_task

from accounts.permissions import editor_required
from campaigns.lifecycles import ENROLLMENT, WAITING, ChannelStatus, EnrollmentStatus
from campaigns.models import Channel, Enrollment
from campaigns.places import ChosenPlaces, PlaceFilters
from campaigns.refusals import Refusal
from campaigns.services import bring_back_contacts
from campaigns.services.places import Result, do_with_places
from campaigns.views.command_center.moves import dialog
from campaigns.views.deeds import attempt
from contacts.services.lists import MOST_FORBIDDEN
from interface.toasts import toast

# More than this is the worker's: a person does not wait for it.
MOST_AT_ONCE = 10_000


@dataclass(frozen=True)
class Deed:
    """``done`` is what a toast says, ``goes_on`` while the worker is at it; ``can`` who it is for."""

    title: str
    action: str
    explains: str
    done: str
    goes_on: str
    can: frozenset[str]
    asks_reason: bool = True
    is_destructive: bool = False


DEEDS = {
    "skip": Deed(
        title="Skip",
        action="Skip",
        explains="They are not called in this run, unless you undo it or retry them.",
        done="skipped",
        goes_on="being skipped",
        can=WAITING,
    ),
    "bring-back": Deed(
        title="Bring back",
        action="Bring back",
        explains="Whom a person skipped waits again, as before.",
        done="brought back",
        goes_on="being brought back",
        can=frozenset({EnrollmentStatus.SKIPPED}),
        asks_reason=False,
    ),
    "retry": Deed(
        title="Retry now",
        action="Retry now",
        explains=(
            "They are called as soon as their hours, the caps and the channel’s pace allow, ahead of those "
            "whose first turn is still to come; also beyond the number of attempts that was planned. Nobody "
            "on do-not-contact is called."
        ),
        done="to be tried now",
        goes_on="being lined up",
        can=WAITING | ENROLLMENT["try_again"].sources,
        asks_reason=False,
    ),
    "do-not-contact": Deed(
        title="Never contact again",
        action="Add to do-not-contact",
        explains="No campaign reaches them again, in any way; a phone that rings is hung up on.",
        done="put on do-not-contact",
        goes_on="being put on do-not-contact",
        can=frozenset(),
        is_destructive=True,
    ),
}


def _people(count: int) -> str:
    return "1 contact" if count == 1 else f"{count:,} contacts"


@editor_required
@require_http_methods(["GET", "HEAD", "POST"])
def places(request: HttpRequest, campaign_id: int, channel_id: int, deed: str) -> HttpResponse:
    """GET asks, with how many it is about; POST does it with those whom the address chooses."""
    if deed not in DEEDS:
        raise Http404
    channel = get_object_or_404(
        Channel.objects.select_related("campaign"), pk=channel_id, campaign=campaign_id
    )
    chosen = ChosenPlaces.of(request.GET)
    if request.method != "POST":
        return dialog(request, _question(channel, deed, chosen))
    reason = request.POST.get("reason", "")
    refusal = None if chosen else Refusal("Choose at least one contact first.")
    if refusal is None:
        refusal = _do(request, channel, deed, chosen, reason)
    return _answer(request, channel, chosen.filters, refusal)


def _question(channel: Channel, deed: str, chosen: ChosenPlaces) -> dict[str, Any]:
    kind = DEEDS[deed]
    places = chosen.places(channel)
    total = places.count()
    able = places.filter(status__in=sorted(kind.can)).count() if kind.can else total
    is_over = deed == "retry" and channel.status == ChannelStatus.COMPLETED
    return {
        "section": "campaigns",
        "campaign": channel.campaign,
        "channel": channel,
        "question": "campaigns/_ask_places.html",
        "deed": kind,
        "people": _people(able),
        "left": total - able,
        "able": able,
        "url": reverse("campaigns:places", args=[channel.campaign_id, channel.pk, deed]) + _address(chosen),
        "goes_on": is_over,
        "is_paused": deed == "retry" and channel.status == ChannelStatus.PAUSED,
        "is_long": able > MOST_AT_ONCE,
    }


def _address(chosen: ChosenPlaces) -> str:
    address = chosen.filters.address(**({"found": 1} if chosen.are_all else {}))
    keys = "&".join(f"id={key}" for key in chosen.keys)
    return f"{address}{'&' if address and keys else '?' if keys else ''}{keys}"


def _do(
    request: HttpRequest, channel: Channel, deed: str, chosen: ChosenPlaces, reason: str
) -> Refusal | None:
    kind = DEEDS[deed]
    places = chosen.places(channel)
    if chosen.are_all and _are_more_than(places, MOST_AT_ONCE):
        if deed == "do-not-contact" and _are_more_than(places, MOST_FORBIDDEN):
            # Said now: the worker would have nobody to tell.
            return Refusal(f"These are more than {MOST_FORBIDDEN:,} contacts. Narrow the filters.")
        async_task(
            "campaigns.tasks.move_places",
            deed, channel.pk, channel.run, chosen.filters.given, reason, request.user.pk,
            timezone.now(),
        )  # fmt: skip
        toast(request, f"Contacts of {channel.name} are {kind.goes_on}. It goes on without you.")
        return None
    result, refusal = attempt(
        do_with_places, what=deed, channel=channel, places=places, reason=reason, actor=request.user
    )
    if result is not None:
        _tell(request, channel, deed, result)
    return refusal


def _are_more_than(places: QuerySet[Enrollment], most: int) -> bool:
    return places.order_by()[: most + 1].count() > most


def _tell(request: HttpRequest, channel: Channel, deed: str, result: Result) -> None:
    undo = see = ""
    if deed == "do-not-contact":
        see = reverse("contacts:do_not_contact") + "?source=person"
    if deed == "skip":
        moment = result.at.isoformat()
        undo = reverse("campaigns:bring_back", args=[channel.campaign_id, channel.pk, moment])
    left = f" {result.left_in_words}." if result.left else ""
    done = DEEDS[deed].done
    if deed == "retry" and Channel.objects.filter(pk=channel.pk, status=ChannelStatus.PAUSED).exists():
        done = f"to be tried as soon as {channel.name} is resumed"
    toast(request, f"{_people(result.moved)} {done}.{left}", undo=undo, see=see)


@editor_required
@require_POST
def bring_back(request: HttpRequest, campaign_id: int, channel_id: int, moment: str) -> HttpResponse:
    """Undo of a skip, which its moment names."""
    channel = get_object_or_404(
        Channel.objects.select_related("campaign"), pk=channel_id, campaign=campaign_id
    )
    try:
        skipped_at = datetime.fromisoformat(moment)
    except ValueError:
        raise Http404 from None
    if skipped_at.tzinfo is None:
        raise Http404
    result, refusal = attempt(bring_back_contacts, channel=channel, skipped_at=skipped_at, actor=request.user)
    if result is not None:
        toast(request, f"{_people(result.moved)} brought back.")
    return _answer(request, channel, PlaceFilters(), refusal)


def _answer(
    request: HttpRequest, channel: Channel, filters: PlaceFilters, refusal: Refusal | None
) -> HttpResponse:
    """Done: the page asks for what changed, and lets go of what was chosen. Refused: why."""
    if not request.htmx:  # type: ignore[attr-defined]
        if refusal is not None:
            toast(request, refusal.message, level=messages.ERROR)
        url = reverse("campaigns:contacts", args=[channel.campaign_id])
        return HttpResponseRedirect(url + filters.address(channel=channel.pk))
    if refusal is not None:
        context = {"refusal": refusal, "status": channel.status}
        return render(request, "campaigns/_refusal.html", context, status=409)
    response = HttpResponse(status=204)
    response.headers["HX-Trigger"] = "refresh, unchoose"
    return response
