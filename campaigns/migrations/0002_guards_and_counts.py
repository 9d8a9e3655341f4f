"""The database's part: lifecycles guarded, counts kept, the hot table tuned, dispositions to start with."""

from django.db import migrations

from lifecycle.triggers import guard

# As of this migration; a later change of a lifecycle is a migration of its own.
CHANNEL_TRANSITIONS = [
    ("ready", "running"),
    ("scheduled", "running"),
    ("ready", "scheduled"),
    ("scheduled", "ready"),
    ("running", "paused"),
    ("paused", "running"),
    ("running", "stopped"),
    ("paused", "stopped"),
    ("scheduled", "stopped"),
    ("running", "completed"),
    ("completed", "running"),
]
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
ENROLLMENT_TRANSITIONS = [
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

# Each transaction counts in a slot that no other one is using (an advisory lock it holds until it
# ends), so that counters make nobody wait and can't be part of a deadlock. 64 slots are more than the
# connections that write at one time; should all be taken, it waits for its own.
COUNTS = """
CREATE FUNCTION enrollment_counter_slot() RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
    slot integer := pg_backend_pid() % 64;
BEGIN
    FOR step IN 0..63 LOOP
        IF pg_try_advisory_xact_lock(770215, (slot + step) % 64) THEN
            RETURN (slot + step) % 64;
        END IF;
    END LOOP;
    PERFORM pg_advisory_xact_lock(770215, slot);
    RETURN slot;
END $$;

CREATE FUNCTION enrollment_count_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_enrollmentcount AS counter (channel_id, run, status, slot, count)
    SELECT channel_id, run, status, enrollment_counter_slot(), count(*)
    FROM new_rows GROUP BY channel_id, run, status ORDER BY channel_id, run, status
    ON CONFLICT (channel_id, run, status, slot) DO UPDATE SET count = counter.count + excluded.count;
    RETURN NULL;
END $$;

CREATE FUNCTION enrollment_count_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_enrollmentcount AS counter (channel_id, run, status, slot, count)
    SELECT channel_id, run, status, enrollment_counter_slot(), -count(*)
    FROM old_rows GROUP BY channel_id, run, status ORDER BY channel_id, run, status
    ON CONFLICT (channel_id, run, status, slot) DO UPDATE SET count = counter.count + excluded.count;
    RETURN NULL;
END $$;

CREATE FUNCTION enrollment_count_updated() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER enrollment_count_inserted AFTER INSERT ON campaigns_enrollment
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION enrollment_count_inserted();
CREATE TRIGGER enrollment_count_deleted AFTER DELETE ON campaigns_enrollment
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION enrollment_count_deleted();
CREATE TRIGGER enrollment_count_updated AFTER UPDATE ON campaigns_enrollment
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION enrollment_count_updated();

-- A channel's deletion deletes its enrollments, which counts once more: take those counts along.
CREATE FUNCTION enrollment_count_channel_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM campaigns_enrollmentcount WHERE channel_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollment_count_channel_deleted AFTER DELETE ON campaigns_channel
    FOR EACH ROW EXECUTE FUNCTION enrollment_count_channel_deleted();
"""

NO_COUNTS = """
DROP TRIGGER enrollment_count_channel_deleted ON campaigns_channel;
DROP TRIGGER enrollment_count_inserted ON campaigns_enrollment;
DROP TRIGGER enrollment_count_deleted ON campaigns_enrollment;
DROP TRIGGER enrollment_count_updated ON campaigns_enrollment;
DROP FUNCTION enrollment_count_channel_deleted();
DROP FUNCTION enrollment_count_inserted();
DROP FUNCTION enrollment_count_deleted();
DROP FUNCTION enrollment_count_updated();
DROP FUNCTION enrollment_counter_slot();
"""

# Room for updates in place, and a vacuum long before a tenth of a million rows has gone stale.
STORAGE = """
ALTER TABLE campaigns_enrollment SET (
    fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02,
    autovacuum_vacuum_cost_limit = 2000
);
ALTER TABLE campaigns_enrollmentcount SET (fillfactor = 50);
ALTER TABLE campaigns_channeldrive SET (fillfactor = 50);
"""
NO_STORAGE = """
ALTER TABLE campaigns_enrollment RESET (
    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor, autovacuum_vacuum_cost_limit
);
ALTER TABLE campaigns_enrollmentcount RESET (fillfactor);
ALTER TABLE campaigns_channeldrive RESET (fillfactor);
"""

DISPOSITIONS = [
    ("interested", "Interested", True, ""),
    ("not_interested", "Not interested", False, ""),
    ("callback", "Callback", False, "callback"),
    ("no_decision", "No decision", False, "unsuccessful"),
    ("wrong_number", "Wrong number", False, "unsuccessful"),
    ("voicemail", "Voicemail", False, ""),
    ("do_not_call", "Do not call", False, "do_not_call"),
]


def add_dispositions(apps, schema_editor):
    disposition = apps.get_model("campaigns", "Disposition")
    # Undoing this migration leaves them: calls may name them.
    disposition.objects.bulk_create(
        (
            disposition(slug=slug, name=name, is_win=is_win, effect=effect, position=10 * place)
            for place, (slug, name, is_win, effect) in enumerate(DISPOSITIONS, start=1)
        ),
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [
        guard("campaigns_channel", "status", CHANNEL_TRANSITIONS),
        guard("campaigns_enrollment", "status", ENROLLMENT_TRANSITIONS),
        migrations.RunSQL(COUNTS, NO_COUNTS),
        migrations.RunSQL(STORAGE, NO_STORAGE),
        migrations.RunPython(add_dispositions, migrations.RunPython.noop),
    ]
