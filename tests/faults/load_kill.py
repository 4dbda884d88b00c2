"""Kill loads of leads at any instant, and retry until they succeed.

``python -m tests.faults.load_kill [--kills 100]`` kills by SIGKILL, and exits with 0 only if no lead is
missing or duplicated. The server retains duplicates, so that only the load prevents them.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from signal import SIGKILL

from airflow_provider_engagevoice.sandbox.dialects import BUNDLES
from tests.faults.lead_world import LeadWorld, lead_world
from tests.integration.leads.attempt import Attempt

PROCESS_SECONDS = 0.05


@dataclass
class Outcome:
    """The result of all loads.

    :ivar loads: number of loads, one after the other
    :ivar kills: attempts that were killed
    :ivar while_loading: number of these that were killed while sending
    :ivar reconciled: searches of the chunks in doubt, by attempt after a kill
    """

    rows: int
    loads: int = 0
    kills: int = 0
    while_loading: int = 0
    missing: int = 0
    doubled: int = 0
    errors: list[str] = field(default_factory=list)
    reconciled: list[int] = field(default_factory=list)

    def table(self) -> str:
        """Return it as lines."""
        rows = {
            f"loads of {self.rows} rows": self.loads,
            "attempts killed by SIGKILL": self.kills,
            "of these while sending": self.while_loading,
            "leads missing": self.missing,
            "leads duplicated": self.doubled,
            "searches of chunks in doubt, total": sum(self.reconciled),
            "most of them after one kill": max(self.reconciled, default=0),
            "attempts that ended in an error": len(self.errors),
        }
        return "\n".join([f"{label:36} {value}" for label, value in rows.items()] + self.errors)

    def is_clean(self) -> bool:
        """Return whether there are no findings."""
        return not (self.missing or self.doubled or self.errors)


def kill_loads(
    rows: int, kills: int, in_flight: int, seed: int, method: str = "direct", dialect: str = ""
) -> Outcome:
    """Load lists until ``kills`` attempts were killed; ``seed`` determines the plan, not the timing.

    :param method: of sending leads; the server loads files a moment after its response
    """
    random, outcome = Random(seed), Outcome(rows)
    with (
        tempfile.TemporaryDirectory(prefix="engagevoice-loads-") as name,
        lead_world(Path(name), process_seconds=PROCESS_SECONDS, dialect=dialect) as world,
    ):
        source = world.csv(rows)
        usual = _measured(world, source, method)
        while outcome.kills < kills:
            campaign = world.add_campaign()
            attempt = _attempt(world, source, campaign, method, in_flight)
            _load(world, attempt, outcome, random, usual, kills)
            outcome.loads += 1
            stored = Counter(world.stored(campaign))
            outcome.missing += rows - len(stored)
            outcome.doubled += sum(count - 1 for count in stored.values())
    return outcome


def _attempt(world: LeadWorld, source: Path, campaign: int, method: str, in_flight: int = 1) -> Attempt:
    return Attempt(
        url=world.url,
        source=str(source),
        campaign_id=campaign,
        store=str(world.folder / f"store-{campaign}"),
        key=f"{campaign:032x}",
        max_concurrent_requests=in_flight,
        method=method,
        reconcile_after=world.reconcile_after,
        clock=world.clock,
    )


@dataclass(frozen=True)
class Usual:
    """An undisturbed attempt.

    :ivar requests: loads and searches
    :ivar before: seconds until the first of them
    :ivar between: seconds from one to the next
    """

    requests: int
    before: float
    between: float


def _measured(world: LeadWorld, source: Path, method: str) -> Usual:
    """Run an undisturbed attempt and measure it."""
    plan, began = world.folder / "attempt.json", time.monotonic()
    _attempt(world, source, world.add_campaign(), method).write(plan)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.leads.attempt", str(plan)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not world.sent() and process.poll() is None:
        time.sleep(0.01)
    before = time.monotonic() - began
    if process.wait():
        raise RuntimeError("an attempt that was not killed failed")
    requests = world.sent() + world.searched()
    return Usual(requests, before, (time.monotonic() - began - before) / requests)


def _interrupt(world: LeadWorld, process: subprocess.Popen[bytes], usual: Usual, random: Random) -> None:
    """Wait for any instant of an attempt: most are after one of its requests, and some before all."""
    came = world.sent() + world.searched()
    target = random.randint(0, usual.requests)
    while process.poll() is None and world.sent() + world.searched() < came + target:
        time.sleep(0.005)
    with suppress(subprocess.TimeoutExpired):
        process.wait(random.uniform(0, usual.between if target else usual.before))


def _load(
    world: LeadWorld,
    attempt: Attempt,
    outcome: Outcome,
    random: Random,
    usual: Usual,
    kills: int,
) -> None:
    """Retry until it succeeds."""
    plan = world.folder / "attempt.json"
    attempt.write(plan)
    was_killed = False
    while True:
        log = world.folder / "attempt.log"
        sent, searched = world.sent(), world.searched()
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.leads.attempt", str(plan)],
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            if outcome.kills < kills:
                _interrupt(world, process, usual, random)
            else:
                process.wait(600.0)
        if process.poll() is None:
            process.kill()
            process.wait()
            outcome.kills += 1
            outcome.while_loading += world.sent() > sent
        elif process.returncode:
            outcome.errors.append(log.read_text(errors="replace")[-500:])
        if was_killed:
            outcome.reconciled.append(world.searched() - searched)
        was_killed = process.returncode == -SIGKILL
        if not was_killed and (not process.returncode or len(outcome.errors) > 3):
            return


def main() -> int:
    """Run as requested; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.load_kill")
    parser.add_argument("--kills", type=int, default=100, help="number of attempts to kill (%(default)s)")
    parser.add_argument("--rows", type=int, default=50_000, help="rows of each list (%(default)s)")
    parser.add_argument("--in-flight", type=int, default=1, help="concurrent chunks (%(default)s)")
    parser.add_argument("--method", choices=["direct", "file"], default="direct", help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="seed of the kills")
    parser.add_argument(
        "--dialect", choices=BUNDLES, default="", help="of the server; default: the sandbox's"
    )
    given = parser.parse_args()
    outcome = kill_loads(given.rows, given.kills, given.in_flight, given.seed, given.method, given.dialect)
    print(f"dialect {given.dialect or 'default'}, seed {given.seed}, method {given.method}")
    print(f"{given.in_flight} chunks in flight\n{outcome.table()}")
    return 0 if outcome.is_clean() else 1


if __name__ == "__main__":
    sys.exit(main())
