"""Temporary files with the leads of a load."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from airflow_provider_engagevoice.exceptions import NoRoomError


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


class TemporaryFile:
    """Base of what keeps data in a temporary file, until the end of its ``with`` block.

    :param prefix: of its name
    :raises NoRoomError: if it cannot be made
    """

    @writing_temporary_files()
    def __init__(self, prefix: str) -> None:
        self._file = tempfile.TemporaryFile(prefix=prefix)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A write that failed before fails again here; that error has been raised already.
        with suppress(OSError):
            self._file.close()
