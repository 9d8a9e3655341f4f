"""A contact's corrected time zone reaches those of its enrollments that may still be called."""

from django.db import migrations

# Whatever path the correction takes: the form, an import, the admin, SQL by hand. A statement's rows at
# once, since an import changes many. Past runs stay as they were: nobody in them is called again, while
# a contact that is done in this run may yet ask for a callback. Who was put off for the old zone's hours
# is judged anew (the reason is the claim's, dialer/driving/claim.py).
FOLLOW = """
CREATE FUNCTION enrollment_zones_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Planned anew each time: what is right for one contact would take hours for a hundred thousand.
    EXECUTE $update$
        UPDATE campaigns_enrollment AS enrollment SET
            zone_set_id = new_rows.zone_set_id,
            due_at = CASE
                WHEN enrollment.reason = 'Outside the contact’s hours' THEN LEAST(enrollment.due_at, now())
                ELSE enrollment.due_at
            END,
            updated_at = now()
        FROM old_rows, new_rows, campaigns_channel AS channel
        WHERE old_rows.id = new_rows.id AND old_rows.zone_set_id <> new_rows.zone_set_id
            AND enrollment.contact_id = new_rows.id
            AND channel.id = enrollment.channel_id AND channel.run = enrollment.run
    $update$;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollment_zones_follow AFTER UPDATE ON contacts_contact
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION enrollment_zones_follow();
"""

NOT_FOLLOW = """
DROP TRIGGER enrollment_zones_follow ON contacts_contact;
DROP FUNCTION enrollment_zones_follow();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0003_trusted_since"),
        ("contacts", "0003_guard_imports"),
    ]

    operations = [migrations.RunSQL(FOLLOW, NOT_FOLLOW)]
