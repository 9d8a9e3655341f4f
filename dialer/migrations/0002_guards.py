"""The database refuses a call's state to move backwards; the hot table is tuned for updates in place."""

from django.db import migrations

from lifecycle.triggers import guard

CALL_TRANSITIONS = [
    ("intent", "placing"),
    ("placing", "unknown"),
    ("placing", "ringing"),
    ("unknown", "ringing"),
    *((state, "connected") for state in ("placing", "unknown", "ringing")),
    *((state, "ended") for state in ("intent", "placing", "unknown", "ringing", "connected")),
]


class Migration(migrations.Migration):
    dependencies = [("dialer", "0001_initial"), ("campaigns", "0002_guards_and_counts")]

    operations = [
        guard("dialer_call", "state", CALL_TRANSITIONS),
        migrations.RunSQL(
            "ALTER TABLE dialer_call SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)",
            "ALTER TABLE dialer_call RESET (fillfactor, autovacuum_vacuum_scale_factor)",
        ),
        migrations.RunSQL(
            "ALTER TABLE dialer_driver SET (fillfactor = 50); ALTER TABLE dialer_carrieraccount SET (fillfactor = 50)",
            "ALTER TABLE dialer_driver RESET (fillfactor); ALTER TABLE dialer_carrieraccount RESET (fillfactor)",
        ),
    ]
