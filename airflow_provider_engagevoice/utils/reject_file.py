"""The file of rejected rows, on object storage."""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_engagevoice.exceptions import NoRoomError
from airflow_provider_engagevoice.leads.report import Reject, RejectKind
from airflow_provider_engagevoice.leads.writers.rejects import WRITTEN, open_rejects
from airflow_provider_engagevoice.models.phone import hide_phones
from airflow_provider_engagevoice.storage import open_path

if TYPE_CHECKING:
    from airflow_provider_engagevoice.leads.loading.loader import RejectedLead
    from airflow_provider_engagevoice.leads.mapping import MappingPlan
    from airflow_provider_engagevoice.leads.sources.base import Source

#: The disk is full, or the quota of a user or a process is exceeded.
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


log = logging.getLogger(__name__)


class RejectFile:
    """Rows rejected by the validation and leads rejected by the server, in one file.

    The server's rejects are saved in one small file per chunk until the load is finished, so that those of a
    killed attempt are not lost.

    :param path: on object storage; None writes no file
    :param conn_id: connection of the storage
    :param plan: the mapping of the source's columns
    :raises NoRoomError: if the storage is a disk, and full
    """

    def __init__(self, path: str | None, conn_id: str | None, plan: MappingPlan) -> None:
        self._path: Any = None if path is None else open_path(path, conn_id)
        self._parts: Any = None if path is None else open_path(f"{path}.parts", conn_id)
        self._plan = plan
        #: Returns what the rows of a chunk have besides their leads; given its index.
        self.added: Callable[[int], Mapping[str, object]] = lambda index: {}
        self._stack = ExitStack()
        self._source: Source | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with writing_rejects(self._path):
            self._stack.close()

    def start(self, source: Source) -> None:
        """Create the file with the columns of the first source, which later sources share."""
        if self._path is None or self._source is not None:
            return
        self._source = source
        with writing_rejects(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._stack.enter_context(self._path.open("wb"))
        self._writer = self._stack.enter_context(open_rejects(file, source, format=_format(self._path.name)))

    def write(self, reject: Reject) -> None:
        """Write a row rejected by the validation."""
        if self._writer is not None:
            with writing_rejects(self._path):
                self._writer.write(reject)

    def save(self, index: int, leads: Sequence[RejectedLead]) -> None:
        """Save leads of a chunk that the server rejected until the load is finished."""
        for lead in leads[:3]:
            log.warning("the server rejected row %d: %s", lead.row, hide_phones(lead.reason))
        if self._parts is not None:
            added = self.added(index)
            text = json.dumps([[lead.row, lead.body, lead.reason, added] for lead in leads])
            with writing_rejects(self._parts):
                self._parts.mkdir(parents=True, exist_ok=True)
                (self._parts / f"{index}.json").write_text(text)

    def finish(self) -> str | None:
        """Write the server's rejects of all attempts, and return the path."""
        if self._path is None or self._source is None:
            return None
        parts = sorted(self._parts.iterdir(), key=lambda part: int(part.stem)) if self._parts.exists() else []
        for part in parts:
            for row, body, reason, *added in json.loads(part.read_text()):
                record = self._plan.record_of(body, self._source)
                for more in added:
                    record |= more
                self.write(Reject(self._source.name, row, None, "", "", reason, RejectKind.BAD, None, record))
        with writing_rejects(self._path):
            self._stack.close()
        if parts:
            self._parts.rmdir(recursive=True)
        return str(self._path)


def _format(name: str) -> str | None:
    suffix = name.lower().rpartition(".")[2]
    return suffix if suffix in WRITTEN else None


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
