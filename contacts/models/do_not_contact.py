"""Numbers and addresses that must not be reached, whatever any campaign says."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q

from contacts.models.contact import E164

# An entry is not said in anybody's zone: its last day is over when it is over everywhere on earth.
LAST_ZONE = timezone(timedelta(hours=-12))


def end_of(day: date) -> datetime:
    """When a day is over for everybody, wherever they are: what is said to hold until then holds through it.

    Raises ``OverflowError`` for the calendar's last day.
    """
    return datetime.combine(day + timedelta(days=1), time(), LAST_ZONE)


class DoNotContact(models.Model):
    class Scope(models.TextChoices):
        ALL = "all", "Everything"
        VOICE = "voice", "Calls"
        TEXT = "text", "Texts"
        EMAIL = "email", "Email"

    class Source(models.TextChoices):
        PERSON = "person", "Added by hand"
        IMPORT = "import", "Import"
        ASSISTANT = "assistant", "Told the assistant"
        AGENT = "agent", "Told an agent"
        KEYPRESS = "keypress", "Pressed a key"
        REPLY = "reply", "Replied STOP"
        UNSUBSCRIBE = "unsubscribe", "Unsubscribed"

    phone_number = models.CharField(max_length=16, null=True, blank=True)
    email = models.EmailField(null=True, blank=True)
    scope = models.CharField("never by", max_length=8, choices=Scope.choices, default=Scope.ALL)
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.PERSON)
    reason = models.CharField(max_length=200, blank=True)
    # Until then; None: for good.
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = verbose_name_plural = "do-not-contact"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(phone_number__isnull=False, email__isnull=True)
                | Q(phone_number__isnull=True, email__isnull=False),
                name="do_not_contact_names_one_address",
            ),
            models.CheckConstraint(
                condition=Q(phone_number__regex=E164) | Q(phone_number__isnull=True),
                name="do_not_contact_number_is_e164",
            ),
            # The claim looks numbers up by the first of these.
            models.UniqueConstraint(fields=["phone_number", "scope"], name="do_not_contact_number_once"),
            models.UniqueConstraint(fields=["email", "scope"], name="do_not_contact_email_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # Housekeeping's look for those that are over.
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False),
                name="do_not_contact_expiry",
            ),
            # The page, newest first: all of it, of one scope, of one source.
            models.Index(fields=["-created_at", "-id"], name="do_not_contact_newest"),
            models.Index(fields=["scope", "-created_at", "-id"], name="do_not_contact_of_scope"),
            models.Index(fields=["source", "-created_at", "-id"], name="do_not_contact_of_source"),
            # Its search for parts of them.
            GinIndex(
                OpClass("phone_number", name="gin_trgm_ops"),
                OpClass("email", name="gin_trgm_ops"),
                name="do_not_contact_parts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.phone_number or self.email} ({self.get_scope_display()})"

    @property
    def last_day(self) -> date | None:
        """The day through which it holds; None: for good. See ``end_of``."""
        if self.expires_at is None:
            return None
        return (self.expires_at - timedelta(microseconds=1)).astimezone(LAST_ZONE).date()


class DoNotContactEvent(models.Model):
    """What was said of an address and is not its entry: an opt-out of somebody who was on the list already,
    or what an entry said before it was made to hold for longer. Append-only.

    The first are written by what puts entries on the list, the second by a trigger (migration 0010). Of
    files, only the first that names an address which others put there: to import one again says nothing.
    """

    phone_number = models.CharField(max_length=16, blank=True)
    email = models.EmailField(blank=True)
    scope = models.CharField("never by", max_length=8, choices=DoNotContact.Scope.choices)
    source = models.CharField(max_length=12, choices=DoNotContact.Source.choices)
    reason = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    said_at = models.DateTimeField()
    said_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = "do-not-contact event"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["phone_number"], name="do_not_contact_event_number"),
            models.Index(fields=["email"], name="do_not_contact_event_email"),
        ]

    def __str__(self) -> str:
        return f"{self.phone_number or self.email}: {self.get_source_display()}"


class DoNotContactRemoval(models.Model):
    """An entry that was taken off, as it was, with who did it and why. Append-only."""

    phone_number = models.CharField(max_length=16, blank=True, db_index=True)
    email = models.EmailField(blank=True, db_index=True)
    scope = models.CharField("never by", max_length=8, choices=DoNotContact.Scope.choices)
    source = models.CharField(max_length=12, choices=DoNotContact.Source.choices)
    reason = models.CharField(max_length=200, blank=True)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    removed_at = models.DateTimeField(auto_now_add=True)
    # None: it was over.
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    removal_reason = models.CharField(max_length=200)

    class Meta:
        verbose_name = "do-not-contact removal"

    def __str__(self) -> str:
        return f"{self.phone_number or self.email}: {self.removal_reason}"
