"""One index of numbers and of addresses instead of two, none of zones, which nothing reads; imports in the queue."""

import django.db.models.deletion
from django.db import migrations, models

# Not left to AlterField: it takes the partial unique index of the address for the one it should drop.
FEWER_INDEXES = """
ALTER TABLE contacts_contact RENAME CONSTRAINT contacts_contact_phone_number_key TO contact_phone_number_once;
ALTER INDEX contacts_contact_email_b008e8f9 RENAME TO contact_email;
DROP INDEX contacts_contact_phone_number_d530626e_like;
DROP INDEX contacts_contact_email_b008e8f9_like;
DROP INDEX contacts_contact_zone_set_id_21060e74;
"""
MORE_INDEXES = """
CREATE INDEX contacts_contact_zone_set_id_21060e74 ON contacts_contact (zone_set_id);
CREATE INDEX contacts_contact_email_b008e8f9_like ON contacts_contact (email varchar_pattern_ops);
CREATE INDEX contacts_contact_phone_number_d530626e_like ON contacts_contact (phone_number varchar_pattern_ops);
ALTER INDEX contact_email RENAME TO contacts_contact_email_b008e8f9;
ALTER TABLE contacts_contact RENAME CONSTRAINT contact_phone_number_once TO contacts_contact_phone_number_key;
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0008_versions_of_lists")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="enqueued_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FEWER_INDEXES, MORE_INDEXES)],
            state_operations=[
                migrations.AlterField(
                    model_name="contact",
                    name="email",
                    field=models.EmailField(blank=True, max_length=254, null=True),
                ),
                migrations.AlterField(
                    model_name="contact",
                    name="phone_number",
                    field=models.CharField(blank=True, max_length=16, null=True),
                ),
                migrations.AlterField(
                    model_name="contact",
                    name="zone_set",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contacts.zoneset",
                    ),
                ),
                migrations.AddIndex(
                    model_name="contact",
                    index=models.Index(fields=["email"], name="contact_email"),
                ),
                migrations.AddConstraint(
                    model_name="contact",
                    constraint=models.UniqueConstraint(
                        fields=("phone_number",), name="contact_phone_number_once"
                    ),
                ),
            ],
        ),
    ]
