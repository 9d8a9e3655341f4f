"""A run's calls, newest first, however many the runs after it have."""

from django.db import migrations, models

from lifecycle.indexes import AddIndexConcurrently, RemoveIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("dialer", "0013_reached")]

    operations = [
        AddIndexConcurrently(
            model_name="call", index=models.Index(fields=["channel", "run", "-id"], name="call_of_run")
        ),
        RemoveIndexConcurrently(model_name="call", name="call_of_channel"),
    ]
