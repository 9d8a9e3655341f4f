"""Who was reached before that was written down: whoever has a completed call in the run.

A call that was hung up on after its answer reached somebody, too: it is a completed one from here on.
"""

from django.db import migrations

HUNG_UP_ON = """
UPDATE dialer_call SET outcome = 'completed'
WHERE outcome = 'cancelled' AND answered_at IS NOT NULL AND NOT is_machine;
"""
REACHED = """
UPDATE campaigns_enrollment AS enrollment SET is_reached = true
WHERE NOT is_reached AND EXISTS (
    SELECT FROM dialer_call AS call
    WHERE call.enrollment_id = enrollment.id AND call.run = enrollment.run AND call.outcome = 'completed'
);
"""


class Migration(migrations.Migration):
    dependencies = [("dialer", "0012_starts_by_drivers"), ("campaigns", "0011_dialed_and_reached")]

    operations = [
        migrations.RunSQL(HUNG_UP_ON, migrations.RunSQL.noop),
        migrations.RunSQL(REACHED, migrations.RunSQL.noop),
    ]
