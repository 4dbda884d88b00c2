"""Files on object storage that are written completely or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
