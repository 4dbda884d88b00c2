"""Errors of lead lists and of the files that a load writes."""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_engagevoice.exceptions import EngageVoiceError


class BadSourceError(EngageVoiceError, ValueError):
    """A source is damaged or not a lead list. Nothing has been sent.

    :param what: what is wrong and what would be right
    :param source: name of the file, query or records
    :param row: row or line number, from 1; None if the error is about the whole source
    :param column: name of the column, or its number if it has no name
    """

    def __init__(
        self, what: str, *, source: str, row: int | None = None, column: str | int | None = None
    ) -> None:
        location = source
        if row is not None:
            location += f", row {row}"
        if column is not None:
            location += f", column {column!r}"
        super().__init__(f"{location}: {what}")
        self.what = what
        self.source = source
        self.row = row
        self.column = column


class MisreadFileError(EngageVoiceError):
    """The server does not read a lead file as it was written.

    :param what: what it reads, and how
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"the server misreads the lead file: {what}; use method='direct'")


class NoRoomError(EngageVoiceError):
    """A file cannot be written, most likely because the disk is full.

    Retryable: another worker may have room, or this one may have room later.
    """

    retryable = True


#: The disk is full, or the quota of a user or a process is exceeded.
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def writing_temporary_files() -> Iterator[None]:
    """Raise failures to write temporary files as :class:`NoRoomError`."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        # None if Python has found no writable folder.
        folder = tempfile.tempdir or "temporary files"
        raise NoRoomError(
            f"{folder}: cannot write the temporary files of a load ({error}); nothing has been sent. Free "
            "disk space, or set the environment variable TMPDIR to a folder with more: a million leads need "
            "half a GiB"
        ) from error


@contextmanager
def writing_rejects(path: object) -> Iterator[None]:
    """Raise a full disk as :class:`NoRoomError`; other errors of the storage pass through.

    :param path: of the rejects
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        raise NoRoomError(
            f"{path}: cannot write the rejects ({error}); free disk space, or change rejects_path"
        ) from error
