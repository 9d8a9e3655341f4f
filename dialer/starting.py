"""Channels start at their time: a driver notices that one is due, a worker's task starts it.

Starting enrolls a whole list, which takes seconds: too long for a driver, whose leases would run out.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django_q.tasks import async_task

from dialer.statements import run

# A task that was lost, or a start that failed, is made up for after this.
ASK_EVERY = timedelta(seconds=1)

# The account's row is there from its first claim on: this may come before.
ASK = """
INSERT INTO dialer_carrieraccount AS account (auth_id, starts_asked_at)
SELECT %(account)s, now()
WHERE EXISTS (SELECT FROM campaigns_channel WHERE status = 'scheduled' AND start_at <= now())
ON CONFLICT (auth_id) DO UPDATE SET starts_asked_at = now()
WHERE account.starts_asked_at IS NULL OR account.starts_asked_at < now() - %(every)s
"""


def ask_when_due() -> bool:
    """Have the worker start what is scheduled, if any of it is due and nobody was asked just now."""
    asked = run(ASK, {"account": settings.PLIVO_AUTH_ID, "every": ASK_EVERY}) > 0
    if asked:
        async_task("dialer.tasks.start_scheduled")
    return asked
