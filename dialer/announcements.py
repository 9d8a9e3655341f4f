"""What is announced to whoever answers, and what comes of the keys they press.

The carrier says which key was pressed, at an address that names the how-manieth time we waited for one
(its turn) and what the keys were said to do: so a key means what the person heard it means, whatever was
changed since, and a key that is told twice counts once. An opt-out counts whenever it is heard of, also
after the call's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Case, Value, When

from campaigns.models import Channel, Disposition, VoiceDestination
from campaigns.rulebook import Announcement, Rulebook, rulebook
from dialer.assistants import fill_in
from dialer.driving.spreading import loads_of, spread
from dialer.lifecycles import CallState
from dialer.models import Call, Deed
from dialer.services import keep_from_calling, lock_call, settle_disposition

# So many keys are listened to in one call; then it ends.
MOST_TURNS = 10
# What is said at the longest, in characters, whatever the contact's fields hold.
MOST_SPOKEN = 5000
OPTED_OUT = "Opted out by key"
# What a telephone has.
KEYS = "0123456789*#"


def keys(announcement: Announcement) -> dict[str, str]:
    """What each key does that this announcement offers: ``{"opt_out": "9", "talk": "1"}``."""
    offered = {
        Deed.OPT_OUT: announcement.opt_out_key,
        Deed.TALK: announcement.talk_key,
        Deed.REPEAT: announcement.repeat_key,
    }
    return {deed.value: key for deed, key in offered.items() if key}


def spoken(*, call_id: int, template: str) -> str:
    """A text with the fields of the call's contact filled in."""
    call = Call.objects.select_related("contact").filter(pk=call_id).first()
    fields = call.contact.template_fields() if call is not None and call.contact else {}
    return fill_in(template, fields).strip()[:MOST_SPOKEN]


@dataclass(frozen=True)
class Pressed:
    """What is to be done on the call now. ``rules`` None: its campaign was deleted."""

    deed: Deed
    rules: Rulebook | None


@transaction.atomic
def press(
    *, call_id: int, turn: int, digit: str, meant: Mapping[str, str], data: Mapping[str, Any]
) -> Pressed | None:
    """Somebody pressed a key. ``meant``: what the keys were said to do (``keys``).

    None: the call is to end: it is unknown or over, or its contact was erased.
    """
    deed = next((deed for deed in Deed if deed and _is_key(digit) and meant.get(deed) == digit), Deed.NOTHING)
    call = lock_call(call_id=call_id, disposition=None)
    if call is None or call.is_erased or call.state == CallState.INTENT:
        return None
    is_over = call.state == CallState.ENDED
    rules = _rules(call)
    # Told twice it counts once; but of one turn, what is said back to the person is what is done.
    if not call.events.filter(kind="key", data__turn=turn, data__does=deed.value).exists():
        call.events.create(kind="key", data={**data, "turn": turn, "does": deed.value})
        _keep(call, digit, deed)
        if deed is Deed.OPT_OUT:
            _opt_out(call)
        elif deed is Deed.TALK and not is_over and rules:
            _choose_talker(call, rules)
    return None if is_over else Pressed(deed, rules)


@transaction.atomic
def end_talk(*, call_id: int, data: Mapping[str, Any]) -> Rulebook | None:
    """Somebody who asked to talk to a person has done so, or could not; None: the call is to end."""
    call = lock_call(call_id=call_id, disposition=None)
    if call is None or call.is_erased or call.state == CallState.INTENT:
        return None
    if not call.events.filter(kind="talked").exists():
        call.events.create(kind="talked", data=dict(data))
    return None if call.state == CallState.ENDED else _rules(call)


def miss_assistant(*, call_id: int) -> Rulebook | None:
    """Who asked for an assistant that can't be reached is still there to be told; None: nobody is."""
    call = Call.objects.filter(pk=call_id, is_live=True).first()
    rules = None if call is None else _rules(call)
    return rules if rules and rules.destination == VoiceDestination.ANNOUNCEMENT else None


def _is_key(digit: str) -> bool:
    return len(digit) == 1 and digit in KEYS


def _keep(call: Call, digit: str, deed: Deed) -> None:
    """The call says what was pressed: of several keys that which asked for most, of the same the last."""
    if not _is_key(digit):
        return
    told = list(Deed)
    if call.pressed and told.index(Deed(call.pressed_for)) < told.index(deed):
        return
    Call.objects.filter(pk=call.pk).update(pressed=digit, pressed_for=deed)


def _choose_talker(call: Call, rules: Rulebook) -> None:
    """Note who takes the call; nobody where no assistant has room, or a person is asked for."""
    for talker in spread(rules.talkers, loads_of(rules.talkers), 1):
        Call.objects.filter(pk=call.pk).update(assistant=talker.assistant_id, assistant_name=talker.name)


def _rules(call: Call) -> Rulebook | None:
    if call.channel_id is None:
        return None
    revision = Channel.objects.values_list("revision", flat=True).get(pk=call.channel_id)
    return rulebook(call.channel_id, revision)


def _opt_out(call: Call) -> None:
    """The number goes onto do-not-contact. What a person said of the call stays as they said it."""
    if call.events.filter(kind="disposition").exists():
        keep_from_calling(call=call, source="keypress")
        return
    settle_disposition(call=call, disposition=_do_not_call(), callback_at=None, source="keypress")


def _do_not_call() -> Disposition:
    """The disposition for somebody who opted out; there is one again where all were taken away."""
    effect = Disposition.Effect.DO_NOT_CALL
    found = (
        Disposition.objects.filter(effect=effect)
        .order_by(Case(When(slug="do_not_call", then=Value(0)), default=Value(1)), "-is_active", "position")
        .first()
    )
    if found is None:
        found, _ = Disposition.objects.update_or_create(
            slug="opted_out",
            defaults={"effect": effect},
            create_defaults={"effect": effect, "name": OPTED_OUT},
        )
    return found
