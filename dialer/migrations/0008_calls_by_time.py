"""Calls of the last day or week are found by when they were made."""

import django.contrib.postgres.indexes
from django.db import migrations

from lifecycle.indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    # Calls go on while it is built.
    atomic = False
    dependencies = [("dialer", "0007_recordings_try_again")]

    operations = [
        AddIndexConcurrently(
            model_name="call",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["created_at"], name="call_by_time", pages_per_range=32
            ),
        ),
    ]
