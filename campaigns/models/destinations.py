"""Who talks, and which number calls: assistants and caller IDs."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from contacts.models.contact import E164


class AssistantKind(models.TextChoices):
    """How the carrier reaches an assistant."""

    WEBSOCKET = "websocket", "WebSocket"
    SIP = "sip", "SIP"


class Assistant(models.Model):
    """An AI voice agent, reached by WebSocket or SIP."""

    name = models.CharField(max_length=80, unique=True)
    description = models.CharField(max_length=300, blank=True)
    kind = models.CharField(
        "reached by",
        max_length=10,
        choices=AssistantKind.choices,
        default=AssistantKind.WEBSOCKET,
        db_default=AssistantKind.WEBSOCKET,
    )
    url = models.CharField("address", max_length=500)
    # How many calls it can take at a time; None: as many as come.
    most_calls = models.PositiveIntegerField(
        "calls at a time", null=True, blank=True, validators=[MinValueValidator(1)]
    )
    # It could not be reached: until then, the others of its pools take its calls. Written by the dialer.
    resting_until = models.DateTimeField(null=True, blank=True, editable=False)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(kind=AssistantKind.WEBSOCKET, url__regex=r"^wss?://")
                | models.Q(kind=AssistantKind.SIP, url__regex=r"^sip:"),
                name="assistant_url_is_of_its_kind",
            )
        ]

    def __str__(self) -> str:
        return self.name


class AssistantPool(models.Model):
    """Several assistants behind one name: each call goes to the one with the fewest for its weight."""

    name = models.CharField(max_length=80, unique=True)
    description = models.CharField(max_length=300, blank=True)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class PoolMember(models.Model):
    """An assistant of a pool; one of weight 2 takes twice as many calls as one of weight 1."""

    pool = models.ForeignKey(AssistantPool, on_delete=models.CASCADE, related_name="members")
    assistant = models.ForeignKey(Assistant, on_delete=models.PROTECT, related_name="memberships")
    weight = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["pool", "assistant"], name="pool_member_once"),
            models.CheckConstraint(condition=models.Q(weight__gte=1), name="pool_member_has_a_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.assistant} in {self.pool}"


class CallerId(models.Model):
    """A phone number we own and call from."""

    phone_number = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=80, blank=True)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "caller ID"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(phone_number__regex=E164), name="caller_id_phone_number_is_e164"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.phone_number})" if self.name else self.phone_number
