"""The database's part: moves of imports guarded, tallies of large tables kept."""

from django.db import migrations

from lifecycle.triggers import guard_sql

# As of migration 0003, and what this one adds.
IMPORT_TRANSITIONS = [
    ("uploaded", "mapped"),
    ("failed", "mapped"),
    ("mapped", "running"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "mapped"),
]
ADDED = [
    ("uploaded", "cancelled"),
    ("mapped", "cancelled"),
    ("running", "cancelled"),
    ("failed", "cancelled"),
]

TALLIES = """
CREATE FUNCTION contacts_tally_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contacts_tally ("of", change)
    SELECT TG_ARGV[0], count(*) FROM new_rows HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE FUNCTION contacts_tally_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contacts_tally ("of", change)
    SELECT TG_ARGV[0], -count(*) FROM old_rows HAVING count(*) > 0;
    RETURN NULL;
END $$;

-- Who was erased was counted out when that happened.
CREATE FUNCTION contacts_tally_contacts_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contacts_tally ("of", change)
    SELECT 'contacts', -count(*) FROM old_rows WHERE erased_at IS NULL HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE FUNCTION contacts_tally_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contacts_tally ("of", change)
    VALUES ('contacts', CASE WHEN NEW.erased_at IS NULL THEN 1 ELSE -1 END);
    RETURN NULL;
END $$;

CREATE TRIGGER contacts_tally_inserted AFTER INSERT ON contacts_contact REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_tally_inserted('contacts');
CREATE TRIGGER contacts_tally_deleted AFTER DELETE ON contacts_contact REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_tally_contacts_deleted();
CREATE TRIGGER contacts_tally_erased AFTER UPDATE OF erased_at ON contacts_contact
    FOR EACH ROW WHEN ((OLD.erased_at IS NULL) <> (NEW.erased_at IS NULL))
    EXECUTE FUNCTION contacts_tally_erased();
CREATE TRIGGER contacts_tally_inserted AFTER INSERT ON contacts_donotcontact REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_tally_inserted('do_not_contact');
CREATE TRIGGER contacts_tally_deleted AFTER DELETE ON contacts_donotcontact REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_tally_deleted('do_not_contact');

INSERT INTO contacts_tally ("of", change) SELECT 'contacts', count(*) FROM contacts_contact;
INSERT INTO contacts_tally ("of", change) SELECT 'do_not_contact', count(*) FROM contacts_donotcontact;
"""
NO_TALLIES = """
DROP TRIGGER contacts_tally_inserted ON contacts_contact;
DROP TRIGGER contacts_tally_deleted ON contacts_contact;
DROP TRIGGER contacts_tally_erased ON contacts_contact;
DROP TRIGGER contacts_tally_inserted ON contacts_donotcontact;
DROP TRIGGER contacts_tally_deleted ON contacts_donotcontact;
DROP FUNCTION contacts_tally_inserted();
DROP FUNCTION contacts_tally_deleted();
DROP FUNCTION contacts_tally_contacts_deleted();
DROP FUNCTION contacts_tally_erased();
DELETE FROM contacts_tally;
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0004_lists_of_a_million")]

    operations = [
        # Undone, the guard is the one before, not none.
        migrations.RunSQL(
            guard_sql("contacts_import", "status", IMPORT_TRANSITIONS + ADDED),
            guard_sql("contacts_import", "status", IMPORT_TRANSITIONS),
        ),
        migrations.RunSQL(TALLIES, NO_TALLIES),
    ]
