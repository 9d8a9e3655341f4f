"""Searches by trigrams, custom fields, do-not-contact that ends, erased people, imports that are cancelled.

Not to be reversed once somebody was erased: a contact without number and address was not allowed before.
"""

import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

# What searches compare: without case, accents and apostrophes. What is asked is folded by it, too
# (contacts/queries.py). Text without accents (its characters are bytes) is not taken apart. Letters that
# Unicode does not take apart are replaced one by one, and so is the sigma that ends a Greek word.
# A search text begins with a space, so that every word in it has one before it. Its function means the other
# one wherever it is called from, also where a backup is restored, which looks into no schema.
SEARCH_TEXT = r"""
CREATE FUNCTION contacts_fold(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
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
CREATE FUNCTION contacts_search_text(
    first_name text, last_name text, company text, email text, phone_number text
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN contacts_fold(
    ' ' || first_name || ' ' || last_name || ' ' || company
    || ' ' || coalesce(email, '') || ' ' || coalesce(phone_number, '')
);
"""
NO_SEARCH_TEXT = """
DROP FUNCTION contacts_search_text(text, text, text, text, text);
DROP FUNCTION contacts_fold(text);
"""


# What contacts have already, by the names that prompts use.
KNOWN_FIELDS = """
INSERT INTO contacts_customfield (name, label, kind, description, created_at)
SELECT DISTINCT ON (left(name, 60)) left(name, 60), left(name, 60), 'text', '', now()
FROM contacts_contact, jsonb_object_keys(fields) AS name WHERE name <> ''
"""


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0003_guard_imports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(SEARCH_TEXT, NO_SEARCH_TEXT),
        migrations.CreateModel(
            name="ContactEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=300)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="CustomField",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60, unique=True)),
                ("label", models.CharField(max_length=120)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("number", "Number"),
                            ("date", "Date"),
                            ("yes_no", "Yes or no"),
                        ],
                        default="text",
                        max_length=8,
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        # While everybody may still read and write contacts: what follows keeps them out.
        migrations.RunSQL(KNOWN_FIELDS, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="DoNotContactRemoval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone_number", models.CharField(blank=True, db_index=True, max_length=16)),
                ("email", models.EmailField(blank=True, db_index=True, max_length=254)),
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
                ("added_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(auto_now_add=True)),
                ("removal_reason", models.CharField(max_length=200)),
            ],
            options={
                "verbose_name": "do-not-contact removal",
            },
        ),
        migrations.CreateModel(
            name="RememberedMapping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[("contacts", "Contacts into a list"), ("do_not_contact", "Do-not-contact")],
                        max_length=16,
                    ),
                ),
                ("headers", models.JSONField()),
                ("targets", models.JSONField()),
                ("used_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "of",
                    models.CharField(
                        choices=[("contacts", "Contacts"), ("do_not_contact", "Do-not-contact entries")],
                        max_length=16,
                    ),
                ),
                ("change", models.BigIntegerField()),
            ],
            options={
                "verbose_name_plural": "tallies",
            },
        ),
        migrations.RemoveConstraint(
            model_name="contact",
            name="contact_can_be_reached",
        ),
        migrations.RemoveConstraint(
            model_name="import",
            name="import_status_is_known",
        ),
        migrations.AddField(
            model_name="contact",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="contact",
            name="search_text",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    "first_name",
                    "last_name",
                    "company",
                    "email",
                    "phone_number",
                    function="contacts_search_text",
                    output_field=models.TextField(),
                ),
                output_field=models.TextField(),
            ),
        ),
        migrations.AddField(
            model_name="donotcontact",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="import",
            name="email_is_enough",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="import",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="import",
            name="purpose",
            field=models.CharField(
                choices=[("contacts", "Contacts into a list"), ("do_not_contact", "Do-not-contact")],
                default="contacts",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="reason",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="import",
            name="saving_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="import",
            name="scope",
            field=models.CharField(
                blank=True,
                choices=[("all", "Everything"), ("voice", "Calls"), ("text", "Texts"), ("email", "Email")],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="donotcontact",
            name="source",
            field=models.CharField(
                choices=[
                    ("person", "Added by hand"),
                    ("import", "Import"),
                    ("assistant", "Told the assistant"),
                    ("agent", "Told an agent"),
                    ("keypress", "Pressed a key"),
                    ("reply", "Replied STOP"),
                    ("unsubscribe", "Unsubscribed"),
                ],
                default="person",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="import",
            name="file",
            field=models.FileField(blank=True, upload_to="imports/%Y/%m/"),
        ),
        migrations.AlterField(
            model_name="import",
            name="list_name",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AlterField(
            model_name="import",
            name="status",
            field=models.CharField(
                choices=[
                    ("uploaded", "Uploaded"),
                    ("mapped", "Waiting to run"),
                    ("running", "Running"),
                    ("completed", "Completed"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                ],
                default="uploaded",
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("phone_number__isnull", False),
                    ("email__isnull", False),
                    ("erased_at__isnull", False),
                    _connector="OR",
                ),
                name="contact_can_be_reached",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at__isnull", True),
                    models.Q(
                        ("company", ""),
                        ("email__isnull", True),
                        ("fields", {}),
                        ("first_name", ""),
                        ("last_name", ""),
                        ("phone_number__isnull", True),
                        ("time_zone", ""),
                    ),
                    _connector="OR",
                ),
                name="contact_erased_is_blank",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["uploaded", "mapped", "running", "completed", "failed", "cancelled"])
                ),
                name="import_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("purpose", "contacts"), models.Q(("list_name", ""), _negated=True)),
                    models.Q(("purpose", "do_not_contact"), models.Q(("scope", ""), _negated=True)),
                    _connector="OR",
                ),
                name="import_has_a_destination",
            ),
        ),
        migrations.AddField(
            model_name="contactevent",
            name="actor",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="contactevent",
            name="contact",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="events",
                to="contacts.contact",
            ),
        ),
        migrations.AddConstraint(
            model_name="customfield",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["text", "number", "date", "yes_no"])),
                name="custom_field_kind_is_known",
            ),
        ),
        migrations.AddField(
            model_name="donotcontactremoval",
            name="added_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="donotcontactremoval",
            name="removed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="rememberedmapping",
            constraint=models.UniqueConstraint(
                models.F("purpose"),
                django.db.models.functions.text.MD5(
                    django.db.models.functions.comparison.Cast("headers", models.TextField())
                ),
                name="remembered_mapping_once_a_header",
            ),
        ),
        migrations.AddIndex(
            model_name="contactevent",
            index=models.Index(fields=["contact", "-id"], name="event_of_contact"),
        ),
    ]
