"""One SQLite connection for all threads, with the tables of the sandbox."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS dial_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS campaigns (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account_id TEXT NOT NULL, dial_group_id INTEGER NOT NULL,
    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS campaigns_of_group ON campaigns (dial_group_id);
CREATE TABLE IF NOT EXISTS history (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, request_id TEXT NOT NULL, op TEXT NOT NULL,
    account_id TEXT NOT NULL, dial_group_id INTEGER NOT NULL, campaign_id INTEGER NOT NULL,
    name TEXT NOT NULL, is_active INTEGER NOT NULL, start_date TEXT NOT NULL, end_date TEXT NOT NULL,
    deleted INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, expires REAL, slide REAL);
"""
_TABLES: Final = ("dial_groups", "campaigns", "history", "tokens")


class Database:
    """Short transactions, one at a time.

    :param path: the file; None keeps all in memory
    """

    def __init__(self, path: str | None) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None, timeout=10
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A killed sandbox loses nothing by this; only a machine that loses its power does.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the database; commit at the end, or undo everything if an exception leaves the block."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Run a statement and return what it finds."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def insert(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run an INSERT and return the id of the new row."""
        with self._lock:
            return int(self._connection.execute(statement, values).lastrowid or 0)

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run an UPDATE or DELETE and return how many rows it met."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def clear(self) -> None:
        """Empty all tables; ids start anew."""
        with self.transaction():
            for table in (*_TABLES, "sqlite_sequence"):
                self._connection.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
