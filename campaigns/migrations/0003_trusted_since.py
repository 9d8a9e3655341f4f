"""A channel that is resumed is not paused again for the errors before."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0002_guards_and_counts"),
    ]

    operations = [
        migrations.RenameField(
            model_name="channeldrive",
            old_name="held_until",
            new_name="trusted_since",
        ),
    ]
