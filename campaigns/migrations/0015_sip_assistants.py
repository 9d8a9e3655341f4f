"""Assistants are reached by SIP, too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0014_announcements"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="assistant",
            name="assistant_url_is_websocket",
        ),
        migrations.AddField(
            model_name="assistant",
            name="kind",
            field=models.CharField(
                choices=[("websocket", "WebSocket"), ("sip", "SIP")],
                db_default="websocket",
                default="websocket",
                max_length=10,
                verbose_name="reached by",
            ),
        ),
        migrations.AlterField(
            model_name="assistant",
            name="url",
            field=models.CharField(max_length=500, verbose_name="address"),
        ),
        migrations.AlterField(
            model_name="voicesettings",
            name="destination",
            field=models.CharField(
                choices=[
                    ("assistant", "Assistant"),
                    ("announcement", "Recorded announcement"),
                    ("hangup", "Hang up (for testing)"),
                ],
                default="assistant",
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="assistant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "websocket"), ("url__regex", "^wss?://")),
                    models.Q(("kind", "sip"), ("url__regex", "^sip:")),
                    _connector="OR",
                ),
                name="assistant_url_is_of_its_kind",
            ),
        ),
    ]
