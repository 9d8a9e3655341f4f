import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Trigram indexes: searches by part of a name, a number or what was said.
        TrigramExtension(),
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone_number", models.CharField(blank=True, max_length=16, null=True, unique=True)),
                ("email", models.EmailField(blank=True, max_length=254, null=True, unique=True)),
                ("first_name", models.CharField(blank=True, max_length=100)),
                ("last_name", models.CharField(blank=True, max_length=100)),
                ("company", models.CharField(blank=True, max_length=200)),
                ("fields", models.JSONField(blank=True, default=dict)),
                ("time_zone", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="ZoneSet",
            fields=[
                ("id", models.SmallAutoField(primary_key=True, serialize=False)),
                (
                    "zones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None, unique=True
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="List",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120, unique=True)),
                ("description", models.CharField(blank=True, max_length=400)),
                ("version", models.PositiveIntegerField(default=0)),
                ("size", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("file", models.FileField(upload_to="imports/%Y/%m/")),
                ("file_name", models.CharField(max_length=255)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("uploaded", "Uploaded"),
                            ("mapped", "Waiting to run"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                        ],
                        default="uploaded",
                        max_length=12,
                    ),
                ),
                ("list_name", models.CharField(max_length=120)),
                ("country", models.CharField(max_length=2)),
                ("dialect", models.JSONField(default=dict)),
                ("mapping", models.JSONField(default=dict)),
                ("rows", models.PositiveIntegerField(default=0)),
                ("created", models.PositiveIntegerField(default=0)),
                ("updated", models.PositiveIntegerField(default=0)),
                ("unchanged", models.PositiveIntegerField(default=0)),
                ("duplicates", models.PositiveIntegerField(default=0)),
                ("invalid", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=400)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "list",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="imports",
                        to="contacts.list",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ListVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("added", models.PositiveIntegerField()),
                ("removed", models.PositiveIntegerField(default=0)),
                ("size", models.PositiveIntegerField()),
                ("note", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="contacts.list",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("added_in", models.PositiveIntegerField()),
                ("removed_in", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="contacts.contact",
                    ),
                ),
                (
                    "list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="contacts.list",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RejectedRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line", models.PositiveIntegerField()),
                ("reason", models.CharField(max_length=200)),
                ("values", models.JSONField(default=list)),
                (
                    "contact_import",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rejected_rows",
                        to="contacts.import",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="contact",
            name="zone_set",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="contacts.zoneset"
            ),
        ),
        migrations.CreateModel(
            name="DoNotContact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone_number", models.CharField(blank=True, max_length=16, null=True)),
                ("email", models.EmailField(blank=True, max_length=254, null=True)),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("all", "Everything"),
                            ("voice", "Calls"),
                            ("text", "Texts"),
                            ("email", "Email"),
                        ],
                        default="all",
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
                        ],
                        default="person",
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
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
                "verbose_name": "do-not-contact",
                "verbose_name_plural": "do-not-contact",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("email__isnull", True), ("phone_number__isnull", False)),
                            models.Q(("email__isnull", False), ("phone_number__isnull", True)),
                            _connector="OR",
                        ),
                        name="do_not_contact_names_one_address",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("phone_number__regex", "^\\+[1-9][0-9]{6,14}$"),
                            ("phone_number__isnull", True),
                            _connector="OR",
                        ),
                        name="do_not_contact_number_is_e164",
                    ),
                    models.UniqueConstraint(
                        fields=("phone_number", "scope"), name="do_not_contact_number_once"
                    ),
                    models.UniqueConstraint(fields=("email", "scope"), name="do_not_contact_email_once"),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["uploaded", "mapped", "running", "completed", "failed"])),
                name="import_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "completed"), _negated=True),
                    (
                        "rows",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("created"), "+", models.F("updated")
                                    ),
                                    "+",
                                    models.F("unchanged"),
                                ),
                                "+",
                                models.F("duplicates"),
                            ),
                            "+",
                            models.F("invalid"),
                        ),
                    ),
                    _connector="OR",
                ),
                name="import_sums_add_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="listversion",
            constraint=models.UniqueConstraint(fields=("list", "number"), name="list_version_number_once"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_in__isnull", True)),
                fields=("list", "contact"),
                name="membership_once_in_a_list",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("removed_in__isnull", True), ("removed_in__gt", models.F("added_in")), _connector="OR"
                ),
                name="membership_removed_after_added",
            ),
        ),
        migrations.AddConstraint(
            model_name="rejectedrow",
            constraint=models.UniqueConstraint(
                fields=("contact_import", "line"), name="rejected_row_line_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("phone_number__regex", "^\\+[1-9][0-9]{6,14}$"),
                    ("phone_number__isnull", True),
                    _connector="OR",
                ),
                name="contact_phone_number_is_e164",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("phone_number__isnull", False), ("email__isnull", False), _connector="OR"
                ),
                name="contact_can_be_reached",
            ),
        ),
    ]
