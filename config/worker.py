"""``python -m config.worker [QUEUE]``: a django-q2 cluster that ends well when it is told to.

SIGTERM usually goes to a whole process group. django-q2's sentinel dies of it at once, and the main
process then waits for it until it is killed. Here only the main process listens: it tells the sentinel,
workers finish what they are at, and drivers, which listen for themselves, let go of their channels.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if len(sys.argv) > 1:
        # Read when django-q2's configuration is first imported.
        os.environ["Q_CLUSTER_NAME"] = sys.argv[1]

    import django

    django.setup()

    from django_q import cluster

    class PatientSentinel(cluster.Sentinel):  # type: ignore[misc]
        def start(self) -> None:
            # Inherited by all that it forks.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            super().start()

    cluster.Sentinel = PatientSentinel
    cluster.Cluster().start()


if __name__ == "__main__":
    main()
