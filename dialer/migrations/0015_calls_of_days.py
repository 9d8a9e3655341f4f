"""Calls of some days, newest first, however many there were since."""

from django.db import migrations, models

from lifecycle.indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("dialer", "0014_calls_of_runs")]

    operations = [
        AddIndexConcurrently(
            model_name="call", index=models.Index(fields=["-created_at", "-id"], name="call_newest")
        ),
    ]
