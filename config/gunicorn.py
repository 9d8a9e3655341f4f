"""The web server: a few processes with threads; webhooks and pages side by side."""

import gc

from config import environment

bind = f"{environment.text('HOST', '127.0.0.1')}:{environment.whole('PORT', 8000)}"
worker_class = "gthread"
workers = environment.whole("WEB_WORKERS", 2, least=1)
threads = environment.whole("WEB_THREADS", 4, least=1)
# The carrier keeps its connections: a new one for each webhook would cost more than the webhook.
keepalive = 75
backlog = 2048
graceful_timeout = 10
timeout = 60
loglevel = "warning"
# Behind a proxy on another host, its address; X-Forwarded-Proto is believed from there only.
forwarded_allow_ips = environment.text("FORWARDED_ALLOW_IPS", "127.0.0.1")


def post_worker_init(worker: object) -> None:
    """What was loaded stays: it need not be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)
