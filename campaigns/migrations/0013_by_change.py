"""The contacts of a run with the newest change first, among a million."""

from django.db import migrations, models

from lifecycle.indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0012_page_that_edited")]

    operations = [
        AddIndexConcurrently(
            model_name="enrollment",
            index=models.Index(fields=["channel", "run", "-updated_at", "-id"], name="enrollment_by_change"),
        )
    ]
