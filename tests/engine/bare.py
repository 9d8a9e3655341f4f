"""A bare HTTP server that counts what it was asked, and answers or misbehaves as told."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

Answer = Callable[[socket.socket], None]


class BareServer:
    """A bare HTTP server: counts the requests it has read to the end, and answers as told."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[tuple[str, bytes]] = []
        self.heads: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while True:
                data = b""
                while b"\r\n\r\n" not in data:
                    part = connection.recv(65536)
                    if not part:
                        return
                    data += part
                head, _, body = data.partition(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length")
                    ),
                    0,
                )
                while len(body) < length:
                    body += connection.recv(65536)
                self.heads.append(head.decode("latin-1"))
                self.requests.append((head.split(b"\r\n")[0].decode(), body))
                self.answer(connection)

    def close(self) -> None:
        self._listener.close()

    @property
    def posts(self) -> int:
        return sum(line.startswith("POST") for line, _ in self.requests)


def answering(status: str, body: bytes | dict[str, Any] = b"", *headers: str) -> Answer:
    raw = json.dumps(body).encode() if isinstance(body, dict) else body
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(raw)}", *headers))
    return lambda connection: connection.sendall(f"{head}\r\n\r\n".encode() + raw)


def saying_nothing(connection: socket.socket) -> None:
    threading.Event().wait(3)


def resetting(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def closing(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def half_an_answer(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"request_uuid": "abc')
    connection.shutdown(socket.SHUT_RDWR)
