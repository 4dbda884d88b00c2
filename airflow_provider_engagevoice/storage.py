"""Files on object storage, or on a disk."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, cast

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_engagevoice.exceptions import StorageError

#: Another try cannot help.
_NO_ACCESS = (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError)


def open_path(path: str, conn_id: str | None) -> ObjectStoragePath:
    """Return a path of object storage, or of a disk.

    :raises StorageError: if Airflow has no storage for it
    """
    try:
        found = ObjectStoragePath(path, conn_id=conn_id)
        # The storage is looked up here.
        _ = found.fs
    except (ImportError, ValueError) as error:
        raise StorageError(path, error) from None
    return found


def markdown_path(path: str) -> str:
    """Return where the Markdown of a JSON file is: beside it."""
    return path.removesuffix(".json") + ".md"


def path_in(folder: str, path: str) -> str:
    """Return a path; a relative one on a disk is in a folder."""
    return path if "://" in path else os.path.join(folder, path)


@contextmanager
def new_file(path: str, conn_id: str | None) -> Iterator[IO[bytes]]:
    """Write a file that appears only when the ``with`` block has succeeded.

    It is written under a temporary name and then moved, in place of any existing file.

    :param path: on object storage
    :param conn_id: connection of the storage
    :raises StorageError: if Airflow has no storage for it, or it may not be written
    """
    target = open_path(path, conn_id)
    part = open_path(f"{path}.part", conn_id)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:  # type: ignore[no-untyped-call]
            yield cast("IO[bytes]", file)
        target.fs.mv(part.path, target.path)
    except _NO_ACCESS as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StorageError(path, error) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class ObjectStorage:
    """Texts on object storage.

    :param conn_id: connection of the storage
    """

    def __init__(self, conn_id: str | None = None) -> None:
        self._conn_id = conn_id

    def read(self, path: str) -> str | None:
        """Return the text of a file, None if it does not exist.

        :raises StorageError: if Airflow has no storage for it, or it may not be read
        """
        try:
            text: str = open_path(path, self._conn_id).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except _NO_ACCESS as error:
            raise StorageError(path, error) from None
        return text

    def write(self, path: str, text: str) -> None:
        """Write a file completely, or not at all."""
        with new_file(path, self._conn_id) as file:
            file.write(text.encode())
