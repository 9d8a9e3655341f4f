"""Calls are found by a part of the number, too, through the index that finds a part of the name."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("dialer", "0008_calls_by_time")]

    operations = [
        migrations.RemoveIndex(model_name="call", name="call_contact_name_words"),
        migrations.AddIndex(
            model_name="call",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("contact_name", name="gin_trgm_ops"),
                django.contrib.postgres.indexes.OpClass("to_number", name="gin_trgm_ops"),
                name="call_words",
            ),
        ),
    ]
