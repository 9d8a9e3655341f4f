"""Let numbers of 6 digits in: some in Austria, Germany and Iran have no more."""

from django.db import migrations, models
from django.db.models import Q

_SHORTER = r"^\+[1-9][0-9]{5,14}$"


class Migration(migrations.Migration):
    dependencies = [("contacts", "0006_do_not_contact_pages")]

    operations = [
        migrations.RemoveConstraint(model_name="contact", name="contact_phone_number_is_e164"),
        migrations.RemoveConstraint(model_name="donotcontact", name="do_not_contact_number_is_e164"),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=Q(
                    ("phone_number__regex", _SHORTER), ("phone_number__isnull", True), _connector="OR"
                ),
                name="contact_phone_number_is_e164",
            ),
        ),
        migrations.AddConstraint(
            model_name="donotcontact",
            constraint=models.CheckConstraint(
                condition=Q(
                    ("phone_number__regex", _SHORTER), ("phone_number__isnull", True), _connector="OR"
                ),
                name="do_not_contact_number_is_e164",
            ),
        ),
    ]
