"""Several assistants behind one name, and how many calls each can take."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0016_said_of_unanswered_calls"),
    ]

    operations = [
        migrations.CreateModel(
            name="AssistantPool",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True)),
                ("description", models.CharField(blank=True, max_length=300)),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="PoolMember",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=1,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="voicesettings",
            name="voice_destination_is_known",
        ),
        migrations.AddField(
            model_name="assistant",
            name="most_calls",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="calls at a time",
            ),
        ),
        migrations.AddField(
            model_name="assistant",
            name="resting_until",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="voicesettings",
            name="destination",
            field=models.CharField(
                choices=[
                    ("assistant", "Assistant"),
                    ("pool", "Pool of assistants"),
                    ("announcement", "Recorded announcement"),
                    ("hangup", "Hang up (for testing)"),
                ],
                default="assistant",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="voicesettings",
            name="talk_to",
            field=models.CharField(
                choices=[
                    ("assistant", "An assistant"),
                    ("pool", "A pool of assistants"),
                    ("number", "A phone number"),
                ],
                db_default="assistant",
                default="assistant",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="pool",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="voice_settings",
                to="campaigns.assistantpool",
            ),
        ),
        migrations.AddConstraint(
            model_name="voicesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("destination__in", ["assistant", "pool", "announcement", "hangup"])),
                name="voice_destination_is_known",
            ),
        ),
        migrations.AddField(
            model_name="poolmember",
            name="assistant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="memberships",
                to="campaigns.assistant",
            ),
        ),
        migrations.AddField(
            model_name="poolmember",
            name="pool",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="members",
                to="campaigns.assistantpool",
            ),
        ),
        migrations.AddConstraint(
            model_name="poolmember",
            constraint=models.UniqueConstraint(fields=("pool", "assistant"), name="pool_member_once"),
        ),
        migrations.AddConstraint(
            model_name="poolmember",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gte", 1)), name="pool_member_has_a_weight"
            ),
        ),
    ]
