"""The database refuses moves of an import that its lifecycle does not have."""

from django.db import migrations

from lifecycle.triggers import guard

# As of this migration; a later change of the lifecycle is a migration of its own.
IMPORT_TRANSITIONS = [
    ("uploaded", "mapped"),
    ("failed", "mapped"),
    ("mapped", "running"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "mapped"),
]


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_share_email_addresses")]

    operations = [guard("contacts_import", "status", IMPORT_TRANSITIONS)]
