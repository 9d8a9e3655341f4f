"""Whether something still needs a row: asked before it is deleted."""

from __future__ import annotations

from django.db import models


def is_used(row: models.Model) -> bool:
    """Whether a row must stay: a campaign needs it, or a call, which other apps keep.

    Django would find that out too, by loading everything that refers to it.
    """
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: row}).exists()
        for relation in row._meta.get_fields(include_hidden=True)
        if isinstance(relation, models.ManyToOneRel) and relation.on_delete is models.PROTECT
    )
