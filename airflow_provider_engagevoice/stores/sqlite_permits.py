"""Permits of all processes of a host, counted in a SQLite database.

Instants are those of ``clock.monotonic``, which all processes of a host share and which cannot be set.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from filelock import FileLock
from pyrate_limiter import AbstractBucket, RateItem, SQLiteBucket, SQLiteQueries
from pyrate_limiter import Rate as LibraryRate

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.stores import Rate


def library_rates(rates: tuple[Rate, ...]) -> list[LibraryRate]:
    """Return ``rates`` as the library requires: longer windows have more permits, and each rate binds."""
    kept: list[Rate] = []
    for rate in sorted(rates, key=lambda rate: (rate.seconds, rate.permits)):
        while kept and kept[-1].permits >= rate.permits:
            kept.pop()
        if not kept or rate.permits / rate.seconds <= kept[-1].permits / kept[-1].seconds:
            kept.append(rate)
    return [LibraryRate(rate.permits, round(rate.seconds * 1000)) for rate in kept]


def acquire(bucket: AbstractBucket, now: int) -> float:
    """Acquire a permit and return 0, or return seconds until one may be free.

    :param now: milliseconds by the bucket's clock
    """
    item = RateItem("", now)
    if bucket.put(item):
        return 0.0
    wait = bucket.waiting(item)
    assert isinstance(wait, int)
    return max(wait, 1) / 1000


#: Seconds a process waits for the database, which each process locks for a fraction of a millisecond.
_BUSY_SECONDS = 10
#: Permits acquired between two removals of those outside their windows.
_LEAK_EVERY = 50


class SqlitePermits:
    """Permits and pauses of all rate limits, in one database.

    :param make_directory: called before the database is created

    Raises ``sqlite3.Error`` and ``OSError``.
    """

    def __init__(self, path: Path, make_directory: Callable[[], None]) -> None:
        self._path = path
        self._make_directory = make_directory
        self._guard = threading.Lock()
        self._buckets: dict[tuple[str, tuple[Rate, ...], bool], SQLiteBucket] = {}
        self._owner = os.getpid()
        self._acquired = 0

    def acquire(self, key: str, rates: tuple[Rate, ...], *, wait: bool = True) -> float | None:
        """Acquire a permit and return 0, or return seconds until one may be free.

        :param wait: False returns None if another thread or process has the database locked
        """
        if not self._guard.acquire(blocking=wait):
            return None
        try:
            bucket = self._bucket(key, rates, wait=wait)
            if bucket is None:
                return None
            conn: sqlite3.Connection = bucket.conn
            conn.execute("BEGIN IMMEDIATE")
            try:
                return self._acquire(bucket, key)
            finally:
                # The library commits each permit, which ends the transaction too.
                if conn.in_transaction:
                    conn.commit()
        except sqlite3.OperationalError as error:
            if wait or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return None
        finally:
            self._guard.release()

    def give_back(self, key: str, rates: tuple[Rate, ...]) -> None:
        """Give back the oldest permit that still counts."""
        window = max(rate.seconds for rate in rates)
        oldest = (
            f'SELECT rowid FROM "{_table(key)}" WHERE item_timestamp >= ? ORDER BY item_timestamp LIMIT 1'
        )
        with self._guard:
            bucket = self._bucket(key, rates, wait=True)
            assert bucket is not None
            query = f'DELETE FROM "{_table(key)}" WHERE rowid IN ({oldest})'
            bucket.conn.execute(query, (int((clock.monotonic() - window) * 1000),))

    def pause(self, key: str, seconds: float) -> None:
        """Grant no permit of ``key`` for ``seconds``; a shorter pause does not end a longer one."""
        self._make_table(key)
        with closing(self._connect(wait=True)) as conn:
            conn.execute("BEGIN IMMEDIATE")
            now = clock.monotonic()
            if self._pause_left(conn, key, now) < seconds:
                conn.execute("INSERT OR REPLACE INTO pauses VALUES (?, ?, ?)", (key, now, now + seconds))
            conn.execute("COMMIT")

    def forget(self) -> None:
        """Open the database again when it is next needed."""
        self._buckets.clear()

    def _acquire(self, bucket: SQLiteBucket, key: str) -> float:
        now = clock.monotonic()
        if (left := self._pause_left(bucket.conn, key, now)) > 0:
            return left
        milliseconds = int(now * 1000)
        wait = acquire(bucket, milliseconds)
        if wait > 0 and self._remove_future(bucket, milliseconds):
            wait = acquire(bucket, milliseconds)
        if wait == 0:
            self._acquired += 1
            if self._acquired % _LEAK_EVERY == 0:
                bucket.leak(milliseconds)
        return wait

    @staticmethod
    def _pause_left(conn: sqlite3.Connection, key: str, now: float) -> float:
        # A pause that starts in the future was set before the host restarted.
        query = "SELECT until FROM pauses WHERE key = ? AND since <= ?"
        row = conn.execute(query, (key, now + 1)).fetchone()
        return 0.0 if row is None else float(row[0]) - now

    @staticmethod
    def _remove_future(bucket: SQLiteBucket, now: int) -> int:
        """Remove permits acquired before the host restarted; return their number."""
        query = f'DELETE FROM "{bucket.table}" WHERE item_timestamp > ?'
        return bucket.conn.execute(query, (now + 1000,)).rowcount

    def _bucket(self, key: str, rates: tuple[Rate, ...], *, wait: bool) -> SQLiteBucket | None:
        """Return a bucket whose connection waits for the database or not; None if it is yet to be created."""
        if self._owner != os.getpid():
            # SQLite forbids using a connection on both sides of a fork; the parent's stays untouched.
            self._inherited, self._buckets, self._owner = self._buckets, {}, os.getpid()
        bucket = self._buckets.get((key, rates, wait))
        if bucket is None:
            if wait:
                self._make_table(key)
            elif (key, rates, True) not in self._buckets:
                return None
            bucket = SQLiteBucket(library_rates(rates), self._connect(wait=wait), _table(key))
            self._buckets[key, rates, wait] = bucket
        return bucket

    def _make_table(self, key: str) -> None:
        self._make_directory()
        with FileLock(f"{self._path}.lock", mode=0o600, timeout=_BUSY_SECONDS):
            self._path.touch(mode=0o600)
            with closing(self._connect(wait=True)) as conn:
                conn.execute("PRAGMA journal_mode = WAL")
                conn.execute(
                    "CREATE TABLE IF NOT EXISTS pauses (key TEXT PRIMARY KEY, since REAL, until REAL)"
                )
                # Without the library's index: a window has few rows, and each page written costs time.
                conn.execute(SQLiteQueries.CREATE_BUCKET_TABLE.format(table=_table(key)))

    def _connect(self, *, wait: bool) -> sqlite3.Connection:
        seconds = _BUSY_SECONDS if wait else 0
        conn = sqlite3.connect(self._path, timeout=seconds, isolation_level=None, check_same_thread=False)
        # A process crash damages nothing; a host crash loses the counts of about a minute.
        conn.execute("PRAGMA synchronous = OFF")
        return conn


def _table(key: str) -> str:
    return f"permits_{key}"
