"""Files on object storage that are there whole or not at all."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self, cast

from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_engagevoice.leads.errors import file_of_rejects
from airflow_provider_engagevoice.leads.validate import Reject, RejectKind
from airflow_provider_engagevoice.leads.writers.rejects import open_rejects

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.loading.loader import RefusedLead
    from airflow_provider_engagevoice.leads.mapping import MappingPlan
    from airflow_provider_engagevoice.leads.sources.base import Source


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


log = logging.getLogger(__name__)


class Rejects:
    """Rows that the check rejects and leads that the server refuses, in one file.

    What the server refuses is kept in small files beside it, one for each chunk, until the load is over:
    those of an attempt that was killed are not lost.

    :param path: of object storage; None keeps none of them
    :param conn_id: connection of the storage
    :param plan: which column a lead's field came from
    :raises NoRoomError: when the storage is a disk, and full
    """

    def __init__(self, path: str | None, conn_id: str | None, plan: MappingPlan) -> None:
        self._path: Any = None if path is None else ObjectStoragePath(path, conn_id=conn_id)
        self._parts: Any = None if path is None else ObjectStoragePath(f"{path}.parts", conn_id=conn_id)
        self._plan = plan
        self._stack = ExitStack()
        self._source: Source | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with file_of_rejects(self._path):
            self._stack.close()

    def begin(self, source: Source) -> None:
        """Take the columns of the first source; rows of further ones are written under these."""
        if self._path is None or self._source is not None:
            return
        self._source = source
        with file_of_rejects(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._stack.enter_context(self._path.open("wb"))
        self._writer = self._stack.enter_context(open_rejects(file, source, format=_format(self._path.name)))

    def write(self, reject: Reject) -> None:
        """Write a row that the check rejects."""
        if self._writer is not None:
            with file_of_rejects(self._path):
                self._writer.write(reject)

    def keep(self, index: int, refused: Sequence[RefusedLead]) -> None:
        """Keep leads that the server refuses until the load is over."""
        for one in refused[:3]:
            log.warning("the server refuses row %d: %s", one.row, one.reason)
        if self._parts is not None:
            text = json.dumps([[one.row, one.body, one.reason] for one in refused])
            with file_of_rejects(self._parts):
                self._parts.mkdir(parents=True, exist_ok=True)
                (self._parts / f"{index}.json").write_text(text)

    def finish(self) -> str | None:
        """Write what the server has refused, in all attempts, and return the path."""
        if self._path is None or self._source is None:
            return None
        parts = sorted(self._parts.iterdir(), key=lambda part: int(part.stem)) if self._parts.exists() else []
        for part in parts:
            for row, body, reason in json.loads(part.read_text()):
                record = self._plan.record_of(body, self._source)
                self.write(Reject(self._source.name, row, None, "", "", reason, RejectKind.BAD, None, record))
        with file_of_rejects(self._path):
            self._stack.close()
        if parts:
            self._parts.rmdir(recursive=True)
        return str(self._path)


def _format(name: str) -> str | None:
    suffix = name.lower().rpartition(".")[2]
    return suffix if suffix in ("csv", "tsv", "jsonl", "parquet") else None
