"""Who talks, and which number calls: assistants and caller IDs."""

from __future__ import annotations

from typing import ClassVar

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
