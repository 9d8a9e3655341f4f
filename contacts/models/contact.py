"""People who may be reached."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

E164 = r"^\+[1-9][0-9]{6,14}$"


class ZoneSet(models.Model):
    """A set of IANA time zones, one of which is a contact's own.

    A number's area may span several zones; then all of them must be open before we call. There are
    few distinct sets (about 500 in the whole numbering plan), so that the hot tables hold a small key.
    """

    id = models.SmallAutoField(primary_key=True)
    # Sorted IANA names; empty: unknown, and then only the channel's own zone counts.
    zones = ArrayField(models.CharField(max_length=64), unique=True)

    def __str__(self) -> str:
        return " or ".join(zone.rpartition("/")[2].replace("_", " ") for zone in self.zones) or "unknown"

    def zone_infos(self) -> tuple[ZoneInfo, ...]:
        return tuple(ZoneInfo(zone) for zone in self.zones)


@lru_cache(maxsize=4096)
def zones_of(zone_set_id: int) -> tuple[ZoneInfo, ...]:
    """The zones of a set by its key; kept, since a set never changes."""
    return ZoneSet.objects.get(pk=zone_set_id).zone_infos()


class Contact(models.Model):
    """A person, known by one E.164 phone number, or an email address, or both."""

    phone_number = models.CharField(max_length=16, null=True, blank=True, unique=True)
    # Lower case. People of one household or office share an address.
    email = models.EmailField(null=True, blank=True, db_index=True)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    company = models.CharField(max_length=200, blank=True)
    # Custom fields by the name of their column; usable in prompts as {{ name }}.
    fields = models.JSONField(default=dict, blank=True)
    # Given by a person or a file; empty: worked out from the number.
    time_zone = models.CharField(max_length=64, blank=True)
    zone_set = models.ForeignKey(ZoneSet, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(phone_number__regex=E164) | Q(phone_number__isnull=True),
                name="contact_phone_number_is_e164",
            ),
            models.CheckConstraint(
                condition=Q(phone_number__isnull=False) | Q(email__isnull=False),
                name="contact_can_be_reached",
            ),
            # Who has no number is known by the address.
            models.UniqueConstraint(
                fields=["email"],
                condition=Q(phone_number__isnull=True),
                name="contact_email_once_without_number",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.phone_number or self.email or ""

    def get_absolute_url(self) -> str:
        return reverse("contacts:contact", args=[self.pk])

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def template_fields(self) -> dict[str, Any]:
        """What a prompt or template may name: custom fields, then the ones every contact has."""
        return {
            **self.fields,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "name": self.name,
            "company": self.company,
            "phone_number": self.phone_number or "",
            "email": self.email or "",
        }
