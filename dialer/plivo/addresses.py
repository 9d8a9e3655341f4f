"""Where the carrier finds us: the addresses of the webhooks."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings

# How long the carrier may try to deliver, in ms and times: once more on a refused connection or a
# timeout is its default; a few more cost nothing, since every event may come twice.
RETRIES = "#ct=3000&rt=10000&rc=3&rp=ct,rt,5xx"


def webhook_path(call_id: int, event: str) -> str:
    return f"/hooks/plivo/{call_id}/{event}/"


def webhook_url(call_id: int, event: str, **values: str | int) -> str:
    """Where an event of a call is told, with these values as its query: they come back, signed with it."""
    query = f"?{urlencode(values)}" if values else ""
    return f"{settings.PUBLIC_URL}{webhook_path(call_id, event)}{query}{RETRIES}"
