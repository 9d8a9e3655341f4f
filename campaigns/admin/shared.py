"""What all records of campaigns and calls share in the admin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from accounts.models import User
from campaigns.refusals import Refused
from contacts.phone_numbers import dialable

LEAFED_THROUGH = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than anybody leafs: a full count reads the whole table."""

    @cached_property
    def count(self) -> int:
        records: Any = self.object_list
        found: int = records.order_by()[:LEAFED_THROUGH].count()
        return found


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Newest first, and quick on large tables."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-pk",)


class ReadOnlyAdmin(RecordAdmin):
    """What only services and the engine write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def link(record: Model | None, text: str = "") -> SafeString | str:
    """To another record's page in the admin."""
    if record is None:
        return "–"
    meta = record._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[record.pk])
    return format_html('<a href="{}">{}</a>', url, text or record)


def links_to(pages: Sequence[tuple[str, str, dict[str, Any]]]) -> SafeString:
    """To lists of records: (words, the list's URL name, what it is filtered by)."""
    return format_html_join(
        " · ",
        '<a href="{}?{}">{}</a>',
        ((reverse(f"admin:{name}_changelist"), urlencode(query), words) for words, name, query in pages),
    )


def by_number(records: QuerySet[Any], path: str, term: str) -> QuerySet[Any] | None:
    """Records whose number is the one written; None if the term is no number."""
    number = dialable(term, settings.DEFAULT_COUNTRY)
    return records.filter(**{path: number}) if isinstance(number, str) else None


def person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  (nobody else enters the admin)
    return request.user


def act_on_each(
    model_admin: admin.ModelAdmin[Any],
    request: HttpRequest,
    records: QuerySet[Any],
    done: str,
    deed: Callable[[Any, User], Any],
    *,
    nothing: str = "",
) -> None:
    """Do it to each, log what was done, and tell what was refused and why.

    ``nothing`` is why a deed that returns 0 did nothing.
    """
    count = 0
    for record in records:
        try:
            result = deed(record, person(request))
        except Refused as refused:
            model_admin.message_user(request, f"{record}: {refused}", messages.ERROR)
            continue
        if nothing and result == 0:
            model_admin.message_user(request, f"{record}: {nothing}.", messages.WARNING)
            continue
        model_admin.log_change(request, record, f"{done}.")
        count += 1
    if count:
        model_admin.message_user(request, f"{done}: {count}.", messages.SUCCESS)
