"""Channels are not truncated from under their enrollments.

TRUNCATE … CASCADE goes along foreign keys, and an enrollment's channel is none (migration 0007). Asked when
it is done: whoever truncates enrollments along with channels, as the flush of a test does, may.
"""

from django.db import migrations

KEPT = """
CREATE FUNCTION enrollment_channels_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM campaigns_enrollment) THEN
        RAISE foreign_key_violation USING MESSAGE = 'Channels still have enrollments.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER enrollment_channels_gone AFTER TRUNCATE ON campaigns_channel
    FOR EACH STATEMENT EXECUTE FUNCTION enrollment_channels_gone();
"""
NOT_KEPT = """
DROP TRIGGER enrollment_channels_gone ON campaigns_channel;
DROP FUNCTION enrollment_channels_gone();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0008_shorter_numbers")]

    operations = [migrations.RunSQL(KEPT, NOT_KEPT)]
