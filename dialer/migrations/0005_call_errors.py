"""Failures that are not the number's, and calls that wait in the carrier's own queue."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dialer", "0004_live_calls"),
    ]

    operations = [
        migrations.AddField(
            model_name="call",
            name="is_error",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="call",
            name="is_queued",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="call",
            name="is_taken_back",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
