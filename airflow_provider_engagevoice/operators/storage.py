"""Files on object storage that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from airflow.providers.common.compat.sdk import ObjectStoragePath


@contextmanager
def new_file(path: str, conn_id: str | None) -> Iterator[IO[bytes]]:
    """Write a file; who looks for it finds it once the ``with`` block has ended well, and never a part of it.

    It is written beside its place and then moved there, over one that is there already.

    :param path: of object storage
    :param conn_id: connection of the storage
    """
    place = ObjectStoragePath(path, conn_id=conn_id)
    part = ObjectStoragePath(f"{path}.part", conn_id=conn_id)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("wb") as file:  # type: ignore[no-untyped-call]
            yield cast("IO[bytes]", file)
        place.fs.mv(part.path, place.path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
