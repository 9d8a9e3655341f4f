"""Who was dialed and who was reached is counted exactly; persons skip, bring back and bring forward contacts.

What ``is_reached`` is of those who were called already is read from their calls (dialer's migration 0013);
the counts follow by the triggers that are installed here.
"""

from django.db import migrations, models

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
# As of migration 0010.
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
]
ADDED = [
    ("skipped", "pending"),
    ("skipped", "callback"),
    ("pending", "retry"),
    *(
        ("callback", status)
        for status in ("retry", "completed", "unsuccessful", "no_answer", "busy", "voicemail", "failed")
    ),
]

# The slots are those of migration 0002.
COUNTS = """
CREATE OR REPLACE FUNCTION enrollment_count_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_enrollmentcount AS counter (channel_id, run, status, slot, count, dialed, reached)
    SELECT channel_id, run, status, enrollment_counter_slot(), count(*),
           count(*) FILTER (WHERE attempts > 0), count(*) FILTER (WHERE is_reached)
    FROM new_rows GROUP BY channel_id, run, status ORDER BY channel_id, run, status
    ON CONFLICT (channel_id, run, status, slot) DO UPDATE SET
        count = counter.count + excluded.count,
        dialed = counter.dialed + excluded.dialed,
        reached = counter.reached + excluded.reached;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION enrollment_count_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_enrollmentcount AS counter (channel_id, run, status, slot, count, dialed, reached)
    SELECT channel_id, run, status, enrollment_counter_slot(), -count(*),
           -count(*) FILTER (WHERE attempts > 0), -count(*) FILTER (WHERE is_reached)
    FROM old_rows GROUP BY channel_id, run, status ORDER BY channel_id, run, status
    ON CONFLICT (channel_id, run, status, slot) DO UPDATE SET
        count = counter.count + excluded.count,
        dialed = counter.dialed + excluded.dialed,
        reached = counter.reached + excluded.reached;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION enrollment_count_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_enrollmentcount AS counter (channel_id, run, status, slot, count, dialed, reached)
    SELECT channel_id, run, status, enrollment_counter_slot(), change, dialed, reached FROM (
        SELECT channel_id, run, status, sum(one) AS change,
               COALESCE(sum(one) FILTER (WHERE attempts > 0), 0) AS dialed,
               COALESCE(sum(one) FILTER (WHERE is_reached), 0) AS reached
        FROM (
            SELECT channel_id, run, status, attempts, is_reached, 1 AS one FROM new_rows
            UNION ALL
            SELECT channel_id, run, status, attempts, is_reached, -1 FROM old_rows
        ) AS both_sides
        GROUP BY channel_id, run, status
    ) AS changes
    WHERE change <> 0 OR dialed <> 0 OR reached <> 0
    ORDER BY channel_id, run, status
    ON CONFLICT (channel_id, run, status, slot) DO UPDATE SET
        count = counter.count + excluded.count,
        dialed = counter.dialed + excluded.dialed,
        reached = counter.reached + excluded.reached;
    RETURN NULL;
END $$;
"""
# Nobody writes between the new functions and the count: to add a column is to have the table for oneself.
RECOUNT = """
INSERT INTO campaigns_enrollmentcount AS counter (channel_id, run, status, slot, count, dialed, reached)
SELECT channel_id, run, status, 0, 0, count(*), count(*) FILTER (WHERE is_reached)
FROM campaigns_enrollment WHERE attempts > 0 GROUP BY channel_id, run, status
ON CONFLICT (channel_id, run, status, slot) DO UPDATE SET
    dialed = counter.dialed + excluded.dialed, reached = counter.reached + excluded.reached;
"""
# As of migration 0002.
COUNTS_BEFORE = """
CREATE OR REPLACE FUNCTION enrollment_count_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_enrollmentcount AS counter (channel_id, run, status, slot, count)
    SELECT channel_id, run, status, enrollment_counter_slot(), count(*)
    FROM new_rows GROUP BY channel_id, run, status ORDER BY channel_id, run, status
    ON CONFLICT (channel_id, run, status, slot) DO UPDATE SET count = counter.count + excluded.count;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION enrollment_count_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_enrollmentcount AS counter (channel_id, run, status, slot, count)
    SELECT channel_id, run, status, enrollment_counter_slot(), -count(*)
    FROM old_rows GROUP BY channel_id, run, status ORDER BY channel_id, run, status
    ON CONFLICT (channel_id, run, status, slot) DO UPDATE SET count = counter.count + excluded.count;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION enrollment_count_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_enrollmentcount AS counter (channel_id, run, status, slot, count)
    SELECT channel_id, run, status, enrollment_counter_slot(), change FROM (
        SELECT channel_id, run, status, sum(one) AS change FROM (
            SELECT channel_id, run, status, 1 AS one FROM new_rows
            UNION ALL
            SELECT channel_id, run, status, -1 FROM old_rows
        ) AS both_sides
        GROUP BY channel_id, run, status
        HAVING sum(one) <> 0
    ) AS changes
    ORDER BY channel_id, run, status
    ON CONFLICT (channel_id, run, status, slot) DO UPDATE SET count = counter.count + excluded.count;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0010_try_again")]

    operations = [
        migrations.AddField(
            model_name="enrollment",
            name="is_reached",
            field=models.BooleanField(db_default=False, default=False, verbose_name="reached"),
        ),
        migrations.AddField(
            model_name="enrollment",
            name="skipped_from",
            field=models.CharField(blank=True, db_default="", default="", max_length=12),
        ),
        migrations.AddField(
            model_name="enrollmentcount",
            name="dialed",
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="enrollmentcount",
            name="reached",
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.RunSQL(COUNTS, COUNTS_BEFORE),
        migrations.RunSQL(RECOUNT, migrations.RunSQL.noop),
        migrations.RunSQL(
            guard_sql("campaigns_enrollment", "status", TRANSITIONS + ADDED),
            guard_sql("campaigns_enrollment", "status", TRANSITIONS),
        ),
    ]
