"""Opt-outs of those who are on do-not-contact already, and what an entry said before it was extended."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEEP_WHAT_WAS_SAID = """
CREATE FUNCTION contacts_do_not_contact_extended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contacts_donotcontactevent (
        phone_number, email, scope, source, reason, expires_at, said_at, said_by_id
    )
    SELECT coalesce(before.phone_number, ''), coalesce(before.email, ''), before.scope, before.source,
           before.reason, before.expires_at, before.created_at, before.created_by_id
    FROM old_rows AS before JOIN new_rows AS now_ ON now_.id = before.id
    WHERE (before.source, before.expires_at, before.created_at)
        IS DISTINCT FROM (now_.source, now_.expires_at, now_.created_at);
    RETURN NULL;
END $$;
CREATE TRIGGER contacts_do_not_contact_extended AFTER UPDATE ON contacts_donotcontact
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_do_not_contact_extended();
"""
KEEP_NOTHING = """
DROP TRIGGER contacts_do_not_contact_extended ON contacts_donotcontact;
DROP FUNCTION contacts_do_not_contact_extended();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0009_cheaper_imports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DoNotContactEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone_number", models.CharField(blank=True, max_length=16)),
                ("email", models.EmailField(blank=True, max_length=254)),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("all", "Everything"),
                            ("voice", "Calls"),
                            ("text", "Texts"),
                            ("email", "Email"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("person", "Added by hand"),
                            ("import", "Import"),
                            ("assistant", "Told the assistant"),
                            ("agent", "Told an agent"),
                            ("keypress", "Pressed a key"),
                            ("reply", "Replied STOP"),
                            ("unsubscribe", "Unsubscribed"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("said_at", models.DateTimeField()),
                (
                    "said_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "do-not-contact event",
                "indexes": [
                    models.Index(fields=["phone_number"], name="do_not_contact_event_number"),
                    models.Index(fields=["email"], name="do_not_contact_event_email"),
                ],
            },
        ),
        migrations.RunSQL(KEEP_WHAT_WAS_SAID, KEEP_NOTHING),
    ]
