"""Memory and throughput of a list for many campaigns, from its rows to its chunks.

``python -m tests.integration.leads.routed --rows 200000 --campaigns 300``

Each measurement runs in its own process, so that memory is measured separately.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

from airflow_provider_engagevoice.leads.loading.load_state import LoadState
from airflow_provider_engagevoice.leads.loading.outcomes import Counts
from airflow_provider_engagevoice.leads.loading.spool import CampaignSpool, Spool
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.routing import Recipient, RoutedValidator
from airflow_provider_engagevoice.leads.sources.base import read_table
from tests.integration.leads.throughput import COLUMNS, peak_kibibytes, rows


def measure(count: int, campaigns: int) -> dict[str, float]:
    """Validate and spool a list; return rows per second, MiB, and the bytes of the last checkpoint."""
    idle = peak_kibibytes()
    list_of_all = ((f"Campaign {at % campaigns}", *row) for at, row in enumerate(rows(count)))
    source = read_table(("campaign", *COLUMNS), list_of_all)
    started = time.perf_counter()
    plan = read_mapping({"mobile": "leadPhone"}, campaign_column="campaign")
    check = RoutedValidator(plan, "campaign", lambda text: Recipient(10**9 + int(text[9:]), "USA"), str)
    with check, Spool(500) as spool:
        with CampaignSpool() as by_campaign:
            for checked in check.read(source):
                by_campaign.add(checked.campaign_id, checked.numbers, checked.leads)
            by_campaign.fill(spool)
        seconds = time.perf_counter() - started
        state = LoadState()
        for chunk in spool.chunks:
            state.mark_done(chunk, Counts(chunk.leads, chunk.leads, 0, 0, 0, 1))
    assert check.report.rows == count
    assert state.counts.inserted == check.report.leads
    assert len(state.by_campaign) == campaigns
    return {
        "rows_per_second": count / seconds,
        "mebibytes": (peak_kibibytes() - idle) / 1024,
        "checkpoint": len(json.dumps(state.to_json())),
    }


def measure_apart(count: int, campaigns: int) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "tests.integration.leads.routed", "--rows", str(count)]
    done = subprocess.run([*command, "--campaigns", str(campaigns)], capture_output=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--campaigns", type=int, default=300)
    given = parser.parse_args()
    print(json.dumps(measure(given.rows, given.campaigns)))
