"""Views of lists: filters, search and order under a name, one's own or shared with everybody.

A page says once which parameters of its address make a view (``ListPage``), asks for ``views_of`` as it
renders, and includes ``components/views.html``. Who opens it without any parameter is led to their default
view (``default_address``). What of a saved query the page does not know any more it passes over, as it
does with addresses written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from accounts.models import DefaultView, SavedView, User

T = TypeVar("T")
# Of one person, on one page.
MOST = 50
# ?view=all: everything, also for who has a default view.
EVERYTHING = {"view": "all"}


class ViewRefused(Exception):
    """Why a view can't be saved like that, in words for the person who asked."""


@dataclass(frozen=True)
class ListPage:
    """A page whose views can be saved. ``parameters`` of its address make a view, in this order."""

    key: str
    noun: str
    parameters: Sequence[str]

    known: ClassVar[dict[str, ListPage]] = {}

    def __post_init__(self) -> None:
        self.known[self.key] = self

    def query_of(self, data: QueryDict | str) -> str:
        """The part of an address that makes a view, in one notation: equal views are equal text."""
        given = data if isinstance(data, QueryDict) else QueryDict(data[: SavedView.QUERY_LENGTH * 4])
        pairs = [
            (name, value.strip())
            for name in self.parameters
            for value in sorted(set(given.getlist(name)))
            if value.strip() and "\x00" not in value
        ]
        return urlencode(pairs)


@dataclass(frozen=True)
class Offered:
    """A view as a chip: where it leads, and whether it is what is shown."""

    view: SavedView
    is_own: bool
    is_default: bool
    is_current: bool

    @property
    def address(self) -> str:
        return f"?{self.view.query or urlencode(EVERYTHING)}"


@dataclass(frozen=True)
class Views:
    """What ``components/views.html`` shows."""

    page: ListPage
    path: str
    offered: Sequence[Offered]
    query: str
    has_default: bool

    @property
    def may_save(self) -> bool:
        """Whether what is shown is worth a name, and has none."""
        return bool(self.query) and not any(each.is_current for each in self.offered)

    @property
    def everything(self) -> str:
        """The address of all there is; in so many words for whom the bare page begins with a view."""
        return f"{self.path}?{urlencode(EVERYTHING)}" if self.has_default else self.path

    @property
    def new_address(self) -> str:
        asked = urlencode({"query": self.query, "path": self.path})
        return f"{reverse('view_new', args=[self.page.key])}?{asked}"

    @property
    def path_query(self) -> str:
        return urlencode({"path": self.path})


def visible_views(*, person: User, page: str | None = None) -> QuerySet[SavedView]:
    """A person's own and the shared ones; a view of somebody who was switched off goes on being shared."""
    views = SavedView.objects.filter(Q(owner=person) | Q(is_shared=True))
    return views.filter(page=page) if page is not None else views


def views_of(request: HttpRequest, page: ListPage) -> Views:
    """The views that whoever asks may choose from, in two queries."""
    person = request.user
    assert isinstance(person, User)  # noqa: S101  (pages with views are behind a log-in)
    query = page.query_of(request.GET)
    default = _default(person, page)
    offered = [
        Offered(view, view.owner_id == person.pk, view.pk == default, view.query == query)
        for view in visible_views(person=person, page=page.key)
        .select_related("owner")
        .order_by(Lower("name"), "id")[: 4 * MOST]
    ]
    return Views(page, request.path, offered, query, any(each.is_default for each in offered))


def _default(person: User, page: ListPage) -> int | None:
    return DefaultView.objects.filter(person=person, page=page.key).values_list("view_id", flat=True).first()


def default_address(request: HttpRequest, page: ListPage) -> str | None:
    """Where somebody is led who opened the page without saying what to show; None: it shows everything."""
    if request.GET or request.headers.get("HX-Request") == "true" or not isinstance(request.user, User):
        return None
    view = visible_views(person=request.user, page=page.key).filter(default_of__person=request.user).first()
    return f"{request.path}?{view.query}" if view is not None and view.query else None


@transaction.atomic
def save_view(
    *, owner: User, page: ListPage, name: str, query: str, is_shared: bool, is_default: bool, replaces: bool
) -> SavedView:
    """Keep what a page shows under a name; with ``replaces``, in place of one's own view of that name."""
    name, query = _checked_name(name), page.query_of(query)
    if len(query) > SavedView.QUERY_LENGTH:
        raise ViewRefused("These filters are too long to be saved. Take some away.")
    own = SavedView.objects.filter(owner=owner, page=page.key)
    values = {"name": name, "query": query, "is_shared": is_shared and owner.may_edit}
    if replaces and (view := own.filter(name__iexact=name).first()):
        own.filter(pk=view.pk).update(**values)
    else:
        if own.count() >= MOST:
            raise ViewRefused(f"You have {MOST} views of this page. Delete one you don’t need.")
        view = _named(name, lambda: SavedView.objects.create(owner=owner, page=page.key, **values))
    _set_default(person=owner, view=view, is_default=is_default)
    return view


@transaction.atomic
def change_view(*, view: SavedView, actor: User, name: str, is_shared: bool, is_default: bool) -> None:
    """Another name, shared or not, one's default or not; of somebody else's view only the last."""
    if view.owner_id == actor.pk:
        name = _checked_name(name)
        values = {"name": name, "is_shared": is_shared and actor.may_edit}
        _named(name, lambda: SavedView.objects.filter(pk=view.pk).update(**values))
    _set_default(person=actor, view=view, is_default=is_default)


def delete_view(*, view: SavedView, actor: User) -> None:
    """One's own, for everybody whom it was shared with."""
    if view.owner_id != actor.pk:
        raise ViewRefused(f"Only {view.owner} can delete this view.")
    view.delete()


def _checked_name(name: str) -> str:
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not name:
        raise ViewRefused("Give the view a name.")
    if len(name) > SavedView.NAME_LENGTH:
        raise ViewRefused(f"A name has at most {SavedView.NAME_LENGTH} characters.")
    return name


def _named(name: str, write: Callable[[], T]) -> T:
    try:
        with transaction.atomic():
            return write()
    except IntegrityError:
        raise ViewRefused(f"You have a view “{name}” of this page already.") from None


def _set_default(*, person: User, view: SavedView, is_default: bool) -> None:
    if is_default:
        DefaultView.objects.update_or_create(person=person, page=view.page, defaults={"view": view})
    else:
        DefaultView.objects.filter(person=person, view=view).delete()
