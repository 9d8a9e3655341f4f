"""Let numbers of 6 digits in, as contacts have them."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0007_keys_by_statement")]

    operations = [
        migrations.RemoveConstraint(model_name="callerid", name="caller_id_phone_number_is_e164"),
        migrations.AddConstraint(
            model_name="callerid",
            constraint=models.CheckConstraint(
                condition=Q(("phone_number__regex", r"^\+[1-9][0-9]{5,14}$")),
                name="caller_id_phone_number_is_e164",
            ),
        ),
    ]
