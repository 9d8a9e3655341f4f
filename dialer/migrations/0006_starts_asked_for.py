"""When the worker was last asked to start what is scheduled."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dialer", "0005_call_errors"),
    ]

    operations = [
        migrations.AddField(
            model_name="carrieraccount",
            name="starts_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
