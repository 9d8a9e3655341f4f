from __future__ import annotations

import factory

from accounts.models import STAFF, Role, User

PASSWORD = "bells-ring-at-nine"


class UserFactory(factory.django.DjangoModelFactory):
    """``UserFactory(role=Role.VIEWER)``; supervisors unless told. The password is ``PASSWORD``."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    role = Role.SUPERVISOR
    username = factory.LazyAttributeSequence(lambda user, n: f"{user.role}-{n}")
    first_name = "Mara"
    last_name = factory.LazyAttribute(lambda user: user.role.capitalize())
    password = factory.django.Password(PASSWORD)
    is_staff = factory.LazyAttribute(lambda user: user.role in STAFF)
    is_superuser = factory.LazyAttribute(lambda user: user.role == Role.ADMIN)
