"""Two late words: that a machine had answered, and a callback asked for where a rule tries again anyway."""

from django.db import migrations

from lifecycle.triggers import guard_sql

ADDED = [("completed", "voicemail"), ("completed", "retry"), ("retry", "callback")]
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
# As of migration 0002.
TRANSITIONS = [
    *((status, "calling") for status in WAITING),
    *((status, "skipped") for status in WAITING),
    *((status, "do_not_call") for status in WAITING),
    *(("calling", status) for status in WAITING),
    ("calling", "connected"),
    *((before, after) for before in IN_PROGRESS for after in AFTER_A_CALL),
    ("unsuccessful", "completed"),
    ("completed", "unsuccessful"),
    *((status, "callback") for status in ("completed", "unsuccessful", "voicemail")),
    *((status, "do_not_call") for status in ("completed", "unsuccessful", "voicemail")),
]


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0004_zones_follow")]

    operations = [
        # Undone, the guard is the one before, not none.
        migrations.RunSQL(
            guard_sql("campaigns_enrollment", "status", TRANSITIONS + ADDED),
            guard_sql("campaigns_enrollment", "status", TRANSITIONS),
        )
    ]
