"""A lean keep-alive HTTP/1.1 client for webhooks.

aiohttp's client costs about five times as much CPU per request, and at hundreds of calls a second,
each with three webhooks, that would be most of what the simulator spends.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit


class Unreachable(Exception):
    """No connection could be made, or it broke before an answer came."""


class ReadTimeout(Exception):
    """Connected and sent, but no complete answer in time."""


class _Stale(Unreachable):
    """A kept connection had been closed by the other side before it took our request."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads: the pool's key, the Host header and the path with query."""

    secure: bool
    host: str
    port: int
    host_header: str
    path: str


@lru_cache(maxsize=4096)
def target_of(url: str) -> Target:
    """Raises ValueError unless `url` is an http(s) URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http(s) URL: {url}")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host_header = parts.netloc.rpartition("@")[2]
    return Target(secure, parts.hostname, parts.port or (443 if secure else 80), host_header, path)


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answer: asyncio.Future[Response] | None = None
        self.used = False
        self.open = False
        self.idle_in: deque[_Connection] | None = None
        self._buffer = bytearray()
        self._status = 0
        self._head_end = -1
        self._length: int | None = None
        self._chunked = False
        self._keep = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self.idle_in is not None and self in self.idle_in:
            self.idle_in.remove(self)
        answer = self.answer
        if answer is None or answer.done():
            return
        if self._head_end >= 0 and self._length is None and not self._chunked:
            self._finish(bytes(self._buffer[self._head_end :]))  # the body ended with the connection
        elif self.used and not self._buffer:
            answer.set_exception(_Stale("kept connection was closed"))
        else:
            answer.set_exception(Unreachable(str(exc) or "connection closed before the answer"))

    def data_received(self, data: bytes) -> None:
        if self.answer is None:  # nothing was asked: not a server to keep talking to
            self.close()
            return
        self._buffer += data
        if self._head_end < 0 and not self._read_head():
            return
        if self._chunked:
            body = _dechunk(self._buffer, self._head_end)
            if body is not None:
                self._finish(body)
        elif self._length is not None and len(self._buffer) >= self._head_end + self._length:
            self._finish(bytes(self._buffer[self._head_end : self._head_end + self._length]))

    def send(self, data: bytes, answer: asyncio.Future[Response]) -> None:
        if self.transport is None:
            raise Unreachable("not connected")
        self._buffer.clear()
        self._head_end = -1
        self._length = None
        self._chunked = False
        self._keep = True
        self.answer = answer
        self.transport.write(data)

    def close(self) -> None:
        self.open = False
        if self.transport is not None:
            self.transport.abort()

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        self._status = int(rest[:3]) if rest[:3].isdigit() else 0
        self._keep = version == "HTTP/1.1"
        for line in lines[1:]:
            name, _, value = line.partition(":")
            match name.lower():
                case "content-length":
                    self._length = int(value)
                case "transfer-encoding":
                    self._chunked = "chunked" in value.lower()
                case "connection":
                    self._keep = "close" not in value.lower()
        if 100 <= self._status < 200:  # informational: the answer proper follows
            del self._buffer[: end + 4]
            self._length = None
            return bool(self._buffer) and self._read_head()
        if self._status in (204, 304):
            self._length = 0
        self._head_end = end + 4
        return True

    def _finish(self, body: bytes) -> None:
        answer, self.answer = self.answer, None
        self.used = True
        if self._length is None and not self._chunked:
            self._keep = False
        if not self._keep:
            self.close()
        if answer is not None and not answer.done():
            answer.set_result(Response(self._status, body))


def _dechunk(buffer: bytearray, start: int) -> bytes | None:
    """The body of a chunked message, or None while it is incomplete."""
    parts: list[bytes] = []
    while True:
        line_end = buffer.find(b"\r\n", start)
        if line_end < 0:
            return None
        size = int(bytes(buffer[start:line_end]).split(b";")[0], 16)
        chunk_start = line_end + 2
        if len(buffer) < chunk_start + size + 2:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(bytes(buffer[chunk_start : chunk_start + size]))
        start = chunk_start + size + 2


class Connections:
    """Keep-alive connections by host, at most `per_host` of them busy at once."""

    def __init__(self, per_host: int = 100) -> None:
        self._per_host = per_host
        self._idle: dict[tuple[bool, str, int], deque[_Connection]] = {}
        self._slots: dict[tuple[bool, str, int], asyncio.Semaphore] = {}
        self._tls: ssl.SSLContext | None = None

    async def request(
        self,
        target: Target,
        data: bytes,
        *,
        connect_timeout: float,
        read_timeout: float,
    ) -> Response:
        """Send the raw request `data`; raises Unreachable or ReadTimeout."""
        key = (target.secure, target.host, target.port)
        slots = self._slots.get(key)
        if slots is None:
            slots = self._slots[key] = asyncio.Semaphore(self._per_host)
            self._idle[key] = deque()
        idle = self._idle[key]
        async with slots:
            while idle:
                connection = idle.pop()
                if not connection.open:
                    continue
                try:
                    return await self._exchange(connection, data, read_timeout, idle)
                except _Stale:
                    continue
            connection = await self._connect(target, connect_timeout)
            return await self._exchange(connection, data, read_timeout, idle)

    def close(self) -> None:
        for idle in self._idle.values():
            for connection in list(idle):
                connection.close()
            idle.clear()

    async def _connect(self, target: Target, timeout: float) -> _Connection:
        loop = asyncio.get_running_loop()
        if target.secure and self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            async with asyncio.timeout(timeout):
                _, connection = await loop.create_connection(
                    _Connection, target.host, target.port, ssl=self._tls if target.secure else None
                )
        except (TimeoutError, OSError) as error:
            raise Unreachable(f"cannot connect: {error or 'timed out'}") from error
        return connection

    async def _exchange(
        self, connection: _Connection, data: bytes, timeout: float, idle: deque[_Connection]
    ) -> Response:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Response] = loop.create_future()
        connection.idle_in = None
        connection.send(data, answer)
        alarm = loop.call_later(timeout, _expire, answer)
        try:
            response = await answer
        except BaseException:
            connection.close()
            raise
        finally:
            alarm.cancel()
        if connection.open:
            connection.idle_in = idle
            idle.append(connection)
        return response


def _expire(answer: asyncio.Future[Response]) -> None:
    if not answer.done():
        answer.set_exception(ReadTimeout("no answer in time"))
