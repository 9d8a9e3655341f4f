"""Erased people are found at once: whoever is put on a list is looked for among them."""

from django.db import migrations, models

from lifecycle.indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    # Nobody waits while it is built.
    atomic = False
    dependencies = [("contacts", "0011_attempts_of_imports")]

    operations = [
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(
                fields=["id"], condition=models.Q(erased_at__isnull=False), name="contact_erased"
            ),
        ),
    ]
