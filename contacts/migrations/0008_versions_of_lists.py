"""Pages of what a version of a list added and removed, by indexes; one of them does what the list's did."""

import django.db.models.deletion
from django.db import migrations, models

from lifecycle.indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    # Calls and imports go on while they are built.
    atomic = False
    dependencies = [("contacts", "0007_shorter_numbers")]

    operations = [
        AddIndexConcurrently(
            model_name="membership",
            index=models.Index(fields=["list", "added_in", "contact"], name="membership_added"),
        ),
        AddIndexConcurrently(
            model_name="membership",
            index=models.Index(
                condition=models.Q(("removed_in__isnull", False)),
                fields=["list", "removed_in", "contact"],
                name="membership_removed",
            ),
        ),
        migrations.AlterField(
            model_name="membership",
            name="list",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memberships",
                to="contacts.list",
            ),
        ),
    ]
