"""How fast lists are read in each format, and in how much memory, beside pandas on the same files.

Rows per second of processor time, of all threads, so that other work of the machine does not count. Every
measurement is a separate process. *Read* turns each cell into a Python value, a batch at a time; pandas reads
the whole list as text. *Checked* is what a load does before it sends: read, validate, deduplicate.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from airflow_provider_engagevoice.leads.mapping import read_mapping
from airflow_provider_engagevoice.leads.sources import open_source
from airflow_provider_engagevoice.leads.sources.base import Source, read_table
from airflow_provider_engagevoice.leads.validate import LeadValidator
from tests.benchmarks.table import Table
from tests.integration.leads.throughput import COLUMNS, peak_kibibytes, rows, write

ROWS = 1_000_000
EXCEL_ROWS = 100_000
#: Suffix of the file of each format.
FORMATS = {
    "CSV": "csv",
    "TSV": "tsv",
    "JSON Lines": "jsonl",
    "Parquet": "parquet",
    "Excel": "xlsx",
    "SQL": "sqlite",
}
_FETCH = 2000
_QUERY = "SELECT * FROM leads"


def write_list(path: Path, count: int) -> None:
    """Write a list in the format of the path's suffix."""
    if path.suffix == ".xlsx":
        import openpyxl

        workbook = openpyxl.Workbook(write_only=True)
        sheet = workbook.create_sheet()
        for row in (COLUMNS, *rows(count)):
            sheet.append(row)
        workbook.save(path)
    elif path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(f"CREATE TABLE leads ({', '.join(f'{name} TEXT' for name in COLUMNS)})")
            database.executemany(f"INSERT INTO leads VALUES ({', '.join('?' * len(COLUMNS))})", rows(count))
    else:
        write(path, count)


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open a list as a load does."""
    if path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as database:
            cursor = database.execute(_QUERY)
            names = [column[0] for column in cursor.description]
            yield read_table(
                names, (row for some in iter(lambda: cursor.fetchmany(_FETCH), []) for row in some)
            )
    else:
        with path.open("rb") as file:
            yield open_source(file, path.name)


def read(path: Path) -> int:
    """Turn each cell into a Python value; return the number of rows."""
    count = 0
    with opened(path) as source:
        for batch in source.batches(dict.fromkeys(COLUMNS, "extendedLeadData")):
            for column in COLUMNS:
                batch.cells(column)
            count += len(batch.numbers)
    return count


def check(path: Path) -> int:
    """Validate each row; return the number of rows."""
    plan = read_mapping({"mobile": "leadPhone"})
    with opened(path) as source, LeadValidator(plan, time_zone_option="NPA_NXX") as validator:
        for _ in validator.read(source):
            pass
    return validator.report.rows


def read_by_pandas(path: Path) -> int:
    """Read the list with pandas; return the number of rows."""
    import pandas

    readers: Mapping[str, Callable[[], Any]] = {
        ".csv": lambda: pandas.read_csv(path, dtype=str, keep_default_na=False),
        ".tsv": lambda: pandas.read_csv(path, sep="\t", dtype=str, keep_default_na=False),
        ".jsonl": lambda: pandas.read_json(path, lines=True, dtype=False, convert_dates=False),
        ".parquet": lambda: pandas.read_parquet(path),
        ".xlsx": lambda: pandas.read_excel(path, dtype=str, keep_default_na=False),
    }
    if path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as database:
            return len(pandas.read_sql(_QUERY, database))
    return len(readers[path.suffix]())


WAYS: Mapping[str, Callable[[Path], int]] = {"read": read, "pandas": read_by_pandas, "checked": check}


def measure(way: str, path: Path, count: int) -> dict[str, float]:
    """Read a list; return rows per second of processor time, and the MiB above the idle process."""
    for module in (
        "pyarrow.parquet",
        "openpyxl",
        "python_calamine",
        *(["pandas"] if way == "pandas" else []),
    ):
        importlib.import_module(module)
    idle = peak_kibibytes()
    began = time.process_time()
    found = WAYS[way](path)
    seconds = time.process_time() - began
    if found != count:
        raise RuntimeError(f"{way} {path}: {found} of {count} rows")
    return {"rate": count / seconds, "mib": (peak_kibibytes() - idle) / 1024}


def measure_apart(way: str, path: Path, count: int) -> dict[str, float]:
    """Measure in a separate process."""
    command = [sys.executable, "-m", "tests.benchmarks.reading", "--measure", way, str(path)]
    done = subprocess.run([*command, "--rows", str(count)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


_TABLE = Table(
    12,
    ("rows", 10),
    ("read/s", 10),
    ("pandas/s", 10),
    ("ratio", 7),
    ("checked/s", 11),
    ("read MiB", 10),
    ("pandas MiB", 12),
    ("checked MiB", 13),
)


def _shown(name: str, count: int, figures: Mapping[str, Mapping[str, float]]) -> str:
    ours, checked, pandas = figures["read"], figures["checked"], figures.get("pandas")
    values = [
        f"{count:,}",
        f"{ours['rate']:,.0f}",
        f"{pandas['rate']:,.0f}" if pandas else "",
        f"{ours['rate'] / pandas['rate']:.2f}" if pandas else "",
        f"{checked['rate']:,.0f}",
        f"{ours['mib']:.0f}",
        f"{pandas['mib']:.0f}" if pandas else "",
        f"{checked['mib']:.0f}",
    ]
    return _TABLE.row(name, values)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.reading")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of each list (%(default)s)")
    parser.add_argument("--excel-rows", type=int, default=EXCEL_ROWS, help="rows of a workbook (%(default)s)")
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "PATH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        way, path = given.measure
        print(json.dumps(measure(way, Path(path), given.rows)))
        return
    ways = [way for way in WAYS if way != "pandas" or importlib.util.find_spec("pandas") is not None]
    if "pandas" not in ways:
        print("pandas is not installed, and is omitted: tests/benchmarks/requirements.txt")
    print(_TABLE.head(""), flush=True)
    with tempfile.TemporaryDirectory(prefix="engagevoice-lists-") as folder:
        for name, suffix in FORMATS.items():
            path = Path(folder) / f"list.{suffix}"
            count = given.excel_rows if suffix == "xlsx" else given.rows
            write_list(path, count)
            print(_shown(name, count, {way: measure_apart(way, path, count) for way in ways}), flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
