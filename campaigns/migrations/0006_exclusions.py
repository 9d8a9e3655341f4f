"""Lists that a campaign leaves alone."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0005_late_machines"),
        ("contacts", "0003_guard_imports"),
    ]

    operations = [
        migrations.CreateModel(
            name="CampaignExclusion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="campaign_exclusions",
                        to="campaigns.campaign",
                    ),
                ),
                (
                    "list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaign_exclusions",
                        to="contacts.list",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="campaign",
            name="exclusions",
            field=models.ManyToManyField(
                related_name="excluded_from", through="campaigns.CampaignExclusion", to="contacts.list"
            ),
        ),
        migrations.AddConstraint(
            model_name="campaignexclusion",
            constraint=models.UniqueConstraint(fields=("campaign", "list"), name="campaign_exclusion_once"),
        ),
    ]
