"""Numbers, times and statuses as people write and see them; built into every template (settings.py)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import phonenumbers
from django import template
from django.forms import BoundField, CheckboxInput
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django_htmx.jinja import htmx_script as _htmx_script
from heroicons.templatetags import heroicons

from interface import toasts

register = template.Library()

# Icons and the htmx script in every template, without a {% load %}.
register.simple_tag(heroicons.heroicon_outline)
register.simple_tag(heroicons.heroicon_mini)
register.simple_tag(heroicons.heroicon_micro)
register.simple_tag(heroicons.heroicon_solid)


@register.simple_tag(takes_context=True)
def htmx(context: template.Context) -> SafeString:
    request: HttpRequest = context["request"]
    return _htmx_script(version=2, nonce=getattr(request, "csp_nonce", None))


@register.simple_tag(takes_context=True)
def waiting_toasts(context: template.Context) -> list[dict[str, str]]:
    """The messages to show with this page; see interface/toasts.py."""
    request = context.get("request")
    return toasts.told(request) if request is not None else []


# --- Numbers ---------------------------------------------------------------------------------------------


@register.filter
def number(value: Any) -> str:
    """4812 -> "4,812"; nothing known -> "–"."""
    if value is None or value == "":
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}".removesuffix(".0")


@register.filter
def percent(value: Any, of: Any = None) -> str:
    """42 -> "42 %"; with a second number, its share: 3|percent:12 -> "25 %"; of nothing -> "–".

    A share is never rounded up to 100 or down to 0: both would say something that isn't so.
    """
    if value is None or value == "":
        return "–"
    if of is not None:
        if not of:
            return "–"
        share = 100 * float(value) / float(of)
        whole = round(share)
        if whole == 100 and value != of:
            return "99 %"
        if whole == 0 and value:
            return "<1 %"
        return f"{whole} %"
    return f"{float(value):.1f}".removesuffix(".0") + " %"


@register.filter
def money(value: Any) -> str:
    """In US dollars, the carrier's currency: 0.71 -> "$0.71", 0.0211 -> "$0.021"; unknown -> "–"."""
    if value is None or value == "":
        return "–"
    amount = Decimal(value)
    sign = "-" if amount < 0 else ""
    amount = abs(amount)
    if 0 < amount < Decimal("0.1"):
        # A call costs a fraction of a cent; two figures would make it nothing.
        return f"{sign}${amount:.4f}".rstrip("0") if amount < Decimal("0.01") else f"{sign}${amount:.3f}"
    return f"{sign}${amount:,.2f}"


@register.filter
def duration(value: Any) -> str:
    """Seconds (or a timedelta) as "0 m 51 s", "3 m 12 s", "1 h 05 m"; unknown -> "–"."""
    if value is None or value == "":
        return "–"
    if isinstance(value, dt.timedelta):
        value = value.total_seconds()
    seconds = max(0, round(float(value)))
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} m {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02d} m"


@register.filter
def counted(value: int, words: str) -> str:
    """3|counted:"contact,contacts" -> "3 contacts"."""
    one, _, many = words.partition(",")
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


@register.filter
def phone(value: Any) -> str:
    """ "+14155550102" -> "(415) 555-0102" with E.164 on hover; foreign numbers internationally."""
    if not value:
        return "–"
    text = str(value)
    return format_html('<span class="phone" title="{}">{}</span>', text, phone_text(text))


def phone_text(e164: str) -> str:
    """As its own country writes it, with the country code where that isn't the North American 1."""
    try:
        parsed = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    style = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(
        parsed, style.NATIONAL if parsed.country_code == 1 else style.INTERNATIONAL
    )


# --- Times -----------------------------------------------------------------------------------------------


def exact(moment: dt.datetime) -> str:
    """With seconds and zone, for hovering and for screen readers: "Sat 21 Nov 2026, 14:06:09 UTC"."""
    local = timezone.localtime(moment)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"


def relative(moment: dt.datetime, now: dt.datetime) -> tuple[str, bool]:
    """(words, whether they change by the minute). The same words as static/js/times.js."""
    seconds = (now - moment).total_seconds()
    past, size = seconds >= 0, abs(seconds)
    if size < 10:
        return ("just now" if past else "in a moment"), True
    if size < 86_400:
        if size < 60:
            amount = f"{int(size)} s"
        elif size < 3600:
            amount = f"{int(size // 60)} min"
        else:
            hours, minutes = int(size // 3600), int(size % 3600 // 60)
            amount = f"{hours} h" if past or not minutes or hours > 5 else f"{hours} h {minutes} min"
        return (f"{amount} ago" if past else f"in {amount}"), True
    local, today = timezone.localtime(moment), timezone.localdate(now)
    days = (today - local.date()).days
    if days == 1:
        return "yesterday", False
    if days == -1:
        return f"tomorrow {local:%H:%M}", False
    if -7 < days < 0:
        return f"{local:%a %H:%M}", False
    return (
        f"{local:%b} {local.day}" if local.year == today.year else f"{local:%b} {local.day}, {local.year}"
    ), False


def _time(moment: dt.datetime, words: str, ticking: bool) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}"{}>{}<span class="sr">, {}</span></time>',
        moment.isoformat(timespec="milliseconds"),
        exact(moment),
        SafeString(" data-relative") if ticking else "",
        words,
        exact(moment),
    )


@register.filter
def timeago(moment: dt.datetime | None) -> str:
    """ "12 min ago", "in 25 min", "yesterday", "Nov 17", with the exact time on hover and read aloud."""
    if moment is None:
        return "–"
    return _time(moment, *relative(moment, timezone.now()))


@register.filter
def moment(value: dt.datetime | None) -> str:
    """The clock's time: "14:06" today, else "Fri 14:06", "Nov 17, 14:06", with the exact one on hover."""
    if value is None:
        return "–"
    local, today = timezone.localtime(value), timezone.localdate()
    days = abs((today - local.date()).days)
    if days == 0:
        words = f"{local:%H:%M}"
    elif days < 7:
        words = f"{local:%a %H:%M}"
    elif local.year == today.year:
        words = f"{local:%b} {local.day}, {local:%H:%M}"
    else:
        words = f"{local:%b} {local.day}, {local.year}, {local:%H:%M}"
    return _time(value, words, False)


# --- Statuses --------------------------------------------------------------------------------------------

# One colour a meaning, whatever has the status: campaigns, channels, contacts, calls, outcomes, imports.
BADGES = {
    # Campaigns and channels.
    "draft": "draft",
    "ready": "draft",
    "scheduled": "scheduled",
    "active": "running",
    "running": "running",
    "paused": "paused",
    "completed": "done",
    "stopped": "failed over",
    "ended": "failed over",
    "archived": "archived",
    # Contacts in a channel, and how calls ended.
    "pending": "waiting",
    "retry": "waiting",
    "callback": "scheduled",
    "calling": "running",
    "connected": "running",
    "unsuccessful": "paused",
    "no_answer": "paused",
    "busy": "paused",
    "voicemail": "paused",
    "failed": "failed",
    "do_not_call": "failed",
    "skipped": "draft",
    "cancelled": "draft",
    "withdrawn": "draft",
    # Calls.
    "intent": "waiting",
    "placing": "waiting",
    "unknown": "waiting",
    "ringing": "running",
    # Imports.
    "uploaded": "draft",
    "mapped": "waiting",
}

LABELS = {
    "retry": "Retry scheduled",
    "intent": "Claimed",
    "unknown": "In doubt",
    "withdrawn": "Not placed",
    "mapped": "Waiting to run",
}


def badge_class(status: str) -> str:
    return BADGES.get(str(status), "draft")


register.filter("badge_class", badge_class)


@register.filter
def status_label(status: str) -> str:
    return LABELS.get(str(status), str(status).replace("_", " ").capitalize())


@register.simple_tag
def badge(status: str, label: str = "") -> SafeString:
    """{% badge channel.status %} or {% badge call.outcome call.get_outcome_display %}."""
    return format_html('<span class="badge {}">{}</span>', badge_class(status), label or status_label(status))


@register.simple_tag
def bar(segments: Iterable[tuple[str, int, str]], total: int | None = None, label: str = "") -> SafeString:
    """Parts of a whole as one line: {% bar channel.segments total "1,936 of 5,000 completed" %}.

    ``segments`` are (colour class, count, words); ``total`` is their sum where it isn't given. A part
    that is there is never too thin to see.
    """
    parts = [(colour, count, words) for colour, count, words in segments if count > 0]
    whole = total or sum(count for _, count, _ in parts)
    rects = []
    at = 0.0
    for colour, count, words in parts:
        width = max(0.6, 100 * count / whole) if whole else 0
        width = min(width, 100 - at)
        rects.append((colour, f"{at:.2f}", f"{width:.2f}", f"{number(count)} {words}"))
        at += width
    return format_html(
        '<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        label or ", ".join(title for *_, title in rects) or "Nothing yet",
        format_html_join(
            "", '<rect class="{}" x="{}" y="-2" width="{}" height="10"><title>{}</title></rect>', rects
        ),
    )


# --- Forms -----------------------------------------------------------------------------------------------


def _aside(bound: BoundField) -> str:
    """What a label says of a field that may be empty: the field’s own word, or “optional”."""
    return getattr(bound.field, "aside", "") or "optional"


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, label: str = "", help: str = "") -> dict[str, Any]:
    """{% field form.name %}: label, control, help and errors, tied together for screen readers."""
    attributes: dict[str, str | bool] = {}
    described = []
    help_text = help or bound.help_text
    if help_text:
        described.append(f"{bound.auto_id}_help")
    if bound.errors:
        described.append(f"{bound.auto_id}_errors")
        attributes["aria-invalid"] = "true"
    if described:
        attributes["aria-describedby"] = " ".join(described)
    widget = bound.field.widget
    # ``is_needed``: where it is shown, which is not always.
    is_needed = bound.field.required or getattr(bound.field, "is_needed", False)
    return {
        "field": bound,
        "control": bound.as_widget(attrs=attributes),
        "label": label or bound.label,
        "help": help_text,
        "is_check": isinstance(widget, CheckboxInput),
        # Groups of radios and checkboxes are labelled by their group.
        "is_group": widget.use_fieldset,
        "aside": "" if is_needed or isinstance(widget, CheckboxInput) else _aside(bound),
    }
