"""What a million rows paid for one by one: folding their names, and asking whether their keys exist.

Folding. Two texts in three of the usual list have a letter beyond ASCII, and each of these went through a
table of 47 letters, character by character. The table is only asked now where something beyond ASCII is left
after accents are gone, and addresses and numbers, which have nothing to fold, are folded apart from names. The
text is the same, letter by letter, so that nothing that is stored or indexed changes.

Keys. PostgreSQL looks every row's foreign keys up one by one, though all rows of a statement have one list and
few zone sets. Both are checked once a statement now, as those of enrollments are. What a foreign key
promises is kept as it was:

* who is inserted, or changed, needs a zone set or a list that exists; the list is held against deletion until
  the end of the transaction, as a foreign key holds it;
* a list that has contacts is not deleted: asked at the end of the transaction, as before;
* a zone set is never deleted, so that nobody need hold it;
* neither is truncated from under what refers to it: asked when it is done, since whoever truncates both may.

The contact's key of a membership remains the database's own: it is what waits for who erases a person.
"""

import django.db.models.deletion
from django.db import migrations, models

# Both mean the functions they call wherever they are called from, also where a backup is restored.
FOLD = r"""
CREATE FUNCTION contacts_fold_letters(words text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    plain text := regexp_replace(normalize(translate(words, '´', ''), NFKD), '[\u0300-\u036f]', '', 'g');
BEGIN
    IF octet_length(plain) = char_length(plain) THEN
        RETURN lower(replace(replace(plain, '`', ''), $q$'$q$, ''));
    END IF;
    RETURN lower(replace(replace(replace(replace(
        translate(plain, 'ØøŁłĐđÐðĦħŦŧıςẞÆŒÞ’‘‛ʼʻ′`''', 'OoLlDdDdHhTtiσßæœþ'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'));
END $$;
CREATE OR REPLACE FUNCTION contacts_fold(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(words) = char_length(words)
    THEN lower(replace(replace(words, '`', ''), $q$'$q$, ''))
    ELSE contacts_fold_letters(words)
END;
CREATE OR REPLACE FUNCTION contacts_search_text(
    first_name text, last_name text, company text, email text, phone_number text
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN contacts_fold(' ' || first_name || ' ' || last_name || ' ' || company)
    || contacts_fold(' ' || coalesce(email, '') || ' ' || coalesce(phone_number, ''));
"""
FOLD_AT_ONCE = r"""
CREATE OR REPLACE FUNCTION contacts_search_text(
    first_name text, last_name text, company text, email text, phone_number text
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN contacts_fold(
    ' ' || first_name || ' ' || last_name || ' ' || company
    || ' ' || coalesce(email, '') || ' ' || coalesce(phone_number, '')
);
CREATE OR REPLACE FUNCTION contacts_fold(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lower(
        CASE WHEN octet_length(words) = char_length(words)
        THEN replace(replace(words, '`', ''), $q$'$q$, '')
        ELSE replace(replace(replace(replace(
            translate(
                regexp_replace(normalize(translate(words, '´', ''), NFKD), '[\u0300-\u036f]', '', 'g'),
                'ØøŁłĐđÐðĦħŦŧıςẞÆŒÞ’‘‛ʼʻ′`''',
                'OoLlDdDdHhTtiσßæœþ'
            ),
            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
        END
    )
$$;
DROP FUNCTION contacts_fold_letters(text);
"""

KEYS = """
CREATE FUNCTION contact_zone_sets_exist() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT zone_set_id FROM new_rows GROUP BY zone_set_id) AS used
        WHERE NOT EXISTS (SELECT FROM contacts_zoneset WHERE id = used.zone_set_id)
    ) THEN
        RAISE foreign_key_violation USING MESSAGE = 'A contact needs a zone set that exists.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER contact_zone_sets_exist AFTER INSERT ON contacts_contact
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION contact_zone_sets_exist();

CREATE FUNCTION contact_zone_set_exists() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM contacts_zoneset WHERE id = NEW.zone_set_id) THEN
        RAISE foreign_key_violation USING MESSAGE = 'A contact needs a zone set that exists.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER contact_zone_set_exists AFTER UPDATE OF zone_set_id ON contacts_contact
    FOR EACH ROW WHEN (OLD.zone_set_id IS DISTINCT FROM NEW.zone_set_id)
    EXECUTE FUNCTION contact_zone_set_exists();

CREATE FUNCTION zone_set_is_kept_for_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'TRUNCATE' OR EXISTS (SELECT FROM contacts_contact) THEN
        RAISE foreign_key_violation USING MESSAGE = 'Zone sets are kept: contacts refer to them.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER zone_set_is_kept_for_contacts BEFORE DELETE OR UPDATE OF id ON contacts_zoneset
    FOR EACH ROW EXECUTE FUNCTION zone_set_is_kept_for_contacts();
CREATE TRIGGER zone_sets_are_kept_for_contacts AFTER TRUNCATE ON contacts_zoneset
    FOR EACH STATEMENT EXECUTE FUNCTION zone_set_is_kept_for_contacts();

CREATE FUNCTION membership_lists_exist() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contacts_list WHERE id IN (SELECT list_id FROM new_rows GROUP BY list_id)
        ORDER BY id FOR KEY SHARE;
    IF EXISTS (
        SELECT FROM (SELECT list_id FROM new_rows GROUP BY list_id) AS used
        WHERE NOT EXISTS (SELECT FROM contacts_list WHERE id = used.list_id)
    ) THEN
        RAISE foreign_key_violation USING MESSAGE = 'A membership needs a list that exists.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER membership_lists_exist AFTER INSERT ON contacts_membership
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION membership_lists_exist();

CREATE FUNCTION membership_list_exists() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contacts_list WHERE id = NEW.list_id FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = 'A membership needs a list that exists.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER membership_list_exists AFTER UPDATE OF list_id ON contacts_membership
    FOR EACH ROW WHEN (OLD.list_id IS DISTINCT FROM NEW.list_id) EXECUTE FUNCTION membership_list_exists();

CREATE FUNCTION membership_list_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM contacts_membership WHERE list_id = OLD.id)
        AND NOT EXISTS (SELECT FROM contacts_list WHERE id = OLD.id)
    THEN
        RAISE foreign_key_violation USING MESSAGE = format('List %s still has contacts.', OLD.id);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER membership_list_gone AFTER DELETE OR UPDATE OF id ON contacts_list
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION membership_list_gone();

CREATE FUNCTION membership_lists_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM contacts_membership) THEN
        RAISE foreign_key_violation USING MESSAGE = 'Lists still have contacts.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER membership_lists_gone AFTER TRUNCATE ON contacts_list
    FOR EACH STATEMENT EXECUTE FUNCTION membership_lists_gone();
"""
NO_KEYS = """
DROP TRIGGER membership_lists_gone ON contacts_list;
DROP TRIGGER membership_list_gone ON contacts_list;
DROP TRIGGER membership_list_exists ON contacts_membership;
DROP TRIGGER membership_lists_exist ON contacts_membership;
DROP TRIGGER zone_sets_are_kept_for_contacts ON contacts_zoneset;
DROP TRIGGER zone_set_is_kept_for_contacts ON contacts_zoneset;
DROP TRIGGER contact_zone_set_exists ON contacts_contact;
DROP TRIGGER contact_zone_sets_exist ON contacts_contact;
DROP FUNCTION membership_lists_gone();
DROP FUNCTION membership_list_gone();
DROP FUNCTION membership_list_exists();
DROP FUNCTION membership_lists_exist();
DROP FUNCTION zone_set_is_kept_for_contacts();
DROP FUNCTION contact_zone_set_exists();
DROP FUNCTION contact_zone_sets_exist();
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0014_undo_imports")]

    operations = [
        migrations.RunSQL(FOLD, FOLD_AT_ONCE),
        migrations.AlterField(
            model_name="contact",
            name="zone_set",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="contacts.zoneset",
            ),
        ),
        migrations.AlterField(
            model_name="membership",
            name="list",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to="contacts.list",
            ),
        ),
        migrations.RunSQL(KEYS, NO_KEYS),
    ]
