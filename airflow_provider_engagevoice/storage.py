"""Files on object storage, or on a disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, cast

from airflow.providers.common.compat.sdk import ObjectStoragePath


@contextmanager
def new_file(path: str, conn_id: str | None) -> Iterator[IO[bytes]]:
    """Write a file that appears only when the ``with`` block has succeeded.

    It is written under a temporary name and then moved, in place of any existing file.

    :param path: on object storage
    :param conn_id: connection of the storage
    """
    target = ObjectStoragePath(path, conn_id=conn_id)
    part = ObjectStoragePath(f"{path}.part", conn_id=conn_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("wb") as file:  # type: ignore[no-untyped-call]
            yield cast("IO[bytes]", file)
        target.fs.mv(part.path, target.path)
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
        """Return the text of a file, None if it does not exist."""
        with suppress(FileNotFoundError):
            text: str = ObjectStoragePath(path, conn_id=self._conn_id).read_text(encoding="utf-8")
            return text
        return None

    def write(self, path: str, text: str) -> None:
        """Write a file completely, or not at all."""
        with new_file(path, self._conn_id) as file:
            file.write(text.encode())
