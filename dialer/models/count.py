"""How a campaign's calls ended, counted by the database itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from campaigns.models import Campaign, Disposition


class CallCount(models.Model):
    """Ended calls of a campaign by outcome and disposition, kept by triggers (migration 0003).

    Calls that were never placed, and those of campaigns that are gone, are not in it. Rows are split
    into slots, so that no two transactions ever wait for each other's counter: read the sums.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False, related_name="+"
    )
    outcome = models.CharField(max_length=12)
    disposition = models.ForeignKey(
        Disposition,
        null=True,
        on_delete=models.DO_NOTHING,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    slot = models.SmallIntegerField()
    calls = models.IntegerField(default=0)
    seconds = models.BigIntegerField(default=0)
    cost = models.DecimalField(max_digits=16, decimal_places=5, default=0)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["campaign", "outcome", "disposition", "slot"],
                nulls_distinct=False,
                name="call_count_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.calls} {self.outcome}"
