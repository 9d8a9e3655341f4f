"""Drivers start what is scheduled themselves; nobody is asked to any more."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("dialer", "0011_unwanted_files")]

    operations = [migrations.RemoveField("carrieraccount", "starts_asked_at")]
