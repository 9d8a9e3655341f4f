"""A channel may announce something to whoever answers, and listen to the keys they press."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0013_by_change"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="voicesettings",
            name="voice_destination_is_known",
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="announcement_source",
            field=models.CharField(
                choices=[("text", "A text, read aloud"), ("recording", "A recording")],
                db_default="text",
                default="text",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="announcement_text",
            field=models.TextField(blank=True, db_default="", default="", max_length=2000),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="announcement_url",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=500, verbose_name="address of the recording"
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="goodbye_text",
            field=models.CharField(
                db_default="You will not be called again. Goodbye.",
                default="You will not be called again. Goodbye.",
                max_length=300,
                verbose_name="said after opting out",
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="key_wait_seconds",
            field=models.PositiveSmallIntegerField(
                db_default=10,
                default=10,
                validators=[
                    django.core.validators.MinValueValidator(5),
                    django.core.validators.MaxValueValidator(60),
                ],
                verbose_name="wait for a key",
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="language",
            field=models.CharField(
                choices=[
                    ("da-DK", "Danish"),
                    ("nl-NL", "Dutch"),
                    ("en-AU", "English (Australia)"),
                    ("en-GB", "English (Britain)"),
                    ("en-US", "English (United States)"),
                    ("fr-FR", "French"),
                    ("fr-CA", "French (Canada)"),
                    ("de-DE", "German"),
                    ("it-IT", "Italian"),
                    ("pl-PL", "Polish"),
                    ("pt-PT", "Portuguese"),
                    ("pt-BR", "Portuguese (Brazil)"),
                    ("ru-RU", "Russian"),
                    ("es-ES", "Spanish"),
                    ("es-US", "Spanish (United States)"),
                    ("sv-SE", "Swedish"),
                ],
                db_default="en-US",
                default="en-US",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="nobody_text",
            field=models.CharField(
                db_default="Nobody can take your call just now. Please try again later. Goodbye.",
                default="Nobody can take your call just now. Please try again later. Goodbye.",
                max_length=300,
                verbose_name="said when nobody answers",
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="opt_out_key",
            field=models.CharField(
                blank=True,
                choices=[
                    ("1", "1"),
                    ("2", "2"),
                    ("3", "3"),
                    ("4", "4"),
                    ("5", "5"),
                    ("6", "6"),
                    ("7", "7"),
                    ("8", "8"),
                    ("9", "9"),
                    ("0", "0"),
                ],
                db_default="9",
                default="9",
                max_length=1,
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="repeat_key",
            field=models.CharField(
                blank=True,
                choices=[
                    ("1", "1"),
                    ("2", "2"),
                    ("3", "3"),
                    ("4", "4"),
                    ("5", "5"),
                    ("6", "6"),
                    ("7", "7"),
                    ("8", "8"),
                    ("9", "9"),
                    ("0", "0"),
                ],
                db_default="",
                default="",
                max_length=1,
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="speaking_voice",
            field=models.CharField(
                choices=[("woman", "A woman’s"), ("man", "A man’s")],
                db_default="woman",
                default="woman",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="talk_key",
            field=models.CharField(
                blank=True,
                choices=[
                    ("1", "1"),
                    ("2", "2"),
                    ("3", "3"),
                    ("4", "4"),
                    ("5", "5"),
                    ("6", "6"),
                    ("7", "7"),
                    ("8", "8"),
                    ("9", "9"),
                    ("0", "0"),
                ],
                db_default="",
                default="",
                max_length=1,
            ),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="talk_number",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AddField(
            model_name="voicesettings",
            name="talk_to",
            field=models.CharField(
                choices=[("assistant", "An assistant"), ("number", "A phone number")],
                db_default="assistant",
                default="assistant",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="voicesettings",
            name="destination",
            field=models.CharField(
                choices=[
                    ("assistant", "Assistant by WebSocket"),
                    ("announcement", "Recorded announcement"),
                    ("hangup", "Hang up (for testing)"),
                ],
                default="assistant",
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="voicesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("destination__in", ["assistant", "announcement", "hangup"])),
                name="voice_destination_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="voicesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("talk_number", ""), ("talk_number__regex", "^\\+[1-9][0-9]{5,14}$"), _connector="OR"
                ),
                name="voice_talk_number_is_e164",
            ),
        ),
    ]
