"""The overhead of a request over the same request with bare httpx, and how it grows with processes.

Both do the same work on the same sandbox: list dial groups, list the campaigns of one, read a campaign, write
it back whole, read it again; both decode the JSON. Ours has the token store and the rate limits in files
that all processes share; permits are counted as always but never run out, so that no request waits. Short
blocks of ours and of bare requests alternate in each process; the ratio is the median of the ratios of
neighbors, so that other load on the machine affects both.
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

from tests.support.connections import ACCOUNT_ID

PROCESSES = (1, 2, 4, 8)
BLOCKS = 60
#: Rounds of the work in a block.
ROUNDS = 3
GOAL = 1.15


@contextmanager
def sandbox() -> Iterator[str]:
    """Run a sandbox without limits in a separate process; yield its URL."""
    command = [sys.executable, "-m", "airflow_provider_engagevoice.sandbox", "--port", "0", "--no-limits"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.wait()


def _settings(url: str) -> Any:
    from tests.support.flows import settings_of

    return settings_of("ringcentral_jwt", url, account_id=ACCOUNT_ID, budgets="")


def _work() -> list[Any]:
    from airflow_provider_engagevoice.client.endpoints.campaigns import (
        get_campaign,
        list_campaigns,
        list_dial_groups,
        update_campaign,
    )
    from airflow_provider_engagevoice.client.rate_limits import RateLimit
    from airflow_provider_engagevoice.client.request import Request
    from airflow_provider_engagevoice.sandbox import seed
    from airflow_provider_engagevoice.stores import Rate

    # As many rows in the window as with the documented rate limit.
    endless = RateLimit("provisioning", (Rate(1_000_000, 0.25),))
    group, campaign = seed.OUTBOUND_RENEWALS_ID, seed.HOLIDAY_RENEWALS_2025_ID
    requests: list[Request[Any]] = [
        next(list_dial_groups()),
        next(list_campaigns(group)),
        get_campaign(group, campaign),
        update_campaign(group, campaign, {}),
        get_campaign(group, campaign),
    ]
    return [dataclasses.replace(request, rate_limit=endless) for request in requests]


def _bodies(work: list[Any], stored: Any) -> list[Any]:
    """Return the work with the stored campaign as the body of the write."""
    return [dataclasses.replace(one, body=stored.raw) if one.method == "PUT" else one for one in work]


def sync_blocks(url: str, store: str) -> list[tuple[float, float]]:
    """Return seconds per request of each block: (ours, bare)."""
    import httpx

    from airflow_provider_engagevoice.client.client import EngageVoiceClient
    from airflow_provider_engagevoice.client.shared_state import open_shared_state
    from airflow_provider_engagevoice.client.transport import trust

    settings, shared_state = _settings(url), open_shared_state(store)
    with (
        EngageVoiceClient(settings, shared_state=shared_state) as client,
        httpx.Client(verify=trust()) as bare,
    ):
        work = _bodies(_work(), client.run(_work()[-1]))
        same = [_same(url, one, shared_state, settings) for one in work]
        blocks = []
        for _ in range(BLOCKS):
            began = time.perf_counter()
            for _ in range(ROUNDS):
                for request in work:
                    client.run(request)
            between = time.perf_counter()
            for _ in range(ROUNDS):
                for call in same:
                    json.loads(bare.request(**call).raise_for_status().content)
            ended = time.perf_counter()
            blocks.append(_per_request(began, between, ended, work))
    return blocks


async def _async_blocks(url: str, store: str) -> list[tuple[float, float]]:
    import httpx

    from airflow_provider_engagevoice.client.client import AsyncEngageVoiceClient
    from airflow_provider_engagevoice.client.shared_state import open_shared_state
    from airflow_provider_engagevoice.client.transport import trust

    settings, shared_state = _settings(url), open_shared_state(store)
    async with (
        AsyncEngageVoiceClient(settings, shared_state=shared_state) as client,
        httpx.AsyncClient(verify=trust()) as bare,
    ):
        work = _bodies(_work(), await client.run(_work()[-1]))
        same = [_same(url, one, shared_state, settings) for one in work]
        blocks = []
        for _ in range(BLOCKS):
            began = time.perf_counter()
            for _ in range(ROUNDS):
                for request in work:
                    await client.run(request)
            between = time.perf_counter()
            for _ in range(ROUNDS):
                for call in same:
                    json.loads((await bare.request(**call)).raise_for_status().content)
            ended = time.perf_counter()
            blocks.append(_per_request(began, between, ended, work))
    return blocks


def async_blocks(url: str, store: str) -> list[tuple[float, float]]:
    """The same as :func:`sync_blocks`, on an event loop."""
    return asyncio.run(_async_blocks(url, store))


def _per_request(began: float, between: float, ended: float, work: list[Any]) -> tuple[float, float]:
    count = ROUNDS * len(work)
    return (between - began) / count, (ended - between) / count


def _same(url: str, request: Any, shared_state: Any, settings: Any) -> dict[str, Any]:
    """Return the arguments with which httpx sends the same request."""
    token = shared_state.tokens.known(settings.token_key)
    return {
        "method": request.method,
        "url": f"{url}/voice/api/v1/{request.path.replace('{accountId}', ACCOUNT_ID)}",
        "params": dict(request.query) or None,
        "json": request.body,
        "headers": {token.header: token.header_value()},
    }


def measure(engine: Any, processes: int, url: str) -> tuple[float, float, float]:
    """Return milliseconds per request of ours and of bare httpx, and the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"file://{folder}/tokens"
        context = multiprocessing.get_context("spawn")
        with context.Pool(processes) as pool:
            found = pool.starmap(engine, [(url, store)] * processes, chunksize=1)
    blocks = [block for blocks in found for block in blocks]
    ours, bare = (statistics.median(times) * 1000 for times in zip(*blocks, strict=True))
    return ours, bare, statistics.median(mine / theirs for mine, theirs in blocks)


def main() -> int:
    """Print a table; return 1 if one process is slower than the goal allows."""
    print(f"{'client':7} {'processes':>9} {'ours (ms)':>10} {'httpx (ms)':>11} {'ratio':>7}")
    ratios: dict[tuple[str, int], float] = {}
    with sandbox() as url:
        for name, engine in (("sync", sync_blocks), ("async", async_blocks)):
            for processes in PROCESSES:
                ours, bare, ratio = measure(engine, processes, url)
                ratios[name, processes] = ratio
                print(f"{name:7} {processes:9} {ours:10.2f} {bare:11.2f} {ratio:7.2f}", flush=True)
    met = all(ratios[name, 1] <= GOAL for name in ("sync", "async"))
    print(f"goal: at most {GOAL:.2f} with one process; {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
