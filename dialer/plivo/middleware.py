"""The short way for the carrier's webhooks, which come by the thousand: past sessions, cookies, log-in,
content policies and the routing of pages, none of which means anything to them. Their signature is all
that is checked, by the view itself."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from dialer.plivo.views import webhook

# As dialer/plivo/addresses.py makes them, and dialer/urls.py routes them.
PATH = re.compile(r"/hooks/plivo/([0-9]{1,19})/([a-z]+)/")


class WebhookMiddleware:
    """To be the first one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        found = PATH.fullmatch(request.path_info)
        if found is None:
            return self.get_response(request)
        return webhook(request, int(found[1]), found[2])
