"""A store for the processes of a user on one host: a directory with small files, locks and SQLite.

Permits are counted in the database. Its instants are those of ``clock.monotonic``, which all processes of a
host share and which cannot be set.
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from pyrate_limiter import AbstractBucket, RateItem, SQLiteBucket, SQLiteQueries
from pyrate_limiter import Rate as LibraryRate

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import NoHomeError, TokenStoreError
from airflow_provider_engagevoice.stores import Rate, Store

#: Values not written for this long are removed.
_STALE_SECONDS = 7 * 86_400
#: Names of values, by the keys that this package uses.
_VALUE = re.compile(r"[0-9a-f]{64,}\.value")
#: Marks a directory that this package made. Nothing is deleted in any other one.
_MARK = ".made-by-airflow-provider-engagevoice"


def default_directory() -> Path:
    """Return the directory the processes of a user share (under ``XDG_CACHE_HOME``, else ``~/.cache``).

    :raises NoHomeError: if there is neither
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        cache = Path(base) if os.path.isabs(base) else Path("~/.cache").expanduser()
    except RuntimeError:
        raise NoHomeError(
            f"token_store=file needs a home directory, and user id {os.getuid()} has none: set HOME or "
            "XDG_CACHE_HOME, or token_store to file:///directory"
        ) from None
    return cache / "airflow-provider-engagevoice"


class FileStore(Store):
    """A store in a directory of the user, whose files no other user can read (mode 0600)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.label = f"files in {directory}"
        self._database = "budgets.sqlite3"
        self._permits = SqlitePermits(directory / self._database, self._make_directory)

    def read(self, key: str) -> tuple[bytes, float] | None:
        with self._errors_typed():
            self._make_directory()
            try:
                head, _, value = self._value(key).read_bytes().partition(b"\n")
            except FileNotFoundError:
                return None
        try:
            written, seconds = map(float, head.split())
        except ValueError:
            return None
        age = clock.time() - written
        # Written in the future: the clock was set back, so the age is unknown.
        return (value, age) if 0 <= age < seconds else None

    def write(self, key: str, value: bytes, seconds: float) -> None:
        with self._errors_typed():
            self._make_directory()
            target = self._value(key)
            descriptor, name = tempfile.mkstemp(dir=self._directory, prefix=".")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(f"{clock.time()} {seconds}\n".encode() + value)
                os.replace(name, target)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise
            self._remove_stale()

    @contextmanager
    def lock(self, key: str, seconds: float) -> Iterator[None]:
        with self._errors_typed():
            self._make_directory()
            # Not thread-local: a generator that holds the lock may be closed by another thread.
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

    def acquire(self, key: str, rates: tuple[Rate, ...]) -> float:
        with self._errors_typed():
            seconds = self._permits.acquire(key, rates)
        assert seconds is not None
        return seconds

    def acquire_nowait(self, key: str, rates: tuple[Rate, ...]) -> float | None:
        with self._errors_typed():
            return self._permits.acquire(key, rates, wait=False)

    def give_back(self, key: str, rates: tuple[Rate, ...]) -> None:
        with self._errors_typed():
            self._permits.give_back(key, rates)

    def pause(self, key: str, seconds: float) -> None:
        with self._errors_typed():
            self._permits.pause(key, seconds)

    def _value(self, key: str) -> Path:
        return self._directory / f"{key}.value"

    def _make_directory(self) -> None:
        try:
            self._directory.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            pass
        else:
            (self._directory / _MARK).touch(mode=0o600)
        status = self._directory.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise TokenStoreError(
                f"{self.label}: the directory must belong to user {os.geteuid()} and be writable by that "
                f"user alone; it belongs to user {status.st_uid} and has mode {status.st_mode & 0o777:o}",
                retryable=False,
            )

    def _remove_stale(self) -> None:
        before = clock.time() - _STALE_SECONDS
        with self._own_files() as folder:
            for name in () if folder is None else os.listdir(folder):
                if _VALUE.fullmatch(name):
                    self._remove(folder, name, before)

    @contextmanager
    def _own_files(self) -> Iterator[int | None]:
        """Open the directory for deletions; give None if this package has not made it, or for a symlink."""
        folder = None
        try:
            with suppress(OSError):
                folder = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                if not _is_file(folder, _MARK):
                    os.close(folder)
                    folder = None
            yield folder
        finally:
            if folder is not None:
                os.close(folder)

    @staticmethod
    def _remove(folder: int | None, name: str, before: float = float("inf")) -> bool:
        """Remove a file that was not written since ``before``; return whether it was removed."""
        with suppress(OSError):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode) and status.st_mtime < before:
                os.unlink(name, dir_fd=folder)
                return True
        return False

    def _remove_database(self) -> bool:
        """Remove a damaged database; it holds only the permits of about a minute."""
        self._permits.forget()
        with self._own_files() as folder:
            if folder is None:
                return False
            removed = [self._remove(folder, self._database + suffix) for suffix in ("", "-wal", "-shm")]
            return removed[0]

    @contextmanager
    def _errors_typed(self) -> Iterator[None]:
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
            if self._remove_database():
                raise TokenStoreError(f"{self.label}: {error}; the database was removed") from None
            raise TokenStoreError(
                f"{self.label}: {error}; {self._directory / self._database} is damaged, or not a database of "
                "this package: remove it, or set token_store to another directory",
                retryable=False,
            ) from None


def _is_file(folder: int, name: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


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
