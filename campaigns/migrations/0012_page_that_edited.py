from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0011_dialed_and_reached")]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="edited_from",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=48),
        ),
    ]
