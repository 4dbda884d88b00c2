"""What is wrong with a lead list."""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_engagevoice.exceptions import EngageVoiceError


class BadSourceError(EngageVoiceError, ValueError):
    """A source is damaged, or is not what it is taken for; nothing has been sent.

    :param what: what is wrong, and what would be right
    :param source: name of the file, query or records
    :param row: number of the row, as a person finds it; None when it is about the whole
    :param column: name of the column, or its number where it has none
    """

    def __init__(
        self, what: str, *, source: str, row: int | None = None, column: str | int | None = None
    ) -> None:
        place = source
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column {column!r}"
        super().__init__(f"{place}: {what}")
        self.what = what
        self.source = source
        self.row = row
        self.column = column


class MisreadFileError(EngageVoiceError):
    """The server reads a file of leads otherwise than it was written.

    :param what: what of the file it reads, and as what
    """

    def __init__(self, what: str) -> None:
        super().__init__(f'the server reads the file of leads otherwise: {what}; use method="direct"')


class NoRoomError(EngageVoiceError):
    """A file cannot be written: the disk is full, most likely.

    It may be tried again: others need not be full, and this one may have room by then.
    """

    retryable = True


#: The disk is full, or the share of it that a user or a process may have.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def temporary_files() -> Iterator[None]:
    """Write what is held on disk until all of a list is checked.

    :raises NoRoomError: when that fails
    """
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        # Python has found no folder that it can write to when there is None.
        folder = tempfile.tempdir or "temporary files"
        raise NoRoomError(
            f"{folder}: no room for what is held there until all of it is checked ({error}); nothing "
            "has been sent. Make room, or set the environment variable TMPDIR to a folder that has some: "
            "half a GiB for a million leads"
        ) from error


@contextmanager
def file_of_rejects(path: object) -> Iterator[None]:
    """Write rejects.

    :param path: where, on storage of any kind
    :raises NoRoomError: when that is a disk, and full; other errors of the storage stay what they are
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise NoRoomError(
            f"{path}: no room for the rejects ({error}); make room, or have rejects name another place"
        ) from error
