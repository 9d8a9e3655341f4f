#!/usr/bin/env python
"""Django's command line. Starts the embedded database first where no other is configured."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if not os.environ.get("DATABASE_URL"):
        from config import postgres

        if postgres.start():
            print("Started the embedded PostgreSQL; `script/database stop` stops it.", file=sys.stderr)

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
