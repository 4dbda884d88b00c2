"""How fast leads are loaded, and how much memory that takes.

A million rows from Parquet, from CSV and from PostgreSQL are validated and loaded into a sandbox without
limits; for comparison bare httpx posts the same chunks, already encoded, over as many connections; and the
vendor's Python SDK posts some of them in a loop. Every run is a separate process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_engagevoice.sandbox.credentials import CLIENT_ID, CLIENT_SECRET, JWT
from tests.benchmarks.load_sources import write_sources
from tests.benchmarks.table import Table
from tests.faults.lead_world import LeadWorld, lead_world
from tests.support.services import missing_programs, postgres_server

ROWS = 1_000_000
FEW = 10_000
#: Chunks that the SDK posts, and bare httpx for comparison: all of them would take an hour.
SDK_CHUNKS = 40
GOAL_RATIO = 0.7
GOAL_MIB = 100.0


@dataclass(frozen=True)
class Run:
    """One process.

    :ivar seconds: from the first byte read from the source to the last response
    :ivar check_seconds: of these, until the last row was validated
    :ivar mib: peak memory above that of the same process before the load
    """

    rows: int
    seconds: float
    check_seconds: float
    mib: float

    @property
    def rate(self) -> float:
        """Rows per second, including validation and sending."""
        return self.rows / self.seconds

    @property
    def sending(self) -> float:
        """Rows per second from the first request to the last response."""
        return self.rows / (self.seconds - self.check_seconds)


def run(kind: str, world: LeadWorld, source: str, rows: int, chunks: int = 0) -> Run:
    """Load into a new campaign.

    :param chunks: maximum number of chunks; 0 for all
    """
    plan = {
        "kind": kind,
        "url": world.url,
        "source": source,
        "campaign_id": world.add_campaign(),
        "store": str(world.folder / "store"),
        "chunks": chunks,
        "credentials": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "jwt": JWT},
    }
    python = os.environ["ENGAGEVOICE_SDK_PYTHON"] if kind == "sdk" else sys.executable
    by_sdk = str(Path(__file__).with_name("load_by_sdk.py"))
    # Without its folder on the path, which has a module with the name of one of the SDK's dependencies.
    script = ["-P", by_sdk] if kind == "sdk" else ["-m", "tests.benchmarks.load_once"]
    done = subprocess.run([python, *script, json.dumps(plan)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    stored = len(world.stored(plan["campaign_id"]))
    if stored != figures["rows"] or (not chunks and stored != rows):
        raise RuntimeError(f"{kind} {source}: {stored} of {rows} leads are loaded")
    return Run(**figures)


_TABLE = Table(
    26,
    ("rows", 9),
    ("rows/s", 9),
    ("sending", 9),
    ("of bare", 9),
    ("whole", 7),
    ("s to check", 12),
    ("MiB", 6),
)


def _shown(name: str, one: Run, bare: Run | None) -> str:
    shares = [] if bare is None else [one.sending / bare.rate, one.rate / bare.rate]
    values = [
        f"{one.rows}",
        f"{one.rate:.0f}",
        f"{one.sending:.0f}",
        *([f"{share:.2f}" for share in shares] or ["", ""]),
        f"{one.check_seconds:.1f}",
        f"{one.mib:.0f}",
    ]
    return _TABLE.row(name, values)


def main() -> int:
    """Print the table; return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.loading")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of each source (%(default)s)")
    given = parser.parse_args()
    missed: list[str] = []
    print("sending: from the first request to the last response; whole: including reading and validation")
    print(_TABLE.head(""), flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="engagevoice-loads-")))
        database = (
            None if "postgresql" in missing_programs() else stack.enter_context(postgres_server(folder))
        )
        for rows in sorted({FEW, given.rows}):
            sources = write_sources(folder, rows, None if database is None else database.dsn)
            for name, source in sources.items():
                # A new server each time, so that no run has more existing rows than another.
                with lead_world(_fresh(folder)) as world:
                    ours = run("ours", world, source, rows)
                with lead_world(_fresh(folder)) as world:
                    bare = run("bare", world, source, rows)
                ratio = ours.sending / bare.rate
                print(_shown(f"{name}, this provider", ours, bare), flush=True)
                print(_shown(f"{name}, bare httpx", bare, None), flush=True)
                if rows == given.rows:
                    missed += [f"{name}: {ratio:.2f} of bare httpx"] if ratio < GOAL_RATIO else []
                missed += [f"{name}: {ours.mib:.0f} MiB"] if ours.mib > GOAL_MIB else []
        if not os.environ.get("ENGAGEVOICE_SDK_PYTHON"):
            print("ENGAGEVOICE_SDK_PYTHON is not set to the python with the vendor's SDK, which is omitted")
        else:
            csv = sources["CSV"]
            with lead_world(_fresh(folder)) as world:
                bare = run("bare", world, csv, given.rows, SDK_CHUNKS)
                sdk = run("sdk", world, csv, given.rows, SDK_CHUNKS)
            print(_shown(f"bare, {SDK_CHUNKS} chunks", bare, None), flush=True)
            print(_shown(f"SDK, {SDK_CHUNKS} chunks", sdk, bare), flush=True)
    print(f"goals: {GOAL_RATIO} of bare httpx when sending, {GOAL_MIB:.0f} MiB")
    print(f"MISSED: {'; '.join(missed)}" if missed else "met")
    return 1 if missed else 0


def _fresh(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


if __name__ == "__main__":
    sys.exit(main())
