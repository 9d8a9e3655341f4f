"""Forgetting a person: what campaigns know of them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import OperationalError, transaction
from django.db.models import Q, Value
from django.db.models.functions import Replace
from django.utils import timezone

from campaigns.lifecycles import ENROLLMENT
from campaigns.models import Activity, Enrollment
from campaigns.refusals import Refused
from contacts.models import Contact

ERASED = "an erased person"


def leave_campaigns(*, contact: Contact) -> int:
    """Let a contact whose row is locked wait nowhere any more; return how many places it left.

    Its places stay, and so do the counts of campaigns. Raises ``Refused`` while one of them is held by
    whoever is about to call: waiting for it could wait in a circle, since a call refers to the contact.
    """
    places = Enrollment.objects.filter(contact=contact)
    try:
        with transaction.atomic():
            list(places.select_for_update(nowait=True).values_list("pk"))
    except OperationalError:
        raise Refused("A campaign is about to call this person. Try again in a moment.") from None
    return ENROLLMENT.apply(places, "skip", reason="Erased", updated_at=timezone.now())


def forget_activities(*, names: Iterable[str]) -> None:
    """Take names and numbers out of what was written down about calls to them."""
    for name in filter(None, set(names)):
        told, untold = f"call to {name} to ", f"call to {ERASED} to "
        Activity.objects.filter(Q(verb="disposition"), text__contains=told).update(
            text=Replace("text", Value(told), Value(untold))
        )
