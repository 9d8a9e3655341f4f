"""People who may be reached."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.urls import reverse

from contacts.time_zones import city_of

# The shortest numbers that exist have 6 digits (some in Austria, Germany and Iran), the longest 15.
E164 = r"^\+[1-9][0-9]{5,14}$"


class ZoneSet(models.Model):
    """A set of IANA time zones, one of which is a contact's own.

    A number's area may span several zones; then all of them must be open before we call. There are
    few distinct sets (about 500 in the whole numbering plan), so that the hot tables hold a small key.
    """

    id = models.SmallAutoField(primary_key=True)
    # Sorted IANA names; empty: unknown, and then only the channel's own zone counts.
    zones = ArrayField(models.CharField(max_length=64), unique=True)

    def __str__(self) -> str:
        return " or ".join(city_of(zone) for zone in self.zones) or "unknown"

    def zone_infos(self) -> tuple[ZoneInfo, ...]:
        return tuple(ZoneInfo(zone) for zone in self.zones)


@lru_cache(maxsize=4096)
def zones_of(zone_set_id: int) -> tuple[ZoneInfo, ...]:
    """The zones of a set by its key; kept, since a set never changes."""
    return ZoneSet.objects.get(pk=zone_set_id).zone_infos()


class Contact(models.Model):
    """A person, known by one E.164 phone number, or an email address, or both."""

    phone_number = models.CharField(max_length=16, null=True, blank=True)
    # Lower case. People of one household or office share an address.
    email = models.EmailField(null=True, blank=True)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    company = models.CharField(max_length=200, blank=True)
    # Custom fields by the name of their column; usable in prompts as {{ name }}.
    fields = models.JSONField(default=dict, blank=True)
    # What searches look through: name, company, email and number, folded (migrations 0004 and 0015).
    search_text = models.GeneratedField(
        expression=models.Func(
            "first_name",
            "last_name",
            "company",
            "email",
            "phone_number",
            function="contacts_search_text",
            output_field=models.TextField(),
        ),
        output_field=models.TextField(),
        db_persist=True,
    )
    # Given by a person or a file; empty: worked out from the number.
    time_zone = models.CharField(max_length=64, blank=True)
    # Checked once a statement (migration 0015).
    zone_set = models.ForeignKey(
        ZoneSet, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    # Forgotten: nothing of the person is left but this row, which the counts of campaigns refer to.
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(phone_number__regex=E164) | Q(phone_number__isnull=True),
                name="contact_phone_number_is_e164",
            ),
            # Here, since Django makes two indexes of a column that is unique by itself; as for the email.
            models.UniqueConstraint(fields=["phone_number"], name="contact_phone_number_once"),
            models.CheckConstraint(
                condition=Q(phone_number__isnull=False) | Q(email__isnull=False) | Q(erased_at__isnull=False),
                name="contact_can_be_reached",
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True)
                | Q(
                    phone_number__isnull=True,
                    email__isnull=True,
                    first_name="",
                    last_name="",
                    company="",
                    fields={},
                    time_zone="",
                ),
                name="contact_erased_is_blank",
            ),
            # Who has no number is known by the address.
            models.UniqueConstraint(
                fields=["email"],
                condition=Q(phone_number__isnull=True),
                name="contact_email_once_without_number",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["email"], name="contact_email"),
            # Few; whoever is put on a list is looked for among them.
            models.Index(fields=["id"], condition=Q(erased_at__isnull=False), name="contact_erased"),
            GinIndex(OpClass("search_text", name="gin_trgm_ops"), name="contact_words"),
        ]

    def __str__(self) -> str:
        return self.name or self.phone_number or self.email or "Erased person"

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


class ContactEvent(models.Model):
    """Something a person did to a contact: the part of its time line that is written nowhere else."""

    ADDED_BY_HAND = "added this contact by hand"
    ADDED_IN_ADMIN = "added this contact in the admin"
    # With one of these, a time line begins.
    ADDED = (ADDED_BY_HAND, ADDED_IN_ADMIN)

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, db_index=False, related_name="events")
    # A sentence without its subject: "changed the email address".
    text = models.CharField(max_length=300)
    # None: Carillon itself.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["contact", "-id"], name="event_of_contact")
        ]

    def __str__(self) -> str:
        return f"{self.actor or 'Carillon'} {self.text}"


class CustomField(models.Model):
    """A field that files or people gave to contacts; the values are in ``Contact.fields`` by its name."""

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        YES_NO = "yes_no", "Yes or no"

    # As prompts and templates write it: {{ plan_ends_on }}.
    name = models.CharField(max_length=60, unique=True)
    # As people read it: the header it came from.
    label = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.TEXT)
    description = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(kind__in=["text", "number", "date", "yes_no"]),
                name="custom_field_kind_is_known",
            )
        ]

    def __str__(self) -> str:
        return self.label or self.name


class Tally(models.Model):
    """How many rows a large table has, as changes to add up; kept by the database (migration 0005).

    Statements only ever insert here, so that no two of them wait for each other; ``tally`` reads the sum,
    and housekeeping adds the changes up now and then.
    """

    class Of(models.TextChoices):
        # Without those erased.
        CONTACTS = "contacts", "Contacts"
        DO_NOT_CONTACT = "do_not_contact", "Do-not-contact entries"

    of = models.CharField(max_length=16, choices=Of.choices)
    change = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"{self.of}: {self.change:+}"
