"""What is said of a call that was not answered counts as when it is said before the call ends; and counts of
enrollments are gone with all of them.
"""

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
# As of migration 0011.
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
    *((status, "retry") for status in ("no_answer", "busy", "voicemail", "failed", "skipped")),
    ("skipped", "pending"),
    ("skipped", "callback"),
    ("pending", "retry"),
    *(
        ("callback", status)
        for status in ("retry", "completed", "unsuccessful", "no_answer", "busy", "voicemail", "failed")
    ),
]
ADDED = [(status, said) for status in ("no_answer", "busy", "failed") for said in ("callback", "do_not_call")]

TRUNCATED = """
CREATE FUNCTION enrollment_count_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM campaigns_enrollmentcount;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollment_count_truncated AFTER TRUNCATE ON campaigns_enrollment
    FOR EACH STATEMENT EXECUTE FUNCTION enrollment_count_truncated();
"""
NOT_TRUNCATED = """
DROP TRIGGER enrollment_count_truncated ON campaigns_enrollment;
DROP FUNCTION enrollment_count_truncated();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0015_sip_assistants")]

    operations = [
        migrations.RunSQL(
            guard_sql("campaigns_enrollment", "status", TRANSITIONS + ADDED),
            guard_sql("campaigns_enrollment", "status", TRANSITIONS),
        ),
        migrations.RunSQL(TRUNCATED, NOT_TRUNCATED),
    ]
