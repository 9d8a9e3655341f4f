"""Results of whoever pressed a key."""

from django.db import migrations, models

from lifecycle.indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("dialer", "0016_pressed")]

    operations = [
        AddIndexConcurrently(
            model_name="call",
            index=models.Index(
                fields=["campaign", "pressed_for", "-id"],
                condition=~models.Q(pressed=""),
                name="call_of_key",
            ),
        ),
    ]
