"""Who may open a page: decorators for views, the same for a page and for its fragments."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from accounts.models import User

View = Callable[..., HttpResponseBase]


def _requiring(allowed: Callable[[User], bool]) -> Callable[[View], View]:
    """Django's LoginRequiredMiddleware has seen to it that somebody is logged in."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not (isinstance(request.user, User) and allowed(request.user)):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


# Looks at the dashboard: supervisors, administrators, support staff and viewers.
reader_required = _requiring(lambda user: user.may_read)
# Changes what is on it: supervisors and administrators.
editor_required = _requiring(lambda user: user.may_edit)


def editor_required_to_post(view: View) -> View:
    """Of a page that readers look at, and that takes what editors send."""
    for_editors = editor_required(view)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return (for_editors if request.method == "POST" else view)(request, *args, **kwargs)

    return guarded
