"""What searches look contacts up by, and the pages of do-not-contact their entries."""

import django.contrib.postgres.indexes
from django.conf import settings
from django.db import migrations, models

from lifecycle.indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    # Calls and imports go on while they are built.
    atomic = False
    dependencies = [
        ("contacts", "0005_kept_by_the_database"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="contact",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("search_text", name="gin_trgm_ops"),
                name="contact_words",
            ),
        ),
        AddIndexConcurrently(
            model_name="donotcontact",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False)),
                fields=["expires_at"],
                name="do_not_contact_expiry",
            ),
        ),
        AddIndexConcurrently(
            model_name="donotcontact",
            index=models.Index(fields=["-created_at", "-id"], name="do_not_contact_newest"),
        ),
        AddIndexConcurrently(
            model_name="donotcontact",
            index=models.Index(fields=["scope", "-created_at", "-id"], name="do_not_contact_of_scope"),
        ),
        AddIndexConcurrently(
            model_name="donotcontact",
            index=models.Index(fields=["source", "-created_at", "-id"], name="do_not_contact_of_source"),
        ),
        AddIndexConcurrently(
            model_name="donotcontact",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("phone_number", name="gin_trgm_ops"),
                django.contrib.postgres.indexes.OpClass("email", name="gin_trgm_ops"),
                name="do_not_contact_parts",
            ),
        ),
    ]
