"""Who ended unreached or was passed over may be tried again when a person asks for it."""

from django.db import migrations

from lifecycle.triggers import guard_sql

WAITING = ("pending", "retry", "callback")
IN_PROGRESS = ("calling", "connected")
AFTER_A_CALL = (
    "retry",
    "callback",
    "completed",
    "unsuccessful",
    "no_answer",
    "busy",
    "voicemail",
    "failed",
    "do_not_call",
)
# As of migration 0005.
TRANSITIONS = [
    *((status, "calling") for status in WAITING),
    *((status, "skipped") for status in WAITING),
    *((status, "do_not_call") for status in WAITING),
    *(("calling", status) for status in WAITING),
    ("calling", "connected"),
    *((before, after) for before in IN_PROGRESS for after in AFTER_A_CALL),
    ("unsuccessful", "completed"),
    ("completed", "unsuccessful"),
    *((status, "callback") for status in ("completed", "unsuccessful", "voicemail", "retry")),
    *((status, "do_not_call") for status in ("completed", "unsuccessful", "voicemail")),
    ("completed", "voicemail"),
    ("completed", "retry"),
]
ADDED = [(status, "retry") for status in ("no_answer", "busy", "voicemail", "failed", "skipped")]


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0009_truncated_channels")]

    operations = [
        # Undone, the guard is the one before, not none.
        migrations.RunSQL(
            guard_sql("campaigns_enrollment", "status", TRANSITIONS + ADDED),
            guard_sql("campaigns_enrollment", "status", TRANSITIONS),
        )
    ]
