"""Indexes ask whether a call is live, which does not change while it moves through its states: those
updates are made in place. Events need no check of their call, being written beside it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0002_guards_and_counts"),
        ("contacts", "0003_guard_imports"),
        ("dialer", "0003_call_counts"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="call",
            name="call_one_live_a_number",
        ),
        migrations.RemoveIndex(
            model_name="call",
            name="call_live",
        ),
        migrations.RemoveIndex(
            model_name="call",
            name="call_deadline",
        ),
        migrations.RemoveIndex(
            model_name="call",
            name="call_by_number",
        ),
        migrations.RemoveIndex(
            model_name="call",
            name="call_of_outcome",
        ),
        migrations.AddField(
            model_name="call",
            name="is_live",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.ExpressionWrapper(
                    models.Q(("state", "ended"), _negated=True), output_field=models.BooleanField()
                ),
                output_field=models.BooleanField(),
            ),
        ),
        migrations.AlterField(
            model_name="callevent",
            name="call",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="events",
                to="dialer.call",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(condition=models.Q(("is_live", True)), fields=["channel"], name="call_live"),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("is_live", False)),
                fields=["campaign", "outcome", "-id"],
                name="call_of_outcome",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(fields=["to_number", "-created_at"], name="call_by_number"),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_live", True)), fields=("to_number",), name="call_one_live_a_number"
            ),
        ),
    ]
