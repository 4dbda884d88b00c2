"""Load leads from a server that fails one request in five.

``python -m tests.faults.load_faults`` drops responses after leads are stored, truncates responses, returns
429, and 200 with a failure, 5 % of each, and exits with 0 only if each lead is loaded exactly once.
"""

from __future__ import annotations

import argparse
import json
import logging
import secrets
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from airflow_provider_engagevoice.exceptions import EngageVoiceError
from airflow_provider_engagevoice.sandbox.dialects import BUNDLES
from tests.faults.lead_world import LeadWorld, lead_world
from tests.integration.leads.attempt import Attempt, carry_out
from tests.support.clocks import SharedClock, SkippingClock, pauses_skipped

ROWS, CHUNK = 50_000, 100
SHARE = 0.05
_FAILED = {"processingStatus": "GENERAL_FAILURE", "processingResult": "Failed", "message": "disk full"}
FAULTS: dict[str, dict[str, Any]] = {
    "answers dropped after commit": {"kind": "drop_answer"},
    "answers truncated": {"kind": "truncate"},
    "429": {"kind": "status", "status": 429, "body": "rate", "headers": {"Retry-After": "0"}},
    "200 with failure": {
        "kind": "status",
        "status": 200,
        "body": json.dumps(_FAILED),
        "content_type": "application/json",
    },
}


@dataclass(frozen=True)
class Outcome:
    """The result of a load.

    :ivar struck: number of requests that each fault struck
    :ivar is_done: whether the last attempt succeeded
    :ivar errors: texts of the errors of attempts
    """

    rows: int
    struck: dict[str, int]
    attempts: int
    is_done: bool
    missing: int
    doubled: int
    reconciled: int
    errors: list[str]

    def is_clean(self) -> bool:
        """Return whether the load has succeeded, and each lead is loaded exactly once."""
        return self.is_done and not (self.missing or self.doubled)

    def table(self) -> str:
        """Return it as lines."""
        lines = {**self.struck, "attempts": self.attempts, "chunks looked up": self.reconciled}
        lines["the load has succeeded"] = self.is_done
        lines |= {"leads missing": self.missing, "leads duplicated": self.doubled}
        return "\n".join([f"{label:32} {value}" for label, value in lines.items()] + self.errors)


def load_with_faults(
    rows: int, chunk_size: int, seed: int, method: str = "direct", dialect: str = ""
) -> Outcome:
    """Load a list, retrying when an attempt fails; ``seed`` determines which requests fail."""
    random = Random(seed)
    with (
        tempfile.TemporaryDirectory(prefix="engagevoice-loads-") as name,
        lead_world(Path(name), dialect=dialect) as world,
    ):
        _plan(world, rows // chunk_size, random, "process" if method == "file" else method)
        campaign = world.add_campaign()
        attempt = Attempt(
            url=world.url,
            source=str(world.csv(rows)),
            campaign_id=campaign,
            store=str(world.folder / "store"),
            key=f"{campaign:032x}",
            chunk_size=chunk_size,
            max_concurrent_requests=4,
            method=method,
            reconcile_after=world.reconcile_after,
        )
        errors: list[str] = []
        counts = None
        while counts is None and len(errors) < 20:
            try:
                with pauses_skipped(SharedClock(Path(world.clock)) if world.clock else SkippingClock()):
                    counts = carry_out(attempt)
            except EngageVoiceError as error:
                errors.append(str(error))
        stored = Counter(world.stored(campaign))
        return Outcome(
            rows=rows,
            struck=world.struck(FAULTS),
            attempts=len(errors) + (counts is not None),
            is_done=counts is not None,
            missing=rows - len(stored),
            doubled=sum(count - 1 for count in stored.values()),
            reconciled=0 if counts is None else counts["settled"],
            errors=errors,
        )


def _plan(world: LeadWorld, requests: int, random: Random, endpoint: str) -> None:
    for fault in FAULTS.values():
        for after in random.sample(range(requests), max(1, int(SHARE * requests))):
            world.fault(path=f"leadLoader/{endpoint}", after=after, times=1, **fault)


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.load_faults")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the list (%(default)s)")
    parser.add_argument("--method", choices=["direct", "file"], default="direct", help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of the faults")
    parser.add_argument(
        "--dialect", choices=BUNDLES, default="", help="of the server; default: the sandbox's"
    )
    given = parser.parse_args()
    # Each fault is logged as a warning, which would hide the table.
    logging.getLogger("airflow_provider_engagevoice").setLevel(logging.ERROR)
    outcome = load_with_faults(given.rows, CHUNK, given.seed, given.method, given.dialect)
    print(f"dialect {given.dialect or 'default'}, seed {given.seed}, method {given.method}")
    print(f"{given.rows} rows in {given.rows // CHUNK} chunks\n{outcome.table()}")
    return 0 if outcome.is_clean() else 1


if __name__ == "__main__":
    sys.exit(main())
