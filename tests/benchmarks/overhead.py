"""What a request costs beside the same request by bare httpx, and how that grows with processes.

Both read the same campaign from the same sandbox and decode it; ours with the token store and the request
budget in files that all processes share. The budget is counted as always but never spent, so that nobody
waits. Blocks of ours and of bare requests take turns in each process, so that both see the same machine; each
figure is a median over blocks.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PROCESSES = (1, 2, 4, 8)
BLOCKS = 12
BLOCK = 40
GOAL = 1.15
_ACCOUNT = "99990000"


@contextmanager
def sandbox() -> Iterator[str]:
    """Run a sandbox without limits in a process of its own; give its URL."""
    command = [sys.executable, "-m", "airflow_provider_engagevoice.sandbox", "--port", "0", "--no-limits"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.wait()


def _settings(url: str) -> Any:
    from airflow_provider_engagevoice.client.credentials import Credentials
    from airflow_provider_engagevoice.client.settings import ClientSettings
    from airflow_provider_engagevoice.sandbox import credentials as known

    return ClientSettings.build(
        host=url,
        rc_server=url,
        account_id=_ACCOUNT,
        credentials=Credentials(client_id=known.CLIENT_ID, client_secret=known.CLIENT_SECRET, jwt=known.JWT),
    )


def _request() -> Any:
    from airflow_provider_engagevoice.client import api
    from airflow_provider_engagevoice.client.budgets import Budget
    from airflow_provider_engagevoice.sandbox import seed
    from airflow_provider_engagevoice.sharing.place import Rate

    # As many rows in the window as the documented budget would have.
    endless = Budget("provisioning", (Rate(1_000_000, 0.25),))
    request = api.get_campaign(seed.OUTBOUND_RENEWALS_ID, seed.HOLIDAY_RENEWALS_2025_ID)
    return dataclasses.replace(request, budget=endless)


def sync_blocks(url: str, store: str) -> list[tuple[float, float]]:
    """Return seconds per request of each block: (ours, bare)."""
    import httpx

    from airflow_provider_engagevoice.client.commons import open_commons
    from airflow_provider_engagevoice.client.engine import EngageVoiceClient
    from airflow_provider_engagevoice.client.transport import trust

    settings, request, commons = _settings(url), _request(), open_commons(store)
    with EngageVoiceClient(settings, commons=commons) as client, httpx.Client(verify=trust()) as bare:
        client.run(request)
        target, headers = _target(url, request, commons, settings)
        blocks = []
        for _ in range(BLOCKS):
            began = time.perf_counter()
            for _ in range(BLOCK):
                client.run(request)
            between = time.perf_counter()
            for _ in range(BLOCK):
                json.loads(bare.get(target, headers=headers).raise_for_status().content)
            blocks.append(((between - began) / BLOCK, (time.perf_counter() - between) / BLOCK))
    return blocks


async def _async_blocks(url: str, store: str) -> list[tuple[float, float]]:
    import httpx

    from airflow_provider_engagevoice.client.commons import open_commons
    from airflow_provider_engagevoice.client.engine import AsyncEngageVoiceClient
    from airflow_provider_engagevoice.client.transport import trust

    settings, request, commons = _settings(url), _request(), open_commons(store)
    async with (
        AsyncEngageVoiceClient(settings, commons=commons) as client,
        httpx.AsyncClient(verify=trust()) as bare,
    ):
        await client.run(request)
        target, headers = _target(url, request, commons, settings)
        blocks = []
        for _ in range(BLOCKS):
            began = time.perf_counter()
            for _ in range(BLOCK):
                await client.run(request)
            between = time.perf_counter()
            for _ in range(BLOCK):
                json.loads((await bare.get(target, headers=headers)).raise_for_status().content)
            blocks.append(((between - began) / BLOCK, (time.perf_counter() - between) / BLOCK))
    return blocks


def async_blocks(url: str, store: str) -> list[tuple[float, float]]:
    """As :func:`sync_blocks`, on an event loop."""
    return asyncio.run(_async_blocks(url, store))


def _target(url: str, request: Any, commons: Any, settings: Any) -> tuple[str, dict[str, str]]:
    token = commons.tokens.known(settings.token_key)
    path = request.path.replace("{accountId}", _ACCOUNT)
    return f"{url}/voice/api/v1/{path}", {token.header: token.header_value()}


def measure(engine: Any, processes: int, url: str) -> tuple[float, float, float]:
    """Return milliseconds per request of ours and of bare httpx, and the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"file://{folder}/tokens"
        context = multiprocessing.get_context("spawn")
        with context.Pool(processes) as pool:
            found = pool.starmap(engine, [(url, store)] * processes, chunksize=1)
    blocks = [block for blocks in found for block in blocks]
    ours, bare = (statistics.median(times) * 1000 for times in zip(*blocks, strict=True))
    return ours, bare, ours / bare


def main() -> int:
    """Print a table; return 1 when one process is slower than the goal allows."""
    print(f"{'client':7} {'processes':>9} {'ours (ms)':>10} {'httpx (ms)':>11} {'ratio':>7}")
    ratios: dict[tuple[str, int], float] = {}
    with sandbox() as url:
        for name, engine in (("sync", sync_blocks), ("async", async_blocks)):
            for processes in PROCESSES:
                ours, bare, ratio = measure(engine, processes, url)
                ratios[name, processes] = ratio
                print(f"{name:7} {processes:9} {ours:10.2f} {bare:11.2f} {ratio:7.2f}", flush=True)
    met = all(ratio <= GOAL for ratio in ratios.values())
    print(f"goal: at most {GOAL:.2f}; {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
