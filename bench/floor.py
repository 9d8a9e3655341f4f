"""The floor of ``call-life``: bare requests, on the product's own stack.

As a WSGI application, the webhooks' side: Django without middleware, two statements in a transaction, an
answer. As a program, the caller's side: POSTs with the same library, as fast as they are answered.
"""

from __future__ import annotations

import itertools
import os
import threading
import time

import django
import requests
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

THREADS = 12
ANSWER = b'<?xml version="1.0"?><Response><Hangup/></Response>'


def webhook(request: HttpRequest, event: str, call: int) -> HttpResponse:
    assert request.POST
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE call SET state = %s, changed_at = now() WHERE id = %s", [event, call])
        cursor.execute("INSERT INTO event VALUES (%s, %s, now())", [call, event])
    return HttpResponse(ANSWER, content_type="text/xml")


urlpatterns = [path("<slug:event>/<int:call>", webhook), path("", lambda request: HttpResponse())]


def application_of_the_floor() -> WSGIHandler:
    import dj_database_url

    settings.configure(
        DATABASES={"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=600)},
        ROOT_URLCONF="bench.floor",
        ALLOWED_HOSTS=["127.0.0.1"],
        MIDDLEWARE=[],
    )
    django.setup()
    return WSGIHandler()


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
else:
    # Imported by Django as its URLs, too: then all is set up already.
    application = None if settings.configured else application_of_the_floor()
