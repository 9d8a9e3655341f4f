"""What the pages of do-not-contact look entries up by."""

import django.contrib.postgres.indexes
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0005_kept_by_the_database"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="donotcontact",
            index=models.Index(fields=["-created_at", "-id"], name="do_not_contact_newest"),
        ),
        migrations.AddIndex(
            model_name="donotcontact",
            index=models.Index(fields=["scope", "-created_at", "-id"], name="do_not_contact_of_scope"),
        ),
        migrations.AddIndex(
            model_name="donotcontact",
            index=models.Index(fields=["source", "-created_at", "-id"], name="do_not_contact_of_source"),
        ),
        migrations.AddIndex(
            model_name="donotcontact",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("phone_number", name="gin_trgm_ops"),
                django.contrib.postgres.indexes.OpClass("email", name="gin_trgm_ops"),
                name="do_not_contact_parts",
            ),
        ),
    ]
