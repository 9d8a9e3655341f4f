"""The key pressed by whoever listened to an announcement; earlier calls know it by their events alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dialer", "0015_calls_of_days")]

    operations = [
        migrations.AddField(
            model_name="call",
            name="pressed",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=1, verbose_name="key pressed"
            ),
        ),
        migrations.AddField(
            model_name="call",
            name="pressed_for",
            field=models.CharField(
                blank=True,
                choices=[
                    ("opt_out", "Opted out"),
                    ("talk", "Talk to someone"),
                    ("repeat", "Hear it again"),
                    ("", "Nothing"),
                ],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
    ]
