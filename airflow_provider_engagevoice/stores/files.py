"""A store for the processes of a user on one host: a directory with small files, locks and SQLite."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from airflow_provider_engagevoice import clock
from airflow_provider_engagevoice.exceptions import NoHomeError, TokenStoreError
from airflow_provider_engagevoice.stores import Rate, Store
from airflow_provider_engagevoice.stores.sqlite_permits import SqlitePermits

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
