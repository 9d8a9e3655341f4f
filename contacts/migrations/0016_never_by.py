"""Records say “Never by” where pages do."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0015_cheaper_rows"),
    ]

    operations = [
        migrations.AlterField(
            model_name="donotcontact",
            name="scope",
            field=models.CharField(
                choices=[("all", "Everything"), ("voice", "Calls"), ("text", "Texts"), ("email", "Email")],
                default="all",
                max_length=8,
                verbose_name="never by",
            ),
        ),
        migrations.AlterField(
            model_name="donotcontactevent",
            name="scope",
            field=models.CharField(
                choices=[("all", "Everything"), ("voice", "Calls"), ("text", "Texts"), ("email", "Email")],
                max_length=8,
                verbose_name="never by",
            ),
        ),
        migrations.AlterField(
            model_name="donotcontactremoval",
            name="scope",
            field=models.CharField(
                choices=[("all", "Everything"), ("voice", "Calls"), ("text", "Texts"), ("email", "Email")],
                max_length=8,
                verbose_name="never by",
            ),
        ),
        migrations.AlterField(
            model_name="import",
            name="scope",
            field=models.CharField(
                blank=True,
                choices=[("all", "Everything"), ("voice", "Calls"), ("text", "Texts"), ("email", "Email")],
                max_length=8,
                verbose_name="never by",
            ),
        ),
    ]
