"""An enrollment's channel and zone set are checked once a statement, not once a row.

PostgreSQL looks every row's foreign keys up one by one: of a million contacts enrolled in one statement it
asked a million times whether the one channel is there. What a foreign key promises is kept as it was:

* who is inserted needs a channel and a zone set that exist; the channel is held against deletion until
  the end of the transaction, as a foreign key holds it;
* a channel that has enrollments is not deleted: asked at the end of the transaction, as before;
* a zone set is never deleted, so that nobody need hold it.

The contact's foreign key stays the database's own. All of this holds for transactions that read what was
committed, as all of ours do: one that reads as of its beginning (REPEATABLE READ) does not see enrollments
of a channel that it deletes if they were made since. TRUNCATE is looked after by migration 0009.
"""

import django.db.models.deletion
from django.db import migrations, models

KEYS = """
CREATE FUNCTION enrollment_keys_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM campaigns_channel WHERE id IN (SELECT channel_id FROM new_rows GROUP BY channel_id)
        ORDER BY id FOR KEY SHARE;
    IF EXISTS (
        SELECT FROM (SELECT channel_id FROM new_rows GROUP BY channel_id) AS used
        WHERE NOT EXISTS (SELECT FROM campaigns_channel WHERE id = used.channel_id)
    ) THEN
        RAISE foreign_key_violation USING MESSAGE = 'An enrollment needs a channel that exists.';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT zone_set_id FROM new_rows GROUP BY zone_set_id) AS used
        WHERE NOT EXISTS (SELECT FROM contacts_zoneset WHERE id = used.zone_set_id)
    ) THEN
        RAISE foreign_key_violation USING MESSAGE = 'An enrollment needs a zone set that exists.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollment_keys_inserted AFTER INSERT ON campaigns_enrollment
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION enrollment_keys_inserted();

CREATE FUNCTION enrollment_keys_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM campaigns_channel WHERE id = NEW.channel_id FOR KEY SHARE;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM contacts_zoneset WHERE id = NEW.zone_set_id) THEN
        RAISE foreign_key_violation
            USING MESSAGE = 'An enrollment needs a channel and a zone set that exist.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollment_keys_changed AFTER UPDATE OF channel_id, zone_set_id ON campaigns_enrollment
    FOR EACH ROW WHEN (
        OLD.channel_id IS DISTINCT FROM NEW.channel_id OR OLD.zone_set_id IS DISTINCT FROM NEW.zone_set_id
    ) EXECUTE FUNCTION enrollment_keys_changed();

CREATE FUNCTION enrollment_channel_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM campaigns_enrollment WHERE channel_id = OLD.id)
        AND NOT EXISTS (SELECT FROM campaigns_channel WHERE id = OLD.id)
    THEN
        RAISE foreign_key_violation USING MESSAGE = format('Channel %s still has enrollments.', OLD.id);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER enrollment_channel_gone AFTER DELETE OR UPDATE OF id ON campaigns_channel
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION enrollment_channel_gone();

CREATE FUNCTION zone_set_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = 'Zone sets are kept: enrollments refer to them.';
END $$;
CREATE TRIGGER zone_set_is_kept BEFORE DELETE OR UPDATE OF id ON contacts_zoneset
    FOR EACH ROW EXECUTE FUNCTION zone_set_is_kept();
"""
NO_KEYS = """
DROP TRIGGER zone_set_is_kept ON contacts_zoneset;
DROP TRIGGER enrollment_channel_gone ON campaigns_channel;
DROP TRIGGER enrollment_keys_changed ON campaigns_enrollment;
DROP TRIGGER enrollment_keys_inserted ON campaigns_enrollment;
DROP FUNCTION zone_set_is_kept();
DROP FUNCTION enrollment_channel_gone();
DROP FUNCTION enrollment_keys_changed();
DROP FUNCTION enrollment_keys_inserted();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0006_exclusions"),
        ("contacts", "0005_kept_by_the_database"),
    ]

    operations = [
        migrations.AlterField(
            model_name="enrollment",
            name="channel",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="enrollments",
                to="campaigns.channel",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="zone_set",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="contacts.zoneset",
            ),
        ),
        migrations.RunSQL(KEYS, NO_KEYS),
    ]
