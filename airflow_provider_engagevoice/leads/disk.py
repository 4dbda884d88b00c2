"""What is told when there is no room on a disk for what has to be written."""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_engagevoice.leads.errors import NoRoomError

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
