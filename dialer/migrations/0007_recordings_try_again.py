"""When a recording that could not be fetched is tried again; the index of what is due is by that time."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dialer", "0006_starts_asked_for"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="recording",
            name="recording_to_fetch",
        ),
        migrations.AddField(
            model_name="recording",
            name="try_again_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddIndex(
            model_name="recording",
            index=models.Index(
                condition=models.Q(("status", "announced")),
                fields=["try_again_at"],
                name="recording_to_fetch",
            ),
        ),
    ]
