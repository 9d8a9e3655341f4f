"""Whoever was erased stays it: what was read before and is saved late brings nobody back."""

from django.db import migrations

KEPT = """
CREATE FUNCTION contact_stays_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE integrity_constraint_violation
        USING MESSAGE = format('Contact %s was erased, and stays so.', OLD.id);
END $$;
CREATE TRIGGER contact_stays_erased BEFORE UPDATE OF erased_at ON contacts_contact
    FOR EACH ROW WHEN (OLD.erased_at IS NOT NULL AND NEW.erased_at IS NULL)
    EXECUTE FUNCTION contact_stays_erased();
"""
NOT_KEPT = """
DROP TRIGGER contact_stays_erased ON contacts_contact;
DROP FUNCTION contact_stays_erased();
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0012_index_erased")]

    operations = [migrations.RunSQL(KEPT, NOT_KEPT)]
