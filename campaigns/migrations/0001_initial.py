import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import campaigns.models.rules


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("contacts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Channel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(choices=[("ai_voice", "AI voice")], default="ai_voice", max_length=16),
                ),
                ("name", models.CharField(max_length=80)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("ready", "Ready"),
                            ("scheduled", "Scheduled"),
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("stopped", "Stopped"),
                            ("completed", "Completed"),
                        ],
                        default="ready",
                        max_length=12,
                    ),
                ),
                ("run", models.PositiveSmallIntegerField(default=0)),
                ("start_at", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "pause_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("person", "Paused by a person"),
                            ("end_date", "The last day has passed"),
                            ("credentials", "The carrier refused our credentials"),
                            ("credit", "The carrier account is out of credit"),
                            ("errors", "Too many errors"),
                            ("settings", "Something needed is missing"),
                        ],
                        max_length=16,
                    ),
                ),
                ("pause_note", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("revision", models.PositiveIntegerField(default=1)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Disposition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=60, unique=True)),
                ("is_win", models.BooleanField(default=False, verbose_name="counts as a win")),
                (
                    "effect",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Nothing more"),
                            ("unsuccessful", "Reached, goal not achieved"),
                            ("callback", "Call again at a known time"),
                            ("do_not_call", "Do not contact again"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=100)),
                ("is_active", models.BooleanField(default=True, verbose_name="offered")),
            ],
            options={
                "ordering": ["position", "name"],
            },
        ),
        migrations.CreateModel(
            name="Assistant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True)),
                ("description", models.CharField(blank=True, max_length=300)),
                ("url", models.CharField(max_length=500, verbose_name="WebSocket address")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("url__regex", "^wss?://")), name="assistant_url_is_websocket"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CallerId",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone_number", models.CharField(max_length=16, unique=True)),
                ("name", models.CharField(blank=True, max_length=80)),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "caller ID",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("phone_number__regex", "^\\+[1-9][0-9]{6,14}$")),
                        name="caller_id_phone_number_is_e164",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Campaign",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("description", models.CharField(blank=True, max_length=400)),
                (
                    "direction",
                    models.CharField(
                        choices=[("outbound", "Outbound"), ("inbound", "Inbound")],
                        default="outbound",
                        max_length=8,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("scheduled", "Scheduled"),
                            ("active", "Active"),
                            ("paused", "Paused"),
                            ("completed", "Completed"),
                            ("ended", "Ended"),
                        ],
                        default="draft",
                        max_length=12,
                    ),
                ),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
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
            name="ChannelDrive",
            fields=[
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="drive",
                        serialize=False,
                        to="campaigns.channel",
                    ),
                ),
                ("owner", models.CharField(blank=True, max_length=64)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("next_start_at", models.DateTimeField(blank=True, null=True)),
                ("next_start_in_minute_at", models.DateTimeField(blank=True, null=True)),
                ("held_until", models.DateTimeField(blank=True, null=True)),
                ("waiting_for", models.CharField(blank=True, max_length=200)),
                ("waiting_until", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="schedule",
                        serialize=False,
                        to="campaigns.channel",
                    ),
                ),
                ("time_zone", models.CharField(blank=True, max_length=64)),
                ("start_date", models.DateField(blank=True, null=True)),
                ("end_date", models.DateField(blank=True, null=True)),
                (
                    "hours",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(
                            validators=[django.core.validators.MaxValueValidator(16777215)]
                        ),
                        default=campaigns.models.rules.business_hours,
                        size=7,
                    ),
                ),
                (
                    "closed_days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateField(), blank=True, default=list, size=None
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="VoiceSettings",
            fields=[
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="voice",
                        serialize=False,
                        to="campaigns.channel",
                    ),
                ),
                (
                    "destination",
                    models.CharField(
                        choices=[
                            ("assistant", "Assistant by WebSocket"),
                            ("hangup", "Hang up (for testing)"),
                        ],
                        default="assistant",
                        max_length=12,
                    ),
                ),
                (
                    "dial_timeout_seconds",
                    models.PositiveSmallIntegerField(
                        default=60,
                        validators=[
                            django.core.validators.MinValueValidator(15),
                            django.core.validators.MaxValueValidator(120),
                        ],
                        verbose_name="dial timeout",
                    ),
                ),
                ("prompt", models.TextField(blank=True, max_length=8000, verbose_name="custom prompt")),
                (
                    "concurrent_calls",
                    models.PositiveIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "calls_per_second",
                    models.PositiveIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "calls_per_minute",
                    models.PositiveIntegerField(
                        blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "attempts_per_contact",
                    models.PositiveSmallIntegerField(
                        default=1,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(5),
                        ],
                    ),
                ),
                ("record_calls", models.BooleanField(default=False)),
                (
                    "machine_detection",
                    models.CharField(
                        choices=[
                            ("off", "Off"),
                            ("detect", "Detect"),
                            ("wait", "Detect and wait for the greeting's end"),
                        ],
                        default="off",
                        max_length=8,
                    ),
                ),
                (
                    "detection_timeout_ms",
                    models.PositiveIntegerField(
                        default=5000,
                        validators=[
                            django.core.validators.MinValueValidator(2000),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                    ),
                ),
                (
                    "speech_threshold_ms",
                    models.PositiveIntegerField(
                        default=5000,
                        validators=[
                            django.core.validators.MinValueValidator(1000),
                            django.core.validators.MaxValueValidator(6000),
                        ],
                    ),
                ),
                (
                    "end_of_speech_ms",
                    models.PositiveIntegerField(
                        default=800,
                        validators=[
                            django.core.validators.MinValueValidator(500),
                            django.core.validators.MaxValueValidator(5000),
                        ],
                    ),
                ),
                (
                    "initial_silence_ms",
                    models.PositiveIntegerField(
                        default=4500,
                        validators=[
                            django.core.validators.MinValueValidator(2000),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                    ),
                ),
                (
                    "on_machine",
                    models.CharField(
                        choices=[
                            ("hang_up", "Hang up"),
                            ("message", "Leave a message"),
                            ("connect", "Connect anyway"),
                        ],
                        default="hang_up",
                        max_length=8,
                    ),
                ),
                ("voicemail_message", models.TextField(blank=True, max_length=2000)),
                (
                    "max_attempts_per_day",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        default=3,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(50),
                        ],
                    ),
                ),
                (
                    "max_attempts_per_week",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(200),
                        ],
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "voice settings",
            },
        ),
        migrations.AddField(
            model_name="channel",
            name="campaign",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="channels", to="campaigns.campaign"
            ),
        ),
        migrations.CreateModel(
            name="Activity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("campaign_name", models.CharField(max_length=120)),
                ("channel_name", models.CharField(blank=True, max_length=80)),
                ("verb", models.CharField(max_length=24)),
                ("text", models.CharField(max_length=300)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="activities",
                        to="campaigns.campaign",
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="campaigns.channel",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "activities",
            },
        ),
        migrations.CreateModel(
            name="ChannelList",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="channel_lists",
                        to="campaigns.channel",
                    ),
                ),
                (
                    "list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="channel_lists",
                        to="contacts.list",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="channel",
            name="lists",
            field=models.ManyToManyField(
                related_name="channels", through="campaigns.ChannelList", to="contacts.list"
            ),
        ),
        migrations.CreateModel(
            name="Enrollment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("run", models.PositiveSmallIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("retry", "Retry scheduled"),
                            ("callback", "Callback"),
                            ("calling", "Calling"),
                            ("connected", "Connected"),
                            ("completed", "Completed"),
                            ("unsuccessful", "Unsuccessful"),
                            ("no_answer", "No answer"),
                            ("busy", "Busy"),
                            ("voicemail", "Voicemail"),
                            ("failed", "Failed"),
                            ("do_not_call", "Do not call"),
                            ("skipped", "Skipped"),
                        ],
                        default="pending",
                        max_length=12,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=120)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "turn",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(status="callback", then=models.Value(0)),
                            models.When(status="retry", then=models.Value(1)),
                            default=models.Value(2),
                        ),
                        output_field=models.SmallIntegerField(),
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="enrollments",
                        to="campaigns.channel",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="enrollments",
                        to="contacts.contact",
                    ),
                ),
                (
                    "zone_set",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contacts.zoneset",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EnrollmentCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("run", models.PositiveSmallIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("retry", "Retry scheduled"),
                            ("callback", "Callback"),
                            ("calling", "Calling"),
                            ("connected", "Connected"),
                            ("completed", "Completed"),
                            ("unsuccessful", "Unsuccessful"),
                            ("no_answer", "No answer"),
                            ("busy", "Busy"),
                            ("voicemail", "Voicemail"),
                            ("failed", "Failed"),
                            ("do_not_call", "Do not call"),
                            ("skipped", "Skipped"),
                        ],
                        max_length=12,
                    ),
                ),
                ("slot", models.SmallIntegerField()),
                ("count", models.IntegerField(default=0)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="counts",
                        to="campaigns.channel",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReattemptRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("no_answer", "No answer"),
                            ("busy", "Busy"),
                            ("voicemail", "Voicemail"),
                            ("failed", "Failed"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "delay_minutes",
                    models.PositiveIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(43200),
                        ]
                    ),
                ),
                (
                    "max_times",
                    models.PositiveSmallIntegerField(
                        default=1,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(4),
                        ],
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reattempt_rules",
                        to="campaigns.channel",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="campaign",
            index=models.Index(fields=["-created_at", "-id"], name="campaign_newest"),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["draft", "scheduled", "active", "paused", "completed", "ended"])
                ),
                name="campaign_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("direction__in", ["outbound", "inbound"])),
                name="campaign_direction_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="channeldrive",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("leased_until__isnull", True), ("owner", "")),
                    models.Q(models.Q(("owner", ""), _negated=True), ("leased_until__isnull", False)),
                    _connector="OR",
                ),
                name="channel_drive_lease_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("start_date__isnull", True),
                    ("end_date__isnull", True),
                    ("end_date__gte", models.F("start_date")),
                    _connector="OR",
                ),
                name="schedule_ends_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("hours__len", 7)), name="schedule_has_seven_days"
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="assistant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="voice_settings",
                to="campaigns.assistant",
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="caller_id",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="voice_settings",
                to="campaigns.callerid",
            ),
        ),
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(fields=["campaign", "-id"], name="activity_of_campaign"),
        ),
        migrations.AddConstraint(
            model_name="channellist",
            constraint=models.UniqueConstraint(fields=("channel", "list"), name="channel_list_once"),
        ),
        migrations.AddIndex(
            model_name="channel",
            index=models.Index(
                condition=models.Q(("status__in", ["running", "scheduled"])),
                fields=["id"],
                name="channel_to_drive",
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["ready", "scheduled", "running", "paused", "stopped", "completed"])
                ),
                name="channel_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["ai_voice"])), name="channel_kind_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.UniqueConstraint(
                fields=("campaign", "name"), name="channel_name_once_in_a_campaign"
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "scheduled"), _negated=True),
                    ("start_at__isnull", False),
                    _connector="OR",
                ),
                name="channel_scheduled_has_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["ready", "scheduled", "stopped"]),
                    models.Q(("run__gt", 0), ("started_at__isnull", False)),
                    _connector="OR",
                ),
                name="channel_started_has_a_run",
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status", "paused"), models.Q(("pause_note", ""), ("pause_reason", "")), _connector="OR"
                ),
                name="channel_pause_reason_only_while_paused",
            ),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(
                condition=models.Q(("status__in", ["callback", "pending", "retry"])),
                fields=["channel", "run", "turn", "due_at", "id"],
                name="enrollment_claim",
            ),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(fields=["channel", "run", "status", "id"], name="enrollment_by_status"),
        ),
        migrations.AddConstraint(
            model_name="enrollment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "pending",
                            "retry",
                            "callback",
                            "calling",
                            "connected",
                            "completed",
                            "unsuccessful",
                            "no_answer",
                            "busy",
                            "voicemail",
                            "failed",
                            "do_not_call",
                            "skipped",
                        ],
                    )
                ),
                name="enrollment_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrollment",
            constraint=models.UniqueConstraint(
                fields=("channel", "run", "contact"), name="enrollment_once_a_run"
            ),
        ),
        migrations.AddConstraint(
            model_name="enrollment",
            constraint=models.CheckConstraint(
                condition=models.Q(("run__gt", 0)), name="enrollment_has_a_run"
            ),
        ),
        migrations.AddConstraint(
            model_name="enrollmentcount",
            constraint=models.UniqueConstraint(
                fields=("channel", "run", "status", "slot"), name="enrollment_count_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="reattemptrule",
            constraint=models.UniqueConstraint(
                fields=("channel", "outcome"), name="reattempt_rule_once_an_outcome"
            ),
        ),
        migrations.AddConstraint(
            model_name="reattemptrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["no_answer", "busy", "voicemail", "failed"])),
                name="reattempt_rule_outcome_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reattemptrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("delay_minutes__gte", 1)), name="reattempt_rule_waits"
            ),
        ),
        migrations.AddConstraint(
            model_name="voicesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("destination__in", ["assistant", "hangup"])),
                name="voice_destination_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="voicesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("machine_detection__in", ["off", "detect", "wait"])),
                name="voice_detection_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="voicesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_machine__in", ["hang_up", "message", "connect"])),
                name="voice_machine_action_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="voicesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("calls_per_second__gte", 1), ("concurrent_calls__gte", 1)),
                name="voice_pace_is_positive",
            ),
        ),
    ]
