"""Throughput and memory of validating and spooling lists.

``python -m tests.integration.leads.throughput``

Each measurement runs in its own process, so that memory is measured separately.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from airflow_provider_engagevoice.leads.loading.spool import Spool
from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.phones import Phones
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.sources.base import Source, read_records, read_table
from airflow_provider_engagevoice.leads.validate import LeadValidator

FORMATS = ("csv", "tsv", "jsonl", "parquet", "table", "records")
_CHUNK = 500
COLUMNS = (
    "externId",
    "mobile",
    "first_name",
    "last_name",
    "email",
    "address1",
    "city",
    "state",
    "zip",
    "notes",
)


def rows(count: int) -> Iterator[tuple[str, ...]]:
    """Make rows: one phone in ten with punctuation, one with ``+1``, one in two hundred too short."""
    chance = random.Random(7)
    is_plain = Phones("USA").is_plain
    areas = [area for area in range(201, 990) if is_plain(f"{area}2345678")]
    for number in range(count):
        phone = f"{chance.choice(areas)}{chance.randrange(2000000, 9999999)}"
        kind = chance.random()
        if kind < 0.1:
            phone = f"({phone[:3]}) {phone[3:6]}-{phone[6:]}"
        elif kind < 0.2:
            phone = f"+1{phone}"
        elif kind < 0.205:
            phone = phone[:6]
        zip_code = str(chance.randrange(10000, 99999))
        name = "Lovelace, Jr." if number % 50 == 0 else "Lovelace"
        address = (
            "Ada",
            name,
            f"ada{number}@example.com",
            f"{number} Main St",
            "San Francisco",
            "CA",
            zip_code,
        )
        yield (f"C-{number}", phone, *address, "" if number % 3 else "n")


def write(path: Path, count: int) -> None:
    """Write a list in the format of the path's suffix."""
    if path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="") as file:
            writer = csv.writer(file, delimiter="," if path.suffix == ".csv" else "\t")
            writer.writerow(COLUMNS)
            writer.writerows(rows(count))
    elif path.suffix == ".jsonl":
        with path.open("w") as file:
            for row in rows(count):
                file.write(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n")
    elif path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.table(dict(zip(COLUMNS, zip(*rows(count), strict=True), strict=True)))
        pyarrow.parquet.write_table(table, path, row_group_size=count)


def measure(path: Path, count: int) -> dict[str, float]:
    """Validate a list; return rows per second and the MiB used in addition to the idle process."""
    if path.suffix == ".parquet":
        import pyarrow.parquet  # noqa: F401

    idle = peak_kibibytes()
    with path.open("rb") if path.exists() else open("/dev/null", "rb") as file:
        source: Source
        if path.suffix == ".table":
            source = read_table(COLUMNS, rows(count))
        elif path.suffix == ".records":
            source = read_records(dict(zip(COLUMNS, row, strict=True)) for row in rows(count))
        else:
            source = open_source(file, path.name)
        started = time.perf_counter()
        validator = LeadValidator(read_mapping({"mobile": "leadPhone"}), time_zone_option="NPA_NXX")
        with validator, Spool(_CHUNK) as spool:
            for checked in validator.read(source):
                spool.add(checked.numbers, checked.leads)
            spool.finish()
        seconds = time.perf_counter() - started
    assert validator.report.rows == count
    assert sum(chunk.leads for chunk in spool.chunks) == validator.report.leads
    return {"rows_per_second": count / seconds, "mebibytes": (peak_kibibytes() - idle) / 1024}


def peak_kibibytes() -> int:
    """Return the peak memory of this process; ``ru_maxrss`` would include its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0])


def measure_apart(path: Path, count: int) -> dict[str, float]:
    """Measure in a separate process."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.integration.leads.throughput",
            "--measure",
            str(path),
            "--rows",
            str(count),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="+", default=FORMATS, choices=FORMATS)
    parser.add_argument("--measure", type=Path)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.rows)))
        return
    print(f"{'format':<10}{'rows':>12}{'rows/s':>12}{'MiB more':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.formats:
            for count in (options.rows // 100, options.rows):
                path = Path(folder) / f"list.{name}"
                write(path, count)
                found = measure_apart(path, count)
                print(f"{name:<10}{count:>12,}{found['rows_per_second']:>12,.0f}{found['mebibytes']:>12.1f}")
                path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
