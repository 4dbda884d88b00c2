"""A load by hand, as far as its progress goes: tells of each chunk that standard input names.

``python -m tests.integration.leads.telling TOTAL SECONDS``: the load has TOTAL leads, and its log a line
every SECONDS. After each chunk it answers with the seconds since it began.
"""

from __future__ import annotations

import logging
import sys
import time

from airflow_provider_engagevoice.leads.loading import progress
from airflow_provider_engagevoice.stores.base import Rate

if __name__ == "__main__":
    total, every = int(sys.argv[1]), float(sys.argv[2])
    progress._EVERY_SECONDS = every
    # Made before the bar begins, as Airflow's handlers are.
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="LOG %(message)s")
    began = time.monotonic()
    with progress.LoadProgress((Rate(30, 10), Rate(120, 60))) as telling:
        for line in sys.stdin:
            if line.startswith("say"):
                logging.getLogger("airflow.task").info("waiting for a turn")
            else:
                telling.tell(int(line), total)
            print(time.monotonic() - began, flush=True)
