"""Who started a campaign last, among a million things done since."""

from django.db import migrations, models

from lifecycle.indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0017_pools")]

    operations = [
        AddIndexConcurrently(
            model_name="activity",
            index=models.Index(
                fields=["campaign", "-id"],
                condition=models.Q(verb__in=("rerun", "start")),
                name="activity_of_start",
            ),
        )
    ]
