"""The carrier's V3 signature: base64(HMAC-SHA256(token, signed text + "." + nonce))."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit


class Signer:
    def __init__(self, auth_token: str) -> None:
        self._key = auth_token.encode()

    def post(self, url: str, params: Iterable[tuple[str, str]]) -> tuple[str, str]:
        """Signature and nonce of a form POST to `url`."""
        base, query = _split(url)
        pairs = "".join([key + value for key, value in sorted(params)])
        text = base
        if query or pairs:
            text += "?" + query
        if query and pairs:
            text += "."
        return self._sign(text + pairs)

    def get(self, url: str) -> tuple[str, str]:
        """Signature and nonce of a GET; `url` carries the parameters in its query."""
        base, query = _split(url)
        return self._sign(base + "?" + query if query else base)

    def _sign(self, text: str) -> tuple[str, str]:
        nonce = secrets.token_hex(10)
        digest = hmac.digest(self._key, f"{text}.{nonce}".encode(), "sha256")
        return b64encode(digest).decode(), nonce


@lru_cache(maxsize=4096)
def _split(url: str) -> tuple[str, str]:
    """`url` without query and fragment, and its query decoded and sorted."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}{parts.path.partition(';')[0]}"
    if not parts.query:
        return base, ""
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    return base, "&".join([f"{key}={value}" for key, value in pairs])
