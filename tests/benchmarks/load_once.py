"""``python -m tests.benchmarks.load_once PLAN``: load once, or post the same leads with bare httpx."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.settings import ClientSettings, Credentials
from airflow_provider_engagevoice.client.shared_state import open_shared_state
from airflow_provider_engagevoice.leads.loading import LoadOptions
from airflow_provider_engagevoice.leads.loading.loader import Loader
from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.loading.uploader import DirectUploader
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.sources.base import read_table
from airflow_provider_engagevoice.leads.validate import LeadValidator
from airflow_provider_engagevoice.models.enums import DuplicateHandling
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.credentials import API_TOKEN
from airflow_provider_engagevoice.utils.state_store import lead_checkpoint
from tests.support.connections import ACCOUNT_ID

CHUNK = 500
IN_FLIGHT = 4
OPTIONS = LoadOptions("Load", "0123abcd", duplicate_handling=DuplicateHandling.RETAIN_ALL)


@contextmanager
def opened(source: str) -> Iterator[Any]:
    """Open a file, or a table with a server-side cursor."""
    if source.startswith("postgresql:"):
        import psycopg2

        dsn, table = source.split(" ")
        with closing(psycopg2.connect(dsn)) as connection, connection.cursor(name="leads") as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            first = cursor.fetchmany(2000)
            columns = [column[0] for column in cursor.description]

            def rows() -> Iterator[Any]:
                some = first
                while some:
                    yield from some
                    some = cursor.fetchmany(2000)

            yield read_table(columns, rows())
    else:
        with Path(source).open("rb") as file:
            yield open_source(file, source)


def spooled(source: str, spool: Spool) -> float:
    """Read and validate a source; return the seconds that took."""
    began = time.perf_counter()
    with opened(source) as table, LeadValidator(read_mapping(), country="USA") as check:
        for rows in check.read(table):
            assert not rows.rejects, rows.rejects[0]
            spool.add(rows.numbers, rows.leads)
        spool.finish()
    return time.perf_counter() - began


def load(plan: dict[str, Any], spool: Spool) -> None:
    """Load validated leads with everything a task has: token store, rate limits, checkpoint."""
    settings = ClientSettings.build(
        host=plan["url"], account_id=ACCOUNT_ID, credentials=Credentials(api_token=API_TOKEN), budgets="off"
    )
    shared_state = open_shared_state(f"file://{plan['store']}")
    with EngageVoiceClient(settings, shared_state=shared_state) as client:
        Loader(
            client,
            partial(DirectUploader, seed.WINBACK_ID, plan["campaign_id"], OPTIONS),
            spool,
            checkpoint=lead_checkpoint({}, shared_state.store, f"{plan['campaign_id']:032x}"),  # type: ignore[arg-type]
            rejects=_NoRejects(),
            max_concurrent_requests=IN_FLIGHT,
            progress=lambda done, total: None,
        ).run(may_be_sent=False)


class _NoRejects:
    def save(self, index: int, leads: Any) -> None:
        raise AssertionError(leads)


def post(plan: dict[str, Any], spool: Spool) -> float:
    """Post chunks that are already encoded; return the seconds that took."""
    import httpx

    path = f"/voice/api/v1/admin/accounts/{ACCOUNT_ID}/campaigns/{plan['campaign_id']}/leadLoader/direct"
    headers = {"X-Auth-Token": API_TOKEN, "Content-Type": "application/json"}
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    count = plan["chunks"] or len(spool.chunks)
    # On disk, as the provider's are: a million rows would take a third of a gigabyte.
    for index in range(count):
        waiting.put(index)
    lock = threading.Lock()

    def work(client: httpx.Client) -> None:
        while True:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            with lock:
                content = spool.content(index)
            client.post(path, content=content, headers=headers).raise_for_status()

    with httpx.Client(base_url=plan["url"], trust_env=False, timeout=60) as client:
        began = time.perf_counter()
        threads = [threading.Thread(target=work, args=(client,)) for _ in range(IN_FLIGHT)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began


class Encoded(Spool):
    """A spool whose chunks are complete requests."""

    def content(self, index: int) -> bytes:
        """Return a request."""
        fields = json.dumps(OPTIONS.request(OPTIONS.list_name(index))).encode()
        return fields[:-1] + b', "uploadLeads": ' + super().content(index) + b"}"


def memory(peak: bool) -> float:
    """Return the memory of this process, current or peak, in MiB."""
    name = "VmHWM" if peak else "VmRSS"
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no such line")


def main() -> None:
    """Carry out the plan; print the figures as JSON."""
    plan: dict[str, Any] = json.loads(sys.argv[1])
    idle = memory(peak=False)
    if plan["kind"] == "ours":
        with Spool(CHUNK) as spool:
            began = time.perf_counter()
            checked = spooled(plan["source"], spool)
            load(plan, spool)
            seconds, chunks = time.perf_counter() - began, spool.chunks
    else:
        with Encoded(CHUNK) as spool:
            checked = spooled(plan["source"], spool)
            seconds, chunks = post(plan, spool), spool.chunks
            checked = 0.0
    rows = sum(chunk.leads for chunk in chunks[: plan["chunks"] or len(chunks)])
    figures = {"rows": rows, "seconds": seconds, "check_seconds": checked, "mib": memory(peak=True) - idle}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
