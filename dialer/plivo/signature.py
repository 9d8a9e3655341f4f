"""Checking that a webhook is the carrier's (signature V3, Plivo's documentation: *Validating requests*).

The signed text, as the SDK builds it: for GET the URL with all parameters sorted in its query; for POST
the URL, "?" or, after a query, ".", and the sorted parameters without separators. Ours compares in
constant time and takes whatever bytes come; a test compares it with the SDK's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

Parameters = Mapping[str, Sequence[str]]


def signed_text(method: str, url: str, parameters: Parameters, nonce: str) -> str:
    """What is signed. ``url`` is the public one; ``parameters`` those of a POST's body."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}{parts.path}"
    in_query = parse_qs(parts.query, keep_blank_values=True)
    if method == "GET":
        in_query = {**{name: list(values) for name, values in parameters.items()}, **in_query}
    query = "&".join(f"{name}={value}" for name in sorted(in_query) for value in sorted(in_query[name]))
    body = (
        "".join(f"{name}{value}" for name in sorted(parameters) for value in sorted(parameters[name]))
        if method == "POST"
        else ""
    )
    if query or body:
        base += f"?{query}"
    if query and body:
        base += "."
    return f"{base}{body}.{nonce}"


def signature(token: str, text: str) -> str:
    digest = hmac.new(token.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def is_signed(
    *, method: str, url: str, parameters: Parameters, nonce: str, signatures: Sequence[str], token: str
) -> bool:
    """Whether one of the signatures (headers may hold several, comma-separated) is the token's."""
    if not nonce:
        return False
    expected = signature(token, signed_text(method, url, parameters, nonce)).encode()
    given = [part.strip() for header in signatures for part in header.split(",")]
    return any(hmac.compare_digest(expected, part.encode("utf-8", "surrogatepass")) for part in given if part)
