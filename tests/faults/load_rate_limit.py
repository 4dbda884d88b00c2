"""How much of the rate limit for loading leads is used when it is the bottleneck.

``python -m tests.faults.load_rate_limit`` has one task, and then four at once, load lists of more chunks than
the documented limits, 30 in 10 s and 120 in a minute, allow in three minutes; the sandbox enforces them.
It exits with 0 only if at least 95 % of what they allow was sent, and no request was rejected.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults.lead_world import LeadWorld, lead_world
from tests.integration.leads.attempt import Attempt

SECONDS = 180.0
GOAL = 0.95
PER_TEN_SECONDS, PER_MINUTE = 30, 120
CHUNK = 10


def allowed_in(seconds: float) -> int:
    """Return the number of requests that the limits allow in this time, including the first one."""
    minutes, rest = divmod(seconds, 60)
    return int(minutes) * PER_MINUTE + min(PER_MINUTE, math.ceil(rest / 10) * PER_TEN_SECONDS)


@dataclass(frozen=True)
class Use:
    """The usage of the rate limit by some tasks.

    :ivar sent: requests within the time, from the first one on
    :ivar allowed: requests that the limits allow in it
    """

    tasks: int
    sent: int
    allowed: int
    rejected: int

    @property
    def share(self) -> float:
        """Fraction of the limit that was used."""
        return self.sent / self.allowed


def use(world: LeadWorld, tasks: int, seconds: float) -> Use:
    """Let this number of tasks load separate lists at the same time, for ``seconds``."""
    allowed = allowed_in(seconds)
    source = world.csv(int(allowed * 1.3) * CHUNK // tasks)
    began = time.time()
    processes = []
    for number in range(tasks):
        campaign = world.add_campaign()
        plan = world.folder / f"attempt-{number}.json"
        Attempt(
            url=world.url,
            source=str(source),
            campaign_id=campaign,
            store=str(world.folder / "store"),
            key=f"{campaign:032x}",
            chunk_size=CHUNK,
            max_concurrent_requests=4,
            budgets="",
        ).write(plan)
        command = [sys.executable, "-m", "tests.integration.leads.attempt", str(plan)]
        with (world.folder / f"attempt-{number}.log").open("wb") as log:
            processes.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))
    try:
        while not world.loads(began):
            time.sleep(0.05)
        first = world.loads(began)[0][0]
        time.sleep(max(0.0, first + seconds - time.time()) + 0.5)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    loads = [(at, status) for at, status in world.loads(began) if at < first + seconds]
    rejected = sum(status == 429 for _, status in loads)
    return Use(tasks, len(loads) - rejected, allowed, rejected)


def main() -> int:
    """Print the usage; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.load_rate_limit")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="duration (%(default).0f)")
    given = parser.parse_args()
    ok = True
    for tasks in (1, 4):
        with (
            tempfile.TemporaryDirectory(prefix="engagevoice-loads-") as name,
            lead_world(Path(name), limits=True) as world,
        ):
            found = use(world, tasks, given.seconds)
        print(
            f"{tasks} task(s): {found.sent} requests in {given.seconds:.0f} s, {found.share:.1%} of"
            f" {found.allowed}; 429 responses: {found.rejected}",
            flush=True,
        )
        ok &= found.share >= GOAL and not found.rejected
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
