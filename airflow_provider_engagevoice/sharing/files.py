"""Shared by the processes of a user on one host: a directory of small files, locks and a SQLite database."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from pyrate_limiter import SQLiteBucket

from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.sharing.buckets import counted, take
from airflow_provider_engagevoice.sharing.place import Place, Rate

_DATABASE = "budgets.sqlite3"
#: Seconds a process waits for others to finish counting, which takes each a fraction of a millisecond.
_BUSY_SECONDS = 10
#: Every so many permits those that have left their windows are removed.
_LEAK_EVERY = 50
#: Values that nobody has written for so long are removed.
_FORGOTTEN_SECONDS = 7 * 86_400


def default_directory() -> Path:
    """Return the directory of the user in which processes meet (``XDG_CACHE_HOME``, else ``~/.cache``)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(base) if os.path.isabs(base) else Path("~/.cache").expanduser()
    return cache / "airflow-provider-engagevoice"


class FilePlace(Place):
    """A directory that belongs to the user; what lies in it can be read by nobody else (mode 0600)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.label = f"files in {directory}"
        self._guard = threading.Lock()
        self._buckets: dict[tuple[str, tuple[Rate, ...]], SQLiteBucket] = {}
        self._owner = os.getpid()
        self._taken = 0

    def read(self, key: str) -> tuple[bytes, float] | None:
        with self._problems_told():
            self._make_directory()
            try:
                head, _, value = self._value(key).read_bytes().partition(b"\n")
            except FileNotFoundError:
                return None
        try:
            written, seconds = map(float, head.split())
        except ValueError:
            return None
        age = time.time() - written
        # Written in the future: somebody has set the clock, and nobody knows how old it is.
        return (value, age) if 0 <= age < seconds else None

    def write(self, key: str, value: bytes, seconds: float) -> None:
        with self._problems_told():
            self._make_directory()
            target = self._value(key)
            descriptor, name = tempfile.mkstemp(dir=self._directory, prefix=".")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(f"{time.time()} {seconds}\n".encode() + value)
                os.replace(name, target)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise
            self._remove_forgotten()

    @contextmanager
    def hold(self, key: str, seconds: float) -> Iterator[None]:
        with self._problems_told():
            self._make_directory()
            # Not thread-local: a generator that holds it may be closed by another thread.
            lock = FileLock(self._directory / f"{key}.lock", mode=0o600, thread_local=False)
            try:
                lock.acquire(timeout=max(0.0, seconds))
            except Timeout:
                raise TokenStoreError(
                    f"{self.label}: another process has been signing in for {seconds:.0f} s"
                ) from None
        try:
            yield
        finally:
            lock.release()

    def take(self, key: str, rates: tuple[Rate, ...]) -> float:
        with self._problems_told(), self._guard:
            bucket = self._bucket(key, rates)
            with _transaction(bucket.conn):
                now = time.time()
                row = bucket.conn.execute("SELECT until FROM pauses WHERE key = ?", (key,)).fetchone()
                if row is not None and (left := row[0] - now) > 0:
                    return float(left)
                milliseconds = int(now * 1000)
                wait = take(bucket, milliseconds)
                if wait > 0 and self._remove_future(bucket, milliseconds):
                    wait = take(bucket, milliseconds)
                if wait == 0:
                    self._taken += 1
                    if self._taken % _LEAK_EVERY == 0:
                        bucket.leak(milliseconds)
                return wait

    def pause(self, key: str, rates: tuple[Rate, ...], seconds: float) -> None:
        with self._problems_told(), self._guard:
            conn = self._bucket(key, rates).conn
            with _transaction(conn):
                conn.execute(
                    "INSERT INTO pauses VALUES (?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET until = max(until, excluded.until)",
                    (key, time.time() + seconds),
                )

    @staticmethod
    def _remove_future(bucket: SQLiteBucket, now: int) -> int:
        """Remove permits that were taken before somebody set the clock back; return how many."""
        query = f'DELETE FROM "{bucket.table}" WHERE item_timestamp > ?'
        return bucket.conn.execute(query, (now + 1000,)).rowcount

    def _value(self, key: str) -> Path:
        return self._directory / f"{key}.value"

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
        path = self._directory / _DATABASE
        with FileLock(f"{path}.lock", mode=0o600, timeout=_BUSY_SECONDS):
            path.touch(mode=0o600)
            bucket = SQLiteBucket.init_from_file(counted(rates), table=f"permits_{key}", db_path=str(path))
            conn = bucket.conn
            conn.isolation_level = None
            conn.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
            conn.execute("PRAGMA journal_mode = WAL")
            conn.execute("PRAGMA synchronous = NORMAL")
            conn.execute("CREATE TABLE IF NOT EXISTS pauses (key TEXT PRIMARY KEY, until REAL)")
        return bucket

    def _make_directory(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self._directory.stat()
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise TokenStoreError(
                f"{self.label}: the directory must belong to user {os.geteuid()} and be writable by nobody "
                f"else; it belongs to user {found.st_uid} and has mode {found.st_mode & 0o777:o}",
                retryable=False,
            )

    def _remove_forgotten(self) -> None:
        before = time.time() - _FORGOTTEN_SECONDS
        for path in self._directory.glob("*.value"):
            with suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()

    @contextmanager
    def _problems_told(self) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise TokenStoreError(
                f"{self.label}: no permission ({error.strerror}: {error.filename}); make the directory "
                f"writable for user {os.geteuid()}, or set token_store to another one (file:///directory), "
                "to a Redis URL or to memory",
                retryable=False,
            ) from None
        except (OSError, sqlite3.OperationalError) as error:
            raise TokenStoreError(f"{self.label}: {error}") from None
        except sqlite3.DatabaseError as error:
            # Damaged: what it counted is a minute's worth, so begin anew.
            self._buckets.clear()
            for suffix in ("", "-wal", "-shm"):
                with suppress(OSError):
                    os.unlink(self._directory / f"{_DATABASE}{suffix}")
            raise TokenStoreError(f"{self.label}: {error}; begun anew") from None


@contextmanager
def _transaction(conn: sqlite3.Connection) -> Iterator[None]:
    """Let one process at a time count. The library commits a permit by itself, which ends it, too."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        if conn.in_transaction:
            conn.commit()
