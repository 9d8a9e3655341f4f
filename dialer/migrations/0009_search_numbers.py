"""Calls are found by a part of the number, too, and by the name without accents, through one index."""

import django.contrib.postgres.indexes
from django.db import migrations, models

from lifecycle.indexes import AddIndexConcurrently, RemoveIndexConcurrently


class Migration(migrations.Migration):
    # Calls go on while it is built.
    atomic = False
    dependencies = [
        ("dialer", "0008_calls_by_time"),
        # contacts_fold.
        ("contacts", "0004_lists_of_a_million"),
    ]

    operations = [
        RemoveIndexConcurrently(model_name="call", name="call_contact_name_words"),
        AddIndexConcurrently(
            model_name="call",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    models.Func("contact_name", function="contacts_fold"), name="gin_trgm_ops"
                ),
                django.contrib.postgres.indexes.OpClass("to_number", name="gin_trgm_ops"),
                name="call_words",
            ),
        ),
    ]
