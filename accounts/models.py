"""The people who work with Carillon, and what each may do."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower


class Role(models.TextChoices):
    ADMIN = "admin", "Administrator"
    SUPERVISOR = "supervisor", "Supervisor"
    SUPPORT = "support", "Support staff"
    VIEWER = "viewer", "Viewer"
    AGENT = "agent", "Agent"


# Who may look at the dashboard, and who may change what is on it. Agents have their desk.
READERS = frozenset({Role.ADMIN, Role.SUPERVISOR, Role.SUPPORT, Role.VIEWER})
EDITORS = frozenset({Role.ADMIN, Role.SUPERVISOR})
# Who may enter Django's admin; what each may do there is told in accounts/admin.py.
STAFF = frozenset({Role.ADMIN, Role.SUPPORT})


class User(AbstractUser):
    role = models.CharField(
        max_length=16,
        choices=Role.choices,
        default=Role.VIEWER,
        help_text="Supervisors run campaigns, agents take calls at the desk, viewers read, "
        "support staff use the admin, administrators do all of it.",
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_is_known")
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def may_read(self) -> bool:
        return self.is_active and (self.is_superuser or self.role in READERS)

    @property
    def may_edit(self) -> bool:
        return self.is_active and (self.is_superuser or self.role in EDITORS)

    @property
    def initials(self) -> str:
        words = str(self).replace(".", " ").split() or ["?"]
        return "".join(word[0] for word in (words[0], words[-1])[: len(words)]).upper()


class LogInAttempt(models.Model):
    """A log-in that was not (yet) successful; see throttling.py. Old ones are removed as new ones come."""

    username = models.CharField(max_length=150)
    address = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["address", "-at"], name="log_in_attempt_by_address"),
            models.Index(fields=["at"], name="log_in_attempt_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.username} from {self.address}"


class SavedView(models.Model):
    """A list's filters, search and order under a name: one's own, or shared with everybody.

    ``query`` is what the address says of them; the page that reads it passes over what it doesn't know, so
    that a filter which is gone breaks nothing (saved_views.py).
    """

    NAME_LENGTH = 60
    QUERY_LENGTH = 1000

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    page = models.SlugField(max_length=40, db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    query = models.CharField(max_length=QUERY_LENGTH, blank=True)
    is_shared = models.BooleanField("shared with everybody", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("owner", "page", Lower("name"), name="saved_view_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class DefaultView(models.Model):
    """The view that a person finds when they open a page: one of their own, or a shared one."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="default_views", db_index=False)
    page = models.SlugField(max_length=40, db_index=False)
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="default_of")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "page"], name="default_view_one_a_page")
        ]

    def __str__(self) -> str:
        return f"{self.view} for {self.person}"
