"""Files that shall go are written down, so that none stays for ever."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dialer", "0010_hang_up_again"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnwantedFile",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
