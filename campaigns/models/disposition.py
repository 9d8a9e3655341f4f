"""What an attempt meant to the business."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Disposition(models.Model):
    class Effect(models.TextChoices):
        """What choosing it does to the contact's place in the channel."""

        NONE = "", "Nothing more"
        UNSUCCESSFUL = "unsuccessful", "Reached, goal not achieved"
        CALLBACK = "callback", "Call again at a known time"
        DO_NOT_CALL = "do_not_call", "Do not contact again"

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=60, unique=True)
    is_win = models.BooleanField("counts as a win", default=False)
    effect = models.CharField(max_length=12, choices=Effect.choices, default=Effect.NONE, blank=True)
    position = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField("offered", default=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["position", "name"]

    def __str__(self) -> str:
        return self.name
