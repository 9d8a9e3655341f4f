"""The floor of ``call-life``: bare requests. As a WSGI application, the webhooks' side: two statements in
a transaction and an answer; as a program, the caller's side: POSTs, as fast as they are answered."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import requests

THREADS = 12
ANSWER = b'<?xml version="1.0"?><Response><Hangup/></Response>'
_local = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    environ["wsgi.input"].read(length)
    parts = environ["PATH_INFO"].strip("/").split("/")
    if len(parts) == 2:
        connection = getattr(_local, "connection", None)
        if connection is None:
            connection = _local.connection = psycopg.connect(os.environ["DATABASE_URL"])
        event, call = parts
        connection.execute("UPDATE call SET state = %s, changed_at = now() WHERE id = %s", [event, int(call)])
        connection.execute("INSERT INTO event VALUES (%s, %s, now())", [int(call), event])
        connection.commit()
    start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(ANSWER)))])
    return [ANSWER]


def post_calls() -> None:
    base = f"{os.environ['PLIVO_API_URL']}/v1/Account/{os.environ['PLIVO_AUTH_ID']}/Call/"
    web = os.environ["PUBLIC_URL"]
    numbers = itertools.count(1)

    def work() -> None:
        session = requests.Session()
        session.auth = (os.environ["PLIVO_AUTH_ID"], os.environ["PLIVO_AUTH_TOKEN"])
        session.trust_env = False
        for call in numbers:
            parameters = {
                "from": "14155550100",
                "to": str(14152000000 + call % 7_000_000),
                "ring_url": f"{web}/ring/{call}",
                "answer_url": f"{web}/answer/{call}",
                "hangup_url": f"{web}/hangup/{call}",
            }
            session.post(base, json=parameters, timeout=30).raise_for_status()

    for _ in range(THREADS):
        threading.Thread(target=work, daemon=True).start()
    while True:
        time.sleep(1)


if __name__ == "__main__":
    post_calls()
