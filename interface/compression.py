"""Pages are sent compressed: a full one of 100 kB as 8 to 20."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressionMiddleware(GZipMiddleware):
    """Compresses pages and fragments, to a length that is partly chance: they hold tokens beside what others
    wrote, and whoever sees lengths could guess at them.

    Exports go out as they are read, and parts of recordings are asked for by their place: neither is changed.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
