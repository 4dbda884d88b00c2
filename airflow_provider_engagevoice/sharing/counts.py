"""Counting the requests of all processes of a host, in a SQLite database."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock
from pyrate_limiter import SQLiteBucket, SQLiteQueries

from airflow_provider_engagevoice.sharing.buckets import counted, take
from airflow_provider_engagevoice.sharing.place import Rate

#: Seconds a process waits for others to finish counting, which takes each a fraction of a millisecond.
_BUSY_SECONDS = 10
#: Every so many permits those that have left their windows are removed.
_LEAK_EVERY = 50


class RequestCounts:
    """Permits and pauses of all budgets, in one database.

    :param make_directory: called before it is opened

    Raises ``sqlite3.Error`` and ``OSError``.
    """

    def __init__(self, path: Path, make_directory: Callable[[], None]) -> None:
        self._path = path
        self._make_directory = make_directory
        self._guard = threading.Lock()
        self._buckets: dict[tuple[str, tuple[Rate, ...]], SQLiteBucket] = {}
        self._owner = os.getpid()
        self._taken = 0

    def take(self, key: str, rates: tuple[Rate, ...]) -> float:
        """Take a permit and return 0, or return seconds until one may be free."""
        with self._guard:
            bucket = self._bucket(key, rates)
            with _transaction(bucket.conn):
                return self._take(bucket, key)

    def take_now(self, key: str, rates: tuple[Rate, ...]) -> float | None:
        """As :meth:`take`; None when another thread or process is counting just now."""
        bucket = self._buckets.get((key, rates))
        if bucket is None or self._owner != os.getpid() or not self._guard.acquire(blocking=False):
            return None
        try:
            bucket.conn.execute("PRAGMA busy_timeout = 0")
            with _transaction(bucket.conn):
                return self._take(bucket, key)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                return None
            raise
        finally:
            bucket.conn.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
            self._guard.release()

    def pause(self, key: str, rates: tuple[Rate, ...], seconds: float) -> None:
        """Let nobody take a permit of ``key`` for so many seconds."""
        with self._guard:
            conn = self._bucket(key, rates).conn
            now = time.time()
            with _transaction(conn):
                if self._pause_left(conn, key, now) < seconds:
                    conn.execute("INSERT OR REPLACE INTO pauses VALUES (?, ?, ?)", (key, now, now + seconds))

    def remove(self) -> None:
        """Remove a database that is damaged: what it counted is a minute's worth."""
        self._buckets.clear()
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                os.unlink(f"{self._path}{suffix}")

    def _take(self, bucket: SQLiteBucket, key: str) -> float:
        now = time.time()
        if (left := self._pause_left(bucket.conn, key, now)) > 0:
            return left
        milliseconds = int(now * 1000)
        wait = take(bucket, milliseconds)
        if wait > 0 and self._remove_future(bucket, milliseconds):
            wait = take(bucket, milliseconds)
        if wait == 0:
            self._taken += 1
            if self._taken % _LEAK_EVERY == 0:
                bucket.leak(milliseconds)
        return wait

    @staticmethod
    def _pause_left(conn: sqlite3.Connection, key: str, now: float) -> float:
        # A pause that begins in the future was set before somebody set the clock back.
        query = "SELECT until FROM pauses WHERE key = ? AND since <= ?"
        row = conn.execute(query, (key, now)).fetchone()
        return 0.0 if row is None else float(row[0]) - now

    @staticmethod
    def _remove_future(bucket: SQLiteBucket, now: int) -> int:
        """Remove permits that were taken before somebody set the clock back; return how many."""
        query = f'DELETE FROM "{bucket.table}" WHERE item_timestamp > ?'
        return bucket.conn.execute(query, (now + 1000,)).rowcount

    def _bucket(self, key: str, rates: tuple[Rate, ...]) -> SQLiteBucket:
        if self._owner != os.getpid():
            # SQLite forbids to use a connection on both sides of a fork; the parent's stays untouched.
            self._inherited, self._buckets, self._owner = self._buckets, {}, os.getpid()
        bucket = self._buckets.get((key, rates))
        if bucket is None:
            bucket = self._buckets[key, rates] = self._open(key, rates)
        return bucket

    def _open(self, key: str, rates: tuple[Rate, ...]) -> SQLiteBucket:
        self._make_directory()
        with FileLock(f"{self._path}.lock", mode=0o600, timeout=_BUSY_SECONDS):
            self._path.touch(mode=0o600)
            conn = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            conn.execute("PRAGMA journal_mode = WAL")
            # A process that dies damages nothing; a host that does loses a minute's worth of counts.
            conn.execute("PRAGMA synchronous = OFF")
            conn.execute("CREATE TABLE IF NOT EXISTS pauses (key TEXT PRIMARY KEY, since REAL, until REAL)")
            table = f"permits_{key}"
            # Without the library's index: a window has few rows, and each page written costs.
            conn.execute(SQLiteQueries.CREATE_BUCKET_TABLE.format(table=table))
        return SQLiteBucket(counted(rates), conn, table)


@contextmanager
def _transaction(conn: sqlite3.Connection) -> Iterator[None]:
    """Let one process at a time count. The library commits a permit by itself, which ends it, too."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        if conn.in_transaction:
            conn.commit()
