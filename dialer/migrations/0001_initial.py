import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("campaigns", "0001_initial"),
        ("contacts", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Call",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("campaign_name", models.CharField(max_length=120)),
                ("channel_name", models.CharField(max_length=80)),
                ("contact_name", models.CharField(blank=True, max_length=201)),
                ("assistant_name", models.CharField(blank=True, max_length=80)),
                ("to_number", models.CharField(max_length=16)),
                ("from_number", models.CharField(max_length=16)),
                ("run", models.PositiveSmallIntegerField()),
                ("attempt", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("intent", "Claimed"),
                            ("placing", "Placing"),
                            ("unknown", "In doubt"),
                            ("ringing", "Ringing"),
                            ("connected", "Connected"),
                            ("ended", "Ended"),
                        ],
                        default="intent",
                        max_length=12,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("completed", "Completed"),
                            ("no_answer", "No answer"),
                            ("busy", "Busy"),
                            ("voicemail", "Voicemail"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("withdrawn", "Not placed"),
                        ],
                        max_length=12,
                    ),
                ),
                ("claimed_from", models.CharField(max_length=12)),
                ("owner", models.CharField(max_length=64)),
                ("deadline_at", models.DateTimeField(null=True)),
                ("checks", models.PositiveSmallIntegerField(default=0)),
                ("request_id", models.CharField(blank=True, max_length=64, verbose_name="carrier's request")),
                ("carrier_id", models.CharField(blank=True, max_length=64, verbose_name="carrier's call")),
                ("created_at", models.DateTimeField()),
                ("placed_at", models.DateTimeField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("ringing_at", models.DateTimeField(blank=True, null=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("duration_seconds", models.PositiveIntegerField(blank=True, null=True)),
                ("billed_seconds", models.PositiveIntegerField(blank=True, null=True)),
                ("cost", models.DecimalField(blank=True, decimal_places=5, max_digits=10, null=True)),
                ("is_machine", models.BooleanField(default=False)),
                ("message_left", models.BooleanField(default=False)),
                ("hangup_code", models.PositiveIntegerField(blank=True, null=True)),
                ("hangup_cause", models.CharField(blank=True, max_length=120)),
                ("hangup_by", models.CharField(blank=True, max_length=40)),
                ("callback_at", models.DateTimeField(blank=True, null=True)),
                ("summary", models.CharField(blank=True, max_length=500)),
                ("notes", models.TextField(blank=True, max_length=4000)),
                (
                    "assistant",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="campaigns.assistant",
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="calls",
                        to="campaigns.campaign",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="calls",
                        to="campaigns.channel",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="calls",
                        to="contacts.contact",
                    ),
                ),
                (
                    "disposition",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="campaigns.disposition",
                    ),
                ),
                (
                    "enrollment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="calls",
                        to="campaigns.enrollment",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CarrierAccount",
            fields=[
                ("auth_id", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("next_start_at", models.DateTimeField(blank=True, null=True)),
                ("held_until", models.DateTimeField(blank=True, null=True)),
                ("reconciled_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Driver",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=100)),
                ("pid", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="CallEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=24)),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("data", models.JSONField(default=dict)),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="dialer.call"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Recording",
            fields=[
                (
                    "call",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="recording",
                        serialize=False,
                        to="dialer.call",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("announced", "At the carrier"),
                            ("stored", "Stored"),
                            ("failed", "Could not be fetched"),
                        ],
                        default="announced",
                        max_length=10,
                    ),
                ),
                ("carrier_id", models.CharField(blank=True, max_length=64)),
                ("source_url", models.CharField(max_length=500)),
                ("file", models.FileField(blank=True, upload_to="recordings/%Y/%m/%d/")),
                ("duration_ms", models.PositiveIntegerField(blank=True, null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("announced_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "announced")),
                        fields=["announced_at"],
                        name="recording_to_fetch",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Transcript",
            fields=[
                (
                    "call",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="transcript",
                        serialize=False,
                        to="dialer.call",
                    ),
                ),
                ("turns", models.JSONField(default=list)),
                ("words", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass("words", name="gin_trgm_ops"),
                        name="transcript_words",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("state__in", ["connected", "intent", "placing", "ringing", "unknown"])),
                fields=["channel"],
                name="call_live",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("state__in", ["connected", "intent", "placing", "ringing", "unknown"])),
                fields=["deadline_at"],
                name="call_deadline",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(fields=["campaign", "-id"], name="call_of_campaign"),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(fields=["to_number", "-accepted_at"], name="call_by_number"),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(fields=["channel", "-id"], name="call_of_channel"),
        ),
        migrations.AddIndex(
            model_name="call",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("contact_name", name="gin_trgm_ops"),
                name="call_contact_name_words",
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["intent", "placing", "unknown", "ringing", "connected", "ended"])
                ),
                name="call_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("deadline_at__isnull", True),
                        ("ended_at__isnull", False),
                        ("state", "ended"),
                        models.Q(("outcome", ""), _negated=True),
                    ),
                    models.Q(
                        models.Q(("state", "ended"), _negated=True),
                        ("deadline_at__isnull", False),
                        ("ended_at__isnull", True),
                        ("outcome", ""),
                    ),
                    _connector="OR",
                ),
                name="call_ended_has_an_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["connected", "intent", "placing", "ringing", "unknown"])),
                fields=("to_number",),
                name="call_one_live_a_number",
            ),
        ),
    ]
