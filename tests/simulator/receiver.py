"""A customer of the carrier: a small web server that keeps what it is told and answers with XML."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from plivo.utils import validate_v3_signature

AUTH_ID = "MATESTACCOUNTOFTESTS"
AUTH_TOKEN = "token-of-tests"


@dataclass
class Told:
    """One request as it arrived."""

    method: str
    url: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    raw: bytes
    genuine: bool
    at: float = field(default_factory=time.monotonic)

    @property
    def event(self) -> str:
        return self.params.get("Event", "")


@dataclass
class Reply:
    status: int = 200
    body: str = ""
    delay: float = 0.0
    drop: bool = False


class Receiver:
    def __init__(self) -> None:
        self.told: list[Told] = []
        self._replies: dict[str, Reply | Callable[[Told], Reply]] = {}
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body go out apart, and must not wait for an ACK

            def do_GET(self) -> None:
                receiver._serve(self)

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str) -> str:
        return self.base + path

    def answers(self, path: str, xml: str = "", **reply: Any) -> str:
        """Answer requests for `path` like this from now on; returns its URL."""
        body = f"<Response>{xml}</Response>" if xml else reply.pop("body", "")
        self._replies[path] = Reply(body=body, **reply)
        return self.url(path)

    def answers_by(self, path: str, reply: Callable[[Told], Reply]) -> str:
        self._replies[path] = reply
        return self.url(path)

    def wait_for(self, event: str, count: int = 1, seconds: float = 6.0, path: str = "") -> list[Told]:
        """The requests with this event (and path), once there are `count` of them."""

        def found() -> list[Told]:
            return [
                told
                for told in self.told
                if (not event or told.event == event) and (not path or told.path == path)
            ]

        with self._arrived:
            if not self._arrived.wait_for(lambda: len(found()) >= count, seconds):
                events = [(told.path, told.event) for told in self.told]
                raise AssertionError(f"waited in vain for {count} × {event or path}; came: {events}")
            return found()

    def events(self, path: str = "") -> list[str]:
        return [told.event for told in self.told if not path or told.path == path]

    def clear(self) -> None:
        with self._arrived:
            self.told.clear()
            self._replies.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        raw = handler.rfile.read(length) if length else b""
        url = self.base + handler.path
        parts = urlsplit(handler.path)
        form = handler.headers.get("Content-Type", "").startswith("application/x-www-form")
        posted = dict(parse_qsl(raw.decode(), keep_blank_values=True)) if form else {}
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        told = Told(
            method=handler.command,
            url=url,
            path=parts.path,
            params={**asked, **posted},
            headers=dict(handler.headers.items()),
            raw=raw,
            genuine=_is_genuine(handler, url, posted),
        )
        with self._arrived:
            self.told.append(told)
            self._arrived.notify_all()
        reply = self._replies.get(parts.path, Reply())
        if callable(reply):
            reply = reply(told)
        if reply.delay:
            time.sleep(reply.delay)
        if reply.drop:
            handler.close_connection = True
            return
        body = reply.body.encode()
        handler.send_response(reply.status)
        handler.send_header("Content-Type", "application/json" if body[:1] == b"{" else "text/xml")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def _is_genuine(handler: BaseHTTPRequestHandler, url: str, posted: dict[str, str]) -> bool:
    """As the carrier's own SDK judges it."""
    headers = handler.headers
    signature, main = headers.get("X-Plivo-Signature-V3"), headers.get("X-Plivo-Signature-Ma-V3")
    nonce = headers.get("X-Plivo-Signature-V3-Nonce")
    if not signature or not main or not nonce:
        return False
    return all(
        validate_v3_signature(handler.command, url, nonce, AUTH_TOKEN, text, dict(posted))
        for text in (signature, main)
    )
