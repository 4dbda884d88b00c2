"""How much CPU time and memory checking a list takes, compared with release 0.3.0 in the same run.

``python -m tests.benchmarks.checking`` takes 0.3.0 from the history of the repository. The two take turns,
each time in a new process; the least CPU time of each counts, so that other programs matter little.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from tests.benchmarks.table import Table
from tests.integration.leads.throughput import write

FORMATS = ("csv", "jsonl", "parquet")
#: The commit of release 0.3.0.
RELEASE = "505cad8b49fb82916ec97c37151e16d2b6218aa7"
ROOT = Path(__file__).parents[2]
TURNS = 3
_TABLE = Table(
    10, ("rows", 10), ("0.3.0 rows/s", 14), ("rows/s", 10), ("ratio", 8), ("0.3.0 MiB", 11), ("MiB", 6)
)


def unpack_release(folder: Path) -> None:
    """Write release 0.3.0 into a folder."""
    archive = subprocess.run(
        ["git", "archive", RELEASE, "airflow_provider_engagevoice"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if archive.returncode:
        sys.exit(f"release 0.3.0 is not in the history of this clone: {archive.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")


def measure(package: Path, path: Path, rows: int) -> tuple[float, float]:
    """Check a list in a new process; return seconds of CPU time and MiB."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("check_once.py")), str(path), str(rows)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)
    return figures["seconds"], figures["mebibytes"]


def main() -> int:
    """Print the table; return 1 if this release is slower, or takes more memory for more rows than 0.3.0."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.checking", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--formats", nargs="+", default=FORMATS, choices=FORMATS)
    options = parser.parse_args()
    missed = []
    print(_TABLE.head(""))
    with tempfile.TemporaryDirectory(prefix="engagevoice-checking-") as name:
        folder = Path(name)
        unpack_release(folder / "release")
        for format in options.formats:
            growth = []
            for rows in (options.rows // 10, options.rows):
                path = folder / f"list.{format}"
                write(path, rows)
                turns = [
                    (measure(folder / "release", path, rows), measure(ROOT, path, rows)) for _ in range(TURNS)
                ]
                old, new = (
                    tuple(min(values) for values in zip(*one, strict=True))
                    for one in zip(*turns, strict=True)
                )
                ratio = old[0] / new[0]
                growth.append((old[1], new[1]))
                values = [f"{rows:,}", f"{rows / old[0]:,.0f}", f"{rows / new[0]:,.0f}", f"{ratio:.2f}"]
                print(_TABLE.row(format, [*values, f"{old[1]:.0f}", f"{new[1]:.0f}"]), flush=True)
            if ratio < 1:
                missed.append(f"{format}: {ratio:.2f} of the speed")
            if growth[1][1] - growth[0][1] > growth[1][0] - growth[0][0] + 5:
                missed.append(f"{format}: more memory for more rows")
    print(
        f"MISSED: {'; '.join(missed)}" if missed else "met: at least as fast per CPU second, memory as flat"
    )
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
