"""What a role may do with records in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db.models import Model

from accounts.models import Role

# Looked up by support staff, and mended where something is wrong with the data.
_LOOKED_UP = frozenset({"accounts", "contacts", "campaigns", "dialer", "analytics", "django_q"})
_MENDED = frozenset({"contacts", "campaigns", "dialer"})


class RoleBackend(ModelBackend):
    """Roles instead of permissions ticked one by one: support staff see every record and may change
    those of contacts, campaigns and calls (statuses stay read-only); they delete nothing, and people's
    accounts are for administrators, who may do everything as superusers."""

    def has_perm(self, user_obj: Any, perm: str, obj: Model | None = None) -> bool:
        if user_obj.is_active and getattr(user_obj, "role", "") == Role.SUPPORT:
            app, _, codename = perm.partition(".")
            action = codename.partition("_")[0]
            if action == "view":
                return app in _LOOKED_UP
            return action == "change" and app in _MENDED
        return super().has_perm(user_obj, perm, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        if user_obj.is_active and getattr(user_obj, "role", "") == Role.SUPPORT:
            return app_label in _LOOKED_UP
        return super().has_module_perms(user_obj, app_label)
