"""When it was last asked that a call be hung up on which is forbidden by now."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dialer", "0009_search_numbers"),
    ]

    operations = [
        migrations.AddField(
            model_name="call",
            name="take_back_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
