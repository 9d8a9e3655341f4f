"""Calls of the last day or week are found by when they were made."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("dialer", "0007_recordings_try_again")]

    operations = [
        migrations.AddIndex(
            model_name="call",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["created_at"], name="call_by_time", pages_per_range=32
            ),
        ),
    ]
