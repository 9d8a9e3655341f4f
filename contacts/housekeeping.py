"""What is done each minute, by a worker, for contacts: small things that nobody waits for."""

from __future__ import annotations

from django.db import connection, transaction

from contacts.models import Tally
from contacts.services import remove_those_over

# So many changes are added up quickly; more than these, and they are made one.
TALLY_ROWS = 100


def keep_house() -> None:
    """Do all of it. Two at a time do no harm."""
    add_up_tallies()
    remove_those_over()


def add_up_tallies() -> None:
    """Replace many changes of a tally by their sum."""
    for of in Tally.Of.values:
        if Tally.objects.filter(of=of).count() > TALLY_ROWS:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    """
                    WITH gone AS (
                        DELETE FROM contacts_tally WHERE id IN (
                            SELECT id FROM contacts_tally WHERE "of" = %s FOR UPDATE SKIP LOCKED
                        ) RETURNING change
                    )
                    INSERT INTO contacts_tally ("of", change)
                    SELECT %s, sum(change) FROM gone HAVING count(*) > 0
                    """,
                    [of, of],
                )
