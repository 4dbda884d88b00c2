"""How much of a rate limit four processes use that share it and have more work than it allows.

They read a campaign repeatedly from a sandbox that enforces the same limit: 120 requests in 60 s, for
two minutes. The short form shortens the window, not the share.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints.campaigns import get_campaign
from airflow_provider_engagevoice.client.rate_limits import RateLimit
from airflow_provider_engagevoice.client.shared_state import open_shared_state
from airflow_provider_engagevoice.sandbox import seed
from airflow_provider_engagevoice.sandbox.server import SandboxServer
from airflow_provider_engagevoice.sandbox.settings import Budget as EnforcedBudget
from airflow_provider_engagevoice.sandbox.settings import SandboxSettings
from airflow_provider_engagevoice.stores import Rate
from tests.support.connections import ACCOUNT_ID
from tests.support.flows import settings_of

PROCESSES = 4
GOAL = 0.95


@dataclass(frozen=True)
class Use:
    """The usage of one run.

    :param windows: number of whole windows
    :param share: requests per second, as a fraction of the limit
    :param rejected: 429 responses
    """

    windows: int
    requests: int
    seconds: float
    share: float
    rejected: int


def measure(rate: Rate, windows: int, store: str) -> Use:
    """Run four processes until the window after the last measured one has started."""
    wanted = rate.permits * windows + 1
    budget = EnforcedBudget(rate.permits, rate.seconds)
    with SandboxServer(SandboxSettings(provisioning=budget)) as sandbox:
        context = multiprocessing.get_context("spawn")
        processes = [
            context.Process(target=_work, args=(sandbox.url, rate, store), daemon=True)
            for _ in range(PROCESSES)
        ]
        for process in processes:
            process.start()
        try:
            deadline = time.monotonic() + 60 + 2 * rate.seconds * windows
            _wait_until(lambda: _count(sandbox) >= wanted, deadline)
        finally:
            for process in processes:
                process.terminate()
                process.join()
        times = sorted(one.time for one in sandbox.requests() if "/campaigns/" in one.path)
        rejected = sandbox.counters()["refused"]["provisioning"]
    seconds = times[wanted - 1] - times[0]
    share = (wanted - 1) / seconds / (rate.permits / rate.seconds)
    return Use(windows, wanted - 1, seconds, share, rejected)


def _count(sandbox: SandboxServer) -> int:
    return sum("/campaigns/" in one.path for one in sandbox.requests())


def _wait_until(reached: Callable[[], bool], deadline: float) -> None:
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError("the processes make no progress")
        time.sleep(0.2)


def _work(url: str, rate: Rate, store: str) -> None:
    settings = settings_of("ringcentral_jwt", url, account_id=ACCOUNT_ID, budgets="")
    request = get_campaign(seed.OUTBOUND_RENEWALS_ID, seed.HOLIDAY_RENEWALS_2025_ID)
    request = dataclasses.replace(request, rate_limit=RateLimit("provisioning", (rate,)))
    with EngageVoiceClient(settings, shared_state=open_shared_state(store)) as client:
        while True:
            client.run(request)


def main() -> int:
    """Print the results; return 1 if the goal is missed or a request was rejected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--permits", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the window")
    parser.add_argument("--windows", type=int, default=2)
    parser.add_argument("--store", default="", help="token_store (default: a temporary directory)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = arguments.store or f"file://{folder}/tokens"
        use = measure(Rate(arguments.permits, arguments.seconds), arguments.windows, store)
    print(
        f"{PROCESSES} processes, {arguments.permits} requests in {arguments.seconds:g} s: {use.requests} "
        f"requests in {use.seconds:.1f} s, {use.share:.1%} of the limit; 429 responses: {use.rejected}"
    )
    met = use.share >= GOAL and use.rejected == 0
    print(f"goal: at least {GOAL:.0%} and no 429; {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
