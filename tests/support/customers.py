"""A table of customers in the form that the example ``lead_etl_rollout`` reads."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow
import pyarrow.parquet

#: In each hundred customers, one has opted out and one has an invalid number.
OPTED_OUT, WITHOUT_NUMBER = 7, 42


def write_customers(folder: Path, count: int) -> Path:
    """Write the table and the list of customers who have opted out; return the SQLite file."""
    database = folder / "customers.sqlite"
    with closing(sqlite3.connect(database)) as customers, customers:
        customers.execute(
            "CREATE TABLE customers (id TEXT PRIMARY KEY, first_name TEXT, last_name TEXT, phone TEXT,"
            " city TEXT, result TEXT)"
        )
        customers.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?, ?, NULL)",
            [
                (f"C-{number:05d}", f"Ada{number}", "Lovelace", _phone(number), "San Francisco")
                for number in range(count)
            ],
        )
    out = [f"C-{number:05d}" for number in range(count) if number % 100 == OPTED_OUT]
    pyarrow.parquet.write_table(pyarrow.table({"id": out}), folder / "opted_out.parquet")
    return database


def results(database: Path) -> list[str | None]:
    """Return the result written back for each customer."""
    with closing(sqlite3.connect(database)) as customers:
        return [result for (result,) in customers.execute("SELECT result FROM customers ORDER BY id")]


def _phone(number: int) -> str:
    if number % 100 == WITHOUT_NUMBER:
        return "unknown"
    return f"(415) {200 + number // 10_000}-{number % 10_000:04d}"
