"""Let numbers of 6 digits in: some in Austria, Germany and Iran have no more."""

from django.db import migrations, models
from django.db.models import Q

_SHORTER = r"^\+[1-9][0-9]{5,14}$"
_BEFORE = r"^\+[1-9][0-9]{6,14}$"


def _checked(model: str, table: str, name: str) -> list[migrations.operations.base.Operation]:
    """New numbers are checked from now on; those that are there while everybody goes on working."""

    def check(form: str) -> str:
        return (
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name}"
            f" CHECK (phone_number ~ '{form}' OR phone_number IS NULL) NOT VALID"
        )

    validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
    condition = Q(("phone_number__regex", _SHORTER), ("phone_number__isnull", True), _connector="OR")
    return [
        # Undone the other way round.
        migrations.RunSQL(migrations.RunSQL.noop, validate),
        migrations.RunSQL(
            check(_SHORTER),
            check(_BEFORE),
            state_operations=[
                migrations.RemoveConstraint(model_name=model, name=name),
                migrations.AddConstraint(
                    model_name=model, constraint=models.CheckConstraint(condition=condition, name=name)
                ),
            ],
        ),
        migrations.RunSQL(validate, migrations.RunSQL.noop),
    ]


class Migration(migrations.Migration):
    # Each statement by itself: the one that takes long holds nobody up.
    atomic = False
    dependencies = [("contacts", "0006_do_not_contact_pages")]

    operations = [
        *_checked("contact", "contacts_contact", "contact_phone_number_is_e164"),
        *_checked("donotcontact", "contacts_donotcontact", "do_not_contact_number_is_e164"),
    ]
