"""Report the progress of a load that standard input controls, one line per chunk.

``python -m tests.integration.leads.manual_progress TOTAL SECONDS``: the load has TOTAL leads, and is logged
every SECONDS. After each chunk, prints the seconds since the start.
"""

from __future__ import annotations

import logging
import sys
import time

from airflow_provider_engagevoice.leads.loading import progress
from airflow_provider_engagevoice.stores import Rate

if __name__ == "__main__":
    total, every = int(sys.argv[1]), float(sys.argv[2])
    progress._LOG_INTERVAL = every
    # Created before the bar, as Airflow's handlers are.
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="LOG %(message)s")
    started = time.monotonic()
    with progress.LoadProgress((Rate(30, 10), Rate(120, 60))) as load:
        for line in sys.stdin:
            if line.startswith("say"):
                logging.getLogger("airflow.task").info("waiting for a permit")
            else:
                load.update(int(line), total)
            print(time.monotonic() - started, flush=True)
