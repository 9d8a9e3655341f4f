"""Lists: named, versioned sets of contacts."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from contacts.models.contact import Contact


class List(models.Model):
    name = models.CharField(max_length=120, unique=True)
    description = models.CharField(max_length=400, blank=True)
    # The newest version's number and size; each version keeps its own.
    version = models.PositiveIntegerField(default=0)
    size = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("contacts:list", args=[self.pk])


class ListVersion(models.Model):
    """What one change of a list added and removed. Version n holds the members with
    ``added_in <= n`` that were not removed in a version up to n."""

    list = models.ForeignKey(List, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    added = models.PositiveIntegerField()
    removed = models.PositiveIntegerField(default=0)
    size = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["list", "number"], name="list_version_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.list}, version {self.number}"


class MembershipQuerySet(models.QuerySet["Membership"]):
    def of_version(self, number: int) -> MembershipQuerySet:
        return self.filter(added_in__lte=number).filter(Q(removed_in__isnull=True) | Q(removed_in__gt=number))

    def current(self) -> MembershipQuerySet:
        return self.filter(removed_in__isnull=True)


class Membership(models.Model):
    # Looked up by the indexes below, and checked once a statement (migration 0015).
    list = models.ForeignKey(
        List, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="memberships"
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="memberships")
    added_in = models.PositiveIntegerField()
    removed_in = models.PositiveIntegerField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["list", "contact"],
                condition=Q(removed_in__isnull=True),
                name="membership_once_in_a_list",
            ),
            models.CheckConstraint(
                condition=Q(removed_in__isnull=True) | Q(removed_in__gt=F("added_in")),
                name="membership_removed_after_added",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # What a version added, and what it removed, newest contact first.
            models.Index(fields=["list", "added_in", "contact"], name="membership_added"),
            models.Index(
                fields=["list", "removed_in", "contact"],
                condition=Q(removed_in__isnull=False),
                name="membership_removed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact} in {self.list}"
